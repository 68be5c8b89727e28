/* What engines take beside or instead of the times of their profiles: entries of overheads.yaml in
 * the preset folders.
 *
 *   vllm-dense:
 *     summary: one line for lists
 *     evidence: where the numbers come from, and how far they are to be trusted
 *     for: {framework: vllm, experts: false, below_version: "0.20"}
 *     host_us_per_seq: 21
 *
 * `for` holds of a profile when all that it names does: shell patterns of the profile's
 * `framework`, `gpu` (gpu_type), `model`, `dtype`, `source` and `kind` (measured, estimated,
 * summed); `experts`, whether its model is a mixture of them; `from_version` and `below_version` of
 * the engine. An entry without `for` is chosen by its name alone;
 * for a profile that was measured on a running engine so is any, unless engine.framework_version is
 * another than the one it was measured on. */
#ifndef SCENARIOS_KEYS_OVERHEADS_H
#define SCENARIOS_KEYS_OVERHEADS_H

#include "engines/profile/profile.h"
#include "scenarios/keys/scenario.h"
#include "scenarios/text/yaml_tree.h"

/* The engine of a pool with nothing left open: latency_model is one of latency_models, and every
 * key of overheads has a value. *entry: the name of the overheads that count, in the arena; "none".
 * `shared` (NULL = nothing) keeps the file for other runs, and must then outlive the engine.
 * ST_INPUT when engine.overheads names no entry, or an entry is wrong, with its position. */
enum status overheads_resolve(struct engine_settings *engine, const char **entry,
                              struct arena *arena, struct shared *shared,
                              const struct scenario *scenario, enum pool_role role,
                              const struct profile *profile, struct diag *d);

/* Does what an entry of a file like this is `for` hold of a profile? `version` is that of the
 * engine, "" = not known; an entry without `for` is for none. ST_INPUT when `for` is wrong. */
enum status overheads_fit(bool *fits, const struct profile *profile, const char *version,
                          const struct yaml_node *entry, struct diag *d);

#endif
