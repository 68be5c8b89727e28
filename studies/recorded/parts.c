#include "studies/recorded/recorded_internal.h"

/* Among the columns of a file that have to do with parts: those of TTFT, of E2E, the waits, the
 * decoding. */
enum {
    TTFT_PARTS,
    E2E_PARTS = TTFT_PARTS + N_REQUEST_PARTS,
    WAITS = E2E_PARTS + N_REQUEST_PARTS,
};

static size_t decode_column(size_t n_pools)
{
    return WAITS + n_pools * N_WAIT_COLUMNS;
}

size_t recorded_parts_columns(const char **names, const char *const *pools, size_t n_pools,
                              struct arena *arena)
{
    size_t n = decode_column(n_pools) + 1;
    char(*text)[PART_COLUMN_SIZE] = arena_alloc(arena, n, sizeof *text);

    if (!text)
        return 0;
    for (size_t i = 0; i < n; i++)
        names[i] = text[i];
    for (int i = 0; i < N_REQUEST_PARTS; i++) {
        part_column_name(text[TTFT_PARTS + i], true, (enum request_part)i);
        part_column_name(text[E2E_PARTS + i], false, (enum request_part)i);
    }
    for (size_t p = 0; p < n_pools; p++)
        for (size_t c = 0; c < N_WAIT_COLUMNS; c++)
            wait_column_name(text[WAITS + p * N_WAIT_COLUMNS + c], pools[p], (enum wait_column)c);
    names[decode_column(n_pools)] = decode_batch_column;
    return n;
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

enum status recorded_parts_row(struct request_parts *q, const struct recorded *run,
                               const struct csv_rows *rows, size_t first, const size_t *pool_at,
                               size_t n_pools)
{
    enum status s = read_parts(q->ttft_ns, rows, first + TTFT_PARTS);

    if (!s)
        s = read_parts(q->e2e_ns, rows, first + E2E_PARTS);
    for (size_t p = 0; p < recorded_n_waits(run) && !s; p++)
        s = read_wait(&q->waits[p], rows, first + WAITS + pool_at[p] * N_WAIT_COLUMNS);
    return s ? s : csv_rows_number(rows, first + decode_column(n_pools), &q->decode_batch);
}
