#include "scenarios/keys/deployments.h"

#include <string.h>

#include "scenarios/keys/keys_internal.h"
#include "sim/state/config.h"
#include "util/text.h"

size_t scenario_n_deployments(const struct scenario *scenario)
{
    return scenario->n_deployments ? scenario->n_deployments : 1;
}

const struct scenario *scenario_deployment(const struct scenario *scenario, size_t i)
{
    return scenario->n_deployments ? &scenario->deployments[i] : scenario;
}

const struct scenario *scenario_deployment_find(const struct scenario *scenario, const char *name)
{
    for (size_t i = 0; i < scenario->n_deployments; i++) {
        if (strcmp(scenario->deployments[i].deployment, name) == 0)
            return &scenario->deployments[i];
    }
    return NULL;
}

enum status scenario_need_one(const struct scenario *scenario, const char *who, struct diag *d)
{
    if (!scenario->n_deployments)
        return ST_OK;
    return diag_fail_at(d, ST_INPUT, scenario_at(scenario, "deployments"),
                        "%s does not take a scenario with `deployments`; expected one of a single "
                        "deployment",
                        who);
}

static bool is_name(const char *text)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    size_t n = strspn(text, allowed);

    return n > 0 && n <= DEPLOYMENT_NAME_MAX && !text[n];
}

enum status deployments_check(const struct yaml_node *map, struct diag *d)
{
    char got[NODE_TEXT_SIZE], shown[TEXT_EXCERPT_SIZE];

    if (map->kind != NODE_MAP)
        return diag_fail_at(d, ST_INPUT, map->at,
                            "deployments must be a map of names to keys, not %s",
                            yaml_node_describe(got, map));
    if (map->n == 0 || map->n > MAX_DEPLOYMENTS)
        return diag_fail_at(d, ST_INPUT, map->at, "deployments has %zu of them; expected 1 to %d",
                            map->n, MAX_DEPLOYMENTS);
    for (const struct yaml_node *own = map->first; own; own = own->next) {
        text_excerpt(shown, own->key, strlen(own->key));
        if (!is_name(own->key))
            return diag_fail_at(d, ST_INPUT, own->key_at,
                                "'%s' cannot be the name of a deployment; expected at most %d "
                                "letters, digits, _ and -",
                                shown, DEPLOYMENT_NAME_MAX);
        if (own->kind != NODE_MAP)
            return diag_fail_at(d, ST_INPUT, own->at,
                                "deployments.%s must be a map of keys, not %s", own->key,
                                yaml_node_describe(got, own));
    }
    return ST_OK;
}

enum status scenario_key_not_in_deployment(const char *key, const char *deployment,
                                           struct source_pos at, struct diag *d)
{
    return diag_fail_at(d, ST_INPUT, at,
                        "%s is of the whole run; expected it at the top level, not in "
                        "deployments.%s",
                        key, deployment);
}

static enum status check_section(const struct yaml_node *map, const char *deployment,
                                 struct diag *d)
{
    char path[128];

    for (const struct yaml_node *node = map->kind == NODE_MAP ? map->first : NULL; node;
         node = node->next) {
        const struct key *key = scenario_key_find(map->key, node->key);
        if (!key || !key->of_run)
            continue;
        snprintf(path, sizeof path, "%s.%s", map->key, node->key);
        return scenario_key_not_in_deployment(path, deployment, node->key_at, d);
    }
    return ST_OK;
}

/* Of the run where its deployments share their requests. */
static bool is_of_endpoint(const char *section)
{
    return strcmp(section, "trace") == 0 || strcmp(section, "traffic") == 0;
}

bool scenario_key_at_top(const struct scenario *scenario, const struct key *key)
{
    return scenario_key_of_run(key) ||
           (scenario_has_endpoint(scenario) && is_of_endpoint(key->section));
}

enum status deployment_check(const struct yaml_node *own, const struct scenario *run,
                             struct diag *d)
{
    enum status s = ST_OK;

    for (const struct yaml_node *node = own->first; node && !s; node = node->next) {
        const struct scenario_section *section = scenario_section_find(node->key);
        const struct key *key = scenario_key_find("", node->key);
        if ((key && key->of_run) || (section && section->of_run) ||
            strcmp(node->key, "deployments") == 0 ||
            (scenario_has_endpoint(run) && is_of_endpoint(node->key)))
            s = scenario_key_not_in_deployment(node->key, own->key, node->key_at, d);
        else if (section)
            s = check_section(node, own->key, d);
    }
    return s;
}

const char *scenario_path_in_deployment(char name[DEPLOYMENT_NAME_MAX + 1], const char *path)
{
    static const char section[] = "deployments.";
    size_t begin = sizeof section - 1;

    *name = '\0';
    if (strncmp(path, section, begin) != 0)
        return path;
    path += begin;
    size_t n = strcspn(path, ".");
    if (n > DEPLOYMENT_NAME_MAX || path[n] != '.')
        return NULL;
    memcpy(name, path, n);
    name[n] = '\0';
    return path + n + 1;
}

/* ---- one endpoint ---- */

bool scenario_has_endpoint(const struct scenario *scenario)
{
    return strcmp(scenario->endpoint.by, "none") != 0;
}

enum status endpoint_check(const struct scenario *scenario, struct diag *d)
{
    if (!scenario_has_endpoint(scenario))
        return ST_OK;
    if (!scenario->deployment)
        return diag_fail_at(d, ST_INPUT, scenario_at(scenario, "endpoint.by"),
                            "endpoint.by is about several deployments; expected the key "
                            "deployments, or none");
    if (scenario->traffic.clients)
        return diag_fail_at(d, ST_INPUT, scenario_at(scenario, "traffic.clients"),
                            "traffic.clients wait for answers, which an endpoint does not route; "
                            "expected a trace, or traffic.rate_per_s");
    return ST_OK;
}

static void set_range(int64_t to[2], const struct tok_range *from)
{
    if (from->lowest < 0)
        return;
    to[0] = from->lowest;
    to[1] = from->highest;
}

static struct request_class class_of(const struct scenario *deployment)
{
    struct request_class c = {REQUEST_CLASS_ANY, REQUEST_CLASS_ANY, REQUEST_CLASS_ANY,
                              REQUEST_CLASS_NONE};

    set_range(c.isl_tok, &deployment->serves.isl_tok);
    set_range(c.osl_tok, &deployment->serves.osl_tok);
    set_range(c.priority, &deployment->serves.priority);
    set_range(c.also_priority, &deployment->serves.also_priority);
    return c;
}

static enum status check_reached(const struct request_class *of, const struct scenario *run,
                                 size_t i, struct diag *d)
{
    char path[16 + DEPLOYMENT_NAME_MAX];

    for (size_t before = 0; before < i; before++) {
        const char *name = run->deployments[i].deployment;
        if (!request_class_hides(&of[before], &of[i]))
            continue;
        snprintf(path, sizeof path, "deployments.%s", name);
        return diag_fail_at(d, ST_INPUT, scenario_at(run, path),
                            "no request gets to deployment %s: %s stands before it and serves all "
                            "that it does; expected other `serves`, the narrower first",
                            name, run->deployments[before].deployment);
    }
    return ST_OK;
}

enum status endpoint_classes(struct scenario *deployments, const struct scenario *run,
                             struct arena *arena, struct diag *d)
{
    size_t n = run->n_deployments;
    struct request_class *of = ARENA_NEW(arena, n, struct request_class);
    struct request_classes *classes = ARENA_NEW(arena, 1, struct request_classes);
    enum status s = ST_OK;

    if (!of || !classes)
        return diag_nomem(d, "endpoint");
    *classes = (struct request_classes){n, of};
    for (size_t i = 0; i < n && !s; i++) {
        struct scenario *own = &deployments[i];
        of[i] = class_of(own);
        own->endpoint.classes = classes;
        own->endpoint.own = i;
        s = check_reached(of, run, i, d);
    }
    return s;
}
