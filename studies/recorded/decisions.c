#include <math.h>
#include <string.h>

#include "studies/recorded/recorded_internal.h"
#include "util/array.h"

static enum status read_forecast(struct recorded_forecast *f, const struct json_lines *r,
                                 const struct yaml_node *decision, const char *key)
{
    const struct yaml_node *map = yaml_node_child(decision, key);

    if (!map || map->kind != NODE_MAP)
        return json_lines_refuse(r, map, key, "a map");
    enum status s = json_lines_number(&f->n_requests, r, map, "n_requests");
    if (!s)
        s = json_lines_number(&f->isl_tok, r, map, "isl_tok");
    return s ? s : json_lines_number(&f->osl_tok, r, map, "osl_tok");
}

static enum status read_pool(struct recorded_pool_decision *p, const struct json_lines *r,
                             const struct yaml_node *pools, const char *name)
{
    const struct yaml_node *map = yaml_node_child(pools, name);
    const struct yaml_node *applied = yaml_node_child(map, "applied");

    if (!map || map->kind != NODE_MAP)
        return json_lines_refuse(r, map, name, "a map");
    if (!applied || applied->kind != NODE_MAP)
        return json_lines_refuse(r, applied, "applied", "a map");
    enum status s = json_lines_count(&p->target, r, map, "target");
    if (!s)
        s = json_lines_count(&p->ready, r, map, "ready");
    if (!s)
        s = json_lines_count(&p->starting, r, map, "starting");
    if (!s)
        s = json_lines_count(&p->draining, r, map, "draining");
    if (!s)
        s = json_lines_number(&p->correction, r, map, "correction");
    if (!s)
        s = json_lines_number(&p->wanted, r, map, "wanted");
    return s ? s : json_lines_number(&p->applied, r, applied, "target");
}

/* Most policies have none. */
static enum status read_estimates(struct recorded_decision *c, const struct json_lines *r,
                                  const struct yaml_node *root)
{
    const struct yaml_node *map = yaml_node_child(root, "estimated");

    c->estimated_ttft_ms = c->estimated_itl_ms = NAN;
    if (!map)
        return ST_OK;
    enum status s = json_lines_number(&c->estimated_ttft_ms, r, map, "ttft_ms");
    return s ? s : json_lines_number(&c->estimated_itl_ms, r, map, "itl_ms");
}

static enum status read_decision(struct recorded_decision *c, const struct recorded *run,
                                 const struct json_lines *r, const struct yaml_node *root,
                                 int64_t last_ns)
{
    const struct yaml_node *seen = yaml_node_child(root, "seen"),
                           *pools = yaml_node_child(root, "pools");
    int64_t number = 0;

    enum status s = json_lines_time(&c->at_ns, r, root, last_ns);
    if (!s)
        s = json_lines_count(&number, r, root, "number");
    if (!s)
        s = json_lines_text(&c->kind, r, root, "kind");
    if (!s)
        s = read_forecast(&c->seen, r, root, "seen");
    if (!s)
        s = json_lines_number(&c->seen_ttft_ms, r, seen, "ttft_ms");
    if (!s)
        s = json_lines_number(&c->seen_itl_ms, r, seen, "itl_ms");
    if (!s)
        s = read_forecast(&c->predicted, r, root, "predicted");
    if (!s)
        s = read_estimates(c, r, root);
    if (!s && (!pools || pools->kind != NODE_MAP))
        s = json_lines_refuse(r, pools, "pools", "a map");
    for (size_t i = 0; i < run->n_pools && !s; i++)
        s = read_pool(&c->pools[i], r, pools, run->pools[i]);
    c->number = (uint64_t)number;
    return s ? s : json_lines_text(&c->reason, r, root, "reason");
}

/* Of the deployment that the run is of. */
static enum status is_ours(bool *ours, const struct recorded *run, const struct json_lines *r,
                           const struct yaml_node *root)
{
    const char *deployment;

    *ours = true;
    if (!run->deployment)
        return ST_OK;
    enum status s = json_lines_text(&deployment, r, root, "deployment");
    *ours = !s && deployment && strcmp(deployment, run->deployment) == 0;
    return s;
}

static enum status read_lines(struct recorded_decision **decisions, size_t *n,
                              const struct recorded *run, struct json_lines *r)
{
    struct yaml_node *root;
    size_t capacity = 0;
    enum status s;

    while (!(s = json_lines_next(r, &root))) {
        bool ours;
        s = is_ours(&ours, run, r, root);
        if (!s && !ours)
            continue;
        if (!s)
            s = ARRAY_RESERVE(*decisions, *n, capacity, 1, "decisions", r->d);
        if (!s)
            s = read_decision(&(*decisions)[*n], run, r, root, *n ? (*decisions)[*n - 1].at_ns : 0);
        if (s)
            return s;
        ++*n;
    }
    return s == ST_END ? ST_OK : s;
}

enum status recorded_read_decisions(struct recorded *run, struct arena *arena, const char *path,
                                    struct diag *d)
{
    struct json_lines r;
    struct recorded_decision *decisions = NULL;
    double expected = recorded_figure(run, "scaling.decisions");
    size_t n = 0;

    enum status s = json_lines_open(&r, arena, path, "decisions.jsonl of a run", d);
    if (s)
        return s;
    s = read_lines(&decisions, &n, run, &r);
    json_lines_close(&r);
    if (!s && (double)n != expected)
        s = diag_fail_at(d, ST_INPUT, (struct source_pos){.file = path},
                         "%zu decisions where summary.json beside it has %.0f: the file is torn, "
                         "or of another run",
                         n, expected);
    run->decisions = recorded_keep(arena, decisions, n, sizeof *decisions);
    run->n_decisions = n;
    return s || run->decisions ? s : diag_nomem(d, "decisions");
}
