/* Replica counts from a traffic forecast and an engine profile.
 *
 * Pure functions; quirks as in the reference (Dynamo planner 1.0.2: `prefill_planner.py`,
 * `decode_planner.py`, `planner_core.py`). Counts are wide integers here; what leaves the planner
 * is held to int. */
#ifndef PLANNER_DYNAMO1_THROUGHPUT_H
#define PLANNER_DYNAMO1_THROUGHPUT_H

#include <stdbool.h>
#include <stdint.h>

#include "planner/dynamo1/perf_model.h"
#include "planner/metric_source.h"

/* Larger counts are held to this: no deployment has them, and products with GPUs still fit 64 bits.
 */
#define REPLICAS_MAX INT64_C(1000000000)

/* One interval ahead. */
struct traffic_forecast {
    double n_requests, isl_tok, osl_tok;
};

/* Measured TTFT over the profile's at this prompt length. */
double prefill_correction(const struct prefill_model *m, const struct traffic_means *seen);

/* Measured ITL over the profile's at the measured concurrency per worker. n_workers > 0. false: no
 * cell (a NaN). */
bool decode_correction(const struct decode_model *m, const struct traffic_means *seen,
                       int64_t n_workers, double interval_s, double *factor);

struct replica_rule {
    double interval_s;       /* > 0 */
    int64_t min_endpoint;    /* >= 0 */
    int64_t gpus_per_engine; /* >= 1 */
    double ttft_ms, itl_ms;  /* targets */
    unsigned fixes;          /* enum planner_fix bits */
};

/* How a count came about, for the reason line. */
struct replica_basis {
    double load; /* tokens/s wanted */
    double cap;  /* tokens/s per GPU taken as possible */
    bool no_cap; /* the cap was not positive, so min_endpoint was taken */
    bool missed; /* no cell meets the ITL target; with the TTFT fix: not even an idle engine does */
};

/* Replicas for the forecast. false: the reference raises an exception (a NaN or an infinity where a
 * count is needed), and there is no plan. `basis` may be NULL. */
bool prefill_replicas(const struct prefill_model *m, const struct replica_rule *rule,
                      const struct traffic_forecast *next, double correction, int64_t *replicas,
                      struct replica_basis *basis);
bool decode_replicas(const struct decode_model *m, const struct replica_rule *rule,
                     const struct traffic_forecast *next, double correction, int64_t *replicas,
                     struct replica_basis *basis);

struct gpu_budget {
    int64_t max_gpus; /* negative = no limit */
    int64_t min_endpoint;
    unsigned fixes;
};

/* One component alone. A budget below min_endpoint workers gives 0. */
int64_t budget_component(const struct gpu_budget *b, int64_t wanted, int64_t gpus_per_engine);

/* Prefill and decode together, in place. Prefill is cut in proportion; decode receives all the
 * rest, which can be more than it asked for. */
void budget_joint(const struct gpu_budget *b, int64_t *n_prefill, int64_t prefill_gpus,
                  int64_t *n_decode, int64_t decode_gpus);

#endif
