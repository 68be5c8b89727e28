/* Replicas that carry the forecast traffic, from what one engine carries by its model. */
#include <math.h>

#include "planner/fpm/estimates.h"
#include "planner/fpm/throughput_settle.h"
#include "planner/queueing.h"

/* Larger counts are held to this: no deployment has them. */
static const double most_replicas = 1e9;

static int64_t replicas_for(const struct fpm_core *core, enum planner_side side, double demand,
                            double rate, double least)
{
    double floor = (double)fpm_min_endpoint(core->config, side);
    double n = fmax(ceil(demand / rate), fmax(least, floor));

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

/* A prompt that takes longer than the target asks for several replicas, which do not help it. */
static double prefill_floor(const struct fpm_core *core, double ttft_ms)
{
    return ttft_ms > core->config->ttft_ms ? ceil(ttft_ms / core->config->ttft_ms) : 1;
}

/* Prompts that come while others are computed wait: less than the most is within the target. */
static void leave_room(const struct fpm_core *core, struct engine_rate *rate)
{
    rate->requests_per_s *= queue_utilization(rate->ttft_ms, core->config->ttft_ms);
}

/* What each side of the mode needs. */
static struct fpm_need plan(struct fpm_core *core, double demand, struct fpm_output *out)
{
    struct fpm_need need = {.replicas = {-1, -1}, .ready = {true, true}};

    for (int i = 0; i < N_SIDES; i++) {
        enum planner_side side = (enum planner_side)i;
        if (!planner_mode_has(core->mode, side))
            continue;
        struct engine_rate rate = core->rules->estimates->rate(
            core, side, out->predicted[SERIES_ISL], out->predicted[SERIES_OSL]);
        need.ready[side] = rate.requests_per_s > 0;
        if (!need.ready[side])
            continue;
        if (side == SIDE_PREFILL && fpm_has_fix(core, FIX_TTFT_TARGET))
            leave_room(core, &rate);
        out->requests_per_s[side] = rate.requests_per_s;
        bool floored = core->rules->throughput->ttft_floor && side == SIDE_PREFILL;
        double least = floored ? prefill_floor(core, rate.ttft_ms) : -INFINITY;
        need.replicas[side] = replicas_for(core, side, demand, rate.requests_per_s, least);
    }
    if (core->mode == MODE_AGG)
        out->requests_per_s[SIDE_PREFILL] = out->requests_per_s[SIDE_DECODE];
    return need;
}

enum status fpm_throughput_rule(struct fpm_core *core, const struct fpm_traffic *traffic,
                                struct fpm_output *out)
{
    double hit_rate;

    if (!forecast(core, out)) {
        out->throughput.all = FPM_PREDICT_FAILED;
        return ST_OK;
    }
    if (core->rules->last_values)
        out->predicted[SERIES_HIT_RATE] = core->hit_rate;
    if (!(traffic->duration_s > 0)) {
        out->throughput.all = FPM_NO_TRAFFIC;
        return ST_OK;
    }
    if (!core->rules->last_values && predictor_predict(&core->series[SERIES_HIT_RATE], &hit_rate) &&
        !isnan(hit_rate)) {
        core->hit_rate = hit_rate;
        out->predicted[SERIES_HIT_RATE] = hit_rate;
    }
    struct fpm_need need = plan(core, out->predicted[SERIES_REQUESTS] / traffic->duration_s, out);
    core->rules->throughput->settle(core, &need, out);
    return ST_OK;
}
