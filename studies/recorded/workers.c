#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "studies/recorded/recorded_internal.h"
#include "util/array.h"

enum {
    POOL,
    WORKER,
    NODE,
    WANTED_MS,
    START_MS,
    READY_MS,
    DRAIN_MS,
    END_MS,
    END,
    REQUESTS_FINISHED,
    REQUESTS_LOST,
    BUSY_MS,
    N_COLUMNS
};
static const char *const columns[N_COLUMNS] = {
    "pool",     "worker", "node", "wanted_ms",         "start_ms",      "ready_ms",
    "drain_ms", "end_ms", "end",  "requests_finished", "requests_lost", "busy_ms"};

static enum status read_end(enum worker_end *end, const struct csv_rows *rows)
{
    for (int e = 0; e < N_WORKER_ENDS; e++) {
        if (csv_rows_is(rows, END, worker_end_name((enum worker_end)e))) {
            *end = (enum worker_end)e;
            return ST_OK;
        }
    }
    return csv_rows_refuse(rows, END, "drained or another end of a worker");
}

static enum status read_number(uint32_t *number, const struct csv_rows *rows, size_t column,
                               bool may_lack)
{
    uint64_t value = UINT32_MAX;
    enum status s = ST_OK;

    if (!may_lack || !csv_rows_is(rows, column, ""))
        s = csv_rows_uint(rows, column, UINT32_MAX - 1, &value);
    *number = (uint32_t)value;
    return s;
}

/* The times there are, none before the one before it. */
static enum status read_times(struct worker_record *w, const struct csv_rows *rows)
{
    static const bool always[] = {true, false, false, false, true};
    int64_t *const times[] = {&w->wanted_ns, &w->start_ns, &w->ready_ns, &w->drain_ns, &w->end_ns};
    int64_t last_ns = 0;

    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        enum status s = csv_rows_ms(rows, WANTED_MS + i, times[i]);
        if (s)
            return s;
        if (*times[i] < 0 ? always[i] : *times[i] < last_ns)
            return csv_rows_refuse(rows, WANTED_MS + i,
                                   "milliseconds, no earlier than what came before it");
        last_ns = *times[i] < 0 ? last_ns : *times[i];
    }
    return ST_OK;
}

static enum status read_row(struct worker_record *w, const struct recorded *run,
                            const struct csv_rows *rows)
{
    enum status s = recorded_pool(&w->pool, run, rows, POOL);

    w->deployment = 0;
    if (!s)
        s = read_number(&w->id, rows, WORKER, false);
    if (!s)
        s = read_number(&w->node, rows, NODE, true);
    if (!s)
        s = read_times(w, rows);
    if (!s)
        s = read_end(&w->end, rows);
    if (!s)
        s = csv_rows_uint(rows, REQUESTS_FINISHED, INT64_MAX, &w->n_finished);
    if (!s)
        s = csv_rows_uint(rows, REQUESTS_LOST, INT64_MAX, &w->n_lost);
    if (!s)
        s = csv_rows_ms(rows, BUSY_MS, &w->busy_ns);
    if (!s && w->busy_ns < 0)
        s = csv_rows_refuse(rows, BUSY_MS, "milliseconds");
    return s;
}

static enum status read_rows(struct worker_record **workers, size_t *n, const struct recorded *run,
                             struct csv_rows *rows)
{
    size_t capacity = 0;
    enum status s;

    while (!(s = csv_rows_next(rows))) {
        s = ARRAY_RESERVE(*workers, *n, capacity, 1, "workers", rows->d);
        if (!s)
            s = read_row(&(*workers)[*n], run, rows);
        if (s)
            return s;
        ++*n;
    }
    return s == ST_END ? ST_OK : s;
}

static int by_pool_and_id(const void *a, const void *b)
{
    const struct worker_record *v = a, *w = b;

    if (v->pool != w->pool)
        return v->pool < w->pool ? -1 : 1;
    return (v->id > w->id) - (v->id < w->id);
}

void recorded_sort_workers(struct worker_record *workers, size_t n)
{
    if (n)
        qsort(workers, n, sizeof *workers, by_pool_and_id);
}

/* None of them twice. */
static enum status check(const struct recorded *run, const struct worker_record *workers, size_t n,
                         const char *path, struct diag *d)
{
    for (size_t i = 1; i < n; i++) {
        if (by_pool_and_id(&workers[i - 1], &workers[i]) == 0)
            return diag_fail_at(d, ST_INPUT, (struct source_pos){.file = path},
                                "worker %u of pool '%s' is there twice", workers[i].id,
                                run->pools[workers[i].pool]);
    }
    return ST_OK;
}

enum status recorded_read_workers(struct recorded *run, struct arena *arena, const char *path,
                                  struct diag *d)
{
    struct worker_record *workers = NULL;
    struct csv_rows rows;
    size_t n = 0;

    if (access(path, F_OK) != 0 && errno == ENOENT) /* a run of an earlier version */
        return ST_OK;
    enum status s = csv_rows_open(&rows, path, "workers.csv of a run", columns, N_COLUMNS,
                                  N_COLUMNS, run->deployment, d);
    if (s)
        return s;
    s = read_rows(&workers, &n, run, &rows);
    csv_rows_close(&rows);
    recorded_sort_workers(workers, n);
    if (!s)
        s = check(run, workers, n, path, d);
    run->workers = recorded_keep(arena, workers, n, sizeof *workers);
    run->n_workers = n;
    return s || run->workers ? s : diag_nomem(d, "workers");
}
