/* Replicas that are needed, in bounded steps and under budgets that hold. A model that cannot tell
 * holds the count there is. (Dynamo planner 1.6.1, `throughput_scaling.py`.) */
#include "planner/fpm/guarded.h"
#include "planner/fpm/throughput_settle.h"

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* What a side is to be: in one step of a bounded size, but at its floor at once. */
static int64_t bounded(const struct fpm_core *core, enum planner_side side, bool ready,
                       int64_t replicas)
{
    int64_t n = fpm_ready(core, side), step = core->config->max_throughput_scaling_replicas;
    int64_t target = ready ? replicas : n;

    target = smaller(larger(target, larger(0, n - step)), n + step);
    return larger(target, fpm_min_endpoint(core->config, side));
}

static enum fpm_reason first_reason(enum fpm_reason a, enum fpm_reason b, enum fpm_reason otherwise)
{
    return a != FPM_NO_REASON ? a : b != FPM_NO_REASON ? b : otherwise;
}

static void settle_single(struct fpm_core *core, const struct fpm_need *need,
                          struct fpm_output *out)
{
    enum planner_side side = fpm_single_side(core);
    bool ready = need->ready[side];
    int64_t n = fpm_ready(core, side);
    int64_t asked = bounded(core, side, ready, need->replicas[side]), target = asked;
    enum fpm_reason ceiling = fpm_guard_ceiling(core, side, &target);
    enum fpm_reason *reason = &out->throughput.all;

    if (core->config->enable_load_scaling) {
        core->floor[side] = target;
        *reason = !ready                      ? FPM_MODEL_NOT_READY
                  : ceiling == FPM_GUARD_HOLD ? FPM_GUARD_HOLD
                                              : FPM_SET_LOWER_BOUND;
        return;
    }
    if (fpm_any_pending(core) && (!ready || asked > n)) {
        *reason = ready ? FPM_NO_REASON : FPM_MODEL_NOT_READY;
        return;
    }
    enum fpm_reason budget = fpm_guard_single(core, side, &target);
    out->scale = target != n || core->pending[side] > 0;
    *reason = out->scale ? FPM_SCALE : first_reason(budget, ceiling, FPM_NO_CHANGE);
    if (!ready)
        *reason = FPM_MODEL_NOT_READY;
    if (out->scale)
        out->target[side] = target;
}

static void issue_pair(struct fpm_output *out, const int64_t target[N_SIDES])
{
    out->scale = true;
    out->target[SIDE_PREFILL] = target[SIDE_PREFILL];
    out->target[SIDE_DECODE] = target[SIDE_DECODE];
}

static void startup_pair(struct fpm_core *core, bool ready, int64_t target[N_SIDES],
                         struct fpm_output *out)
{
    if (!ready) {
        out->throughput.all = FPM_MODEL_NOT_READY;
    } else if (fpm_startup_pair(core, target)) {
        issue_pair(out, target);
        out->throughput.all = FPM_SCALE;
    }
}

static bool as_it_is(const struct fpm_core *core, const int64_t target[N_SIDES])
{
    return target[SIDE_PREFILL] == fpm_ready(core, SIDE_PREFILL) &&
           target[SIDE_DECODE] == fpm_ready(core, SIDE_DECODE);
}

static void settle_pair(struct fpm_core *core, const struct fpm_need *need, struct fpm_output *out)
{
    bool ready = need->ready[SIDE_PREFILL] && need->ready[SIDE_DECODE];
    int64_t target[N_SIDES];

    if (!ready)
        fpm_say_not_ready(core, need, &out->throughput);
    for (int side = 0; side < N_SIDES; side++)
        target[side] = bounded(core, (enum planner_side)side, ready, need->replicas[side]);
    if (fpm_any_pending(core) && !core->config->enable_load_scaling) {
        startup_pair(core, ready, target, out);
        return;
    }
    bool asks = !as_it_is(core, target);
    fpm_guard_pair_ceiling(core, target);
    enum fpm_reason held = asks && as_it_is(core, target) ? FPM_GUARD_HOLD : FPM_NO_REASON;
    if (core->config->enable_load_scaling) {
        core->floor[SIDE_PREFILL] = target[SIDE_PREFILL];
        core->floor[SIDE_DECODE] = target[SIDE_DECODE];
        if (ready)
            fpm_reasons_set(core, &out->throughput,
                            first_reason(held, FPM_NO_REASON, FPM_SET_LOWER_BOUND));
        return;
    }
    enum fpm_reason budget = fpm_guard_pair(core, target);
    bool change = !as_it_is(core, target);
    if (ready)
        fpm_reasons_set(core, &out->throughput,
                        change ? FPM_SCALE : first_reason(budget, held, FPM_NO_CHANGE));
    if (change)
        issue_pair(out, target);
}

static void guarded_settle(struct fpm_core *core, const struct fpm_need *need,
                           struct fpm_output *out)
{
    if (core->mode == MODE_DISAGG)
        settle_pair(core, need, out);
    else
        settle_single(core, need, out);
}

const struct fpm_throughput_settle fpm_throughput_guarded = {.settle = guarded_settle};
