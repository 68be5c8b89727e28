/* The keys `endpoint` and `serves`: which deployment a request goes to. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "scenarios/keys/deployments.h"
#include "scenarios/keys/scenario.h"
#include "sim/routing/endpoint_class.h"
#include "sim/routing/endpoint_grid.h"
#include "util/units.h"

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
    return ST_OK;
}

/* ---- by class ---- */

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

static enum status build_classes(struct scenario *run, struct arena *arena, struct diag *d)
{
    size_t n = run->n_deployments;
    struct request_class *of = ARENA_NEW(arena, n, struct request_class);
    struct request_classes *classes = ARENA_NEW(arena, 1, struct request_classes);
    enum status s = ST_OK;

    if (!of || !classes)
        return diag_nomem(d, "endpoint");
    *classes = (struct request_classes){n, of};
    run->endpoint.state = classes;
    for (size_t i = 0; i < n && !s; i++) {
        of[i] = class_of(&run->deployments[i]);
        s = check_reached(of, run, i, d);
    }
    return s;
}

/* ---- by grid ---- */

/* One of the grids: its keys, and what they say. */
struct grid {
    struct scenario *run;
    enum pool_role role;
    const struct pool_names *names;
    const struct priority_rules *rules;
    const char *mapping, *overrides; /* their keys */
    struct arena *arena;
    struct diag *d;
};

static struct source_pos at_key(const struct grid *g, const char *key)
{
    char path[64];

    snprintf(path, sizeof path, "endpoint.%s", key);
    return scenario_at(g->run, path);
}

/* How one axis of a mapping is told. */
struct axis_keys {
    const struct endpoint_axis *said;
    const char *name, *unit; /* NAME_resolution, NAME_minUNIT, NAME_maxUNIT */
};

static enum status read_axis(struct pool_axis *to, const struct grid *g, size_t axis,
                             struct axis_keys keys)
{
    const char *name = keys.name, *unit = keys.unit;
    double min = keys.said->min, max = keys.said->max;
    int64_t n = keys.said->resolution;
    char key[64];

    if ((size_t)n != g->names->size[axis])
        return diag_fail_at(g->d, ST_INPUT, at_key(g, g->mapping),
                            "endpoint.%s has %zu steps of %s; expected %" PRId64
                            ", as endpoint.%s_resolution says",
                            g->mapping, g->names->size[axis], name, n, name);
    *to = (struct pool_axis){0, 1, (int)n};
    if (n == 1)
        return ST_OK;
    snprintf(key, sizeof key, "%s_m%s%s", name, isnan(min) ? "in" : "ax", unit);
    if (isnan(min) || isnan(max))
        return diag_fail_at(g->d, ST_INPUT, at_key(g, key),
                            "endpoint.%s is missing; expected it with %s_resolution %" PRId64, key,
                            name, n);
    if (min >= max)
        return diag_fail_at(g->d, ST_INPUT, at_key(g, key),
                            "endpoint.%s must be above %s_min%s (%g), not %g", key, name, unit, min,
                            max);
    *to = (struct pool_axis){min, max, (int)n};
    return ST_OK;
}

static enum status find_pool(int *index, const struct grid *g, const char *name,
                             struct source_pos at, const char *key)
{
    const struct scenario *own = scenario_deployment_find(g->run, name);

    if (!own)
        return diag_fail_at(g->d, ST_INPUT, at,
                            "endpoint.%s: no deployment is called '%.100s'; expected a name under "
                            "`deployments`",
                            key, name);
    if (!own->pools[g->role].present)
        return diag_fail_at(g->d, ST_INPUT, at,
                            "endpoint.%s: deployment %s has no pool %s; expected one that does",
                            key, name, pool_role_names[g->role]);
    *index = (int)(own - g->run->deployments);
    return ST_OK;
}

static enum status read_pools_of(struct pool_choice *c, const struct grid *g)
{
    size_t n = 1;
    enum status s = ST_OK;

    for (size_t axis = 0; axis < g->names->n_axes; axis++)
        n *= g->names->size[axis];
    int *pools = ARENA_NEW(g->arena, n, int);
    struct pool_rule *rules = ARENA_NEW(g->arena, g->rules->n, struct pool_rule);
    if (!pools || !rules)
        return diag_nomem(g->d, "endpoint");
    for (size_t i = 0; i < n && !s; i++)
        s = find_pool(&pools[i], g, g->names->name[i], g->names->at[i], g->mapping);
    for (size_t i = 0; i < g->rules->n && !s; i++) {
        const struct priority_rule *rule = &g->rules->item[i];
        rules[i].least = (double)rule->priority[0];
        rules[i].most = (double)rule->priority[1];
        s = find_pool(&rules[i].pool, g, rule->pool, rule->pool_at, g->overrides);
    }
    c->pools = pools;
    c->n_rules = g->rules->n;
    c->rules = rules;
    return s;
}

/* A pool of this role that no request can get to, whatever it is. */
static enum status check_pools_reached(const struct pool_choice *c, const struct grid *g)
{
    bool reached[MAX_DEPLOYMENTS] = {false};
    char path[64 + DEPLOYMENT_NAME_MAX];
    size_t n = 1;

    for (size_t axis = 0; axis < g->names->n_axes; axis++)
        n *= g->names->size[axis];
    for (size_t i = 0; i < n; i++)
        reached[c->pools[i]] = true;
    for (size_t i = 0; i < c->n_rules; i++)
        reached[c->rules[i].pool] = true;
    for (size_t i = g->run->n_deployments, retried = 0; i-- > 0;) {
        const struct scenario *own = &g->run->deployments[i];
        retried |= reached[i] && g->run->endpoint.enable_priority_retry;
        if (!own->pools[g->role].present || reached[i] || retried)
            continue;
        snprintf(path, sizeof path, "deployments.%s.pools.%s", own->deployment,
                 pool_role_names[g->role]);
        return diag_fail_at(g->d, ST_INPUT, scenario_at(g->run, path),
                            "no request gets to pool %s of deployment %s; expected it in "
                            "endpoint.%s or endpoint.%s",
                            pool_role_names[g->role], own->deployment, g->mapping, g->overrides);
    }
    return ST_OK;
}

static enum status read_grid(const struct pool_choice **to, const struct grid *g)
{
    struct pool_choice *c = ARENA_NEW(g->arena, 1, struct pool_choice);
    const struct scenario *run = g->run;
    const struct axis_keys isl = {&run->endpoint.isl, "isl", ""},
                           ttft = {&run->endpoint.ttft, "ttft", "_ms"},
                           itl = {&run->endpoint.itl, "itl", "_ms"},
                           context = {&run->endpoint.context_length, "context_length", ""};
    bool agg = g->role == POOL_AGG, prefill = g->role == POOL_PREFILL;
    bool planes = agg && run->endpoint.isl.resolution > 1;
    size_t n_axes = planes ? 3 : 2;
    enum status s = ST_OK;

    if (!c)
        return diag_nomem(g->d, "endpoint");
    *to = c;
    if (g->names->n_axes != n_axes)
        return diag_fail_at(g->d, ST_INPUT, at_key(g, g->mapping),
                            "endpoint.%s has lists %zu deep; expected %zu%s", g->mapping,
                            g->names->n_axes, n_axes,
                            !agg     ? ""
                            : planes ? ", with isl_resolution above 1"
                                     : ", or isl_resolution above 1");
    if (planes)
        s = read_axis(&c->planes, g, 0, isl);
    if (!s)
        s = read_axis(&c->rows, g, n_axes - 2, agg ? ttft : prefill ? isl : context);
    if (!s)
        s = read_axis(&c->columns, g, n_axes - 1, prefill ? ttft : itl);
    if (!s)
        s = read_pools_of(c, g);
    return s ? s : check_pools_reached(c, g);
}

static enum status check_mappings(const struct scenario *run, struct diag *d)
{
    bool prefill = run->endpoint.prefill_pool_mapping.n_axes > 0,
         decode = run->endpoint.decode_pool_mapping.n_axes > 0,
         agg = run->endpoint.agg_pool_mapping.n_axes > 0;

    if (agg ? !prefill && !decode : prefill && decode)
        return ST_OK;
    return diag_fail_at(d, ST_INPUT, scenario_at(run, "endpoint.by"),
                        "endpoint.by grid has %s%s%s; expected agg_pool_mapping, or "
                        "prefill_pool_mapping and decode_pool_mapping",
                        agg                 ? "agg_pool_mapping and "
                        : prefill || decode ? "only "
                                            : "no mapping",
                        prefill  ? "prefill_pool_mapping"
                        : decode ? "decode_pool_mapping"
                                 : "",
                        agg && prefill && decode ? " and decode_pool_mapping" : "");
}

/* Of a pool that belongs to the other kind of grid. */
static enum status check_kinds(const struct scenario *run, struct diag *d)
{
    bool agg = run->endpoint.agg_pool_mapping.n_axes > 0;
    char path[64 + DEPLOYMENT_NAME_MAX];

    for (size_t i = 0; i < run->n_deployments; i++) {
        const struct scenario *own = &run->deployments[i];
        if (own->pools[POOL_AGG].present == agg)
            continue;
        snprintf(path, sizeof path, "deployments.%s", own->deployment);
        return diag_fail_at(d, ST_INPUT, scenario_at(run, path),
                            "deployment %s has %s; expected %s, as the mappings of the endpoint "
                            "are for",
                            own->deployment, agg ? "no pool agg" : "a pool agg",
                            agg ? "pool agg" : "pools prefill or decode");
    }
    return ST_OK;
}

/* One of 0 ms is a target, which nothing holds. */
static int64_t target_ns(double ms)
{
    int64_t ns = isnan(ms) ? 0 : ns_from_s_or_never(ms / 1e3);

    return ns == 0 && !isnan(ms) ? 1 : ns;
}

static enum status read_targets(struct endpoint_pools *p, struct scenario *run, struct arena *arena,
                                struct diag *d)
{
    const struct priority_rules *rules = &run->endpoint.targets;
    struct target_class *classes = ARENA_NEW(arena, rules->n, struct target_class);
    struct request_targets *targets = ARENA_NEW(arena, rules->n, struct request_targets);

    if (!classes || !targets)
        return diag_nomem(d, "endpoint");
    for (size_t i = 0; i < rules->n; i++) {
        const struct priority_rule *rule = &rules->item[i];
        classes[i] = (struct target_class){
            {rule->priority[0], rule->priority[1]}, rule->ttft_ms, rule->itl_ms};
        targets[i] = (struct request_targets){target_ns(rule->ttft_ms), target_ns(rule->itl_ms)};
    }
    p->n_classes = rules->n;
    p->classes = classes;
    run->endpoint.request_targets = targets;
    return ST_OK;
}

static enum status build_grid(struct scenario *run, struct arena *arena, struct diag *d)
{
    struct endpoint_pools *p = ARENA_NEW(arena, 1, struct endpoint_pools);
    const struct grid grids[] = {{run, POOL_PREFILL, &run->endpoint.prefill_pool_mapping,
                                  &run->endpoint.prefill_priority_overrides, "prefill_pool_mapping",
                                  "prefill_priority_overrides", arena, d},
                                 {run, POOL_DECODE, &run->endpoint.decode_pool_mapping,
                                  &run->endpoint.decode_priority_overrides, "decode_pool_mapping",
                                  "decode_priority_overrides", arena, d},
                                 {run, POOL_AGG, &run->endpoint.agg_pool_mapping,
                                  &run->endpoint.agg_priority_overrides, "agg_pool_mapping",
                                  "agg_priority_overrides", arena, d}};
    const struct pool_choice **to[] = {&p->prefill, &p->decode, &p->agg};

    if (!p)
        return diag_nomem(d, "endpoint");
    p->retry = run->endpoint.enable_priority_retry;
    p->ttft_ms = run->endpoint.default_ttft_target_ms;
    p->itl_ms = run->endpoint.default_itl_target_ms;
    run->endpoint.state = p;
    enum status s = check_mappings(run, d);
    if (!s)
        s = check_kinds(run, d);
    for (size_t i = 0; i < sizeof grids / sizeof *grids && !s; i++)
        if (grids[i].names->n_axes)
            s = read_grid(to[i], &grids[i]);
    return s ? s : read_targets(p, run, arena, d);
}

enum status endpoint_build(struct scenario *run, struct arena *arena, struct diag *d)
{
    run->endpoint.ops = endpoint_find(run->endpoint.by);
    if (!run->endpoint.ops)
        return ST_OK;
    return run->endpoint.ops == &endpoint_class ? build_classes(run, arena, d)
                                                : build_grid(run, arena, d);
}
