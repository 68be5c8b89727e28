/* Parts of scenario_build that have a file of their own. */
#ifndef SCENARIOS_COMPOSE_BUILD_INTERNAL_H
#define SCENARIOS_COMPOSE_BUILD_INTERNAL_H

#include "scenarios/compose/build.h"

/* GPUs of one worker of a pool that is present. ST_INPUT when keys, policy and profile do not say
 * the same. */
enum status scenario_worker_gpus(int64_t *gpus, const struct scenario *scenario,
                                 enum pool_role role, const struct profile *profile,
                                 struct diag *d);

#endif
