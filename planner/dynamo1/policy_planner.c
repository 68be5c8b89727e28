/* Dynamo's SLA planner, first generation: its throughput loop, load loop and sampling loop around
 * planner_core.c, and the connector its requests go through. At one instant the loops run in the
 * order in which the reference starts them: throughput, load, sampling. */
#include "planner/policy.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "planner/connector.h"
#include "planner/dynamo1/config.h"
#include "planner/dynamo1/planner_core.h"
#include "planner/fixes.h"
#include "planner/metric_source.h"
#include "planner/trace_windows.h"
#include "util/bug.h"
#include "util/units.h"

enum { NO_POOL = -1, WAKES_PER_INTERVAL = 10, START_DELAY_S = 30, NOTE_SIZE = 80 };

struct planner_state {
    struct planner_core core;
    struct planner_config config;
    struct connector connector;
    struct gauge_page page;
    char note[NOTE_SIZE]; /* empty: nothing to say */
    size_t n_pools;
    int pool_of[N_SIDES];
    int64_t throughput_ns, load_ns, scrape_ns; /* next run of each loop; TIME_NEVER = off */
};

static int64_t interval_ns(const struct planner_state *p)
{
    return p->config.throughput_adjustment_interval_s * NS_PER_S;
}

static int64_t scrape_step_ns(const struct planner_state *p)
{
    int64_t step = p->config.load_adjustment_interval_s * NS_PER_S / p->config.load_metric_samples;

    return step > 0 ? step : 1;
}

/* The loop wakes ten times per interval and runs when a whole interval has passed since it last
 * ran. */
static int64_t next_throughput_ns(const struct planner_state *p, int64_t last_ns)
{
    int64_t step = interval_ns(p) / WAKES_PER_INTERVAL, at = last_ns;

    while (at - last_ns < interval_ns(p))
        at += step;
    return at;
}

static int find_pool(const struct policy_setup *setup, enum pool_role role)
{
    for (size_t i = 0; i < setup->n_pools; i++) {
        if (setup->roles[i] == role)
            return (int)i;
    }
    return NO_POOL;
}

static enum status assign_pools(struct planner_state *p, enum planner_mode mode,
                                const struct policy_setup *setup, struct diag *d)
{
    p->n_pools = setup->n_pools;
    p->pool_of[SIDE_PREFILL] = p->pool_of[SIDE_DECODE] = NO_POOL;
    for (int side = 0; side < N_SIDES; side++) {
        enum pool_role role = side == SIDE_PREFILL ? POOL_PREFILL : POOL_DECODE;
        if (mode == MODE_AGG)
            role = POOL_AGG;
        if (!planner_mode_has(mode, (enum planner_side)side))
            continue;
        p->pool_of[side] = find_pool(setup, role);
        if (p->pool_of[side] == NO_POOL)
            return diag_fail(d, ST_INPUT, "planner mode '%s' needs a pool '%s'", p->config.mode,
                             mode == MODE_AGG       ? "agg"
                             : role == POOL_PREFILL ? "prefill"
                                                    : "decode");
    }
    return ST_OK;
}

/* A Kubernetes deployment knows the GPUs of its workers; elsewhere the configuration says. */
static int64_t worker_gpus(const struct planner_state *p, enum planner_side side,
                           const struct policy_setup *setup)
{
    int64_t configured =
        side == SIDE_PREFILL ? p->config.prefill_engine_num_gpu : p->config.decode_engine_num_gpu;
    int pool = p->pool_of[side];

    if (pool == NO_POOL)
        return 1;
    if (strcmp(p->config.environment, "virtual") == 0 && configured > 0)
        return configured;
    return setup->gpus_per_worker[pool];
}

static enum status load_models(struct planner_state *p, struct arena *arena,
                               const struct policy_setup *setup, struct planner_setup *core_setup,
                               struct diag *d)
{
    enum status s = ST_OK;

    for (int side = 0; side < N_SIDES; side++) {
        core_setup->gpus[side] = worker_gpus(p, (enum planner_side)side, setup);
        core_setup->no_gauges[side] =
            p->pool_of[side] != NO_POOL && setup->no_gauges[p->pool_of[side]];
        if (p->pool_of[side] == NO_POOL || !p->config.enable_throughput_scaling)
            continue;
        const struct profile *profile = setup->profiles[p->pool_of[side]];
        if (!profile)
            return diag_fail(d, ST_INPUT, "throughput scaling needs an engine profile");
        s = side == SIDE_PREFILL
                ? prefill_model_shared(&core_setup->prefill, setup->shared, arena, profile, d)
                : decode_model_shared(&core_setup->decode, setup->shared, arena, profile,
                                      (p->config.fixes & FIX_NEGATIVE_CELLS) != 0, d);
        if (s)
            return s;
    }
    return ST_OK;
}

static enum status warm_up(struct planner_state *p, struct shared *shared, struct diag *d)
{
    struct trace_windows windows;

    trace_windows_init(&windows, p->config.throughput_adjustment_interval_s);
    enum status s =
        trace_windows_read_file(&windows, p->config.load_predictor_warmup_trace, shared, d);
    if (s == ST_OK)
        s = trace_windows_finish(&windows, (p->config.fixes & FIX_EMPTY_WINDOWS) != 0, d);
    for (size_t i = 0; s == ST_OK && i < windows.n; i++) {
        const struct trace_window *w = &windows.rows[i];
        s = planner_core_feed(&p->core, w->n_requests, w->isl_tok, w->osl_tok, d);
    }
    if (s == ST_OK)
        planner_core_reset_idle(&p->core);
    trace_windows_release(&windows);
    return s;
}

static void planner_release(void *state)
{
    struct planner_state *p = state;

    planner_core_release(&p->core);
    gauge_page_release(&p->page);
}

static void schedule(const struct planner_state *p, struct policy_effects *e)
{
    int64_t load_ns = p->connector.waiting ? p->connector.next_poll_ns : p->load_ns;

    e->next_ns = p->throughput_ns < load_ns ? p->throughput_ns : load_ns;
    if (p->scrape_ns < e->next_ns)
        e->next_ns = p->scrape_ns;
    if (e->next_ns >= TIME_NEVER)
        return;
    if (p->throughput_ns < TIME_NEVER)
        e->window_ns = interval_ns(p);
    if (p->throughput_ns == e->next_ns)
        e->next_needs |= NEED_TRAFFIC;
    if (p->scrape_ns == e->next_ns)
        e->next_needs |= NEED_GAUGES;
}

static enum status start(struct planner_state *p, struct arena *arena,
                         const struct policy_setup *setup, struct diag *d)
{
    struct planner_setup core_setup = {.prefill = NULL};
    enum planner_mode mode;
    enum status s = planner_config_check(&p->config, (struct source_pos){NULL, 0, 0}, d);

    if (s == ST_OK && !planner_mode_find(p->config.mode, &mode))
        s = diag_fail(d, ST_INPUT, "unknown planner mode '%s'", p->config.mode);
    if (s == ST_OK)
        s = assign_pools(p, mode, setup, d);
    if (s == ST_OK)
        s = load_models(p, arena, setup, &core_setup, d);
    if (s == ST_OK)
        s = planner_core_init(&p->core, arena, &p->config, &core_setup, d);
    if (s == ST_OK && p->config.enable_throughput_scaling && p->config.load_predictor_warmup_trace)
        s = warm_up(p, setup->shared, d);
    return s;
}

/* A load round needs the gauges of every side. */
static void write_note(struct planner_state *p)
{
    bool prefill = p->core.no_gauges[SIDE_PREFILL], decode = p->core.no_gauges[SIDE_DECODE];
    const char *pools = prefill && decode          ? "prefill and decode"
                        : prefill                  ? "prefill"
                        : p->core.mode == MODE_AGG ? "agg"
                                                   : "decode";

    if (p->config.enable_load_scaling && (prefill || decode))
        snprintf(p->note, sizeof p->note, "load scaling never acts: no kv_aware router in %s",
                 pools);
}

static enum status planner_check(void *config, struct source_pos at, struct diag *d)
{
    return planner_config_check(config, at, d);
}

static enum status planner_create(void **state, struct arena *arena, const void *config,
                                  const struct policy_setup *setup, struct policy_effects *first,
                                  struct diag *d)
{
    struct planner_state *p = ARENA_NEW(arena, 1, struct planner_state);

    if (!p)
        return diag_nomem(d, "the planner");
    p->config = *(const struct planner_config *)config;
    enum status s = start(p, arena, setup, d);
    if (s) {
        planner_release(p);
        return s;
    }
    bool is_virtual = strcmp(p->config.environment, "virtual") == 0;
    connector_init(&p->connector, is_virtual ? CONNECTOR_VIRTUAL : CONNECTOR_KUBERNETES,
                   setup->n_pools, (p->config.fixes & FIX_VIRTUAL_WAIT) != 0);
    int64_t start_ns = 0;
    double delay_s = p->config.start_delay_s;
    if (isnan(delay_s))
        delay_s = setup->start_delay_s;
    BUG_IF(!ns_from_s(isnan(delay_s) ? START_DELAY_S : delay_s, &start_ns));
    p->throughput_ns = p->load_ns = p->scrape_ns = TIME_NEVER;
    if (p->config.enable_throughput_scaling)
        p->throughput_ns = next_throughput_ns(p, start_ns);
    if (p->config.enable_load_scaling) {
        p->load_ns = start_ns + p->config.load_adjustment_interval_s * NS_PER_S;
        p->scrape_ns = start_ns > 0 ? start_ns : scrape_step_ns(p);
    }
    write_note(p);
    policy_effects_clear(first, setup->n_pools);
    schedule(p, first);
    *state = p;
    return ST_OK;
}

static const char *planner_note(const void *state)
{
    const struct planner_state *p = state;

    return p->note[0] ? p->note : NULL;
}

static int as_count(int64_t n)
{
    return n < 0 ? 0 : n > INT_MAX ? INT_MAX : (int)n;
}

static void put_before(char text[POLICY_TEXT_SIZE], const char *words)
{
    char rest[POLICY_TEXT_SIZE];

    memcpy(rest, text, sizeof rest);
    snprintf(text, POLICY_TEXT_SIZE, "%s; %.440s", words, rest);
}

/* Sends targets through the connector; what does not go out is said in front of the reason. */
static void request(struct planner_state *p, const struct policy_input *input,
                    const int64_t target[N_SIDES], bool blocking, struct policy_effects *e)
{
    int targets[POLICY_MAX_POOLS] = {0};

    for (size_t i = 0; i < p->n_pools; i++)
        targets[i] = input->pools[i].target;
    for (int side = 0; side < N_SIDES; side++) {
        if (p->pool_of[side] != NO_POOL)
            targets[p->pool_of[side]] = as_count(target[side]);
    }
    const char *fate = "no_operation";
    if (!p->config.no_operation) {
        enum connector_answer answer =
            connector_request(&p->connector, input->now_ns, input->pools, targets, blocking);
        if (answer == CONNECTOR_SENT) {
            e->scale = true;
            memcpy(e->target, targets, sizeof e->target);
        }
        if (answer == CONNECTOR_SENT || answer == CONNECTOR_UNCHANGED)
            return;
        fate = connector_answer_text(answer);
    }
    put_before(e->reason, fate);
}

static void worker_counts(const struct planner_state *p, const struct policy_input *input,
                          int64_t n_workers[N_SIDES])
{
    for (int side = 0; side < N_SIDES; side++)
        n_workers[side] = p->pool_of[side] == NO_POOL ? 0 : input->pools[p->pool_of[side]].ready;
}

static struct traffic_means read_traffic(const struct planner_state *p,
                                         const struct policy_input *input)
{
    const struct traffic_window *w = &input->traffic;
    struct traffic_means none = {.ttft_ms = 0};

    if (!input->has_traffic)
        return none;
    if (strcmp(p->config.throughput_metrics_source, "router") == 0)
        return router_traffic(w, (p->config.fixes & FIX_ROUTER_DURATION) != 0);
    return frontend_traffic(w);
}

static void record_throughput(const struct planner_state *p, const struct throughput_outcome *o,
                              struct policy_effects *e)
{
    const struct side_plan *shown = NULL;

    e->report = true;
    e->kind = "throughput";
    e->seen = (struct policy_forecast){o->seen.n_requests, o->seen.isl_tok, o->seen.osl_tok};
    e->seen_ttft_ms = o->seen.ttft_ms;
    e->seen_itl_ms = o->seen.itl_ms;
    for (int side = 0; side < N_SIDES; side++) {
        const struct side_plan *plan = &o->plan[side];
        int pool = p->pool_of[side];
        if (pool == NO_POOL)
            continue;
        e->correction[pool] = plan->correction;
        if (plan->state == PLAN_READY)
            e->wanted[pool] = as_count(plan->replicas);
        if (plan->has_forecast && !shown)
            shown = plan;
    }
    if (shown)
        e->predicted = (struct policy_forecast){shown->next.n_requests, shown->next.isl_tok,
                                                shown->next.osl_tok};
}

static enum status run_throughput(struct planner_state *p, const struct policy_input *input,
                                  struct policy_effects *e, struct diag *d)
{
    int64_t n_workers[N_SIDES];
    struct traffic_means seen = read_traffic(p, input);

    p->throughput_ns = next_throughput_ns(p, input->now_ns);
    worker_counts(p, input, n_workers);
    if (!input->has_traffic && (p->config.fixes & FIX_HOLD_ON_FAILURE)) {
        e->report = true;
        e->kind = "throughput";
        snprintf(e->reason, sizeof e->reason, "no plan: the query failed");
        return ST_OK;
    }
    struct throughput_outcome o;
    enum status s = planner_core_throughput(&p->core, &seen, n_workers, &o, d);
    if (s)
        return s;
    record_throughput(p, &o, e);
    throughput_reason(e->reason, sizeof e->reason, &p->core, &o, n_workers);
    if (!input->has_traffic)
        put_before(e->reason, "the query failed, so no traffic");
    if (o.request)
        request(p, input, o.target, false, e);
    return ST_OK;
}

static enum status run_load(struct planner_state *p, const struct policy_input *input,
                            struct policy_effects *e, struct diag *d)
{
    int64_t n_workers[N_SIDES];
    char before[POLICY_TEXT_SIZE];

    p->load_ns = input->now_ns + p->config.load_adjustment_interval_s * NS_PER_S;
    worker_counts(p, input, n_workers);
    struct load_outcome o;
    enum status s =
        planner_core_load(&p->core, n_workers, pools_ready(input->pools, p->n_pools), &o, d);
    if (s)
        return s;
    memcpy(before, e->reason, sizeof before);
    load_reason(e->reason, sizeof e->reason, &p->core, &o);
    if (e->report) {
        char after[POLICY_TEXT_SIZE];
        memcpy(after, e->reason, sizeof after);
        snprintf(e->reason, sizeof e->reason, "%.250s | %.250s", before, after);
        e->kind = "throughput+load";
    } else {
        e->kind = "load";
    }
    e->report = true;
    for (int side = 0; side < N_SIDES; side++) {
        if (p->pool_of[side] != NO_POOL)
            e->wanted[p->pool_of[side]] =
                as_count(o.desired[side] >= 0 ? o.desired[side] : n_workers[side]);
    }
    if (o.state == LOAD_REQUEST)
        request(p, input, o.target, true, e);
    return ST_OK;
}

static enum status run_scrape(struct planner_state *p, const struct policy_input *input,
                              struct diag *d)
{
    p->scrape_ns = input->now_ns + scrape_step_ns(p);
    gauge_page_reset(&p->page);
    for (size_t i = 0; input->has_gauges && i < input->n_gauges; i++) {
        const struct worker_gauges *g = &input->gauges[i];
        const double values[N_GAUGES] = {
            [GAUGE_PREFILL_TOKENS] = g->active_prefill_tok,
            [GAUGE_DECODE_BLOCKS] = g->active_decode_blocks,
            [GAUGE_TTFT_S] = g->last_ttft_s,
            [GAUGE_ISL_TOK] = g->last_isl_tok,
            [GAUGE_ITL_S] = g->last_itl_s,
        };
        struct worker_sample *w = gauge_page_worker(
            &p->page, g->role == POOL_PREFILL ? WORKER_PREFILL : WORKER_DECODE, g->worker_id);
        if (!w)
            return diag_nomem(d, "gauges");
        for (int k = 0; k < N_GAUGES; k++) {
            if (values[k] >= 0)
                w->gauge[k] = values[k];
        }
    }
    planner_core_sample(&p->core, &p->page);
    return ST_OK;
}

static void run_poll(struct planner_state *p, const struct policy_input *input,
                     struct policy_effects *e)
{
    enum connector_poll result = connector_poll(&p->connector, input->now_ns, input->pools);
    bool ends = result == CONNECTOR_TIMEOUT && !(p->config.fixes & FIX_SURVIVE_TIMEOUT);

    if (result == CONNECTOR_WAITING)
        return;
    p->load_ns = input->now_ns + p->config.load_adjustment_interval_s * NS_PER_S;
    if (result == CONNECTOR_DONE)
        return;
    e->report = true;
    e->kind = "connector";
    snprintf(e->reason, sizeof e->reason, "%s%s",
             result == CONNECTOR_TIMEOUT ? "the deployment did not become ready in 1800 s"
                                         : "the request is not acknowledged",
             ends ? "; the planner ends" : "; going on");
    if (ends)
        p->throughput_ns = p->load_ns = p->scrape_ns = TIME_NEVER;
}

static enum status planner_tick(void *state, const struct policy_input *input,
                                struct policy_effects *effects, struct diag *d)
{
    struct planner_state *p = state;
    enum status s = ST_OK;

    policy_effects_clear(effects, input->n_pools);
    connector_acknowledge(&p->connector, input->pools);
    if (p->connector.waiting && input->now_ns >= p->connector.next_poll_ns)
        run_poll(p, input, effects);
    if (input->now_ns >= p->throughput_ns)
        s = run_throughput(p, input, effects, d);
    if (!s && !p->connector.waiting && input->now_ns >= p->load_ns)
        s = run_load(p, input, effects, d);
    if (s)
        return s;
    /* A virtual request is asked about once before the first sleep. */
    if (p->connector.waiting && input->now_ns >= p->connector.next_poll_ns)
        run_poll(p, input, effects);
    if (input->now_ns >= p->scrape_ns)
        s = run_scrape(p, input, d);
    schedule(p, effects);
    return s;
}

static const char *planner_describe(const void *state)
{
    const struct planner_state *p = state;

    return p->config.enable_throughput_scaling ? p->config.load_predictor : "none";
}

static void planner_terms(const void *config, struct policy_terms *to)
{
    const struct planner_config *c = config;

    *to = (struct policy_terms){
        .mode = c->mode,
        .global_planner = strcmp(c->environment, "global-planner") == 0,
        .throughput_scaling = c->enable_throughput_scaling,
        .load_scaling = c->enable_load_scaling,
        .throughput_interval_s = c->throughput_adjustment_interval_s,
        .load_interval_s = c->load_adjustment_interval_s,
        .has_targets = true,
        .ttft_ms = c->ttft_ms,
        .itl_ms = c->itl_ms,
        .min_endpoint = c->min_endpoint,
        .max_gpu_budget = c->max_gpu_budget,
        .prefill_gpus = c->prefill_engine_num_gpu,
        .decode_gpus = c->decode_engine_num_gpu,
        .predictor = c->load_predictor,
    };
}

const struct policy_ops policy_planner = {
    .name = "planner",
    .generation = "1.0.2",
    .summary = "NVIDIA Dynamo's SLA planner, on traffic of whole intervals (1.0.2)",
    .config_size = sizeof(struct planner_config),
    .keys = planner_keys,
    .own_file = "Dynamo's planner configuration",
    .foreign = planner_foreign_keys,
    .check = planner_check,
    .terms = planner_terms,
    .create = planner_create,
    .tick = planner_tick,
    .release = planner_release,
    .describe = planner_describe,
    .note = planner_note,
};
