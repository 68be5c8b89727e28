/* A scenario while it is read, for the files that read a section each. */
#ifndef SCENARIOS_KEYS_LOADER_H
#define SCENARIOS_KEYS_LOADER_H

#include "scenarios/keys/keys_internal.h"
#include "scenarios/keys/scenario.h"
#include "scenarios/text/yaml_tree.h"

struct loader {
    struct scenario *scenario;
    struct arena *arena;
    struct yaml_node *root;
    const struct yaml_node *own; /* of root, what the deployment itself says; NULL = it is none */
    const struct scenario_source *source;
    const char *other_generation; /* keys left out; NULL = none */
    struct diag *d;
};

/* Fails; `node` is one of that section. */
enum status loader_unknown_key(const struct loader *l, const char *section,
                               const struct yaml_node *node);
/* The value of a key where it belongs; of a pool, or of none (NULL). `section` is how it is called
 * in messages. */
enum status loader_store(struct loader *l, const struct key *key, const char *section,
                         struct pool_settings *pool, const struct yaml_node *node);
enum status loader_need_map(struct loader *l, const char *section, const struct yaml_node *node);

/* The section `policy`, once the pools are read (policy_section.c). */
enum status loader_read_policy(struct loader *l);

/* ---- rules across keys (rules.c) ---- */

enum status rules_check_output(const struct scenario *sc, struct diag *d);
/* Of one deployment. Fills in traffic.requests where it is left to its default. */
enum status rules_check(struct scenario *sc, struct diag *d);

#endif
