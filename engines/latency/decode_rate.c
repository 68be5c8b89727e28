#include "engines/latency/decode_rate.h"

#include <math.h>

/* Tokens that a sequence gets of a step: its next, and the drafts before the first wrong one. */
static double tok_per_step(const struct decode_engine *e)
{
    double tok = 1, share = 1;

    for (uint32_t i = 0; i < e->n_draft_tok; i++) {
        share *= e->draft_acceptance;
        tok += share;
    }
    return tok;
}

/* Drafts read as more sequences of a shorter context (sim/worker/step_time.c). */
static double ms_per_tok(const struct decode_engine *e, uint32_t n, double context_tok)
{
    uint32_t per_sequence = 1 + e->n_draft_tok;
    const struct engine_step step = {.n_decode = n * per_sequence,
                                     .decode_context_mean_tok = context_tok / per_sequence,
                                     .decode_context_max_tok = context_tok / per_sequence};

    return (e->latency->step_ms(e->latency_state, &step) + e->n_draft_tok * e->draft_ms) /
           tok_per_step(e);
}

struct decode_rate decode_rate_of(const struct decode_engine *e, double context_tok, double tpot_ms)
{
    if (!e->latency)
        return (struct decode_rate){NAN, NAN};
    double fit = fmin(e->max_num_seqs, context_tok > 0 ? e->kv_tok / context_tok : INFINITY);
    uint32_t low = 1, high = fit > 1 ? (uint32_t)fit : 1;

    /* The largest that is fast enough. */
    while (low < high) {
        uint32_t middle = high - (high - low) / 2;
        if (ms_per_tok(e, middle, context_tok) <= tpot_ms)
            low = middle;
        else
            high = middle - 1;
    }
    return (struct decode_rate){.sequences = (double)low * e->n_ranks,
                                .tok_per_s =
                                    1e3 * low * e->n_ranks / ms_per_tok(e, low, context_tok)};
}
