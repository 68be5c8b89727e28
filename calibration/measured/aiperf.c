/* AIPerf's profile_export.jsonl: a record of every request, with `metadata` (start and end, phase)
 * and `metrics`, each a value with its unit; the records of one run are one point
 * (github.com/ai-dynamo/aiperf, docs/tutorials/working-with-profile-exports.md). How many clients
 * there were is not in it: where nothing is said, a load whose requests in flight stay near their
 * peak is taken for that many clients, any other for requests that came when they came. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calibration/measured/json_walk.h"
#include "calibration/measured/point.h"
#include "traces/json_scan.h"
#include "traces/trace.h"
#include "util/array.h"
#include "util/units.h"

/* Of the mean in flight over the peak, for clients that are never idle. */
static const double busy_share = 0.95;

enum metric { ISL, OSL, TTFT, ITL, LATENCY, N_METRICS };
static const struct {
    const char *name, *unit; /* the unit values are turned into; "" = a count */
} metrics[N_METRICS] = {{"input_sequence_length", ""},
                        {"output_sequence_length", ""},
                        {"time_to_first_token", "ms"},
                        {"inter_token_latency", "ms"},
                        {"request_latency", "ms"}};

struct record {
    double value[N_METRICS]; /* NaN = not there */
    double start_ns, end_ns;
    bool failed, cancelled, warmup;
};

struct reader {
    struct json_walk walk;
    struct record record;
    enum metric metric;
    double factor; /* of the unit; NaN = another */
    const char *unit_at;
    struct measured_request *requests;
    size_t n, capacity;
    size_t n_failed;
};

static const char *any_number(struct reader *r, const char *p, const char *name, double *value)
{
    return json_walk_number(&r->walk, p, name, 0, 1e300, value);
}

static const char *metric_member(void *context, const char *key, const char *key_end, const char *p)
{
    static const struct {
        const char *name;
        double ms;
    } units[] = {{"ms", 1}, {"s", 1e3}, {"sec", 1e3}, {"us", 1e-3}, {"ns", 1e-6}};
    struct reader *r = context;

    if (json_string_is(key, key_end, "value"))
        return any_number(r, p, metrics[r->metric].name, &r->record.value[r->metric]);
    const char *end = json_walk_skip(&r->walk, p);
    if (!end || !json_string_is(key, key_end, "unit") || !*metrics[r->metric].unit)
        return end;
    r->factor = NAN;
    r->unit_at = p;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (*p == '"' && json_string_is(p, end, units[i].name))
            r->factor = units[i].ms;
    }
    return end;
}

static const char *metrics_member(void *context, const char *key, const char *key_end,
                                  const char *p)
{
    struct reader *r = context;

    for (int i = 0; i < N_METRICS; i++) {
        if (!json_string_is(key, key_end, metrics[i].name))
            continue;
        r->metric = (enum metric)i;
        r->factor = 1;
        const char *end = json_walk_object(&r->walk, p, metric_member, r);
        if (end && isnan(r->factor))
            return json_walk_refuse(&r->walk, r->unit_at, "unit", "one of ms, s, us, ns");
        r->record.value[i] *= r->factor;
        return end;
    }
    return json_walk_skip(&r->walk, p);
}

static const char *metadata_member(void *context, const char *key, const char *key_end,
                                   const char *p)
{
    struct reader *r = context;

    if (json_string_is(key, key_end, "request_start_ns"))
        return any_number(r, p, "request_start_ns", &r->record.start_ns);
    if (json_string_is(key, key_end, "request_end_ns"))
        return any_number(r, p, "request_end_ns", &r->record.end_ns);
    const char *end = json_walk_skip(&r->walk, p);
    if (end && json_string_is(key, key_end, "was_cancelled"))
        r->record.cancelled = *p == 't';
    if (end && *p == '"' && json_string_is(key, key_end, "benchmark_phase"))
        r->record.warmup = json_string_is(p, end, "warmup");
    return end;
}

static const char *record_member(void *context, const char *key, const char *key_end, const char *p)
{
    struct reader *r = context;

    if (json_string_is(key, key_end, "metadata"))
        return json_walk_object(&r->walk, p, metadata_member, r);
    if (json_string_is(key, key_end, "metrics") && !json_walk_is_null(p))
        return json_walk_object(&r->walk, p, metrics_member, r);
    if (json_string_is(key, key_end, "error"))
        r->record.failed = !json_walk_is_null(p);
    return json_walk_skip(&r->walk, p);
}

static enum status check_record(const struct reader *r, const char *p)
{
    const struct record *record = &r->record;
    const double *v = record->value;
    struct diag *d = r->walk.d;
    bool complete = v[TTFT] >= 0 && record->start_ns <= record->end_ns && record->end_ns < 9e18;

    /* Where a record stands takes a look at all before it. */
    if (complete && v[ISL] >= TRACE_ISL_MIN && v[ISL] <= TRACE_TOK_MAX && v[OSL] >= 1 &&
        v[OSL] <= TRACE_TOK_MAX)
        return ST_OK;
    const struct source_pos at = measured_at(r->walk.text, p);
    for (int i = 0; i <= TTFT; i++) {
        if (isnan(v[i]))
            return diag_fail_at(d, ST_INPUT, at, "'%s' is missing%s", metrics[i].name,
                                i == TTFT ? "; expected a run of aiperf with --streaming" : "");
    }
    if (isnan(record->start_ns) || isnan(record->end_ns))
        return diag_fail_at(d, ST_INPUT, at, "'request_%s_ns' is missing",
                            isnan(record->start_ns) ? "start" : "end");
    if (!complete)
        return diag_fail_at(d, ST_INPUT, at, "'request_end_ns' must not be before its start");
    return diag_fail_at(d, ST_INPUT, at, "%.15g prompt and %.15g output tokens; expected 1 to %d",
                        v[ISL], v[OSL], TRACE_TOK_MAX);
}

/* The request of a record, which begins at `p`. */
static enum status add_request(struct reader *r, const char *p)
{
    const struct record *record = &r->record;
    const double *v = record->value;

    enum status s = check_record(r, p);
    if (!s)
        s = ARRAY_RESERVE(r->requests, r->n, r->capacity, 1, "measured requests", r->walk.d);
    if (s)
        return s;
    double tpot_ms = v[OSL] < 2      ? NAN
                     : isnan(v[ITL]) ? (v[LATENCY] - v[TTFT]) / (v[OSL] - 1)
                                     : v[ITL];
    r->requests[r->n++] = (struct measured_request){.start_ns = (int64_t)record->start_ns,
                                                    .end_ns = (int64_t)record->end_ns,
                                                    .isl_tok = (uint32_t)v[ISL],
                                                    .osl_tok = (uint32_t)v[OSL],
                                                    .ttft_ms = v[TTFT],
                                                    .tpot_ms = tpot_ms};
    return ST_OK;
}

static enum status read_records(struct reader *r)
{
    const char *p = json_skip_space(r->walk.text->from);
    enum status s = ST_OK;

    while (!s && p != r->walk.text->end) {
        const char *from = p;
        r->record =
            (struct record){.value = {NAN, NAN, NAN, NAN, NAN}, .start_ns = NAN, .end_ns = NAN};
        p = json_walk_object(&r->walk, p, record_member, r);
        if (!p)
            return r->walk.d->status;
        p = json_skip_space(p);
        if (r->record.failed || r->record.cancelled)
            r->n_failed++;
        else if (!r->record.warmup)
            s = add_request(r, from);
    }
    return s;
}

static enum status make_point(struct reader *r, struct measured *measured,
                              struct measured_file *file, struct arena *arena,
                              const struct measured_options *options)
{
    const struct source_pos at = {.file = r->walk.text->path};
    struct measured_point *point;
    struct measured_flight flight;
    struct diag *d = r->walk.d;

    if (r->n == 0)
        return diag_fail_at(d, ST_INPUT, at, "no completed request in it");
    enum status s = measured_point_new(&point, measured, at, d);
    if (!s)
        s = measured_flight(&flight, r->requests, r->n, d);
    if (s)
        return s;
    point->clients = options->clients;
    if (point->clients == 0 && flight.mean >= busy_share * (double)flight.peak)
        point->clients = (int64_t)flight.peak;
    if (options->clients == 0) {
        char what[48];
        if (point->clients)
            snprintf(what, sizeof what, "taken for %lld clients", (long long)point->clients);
        file->note =
            arena_printf(arena,
                         "at most %llu requests in flight, %.1f on average: %s; "
                         "--concurrency N says it",
                         (unsigned long long)flight.peak, flight.mean,
                         point->clients ? what : "taken for requests that came by the clock");
        if (!file->note)
            return diag_nomem(d, "note");
    }
    if (point->clients > (int64_t)r->n)
        return diag_fail_at(d, ST_INPUT, at, "%zu completed requests of %lld clients", r->n,
                            (long long)point->clients);
    return measured_point_of_requests(point, arena, r->requests, r->n, point->clients == 0, d);
}

static enum status aiperf_read(struct measured *measured, struct measured_file *file,
                               struct arena *arena, const struct measured_text *text,
                               const struct measured_options *options, struct diag *d)
{
    struct reader r = {.walk = {text, d}};

    enum status s = read_records(&r);
    if (!s)
        s = make_point(&r, measured, file, arena, options);
    free(r.requests);
    return s;
}

static const char *look_member(void *context, const char *key, const char *key_end, const char *p)
{
    bool *found = context;
    struct json_error e;

    *found = *found || json_string_is(key, key_end, "metrics") ||
             json_string_is(key, key_end, "metadata");
    return json_value_end(p, 1, &e);
}

static bool aiperf_recognises(const struct measured_text *text, const char *p)
{
    bool found = false;
    struct diag ignored;

    diag_init(&ignored);
    if (*p == '{')
        json_walk_object(&(struct json_walk){text, &ignored}, p, look_member, &found);
    return found;
}

const struct measured_format_ops measured_aiperf = {
    .name = "AIPerf",
    .summary = "profile_export.jsonl",
    .recognises = aiperf_recognises,
    .read = aiperf_read,
};
