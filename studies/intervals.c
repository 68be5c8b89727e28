#include "studies/intervals.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "studies/prediction.h"

/* Of runs with the key `deployments` alone. */
static const char unserved[] = "unserved_gpu_hours";

struct key_list {
    struct arena *arena;
    const char **keys;
    size_t n;
    bool failed;
};

static void add(struct key_list *to, const char *key)
{
    to->failed = to->failed || !key;
    to->keys[to->n++] = key;
}

static bool is_wanted(const char *key)
{
    double min, max;

    return summary_key_is_result(key) && summary_key_range(key, &min, &max);
}

static void add_whole(struct key_list *to)
{
    for (size_t i = 0; summary_key(i); i++) {
        if (is_wanted(summary_key(i)) && summary_key_adds_up(summary_key(i)))
            add(to, summary_key(i));
    }
    add(to, unserved);
}

static void add_deployment(struct key_list *to, const struct run_info *info)
{
    const char *name = info->deployment, *before = "";

    if (name)
        before = arena_printf(to->arena, "deployments.%s.", name);
    to->failed = to->failed || !before;
    if (to->failed)
        return;
    for (size_t i = 0; summary_key(i); i++) {
        if (is_wanted(summary_key(i)))
            add(to,
                name ? arena_printf(to->arena, "%s%s", before, summary_key(i)) : summary_key(i));
    }
    if (name)
        add(to, arena_printf(to->arena, "%s%s", before, unserved));
    for (size_t i = 0; summary_pool_key(i); i++) {
        for (size_t p = 0; p < info->n_pools; p++)
            add(to, arena_printf(to->arena, "%s%s.%s", before, summary_pool_key(i),
                                 info->pool_names[p]));
    }
}

enum status interval_keys(const char *const **keys, size_t *n, struct arena *arena,
                          const struct run_info *infos, size_t n_infos, struct diag *d)
{
    size_t n_all = 0, n_of_pools = 0;

    while (summary_key(n_all))
        n_all++;
    while (summary_pool_key(n_of_pools))
        n_of_pools++;
    const size_t most = (n_infos + 1) * (n_all + 1) + n_infos * POLICY_MAX_POOLS * n_of_pools;
    struct key_list list = {.arena = arena, .keys = ARENA_NEW(arena, most, const char *)};
    if (!list.keys)
        return diag_nomem(d, "intervals");
    if (infos[0].deployment)
        add_whole(&list);
    for (size_t i = 0; i < n_infos; i++)
        add_deployment(&list, &infos[i]);
    *keys = list.keys;
    *n = list.n;
    return list.failed ? diag_nomem(d, "intervals") : ST_OK;
}

bool interval_key_exists(const char *key, const struct run_info *infos, size_t n_infos)
{
    const char *name, *own;
    size_t n;

    own = summary_own_key(key, &name, &n);
    if (n == 0 && infos[0].deployment)
        return summary_key_adds_up(key) && summary_key_exists(key, 0, NULL);
    for (size_t i = 0; i < n_infos; i++) {
        const char *deployment = infos[i].deployment ? infos[i].deployment : "";
        if (strlen(deployment) == n && strncmp(deployment, n ? name : "", n) == 0)
            return summary_key_exists(own, infos[i].n_pools, infos[i].pool_names);
    }
    return false;
}

enum status interval_infos(const struct run_info **infos, size_t *n, struct arena *arena,
                           const struct scenario *scenario, struct diag *d)
{
    *n = scenario_n_deployments(scenario);
    struct run_info *to = ARENA_NEW(arena, *n, struct run_info);
    if (!to)
        return diag_nomem(d, "deployments");
    for (size_t i = 0; i < *n; i++) {
        const struct scenario *of = scenario_deployment(scenario, i);
        to[i] = (struct run_info){.deployment = of->deployment};
        for (size_t role = 0; role < 3; role++) {
            if (of->pools[role].present)
                to[i].pool_names[to[i].n_pools++] = pool_role_names[role];
        }
    }
    *infos = to;
    return ST_OK;
}

static struct summary_interval interval_of(const char *key, double *figures,
                                           const struct prediction_rule *rule, double level)
{
    const struct moments moments = sample_moments(figures, rule->n);
    struct range limits, mean = mean_interval(&moments, level);

    summary_key_range(key, &limits.low, &limits.high);
    sample_sort(figures, rule->n);
    const struct range next = prediction_range(figures, rule, limits);
    return (struct summary_interval){key,
                                     next.low,
                                     next.high,
                                     moments.mean,
                                     fmax(mean.low, limits.low),
                                     fmin(mean.high, limits.high)};
}

enum status intervals_of_rows(struct summary_intervals *intervals, struct arena *arena,
                              const struct study_row *rows, size_t n_rows, const char *const *keys,
                              size_t n_keys, struct diag *d)
{
    struct summary_interval *to = ARENA_NEW(arena, n_keys, struct summary_interval);
    double *figures = ARENA_NEW(arena, n_rows, double);

    if (!to || !figures)
        return diag_nomem(d, "intervals");
    const struct prediction_rule rule = prediction_rule(n_rows, intervals->level);
    intervals->n_runs = n_rows;
    intervals->intervals = to;
    for (size_t k = 0; k < n_keys; k++) {
        bool all = true;
        for (size_t i = 0; i < n_rows; i++) {
            figures[i] = rows[i].figures[k];
            all = all && !isnan(figures[i]);
        }
        if (all)
            to[intervals->n++] = interval_of(keys[k], figures, &rule, intervals->level);
    }
    return ST_OK;
}
