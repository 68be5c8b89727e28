/* Parts of scenario_build that have a file of their own. */
#ifndef SCENARIOS_COMPOSE_BUILD_INTERNAL_H
#define SCENARIOS_COMPOSE_BUILD_INTERNAL_H

#include <stdint.h>

#include "scenarios/compose/build.h"
#include "util/bug.h"
#include "util/units.h"

/* Durations were checked against their ranges, which lie within the clock's. */
static inline int64_t ns(double seconds)
{
    int64_t value;

    BUG_IF(!ns_from_s(seconds, &value));
    return value;
}

static inline int64_t ns_of_ms(double ms)
{
    int64_t value;

    BUG_IF(!ns_from_ms(ms, &value));
    return value;
}

static inline int64_t ns_or_no_end(double seconds)
{
    return seconds > 0 ? ns(seconds) : TIME_NEVER;
}

/* A deployment of a run whose arrays are there and whose scenario is known: its pools and all else
 * of its own but the policy; then, when the run knows its spans, the policy and the info. Errors as
 * of scenario_build. */
enum status scenario_build_deployment(struct scenario_run *run, size_t index, struct arena *arena,
                                      struct run_resources *resources, struct diag *d);
enum status scenario_build_policy(struct scenario_run *run, size_t index, struct arena *arena,
                                  struct run_resources *resources, bool share, struct diag *d);

/* GPUs of one worker of a pool that is present. ST_INPUT when keys, policy and profile do not say
 * the same. */
enum status scenario_worker_gpus(int64_t *gpus, const struct scenario *scenario,
                                 enum pool_role role, const struct profile *profile,
                                 struct diag *d);

/* What went wrong in a file that a key names: positions inside that file stay in front. */
enum status scenario_fail_at_key(struct diag *d, const struct diag *cause, struct source_pos at,
                                 const char *key);

#endif
