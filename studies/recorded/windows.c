#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "reports/windows_csv.h"
#include "studies/recorded/recorded_internal.h"
#include "util/array.h"

enum { FROM_MS, TO_MS, CAPACITY, MAX_COLUMNS = CAPACITY + POLICY_MAX_POOLS * N_WINDOW_FIGURES };

struct names {
    char text[MAX_COLUMNS][WINDOWS_CSV_NAME_SIZE];
    const char *list[MAX_COLUMNS];
    size_t n;
};

static void name_columns(struct names *names, const struct recorded *run)
{
    names->list[FROM_MS] = "from_ms";
    names->list[TO_MS] = "to_ms";
    names->n = CAPACITY;
    for (size_t p = 0; p < run->n_pools; p++) {
        for (int f = 0; f < N_WINDOW_FIGURES; f++, names->n++)
            names->list[names->n] =
                windows_csv_name(names->text[names->n], run->pools[p], (enum windows_csv_figure)f);
    }
}

static enum status read_row(struct recorded_window *w, const struct recorded *run,
                            const struct csv_rows *rows, int64_t last_ns)
{
    enum status s = csv_rows_ms(rows, FROM_MS, &w->from_ns);

    if (!s && w->from_ns < last_ns)
        s = csv_rows_refuse(rows, FROM_MS, "milliseconds, no earlier than in the line before");
    if (!s)
        s = csv_rows_ms(rows, TO_MS, &w->to_ns);
    if (!s && w->to_ns <= w->from_ns)
        s = csv_rows_refuse(rows, TO_MS, "milliseconds, later than 'from_ms'");
    for (size_t p = 0; p < run->n_pools && !s; p++) {
        struct capacity_window *c = &w->pools[p];
        double *const figures[N_WINDOW_FIGURES] = {[WINDOW_READY] = &c->ready,
                                                   [WINDOW_DEMAND] = &c->demand,
                                                   [WINDOW_SHORT] = &c->short_of,
                                                   [WINDOW_IDLE] = &c->idle,
                                                   [WINDOW_LEFT] = &c->left};
        for (size_t f = 0; f < N_WINDOW_FIGURES && !s; f++)
            s = csv_rows_number(rows, CAPACITY + p * N_WINDOW_FIGURES + f, figures[f]);
    }
    return s;
}

static enum status read_rows(struct recorded_window **windows, size_t *n,
                             const struct recorded *run, struct csv_rows *rows)
{
    size_t capacity = 0;
    enum status s;

    while (!(s = csv_rows_next(rows))) {
        s = ARRAY_RESERVE(*windows, *n, capacity, 1, "windows", rows->d);
        if (!s)
            s = read_row(&(*windows)[*n], run, rows, *n ? (*windows)[*n - 1].to_ns : 0);
        if (s)
            return s;
        ++*n;
    }
    return s == ST_END ? ST_OK : s;
}

/* ---- its totals ---- */

static double figure_of(const struct recorded *run, size_t pool, const char *name)
{
    char key[128];

    snprintf(key, sizeof key, "capacity.%.31s.%s", run->pools[pool], name);
    return recorded_figure(run, key);
}

bool recorded_capacity(struct capacity_total *total, const struct recorded *run, size_t pool)
{
    *total = (struct capacity_total){.short_worker_s = figure_of(run, pool, "short_worker_s"),
                                     .short_windows = figure_of(run, pool, "short_windows"),
                                     .short_gpu_hours = figure_of(run, pool, "short_gpu_hours"),
                                     .idle_gpu_hours = figure_of(run, pool, "idle_gpu_hours")};
    return !isnan(total->short_worker_s);
}

enum status recorded_read_windows(struct recorded *run, struct arena *arena, struct diag *d)
{
    struct names *names = ARENA_NEW(arena, 1, struct names);
    const char *path = arena_printf(arena, "%s/windows.csv", run->dir);
    struct recorded_window *windows = NULL;
    struct csv_rows rows;
    size_t n = 0;

    if (!names || !path)
        return diag_nomem(d, "windows");
    if (access(path, F_OK) != 0 && errno == ENOENT) /* a run of an earlier version */
        return ST_OK;
    name_columns(names, run);
    enum status s = csv_rows_open(&rows, path, "windows.csv of a run", names->list, names->n,
                                  CAPACITY, run->deployment, d);
    if (s)
        return s;
    if (csv_rows_has(&rows, CAPACITY))
        s = read_rows(&windows, &n, run, &rows);
    csv_rows_close(&rows);
    run->windows = recorded_keep(arena, windows, n, sizeof *windows);
    run->n_windows = n;
    return s || run->windows ? s : diag_nomem(d, "windows");
}
