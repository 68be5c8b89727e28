/* Runs of the reference's engine from code, and recorded per-request results to compare them with.
 */
#ifndef TESTS_UNIT_SIM_DYNOSIM_FIXTURE_H
#define TESTS_UNIT_SIM_DYNOSIM_FIXTURE_H

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dynosim/dynosim.h"
#include "util/line_reader.h"
#include "util/units.h"

struct dyno_fixture {
    struct arena arena;
    struct diag diag;
    struct dynosim_config config;
    struct run_result *result;
    struct dynosim_latency latency;
    struct request_record *records; /* by trace index */
    bool want_parts;                /* and of each request they are to sum to its TTFT and E2E */
    struct request_parts parts[4];  /* of the first */
    size_t n_records, capacity;
    size_t n_outcome[N_OUTCOMES];
    struct worker_record workers[32]; /* as their lives ended */
    size_t n_workers;
    /* By the samples and windows. */
    double sampled_s, n_sampled_arrivals; /* seconds that requests were there; requests */
    int64_t sampled_to_ns;
    uint64_t n_first_tokens;
};

static void dyno_fixture_check_parts(const struct request_record *r)
{
    int64_t ttft_ns = 0, e2e_ns = 0;
    for (int i = 0; i < N_REQUEST_PARTS; i++) {
        cr_assert_geq(r->parts->ttft_ns[i], 0);
        cr_assert_geq(r->parts->e2e_ns[i], r->parts->ttft_ns[i]);
        ttft_ns += r->parts->ttft_ns[i];
        e2e_ns += r->parts->e2e_ns[i];
    }
    cr_assert_eq(ttft_ns, r->first_token_ns < 0 ? 0 : r->first_token_ns - r->arrival_ns);
    cr_assert_eq(e2e_ns, r->end_ns - r->arrival_ns);
}

static enum status dyno_fixture_request(void *context, const struct request_record *r,
                                        struct diag *d)
{
    struct dyno_fixture *f = context;
    (void)d;
    if (r->index >= f->capacity) {
        size_t capacity = 2 * r->index + 1024;
        f->records = realloc(f->records, capacity * sizeof *f->records);
        memset(f->records + f->capacity, 0xff, (capacity - f->capacity) * sizeof *f->records);
        f->capacity = capacity;
    }
    f->records[r->index] = *r;
    if (f->want_parts)
        dyno_fixture_check_parts(r);
    if (f->want_parts && r->index < 4)
        f->parts[r->index] = *r->parts;
    f->n_records++;
    f->n_outcome[r->outcome]++;
    return ST_OK;
}

static enum status dyno_fixture_sample(void *context, const struct sample_record *s, struct diag *d)
{
    struct dyno_fixture *f = context;
    (void)d;
    f->sampled_s += (s->n_waiting + s->n_running) * s_from_ns(s->at_ns - f->sampled_to_ns);
    if (s->pool == 0)
        f->n_sampled_arrivals += s->traffic.n_arrived;
    if (s->pool + 1 == f->config.n_pools)
        f->sampled_to_ns = s->at_ns;
    return ST_OK;
}

static enum status dyno_fixture_window(void *context, const struct window_record *w, struct diag *d)
{
    struct dyno_fixture *f = context;
    (void)d;
    cr_assert_geq(w->n_waited, w->n_first_token);
    f->n_first_tokens += w->n_first_token;
    return ST_OK;
}

static enum status dyno_fixture_worker(void *context, const struct worker_record *w, struct diag *d)
{
    struct dyno_fixture *f = context;
    (void)d;
    cr_assert_lt(f->n_workers, 32);
    f->workers[f->n_workers++] = *w;
    return ST_OK;
}

/* The engine settings of the recorded runs. */
static void dyno_fixture_pool(struct dyno_fixture *f, size_t p, const char *name,
                              enum pool_role role, int replicas)
{
    struct dynosim_pool *pool = &f->config.pools[p];
    pool->name = name;
    pool->role = role;
    pool->replicas = replicas;
    pool->block_size_tok = 128;
    pool->kv_blocks = 7000;
    pool->latency = f->latency;
}

static void dyno_fixture_init(struct dyno_fixture *f)
{
    *f = (struct dyno_fixture){0};
    arena_init(&f->arena);
    diag_init(&f->diag);
    dynosim_config_init(&f->config);
    f->result = malloc(sizeof *f->result);
}

static struct dynosim_latency dyno_fixture_fit(struct dyno_fixture *f, const char *name)
{
    struct dynosim_latency latency = {0};
    static const char *const dirs[] = {PROJECT_DIR "/engines/data", NULL};
    struct profile_search search = {dirs};
    struct profile *profile = ARENA_NEW(&f->arena, 1, struct profile);
    enum status s = profile_load(profile, &f->arena, &search, name, 0, &f->diag);
    if (!s)
        s = dynosim_latency_fit(&latency, &f->arena, profile, &f->diag);
    cr_assert_eq(s, ST_OK, "%s", f->diag.text);
    return latency;
}

static void dyno_fixture_profile(struct dyno_fixture *f)
{
    f->latency = dyno_fixture_fit(f, "h200_sxm/vllm/Llama-3.1-8B-FP8/TP1");
}

static void dyno_fixture_agg(struct dyno_fixture *f, int workers)
{
    f->config.n_pools = 1;
    dyno_fixture_pool(f, 0, "agg", POOL_AGG, workers);
}

static void dyno_fixture_disagg(struct dyno_fixture *f, int prefill, int decode)
{
    f->config.n_pools = 2;
    dyno_fixture_pool(f, 0, "prefill", POOL_PREFILL, prefill);
    dyno_fixture_pool(f, 1, "decode", POOL_DECODE, decode);
}

static enum status dyno_fixture_try(struct dyno_fixture *f, struct trace_reader *trace)
{
    struct observer observer = {.context = f,
                                .request = dyno_fixture_request,
                                .sample = dyno_fixture_sample,
                                .window = dyno_fixture_window,
                                .worker = dyno_fixture_worker,
                                .wants_parts = f->want_parts};
    f->n_records = f->n_workers = 0;
    memset(f->n_outcome, 0, sizeof f->n_outcome);
    const struct request_source source = trace_reader_source(trace);
    enum status s = dynosim_run(&f->config, &source, &observer, f->result, &f->diag);
    trace_close(trace);
    return s;
}

static struct trace_reader *dyno_fixture_open(struct dyno_fixture *f, const char *path)
{
    struct trace_options options = {.speedup = 1, .block_size_tok = f->config.trace_block_tok};
    struct trace_reader *trace;
    enum status s = trace_open(&trace, path, &options, &f->diag);
    cr_assert_eq(s, ST_OK, "%s", f->diag.text);
    return trace;
}

static struct trace_reader *dyno_fixture_text(struct dyno_fixture *f, const char *lines)
{
    struct trace_options options = {.speedup = 1, .block_size_tok = f->config.trace_block_tok};
    struct trace_reader *trace;
    enum status s = trace_open_memory(&trace, "test", lines, strlen(lines), &options, &f->diag);
    cr_assert_eq(s, ST_OK, "%s", f->diag.text);
    return trace;
}

static void dyno_fixture_run(struct dyno_fixture *f, const char *path)
{
    enum status s = dyno_fixture_try(f, dyno_fixture_open(f, path));
    cr_assert_eq(s, ST_OK, "%s", f->diag.text);
}

static void dyno_fixture_run_text(struct dyno_fixture *f, const char *lines)
{
    enum status s = dyno_fixture_try(f, dyno_fixture_text(f, lines));
    cr_assert_eq(s, ST_OK, "%s", f->diag.text);
}

static void dyno_fixture_release(struct dyno_fixture *f)
{
    arena_release(&f->arena);
    free(f->records);
    free(f->result);
}

/* Recorded rows; -1 where the column is empty. */
struct reference_row {
    double arrival_ms, isl_tok, osl_tok, first_admit_ms, ttft_ms, ttst_ms, e2e_ms, itl_ms,
        reused_tok, prefill_worker, worker;
};

static size_t read_reference(struct reference_row **rows, const char *path)
{
    struct diag d;
    struct line_reader *lines;
    const char *line;
    size_t length, n = 0, capacity = 1 << 15;
    diag_init(&d);
    cr_assert_eq(line_reader_open(&lines, path, &d), ST_OK, "%s", d.text);
    *rows = malloc(capacity * sizeof **rows);
    cr_assert_eq(line_reader_next(lines, &line, &length, &d), ST_OK);
    while (line_reader_next(lines, &line, &length, &d) == ST_OK) {
        double value[12];
        const char *p = line;
        for (int i = 0; i < 12; i++) {
            char *end;
            value[i] = *p == ',' || *p == '\n' ? -1 : strtod(p, &end);
            p = *p == ',' || *p == '\n' ? p + 1 : end + 1;
        }
        cr_assert_lt(n, capacity);
        cr_assert_eq((size_t)value[0], n);
        memcpy(&(*rows)[n++], value + 1, sizeof **rows);
    }
    line_reader_close(lines);
    return n;
}

struct comparison {
    size_t n_different; /* rows with a whole number that differs */
    double worst_ms;    /* largest difference of a time */
    size_t first;       /* first row beyond 0.001 ms or with another number */
};

static double difference_ms(double recorded_ms, int64_t from_ns, int64_t to_ns)
{
    if (to_ns < 0)
        return recorded_ms < 0 ? 0 : INFINITY;
    return fabs((double)(to_ns - from_ns) / 1e6 - recorded_ms);
}

static struct comparison compare(const struct dyno_fixture *f, const struct reference_row *rows,
                                 size_t n)
{
    struct comparison c = {.first = SIZE_MAX};
    for (size_t i = 0; i < n; i++) {
        const struct request_record *r = &f->records[i];
        const struct reference_row *q = &rows[i];
        bool same = r->index == i && r->outcome == OUTCOME_COMPLETED && r->isl_tok == q->isl_tok &&
                    r->osl_tok == q->osl_tok && r->cached_tok == q->reused_tok &&
                    r->worker == q->worker &&
                    (r->prefill_worker == NO_WORKER ? -1.0 : (double)r->prefill_worker) ==
                        q->prefill_worker;
        double worst = difference_ms(q->arrival_ms, 0, r->arrival_ns);
        worst = fmax(worst, difference_ms(q->first_admit_ms, 0, r->scheduled_ns));
        worst = fmax(worst, difference_ms(q->ttft_ms, r->arrival_ns, r->first_token_ns));
        worst = fmax(worst, difference_ms(q->ttst_ms, r->first_token_ns, r->second_token_ns));
        worst = fmax(worst, difference_ms(q->e2e_ms, r->arrival_ns, r->last_token_ns));
        c.n_different += !same;
        c.worst_ms = fmax(c.worst_ms, worst);
        if ((!same || worst > 0.001) && c.first == SIZE_MAX)
            c.first = i;
    }
    return c;
}

struct means {
    double ttft_ms, itl_ms, e2e_ms, reuse;
};

static struct means means_of(const struct dyno_fixture *f)
{
    struct means m = {0};
    double isl = 0, reused = 0, n = (double)f->n_records;
    for (size_t i = 0; i < f->n_records; i++) {
        const struct request_record *r = &f->records[i];
        m.ttft_ms += (double)(r->first_token_ns - r->arrival_ns) / 1e6 / n;
        m.e2e_ms += (double)(r->last_token_ns - r->arrival_ns) / 1e6 / n;
        isl += r->isl_tok;
        reused += r->cached_tok;
    }
    m.itl_ms = histogram_mean(&f->result->itl) / 1e6;
    m.reuse = reused / isl;
    return m;
}

#endif
