/* Wishes of a load round under budgets that hold. (Dynamo planner 1.6.1, `load_scaling.py`.) */
#include "planner/fpm/guarded.h"
#include "planner/fpm/load_settle.h"

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* What a wish said for itself; nothing when there is one. */
static enum fpm_reason own_reason(const struct fpm_wish *wish)
{
    return wish->n >= 0 ? FPM_NO_REASON : wish->reason;
}

/* Issued, but while workers start only to take them back. */
static void issue(const struct fpm_core *core, enum planner_side side, int64_t target,
                  struct fpm_output *out)
{
    if (fpm_any_pending(core))
        target = fpm_startup_reduction(core, side, target);
    out->scale = target >= 0;
    out->target[side] = target;
}

static void guarded_single(struct fpm_core *core, enum planner_side side,
                           const struct fpm_view *view, const struct fpm_wish *wish,
                           struct fpm_output *out)
{
    bool agg = core->mode == MODE_AGG, unchanged = wish->n < 0;
    int64_t n = view->n_workers, least = fpm_min_endpoint(core->config, side);
    int64_t target = unchanged ? n : wish->n;

    if (unchanged && agg) {
        out->load.all = wish->reason;
        return;
    }
    if (fpm_any_pending(core) && target > n)
        return;
    int64_t wanted = agg ? target : larger(target, least);
    target = larger(larger(target, least), fpm_floor_of(core, side));
    enum fpm_reason budget = fpm_guard_single(core, side, &target);
    if (unchanged && target == n) {
        out->load.all = budget != FPM_NO_REASON ? budget : wish->reason;
        return;
    }
    out->load.all = fpm_direction(target, n);
    if (target < n + core->pending[side])
        out->load.all = target > wanted ? FPM_CAPPED : FPM_SCALE_DOWN;
    if (budget != FPM_NO_REASON)
        out->load.all = budget;
    issue(core, side, target, out);
}

/* Both expected latencies say that no more workers are needed than are ready. */
static bool may_cancel(const struct fpm_core *core, const struct fpm_wish *ttft,
                       const struct fpm_wish *itl, int64_t n)
{
    if (ttft->refused || itl->refused || core->pending[SIDE_DECODE] <= 0)
        return false;
    return ttft->n >= 0 && ttft->n <= n && itl->n >= 0 && itl->n <= n;
}

static void guarded_agg(struct fpm_core *core, const struct fpm_view *view,
                        const struct fpm_wish *ttft, const struct fpm_wish *itl,
                        struct fpm_output *out)
{
    int64_t n = view->n_workers, wanted = fpm_combine_agg(ttft, itl, n);
    int64_t target = larger(wanted, fpm_min_endpoint(core->config, SIDE_DECODE));

    if (fpm_any_pending(core) && wanted > n) {
        out->load.all = own_reason(itl) != FPM_NO_REASON ? own_reason(itl) : own_reason(ttft);
        return;
    }
    target = larger(target, fpm_floor_of(core, SIDE_DECODE));
    enum fpm_reason budget = fpm_guard_single(core, SIDE_DECODE, &target);
    bool capped = target > wanted && wanted < n;
    bool hold = target == n && !may_cancel(core, ttft, itl, n);
    if (budget != FPM_NO_REASON)
        out->load.all = budget;
    else if (hold && !capped)
        out->load.all = ttft->refused || itl->refused ? FPM_REFUSED : FPM_NO_CHANGE;
    else if (hold || target < n + core->pending[SIDE_DECODE])
        out->load.all = capped ? FPM_CAPPED : FPM_SCALE_DOWN;
    else
        out->load.all = FPM_SCALE_UP;
    if (!hold)
        issue(core, SIDE_DECODE, target, out);
}

/* Nothing changes: what the wishes said for themselves is told. */
static void tell_wishes(const enum fpm_reason own[N_SIDES], enum fpm_reason budget,
                        struct fpm_output *out)
{
    for (int side = N_SIDES - 1; side >= 0; side--) {
        if (own[side] == FPM_NO_REASON || own[side] == FPM_NO_CHANGE)
            continue;
        out->load.side[side] = own[side];
        if (budget == FPM_NO_REASON)
            out->load.all = own[side];
    }
}

static void startup_disagg(struct fpm_core *core, const bool wishes[N_SIDES],
                           const enum fpm_reason own[N_SIDES], const struct fpm_view views[N_SIDES],
                           int64_t target[N_SIDES], struct fpm_output *out)
{
    for (int side = 0; side < N_SIDES; side++)
        target[side] = wishes[side] ? target[side] : -1;
    out->load.all = own[views[SIDE_DECODE].n_records > 0 ? SIDE_DECODE : SIDE_PREFILL];
    out->scale = fpm_startup_pair(core, target);
    if (!out->scale)
        return;
    out->load.all = FPM_SCALE_DOWN;
    out->target[SIDE_PREFILL] = target[SIDE_PREFILL];
    out->target[SIDE_DECODE] = target[SIDE_DECODE];
}

static void guarded_disagg(struct fpm_core *core, const struct fpm_view views[N_SIDES],
                           const struct fpm_wish wishes[N_SIDES], struct fpm_output *out)
{
    int64_t wanted[N_SIDES], floored[N_SIDES], final[N_SIDES];
    enum fpm_reason own[N_SIDES], budget;
    bool wish[N_SIDES], lifted = false, change = false;

    for (int side = 0; side < N_SIDES; side++) {
        int64_t n = views[side].n_workers;
        bool seen = views[side].n_records > 0;
        own[side] = seen ? own_reason(&wishes[side]) : FPM_NO_REASON;
        wish[side] = seen && wishes[side].n >= 0;
        if (fpm_any_pending(core) && wishes[side].n > n)
            wish[side] = false;
        wanted[side] = wish[side] ? wishes[side].n : n;
        floored[side] = larger(wanted[side], fpm_floor_of(core, (enum planner_side)side));
        final[side] =
            larger(floored[side], fpm_min_endpoint(core->config, (enum planner_side)side));
        lifted |= floored[side] > wanted[side];
    }
    if (fpm_any_pending(core)) {
        startup_disagg(core, wish, own, views, final, out);
        return;
    }
    if (lifted)
        fpm_guard_pair_ceiling(core, final);
    budget = fpm_guard_pair(core, final);
    for (int side = 0; side < N_SIDES; side++) {
        int64_t n = views[side].n_workers;
        out->load.side[side] = fpm_side_reason(final[side], floored[side], wanted[side], n);
        if (out->load.side[side] > out->load.all)
            out->load.all = out->load.side[side];
        change |= final[side] != n;
    }
    if (budget != FPM_NO_REASON)
        out->load.all = budget;
    out->scale = change;
    if (!change) {
        tell_wishes(own, budget, out);
        return;
    }
    out->target[SIDE_PREFILL] = final[SIDE_PREFILL];
    out->target[SIDE_DECODE] = final[SIDE_DECODE];
}

const struct fpm_load_settle fpm_load_guarded = {
    .single = guarded_single, .agg = guarded_agg, .disagg = guarded_disagg};
