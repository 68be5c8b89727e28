#include <math.h>

#include "studies/recorded/recorded_internal.h"
#include "util/array.h"
#include "util/text.h"

enum {
    AT_MS,
    POOL,
    TARGET,
    READY,
    STARTING,
    DRAINING,
    WAITING,
    RUNNING,
    KV_UTILIZATION,
    OFFERED,
    COMPLETED,
    N_COLUMNS
};
static const char *const columns[N_COLUMNS] = {"at_ms",
                                               "pool",
                                               "target",
                                               "ready",
                                               "starting",
                                               "draining",
                                               "waiting",
                                               "running",
                                               "kv_utilization",
                                               "offered_requests_per_s",
                                               "completed_requests_per_s"};

static enum status read_count(int64_t *count, const struct csv_rows *rows, size_t column)
{
    uint64_t value = 0;
    enum status s = csv_rows_uint(rows, column, INT32_MAX, &value);

    *count = (int64_t)value;
    return s;
}

/* NaN where the field is empty. */
static enum status read_number(double *value, const struct csv_rows *rows, size_t column)
{
    const struct csv_field field = csv_rows_field(rows, column);

    *value = NAN;
    if (field.from == field.end)
        return ST_OK;
    if (text_double(field.from, (size_t)(field.end - field.from), value) != TEXT_OK || *value < 0)
        return csv_rows_refuse(rows, column, "a number >= 0, or nothing");
    return ST_OK;
}

static enum status read_numbers(struct recorded_sample *sample, const struct csv_rows *rows)
{
    enum status s = read_number(&sample->n_waiting, rows, WAITING);

    if (!s)
        s = read_number(&sample->n_running, rows, RUNNING);
    if (!s)
        s = read_number(&sample->kv_utilization, rows, KV_UTILIZATION);
    if (!s)
        s = read_number(&sample->offered_per_s, rows, OFFERED);
    return s ? s : read_number(&sample->completed_per_s, rows, COMPLETED);
}

static enum status read_row(struct recorded_sample *sample, const struct recorded *run,
                            const struct csv_rows *rows, int64_t last_ns)
{
    enum status s = csv_rows_ms(rows, AT_MS, &sample->at_ns);

    if (!s && sample->at_ns < last_ns)
        s = csv_rows_refuse(rows, AT_MS, "a time in ms, no earlier than the row before");
    if (!s)
        s = recorded_pool(&sample->pool, run, rows, POOL);
    if (!s)
        s = read_count(&sample->target, rows, TARGET);
    if (!s)
        s = read_count(&sample->ready, rows, READY);
    if (!s)
        s = read_count(&sample->starting, rows, STARTING);
    if (!s)
        s = read_count(&sample->draining, rows, DRAINING);
    return s ? s : read_numbers(sample, rows);
}

static enum status read_rows(struct recorded_sample **samples, size_t *n,
                             const struct recorded *run, struct csv_rows *rows)
{
    size_t capacity = 0;
    enum status s;

    while (!(s = csv_rows_next(rows))) {
        s = ARRAY_RESERVE(*samples, *n, capacity, 1, "timeline", rows->d);
        if (!s)
            s = read_row(&(*samples)[*n], run, rows, *n ? (*samples)[*n - 1].at_ns : 0);
        if (s)
            return s;
        ++*n;
    }
    return s == ST_END ? ST_OK : s;
}

enum status recorded_read_timeline(struct recorded *run, struct arena *arena, const char *path,
                                   struct diag *d)
{
    struct recorded_sample *samples = NULL;
    struct csv_rows rows;
    size_t n = 0;

    enum status s = csv_rows_open(&rows, path, "timeline.csv of a run", columns, N_COLUMNS,
                                  N_COLUMNS, run->deployment, d);
    if (s)
        return s;
    s = read_rows(&samples, &n, run, &rows);
    csv_rows_close(&rows);
    run->samples = recorded_keep(arena, samples, n, sizeof *samples);
    run->n_samples = n;
    return s || run->samples ? s : diag_nomem(d, "timeline");
}
