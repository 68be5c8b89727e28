/* How much one worker can decode within a target: what its engine would do with batches as full as
 * the target, the KV cache and max_num_seqs allow, and nothing else to do. */
#ifndef ENGINES_LATENCY_DECODE_RATE_H
#define ENGINES_LATENCY_DECODE_RATE_H

#include "engines/latency/latency.h"

struct decode_engine {
    const struct latency_model_ops *latency; /* NULL: nothing is known of it */
    const void *latency_state;
    uint32_t n_ranks; /* data-parallel, > 0; the limits are those of one */
    uint32_t max_num_seqs;
    double kv_tok;
    uint32_t n_draft_tok; /* as in struct engine_config, as the next two */
    double draft_acceptance, draft_ms;
};

struct decode_rate {
    double sequences; /* at once, on all ranks */
    double tok_per_s; /* of all of them */
};

/* With sequences of that context. At least one sequence per rank, even where that is too slow.
 * NaN where the engine is unknown. */
struct decode_rate decode_rate_of(const struct decode_engine *e, double context_tok,
                                  double tpot_ms);

#endif
