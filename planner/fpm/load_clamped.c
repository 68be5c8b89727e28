/* Wishes of a load round, cut to the budget. (Dynamo planner 1.2.1, `load_scaling.py`.) */
#include "planner/fpm/load_settle.h"

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

enum fpm_reason fpm_direction(int64_t target, int64_t n)
{
    return target > n ? FPM_SCALE_UP : target < n ? FPM_SCALE_DOWN : FPM_NO_CHANGE;
}

int64_t fpm_floor_of(const struct fpm_core *core, enum planner_side side)
{
    return core->config->enable_throughput_scaling ? core->floor[side] : 0;
}

/* Issued also when it changes nothing. */
static void clamped_single(struct fpm_core *core, enum planner_side side,
                           const struct fpm_view *view, const struct fpm_wish *wish,
                           struct fpm_output *out)
{
    int64_t n = wish->n;
    bool alone =
        fpm_has_fix(core, FIX_FLOORS_ACT_ALONE) && fpm_floor_of(core, side) > view->n_workers;

    if (n < 0 && !alone) {
        out->load.all = wish->reason;
        return;
    }
    if (core->mode == MODE_AGG)
        n = larger(n, fpm_min_endpoint(core->config, side));
    out->target[side] = larger(n, fpm_floor_of(core, side));
    fpm_apply_budget(core, out->target);
    out->scale = true;
    out->load.all = fpm_direction(out->target[side], view->n_workers);
}

enum fpm_reason fpm_side_reason(int64_t final, int64_t floored, int64_t wanted, int64_t n)
{
    if (final <= n && floored > wanted && wanted < n)
        return FPM_CAPPED;
    return fpm_direction(final, n);
}

static void clamped_disagg(struct fpm_core *core, const struct fpm_view views[N_SIDES],
                           const struct fpm_wish wishes[N_SIDES], struct fpm_output *out)
{
    int64_t wanted[N_SIDES], floored[N_SIDES], final[N_SIDES];
    bool change = false;

    for (int side = 0; side < N_SIDES; side++) {
        wanted[side] = wishes[side].n >= 0 ? wishes[side].n : views[side].n_workers;
        floored[side] = larger(wanted[side], fpm_floor_of(core, (enum planner_side)side));
        final[side] =
            larger(floored[side], fpm_min_endpoint(core->config, (enum planner_side)side));
    }
    fpm_apply_budget(core, final);
    for (int side = 0; side < N_SIDES; side++) {
        out->load.side[side] =
            fpm_side_reason(final[side], floored[side], wanted[side], views[side].n_workers);
        if (out->load.side[side] > out->load.all)
            out->load.all = out->load.side[side];
        change |= final[side] != views[side].n_workers;
    }
    out->scale = change;
    for (int side = N_SIDES - 1; side >= 0; side--) {
        if (change)
            out->target[side] = final[side];
        else if (views[side].n_records > 0 && wishes[side].reason != FPM_NO_CHANGE)
            out->load.all = out->load.side[side] = wishes[side].reason;
    }
}

int64_t fpm_combine_agg(const struct fpm_wish *ttft, const struct fpm_wish *itl, int64_t n)
{
    int64_t prefill = ttft->refused ? n : ttft->n, decode = itl->refused ? n : itl->n;

    if (prefill > n)
        return prefill;
    if (decode > n)
        return decode;
    if (decode >= 0 && decode < n && prefill < n)
        return larger(prefill, decode);
    return n;
}

static void clamped_agg(struct fpm_core *core, const struct fpm_view *view,
                        const struct fpm_wish *ttft, const struct fpm_wish *itl,
                        struct fpm_output *out)
{
    int64_t n = view->n_workers, target[N_SIDES] = {-1, -1};

    int64_t wanted = fpm_combine_agg(ttft, itl, n);
    target[SIDE_DECODE] = larger(larger(wanted, fpm_min_endpoint(core->config, SIDE_DECODE)),
                                 fpm_floor_of(core, SIDE_DECODE));
    fpm_apply_budget(core, target);
    int64_t final = target[SIDE_DECODE];
    bool capped = final > wanted && wanted < n;
    out->load.all = final <= n && capped ? FPM_CAPPED : fpm_direction(final, n);
    if (final == n && !capped && (ttft->refused || itl->refused))
        out->load.all = FPM_REFUSED;
    out->scale = final != n;
    if (out->scale)
        out->target[SIDE_DECODE] = final;
}

const struct fpm_load_settle fpm_load_clamped = {
    .single = clamped_single, .agg = clamped_agg, .disagg = clamped_disagg};
