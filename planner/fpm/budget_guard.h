/* GPU budgets that never turn a wish round: a count ends between what it is and what it was to be,
 * or stays. (Dynamo planner 1.6.1, `budget.py`.) */
#ifndef PLANNER_FPM_BUDGET_GUARD_H
#define PLANNER_FPM_BUDGET_GUARD_H

#include <stdint.h>

#include "planner/fpm/gpu_band.h"
#include "planner/fpm/reason.h"
#include "planner/mode.h"

/* Replicas of both sides, and what one of each costs (> 0). */
struct guard_pair {
    int64_t current[N_SIDES], cost[N_SIDES];
};

/* The counts between current and `wanted` within the band that are nearest to those wanted; of two
 * sides that trade, both move or none. */
void guard_fit_pair(const struct gpu_band *b, const struct guard_pair *pair,
                    int64_t wanted[N_SIDES]);

/* As band_joint, but filling up to the floor takes nothing from decode. */
void guard_clamp_pair(const struct gpu_band *b, const int64_t cost[N_SIDES], int64_t n[N_SIDES]);

/* FPM_NO_REASON, or FPM_GUARD_HOLD: a count was held, or FPM_RECONCILE: what there is lies outside
 * of the band, and is brought back without regard to the wish. In place. */
enum fpm_reason guard_single(const struct gpu_band *b, enum planner_side side, int64_t current,
                             int64_t cost, int64_t *wanted);
enum fpm_reason guard_pair(const struct gpu_band *b, const struct guard_pair *pair,
                           int64_t wanted[N_SIDES]);

#endif
