#include "reports/parts_columns.h"

#include <stdio.h>
#include <string.h>

const char decode_batch_column[] = "decode_batch";

static const char *const wait_columns[N_WAIT_COLUMNS] = {
    [WAIT_FROM_MS] = "from_ms",           [WAIT_TO_MS] = "to_ms",
    [WAIT_BACKLOG_MS] = "backlog_ms",     [WAIT_AHEAD_REQUEST] = "ahead_request",
    [WAIT_AHEAD_TOKENS] = "ahead_tokens", [WAIT_AHEAD_MS] = "ahead_ms",
};

void part_column_name(char name[PART_COLUMN_SIZE], bool ttft, enum request_part part)
{
    snprintf(name, PART_COLUMN_SIZE, "%s_part_%s_ms", ttft ? "ttft" : "e2e",
             request_part_name(part));
}

void wait_column_name(char name[PART_COLUMN_SIZE], const char *pool, enum wait_column column)
{
    snprintf(name, PART_COLUMN_SIZE, "wait_%s_%s", pool, wait_columns[column]);
}

static void add_name(struct row *row, const char *name)
{
    ROW_LITERAL(row, ",");
    row_text(row, name, strlen(name));
}

void parts_columns_header(struct row *row, size_t n_pools, const char *const *pools)
{
    char name[PART_COLUMN_SIZE];
    for (int e2e = 0; e2e < 2; e2e++)
        for (int i = 0; i < N_REQUEST_PARTS; i++) {
            part_column_name(name, !e2e, (enum request_part)i);
            add_name(row, name);
        }
    for (size_t p = 0; p < n_pools; p++)
        for (int c = 0; c < N_WAIT_COLUMNS; c++) {
            wait_column_name(name, pools[p], (enum wait_column)c);
            add_name(row, name);
        }
    add_name(row, decode_batch_column);
}

/* Most of them are 0. */
static void add_parts(struct row *row, const int64_t *ns)
{
    for (int i = 0; i < N_REQUEST_PARTS; i++) {
        if (ns[i] == 0) {
            ROW_LITERAL(row, ",0");
            continue;
        }
        ROW_LITERAL(row, ",");
        row_ms(row, ns[i]);
    }
}

static void add_wait(struct row *row, const struct pool_wait *w)
{
    ROW_LITERAL(row, ",");
    row_ms(row, w->from_ns);
    ROW_LITERAL(row, ",");
    row_ms(row, w->to_ns);
    ROW_LITERAL(row, ",");
    row_ms(row, w->backlog_ns);
    if (w->ahead_request == UINT64_MAX) {
        ROW_LITERAL(row, ",,,");
        return;
    }
    ROW_LITERAL(row, ",");
    row_int(row, (int64_t)w->ahead_request);
    ROW_LITERAL(row, ",");
    row_int(row, w->ahead_tok);
    ROW_LITERAL(row, ",");
    row_ms(row, w->ahead_ns);
}

static void no_wait(struct row *row)
{
    for (int c = 0; c < N_WAIT_COLUMNS; c++)
        ROW_LITERAL(row, ",");
}

void parts_columns(struct row *row, size_t n_pools, const size_t *pool_at,
                   const struct request_record *q)
{
    const struct request_parts *parts = q->parts;
    if (q->first_token_ns >= 0)
        add_parts(row, parts->ttft_ns);
    for (int i = 0; q->first_token_ns < 0 && i < N_REQUEST_PARTS; i++)
        ROW_LITERAL(row, ",");
    add_parts(row, parts->e2e_ns);
    for (size_t p = 0; p < n_pools; p++) {
        if (pool_at[p] == SIZE_MAX)
            no_wait(row);
        else
            add_wait(row, &parts->waits[pool_at[p]]);
    }
    ROW_LITERAL(row, ",");
    row_double(row, parts->decode_batch);
}
