/* Replicas that are needed, cut to the budget. (Dynamo planner 1.2.1, `throughput_scaling.py`.) */
#include "planner/fpm/throughput_settle.h"

void fpm_say_not_ready(const struct fpm_core *core, const struct fpm_need *need,
                       struct fpm_reasons *reasons)
{
    fpm_reasons_set(core, reasons, FPM_MODEL_NOT_READY);
    for (int side = 0; side < N_SIDES && core->mode == MODE_DISAGG; side++) {
        if (need->ready[side])
            reasons->side[side] = FPM_PARTNER_NOT_READY;
    }
}

static void clamped_settle(struct fpm_core *core, const struct fpm_need *need,
                           struct fpm_output *out)
{
    int64_t replicas[N_SIDES] = {need->replicas[SIDE_PREFILL], need->replicas[SIDE_DECODE]};

    if (!need->ready[SIDE_PREFILL] || !need->ready[SIDE_DECODE]) {
        fpm_say_not_ready(core, need, &out->throughput);
        return;
    }
    if (core->config->enable_load_scaling) {
        for (int side = 0; side < N_SIDES; side++) {
            if (replicas[side] >= 0)
                core->floor[side] = replicas[side];
        }
        fpm_reasons_set(core, &out->throughput, FPM_SET_LOWER_BOUND);
        return;
    }
    fpm_apply_budget(core, replicas);
    out->scale = true;
    out->target[SIDE_PREFILL] = replicas[SIDE_PREFILL];
    out->target[SIDE_DECODE] = replicas[SIDE_DECODE];
    fpm_reasons_set(core, &out->throughput, FPM_SCALE);
}

const struct fpm_throughput_settle fpm_throughput_clamped = {.ttft_floor = true,
                                                             .settle = clamped_settle};
const struct fpm_throughput_settle fpm_throughput_unfloored = {.settle = clamped_settle};
