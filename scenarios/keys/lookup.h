/* Keys by their paths, as `--set` takes them, without a scenario being read. */
#ifndef SCENARIOS_KEYS_LOOKUP_H
#define SCENARIOS_KEYS_LOOKUP_H

#include <stdbool.h>

#include "scenarios/keys/scenario.h"
#include "util/arena.h"
#include "util/key.h"
#include "util/status.h"

/* "seed", "policy.min_endpoint", "pools.decode.replicas", "cost.per_gpu_hour.h100_sxm". `policy` is
 * the scenario's; keys of other policies are found too. ST_INPUT: there is no
 * such key, and which was meant. */
enum status scenario_key_lookup(const struct key **key, const struct policy_ops *policy,
                                const char *path, struct source_pos at, struct diag *d);

/* Does the key go with this policy? Those that are not of another policy alone do. */
bool scenario_key_is_of_policy(const struct policy_ops *policy, const char *path);

/* What the scenario has there, every default filled in, as --set would take it; "null" where it has
 * nothing. ST_INPUT as of scenario_key_lookup, ST_NOMEM. */
enum status scenario_key_text(const char **text, struct arena *arena,
                              const struct scenario *scenario, const char *path, struct diag *d);

/* Paths of the keys that the scenario sets of the engine of its profile, and that would be wrong of
 * another: in the arena, ended by NULL. ST_NOMEM. */
enum status scenario_profile_keys(const char *const **paths, struct arena *arena,
                                  const struct scenario *scenario, struct diag *d);

/* Is a number stored, or (of KEY_RANGE, KEY_PRICES) may be one? */
bool scenario_key_is_number(const struct key *key);
bool scenario_key_is_integer(const struct key *key);

/* Would the key take this text, whatever the other keys are? ST_INPUT says what it expects. */
enum status scenario_key_check(const struct key *key, const char *path, const char *value,
                               struct source_pos at, struct arena *arena, struct diag *d);

#endif
