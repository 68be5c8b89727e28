#include <stdlib.h>
#include <string.h>

#include "studies/recorded/recorded_internal.h"
#include "util/array.h"
#include "util/bug.h"

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
    DEPLOYMENT, /* where there are several */
    N_COLUMNS
};
static const char *const columns[N_COLUMNS] = {
    "request",       "arrival_ms",      "input_tokens",   "output_tokens",  "outcome",
    "measured",      "ttft_ms",         "tpot_ms",        "e2e_ms",         "sla_met",
    "scheduled_ms",  "prefill_done_ms", "first_token_ms", "last_token_ms",  "output_tokens_done",
    "cached_tokens", "attempts",        "preemptions",    "prefill_worker", "worker",
    "deployment"};

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

/* In files of runs whose endpoint chooses pools. */
enum { DECODE_DEPLOYMENT, TTFT_TARGET_MS, TPOT_TARGET_MS, N_POOL_COLUMNS };
static const char *const pool_columns[N_POOL_COLUMNS] = {"decode_deployment", "ttft_target_ms",
                                                         "tpot_target_ms"};

static enum status read_pool_columns(struct recorded_request *q, const char *deployment,
                                     const struct csv_rows *rows, size_t first)
{
    q->decoded_elsewhere = !csv_rows_is(rows, first + DECODE_DEPLOYMENT, deployment);
    enum status s = csv_rows_ms(rows, first + TTFT_TARGET_MS, &q->ttft_target_ns);
    return s ? s : csv_rows_ms(rows, first + TPOT_TARGET_MS, &q->tpot_target_ns);
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

/* ---- the file ---- */

struct row_index {
    uint64_t index; /* of the trace */
    size_t row;     /* of the file */
};

/* Of a run whose requests are in the file. */
struct reading {
    const struct recorded *run;
    const struct recorded_visitor *visitor;
    size_t pool_at[POLICY_MAX_POOLS]; /* among the pools of the columns of parts */
    struct row_index *seen;           /* by row of the run, until they are checked */
    size_t n, capacity;
};

/* The file, which has the requests of one run, or of several that say whose each is. */
struct reader {
    size_t n_runs;
    struct reading *of;
    struct csv_rows rows;
    size_t n_pools; /* of all of them */
    const char *pools[RECORDED_MAX_POOLS];
    size_t pool_columns; /* where they begin; SIZE_MAX: the file has none */
};

static int by_index(const void *a, const void *b)
{
    const struct row_index *p = a, *q = b;

    return (p->index > q->index) - (p->index < q->index);
}

/* As many as the summary says, and none of them twice; leaves them by index. */
static enum status check(struct reading *r, const char *path, struct diag *d)
{
    const struct source_pos at = {.file = path};
    double expected = recorded_figure(r->run, "requests.offered") +
                      recorded_figure(r->run, "requests.outside_span");

    if ((double)r->n != expected)
        return diag_fail_at(d, ST_INPUT, at,
                            "%zu requests where summary.json beside it has %.0f: the file is torn, "
                            "or of another run",
                            r->n, expected);
    if (r->n)
        qsort(r->seen, r->n, sizeof *r->seen, by_index);
    for (size_t i = 1; i < r->n; i++) {
        if (r->seen[i].index == r->seen[i - 1].index)
            return diag_fail_at(d, ST_INPUT, at, "request %llu is there twice",
                                (unsigned long long)r->seen[i].index);
    }
    return ST_OK;
}

/* NULL: of a deployment that is not asked for. */
static struct reading *whose(const struct reader *r)
{
    if (!r->of[0].run->deployment)
        return &r->of[0];
    for (size_t i = 0; i < r->n_runs; i++) {
        if (csv_rows_is(&r->rows, DEPLOYMENT, r->of[i].run->deployment))
            return &r->of[i];
    }
    return NULL;
}

static enum status read_request(struct reading *of, const struct reader *r, size_t first_part)
{
    bool has_parts = csv_rows_has(&r->rows, first_part);
    struct recorded_request q = {0};
    struct request_parts parts = {0};

    enum status s = read_row(&q, &r->rows);
    if (!s && r->pool_columns != SIZE_MAX)
        s = read_pool_columns(&q, of->run->deployment, &r->rows, r->pool_columns);
    if (!s && has_parts)
        s = recorded_parts_row(&parts, of->run, &r->rows, first_part, of->pool_at, r->n_pools);
    if (!s)
        s = ARRAY_RESERVE(of->seen, of->n, of->capacity, 1, "requests", r->rows.d);
    if (s)
        return s;
    of->seen[of->n] = (struct row_index){q.index, of->n};
    of->n++;
    return of->visitor->request(of->visitor->context, &q, has_parts ? &parts : NULL, r->rows.d);
}

static enum status read_rows(struct reader *r, size_t first_part)
{
    enum status s;

    while (!(s = csv_rows_next(&r->rows))) {
        struct reading *of = whose(r);
        s = of ? read_request(of, r, first_part) : ST_OK;
        if (s)
            return s;
    }
    return s == ST_END ? ST_OK : s;
}

static size_t place_of_pool(struct reader *r, const char *pool)
{
    size_t i = 0;

    while (i < r->n_pools && strcmp(r->pools[i], pool) != 0)
        i++;
    BUG_IF(i == RECORDED_MAX_POOLS);
    r->pools[i] = pool;
    r->n_pools = i + 1 > r->n_pools ? i + 1 : r->n_pools;
    return i;
}

/* The rows are told, and checked; the caller frees `seen` of each. */
static enum status read_file(struct reader *r, struct arena *arena, const char *path,
                             struct diag *d)
{
    const char *wanted[N_COLUMNS + RECORDED_MAX_PARTS_COLUMNS + N_POOL_COLUMNS];
    bool several = r->of[0].run->deployment;
    size_t n = several ? N_COLUMNS : DEPLOYMENT;

    for (size_t i = 0; i < n; i++)
        wanted[i] = columns[i];
    for (size_t i = 0; i < r->n_runs; i++) {
        for (size_t p = 0; p < recorded_n_waits(r->of[i].run); p++)
            r->of[i].pool_at[p] = place_of_pool(r, r->of[i].run->pools[p]);
    }
    size_t n_parts = recorded_parts_columns(wanted + n, r->pools, r->n_pools, arena);
    if (!n_parts)
        return diag_nomem(d, "columns");
    enum status s = csv_rows_open(&r->rows, path,
                                  several ? "requests.csv of a run of several deployments"
                                          : "requests.csv of a run",
                                  wanted, n + n_parts, n, NULL, d);
    if (s)
        return s;
    r->pool_columns = n + n_parts;
    for (size_t i = 0; i < N_POOL_COLUMNS; i++) {
        wanted[n + n_parts + i] = pool_columns[i];
        if (!csv_rows_find(&r->rows, n + n_parts + i) || !several)
            r->pool_columns = SIZE_MAX;
    }
    s = read_rows(r, n);
    csv_rows_close(&r->rows);
    for (size_t i = 0; i < r->n_runs && !s; i++)
        s = check(&r->of[i], path, d);
    return s;
}

/* ---- all of them, kept ---- */

struct kept {
    struct recorded_request *requests; /* by row */
    struct request_parts *parts;
    size_t n, n_parts, requests_capacity, parts_capacity;
};

static enum status keep(void *context, const struct recorded_request *q,
                        const struct request_parts *parts, struct diag *d)
{
    struct kept *k = context;
    enum status s = ARRAY_RESERVE(k->requests, k->n, k->requests_capacity, 1, "requests", d);

    if (!s)
        k->requests[k->n++] = *q;
    if (!s && parts)
        s = ARRAY_RESERVE(k->parts, k->n_parts, k->parts_capacity, 1, "parts", d);
    if (!s && parts)
        k->parts[k->n_parts++] = *parts;
    return s;
}

/* By index, in the arena. */
static enum status put_in_order(struct recorded *run, struct arena *arena, const struct kept *k,
                                const struct row_index *order, struct diag *d)
{
    struct recorded_request *requests = ARENA_NEW(arena, k->n, struct recorded_request);
    struct request_parts *parts = ARENA_NEW(arena, k->n_parts, struct request_parts);

    if (!requests || !parts)
        return diag_nomem(d, "requests");
    for (size_t i = 0; i < k->n; i++) {
        requests[i] = k->requests[order[i].row];
        if (k->n_parts)
            parts[i] = k->parts[order[i].row];
    }
    run->requests = requests;
    run->parts = k->n_parts ? parts : NULL;
    run->n_requests = k->n;
    return ST_OK;
}

static enum status read_all(struct reader *r, struct kept *kept, struct recorded *const *runs,
                            const struct recorded_visitor *visitors, struct arena *arena,
                            const char *path, struct diag *d)
{
    struct recorded_visitor *keepers = ARENA_NEW(arena, r->n_runs, struct recorded_visitor);
    enum status s = keepers ? ST_OK : diag_nomem(d, "requests");

    for (size_t i = 0; i < r->n_runs && !s; i++) {
        keepers[i] = (struct recorded_visitor){&kept[i], keep};
        r->of[i] =
            (struct reading){.run = runs[i], .visitor = visitors ? &visitors[i] : &keepers[i]};
    }
    if (!s)
        s = read_file(r, arena, path, d);
    for (size_t i = 0; i < r->n_runs && !visitors && !s; i++)
        s = put_in_order(runs[i], arena, &kept[i], r->of[i].seen, d);
    return s;
}

enum status recorded_read_requests(struct recorded *const *runs, size_t n, struct arena *arena,
                                   const char *path, const struct recorded_visitor *visitors,
                                   struct diag *d)
{
    struct reader r = {.n_runs = n, .of = calloc(n, sizeof *r.of)};
    struct kept *kept = calloc(n, sizeof *kept);

    enum status s = r.of && kept ? read_all(&r, kept, runs, visitors, arena, path, d)
                                 : diag_nomem(d, "requests");
    for (size_t i = 0; i < n && r.of && kept; i++) {
        free(kept[i].requests);
        free(kept[i].parts);
        free(r.of[i].seen);
    }
    free(kept);
    free(r.of);
    return s;
}
