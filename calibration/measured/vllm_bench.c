/* Results of `vllm bench serve --save-result` (benchmarks/serve.py of vLLM; benchmark_serving.py of
 * older ones has the same fields): one object a run, or several in a file that was appended to;
 * each is a point. With --save-detailed there is every request in it: `input_lens`, `output_lens`
 * (0 of one that failed), `ttfts`, `itls` and `start_times`, in seconds; without, all requests are
 * taken to have the mean lengths. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "calibration/measured/json_walk.h"
#include "calibration/measured/point.h"
#include "traces/json_scan.h"
#include "traces/trace.h"
#include "util/array.h"
#include "util/units.h"

/* Of the rate that was asked for, what was reached where the number of clients did not limit it. */
static const double reached_share = 0.95;

struct numbers {
    double *v;
    size_t n, capacity;
};

enum list { ISL, OSL, TTFT, ITL, START, N_LISTS };
static const char *const list_names[N_LISTS] = {"input_lens", "output_lens", "ttfts", "itls",
                                                "start_times"};

enum field {
    CONCURRENCY,
    RATE,
    BURSTINESS,
    PROMPTS,
    COMPLETED,
    DURATION,
    INPUT_TOKENS,
    OUTPUT_TOKENS,
    MEAN_TTFT,
    MEAN_TPOT,
    N_FIELDS
};
static const char *const field_names[N_FIELDS] = {
    "max_concurrency", "request_rate",       "burstiness",          "num_prompts",  "completed",
    "duration",        "total_input_tokens", "total_output_tokens", "mean_ttft_ms", "mean_tpot_ms"};

struct reader {
    struct json_walk walk;
    double field[N_FIELDS]; /* NaN = not there, or null; INFINITY for "inf" */
    struct numbers list[N_LISTS];
    enum list now;
    double sum;
};

static enum status add(struct numbers *numbers, double value, struct diag *d)
{
    enum status s =
        ARRAY_RESERVE(numbers->v, numbers->n, numbers->capacity, 1, "measured times", d);

    if (!s)
        numbers->v[numbers->n++] = value;
    return s;
}

static const char *gap_item(void *context, const char *p)
{
    struct reader *r = context;
    double value;

    p = json_walk_number(&r->walk, p, "itls", 0, 1e9, &value);
    r->sum += p ? value : 0;
    return p;
}

/* A number, or of `itls` a list of them, which are added up. */
static const char *list_item(void *context, const char *p)
{
    struct reader *r = context;

    r->sum = 0;
    p = r->now == ITL ? json_walk_array(&r->walk, p, gap_item, r)
                      : json_walk_number(&r->walk, p, list_names[r->now], 0, 1e12, &r->sum);
    return p && !add(&r->list[r->now], r->sum, r->walk.d) ? p : NULL;
}

static const char *field_value(struct reader *r, enum field field, const char *p)
{
    if (json_walk_is_null(p))
        return json_walk_skip(&r->walk, p);
    if (field == RATE && strncmp(p, "\"inf\"", 5) == 0) {
        r->field[field] = INFINITY;
        return p + 5;
    }
    return json_walk_number(&r->walk, p, field_names[field], 0, 1e15, &r->field[field]);
}

static const char *member(void *context, const char *key, const char *key_end, const char *p)
{
    struct reader *r = context;

    for (int i = 0; i < N_FIELDS; i++) {
        if (json_string_is(key, key_end, field_names[i]))
            return field_value(r, (enum field)i, p);
    }
    for (int i = 0; i < N_LISTS; i++) {
        if (json_string_is(key, key_end, list_names[i])) {
            r->now = (enum list)i;
            r->list[i].n = 0;
            return json_walk_array(&r->walk, p, list_item, r);
        }
    }
    return json_walk_skip(&r->walk, p);
}

/* Clients, or 0 for requests by the clock. */
static int64_t clients_of(const struct reader *r, uint64_t n_requests)
{
    double clients = r->field[CONCURRENCY], rate = r->field[RATE], duration = r->field[DURATION];
    bool open_loop = isfinite(rate) && rate > 0;

    if (open_loop && !isnan(clients) && duration > 0)
        open_loop = (double)n_requests / duration > reached_share * rate;
    if (open_loop)
        return 0;
    return isnan(clients) || clients > (double)n_requests ? (int64_t)n_requests : (int64_t)clients;
}

static enum status missing(const struct reader *r, struct source_pos at, const char *name)
{
    return diag_fail_at(r->walk.d, ST_INPUT, at,
                        "'%s' is missing; expected a result of 'vllm bench serve --save-result "
                        "--save-detailed'",
                        name);
}

static enum status too_long(const struct reader *r, struct source_pos at, double isl, double osl)
{
    return diag_fail_at(r->walk.d, ST_INPUT, at,
                        "%.15g prompt and %.15g output tokens; expected 1 to %d", isl, osl,
                        TRACE_TOK_MAX);
}

static enum status collect(const struct reader *r, struct source_pos at,
                           struct measured_request *requests, size_t *n)
{
    const struct numbers *list = r->list;

    *n = 0;
    for (size_t i = 0; i < list[ISL].n; i++) {
        double isl = list[ISL].v[i], osl = list[OSL].v[i];
        if (osl == 0)
            continue;
        if (isl < TRACE_ISL_MIN || isl > TRACE_TOK_MAX || osl > TRACE_TOK_MAX)
            return too_long(r, at, isl, osl);
        int64_t start_ns = 0;
        if (list[START].n && !ns_from_s(list[START].v[i], &start_ns))
            return diag_fail_at(r->walk.d, ST_INPUT, at, "'start_times' must lie within 73 years");
        requests[(*n)++] = (struct measured_request){
            .start_ns = start_ns,
            .isl_tok = (uint32_t)isl,
            .osl_tok = (uint32_t)osl,
            .ttft_ms = 1e3 * list[TTFT].v[i],
            .tpot_ms = osl > 1 ? 1e3 * list[ITL].v[i] / (osl - 1) : NAN,
        };
    }
    return *n ? ST_OK
              : diag_fail_at(r->walk.d, ST_INPUT, at, "no request of this run was completed");
}

static enum status of_details(struct reader *r, struct measured_point *point, struct arena *arena)
{
    struct diag *d = r->walk.d;
    size_t n_requests = r->list[ISL].n, n;

    for (int i = 0; i < N_LISTS; i++) {
        if (i == START && r->list[i].n == 0)
            continue;
        if (r->list[i].n != n_requests)
            return diag_fail_at(d, ST_INPUT, point->at,
                                "'%s' has %zu items, 'input_lens' %zu; expected one of each "
                                "request",
                                list_names[i], r->list[i].n, n_requests);
    }
    struct measured_request *requests = ARENA_NEW(arena, n_requests, struct measured_request);
    if (!requests)
        return diag_nomem(d, "measured requests");
    enum status s = collect(r, point->at, requests, &n);
    if (s)
        return s;
    point->clients = clients_of(r, n);
    if (point->clients == 0 && r->list[START].n == 0) {
        point->rate_per_s = r->field[RATE];
        return missing(r, point->at, "start_times");
    }
    s = measured_point_of_requests(point, arena, requests, n, point->clients == 0, d);
    if (!s && !isnan(r->field[MEAN_TTFT]))
        point->ttft_ms = r->field[MEAN_TTFT];
    if (!s && !isnan(r->field[MEAN_TPOT]) && !isnan(point->tpot_ms))
        point->tpot_ms = r->field[MEAN_TPOT];
    return s;
}

static enum status of_means(struct reader *r, struct measured_point *point, struct arena *arena)
{
    static const enum field needed[] = {COMPLETED, INPUT_TOKENS, OUTPUT_TOKENS, MEAN_TTFT,
                                        MEAN_TPOT};
    double n = r->field[COMPLETED];

    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
        if (isnan(r->field[needed[i]]))
            return missing(r, point->at, field_names[needed[i]]);
    }
    if (!(n >= 1 && n <= MEASURED_MAX_REQUESTS))
        return diag_fail_at(r->walk.d, ST_INPUT, point->at,
                            "%.15g completed requests; expected 1 to %d", n, MEASURED_MAX_REQUESTS);
    double isl = round(r->field[INPUT_TOKENS] / n), osl = round(r->field[OUTPUT_TOKENS] / n);
    if (isl < TRACE_ISL_MIN || isl > TRACE_TOK_MAX || osl < 1 || osl > TRACE_TOK_MAX)
        return too_long(r, point->at, isl, osl);
    point->n_requests = (uint64_t)n;
    point->clients = clients_of(r, point->n_requests);
    point->rate_per_s = point->clients ? NAN : r->field[RATE];
    point->ttft_ms = r->field[MEAN_TTFT];
    point->tpot_ms = osl > 1 ? r->field[MEAN_TPOT] : NAN;
    return measured_point_of_means(
        point, arena, (struct measured_lengths){(uint32_t)isl, (uint32_t)isl},
        (struct measured_lengths){(uint32_t)osl, (uint32_t)osl},
        r->field[BURSTINESS] <= 1 || isnan(r->field[BURSTINESS]), r->walk.d);
}

/* The object that begins at `p`. */
static enum status add_point(struct reader *r, struct measured *measured,
                             struct measured_file *file, struct arena *arena, const char *p)
{
    struct measured_point *point;

    enum status s = measured_point_new(&point, measured, measured_at(r->walk.text, p), r->walk.d);
    if (s)
        return s;
    if (r->list[ISL].n)
        return of_details(r, point, arena);
    file->note = "without --save-detailed: all requests are taken to have the mean lengths";
    return of_means(r, point, arena);
}

static enum status vllm_read(struct measured *measured, struct measured_file *file,
                             struct arena *arena, const struct measured_text *text,
                             const struct measured_options *options, struct diag *d)
{
    struct reader r = {.walk = {text, d}};
    const char *p = json_skip_space(text->from);
    enum status s = ST_OK;

    (void)options;
    while (!s && p != text->end) {
        const char *from = p;
        for (int i = 0; i < N_FIELDS; i++)
            r.field[i] = NAN;
        for (int i = 0; i < N_LISTS; i++)
            r.list[i].n = 0;
        p = json_walk_object(&r.walk, p, member, &r);
        s = p ? add_point(&r, measured, file, arena, from) : d->status;
        p = p ? json_skip_space(p) : p;
    }
    for (int i = 0; i < N_LISTS; i++)
        free(r.list[i].v);
    return s;
}

/* Any object that is not of another format: what is missing in it is said by the reader. */
static bool vllm_recognises(const struct measured_text *text, const char *p)
{
    (void)text;
    return *p == '{';
}

const struct measured_format_ops measured_vllm_bench = {
    .name = "vllm bench serve",
    .summary = "JSON of --save-result --save-detailed",
    .recognises = vllm_recognises,
    .read = vllm_read,
};
