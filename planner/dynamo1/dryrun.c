#include "planner/dynamo1/dryrun.h"

#include <math.h>

#include "planner/fixes.h"

enum status dryrun_init(struct dryrun *r, struct arena *arena, const struct planner_config *config,
                        const struct planner_setup *setup, struct diag *d)
{
    struct planner_setup sized = *setup;

    *r = (struct dryrun){.config = config};
    if (config->enable_load_scaling || !config->enable_throughput_scaling)
        return diag_fail(d, ST_INPUT, "a dry run has throughput scaling only");
    for (int side = 0; side < N_SIDES; side++) {
        if (sized.gpus[side] <= 0)
            sized.gpus[side] = 1;
    }
    enum status s = planner_core_init(&r->core, arena, config, &sized, d);
    if (s == ST_OK && r->core.mode == MODE_AGG)
        s = diag_fail(d, ST_INPUT, "a dry run has no mode 'agg'");
    return s;
}

void dryrun_release(struct dryrun *r)
{
    planner_core_release(&r->core);
}

static enum status feed(struct dryrun *r, const struct trace_window *w, struct diag *d)
{
    return planner_core_feed(&r->core, w->n_requests, w->isl_tok, w->osl_tok, d);
}

enum status dryrun_warm_up(struct dryrun *r, const struct trace_window *windows, size_t n,
                           struct diag *d)
{
    for (size_t i = 0; i < n; i++) {
        enum status s = feed(r, &windows[i], d);
        if (s)
            return s;
    }
    planner_core_reset_idle(&r->core);
    return ST_OK;
}

bool dryrun_replicas(const struct dryrun *r, const struct traffic_forecast *next,
                     int64_t replicas[N_SIDES])
{
    const struct planner_core *core = &r->core;
    struct gpu_budget budget = planner_core_budget(core);

    for (int side = 0; side < N_SIDES; side++) {
        enum planner_side s = (enum planner_side)side;
        struct replica_rule rule = planner_core_rule(core, s);
        replicas[s] = -1;
        if (!planner_mode_has(core->mode, s))
            continue;
        bool counted = s == SIDE_PREFILL
                           ? prefill_replicas(core->prefill, &rule, next, 1, &replicas[s], NULL)
                           : decode_replicas(core->decode, &rule, next, 1, &replicas[s], NULL);
        if (!counted)
            return false;
        if (core->mode != MODE_DISAGG)
            replicas[s] = budget_component(&budget, replicas[s], core->gpus[s]);
    }
    if (core->mode == MODE_DISAGG)
        budget_joint(&budget, &replicas[SIDE_PREFILL], core->gpus[SIDE_PREFILL],
                     &replicas[SIDE_DECODE], core->gpus[SIDE_DECODE]);
    return true;
}

static double safe_tokens(const struct planner_core *core, enum planner_side side,
                          const struct trace_window *w, int64_t replicas)
{
    struct replica_rule rule = planner_core_rule(core, side);
    double engine = (double)replicas * rule.interval_s;

    /* The profile's throughput is per GPU; the reference forgets how many an engine has. */
    if (rule.fixes & FIX_SAFE_THROUGHPUT)
        engine *= (double)rule.gpus_per_engine;
    if (side == SIDE_PREFILL) {
        if (prefill_model_ttft_ms(core->prefill, w->isl_tok) > rule.ttft_ms)
            return 0;
        return engine * prefill_model_thpt(core->prefill, w->isl_tok);
    }
    struct decode_point best;
    if (!decode_model_best(core->decode, rule.itl_ms, w->isl_tok + w->osl_tok / 2, &best) ||
        best.itl_ms > rule.itl_ms)
        return 0;
    return engine * best.thpt;
}

static void fill_row(const struct planner_core *core, const struct trace_window *w,
                     struct dryrun_row *row)
{
    row->start_s = w->start_s;
    row->n_requests = w->n_requests;
    row->isl_tok = w->isl_tok;
    row->osl_tok = w->osl_tok;
    for (int side = 0; side < N_SIDES; side++) {
        enum planner_side s = (enum planner_side)side;
        bool used = planner_mode_has(core->mode, s);
        double length = s == SIDE_PREFILL ? w->isl_tok : w->osl_tok;
        row->load_tok[s] = used ? w->n_requests * length : 0;
        row->safe_tok[s] = used ? safe_tokens(core, s, w, row->replicas[s]) : 0;
    }
}

enum status dryrun_run(struct dryrun *r, const struct trace_window *windows, size_t n,
                       const int64_t start[N_SIDES], struct dryrun_row *rows, struct diag *d)
{
    struct planner_core *core = &r->core;
    /* In disagg mode the prefill planner's forecasts are the ones shown and used. */
    enum planner_side from = core->mode == MODE_DECODE ? SIDE_DECODE : SIDE_PREFILL;

    for (size_t i = 0; i < n; i++) {
        const struct trace_window *w = &windows[i];
        struct dryrun_row *row = &rows[i];
        if (i == 0) {
            row->predicted = (struct traffic_forecast){w->n_requests, w->isl_tok, w->osl_tok};
            for (int side = 0; side < N_SIDES; side++)
                row->replicas[side] =
                    planner_mode_has(core->mode, (enum planner_side)side) ? start[side] : -1;
        } else if (!planner_core_forecast(core, from, &row->predicted)) {
            return diag_fail(d, ST_INPUT, "the %s forecast failed at interval %zu",
                             r->config->load_predictor, i);
        } else if (!dryrun_replicas(r, &row->predicted, row->replicas)) {
            return diag_fail(d, ST_INPUT, "no replica count at interval %zu", i);
        }
        fill_row(core, w, row);
        enum status s = feed(r, w, d);
        if (s)
            return s;
    }
    return ST_OK;
}
