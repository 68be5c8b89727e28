#include <stdlib.h>

#include "studies/recorded/recorded_internal.h"
#include "util/array.h"

enum {
    REQUEST,
    ARRIVAL_MS,
    INPUT_TOKENS,
    OUTPUT_TOKENS,
    OUTCOME,
    MEASURED,
    TTFT_MS,
    TPOT_MS,
    E2E_MS,
    SLA_MET,
    SCHEDULED_MS,
    PREFILL_DONE_MS,
    FIRST_TOKEN_MS,
    LAST_TOKEN_MS,
    OUTPUT_TOKENS_DONE,
    CACHED_TOKENS,
    ATTEMPTS,
    PREEMPTIONS,
    PREFILL_WORKER,
    WORKER,
    N_COLUMNS
};
static const char *const columns[N_COLUMNS] = {
    "request",       "arrival_ms",      "input_tokens",   "output_tokens",  "outcome",
    "measured",      "ttft_ms",         "tpot_ms",        "e2e_ms",         "sla_met",
    "scheduled_ms",  "prefill_done_ms", "first_token_ms", "last_token_ms",  "output_tokens_done",
    "cached_tokens", "attempts",        "preemptions",    "prefill_worker", "worker"};

static enum status read_outcome(enum outcome *outcome, const struct csv_rows *rows)
{
    for (int o = 0; o < N_OUTCOMES; o++) {
        if (csv_rows_is(rows, OUTCOME, outcome_name((enum outcome)o))) {
            *outcome = (enum outcome)o;
            return ST_OK;
        }
    }
    return csv_rows_refuse(rows, OUTCOME, "completed or another outcome");
}

static enum status read_count(uint32_t *count, const struct csv_rows *rows, size_t column)
{
    uint64_t value = 0;

    enum status s = csv_rows_uint(rows, column, UINT32_MAX, &value);
    *count = (uint32_t)value;
    return s;
}

/* Empty where it has been on none. */
static enum status read_worker(uint32_t *worker, const struct csv_rows *rows, size_t column)
{
    struct csv_field f = csv_rows_field(rows, column);

    *worker = NO_WORKER;
    return f.from == f.end ? ST_OK : read_count(worker, rows, column);
}

/* When what happened to it, and where. */
static enum status read_course(struct recorded_request *q, const struct csv_rows *rows)
{
    enum status s = csv_rows_ms(rows, SCHEDULED_MS, &q->scheduled_ns);
    if (!s)
        s = csv_rows_ms(rows, PREFILL_DONE_MS, &q->prefill_done_ns);
    if (!s)
        s = csv_rows_ms(rows, FIRST_TOKEN_MS, &q->first_token_ns);
    if (!s)
        s = csv_rows_ms(rows, LAST_TOKEN_MS, &q->last_token_ns);
    if (!s)
        s = read_count(&q->n_output_tok, rows, OUTPUT_TOKENS_DONE);
    if (!s)
        s = read_count(&q->cached_tok, rows, CACHED_TOKENS);
    if (!s)
        s = read_count(&q->n_attempts, rows, ATTEMPTS);
    if (!s)
        s = read_count(&q->n_preemptions, rows, PREEMPTIONS);
    if (!s)
        s = read_worker(&q->prefill_worker, rows, PREFILL_WORKER);
    return s ? s : read_worker(&q->worker, rows, WORKER);
}

static enum status read_row(struct recorded_request *q, const struct csv_rows *rows)
{
    uint64_t input_tok, output_tok, measured, good;

    enum status s = csv_rows_uint(rows, REQUEST, INT64_MAX, &q->index);
    if (!s)
        s = csv_rows_ms(rows, ARRIVAL_MS, &q->arrival_ns);
    if (!s && q->arrival_ns < 0)
        s = csv_rows_refuse(rows, ARRIVAL_MS, "milliseconds");
    if (!s)
        s = csv_rows_uint(rows, INPUT_TOKENS, UINT32_MAX, &input_tok);
    if (!s)
        s = csv_rows_uint(rows, OUTPUT_TOKENS, UINT32_MAX, &output_tok);
    if (!s)
        s = read_outcome(&q->outcome, rows);
    if (!s)
        s = csv_rows_uint(rows, MEASURED, 1, &measured);
    if (!s)
        s = csv_rows_ms(rows, TTFT_MS, &q->ttft_ns);
    if (!s)
        s = csv_rows_ms(rows, TPOT_MS, &q->tpot_ns);
    if (!s)
        s = csv_rows_ms(rows, E2E_MS, &q->e2e_ns);
    if (!s)
        s = csv_rows_uint(rows, SLA_MET, 1, &good);
    if (s)
        return s;
    q->input_tok = (uint32_t)input_tok;
    q->output_tok = (uint32_t)output_tok;
    q->measured = measured;
    q->good = good;
    return read_course(q, rows);
}

static int by_index(const void *a, const void *b)
{
    const struct recorded_request *p = a, *q = b;

    return (p->index > q->index) - (p->index < q->index);
}

/* As many as the summary says, and none of them twice. */
static enum status check(const struct recorded *run, const struct recorded_request *requests,
                         size_t n, const char *path, struct diag *d)
{
    const struct source_pos at = {.file = path};
    double expected =
        recorded_figure(run, "requests.offered") + recorded_figure(run, "requests.outside_span");

    if ((double)n != expected)
        return diag_fail_at(d, ST_INPUT, at,
                            "%zu requests where summary.json beside it has %.0f: the file is torn, "
                            "or of another run",
                            n, expected);
    for (size_t i = 1; i < n; i++) {
        if (requests[i].index == requests[i - 1].index)
            return diag_fail_at(d, ST_INPUT, at, "request %llu is there twice",
                                (unsigned long long)requests[i].index);
    }
    return ST_OK;
}

static enum status read_rows(struct recorded_request **requests, size_t *n, struct csv_rows *rows)
{
    size_t capacity = 0;
    enum status s;

    while (!(s = csv_rows_next(rows))) {
        s = ARRAY_RESERVE(*requests, *n, capacity, 1, "requests", rows->d);
        if (!s)
            s = read_row(&(*requests)[*n], rows);
        if (s)
            return s;
        ++*n;
    }
    return s == ST_END ? ST_OK : s;
}

enum status recorded_read_requests(struct recorded *run, struct arena *arena, const char *path,
                                   struct diag *d)
{
    struct recorded_request *requests = NULL;
    struct csv_rows rows;
    size_t n = 0;

    enum status s = csv_rows_open(&rows, path, "requests.csv of a run", columns, N_COLUMNS, d);
    if (s)
        return s;
    s = read_rows(&requests, &n, &rows);
    csv_rows_close(&rows);
    if (!s && n)
        qsort(requests, n, sizeof *requests, by_index);
    if (!s)
        s = check(run, requests, n, path, d);
    run->requests = recorded_keep(arena, requests, n, sizeof *requests);
    run->n_requests = n;
    return s || run->requests ? s : diag_nomem(d, "requests");
}
