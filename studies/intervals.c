#include "studies/intervals.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

enum status interval_keys(const char *const **keys, size_t *n, struct arena *arena,
                          const struct run_info *info, struct diag *d)
{
    size_t n_all = 0, n_used = 0;

    while (summary_key(n_all))
        n_all++;
    const char **to = ARENA_NEW(arena, n_all + info->n_pools, const char *);
    if (!to)
        return diag_nomem(d, "intervals");
    for (size_t i = 0; i < n_all; i++) {
        double min, max;
        if (summary_key_is_result(summary_key(i)) && summary_key_range(summary_key(i), &min, &max))
            to[n_used++] = summary_key(i);
    }
    for (size_t i = 0; i < info->n_pools; i++) {
        to[n_used] = arena_printf(arena, "gpu_hours.by_pool.%s", info->pool_names[i]);
        if (!to[n_used++])
            return diag_nomem(d, "intervals");
    }
    *keys = to;
    *n = n_used;
    return ST_OK;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* The figure at a rank that counts from 1 and may lie between two. */
static double at_rank(const double *sorted, size_t n, double rank)
{
    double last = (double)n - 1, at = fmin(fmax(rank - 1, 0), last);
    size_t below = (size_t)at;

    if (below + 1 >= n)
        return sorted[n - 1];
    return sorted[below] + (at - (double)below) * (sorted[below + 1] - sorted[below]);
}

enum status intervals_of_rows(struct summary_intervals *intervals, struct arena *arena,
                              const struct study_row *rows, size_t n_rows, const char *const *keys,
                              size_t n_keys, double level, struct diag *d)
{
    struct summary_interval *to = ARENA_NEW(arena, n_keys, struct summary_interval);
    double *figures = ARENA_NEW(arena, n_rows, double);
    double rank = (double)(n_rows + 1) * (1 - level) / 2;

    if (!to || !figures)
        return diag_nomem(d, "intervals");
    *intervals = (struct summary_intervals){.level = level, .n_runs = n_rows, .intervals = to};
    for (size_t k = 0; k < n_keys; k++) {
        bool all = n_rows > 0;
        for (size_t i = 0; i < n_rows; i++) {
            figures[i] = rows[i].figures[k];
            all = all && !isnan(figures[i]);
        }
        if (!all)
            continue;
        qsort(figures, n_rows, sizeof *figures, ascending);
        to[intervals->n++] =
            (struct summary_interval){keys[k], at_rank(figures, n_rows, rank),
                                      at_rank(figures, n_rows, (double)(n_rows + 1) - rank)};
    }
    return ST_OK;
}
