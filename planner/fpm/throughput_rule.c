/* Replicas that carry the forecast traffic, from what one engine carries by its model. */
#include <math.h>

#include "planner/fpm/engine_rate.h"
#include "planner/fpm/fpm_core.h"

/* Larger counts are held to this: no deployment has them. */
static const double most_replicas = 1e9;

static int64_t replicas_for(const struct fpm_core *core, double demand, double rate, double least)
{
    double n = fmax(ceil(demand / rate), fmax(least, (double)core->config->min_endpoint));

    return (int64_t)fmin(n, most_replicas);
}

static bool forecast(struct fpm_core *core, struct fpm_output *out)
{
    for (int i = 0; i < SERIES_HIT_RATE; i++) {
        if (!predictor_predict(&core->series[i], &out->predicted[i]))
            return false;
    }
    return true;
}

/* What one engine of a side carries; rate 0: its model cannot tell. */
static struct engine_rate side_rate(struct fpm_core *core, enum planner_side side, double isl_tok,
                                    double osl_tok)
{
    const struct fpm_config *c = core->config;
    const struct fpm_limits *limits = &core->limits[side];
    struct iteration_model *m = &core->models[side];

    if (core->mode == MODE_AGG)
        return agg_rate(m, isl_tok, osl_tok, c->ttft_ms, c->itl_ms, core->hit_rate, limits);
    if (side == SIDE_DECODE)
        return decode_rate(m, c->itl_ms, isl_tok + osl_tok / 2, osl_tok, limits);
    return prefill_rate(m, isl_tok * uncached_share(core->hit_rate), limits->max_batched_tok);
}

/* A prompt that takes longer than the target asks for several replicas, which do not help it. */
static double prefill_floor(const struct fpm_core *core, double ttft_ms)
{
    return ttft_ms > core->config->ttft_ms ? ceil(ttft_ms / core->config->ttft_ms) : 1;
}

static void say_not_ready(struct fpm_core *core, const bool ready[N_SIDES],
                          struct fpm_reasons *reasons)
{
    fpm_reasons_set(core, reasons, FPM_MODEL_NOT_READY);
    for (int side = 0; side < N_SIDES && core->mode == MODE_DISAGG; side++) {
        if (ready[side])
            reasons->side[side] = FPM_PARTNER_NOT_READY;
    }
}

/* Replicas of each side of the mode. false: a model is not ready. */
static bool plan(struct fpm_core *core, double demand, struct fpm_output *out,
                 int64_t replicas[N_SIDES])
{
    bool ready[N_SIDES] = {true, true};

    for (int side = 0; side < N_SIDES; side++) {
        if (!planner_mode_has(core->mode, (enum planner_side)side))
            continue;
        struct engine_rate rate = side_rate(core, (enum planner_side)side,
                                            out->predicted[SERIES_ISL], out->predicted[SERIES_OSL]);
        ready[side] = rate.requests_per_s > 0;
        if (!ready[side])
            continue;
        out->requests_per_s[side] = rate.requests_per_s;
        double least = side == SIDE_PREFILL ? prefill_floor(core, rate.ttft_ms) : -INFINITY;
        replicas[side] = replicas_for(core, demand, rate.requests_per_s, least);
    }
    if (core->mode == MODE_AGG)
        out->requests_per_s[SIDE_PREFILL] = out->requests_per_s[SIDE_DECODE];
    if (ready[SIDE_PREFILL] && ready[SIDE_DECODE])
        return true;
    say_not_ready(core, ready, &out->throughput);
    return false;
}

enum status fpm_throughput_rule(struct fpm_core *core, const struct fpm_traffic *traffic,
                                struct fpm_output *out)
{
    int64_t replicas[N_SIDES] = {-1, -1};
    double hit_rate;

    if (!forecast(core, out)) {
        out->throughput.all = FPM_PREDICT_FAILED;
        return ST_OK;
    }
    if (!(traffic->duration_s > 0)) {
        out->throughput.all = FPM_NO_TRAFFIC;
        return ST_OK;
    }
    if (predictor_predict(&core->series[SERIES_HIT_RATE], &hit_rate) && !isnan(hit_rate)) {
        core->hit_rate = hit_rate;
        out->predicted[SERIES_HIT_RATE] = hit_rate;
    }
    if (!plan(core, out->predicted[SERIES_REQUESTS] / traffic->duration_s, out, replicas))
        return ST_OK;
    if (core->config->enable_load_scaling) {
        for (int side = 0; side < N_SIDES; side++) {
            if (replicas[side] >= 0)
                core->floor[side] = replicas[side];
        }
        fpm_reasons_set(core, &out->throughput, FPM_SET_LOWER_BOUND);
        return ST_OK;
    }
    fpm_apply_budget(core, replicas);
    out->scale = true;
    out->target[SIDE_PREFILL] = replicas[SIDE_PREFILL];
    out->target[SIDE_DECODE] = replicas[SIDE_DECODE];
    fpm_reasons_set(core, &out->throughput, FPM_SCALE);
    return ST_OK;
}
