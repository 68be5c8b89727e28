#include <stdio.h>
#include <string.h>

#include "scenarios/keys/scenario.h"
#include "scenarios/text/yaml_tree.h"

/* Of the last part of the path that is there; `whole` is set when it all is. */
static struct source_pos find_at(const struct scenario *sc, const char *path, bool *whole)
{
    struct source_pos at = {.file = sc->file};
    const struct yaml_node *map = sc->tree;

    *whole = true;
    while (*path) {
        size_t n = strcspn(path, ".");
        const struct yaml_node *child = map && map->kind == NODE_MAP ? map->first : NULL;
        while (child && !(strlen(child->key) == n && memcmp(child->key, path, n) == 0))
            child = child->next;
        if (!child) {
            *whole = false;
            return at;
        }
        at = child->kind == NODE_MAP ? child->key_at : child->at;
        map = child;
        path += n + (path[n] == '.');
    }
    return at;
}

struct source_pos scenario_at(const struct scenario *scenario, const char *path)
{
    bool whole;

    return find_at(scenario, path, &whole);
}

bool scenario_is_set(const struct scenario *scenario, const char *path, struct source_pos *at)
{
    bool whole;

    *at = find_at(scenario, path, &whole);
    return whole;
}

struct source_pos scenario_engine_at(const struct scenario *scenario, enum pool_role role,
                                     const char *key)
{
    char path[96];
    bool whole;

    snprintf(path, sizeof path, "pools.%s.%s", pool_role_names[role], key);
    struct source_pos at = find_at(scenario, path, &whole);
    if (whole)
        return at;
    snprintf(path, sizeof path, "engine.%s", key);
    return find_at(scenario, path, &whole);
}
