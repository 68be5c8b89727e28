/* Many deployments: arbitration of one GPU budget, and the choice of a pool for a request. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "planner/fpm/arbiter.h"
#include "planner/pool_choice.h"
#include "tests/conformance/golden_fpm.h"

enum { WHERE_SIZE = 120, MAX_GRID = 256, MAX_RULES = 16, MAX_DEPLOYMENTS = 16 };

/* ---- Pools ---- */

static struct pool_axis read_axis(const cJSON *strategy, const char *name, const char *unit)
{
    char least[64], most[64], steps[64];

    snprintf(least, sizeof least, "%s_min%s", name, unit);
    snprintf(most, sizeof most, "%s_max%s", name, unit);
    snprintf(steps, sizeof steps, "%s_resolution", name);
    return (struct pool_axis){golden_at(strategy, least), golden_at(strategy, most),
                              (int)golden_int(strategy, steps)};
}

static void run_pool_case(const cJSON *kase, struct verdict *v)
{
    const cJSON *item, *line, *strategy = golden_get(kase, "strategy");
    const char *kind = golden_text(kase, "kind");
    bool prefill = strcmp(kind, "prefill") == 0, agg = strcmp(kind, "agg") == 0;
    struct pool_rule rules[MAX_RULES];
    int pools[MAX_GRID], n = 0;
    char map[64];
    struct pool_choice choice = {.pools = pools, .rules = rules};

    choice.rows = agg       ? read_axis(strategy, "ttft", "_ms")
                  : prefill ? read_axis(strategy, "isl", "")
                            : read_axis(strategy, "context_length", "");
    choice.columns =
        prefill ? read_axis(strategy, "ttft", "_ms") : read_axis(strategy, "itl", "_ms");
    snprintf(map, sizeof map, "%s_pool_mapping", kind);
    cJSON_ArrayForEach(line, golden_get(strategy, map))
    {
        cJSON_ArrayForEach(item, line)
        {
            if (n < MAX_GRID)
                pools[n++] = item->valueint;
        }
    }
    cJSON_ArrayForEach(item, golden_get(kase, "priority_overrides"))
    {
        if (choice.n_rules < MAX_RULES)
            rules[choice.n_rules++] = (struct pool_rule){
                golden_element(item, 0), golden_element(item, 1), (int)golden_element(item, 2)};
    }
    cJSON_ArrayForEach(item, golden_get(kase, "queries"))
    {
        golden_equal(v, kind,
                     pool_choose(&choice, NAN, golden_element(item, 0), golden_element(item, 1),
                                 golden_element(item, 2)),
                     golden_element(item, 3));
    }
}

static void run_pools(const cJSON *file, struct verdict *v)
{
    const cJSON *kase;

    cJSON_ArrayForEach(kase, golden_get(file, "cases"))
    {
        run_pool_case(kase, v);
    }
    golden_judge(v, "exact");
}

/* ---- Arbitration ---- */

/* The reference's handler around the rules: who may ask, what exists, and patches that fail. */
struct cluster {
    struct arbiter arbiter;
    const char *deployments[MAX_DEPLOYMENTS], *components[ARBITER_MAX_POOLS];
    int n_deployments;
    const cJSON *allowed; /* NULL = all */
    bool no_operation;
};

static int64_t option(const cJSON *options, const char *key, int64_t preset)
{
    return golden_has(options, key) ? golden_int(options, key) : preset;
}

static bool is_allowed(const struct cluster *c, const char *name)
{
    const cJSON *item;

    cJSON_ArrayForEach(item, c->allowed)
    {
        if (strcmp(item->valuestring, name) == 0)
            return true;
    }
    return !c->allowed;
}

static void read_cluster(const cJSON *kase, struct cluster *c)
{
    const cJSON *dgd, *component, *options = golden_get(kase, "options");
    char space[128];

    *c = (struct cluster){.no_operation = cJSON_IsTrue(golden_get(options, "no_operation"))};
    if (golden_has(options, "managed_namespaces"))
        c->allowed = golden_get(options, "managed_namespaces");
    struct arbiter *a = &c->arbiter;
    a->min_gpus = option(options, "min_total_gpus", -1);
    a->max_gpus = option(options, "max_total_gpus", -1);
    a->wish_ttl_s = (double)option(options, "intent_cache_ttl_seconds", 360);
    cJSON_ArrayForEach(dgd, golden_get(kase, "deployments"))
    {
        snprintf(space, sizeof space, "k8s-%s", dgd->string);
        cJSON_ArrayForEach(component, dgd)
        {
            a->known[a->n_pools] = is_allowed(c, space);
            c->components[a->n_pools] = component->string;
            a->pools[a->n_pools++] =
                (struct arbiter_pool){.deployment = c->n_deployments,
                                      .replicas = (int64_t)golden_element(component, 0),
                                      .gpus = (int64_t)golden_element(component, 1)};
        }
        c->deployments[c->n_deployments++] = dgd->string;
    }
}

static int find_deployment(const struct cluster *c, const char *name)
{
    for (int i = 0; i < c->n_deployments; i++) {
        if (strcmp(c->deployments[i], name) == 0)
            return i;
    }
    return -1;
}

/* One patch per deployment. Only the first failure is an answer. */
static const char *carry_out(struct cluster *c, const cJSON *request,
                             const struct arbiter_plan *plan, struct verdict *v, const char *where)
{
    const cJSON *name, *patch = golden_get(request, "patches");
    int order[ARBITER_MAX_POOLS];
    size_t n = arbiter_order(&c->arbiter, plan, order);

    patch = patch ? patch->child : NULL;
    for (size_t i = 0; i < n; i++) {
        bool failed = false;
        cJSON_ArrayForEach(name, golden_get(request, "failing"))
        {
            failed |= strcmp(name->valuestring, c->deployments[order[i]]) == 0;
        }
        if (failed && i == 0)
            return "error";
        if (failed)
            continue;
        if (!patch) {
            golden_fail(v, where);
            return "success";
        }
        golden_equal(v, where,
                     strcmp(cJSON_GetArrayItem(patch, 0)->valuestring, c->deployments[order[i]]),
                     0);
        for (size_t k = 0; k < plan->n; k++) {
            struct arbiter_pool *p = &c->arbiter.pools[plan->changes[k].pool];
            if (p->deployment != order[i])
                continue;
            p->replicas = plan->changes[k].replicas;
            golden_equal(
                v, where, (double)p->replicas,
                golden_at(cJSON_GetArrayItem(patch, 1), c->components[plan->changes[k].pool]));
        }
        patch = patch->next;
    }
    golden_equal(v, where, patch != NULL, 0);
    return "success";
}

static const char *answer(struct cluster *c, const cJSON *request, struct verdict *v,
                          const char *where)
{
    struct arbiter_change wanted[ARBITER_MAX_POOLS];
    struct arbiter *a = &c->arbiter;
    int own = find_deployment(c, golden_text(request, "dgd"));
    const cJSON *target;
    size_t n = 0;

    if (!is_allowed(c, golden_text(request, "caller")))
        return "error";
    if (c->no_operation)
        return "success";
    if (own < 0)
        return "error";
    for (size_t i = 0; i < a->n_pools; i++)
        a->known[i] |= a->pools[i].deployment == own;
    cJSON_ArrayForEach(target, golden_get(request, "targets"))
    {
        for (size_t i = 0; i < a->n_pools; i++) {
            if (a->pools[i].deployment == own &&
                strcmp(c->components[i], cJSON_GetArrayItem(target, 0)->valuestring) == 0)
                wanted[n++] = (struct arbiter_change){i, (int64_t)golden_element(target, 1)};
        }
    }
    struct arbiter_plan plan;
    arbiter_request(a, golden_at(request, "t"), n, wanted, &plan);
    return plan.n == 0 ? "rejected" : carry_out(c, request, &plan, v, where);
}

static void compare_after(const struct cluster *c, const cJSON *request, struct verdict *v,
                          const char *where)
{
    const struct arbiter *a = &c->arbiter;
    char key[128];

    for (size_t i = 0; i < a->n_pools; i++) {
        const struct arbiter_pool *p = &a->pools[i];
        const char *name = c->deployments[p->deployment];
        const cJSON *after = golden_get(golden_get(request, "after"), name);
        golden_equal(v, where, (double)p->replicas, golden_at(after, c->components[i]));
        snprintf(key, sizeof key, "k8s/%s/%s", name, c->components[i]);
        const cJSON *wish = golden_get(golden_get(request, "intents"), key);
        golden_equal(v, where, p->has_wish ? (double)p->wish : NAN, golden_element(wish, 0));
        golden_equal(v, where, p->has_wish ? p->wish_s : NAN, golden_element(wish, 1));
    }
}

static void run_arbiter(const cJSON *file, struct verdict *v)
{
    const cJSON *kase, *request;
    char where[WHERE_SIZE];
    struct cluster c;

    cJSON_ArrayForEach(kase, golden_get(file, "cases"))
    {
        read_cluster(kase, &c);
        cJSON_ArrayForEach(request, golden_get(kase, "requests"))
        {
            snprintf(where, sizeof where, "%s at %g", golden_text(kase, "id"),
                     golden_at(request, "t"));
            const char *status = answer(&c, request, v, where);
            golden_equal(v, where, strcmp(status, golden_text(request, "status")), 0);
            compare_after(&c, request, v, where);
        }
    }
    golden_judge(v, "exact");
}

const struct family family_fpm_global[] = {
    {"fpm_global_planner", "one budget for many", run_arbiter},
    {"fpm_pools", "choice of a pool", run_pools},
    {NULL, NULL, NULL},
};
