/* What a fitted model says of one engine: how long queued work takes, and how many requests a
 * second it can carry. (Dynamo planner 1.2.1, `perf_model/`.) */
#ifndef PLANNER_FPM_ENGINE_RATE_H
#define PLANNER_FPM_ENGINE_RATE_H

#include "planner/fpm/iteration_model.h"

/* Seconds to the first token of a prompt of mean length behind queued tokens, in iterations of
 * batched_tok at most. kv_tok is decoded beside it (agg; the prefill model knows none). NaN: no
 * fit, or batched_tok <= 0. */
double estimate_ttft_s(struct iteration_model *m, double queued_tok, double batched_tok,
                       double kv_tok, double hit_rate);
/* Seconds of a decode iteration with this KV and one request more. NaN: no fit. */
double estimate_itl_s(struct iteration_model *m, double kv_tok);

struct engine_rate {
    double requests_per_s; /* 0 = cannot be told */
    double ttft_ms, itl_ms;
};
struct engine_rate prefill_rate(struct iteration_model *m, double isl_tok, double batched_tok);
struct engine_rate decode_rate(struct iteration_model *m, double itl_ms, double context_tok,
                               double osl_tok, const struct fpm_limits *limits);
struct engine_rate agg_rate(struct iteration_model *m, double isl_tok, double osl_tok,
                            double ttft_ms, double itl_ms, double hit_rate,
                            const struct fpm_limits *limits);

#endif
