/* GPU budgets with a floor as well as a ceiling. (Dynamo planner 1.2.1, `budget.py`.) */
#ifndef PLANNER_FPM_GPU_BAND_H
#define PLANNER_FPM_GPU_BAND_H

#include <stdint.h>

#include "planner/fixes.h"
#include "planner/mode.h"

/* Negative = no such bound. */
struct gpu_band {
    int64_t min_gpus, max_gpus;
    int64_t min_endpoint[N_SIDES]; /* replicas */
    unsigned fixes;                /* enum planner_fix bits */
};

/* What the floor may be missed by, as replicas come in steps of several GPUs: the largest of the
 * steps; none is negative. */
int64_t band_tolerance(const int64_t *gpus_per_worker, int64_t n);

/* The same where it applies: with both bounds. */
int64_t band_slack(const struct gpu_band *b, const int64_t *gpus_per_worker, int64_t n);

enum band_side { BAND_WITHIN, BAND_BELOW, BAND_ABOVE };
enum band_side band_check(const struct gpu_band *b, int64_t total, int64_t tolerance);

/* Prefill and decode together, in place. */
void band_joint(const struct gpu_band *b, int64_t *n_prefill, int64_t prefill_gpus,
                int64_t *n_decode, int64_t decode_gpus);
/* One side alone. */
int64_t band_single(const struct gpu_band *b, enum planner_side side, int64_t n,
                    int64_t gpus_per_worker);

#endif
