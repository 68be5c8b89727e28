/* A run built in code: a trace from text, a latency model that can be computed by hand, a policy
 * that follows a schedule, and everything the observer was told. */
#ifndef TESTS_UNIT_SIM_SIM_FIXTURE_H
#define TESTS_UNIT_SIM_SIM_FIXTURE_H

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "planner/policy.h"
#include "sim/routing/router.h"
#include "sim/sim.h"
#include "util/pcg.h"
#include "util/units.h"

/* step = base_ms + new_ms * new tokens + seq_ms * sequences + context_ms * tokens attended to */
struct linear_model {
    double base_ms, new_ms, seq_ms, context_ms;
    double rank_tok_ms; /* per token of the rank that has most */
    double skew_alpha;
    double bend_tok, bend; /* from that context on, if any, a token counts so much more */
    struct decode_curve *curves;
};

static double linear_context_ms(const struct linear_model *m, double context_tok)
{
    double beyond_tok = m->bend_tok > 0 ? fmax(0, context_tok - m->bend_tok) : 0;
    return m->context_ms * (context_tok + m->bend * beyond_tok);
}

static enum status linear_create(void **state, struct arena *arena, const struct profile *profile,
                                 const struct latency_config *config, struct diag *d)
{
    (void)profile;
    (void)d;
    struct linear_model *m = *state;
    m->curves = ARENA_NEW(arena, config->max_num_seqs, struct decode_curve);
    for (uint32_t n = 1; n <= config->max_num_seqs; n++) {
        double *x = ARENA_NEW(arena, 6, double), *ms = x + 3;
        x[0] = 0;
        x[1] = m->bend_tok > 0 ? m->bend_tok : 1;
        x[2] = 1000001;
        for (int i = 0; i < 3; i++)
            ms[i] = m->base_ms + n * (m->seq_ms + linear_context_ms(m, x[i]));
        m->curves[n - 1] = (struct decode_curve){3, x, ms};
    }
    return ST_OK;
}

static double linear_step_ms(const void *state, const struct engine_step *step)
{
    const struct linear_model *m = state;
    double ms = m->base_ms + m->rank_tok_ms * step->rank_tok_max;
    for (uint32_t i = 0; i < step->n_chunks; i++)
        ms += m->new_ms * step->chunks[i].new_tok;
    double context_ms = (1 - m->skew_alpha) * linear_context_ms(m, step->decode_context_mean_tok) +
                        m->skew_alpha * linear_context_ms(m, step->decode_context_max_tok);
    return ms + step->n_decode * (m->seq_ms + context_ms);
}

static double linear_skew_alpha(const void *state)
{
    return ((const struct linear_model *)state)->skew_alpha;
}

static const struct decode_curve *linear_curve(const void *state, uint32_t n)
{
    return &((const struct linear_model *)state)->curves[n - 1];
}

static const struct latency_model_ops latency_linear = {
    .name = "linear",
    .summary = "for tests",
    .create = linear_create,
    .step_ms = linear_step_ms,
    .skew_alpha = linear_skew_alpha,
    .decode_curve = linear_curve,
};

/* Targets by time. */
struct schedule {
    int n, next;
    int64_t at_ns[16];
    int target[16][POLICY_MAX_POOLS];
    struct fpm_record *passes; /* all that were seen; rank and pool of each are in dp_rank */
    size_t n_passes, passes_capacity;
};

static void schedule_next(const struct schedule *s, struct policy_effects *effects)
{
    effects->next_ns = s->next < s->n ? s->at_ns[s->next] : TIME_NEVER;
    effects->next_needs = NEED_TRAFFIC | NEED_GAUGES | NEED_PASSES;
    effects->window_ns = 300 * NS_PER_MS;
}

static void keep_passes(struct schedule *s, const struct policy_input *input)
{
    for (size_t p = 0; p < input->n_pools; p++) {
        for (size_t i = 0; i < input->n_passes[p]; i++) {
            const struct fpm_record *r = &input->passes[p][i], *before = i ? r - 1 : NULL;
            cr_assert(!before || r->worker_id > before->worker_id ||
                      (r->worker_id == before->worker_id && r->dp_rank == before->dp_rank + 1));
            if (s->n_passes == s->passes_capacity) {
                s->passes_capacity = 2 * s->passes_capacity + 64;
                s->passes = realloc(s->passes, s->passes_capacity * sizeof *s->passes);
            }
            s->passes[s->n_passes] = *r;
            s->passes[s->n_passes++].dp_rank += (uint32_t)p << 16;
        }
    }
}

/* A sum and its number of observations: both there or both missing. */
static void check_counters(double sum, double n)
{
    cr_assert(isnan(n) ? isnan(sum) : n >= 0 && sum >= 0, "%g of %g observations", sum, n);
}

static void check_input(const struct policy_input *input)
{
    const struct traffic_window *w = &input->traffic;
    check_counters(w->n_requests, w->n_arrived);
    check_counters(w->ttft_sum_s, w->n_ttft);
    check_counters(w->itl_sum_s, w->n_itl);
    check_counters(w->duration_sum_s, w->n_duration);
    check_counters(w->isl_sum_tok, w->n_isl);
    check_counters(w->osl_sum_tok, w->n_osl);
    size_t n_workers = 0;
    for (size_t p = 0; p < input->n_pools; p++)
        n_workers += (size_t)(input->pools[p].ready + input->pools[p].draining);
    uint64_t before = 0;
    size_t n_named = 0;
    for (size_t i = 0; i < input->n_gauges; i++) {
        const struct worker_gauges *g = &input->gauges[i];
        uint64_t name = ((uint64_t)g->role << 32 | g->worker_id) + 1;
        n_named += name != before; /* data-parallel ranks share a name */
        cr_assert_geq(name, before);
        before = name;
        cr_assert(g->active_prefill_tok >= 0 && g->active_decode_blocks >= 0);
    }
    cr_assert_leq(n_named, n_workers);
}

static enum status schedule_tick(void *state, const struct policy_input *input,
                                 struct policy_effects *effects, struct diag *d)
{
    struct schedule *s = state;
    effects->scale = effects->report = true;
    memcpy(effects->target, s->target[s->next], sizeof effects->target);
    check_input(input);
    keep_passes(s, input);
    s->next++;
    schedule_next(s, effects);
    (void)d;
    return ST_OK;
}

static const struct policy_ops policy_schedule_test = {
    .name = "test", .reads_passes = true, .tick = schedule_tick};

enum { LOG_SIZE = 1 << 16 };

struct fixture {
    struct arena arena;
    struct diag diag;
    struct sim_config config; /* of the one deployment */
    struct deployment_config deployment;
    struct linear_model model;
    struct latency_config latency_config;
    struct schedule schedule;
    struct run_result *result;
    bool want_log, want_nodes;
    bool want_gpu_time;
    double gpu_s[POLICY_MAX_POOLS];          /* from its events: of workers that have stopped */
    int64_t *held_from_ns[POLICY_MAX_POOLS]; /* by worker id; -1 = holds no GPUs */
    uint32_t n_held_ids[POLICY_MAX_POOLS];
    char *log; /* "12.500 first_token r3 agg/0" lines */
    size_t log_used;
    struct request_record *records; /* by trace index */
    struct request_parts *parts; /* of them, with want_parts; records[i].parts is not to be read */
    bool want_parts;
    size_t n_records, capacity;
    size_t n_outcome[N_OUTCOMES];
    struct sample_record *samples;
    size_t n_samples, samples_capacity;
    struct stepped {
        int64_t busy_ns, start_ns, end_ns; /* of all steps; of the last one */
    } * stepped[POLICY_MAX_POOLS];         /* by worker id */
    uint32_t n_stepped[POLICY_MAX_POOLS];
    bool steps_broken;
    double step_tok;               /* sequences that decoded, times steps */
    struct worker_record *workers; /* as their lives ended */
    size_t n_workers, workers_capacity;
    struct decision_record decisions[64];
    size_t n_decisions;
    double window_requests, window_itl_n, window_length_s;
    struct window_record windows[64]; /* the first of them */
    size_t n_windows;
};

static enum status fixture_request(void *context, const struct request_record *r, struct diag *d)
{
    struct fixture *f = context;
    (void)d;
    if (r->index >= f->capacity) {
        size_t capacity = 2 * r->index + 1024;
        f->records = realloc(f->records, capacity * sizeof *f->records);
        memset(f->records + f->capacity, 0xff, (capacity - f->capacity) * sizeof *f->records);
        if (f->want_parts)
            f->parts = realloc(f->parts, capacity * sizeof *f->parts);
        f->capacity = capacity;
    }
    f->records[r->index] = *r;
    cr_assert_eq(f->want_parts, r->parts != NULL);
    if (r->parts)
        f->parts[r->index] = *r->parts;
    f->n_records++;
    f->n_outcome[r->outcome]++;
    return ST_OK;
}

static enum status fixture_sample(void *context, const struct sample_record *s, struct diag *d)
{
    struct fixture *f = context;
    (void)d;
    if (f->n_samples == f->samples_capacity) {
        f->samples_capacity = f->samples_capacity ? 2 * f->samples_capacity : 1024;
        f->samples = realloc(f->samples, f->samples_capacity * sizeof *f->samples);
    }
    f->samples[f->n_samples++] = *s;
    return ST_OK;
}

static enum status fixture_worker(void *context, const struct worker_record *w, struct diag *d)
{
    struct fixture *f = context;
    (void)d;
    if (f->n_workers == f->workers_capacity) {
        f->workers_capacity = f->workers_capacity ? 2 * f->workers_capacity : 64;
        f->workers = realloc(f->workers, f->workers_capacity * sizeof *f->workers);
    }
    f->workers[f->n_workers++] = *w;
    return ST_OK;
}

/* Steps of a worker come one after the other, those of its ranks together. */
static enum status fixture_step(void *context, const struct step_record *step, struct diag *d)
{
    struct fixture *f = context;
    size_t p = step->pool;
    (void)d;
    if (step->worker >= f->n_stepped[p]) {
        uint32_t n = 2 * step->worker + 16;
        f->stepped[p] = realloc(f->stepped[p], n * sizeof **f->stepped);
        memset(f->stepped[p] + f->n_stepped[p], 0, (n - f->n_stepped[p]) * sizeof **f->stepped);
        f->n_stepped[p] = n;
    }
    struct stepped *w = &f->stepped[p][step->worker];
    f->steps_broken |= step->end_ns < step->start_ns || step->n_steps == 0 ||
                       (step->n_chunks > 0) != (step->prompt_tok > 0);
    f->step_tok += (double)step->n_steps * step->n_decode;
    if (step->rank && step->start_ns == w->start_ns && step->end_ns == w->end_ns)
        return ST_OK;
    f->steps_broken |= step->start_ns < w->end_ns;
    w->busy_ns += step->end_ns - step->start_ns;
    w->start_ns = step->start_ns;
    w->end_ns = step->end_ns;
    return ST_OK;
}

static enum status fixture_decision(void *context, const struct decision_record *r, struct diag *d)
{
    struct fixture *f = context;
    (void)d;
    cr_assert_lt(f->n_decisions, 64);
    f->decisions[f->n_decisions++] = *r;
    return ST_OK;
}

static enum status fixture_window(void *context, const struct window_record *w, struct diag *d)
{
    struct fixture *f = context;
    (void)d;
    if (f->n_windows < 64)
        f->windows[f->n_windows] = *w;
    f->n_windows++;
    f->window_requests += w->traffic.n_requests;
    f->window_itl_n += w->traffic.n_itl;
    f->window_length_s += w->traffic.length_s;
    return ST_OK;
}

/* GPU-seconds from `from_ns` on, or from the end of the warm-up. */
static double fixture_held_s(const struct fixture *f, size_t pool, int64_t from_ns, int64_t to_ns)
{
    int64_t start_ns = from_ns > f->config.warmup_ns ? from_ns : f->config.warmup_ns;
    return to_ns > start_ns
               ? s_from_ns(to_ns - start_ns) * f->deployment.pools[pool].gpus_per_worker
               : 0;
}

static void fixture_note_gpu_time(struct fixture *f, const struct event_record *e)
{
    if (e->kind != EVENT_WORKER_START && e->kind != EVENT_WORKER_STOP)
        return;
    size_t p = e->pool;
    if (e->worker >= f->n_held_ids[p]) {
        uint32_t n = 2 * e->worker + 16;
        f->held_from_ns[p] = realloc(f->held_from_ns[p], n * sizeof(int64_t));
        for (uint32_t i = f->n_held_ids[p]; i < n; i++)
            f->held_from_ns[p][i] = -1;
        f->n_held_ids[p] = n;
    }
    int64_t *from_ns = &f->held_from_ns[p][e->worker];
    if (e->kind == EVENT_WORKER_STOP && *from_ns >= 0)
        f->gpu_s[p] += fixture_held_s(f, p, *from_ns, e->at_ns);
    *from_ns = e->kind == EVENT_WORKER_START ? e->at_ns : -1;
}

/* GPU-seconds of a pool up to the end of the run, by the workers' starts and stops. */
static double fixture_gpu_s(const struct fixture *f, size_t pool)
{
    double sum = f->gpu_s[pool];
    for (uint32_t i = 0; i < f->n_held_ids[pool]; i++)
        if (f->held_from_ns[pool][i] >= 0)
            sum += fixture_held_s(f, pool, f->held_from_ns[pool][i], f->result->end_ns);
    return sum;
}

static enum status fixture_event(void *context, const struct event_record *e, struct diag *d)
{
    struct fixture *f = context;
    (void)d;
    if (f->want_gpu_time)
        fixture_note_gpu_time(f, e);
    if (!f->want_log)
        return ST_OK;
    char *to = f->log + f->log_used;
    size_t room = LOG_SIZE - f->log_used;
    int n = snprintf(to, room, "%.3f %s", ms_from_ns(e->at_ns), event_kind_name(e->kind));
    if (e->request != UINT64_MAX)
        n += snprintf(to + n, room - n, " r%llu", (unsigned long long)e->request);
    if (e->pool != SIZE_MAX)
        n += snprintf(to + n, room - n, " %s/%u", f->deployment.pools[e->pool].name, e->worker);
    if (e->node != NO_NODE && f->want_nodes)
        n += snprintf(to + n, room - n, " node %u", e->node);
    n += snprintf(to + n, room - n, "\n");
    f->log_used += (size_t)n;
    cr_assert_lt(f->log_used, LOG_SIZE - 256);
    return ST_OK;
}

/* One agg pool (or a prefill and a decode pool) of `replicas`; blocks of 16 tokens. */
static void fixture_init(struct fixture *f, bool disagg, int replicas)
{
    *f = (struct fixture){0};
    arena_init(&f->arena);
    diag_init(&f->diag);
    f->result = malloc(sizeof *f->result);
    f->log = malloc(LOG_SIZE);
    f->model = (struct linear_model){.base_ms = 10, .new_ms = 0.1, .seq_ms = 1};
    f->config = (struct sim_config){
        .n_deployments = 1,
        .deployments = &f->deployment,
        .cluster = {.gpus_per_node = 1}, /* a node for each worker */
        .node_repair_ns = TIME_NEVER,
        .spot_return_ns = TIME_NEVER,
        .duration_ns = TIME_NEVER,
        .drain_ns = TIME_NEVER,
        .window_ns = 10 * NS_PER_S,
        .limits = RUN_LIMITS_USUAL,
    };
    f->deployment = (struct deployment_config){
        .name = "",
        .n_pools = disagg ? 2 : 1,
        .kv_router = {.overlap = 1, .prefill = 1},
        .kv_bytes_per_token = 1,
        .kv_bandwidth_bytes_per_s = 1e12,
        .kv_local_bandwidth_bytes_per_s = 1e12,
        .drain_grace_ns = TIME_NEVER,
        .ttft_target_ns = NS_PER_S,
        .tpot_target_ns = 50 * NS_PER_MS,
        .policy = &policy_schedule_test,
        .first_token_timeout_ns = TIME_NEVER,
        .timeout_ns = TIME_NEVER,
        .trace_block_tok = 32,
    };
    for (size_t p = 0; p < f->deployment.n_pools; p++)
        f->deployment.pools[p] = (struct pool_config){
            .name = !disagg ? "agg"
                    : p     ? "decode"
                            : "prefill",
            .role = !disagg ? POOL_AGG
                    : p     ? POOL_DECODE
                            : POOL_PREFILL,
            .replicas = replicas,
            .gpus_per_worker = 1,
            .weights_cached_ns = TIME_NEVER,
            .weights_peer_ns = TIME_NEVER,
            .router = router_find("round_robin"),
            .engine = {.latency = &latency_linear,
                       .block_size_tok = 16,
                       .kv_blocks = 1000,
                       .max_num_seqs = 64,
                       .max_num_batched_tokens = 512,
                       .chunked_prefill = true,
                       .n_ranks = 1},
        };
}

static void fixture_release(struct fixture *f)
{
    arena_release(&f->arena);
    free(f->result);
    free(f->log);
    free(f->records);
    free(f->parts);
    free(f->samples);
    free(f->schedule.passes);
    free(f->workers);
    for (size_t p = 0; p < POLICY_MAX_POOLS; p++) {
        free(f->held_from_ns[p]);
        free(f->stepped[p]);
    }
}

static void fixture_scale_at(struct fixture *f, double at_s, int first, int second)
{
    struct schedule *s = &f->schedule;
    s->at_ns[s->n] = (int64_t)(at_s * 1e9);
    s->target[s->n][0] = first;
    s->target[s->n++][1] = second;
}

static void fixture_latency(struct fixture *f)
{
    for (size_t p = 0; p < f->deployment.n_pools; p++) {
        struct engine_config *engine = &f->deployment.pools[p].engine;
        if (engine->latency != &latency_linear)
            continue;
        void *state = &f->model;
        f->latency_config.max_num_seqs = engine->max_num_seqs;
        linear_create(&state, &f->arena, NULL, &f->latency_config, &f->diag);
        engine->latency_state = state;
    }
}

static void fixture_prepare(struct fixture *f)
{
    fixture_latency(f);
    if (!f->deployment.policy_state) {
        policy_effects_clear(&f->deployment.policy_first, f->deployment.n_pools);
        f->deployment.policy_state = &f->schedule;
        schedule_next(&f->schedule, &f->deployment.policy_first);
    }
}

static enum status fixture_try_source(struct fixture *f, const struct request_source *source)
{
    fixture_prepare(f);
    struct observer observer = {
        .context = f,
        .wants_parts = f->want_parts,
        .request = fixture_request,
        .sample = fixture_sample,
        .decision = fixture_decision,
        .window = fixture_window,
        .worker = fixture_worker,
        .step = fixture_step,
        .event = f->want_log || f->want_gpu_time ? fixture_event : NULL,
    };
    return sim_run(&f->config, source, &observer, f->result, &f->diag);
}

static enum status fixture_try_run(struct fixture *f, const char *trace_text)
{
    struct trace_options options = {
        .format = "auto", .speedup = 1, .block_size_tok = f->deployment.trace_block_tok};
    struct trace_reader *trace;
    enum status s =
        trace_open_memory(&trace, "test", trace_text, strlen(trace_text), &options, &f->diag);
    cr_assert_eq(s, ST_OK, "%s", f->diag.text);
    const struct request_source source = trace_reader_source(trace);
    s = fixture_try_source(f, &source);
    trace_close(trace);
    return s;
}

static void fixture_run(struct fixture *f, const char *trace_text)
{
    enum status s = fixture_try_run(f, trace_text);
    cr_assert_eq(s, ST_OK, "%s", f->diag.text);
    size_t n = 0;
    for (int i = 0; i < N_OUTCOMES; i++)
        n += f->n_outcome[i];
    cr_assert_eq(f->n_records, n);
}

static void fixture_run_policy(struct fixture *f, const char *trace_text,
                               const struct policy_ops *ops, void *state, int64_t first_ns)
{
    f->deployment.policy = ops;
    f->deployment.policy_state = state;
    policy_effects_clear(&f->deployment.policy_first, f->deployment.n_pools);
    f->deployment.policy_first.next_ns = first_ns;
    fixture_run(f, trace_text);
}

/* A growing trace text. */
struct trace_text {
    char *text;
    size_t used, capacity;
};

static void trace_text_add(struct trace_text *t, double arrival_ms, unsigned isl_tok,
                           unsigned osl_tok)
{
    if (t->capacity - t->used < 256) {
        t->capacity = t->capacity ? 2 * t->capacity : 4096;
        t->text = realloc(t->text, t->capacity);
    }
    t->used +=
        (size_t)snprintf(t->text + t->used, t->capacity - t->used,
                         "{\"timestamp\": %.6f, \"input_length\": %u, \"output_length\": %u}\n",
                         arrival_ms, isl_tok, osl_tok);
}

/* Priority of the last request added. */
static void trace_text_priority(struct trace_text *t, unsigned priority)
{
    t->used -= 2; /* the closing brace */
    t->used += (size_t)snprintf(t->text + t->used, t->capacity - t->used, ", \"priority\": %u}\n",
                                priority);
}

/* The same with block ids. */
static void trace_text_add_ids(struct trace_text *t, double arrival_ms, unsigned isl_tok,
                               unsigned osl_tok, const unsigned *ids, unsigned n_ids)
{
    trace_text_add(t, arrival_ms, isl_tok, osl_tok);
    t->used -= 2; /* the closing brace */
    while (t->capacity - t->used < 64 + 12 * (size_t)n_ids) {
        t->capacity *= 2;
        t->text = realloc(t->text, t->capacity);
    }
    t->used += (size_t)sprintf(t->text + t->used, ", \"hash_ids\": [");
    for (unsigned i = 0; i < n_ids; i++)
        t->used += (size_t)sprintf(t->text + t->used, "%s%u", i ? ", " : "", ids[i]);
    t->used += (size_t)sprintf(t->text + t->used, "]}\n");
}

#endif
