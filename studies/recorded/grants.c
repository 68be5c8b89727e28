#include <stdlib.h>

#include "studies/recorded/recorded_internal.h"
#include "util/array.h"

static enum status read_pools(struct recorded_grant *g, const struct json_lines *r,
                              const struct yaml_node *root)
{
    const struct yaml_node *pools = yaml_node_child(root, "pools");
    enum status s = ST_OK;

    if (!pools || pools->kind != NODE_MAP || pools->n == 0 || pools->n > POLICY_MAX_POOLS)
        return json_lines_refuse(r, pools, "pools", "a map of one or two pools");
    g->n_pools = 0;
    for (const struct yaml_node *pool = pools->first; pool && !s; pool = pool->next) {
        size_t i = g->n_pools++;
        if (pool->kind != NODE_MAP)
            return json_lines_refuse(r, pool, pool->key, "a map");
        g->pools[i].name = pool->key;
        s = json_lines_count(&g->pools[i].wanted, r, pool, "wanted");
        if (!s)
            s = json_lines_count(&g->pools[i].before, r, pool, "before");
        if (!s)
            s = json_lines_count(&g->pools[i].granted, r, pool, "granted");
    }
    return s;
}

static enum status read_grant(struct recorded_grant *g, const struct json_lines *r,
                              const struct yaml_node *root, int64_t last_ns)
{
    enum status s = json_lines_time(&g->at_ns, r, root, last_ns);

    if (!s)
        s = json_lines_text(&g->deployment, r, root, "deployment");
    if (!s)
        s = json_lines_text(&g->asker, r, root, "asker");
    if (!s)
        s = json_lines_text(&g->grant, r, root, "grant");
    return s ? s : read_pools(g, r, root);
}

enum status recorded_read_grants(const struct recorded_grant **grants, size_t *n,
                                 struct arena *arena, const char *dir, struct diag *d)
{
    const char *path = arena_printf(arena, "%s/grants.jsonl", dir);
    struct recorded_grant *read = NULL;
    struct yaml_node *root;
    struct json_lines r;
    size_t capacity = 0;

    *n = 0;
    enum status s =
        path ? json_lines_open(&r, arena, path, "grants.jsonl of a run", d) : diag_nomem(d, "path");
    if (s)
        return s;
    while (!s && !(s = json_lines_next(&r, &root))) {
        s = ARRAY_RESERVE(read, *n, capacity, 1, "grants", d);
        if (!s)
            s = read_grant(&read[*n], &r, root, *n ? read[*n - 1].at_ns : 0);
        *n += !s;
    }
    json_lines_close(&r);
    *grants = recorded_keep(arena, read, *n, sizeof *read);
    if (s == ST_END)
        s = ST_OK;
    return s || *grants ? s : diag_nomem(d, "grants");
}
