#include <math.h>

#include "scenarios/text/yaml_tree.h"
#include "studies/recorded/recorded_internal.h"
#include "traces/json_scan.h"
#include "util/array.h"
#include "util/line_reader.h"
#include "util/text.h"
#include "util/units.h"

struct reader {
    const struct recorded *run;
    struct arena *arena;
    const char *path;
    struct line_reader *lines;
    struct diag *d;
};

static enum status refuse(const struct reader *r, const struct yaml_node *node, const char *key,
                          const char *expected)
{
    struct source_pos at = line_reader_pos(r->lines);
    char found[NODE_TEXT_SIZE];

    if (!node)
        return diag_fail_at(r->d, ST_INPUT, at, "no '%s'; expected decisions.jsonl of a run", key);
    at.column = node->at.column;
    return diag_fail_at(r->d, ST_INPUT, at, "'%s' must be %s, not %s", key, expected,
                        yaml_node_describe(found, node));
}

/* NaN for null. */
static enum status read_number(double *value, const struct reader *r, const struct yaml_node *map,
                               const char *key)
{
    const struct yaml_node *node = yaml_node_child(map, key);

    *value = NAN;
    if (node && node->kind == NODE_NULL)
        return ST_OK;
    if (!node || (node->kind != NODE_INT && node->kind != NODE_NUMBER) || !isfinite(node->d))
        return refuse(r, node, key, "a number or null");
    *value = node->d;
    return ST_OK;
}

static enum status read_count(int64_t *value, const struct reader *r, const struct yaml_node *map,
                              const char *key)
{
    const struct yaml_node *node = yaml_node_child(map, key);

    if (!node || node->kind != NODE_INT || node->i < 0)
        return refuse(r, node, key, "a number without sign or fraction");
    *value = node->i;
    return ST_OK;
}

static enum status read_text(const char **value, const struct reader *r,
                             const struct yaml_node *map, const char *key)
{
    const struct yaml_node *node = yaml_node_child(map, key);

    *value = NULL;
    if (node && node->kind == NODE_NULL)
        return ST_OK;
    if (!node || node->kind != NODE_TEXT)
        return refuse(r, node, key, "a text or null");
    *value = node->text;
    return ST_OK;
}

static enum status read_forecast(struct recorded_forecast *f, const struct reader *r,
                                 const struct yaml_node *decision, const char *key)
{
    const struct yaml_node *map = yaml_node_child(decision, key);

    if (!map || map->kind != NODE_MAP)
        return refuse(r, map, key, "a map");
    enum status s = read_number(&f->n_requests, r, map, "n_requests");
    if (!s)
        s = read_number(&f->isl_tok, r, map, "isl_tok");
    return s ? s : read_number(&f->osl_tok, r, map, "osl_tok");
}

static enum status read_pool(struct recorded_pool_decision *p, const struct reader *r,
                             const struct yaml_node *pools, const char *name)
{
    const struct yaml_node *map = yaml_node_child(pools, name);
    const struct yaml_node *applied = yaml_node_child(map, "applied");

    if (!map || map->kind != NODE_MAP)
        return refuse(r, map, name, "a map");
    if (!applied || applied->kind != NODE_MAP)
        return refuse(r, applied, "applied", "a map");
    enum status s = read_count(&p->target, r, map, "target");
    if (!s)
        s = read_count(&p->ready, r, map, "ready");
    if (!s)
        s = read_count(&p->starting, r, map, "starting");
    if (!s)
        s = read_count(&p->draining, r, map, "draining");
    if (!s)
        s = read_number(&p->correction, r, map, "correction");
    if (!s)
        s = read_number(&p->wanted, r, map, "wanted");
    return s ? s : read_number(&p->applied, r, applied, "target");
}

static enum status read_time(int64_t *at_ns, const struct reader *r, const struct yaml_node *root,
                             int64_t last_ns)
{
    double at_s;
    enum status s = read_number(&at_s, r, root, "at_s");

    if (!s && (!ns_from_s(at_s, at_ns) || *at_ns < last_ns))
        s = refuse(r, yaml_node_child(root, "at_s"), "at_s",
                   "seconds, no less than in the line before");
    return s;
}

static enum status read_decision(struct recorded_decision *c, const struct reader *r,
                                 const struct yaml_node *root, int64_t last_ns)
{
    const struct yaml_node *seen = yaml_node_child(root, "seen"),
                           *pools = yaml_node_child(root, "pools");
    int64_t number = 0;

    enum status s = read_time(&c->at_ns, r, root, last_ns);
    if (!s)
        s = read_count(&number, r, root, "number");
    if (!s)
        s = read_text(&c->kind, r, root, "kind");
    if (!s)
        s = read_forecast(&c->seen, r, root, "seen");
    if (!s)
        s = read_number(&c->seen_ttft_ms, r, seen, "ttft_ms");
    if (!s)
        s = read_number(&c->seen_itl_ms, r, seen, "itl_ms");
    if (!s)
        s = read_forecast(&c->predicted, r, root, "predicted");
    if (!s && (!pools || pools->kind != NODE_MAP))
        s = refuse(r, pools, "pools", "a map");
    for (size_t i = 0; i < r->run->n_pools && !s; i++)
        s = read_pool(&c->pools[i], r, pools, r->run->pools[i]);
    c->number = (uint64_t)number;
    return s ? s : read_text(&c->reason, r, root, "reason");
}

/* JSON alone: a torn line is told with its place, which a tree of one line does not know. */
static enum status parse_line(struct yaml_node **root, const struct reader *r, const char *line,
                              size_t length)
{
    struct source_pos at = line_reader_pos(r->lines);
    struct json_error e;
    const char *end = json_value_end(json_skip_space(line), 0, &e);
    char found[TEXT_EXCERPT_SIZE];

    if (end && (end = json_skip_space(end)) != line + length)
        e = (struct json_error){end, "the end of the line"};
    else if (end)
        return yaml_tree_parse(root, r->arena, r->path, line, length, false, r->d);
    at.column = (unsigned long)(e.at - line) + 1;
    if (e.at == line + length)
        return diag_fail_at(r->d, ST_INPUT, at,
                            "not valid JSON: expected %s, found the end of the line: the file is "
                            "torn, or not decisions.jsonl of a run",
                            e.expected);
    return diag_fail_at(r->d, ST_INPUT, at, "not valid JSON: expected %s, found '%s'", e.expected,
                        text_excerpt(found, e.at, 1));
}

static enum status read_lines(struct recorded_decision **decisions, size_t *n,
                              const struct reader *r)
{
    size_t capacity = 0, length;
    const char *line;
    enum status s;

    while (!(s = line_reader_next(r->lines, &line, &length, r->d))) {
        struct yaml_node *root = NULL;
        s = parse_line(&root, r, line, length);
        if (!s && (!root || root->kind != NODE_MAP))
            s = diag_fail_at(r->d, ST_INPUT, line_reader_pos(r->lines),
                             "expected an object: a decision of a run");
        if (!s)
            s = ARRAY_RESERVE(*decisions, *n, capacity, 1, "decisions", r->d);
        if (!s)
            s = read_decision(&(*decisions)[*n], r, root, *n ? (*decisions)[*n - 1].at_ns : 0);
        if (s)
            return s;
        ++*n;
    }
    return s == ST_END ? ST_OK : s;
}

enum status recorded_read_decisions(struct recorded *run, struct arena *arena, const char *path,
                                    struct diag *d)
{
    struct reader r = {.run = run, .arena = arena, .path = path, .d = d};
    struct recorded_decision *decisions = NULL;
    double expected = recorded_figure(run, "scaling.decisions");
    size_t n = 0;

    enum status s = line_reader_open(&r.lines, path, d);
    if (s)
        return s;
    s = read_lines(&decisions, &n, &r);
    line_reader_close(r.lines);
    if (!s && (double)n != expected)
        s = diag_fail_at(d, ST_INPUT, (struct source_pos){.file = path},
                         "%zu decisions where summary.json beside it has %.0f: the file is torn, "
                         "or of another run",
                         n, expected);
    run->decisions = recorded_keep(arena, decisions, n, sizeof *decisions);
    run->n_decisions = n;
    return s || run->decisions ? s : diag_nomem(d, "decisions");
}
