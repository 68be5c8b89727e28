#include "sim/worker/step_time.h"

#include "sim/worker/decode_set.h"
#include "sim/worker/parts.h"

bool worker_has_work(const struct worker *w)
{
    return w->plan.n_chunks || w->n_decode;
}

/* With speculative decoding each sequence computes its next token and the drafts; all of them look
 * at one context, so the step reads as more sequences of a shorter one. */
static struct engine_step step_of(struct worker *w)
{
    const struct engine_config *engine = &w->pool->config->engine;
    uint32_t n_decode = w->decode_waits ? 0 : w->n_decode, per_sequence = 1 + engine->n_draft_tok;
    return (struct engine_step){
        .chunks = w->plan.chunks,
        .n_chunks = w->plan.n_chunks,
        .n_decode = n_decode * per_sequence,
        .decode_context_mean_tok =
            n_decode ? (double)w->context_sum_tok / n_decode / per_sequence : 0,
        .decode_context_max_tok =
            engine->latency->skew_alpha ? decode_longest_context(w) / per_sequence : 0,
    };
}

/* A rank without work runs along with one token. */
static uint32_t step_tokens(const struct worker *w)
{
    uint32_t n = w->decode_waits ? 0 : w->n_decode * (1 + w->pool->config->engine.n_draft_tok);
    for (uint32_t i = 0; i < w->plan.n_chunks; i++)
        n += w->plan.chunks[i].new_tok;
    return n ? n : 1;
}

/* Of the step that all ranks are about to take. */
struct rank_tokens {
    double most, mean; /* 0 where there is one rank */
};

static struct rank_tokens rank_tokens(const struct worker *leader)
{
    uint64_t sum = 0;
    uint32_t most = 0;
    if (leader->n_ranks == 1)
        return (struct rank_tokens){0};
    for (uint32_t i = 0; i < leader->n_ranks; i++) {
        uint32_t n = step_tokens(leader->ranks[i]);
        sum += n;
        most = n > most ? n : most;
    }
    return (struct rank_tokens){most, (double)sum / leader->n_ranks};
}

static double step_ms(const struct engine_config *engine, struct engine_step step,
                      struct rank_tokens tokens)
{
    step.rank_tok_max = tokens.most;
    step.rank_tok_mean = tokens.mean;
    double ms = engine->latency->step_ms(engine->latency_state, &step);
    if (step.n_chunks && ms < engine->prompt_step_least_ms)
        ms = engine->prompt_step_least_ms;
    if (step.n_decode)
        ms += engine->n_draft_tok * engine->draft_ms;
    BUG_IF(!(ms >= 0));
    return ms;
}

/* What share of its own step is for its prompts: without them it would take so much less. */
static double prompts_share(struct worker *w, double ms)
{
    struct engine_step step = step_of(w);
    if (step.n_chunks == 0 || step.n_decode == 0)
        return 0;
    struct rank_tokens own = {0};
    if (w->leader->n_ranks > 1)
        own = (struct rank_tokens){step.n_decode, step.n_decode};
    step.n_chunks = 0;
    double alone_ms = step_ms(&w->pool->config->engine, step, own);
    return alone_ms < ms ? (ms - alone_ms) / ms : 0;
}

static int64_t step_ns(struct worker *w, double ms)
{
    const struct engine_config *engine = &w->pool->config->engine;
    if (engine->step_noise > 0)
        ms *= pcg64_lognormal(&w->rng, engine->step_noise);
    int64_t ns = ns_after(ns_from_ms_or_never(ms), w->load_ns);
    w->load_ns = 0;
    return ns > 0 ? ns : 1;
}

int64_t step_time_ns(struct worker *leader, bool keep_parts)
{
    const struct rank_tokens tokens = rank_tokens(leader);
    int64_t longest_ns = 0;
    for (uint32_t i = 0; i < leader->n_ranks; i++) {
        struct worker *w = leader->ranks[i];
        if (!worker_has_work(w))
            continue;
        double ms = step_ms(&w->pool->config->engine, step_of(w), tokens);
        int64_t ns = step_ns(w, ms);
        longest_ns = ns > longest_ns ? ns : longest_ns;
        if (keep_parts)
            parts_step(w, ns, (int64_t)(prompts_share(w, ms) * (double)ns));
    }
    for (uint32_t i = 0; keep_parts && i < leader->n_ranks; i++)
        parts_step_length(leader->ranks[i], longest_ns);
    return longest_ns;
}

bool step_time_can_run(const struct worker *leader)
{
    const struct engine_config *engine = &leader->pool->config->engine;
    for (uint32_t i = 0; i < leader->n_ranks; i++)
        if (leader->ranks[i]->plan.n_chunks)
            return false;
    return engine->step_noise <= 0 && engine->n_draft_tok == 0;
}

/* What is known of the length of the rank's decode steps, from the one that starts now. */
static struct decode_run run_alone(struct worker *w, int64_t now_ns)
{
    const struct engine_config *engine = &w->pool->config->engine;
    const struct latency_model_ops *latency = engine->latency;
    struct engine_step step = step_of(w);
    struct decode_run run = {
        .curve = latency->decode_curve(engine->latency_state, w->n_decode),
        .context_tok = step.decode_context_mean_tok,
        .longest_tok = step.decode_context_max_tok,
        .skew_alpha = latency->skew_alpha ? latency->skew_alpha(engine->latency_state) : 0,
        .start_ns = now_ns,
        .n_steps = UINT32_MAX,
    };
    decode_run_begin(&run);
    return run;
}

/* The same of ranks that step together: as long as one of them is the slowest, on one piece of its
 * curve. That the others have tokens, too, adds as much to each of its steps. */
static struct decode_run run_together(struct worker *leader, int64_t now_ns)
{
    const struct rank_tokens tokens = rank_tokens(leader);
    struct decode_piece pieces[MAX_RANKS];
    uint32_t n = 0;
    for (uint32_t i = 0; i < leader->n_ranks; i++) {
        struct worker *w = leader->ranks[i];
        if (w->n_decode == 0)
            continue;
        struct decode_run alone = run_alone(w, now_ns);
        pieces[n] = decode_run_piece(&alone);
        pieces[n].first_ms = step_ms(&w->pool->config->engine, step_of(w), tokens);
        w->own = pieces[n++];
    }
    struct decode_piece slowest = decode_slowest(pieces, n);
    decode_piece_curve(&leader->slowest, &slowest);
    struct decode_run run = {
        .curve = &leader->slowest.curve, .start_ns = now_ns, .n_steps = slowest.n};
    decode_run_begin(&run);
    return run;
}

struct decode_run step_time_run(struct worker *leader, int64_t now_ns)
{
    return leader->n_ranks > 1 ? run_together(leader, now_ns) : run_alone(leader, now_ns);
}
