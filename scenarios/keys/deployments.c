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
