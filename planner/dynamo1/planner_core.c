#include "planner/dynamo1/planner_core.h"

#include <math.h>
#include <string.h>

#include "planner/fixes.h"

static bool has_fix(const struct planner_core *core, unsigned fix)
{
    return (core->config->fixes & fix) != 0;
}

static void forecaster_release(struct forecaster *f)
{
    predictor_release(&f->n_requests);
    predictor_release(&f->isl_tok);
    predictor_release(&f->osl_tok);
}

static enum status forecaster_init(struct forecaster *f, const struct planner_config *c,
                                   struct diag *d)
{
    const struct predictor_ops *ops = predictor_find(c->load_predictor);
    const struct predictor_config config = {.log1p = c->load_predictor_log1p,
                                            .interval_s = c->throughput_adjustment_interval_s,
                                            .prophet_window_size = c->prophet_window_size,
                                            .kalman_q_level = c->kalman_q_level,
                                            .kalman_q_trend = c->kalman_q_trend,
                                            .kalman_r = c->kalman_r,
                                            .kalman_min_points = c->kalman_min_points,
                                            .fixes = c->fixes};

    if (!ops)
        return diag_fail(d, ST_INPUT, "unknown load predictor '%s'", c->load_predictor);
    enum status s = predictor_init(&f->n_requests, ops, &config, d);
    if (s == ST_OK)
        s = predictor_init(&f->isl_tok, ops, &config, d);
    if (s == ST_OK)
        s = predictor_init(&f->osl_tok, ops, &config, d);
    return s;
}

static enum status init_load(struct planner_core *core, struct arena *arena, struct diag *d)
{
    const struct planner_config *c = core->config;
    size_t window = (size_t)c->load_learning_window, least = (size_t)c->load_min_observations;

    if (!gauge_buffer_init(&core->pages, (size_t)c->load_metric_samples))
        return diag_nomem(d, "gauge pages");
    enum status s = regression_init(&core->ttft, arena, window, least, d);
    if (s == ST_OK)
        s = regression_init(&core->itl, arena, window, least, d);
    core->ttft.largest_fallback = core->itl.largest_fallback = has_fix(core, FIX_FALLBACK_LARGEST);
    return s;
}

enum status planner_core_init(struct planner_core *core, struct arena *arena,
                              const struct planner_config *config,
                              const struct planner_setup *setup, struct diag *d)
{
    enum status s = ST_OK;

    *core =
        (struct planner_core){.config = config, .prefill = setup->prefill, .decode = setup->decode};
    if (!planner_mode_find(config->mode, &core->mode))
        return diag_fail(d, ST_INPUT, "unknown planner mode '%s'", config->mode);
    for (int side = 0; side < N_SIDES; side++) {
        core->gpus[side] = setup->gpus[side];
        core->no_gauges[side] = setup->no_gauges[side];
        core->correction[side] = 1;
        core->floor[side] = 1;
        if (s == ST_OK && config->enable_throughput_scaling &&
            planner_mode_has(core->mode, (enum planner_side)side))
            s = forecaster_init(&core->forecasters[side], config, d);
    }
    if (s == ST_OK && config->enable_load_scaling)
        s = init_load(core, arena, d);
    return s;
}

void planner_core_release(struct planner_core *core)
{
    for (int side = 0; side < N_SIDES; side++) {
        if (core->forecasters[side].n_requests.ops)
            forecaster_release(&core->forecasters[side]);
        load_metrics_release(&core->metrics[side]);
    }
    gauge_buffer_release(&core->pages);
}

enum status planner_core_feed(struct planner_core *core, double n_requests, double isl_tok,
                              double osl_tok, struct diag *d)
{
    bool skip_lengths = has_fix(core, FIX_IDLE_LENGTHS) && !(n_requests > 0);

    for (int side = 0; side < N_SIDES; side++) {
        struct forecaster *f = &core->forecasters[side];
        if (!f->n_requests.ops)
            continue;
        enum status s = predictor_observe(&f->n_requests, n_requests);
        if (s == ST_OK && !skip_lengths)
            s = predictor_observe(&f->isl_tok, isl_tok);
        if (s == ST_OK && !skip_lengths)
            s = predictor_observe(&f->osl_tok, osl_tok);
        if (s)
            return diag_nomem(d, "a forecast");
    }
    return ST_OK;
}

void planner_core_reset_idle(struct planner_core *core)
{
    for (int side = 0; side < N_SIDES; side++) {
        struct forecaster *f = &core->forecasters[side];
        if (!f->n_requests.ops)
            continue;
        predictor_reset_idle(&f->n_requests);
        predictor_reset_idle(&f->isl_tok);
        predictor_reset_idle(&f->osl_tok);
    }
}

bool planner_core_forecast(struct planner_core *core, enum planner_side side,
                           struct traffic_forecast *next)
{
    struct forecaster *f = &core->forecasters[side];

    return predictor_predict(&f->n_requests, &next->n_requests) &&
           predictor_predict(&f->isl_tok, &next->isl_tok) &&
           predictor_predict(&f->osl_tok, &next->osl_tok);
}

struct replica_rule planner_core_rule(const struct planner_core *core, enum planner_side side)
{
    const struct planner_config *c = core->config;

    return (struct replica_rule){.interval_s = (double)c->throughput_adjustment_interval_s,
                                 .min_endpoint = c->min_endpoint,
                                 .gpus_per_engine = core->gpus[side],
                                 .ttft_ms = c->ttft_ms,
                                 .itl_ms = c->itl_ms,
                                 .fixes = c->fixes};
}

struct gpu_budget planner_core_budget(const struct planner_core *core)
{
    const struct planner_config *c = core->config;

    return (struct gpu_budget){
        .max_gpus = c->max_gpu_budget, .min_endpoint = c->min_endpoint, .fixes = c->fixes};
}

static bool update_correction(struct planner_core *core, enum planner_side side,
                              const struct traffic_means *seen, int64_t n_decode_workers)
{
    if (core->config->no_correction)
        return true;
    if (side == SIDE_PREFILL) {
        core->correction[side] = prefill_correction(core->prefill, seen);
        return true;
    }
    if (n_decode_workers <= 0)
        return true;
    return decode_correction(core->decode, seen, n_decode_workers,
                             (double)core->config->throughput_adjustment_interval_s,
                             &core->correction[side]);
}

/* Validity and correction, the steps before a forecast is asked for. */
static struct side_plan begin_plan(struct planner_core *core, enum planner_side side,
                                   const struct traffic_means *seen, int64_t n_decode_workers)
{
    struct side_plan plan = {.state = PLAN_INVALID_TRAFFIC};

    if (traffic_is_valid(seen)) {
        bool corrected = update_correction(core, side, seen, n_decode_workers);
        plan.state = corrected ? PLAN_NO_FORECAST : PLAN_NO_CORRECTION;
    }
    plan.correction = core->correction[side];
    return plan;
}

static void finish_plan(const struct planner_core *core, enum planner_side side,
                        struct side_plan *plan)
{
    struct replica_rule rule = planner_core_rule(core, side);
    bool counted = side == SIDE_PREFILL
                       ? prefill_replicas(core->prefill, &rule, &plan->next, plan->correction,
                                          &plan->replicas, &plan->basis)
                       : decode_replicas(core->decode, &rule, &plan->next, plan->correction,
                                         &plan->replicas, &plan->basis);

    plan->has_forecast = true;
    plan->state = counted ? PLAN_READY : PLAN_NO_COUNT;
}

struct side_plan planner_core_plan(struct planner_core *core, enum planner_side side,
                                   const struct traffic_means *seen, int64_t n_decode_workers)
{
    struct side_plan plan = begin_plan(core, side, seen, n_decode_workers);

    if (plan.state == PLAN_NO_FORECAST && planner_core_forecast(core, side, &plan.next))
        finish_plan(core, side, &plan);
    return plan;
}

struct side_plan planner_core_plan_for(struct planner_core *core, enum planner_side side,
                                       const struct traffic_means *seen, int64_t n_decode_workers,
                                       const struct traffic_forecast *next)
{
    struct side_plan plan = begin_plan(core, side, seen, n_decode_workers);

    if (plan.state == PLAN_NO_FORECAST && next) {
        plan.next = *next;
        finish_plan(core, side, &plan);
    }
    return plan;
}

/* Cuts the targets of the mode's sides to the budget. false: the budget-hold fix keeps the request
 * back. */
static bool apply_budget(const struct planner_core *core, int64_t target[N_SIDES])
{
    struct gpu_budget budget = planner_core_budget(core);
    int64_t least_gpus = 0;

    for (int side = 0; side < N_SIDES; side++) {
        if (planner_mode_has(core->mode, (enum planner_side)side))
            least_gpus += budget.min_endpoint * core->gpus[side];
    }
    if (has_fix(core, FIX_BUDGET_HOLD) && budget.max_gpus >= 0 && budget.max_gpus < least_gpus)
        return false;
    if (core->mode == MODE_DISAGG) {
        budget_joint(&budget, &target[SIDE_PREFILL], core->gpus[SIDE_PREFILL], &target[SIDE_DECODE],
                     core->gpus[SIDE_DECODE]);
        return true;
    }
    enum planner_side side = core->mode == MODE_PREFILL ? SIDE_PREFILL : SIDE_DECODE;
    target[side] = budget_component(&budget, target[side], core->gpus[side]);
    return true;
}

enum status planner_core_throughput(struct planner_core *core, const struct traffic_means *seen,
                                    const int64_t n_workers[N_SIDES],
                                    struct throughput_outcome *outcome, struct diag *d)
{
    struct throughput_outcome o = {.seen = *seen, .complete = true, .target = {-1, -1}};

    enum status s = planner_core_feed(core, seen->n_requests, seen->isl_tok, seen->osl_tok, d);
    if (s)
        return s;
    for (int side = 0; side < N_SIDES; side++) {
        o.plan[side].correction = NAN;
        if (!planner_mode_has(core->mode, (enum planner_side)side))
            continue;
        o.plan[side] =
            planner_core_plan(core, (enum planner_side)side, seen, n_workers[SIDE_DECODE]);
        o.complete &= o.plan[side].state == PLAN_READY;
        o.target[side] = o.plan[side].replicas;
    }
    o.as_floor = o.complete && core->config->enable_load_scaling;
    for (int side = 0; o.as_floor && side < N_SIDES; side++) {
        if (o.plan[side].state == PLAN_READY)
            core->floor[side] = o.plan[side].replicas;
    }
    if (o.complete && !o.as_floor) {
        o.request = apply_budget(core, o.target);
        o.held = !o.request;
    }
    *outcome = o;
    return ST_OK;
}

void planner_core_sample(struct planner_core *core, struct gauge_page *page)
{
    gauge_buffer_push(&core->pages, page, has_fix(core, FIX_STALE_METRICS));
}

/* The newest gauges into the cache and the regressions. Without any, the cache stays as it was. */
static enum status observe_side(struct planner_core *core, enum planner_side side, struct diag *d)
{
    struct load_metrics *m = &core->metrics[side];
    enum worker_type type = side == SIDE_PREFILL ? WORKER_PREFILL : WORKER_DECODE;

    if (!gauge_buffer_has(&core->pages, type)) {
        if (has_fix(core, FIX_STALE_METRICS))
            load_metrics_reset(m);
        return ST_OK;
    }
    enum status s = gauge_buffer_summarise(&core->pages, type, m, d);
    if (s)
        return s;
    if (core->mode == MODE_AGG) {
        load_observe_prefill(&core->ttft, &m->averaged);
        load_observe_decode(&core->itl, &m->averaged);
    } else if (side == SIDE_PREFILL) {
        load_observe_prefill(&core->ttft, &m->recent);
    } else {
        load_observe_decode(&core->itl, &m->recent);
    }
    return ST_OK;
}

static struct load_verdict judge_side(const struct planner_core *core, enum planner_side rule_of,
                                      enum planner_side workers_of, int64_t n_workers)
{
    const struct planner_config *c = core->config;
    struct load_rule rule = {.target_ms = rule_of == SIDE_PREFILL ? c->ttft_ms : c->itl_ms,
                             .n_workers = n_workers,
                             .sensitivity = (double)c->load_scaling_down_sensitivity / 100,
                             .unreachable_up = has_fix(core, FIX_UNREACHABLE_UP)};

    if (rule_of == SIDE_PREFILL)
        return load_judge_prefill(&core->ttft, &core->metrics[workers_of], &rule);
    return load_judge_decode(&core->itl, &core->metrics[workers_of], &rule);
}

static int64_t moved(int64_t n, enum load_wish wish)
{
    if (wish == LOAD_UP)
        return n + 1;
    return wish == LOAD_DOWN ? n - 1 : -1;
}

static void decide(const struct planner_core *core, struct load_outcome *o)
{
    if (core->mode == MODE_AGG) {
        int64_t n = o->n_workers[SIDE_DECODE];
        for (int side = 0; side < N_SIDES; side++)
            o->verdict[side] = judge_side(core, (enum planner_side)side, SIDE_DECODE, n);
        o->desired[SIDE_DECODE] =
            moved(n, load_combine(o->verdict[SIDE_PREFILL].wish, o->verdict[SIDE_DECODE].wish));
        return;
    }
    for (int side = 0; side < N_SIDES; side++) {
        enum planner_side s = (enum planner_side)side;
        if (!planner_mode_has(core->mode, s))
            continue;
        o->verdict[s] = judge_side(core, s, s, o->n_workers[s]);
        o->desired[s] = moved(o->n_workers[s], o->verdict[s].wish);
    }
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* From wishes to what is asked for. */
static void settle(const struct planner_core *core, struct load_outcome *o)
{
    bool floors = core->config->enable_throughput_scaling, change = false;
    bool keep_least = core->mode == MODE_AGG || has_fix(core, FIX_MIN_ENDPOINT_LOAD);
    int64_t final[N_SIDES] = {-1, -1};

    for (int side = 0; side < N_SIDES; side++) {
        if (!planner_mode_has(core->mode, (enum planner_side)side))
            continue;
        final[side] = o->desired[side] >= 0 ? o->desired[side] : o->n_workers[side];
        if (has_fix(core, FIX_MIN_ENDPOINT_LOAD))
            final[side] = larger(final[side], core->config->min_endpoint);
        if (floors && has_fix(core, FIX_FLOORS_ACT_ALONE))
            final[side] = larger(final[side], core->floor[side]);
        change |= final[side] != o->n_workers[side];
    }
    o->state = LOAD_NO_CHANGE;
    if (!change)
        return;
    for (int side = 0; side < N_SIDES; side++) {
        if (final[side] < 0)
            continue;
        if (keep_least)
            final[side] = larger(final[side], core->config->min_endpoint);
        if (floors)
            final[side] = larger(final[side], core->floor[side]);
        o->target[side] = final[side];
    }
    o->state = apply_budget(core, o->target) ? LOAD_REQUEST : LOAD_HELD;
}

/* What the rules make of it. */
static void judge(struct planner_core *core, bool counts_match, bool stable, struct load_outcome *o)
{
    if (!counts_match) {
        o->state = LOAD_COUNT_MISMATCH;
    } else if (!stable && has_fix(core, FIX_WAIT_STABLE)) {
        o->state = LOAD_UNSTABLE;
    } else {
        decide(core, o);
        settle(core, o);
    }
}

enum status planner_core_load(struct planner_core *core, const int64_t n_workers[N_SIDES],
                              bool stable, struct load_outcome *outcome, struct diag *d)
{
    struct load_outcome o = {.state = LOAD_NO_CHANGE, .desired = {-1, -1}, .target = {-1, -1}};
    bool counts_match = true;

    for (int side = 0; side < N_SIDES; side++) {
        o.n_workers[side] = n_workers[side];
        o.verdict[side] = (struct load_verdict){.cause = LOAD_NO_METRICS,
                                                .x_sla = NAN,
                                                .limit = NAN,
                                                .boundary = NAN,
                                                .least = NAN,
                                                .most = NAN};
        if (!planner_mode_has(core->mode, (enum planner_side)side))
            continue;
        enum status s = observe_side(core, (enum planner_side)side, d);
        if (s)
            return s;
        o.n_recent[side] = core->metrics[side].recent.n;
        counts_match &= (int64_t)o.n_recent[side] == n_workers[side];
    }
    judge(core, counts_match, stable, &o);
    *outcome = o;
    return ST_OK;
}
