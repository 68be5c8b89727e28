/* What a scenario is read from, laid over one another: one tree, whose nodes know where they stand.
 */
#ifndef SCENARIOS_KEYS_LAYERS_H
#define SCENARIOS_KEYS_LAYERS_H

#include <stddef.h>

#include "scenarios/keys/scenario.h"
#include "util/arena.h"
#include "util/status.h"

struct yaml_node;

/* The file, overlays over it, overrides over them. Of a source of one deployment *own is what the
 * deployment itself says, as it does before more is laid over it; else NULL. Errors as of
 * scenario_read. */
enum status layers_read(struct yaml_node **root, const struct yaml_node **own, struct arena *arena,
                        const struct scenario_source *source, struct diag *d);

/* Of where a key was set: the file is 0, then come the overlays in their order, then overrides. */
size_t layers_rank(const struct scenario_source *source, struct source_pos at);

/* What a deployment is told: its own map over all that stands beside `deployments`. A copy, but for
 * the texts. ST_NOMEM. */
enum status layers_of_deployment(struct yaml_node **tree, struct arena *arena,
                                 const struct yaml_node *root, const struct yaml_node *own,
                                 struct diag *d);

#endif
