#include <string.h>

#include "scenarios/text/yaml_tree.h"
#include "studies/size/size.h"

static const char as_it_is[] = "scenario";

/* Replicas are the only thing of a pool that is the policy's to say. */
static enum status look_at_pool(struct size_policy *policy, const struct yaml_node *pool,
                                struct diag *d)
{
    for (const struct yaml_node *node = pool->first; node; node = node->next) {
        if (strcmp(node->key, "replicas") != 0)
            return diag_fail_at(d, ST_INPUT, node->at,
                                "expected nothing but replicas of pool '%s': the static fleet is "
                                "to have the rest, too, by --overlay",
                                pool->key);
        for (size_t i = 0; i < sizeof policy->replicas / sizeof *policy->replicas; i++) {
            if (strcmp(pool->key, pool_role_names[i]) == 0)
                policy->replicas[i] = node->i;
        }
    }
    return ST_OK;
}

/* What is neither is to be as the static fleet has it. */
static enum status look_at_file(struct size_policy *policy, const struct yaml_node *root,
                                struct diag *d)
{
    for (const struct yaml_node *node = root->first; node; node = node->next) {
        if (strcmp(node->key, "policy") == 0)
            continue;
        if (strcmp(node->key, "pools") != 0)
            return diag_fail_at(d, ST_INPUT, node->key_at,
                                "'%s' is not of the policy: the static fleet is to have it, too. "
                                "Give the file as --overlay, and --policy %s",
                                node->key, as_it_is);
        bool map = node->kind == NODE_MAP; /* else the scenario says what is wrong */
        for (const struct yaml_node *pool = node->first; map && pool; pool = pool->next) {
            enum status s = pool->kind == NODE_MAP ? look_at_pool(policy, pool, d) : ST_OK;
            if (s)
                return s;
        }
    }
    return ST_OK;
}

static enum status add_file(struct size_policy *policy, struct arena *arena, struct diag *d)
{
    struct yaml_node *root;

    enum status s = scenario_source_overlay(&policy->source, arena, policy->name,
                                            "'scenario', or an overlay with a policy", d);
    if (s)
        return s;
    const struct scenario_text *file = &policy->source.overlays[policy->source.n_overlays - 1];
    s = yaml_tree_parse(&root, arena, policy->name, file->bytes, file->length, false, d);
    if (s || !root || root->kind != NODE_MAP)
        return s; /* the scenario says what it is */
    return look_at_file(policy, root, d);
}

enum status size_policy_read(const struct size_policy **policy, struct arena *arena,
                             const char *name, const struct scenario_source *source, struct diag *d)
{
    struct size_policy *p = ARENA_NEW(arena, 1, struct size_policy);
    struct scenario *scenario = ARENA_NEW(arena, 1, struct scenario);
    bool own = strcmp(name, as_it_is) == 0;
    enum status s = ST_OK;

    if (!p || !scenario)
        return diag_nomem(d, "policy");
    *p = (struct size_policy){.name = name, .source = *source};
    if (!own)
        s = add_file(p, arena, d);
    if (!s)
        s = scenario_read(scenario, arena, &p->source, d);
    if (s)
        return s;
    struct policy_terms planner;
    if (!scenario_planner_terms(scenario, &planner))
        return diag_fail(d, ST_INPUT,
                         "option '--policy %s': policy.type is '%s', whose fleet never changes; "
                         "expected 'scenario' with one of another policy, or an overlay that sets "
                         "policy.type: planner",
                         name, scenario->policy.type);
    p->max_gpu_budget = planner.max_gpu_budget;
    *policy = p;
    return ST_OK;
}
