#include "studies/intervals.h"

#include <math.h>
#include <stdbool.h>

#include "studies/prediction.h"

enum status interval_keys(const char *const **keys, size_t *n, struct arena *arena,
                          const struct run_info *info, struct diag *d)
{
    size_t n_all = 0, n_of_pools = 0, n_used = 0;

    while (summary_key(n_all))
        n_all++;
    while (summary_pool_key(n_of_pools))
        n_of_pools++;
    const char **to = ARENA_NEW(arena, n_all + n_of_pools * info->n_pools, const char *);
    if (!to)
        return diag_nomem(d, "intervals");
    for (size_t i = 0; i < n_all; i++) {
        double min, max;
        if (summary_key_is_result(summary_key(i)) && summary_key_range(summary_key(i), &min, &max))
            to[n_used++] = summary_key(i);
    }
    for (size_t i = 0; i < n_of_pools * info->n_pools; i++) {
        to[n_used] = arena_printf(arena, "%s.%s", summary_pool_key(i / info->n_pools),
                                  info->pool_names[i % info->n_pools]);
        if (!to[n_used++])
            return diag_nomem(d, "intervals");
    }
    *keys = to;
    *n = n_used;
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
