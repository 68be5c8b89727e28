/* One load round: may it decide at all, and what does each side wish. What becomes of it:
 * load_settle.h. */
#include <math.h>

#include "planner/fpm/estimates.h"
#include "planner/fpm/load_settle.h"

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

/* Scaling goes on, and not only by workers that start and can be taken back. */
static bool blocked(const struct fpm_core *core, enum planner_side side)
{
    return core->in_progress[side] && !fpm_any_pending(core);
}

/* FPM_NO_REASON: go on. */
static enum fpm_reason disagg_gate(const struct fpm_core *core,
                                   const struct fpm_view views[N_SIDES])
{
    if (views[SIDE_PREFILL].n_records == 0 && views[SIDE_DECODE].n_records == 0)
        return FPM_NO_FPM_DATA;
    /* The oldest generation does not look here. */
    if (core->rules->disagg_waits && (blocked(core, SIDE_PREFILL) || blocked(core, SIDE_DECODE)))
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
    if (blocked(core, side))
        return FPM_IN_PROGRESS;
    if (empty)
        return FPM_NO_FPM_DATA;
    return counts_match(view) ? FPM_NO_REASON : FPM_COUNT_MISMATCH;
}

/* ---- Wishes ---- */

static struct fpm_wish side_wish(struct fpm_core *core, enum planner_side side,
                                 const struct fpm_view *view, struct fpm_output *out)
{
    const struct fpm_estimates *e = core->rules->estimates;

    if (core->target != TARGET_SLA)
        return fpm_wish_static(core, side, view);
    return side == SIDE_PREFILL ? e->ttft(core, view, out) : e->itl(core, view, out);
}

static void decide_agg(struct fpm_core *core, const struct fpm_view *view, struct fpm_output *out)
{
    const struct fpm_estimates *e = core->rules->estimates;

    if (!e->ready(core, SIDE_DECODE)) {
        out->load.all = FPM_INSUFFICIENT_DATA;
        return;
    }
    struct fpm_wish ttft = e->ttft(core, view, out), itl = e->itl(core, view, out);
    core->rules->load->agg(core, view, &ttft, &itl, out);
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
    core->rules->load->disagg(core, views, wishes, out);
}

static void decide_single(struct fpm_core *core, enum planner_side side,
                          const struct fpm_view *view, struct fpm_output *out)
{
    enum fpm_reason gate = single_gate(core, side, view);

    if (gate != FPM_NO_REASON) {
        out->load.all = gate;
    } else if (core->mode == MODE_AGG && core->target == TARGET_SLA) {
        decide_agg(core, view, out);
    } else {
        struct fpm_wish wish = side_wish(core, side, view, out);
        core->rules->load->single(core, side, view, &wish, out);
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
    else
        decide_single(core, fpm_single_side(core), &views[fpm_single_side(core)], &decision);
    if (!decision.scale) {
        decision.scale = out->scale;
        decision.target[SIDE_PREFILL] = out->target[SIDE_PREFILL];
        decision.target[SIDE_DECODE] = out->target[SIDE_DECODE];
    }
    *out = decision;
}
