/* How long one iteration of an engine takes, learned from its forward-pass metrics: a line through
 * a bounded set of iterations, and what follows from it - the latency of queued work, and the rate
 * one engine can carry. (Dynamo planner 1.2.1, `perf_model/`; docs/planner.md, section 11.)
 *
 * Times are in seconds here, targets in ms. NaN = there is no answer. */
#ifndef PLANNER_FPM_ITERATION_MODEL_H
#define PLANNER_FPM_ITERATION_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "planner/forward_pass.h"
#include "planner/fpm/sample_table.h"
#include "util/arena.h"
#include "util/status.h"

/* Mean of the last values; zeros before the first other value do not count. */
struct moving_mean {
    size_t window, n, next;
    double *values, sum;
    bool skip_zeros; /* none but zeros so far */
};
enum status moving_mean_init(struct moving_mean *m, struct arena *arena, size_t window,
                             struct diag *d);
void moving_mean_add(struct moving_mean *m, double value);
double moving_mean_value(const struct moving_mean *m); /* 0 without values */

/* The features: prefill tokens; decode requests and KV; prefill tokens and KV. */
enum iteration_kind { ITERATION_PREFILL, ITERATION_DECODE, ITERATION_AGG };

struct iteration_model {
    enum iteration_kind kind;
    size_t min_samples;
    struct sample_table samples;
    struct moving_mean isl_tok, context_tok, prefill_tok, n_prefill, n_decode;
    double max_kv_seen_tok; /* decode */
    /* The fit, renewed when samples have come since. */
    bool stale, fitted;
    double coef[FPM_MAX_FEATURES], intercept;
    double *work; /* for the fit */
};

struct iteration_model_config {
    int64_t max_samples; /* >= 1 */
    int64_t n_buckets;   /* a square, or 0 */
    int64_t min_samples;
};
enum status iteration_model_init(struct iteration_model *m, struct arena *arena,
                                 enum iteration_kind kind,
                                 const struct iteration_model_config *config, struct diag *d);
void iteration_model_add(struct iteration_model *m, const struct fpm_record *r);

/* Enough samples for a fit, which may be rejected all the same. */
bool iteration_model_has_samples(const struct iteration_model *m);
/* Fits if that is needed. false: too few samples, or a cost that falls with load. */
bool iteration_model_fit(struct iteration_model *m);
/* Seconds of an iteration, at least 1e-6; the model is fitted. */
double iteration_time_s(const struct iteration_model *m, double x0, double x1);

/* The share of a prompt that the prefix cache leaves to compute; 1 when hit_rate is NaN. */
double uncached_share(double hit_rate);

#endif
