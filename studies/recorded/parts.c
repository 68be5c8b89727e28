#include <stdlib.h>

#include "reports/parts_columns.h"
#include "studies/recorded/recorded_internal.h"
#include "util/bug.h"

/* Columns of the file: the request, its parts, its waits, its decoding. */
enum {
    REQUEST,
    TTFT_PARTS,
    E2E_PARTS = TTFT_PARTS + N_REQUEST_PARTS,
    WAITS = E2E_PARTS + N_REQUEST_PARTS,
    MAX_COLUMNS = WAITS + POLICY_MAX_POOLS * N_WAIT_COLUMNS + 2
};

struct names {
    char text[MAX_COLUMNS][PART_COLUMN_SIZE];
    const char *list[MAX_COLUMNS];
    size_t n;
};

static size_t decode_column(const struct recorded *run)
{
    return WAITS + run->n_pools * N_WAIT_COLUMNS;
}

static void name_columns(struct names *names, const struct recorded *run)
{
    for (int i = 0; i < MAX_COLUMNS; i++)
        names->list[i] = names->text[i];
    names->list[REQUEST] = "request";
    for (int i = 0; i < N_REQUEST_PARTS; i++) {
        part_column_name(names->text[TTFT_PARTS + i], true, (enum request_part)i);
        part_column_name(names->text[E2E_PARTS + i], false, (enum request_part)i);
    }
    for (size_t p = 0; p < run->n_pools; p++)
        for (size_t c = 0; c < N_WAIT_COLUMNS; c++)
            wait_column_name(names->text[WAITS + p * N_WAIT_COLUMNS + c], run->pools[p],
                             (enum wait_column)c);
    names->list[decode_column(run)] = decode_short_column;
    names->list[decode_column(run) + 1] = decode_batch_column;
    names->n = decode_column(run) + 2;
}

static enum status read_parts(int64_t *ns, const struct csv_rows *rows, size_t column)
{
    enum status s = ST_OK;
    for (size_t i = 0; i < N_REQUEST_PARTS && !s; i++) {
        s = csv_rows_ms(rows, column + i, &ns[i]);
        ns[i] = ns[i] < 0 ? 0 : ns[i];
    }
    return s;
}

static enum status read_wait(struct pool_wait *wait, const struct csv_rows *rows, size_t column)
{
    struct csv_field ahead = csv_rows_field(rows, column + WAIT_AHEAD_REQUEST);
    uint64_t ahead_tok = 0;

    enum status s = csv_rows_ms(rows, column + WAIT_FROM_MS, &wait->from_ns);
    if (!s)
        s = csv_rows_ms(rows, column + WAIT_TO_MS, &wait->to_ns);
    if (!s)
        s = csv_rows_ms(rows, column + WAIT_BACKLOG_MS, &wait->backlog_ns);
    wait->ahead_request = UINT64_MAX;
    wait->ahead_tok = 0;
    wait->ahead_ns = 0;
    if (s || ahead.from == ahead.end)
        return s;
    s = csv_rows_uint(rows, column + WAIT_AHEAD_REQUEST, INT64_MAX, &wait->ahead_request);
    if (!s)
        s = csv_rows_uint(rows, column + WAIT_AHEAD_TOKENS, UINT32_MAX, &ahead_tok);
    wait->ahead_tok = (uint32_t)ahead_tok;
    return s ? s : csv_rows_ms(rows, column + WAIT_AHEAD_MS, &wait->ahead_ns);
}

static enum status read_row(struct request_parts *q, const struct recorded *run,
                            const struct csv_rows *rows)
{
    enum status s = read_parts(q->ttft_ns, rows, TTFT_PARTS);
    if (!s)
        s = read_parts(q->e2e_ns, rows, E2E_PARTS);
    for (size_t p = 0; p < run->n_pools && !s; p++)
        s = read_wait(&q->waits[p], rows, WAITS + p * N_WAIT_COLUMNS);
    if (!s)
        s = csv_rows_ms(rows, decode_column(run), &q->decode_short_ns);
    return s ? s : csv_rows_number(rows, decode_column(run) + 1, &q->decode_batch);
}

static int by_index(const void *key, const void *request)
{
    uint64_t index = *(const uint64_t *)key,
             other = ((const struct recorded_request *)request)->index;

    return (index > other) - (index < other);
}

/* The rows are in the order in which requests ended. */
static enum status read_rows(struct request_parts *parts, const struct recorded *run,
                             struct csv_rows *rows)
{
    enum status s;

    while (!(s = csv_rows_next(rows))) {
        uint64_t index;
        s = csv_rows_uint(rows, REQUEST, INT64_MAX, &index);
        if (s)
            return s;
        const struct recorded_request *q =
            bsearch(&index, run->requests, run->n_requests, sizeof *run->requests, by_index);
        if (!q)
            return csv_rows_refuse(rows, REQUEST, "a request that was there before");
        s = read_row(&parts[q - run->requests], run, rows);
        if (s)
            return s;
    }
    return s == ST_END ? ST_OK : s;
}

enum status recorded_read_parts(struct recorded *run, struct arena *arena, struct diag *d)
{
    static const char *const base[] = {"request"};
    struct names *names = arena_alloc(arena, 1, sizeof *names);
    const char *path = arena_printf(arena, "%s/requests.csv", run->dir);
    struct csv_rows rows;

    if (!names || !path)
        return diag_nomem(d, "parts");
    name_columns(names, run);
    enum status s = csv_rows_open(&rows, path, "requests.csv of a run", base, 1, d);
    if (s)
        return s;
    bool has = csv_rows_has(&rows, names->list[TTFT_PARTS]);
    csv_rows_close(&rows);
    if (!has || run->n_requests == 0)
        return ST_OK;
    struct request_parts *parts = arena_alloc(arena, run->n_requests, sizeof *parts);
    if (!parts)
        return diag_nomem(d, "parts");
    s = csv_rows_open(&rows, path, "requests.csv of a run", names->list, names->n, d);
    if (s)
        return s;
    s = read_rows(parts, run, &rows);
    csv_rows_close(&rows);
    run->parts = s ? NULL : parts;
    return s;
}
