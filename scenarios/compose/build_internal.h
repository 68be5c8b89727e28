/* Parts of scenario_build that have a file of their own. */
#ifndef SCENARIOS_COMPOSE_BUILD_INTERNAL_H
#define SCENARIOS_COMPOSE_BUILD_INTERNAL_H

#include "scenarios/compose/build.h"

/* GPUs of one worker of a pool that is present. ST_INPUT when keys, policy and profile do not say
 * the same. */
enum status scenario_worker_gpus(int64_t *gpus, const struct scenario *scenario,
                                 enum pool_role role, const struct profile *profile,
                                 struct diag *d);

/* What went wrong in a file that a key names: positions inside that file stay in front. */
enum status scenario_fail_at_key(struct diag *d, const struct diag *cause, struct source_pos at,
                                 const char *key);

#endif
