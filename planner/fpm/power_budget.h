/* A ceiling on the watts that the GPUs of all replicas may draw together. It only lowers counts,
 * and also holds while both sides move at once. (Dynamo planner 1.6.1, `budget.py`.) */
#ifndef PLANNER_FPM_POWER_BUDGET_H
#define PLANNER_FPM_POWER_BUDGET_H

#include <stdint.h>

#include "planner/mode.h"

struct power_budget {
    int64_t limit_w;
    int64_t watts[N_SIDES]; /* of a replica; 0 or negative = not known, and not counted */
    int64_t min_endpoint[N_SIDES];
    int64_t current[N_SIDES]; /* replicas; negative = none are there yet */
};

/* Cuts the counts asked for, in place; a negative one is of a side that is not asked about: it is
 * counted as it is, and stays. */
void power_budget_apply(const struct power_budget *b, int64_t n[N_SIDES]);

#endif
