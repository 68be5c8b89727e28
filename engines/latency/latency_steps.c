/* A step as the sum of its parts: everything but attention by tokens in the step, attention of each
 * prompt chunk by (prefix, new tokens), attention of the running sequences by (batch, context).
 *
 * The decomposition is the one AIConfigurator uses for aggregated serving. Where the profile has
 * them: running sequences cost more in a step that also holds a chunk (decode_attn_mixed_ms), and a
 * batch of unequal lengths costs more than one of equal ones: A(mean) + alpha * (A(max) - A(mean))
 * (attn_skew_alpha). Data-parallel ranks share the experts: these work on the tokens of all ranks
 * (step_experts_ms), and collectives last as long as the most tokens need (step_comm_ms). From the
 * second chunk of a step on the fixed cost of an attention call, read at (0, smallest chunk), is
 * not paid again. */
#include "engines/latency/latency.h"

#include <math.h>

#include "engines/latency/curve.h"

struct steps {
    const struct profile *profile;
    struct latency_config config;
    double fixed_factor, token_factor, decode_factor, chunk_factor; /* step_factor included */
    double ranks; /* data-parallel ranks: the batch axis counts the sequences of all of them */
    double chunk_call_ms;        /* fixed cost of one attention call over a chunk */
    struct decode_curve *curves; /* [n_decode - 1], for one rank */
};

const struct latency_model_ops latency_steps;

/* Tokens that a step of so many computes: vLLM captures CUDA graphs of 1, 2, 4, the multiples of 8
 * below 256 and those of 16 from there on. */
static double padded(const struct steps *m, double tokens)
{
    if (tokens > m->config.padded_tokens)
        return tokens;
    double unit = tokens <= 2 ? 1 : tokens <= 4 ? 4 : tokens <= 256 ? 8 : 16;
    return fmin(ceil(tokens / unit) * unit, m->config.padded_tokens);
}

static double curve_of(const struct profile_curve *c, double tokens)
{
    return c->n ? curve_at(c->x, c->value, c->n, tokens) : 0;
}

/* Tokens of this rank, of the one that has most, and of one on the mean. A graph runs on all ranks
 * or on none, and then all of them compute as many tokens. */
static double other_ms(const struct steps *m, double tokens, double most, double mean)
{
    const struct profile *p = m->profile;
    if (most <= m->config.padded_tokens)
        tokens = most = mean = padded(m, most);
    double fixed = p->step_other_ms.value[0], ms = curve_of(&p->step_other_ms, tokens);
    if (mean != tokens)
        ms += curve_of(&p->step_experts_ms, mean) - curve_of(&p->step_experts_ms, tokens);
    if (most != tokens)
        ms += curve_of(&p->step_comm_ms, most) - curve_of(&p->step_comm_ms, tokens);
    return m->fixed_factor * fixed + m->token_factor * (ms - fixed);
}

/* Below the first tabulated context the table goes on, but not below 0, where steep first columns
 * would lead. */
static double decode_attention_ms(const struct steps *m, const struct profile_grid *grid,
                                  double batch, double context_tok)
{
    double first_tok = grid->y[0];
    if (context_tok >= first_tok)
        return m->decode_factor * grid_bilinear(grid, batch, context_tok);
    double at_first = grid_bilinear(grid, batch, first_tok),
           at_0 = fmax(0, grid_bilinear(grid, batch, 0));
    return m->decode_factor * (at_0 + (at_first - at_0) * (context_tok / first_tok));
}

static double host_ms(const struct steps *m, double sequences, double tokens)
{
    return m->config.host_ms_per_step + m->config.host_us_per_seq * 1e-3 * sequences +
           (tokens > m->config.graph_tokens ? m->config.eager_step_ms : 0);
}

/* Fewer new tokens than the smallest tabulated chunk cost what that one does: behind a long prefix
 * the first two columns are so steep that their line would cross zero. */
static double chunk_attention_ms(const struct steps *m, const struct step_chunk *chunk)
{
    const struct profile_grid *grid = &m->profile->chunk_attn_ms;
    double new_tok = fmax(chunk->new_tok, grid->y[0]);
    double ms = grid_bilinear(grid, chunk->prefix_tok, new_tok);
    /* Past the longest tabulated prefix the columns go on with slopes of their own, noise and all:
     * a longer chunk still costs no less than a shorter one. */
    if (chunk->prefix_tok > grid->x[grid->n_x - 1])
        for (size_t k = 0; k < grid->n_y && grid->y[k] < new_tok; k++)
            ms = fmax(ms, grid_bilinear(grid, chunk->prefix_tok, grid->y[k]));
    return m->chunk_factor * ms;
}

static enum status steps_create(void **state, struct arena *arena, const struct profile *profile,
                                const struct latency_config *config, struct diag *d)
{
    if (latency_model_for(profile) != &latency_steps)
        return diag_fail(
            d, ST_INPUT,
            "profile '%s' has no tables for latency model 'steps' (step_other_ms, chunk_attn_ms, "
            "decode_attn_ms); use 'table'",
            profile->name);
    struct steps *m = ARENA_NEW(arena, 1, struct steps);
    const struct profile_grid *attn = &profile->decode_attn_ms;
    size_t n_knots = attn->n_y + 1, n_curves = config->max_num_seqs;
    double *context_tok = ARENA_NEW(arena, n_knots, double);
    double *ms = ARENA_NEW(arena, n_knots * n_curves, double);
    struct decode_curve *curves = ARENA_NEW(arena, n_curves, struct decode_curve);
    if (!m || !context_tok || !ms || !curves)
        return diag_nomem(d, "latency tables");
    *m = (struct steps){.profile = profile, .config = *config, .curves = curves};
    m->ranks = profile->dp > 1 ? (double)profile->dp : 1;
    m->fixed_factor = config->step_factor * config->fixed_factor;
    m->token_factor = config->step_factor * config->token_factor;
    m->decode_factor = config->step_factor * config->decode_attention_factor;
    m->chunk_factor = config->step_factor * config->prefill_attention_factor;
    m->chunk_call_ms =
        m->chunk_factor * grid_bilinear(&profile->chunk_attn_ms, 0, profile->chunk_attn_ms.y[0]);
    for (size_t k = 0; k < attn->n_y; k++)
        context_tok[k + 1] = attn->y[k]; /* behind context 0 */
    for (size_t c = 0; c < n_curves; c++) {
        double sequences = (double)(c + 1), *knot = ms + c * n_knots;
        for (size_t k = 0; k < n_knots; k++)
            knot[k] = fmax(other_ms(m, sequences, sequences, sequences) +
                               decode_attention_ms(m, attn, sequences * m->ranks, context_tok[k]) +
                               host_ms(m, sequences, sequences),
                           1e-3);
        curves[c] =
            (struct decode_curve){.n = (uint32_t)n_knots, .context_tok = context_tok, .ms = knot};
    }
    *state = m;
    return ST_OK;
}

static const struct decode_curve *steps_decode_curve(const void *state, uint32_t n_decode)
{
    const struct steps *m = state;
    return &m->curves[n_decode - 1];
}

static double steps_skew_alpha(const void *state)
{
    const struct steps *m = state;
    return m->profile->attn_skew_alpha[0];
}

static double skewed(double alpha, double at_mean, double at_max)
{
    return at_mean + alpha * (at_max - at_mean);
}

static double steps_step_ms(const void *state, const struct engine_step *step)
{
    const struct steps *m = state;
    const struct profile *p = m->profile;
    double sequences = step->n_decode, attention = 0;
    if (step->n_decode) {
        bool mixed = step->n_chunks > 0;
        const struct profile_grid *grid =
            mixed && p->decode_attn_mixed_ms.n_x ? &p->decode_attn_mixed_ms : &p->decode_attn_ms;
        double batch = sequences * m->ranks, alpha = p->attn_skew_alpha[mixed];
        attention = decode_attention_ms(m, grid, batch, step->decode_context_mean_tok);
        if (alpha > 0)
            attention = skewed(alpha, attention,
                               decode_attention_ms(m, grid, batch, step->decode_context_max_tok));
    }
    double tokens = sequences;
    for (uint32_t i = 0; i < step->n_chunks; i++) {
        const struct step_chunk *chunk = &step->chunks[i];
        tokens += chunk->new_tok;
        double ms = chunk_attention_ms(m, chunk);
        attention += i ? fmax(0, ms - m->chunk_call_ms) : ms;
    }
    double most = step->rank_tok_max > 0 ? step->rank_tok_max : tokens,
           mean = step->rank_tok_max > 0 ? step->rank_tok_mean : tokens;
    return fmax(other_ms(m, tokens, most, mean) + attention +
                    host_ms(m, sequences + step->n_chunks, most),
                1e-3);
}

const struct latency_model_ops latency_steps = {
    .name = "steps",
    .summary = "sum of parts: other(tokens) + attention of chunks and of running sequences",
    .create = steps_create,
    .step_ms = steps_step_ms,
    .decode_curve = steps_decode_curve,
    .skew_alpha = steps_skew_alpha,
};
