/* What the guarded rules of both kinds share (1.6.1): budgets that hold, and starting workers that
 * may be taken back. */
#ifndef PLANNER_FPM_GUARDED_H
#define PLANNER_FPM_GUARDED_H

#include "planner/fpm/budget_guard.h"
#include "planner/fpm/fpm_core.h"

/* A count under the budget, by what there is; unchanged while the GPUs are not known. In place. */
enum fpm_reason fpm_guard_single(const struct fpm_core *core, enum planner_side side,
                                 int64_t *wanted);
/* The budget's ceiling alone. */
enum fpm_reason fpm_guard_ceiling(const struct fpm_core *core, enum planner_side side,
                                  int64_t *wanted);
/* Both sides of mode disagg. One that is below its floor is brought there first. */
enum fpm_reason fpm_guard_pair(const struct fpm_core *core, int64_t wanted[N_SIDES]);
void fpm_guard_pair_ceiling(const struct fpm_core *core, int64_t wanted[N_SIDES]);

/* The target if it takes starting workers back, or more; -1 if it does not. */
int64_t fpm_startup_reduction(const struct fpm_core *core, enum planner_side side, int64_t target);
/* The same of both sides under the budget's floor, where a side without a target (-1) keeps all it
 * has and starts. false: neither takes anything back. */
bool fpm_startup_pair(const struct fpm_core *core, int64_t target[N_SIDES]);

#endif
