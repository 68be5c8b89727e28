#include <string.h>

#include "scenarios/keys/layers.h"
#include "scenarios/keys/loader.h"
#include "scenarios/keys/policy_file.h"
#include "util/bug.h"

static enum status leave_out(struct loader *l, const struct yaml_node *node)
{
    const char *before = l->other_generation;

    l->other_generation = arena_printf(
        l->arena, "%s%s%s", before ? before : "of another generation of the planner, left out: ",
        before ? ", policy." : "policy.", node->key);
    return l->other_generation ? ST_OK : diag_nomem(l->d, "policy");
}

/* What names the policy: `type` and `generation` where they are given. */
struct policy_nodes {
    const struct yaml_node *type, *generation;
};

/* Does the deployment itself say it, of its policy? */
static bool is_own(const struct loader *l, const struct yaml_node *node)
{
    const struct yaml_node *policy = yaml_node_child(l->own, "policy");

    return yaml_node_child(policy, node->key) != NULL;
}

/* A file's fields of another policy are left out when its type was changed by an overlay or an
 * override: `--set policy.type=static` is how a planner is held against a fixed fleet. The same of
 * its generation, which is said: there the other fields of the policy count on. So are those
 * for all deployments in one that has a type, or a generation, of its own. */
static enum status other_policy(struct loader *l, const struct policy_ops *policy,
                                const struct yaml_node *node, const struct policy_nodes *by)
{
    const struct scenario *sc = l->scenario;
    bool same_type = strcmp(sc->policy.type, policy->name) == 0;
    const struct yaml_node *chosen = same_type ? by->generation : by->type;
    const char *shown = arena_printf(l->arena, "policy.%s", node->key);

    if (!shown)
        return diag_nomem(l->d, "policy");
    if (chosen && (layers_rank(l->source, chosen->at) > layers_rank(l->source, node->key_at) ||
                   (is_own(l, chosen) && !is_own(l, node))))
        return same_type ? leave_out(l, node) : ST_OK;
    if (same_type)
        return policy_wrong_generation(scenario_policy(sc), shown, node, policy, l->d);
    return diag_fail_at(l->d, ST_INPUT, node->key_at,
                        "policy.%s does not belong to policy.type '%s', but to '%s'", node->key,
                        sc->policy.type, policy->name);
}

static const struct policy_ops *policy_with_file(void)
{
    const struct policy_ops *const *p = policies;

    while (!(*p)->own_file)
        p++;
    return *p;
}

static enum status note_taken(struct loader *l, const char *taken)
{
    struct scenario *sc = l->scenario;
    const char *text =
        arena_printf(l->arena, "without bearing on a simulation, of policy.config: %s", taken);

    if (!text)
        return diag_nomem(l->d, "scenario");
    sc->notes.text[sc->notes.n++] = text;
    return ST_OK;
}

/* The policy's own configuration file, when one is given; *file is its map, for what it says. */
static enum status read_policy_file(struct loader *l, const struct policy_ops *policy,
                                    const struct yaml_node *node, const struct policy_nodes *by,
                                    const struct yaml_node **file)
{
    struct scenario *sc = l->scenario;
    struct diag cause;
    const char *taken = NULL;

    *file = NULL;
    if (!node || node->kind == NODE_NULL)
        return ST_OK;
    if (!policy->own_file)
        return other_policy(l, policy_with_file(), node, by);
    enum status s = loader_store(l, scenario_key_find("policy", "config"), "policy", NULL, node);
    if (s)
        return s;
    diag_init(&cause);
    s = policy_file_read(policy, sc->policy.config, file, &taken, l->arena, sc->policy.file,
                         &cause);
    if (s == ST_IO)
        return diag_fail_at(l->d, s, node->at, "policy.config: %s", cause.text);
    if (s)
        return diag_fail(l->d, s, "%s", cause.text);
    return taken ? note_taken(l, taken) : ST_OK;
}

static const struct key *key_at_path(const char *path)
{
    for (const struct key *k = scenario_keys; k->name; k++) {
        size_t n = strlen(k->section);
        if (strncmp(k->section, path, n) == 0 && path[n] == '.' &&
            strcmp(k->name, path + n + 1) == 0)
            return k;
    }
    BUG("no key %s", path);
}

static bool is_given(const char *name, const struct yaml_node *map, const struct yaml_node *file)
{
    const struct yaml_node *node = yaml_node_child(map, name);

    return node ? node->kind != NODE_NULL : yaml_node_child(file, name) != NULL;
}

/* What neither the scenario's policy nor the policy's own file gives is as another key has it; null
 * in the scenario's policy takes back what the file says. */
static void inherit(struct loader *l, const struct policy_ops *policy, const struct yaml_node *map,
                    const struct yaml_node *file)
{
    char *config = l->scenario->policy.config;

    for (const struct key *k = policy->keys; k && k->name; k++) {
        bool given = false;
        for (const struct key *name = k->unset_as ? policy->keys : NULL; name && name->name; name++)
            given |= name->offset == k->offset && is_given(name->name, map, file);
        if (!k->unset_as || given)
            continue;
        const struct key *from = key_at_path(k->unset_as);
        memcpy(config + k->offset, (const char *)l->scenario + from->offset, sizeof(double));
    }
}

/* The rules across keys. What the policy's own file gets wrong by itself is said of that file. */
static enum status check_policy(struct loader *l, const struct policy_ops *policy, void *file_alone,
                                const struct yaml_node *file)
{
    struct source_pos at = scenario_at(l->scenario, "policy");
    struct diag ignored;

    if (!policy->check)
        return ST_OK;
    diag_init(&ignored);
    if (file && policy->check(file_alone, at, &ignored))
        at = file->at;
    return policy->check(l->scenario->policy.config, at, l->d);
}

static enum status read_policy_key(struct loader *l, const struct policy_ops *policy,
                                   const struct yaml_node *node, const struct policy_nodes *by)
{
    const struct key *key = scenario_key_find("policy", node->key);
    const struct policy_ops *other = policy_with_key(node->key, policy);

    if (!key)
        key = key_find(policy->keys, node->key);
    if (key)
        return loader_store(l, key, "policy", NULL, node);
    if (other)
        return other_policy(l, other, node, by);
    const struct foreign_key *foreign = policy_foreign_find(policy, node->key);
    const char *shown = arena_printf(l->arena, "policy.%s", node->key);
    if (!shown)
        return diag_nomem(l->d, "policy");
    if (foreign && foreign->version)
        return policy_wrong_version(policy, shown, node, foreign, l->d);
    if (foreign)
        return diag_fail_at(l->d, ST_INPUT, node->key_at,
                            "policy.%s has no bearing on a simulation; leave it out",
                            foreign->name);
    return loader_unknown_key(l, "policy", node);
}

enum status loader_read_policy(struct loader *l)
{
    static const struct yaml_node empty = {.kind = NODE_MAP};
    const struct yaml_node *map = yaml_node_child(l->root, "policy"), *file;
    struct scenario *sc = l->scenario;

    if (!map)
        map = &empty;
    enum status s = loader_need_map(l, "policy", map);
    const struct policy_nodes by = {yaml_node_child(map, "type"),
                                    yaml_node_child(map, "generation")};
    if (!s && by.type)
        s = loader_store(l, scenario_key_find("policy", "type"), "policy", NULL, by.type);
    if (!s && by.generation)
        s = loader_store(l, scenario_key_find("policy", "generation"), "policy", NULL,
                         by.generation);
    if (s)
        return s;
    const struct policy_ops *policy = scenario_policy(sc);
    void *file_alone = ARENA_NEW(l->arena, policy->config_size, char);
    sc->policy.config = policy_config_new(policy, l->arena);
    if (!sc->policy.config || !file_alone)
        return diag_nomem(l->d, "policy");
    const struct yaml_node *config = yaml_node_child(map, "config");
    s = read_policy_file(l, policy, config, &by, &file);
    if (policy->config_size)
        memcpy(file_alone, sc->policy.config, policy->config_size);
    for (const struct yaml_node *node = map->first; node && !s; node = node->next) {
        if (node != by.type && node != by.generation && node != config)
            s = read_policy_key(l, policy, node, &by);
    }
    if (l->other_generation)
        sc->notes.text[sc->notes.n++] = l->other_generation;
    if (!s)
        s = scenario_check_applies(sc, l->arena, l->d);
    if (s)
        return s;
    inherit(l, policy, map, file);
    return check_policy(l, policy, file_alone, file);
}
