/* One load round: may it decide at all, what does each side wish, and what becomes of it. */
#include <math.h>

#include "planner/fpm/fpm_core.h"
#include "planner/fpm/load_wish.h"

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* ---- Gates ---- */

/* Do the records come from as many workers as are ready, and from as many ranks of each? */
static bool counts_match(const struct fpm_view *view)
{
    int64_t n_workers = 0;
    size_t n_ranks_of_first = 0;

    for (size_t i = 0; i < view->n_records; i++) {
        size_t n_ranks = 0;
        bool first = true;
        for (size_t j = 0; j < view->n_records; j++) {
            if (view->records[j].worker_id != view->records[i].worker_id)
                continue;
            n_ranks++;
            first &= j >= i;
        }
        if (n_ranks_of_first == 0)
            n_ranks_of_first = n_ranks;
        if (n_ranks != n_ranks_of_first)
            return false;
        n_workers += first;
    }
    return n_workers == view->n_workers;
}

/* FPM_NO_REASON: go on. */
static enum fpm_reason disagg_gate(const struct fpm_core *core,
                                   const struct fpm_view views[N_SIDES])
{
    if (views[SIDE_PREFILL].n_records == 0 && views[SIDE_DECODE].n_records == 0)
        return FPM_NO_FPM_DATA;
    /* The older generation does not look here. */
    if (core->disagg_waits && (core->in_progress[SIDE_PREFILL] || core->in_progress[SIDE_DECODE]))
        return FPM_IN_PROGRESS;
    for (int side = 0; side < N_SIDES; side++) {
        if (views[side].n_records > 0 && !counts_match(&views[side]))
            return FPM_COUNT_MISMATCH;
    }
    return FPM_NO_REASON;
}

static enum fpm_reason single_gate(const struct fpm_core *core, enum planner_side side,
                                   const struct fpm_view *view)
{
    bool empty = view->n_records == 0;

    if (core->mode == MODE_AGG && empty)
        return FPM_NO_FPM_DATA;
    if (core->in_progress[side])
        return FPM_IN_PROGRESS;
    if (empty)
        return FPM_NO_FPM_DATA;
    return counts_match(view) ? FPM_NO_REASON : FPM_COUNT_MISMATCH;
}

/* ---- From wishes to targets ---- */

static enum fpm_reason direction(int64_t target, int64_t n)
{
    return target > n ? FPM_SCALE_UP : target < n ? FPM_SCALE_DOWN : FPM_NO_CHANGE;
}

static int64_t floor_of(const struct fpm_core *core, enum planner_side side)
{
    return core->config->enable_throughput_scaling ? core->floor[side] : 0;
}

static struct fpm_wish side_wish(struct fpm_core *core, enum planner_side side,
                                 const struct fpm_view *view, struct fpm_output *out)
{
    if (core->target != TARGET_SLA)
        return fpm_wish_static(core, side, view);
    return side == SIDE_PREFILL ? fpm_wish_ttft(core, view, out) : fpm_wish_itl(core, view, out);
}

/* A wish of one side alone, whatever made it; the decision is issued also when it changes nothing.
 */
static void settle_single(struct fpm_core *core, enum planner_side side, int64_t n, int64_t wish,
                          struct fpm_output *out)
{
    out->target[side] = larger(wish, floor_of(core, side));
    fpm_apply_budget(core, out->target);
    out->scale = true;
    out->load.all = direction(out->target[side], n);
}

static enum fpm_reason disagg_reason(int64_t final, int64_t floored, int64_t wanted, int64_t n)
{
    if (final <= n && floored > wanted && wanted < n)
        return FPM_CAPPED;
    return direction(final, n);
}

static void settle_disagg(struct fpm_core *core, const struct fpm_wish wishes[N_SIDES],
                          const struct fpm_view views[N_SIDES], struct fpm_output *out)
{
    int64_t wanted[N_SIDES], floored[N_SIDES], final[N_SIDES];
    bool change = false;

    for (int side = 0; side < N_SIDES; side++) {
        wanted[side] = wishes[side].n >= 0 ? wishes[side].n : views[side].n_workers;
        floored[side] = larger(wanted[side], floor_of(core, (enum planner_side)side));
        final[side] = larger(floored[side], core->config->min_endpoint);
    }
    fpm_apply_budget(core, final);
    for (int side = 0; side < N_SIDES; side++) {
        out->load.side[side] =
            disagg_reason(final[side], floored[side], wanted[side], views[side].n_workers);
        if (out->load.side[side] > out->load.all)
            out->load.all = out->load.side[side];
        change |= final[side] != views[side].n_workers;
    }
    out->scale = change;
    for (int side = N_SIDES - 1; side >= 0; side--) {
        if (change)
            out->target[side] = final[side];
        else if (wishes[side].reason != FPM_NO_CHANGE)
            out->load.all = out->load.side[side] = wishes[side].reason;
    }
}

/* Up if either side wants it; down if decode does and prefill does not object. */
static int64_t combine_agg(const struct fpm_wish *ttft, const struct fpm_wish *itl, int64_t n)
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

static void settle_agg_sla(struct fpm_core *core, const struct fpm_view *view,
                           struct fpm_output *out)
{
    int64_t n = view->n_workers, target[N_SIDES] = {-1, -1};

    if (!iteration_model_has_samples(&core->models[SIDE_DECODE])) {
        out->load.all = FPM_INSUFFICIENT_DATA;
        return;
    }
    struct fpm_wish ttft = fpm_wish_ttft(core, view, out), itl = fpm_wish_itl(core, view, out);
    int64_t wanted = combine_agg(&ttft, &itl, n);
    target[SIDE_DECODE] =
        larger(larger(wanted, core->config->min_endpoint), floor_of(core, SIDE_DECODE));
    fpm_apply_budget(core, target);
    int64_t final = target[SIDE_DECODE];
    bool capped = final > wanted && wanted < n;
    out->load.all = final <= n && capped ? FPM_CAPPED : direction(final, n);
    if (final == n && !capped && (ttft.refused || itl.refused))
        out->load.all = FPM_REFUSED;
    out->scale = final != n;
    if (out->scale)
        out->target[SIDE_DECODE] = final;
}

static void decide_disagg(struct fpm_core *core, const struct fpm_view views[N_SIDES],
                          struct fpm_output *out)
{
    struct fpm_wish wishes[N_SIDES];
    enum fpm_reason gate = disagg_gate(core, views);

    if (gate != FPM_NO_REASON) {
        fpm_reasons_set(core, &out->load, gate);
        return;
    }
    for (int side = 0; side < N_SIDES; side++)
        wishes[side] = side_wish(core, (enum planner_side)side, &views[side], out);
    settle_disagg(core, wishes, views, out);
}

static void decide_single(struct fpm_core *core, enum planner_side side,
                          const struct fpm_view *view, struct fpm_output *out)
{
    enum fpm_reason gate = single_gate(core, side, view);

    if (gate != FPM_NO_REASON) {
        out->load.all = gate;
    } else if (core->mode == MODE_AGG && core->target == TARGET_SLA) {
        settle_agg_sla(core, view, out);
    } else {
        struct fpm_wish wish = side_wish(core, side, view, out);
        int64_t n = wish.n;
        if (core->mode == MODE_AGG)
            n = n < 0 ? n : larger(n, core->config->min_endpoint);
        if (n < 0)
            out->load.all = wish.reason;
        else
            settle_single(core, side, view->n_workers, n, out);
    }
}

void fpm_load_rule(struct fpm_core *core, const struct fpm_input *input, struct fpm_output *out)
{
    struct fpm_view views[N_SIDES];

    for (int side = 0; side < N_SIDES; side++)
        views[side] = (struct fpm_view){input->n_records[side], input->records[side],
                                        (int64_t)core->ready[side]};
    if (!core->config->enable_load_scaling) {
        out->load.all = FPM_DISABLED;
        return;
    }
    /* Its decision goes before that of the throughput rule, which stands where there is none. */
    struct fpm_output decision = *out;
    decision.scale = false;
    decision.target[SIDE_PREFILL] = decision.target[SIDE_DECODE] = -1;
    if (core->mode == MODE_DISAGG)
        decide_disagg(core, views, &decision);
    else if (core->mode == MODE_PREFILL)
        decide_single(core, SIDE_PREFILL, &views[SIDE_PREFILL], &decision);
    else
        decide_single(core, SIDE_DECODE, &views[SIDE_DECODE], &decision);
    if (!decision.scale) {
        decision.scale = out->scale;
        decision.target[SIDE_PREFILL] = out->target[SIDE_PREFILL];
        decision.target[SIDE_DECODE] = out->target[SIDE_DECODE];
    }
    *out = decision;
}
