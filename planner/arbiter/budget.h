/* What the arbiters with a budget share. */
#ifndef PLANNER_ARBITER_BUDGET_H
#define PLANNER_ARBITER_BUDGET_H

#include "planner/arbiter.h"

/* ST_INPUT when the replicas at the start, of all, take more GPUs than max_gpus. */
enum status budget_check_start(const struct arbiter_setup *setup, struct diag *d);

#endif
