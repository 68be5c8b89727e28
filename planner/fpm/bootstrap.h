/* Iterations a model begins with, where no engine has run yet: from the points of a profile, or
 * from those at which an analytic model is asked. (Dynamo planner 1.2.1, `perf_metrics.py`,
 * `aic_interpolation.py`.) */
#ifndef PLANNER_FPM_BOOTSTRAP_H
#define PLANNER_FPM_BOOTSTRAP_H

#include "planner/fpm/iteration_model.h"
#include "util/status.h"

/* One prompt of the profile alone, and a batch that fills this share of the KV cache. */
struct fpm_record bootstrap_prefill(double isl_tok, double ttft_ms);
struct fpm_record bootstrap_decode(double kv_usage, double context_tok, double itl_ms,
                                   double max_kv_tok);

struct bootstrap_sweep {
    int64_t max_context_tok;
    int64_t prefill_granularity, decode_granularity; /* >= 1 */
    int64_t attention_dp;                            /* ranks of an engine, >= 1 */
    int64_t rank_max_kv_tok;
};
/* ms of a prefill of isl_tok alone (batch 0), or of a decode step of this batch per rank after
 * prompts of isl_tok. */
typedef double bootstrap_latency_ms(void *context, int64_t isl_tok, int64_t batch);

/* Calls `take` with each iteration of the sweep in the reference's order, which matters when they
 * are more than a model keeps. */
typedef void bootstrap_take(void *context, const struct fpm_record *r);
void bootstrap_sweep_prefill(const struct bootstrap_sweep *s, bootstrap_latency_ms *latency,
                             bootstrap_take *take, void *context);
void bootstrap_sweep_decode(const struct bootstrap_sweep *s, bootstrap_latency_ms *latency,
                            bootstrap_take *take, void *context);

/* The i-th concurrency of at most `granularity` spread over 1 to `most`; 0 after the last. */
int64_t bootstrap_concurrency(int64_t most, int64_t granularity, int64_t i);

#endif
