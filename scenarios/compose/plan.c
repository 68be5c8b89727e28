#include "scenarios/compose/plan.h"

#include <string.h>

#include "planner/fixes.h"
#include "scenarios/compose/build_internal.h"
#include "scenarios/keys/overheads.h"
#include "util/bug.h"

const char *const plan_series_names[N_PLAN_SERIES] = {
    [PLAN_REQUESTS] = "n_requests", [PLAN_ISL] = "isl_tok", [PLAN_OSL] = "osl_tok"};

double plan_observed(const struct dryrun_row *row, enum plan_series series)
{
    const double value[N_PLAN_SERIES] = {row->n_requests, row->isl_tok, row->osl_tok};

    return value[series];
}

double plan_predicted(const struct dryrun_row *row, enum plan_series series)
{
    const struct traffic_forecast *f = &row->predicted;
    const double value[N_PLAN_SERIES] = {f->n_requests, f->isl_tok, f->osl_tok};

    return value[series];
}

struct planning {
    struct plan *plan;
    const struct scenario *scenario;
    const struct planner_config *config; /* NULL = of another policy */
    struct arena *arena;
    struct run_resources *resources;
    struct diag *d;
    enum planner_mode mode;
    struct trace_windows windows, warm_up;
    struct planner_setup setup;
    int64_t start[N_SIDES];
    struct engine_settings engines[N_SIDES];
    struct checked checked;
};

static const enum pool_role role_of[N_SIDES] = {
    [SIDE_PREFILL] = POOL_PREFILL, [SIDE_DECODE] = POOL_DECODE};

static enum status check_policy(struct planning *p)
{
    const struct scenario *sc = p->scenario;
    const struct planner_config *c = p->config;

    if (!c && scenario_policy(sc)->terms)
        return diag_fail_at(p->d, ST_INPUT, scenario_at(sc, "policy.generation"),
                            "policy.generation is %s, whose plans need the forward passes of a "
                            "run; a dry run needs 1.0.2",
                            sc->policy.generation);
    if (!c)
        return diag_fail_at(p->d, ST_INPUT, scenario_at(sc, "policy.type"),
                            "policy.type is '%s'; a dry run needs the planner "
                            "(--set policy.type=planner)",
                            sc->policy.type);
    BUG_IF(!planner_mode_find(c->mode, &p->mode));
    if (p->mode == MODE_AGG || !c->enable_throughput_scaling)
        return diag_fail_at(p->d, ST_INPUT, scenario_at(sc, "policy"),
                            "the policy scales by the load of its workers alone; a dry run has no "
                            "workers and needs throughput scaling");
    if (c->enable_load_scaling)
        return diag_fail_at(p->d, ST_INPUT, scenario_at(sc, "policy.enable_load_scaling"),
                            "load scaling is on; a dry run has no workers whose load could be read "
                            "(--set policy.enable_load_scaling=false)");
    return ST_OK;
}

static enum status load_side(struct planning *p, enum planner_side side)
{
    const struct planner_config *c = p->config;
    const struct pool_settings *pool = &p->scenario->pools[role_of[side]];
    struct shared *shared = run_resources_shared(p->resources);
    const struct profile *profile;

    if (!pool->present)
        return diag_fail_at(p->d, ST_INPUT, scenario_at(p->scenario, "policy"),
                            "planner mode '%s' needs a pool '%s'", c->mode,
                            pool_role_names[role_of[side]]);
    enum status s = scenario_load_profile(p->scenario, role_of[side], p->resources, &profile, p->d);
    if (!s)
        s = scenario_worker_gpus(&p->plan->gpus[side], p->scenario, role_of[side], profile, p->d);
    if (s)
        return s;
    struct checked *checked = &p->checked;
    struct engine_settings *engine = &p->engines[side];
    const char *overheads;
    *engine = pool->engine;
    s = overheads_resolve(engine, &overheads, p->arena, shared, p->scenario, role_of[side], profile,
                          p->d);
    if (s)
        return s;
    checked->engines[checked->n_pools] = engine;
    checked->roles[checked->n_pools] = role_of[side];
    checked->profiles[checked->n_pools] = profile;
    checked->gpus_per_worker[checked->n_pools++] = p->plan->gpus[side];
    p->start[side] = pool->replicas;
    p->setup.gpus[side] = p->plan->gpus[side];
    p->plan->has_side[side] = true;
    return side == SIDE_PREFILL
               ? prefill_model_shared(&p->setup.prefill, shared, p->arena, profile, p->d)
               : decode_model_shared(&p->setup.decode, shared, p->arena, profile,
                                     (c->fixes & FIX_NEGATIVE_CELLS) != 0, p->d);
}

static enum status finish_windows(struct planning *p, struct trace_windows *windows,
                                  const struct request_source *source)
{
    bool keep_empty = (p->config->fixes & FIX_EMPTY_WINDOWS) != 0;

    trace_windows_init(windows, p->config->throughput_adjustment_interval_s);
    enum status s = trace_windows_read(windows, source, p->d);
    return s ? s : trace_windows_finish(windows, keep_empty, p->d);
}

static enum status read_windows(struct planning *p)
{
    const struct trace_options plain = {.speedup = 1, .block_size_tok = 512, .sort = true};
    const char *warm_up = p->config->load_predictor_warmup_trace;
    struct scenario_requests requests;
    struct trace_reader *reader;

    if (p->scenario->traffic.clients)
        return diag_fail_at(p->d, ST_INPUT, scenario_at(p->scenario, "traffic.clients"),
                            "traffic.clients: a dry run knows no answers to wait for; expected "
                            "trace.path");
    enum status s = scenario_requests_open(&requests, p->scenario, p->resources, false, p->d);
    if (s)
        return s;
    s = finish_windows(p, &p->windows, &requests.source);
    scenario_requests_close(&requests);
    if (s || !warm_up)
        return s;
    s = trace_open(&reader, warm_up, &plain, p->d);
    if (s)
        return s;
    const struct request_source source = trace_reader_source(reader);
    s = finish_windows(p, &p->warm_up, &source);
    trace_close(reader);
    return s;
}

static enum status check_traffic(struct planning *p)
{
    const struct trace_windows *w = &p->windows;
    struct traffic_seen traffic = {w->n_requests, (w->last_ms - w->first_ms) / 1e3};

    return scenario_check_traffic(&p->checked, &traffic, p->d);
}

static enum status measure_errors(struct planning *p, struct predictor_plan *plan)
{
    size_t n = p->plan->n_rows > 0 ? p->plan->n_rows - 1 : 0;
    double *observed = ARENA_NEW(p->arena, n, double), *predicted = ARENA_NEW(p->arena, n, double);

    if (!observed || !predicted)
        return diag_nomem(p->d, "forecasts");
    for (int k = 0; k < N_PLAN_SERIES; k++) {
        enum plan_series series = (enum plan_series)k;
        for (size_t i = 0; i < n; i++) {
            observed[i] = plan_observed(&plan->rows[i + 1], series);
            predicted[i] = plan_predicted(&plan->rows[i + 1], series);
        }
        plan->error[k] = forecast_error_of(observed, predicted, n);
    }
    return ST_OK;
}

static void weigh(struct planning *p, const struct dryrun *run, struct predictor_plan *plan)
{
    for (size_t i = 0; i < p->plan->n_rows; i++) {
        const struct dryrun_row *row = &plan->rows[i];
        const struct traffic_forecast known = {row->n_requests, row->isl_tok, row->osl_tok};
        int64_t needed[N_SIDES];
        bool judged = i > 0 && dryrun_replicas(run, &known, needed), is_short = false;
        for (int side = 0; side < N_SIDES; side++) {
            if (!p->plan->has_side[side])
                continue;
            plan->gpu_hours += (double)(row->replicas[side] * p->plan->gpus[side]) *
                               (double)p->plan->interval_s / 3600;
            is_short |= judged && row->replicas[side] < needed[side];
        }
        plan->n_short += is_short;
    }
}

static enum status plan_with(struct planning *p, const char *predictor, struct predictor_plan *plan)
{
    struct planner_config config = *p->config;
    struct dryrun_row *rows = ARENA_NEW(p->arena, p->windows.n, struct dryrun_row);
    struct dryrun run;

    if (!rows)
        return diag_nomem(p->d, "plan");
    config.load_predictor = predictor;
    *plan = (struct predictor_plan){.predictor = predictor, .rows = rows};
    enum status s = dryrun_init(&run, p->arena, &config, &p->setup, p->d);
    if (!s && p->warm_up.n > 0)
        s = dryrun_warm_up(&run, p->warm_up.rows, p->warm_up.n, p->d);
    if (!s)
        s = dryrun_run(&run, p->windows.rows, p->windows.n, p->start, rows, p->d);
    if (!s)
        weigh(p, &run, plan);
    dryrun_release(&run);
    return s ? s : measure_errors(p, plan);
}

static enum status plan_all(struct planning *p, bool all_predictors)
{
    size_t n = 1;

    while (all_predictors && predictors[n])
        n++;
    struct predictor_plan *plans = ARENA_NEW(p->arena, n, struct predictor_plan);
    enum status s = plans ? ST_OK : diag_nomem(p->d, "plan");
    for (size_t i = 0; i < n && !s; i++)
        s = plan_with(p, all_predictors ? predictors[i]->name : p->config->load_predictor,
                      &plans[i]);
    p->plan->n = n;
    p->plan->plans = plans;
    return s;
}

enum status scenario_plan(struct plan *plan, const struct scenario *scenario, struct arena *arena,
                          struct run_resources *resources, bool all_predictors, struct diag *d)
{
    struct planning p = {
        .plan = plan, .scenario = scenario, .arena = arena, .resources = resources, .d = d};

    p.checked = (struct checked){
        .scenario = scenario, .dry_run = true, .notes = &plan->notes, .arena = arena};
    p.config = scenario_planner(scenario);
    *plan = (struct plan){.n = 0};
    enum status s = check_policy(&p);
    if (s)
        return s;
    plan->interval_s = p.config->throughput_adjustment_interval_s;
    for (int side = 0; side < N_SIDES && !s; side++) {
        if (planner_mode_has(p.mode, (enum planner_side)side))
            s = load_side(&p, (enum planner_side)side);
    }
    if (!s)
        s = scenario_check(&p.checked, d);
    if (!s)
        s = read_windows(&p);
    if (!s)
        s = check_traffic(&p);
    plan->n_rows = p.windows.n;
    if (!s)
        s = plan_all(&p, all_predictors);
    trace_windows_release(&p.windows);
    trace_windows_release(&p.warm_up);
    return s;
}
