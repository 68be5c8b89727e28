/* What is left of the decision of a round, from 1.4.2 on. (Dynamo planner 1.6.1,
 * `engine_adapter.py`.) */
#include <math.h>

#include "planner/fpm/guarded.h"
#include "planner/fpm/power_budget.h"

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static bool has(const struct fpm_core *core, int side)
{
    return planner_mode_has(core->mode, (enum planner_side)side);
}

static int64_t least_of(const struct fpm_core *core, int side)
{
    return fpm_min_endpoint(core->config, (enum planner_side)side);
}

/* ---- Starting workers that are taken back ---- */

static bool power_is_on(const struct fpm_core *core)
{
    return core->rules->guarded && core->config->enable_power_awareness;
}

/* Would what is left keep within the budgets? Not if one cannot tell. The floor has no tolerance
 * here. */
static bool cancel_is_affordable(const struct fpm_core *core, const int64_t target[N_SIDES])
{
    const struct fpm_config *c = core->config;
    int64_t gpus = 0;
    double watts = 0;

    for (int side = 0; side < N_SIDES; side++) {
        int64_t n = fpm_ready(core, (enum planner_side)side) + core->pending[side];
        int64_t cost = fpm_gpus(core, (enum planner_side)side);
        if (!has(core, side))
            continue;
        n = target[side] >= 0 ? target[side] : n;
        if (cost <= 0 && (c->min_gpu_budget >= 0 || c->max_gpu_budget >= 0))
            return false;
        if (power_is_on(core) && core->limits[side].watts <= 0)
            return false;
        gpus += n * cost;
        watts += (double)n * core->limits[side].watts;
    }
    if (c->min_gpu_budget >= 0 && gpus < c->min_gpu_budget)
        return false;
    if (c->max_gpu_budget >= 0 && gpus > c->max_gpu_budget)
        return false;
    return !power_is_on(core) || watts <= (double)c->total_gpu_power_limit_w;
}

static bool same_inventory(const struct fpm_core *core)
{
    for (int side = 0; side < N_SIDES; side++) {
        if (core->candidate.ready[side] != fpm_ready(core, (enum planner_side)side) ||
            core->candidate.pending[side] != core->pending[side])
            return false;
    }
    return true;
}

static bool same_wish(const struct fpm_core *core, const int64_t target[N_SIDES])
{
    return core->candidate.set && same_inventory(core) && core->candidate.target[0] == target[0] &&
           core->candidate.target[1] == target[1];
}

static void remember(struct fpm_core *core, const int64_t target[N_SIDES], double now_s)
{
    core->candidate = (struct fpm_candidate){.set = true, .since_s = now_s};
    for (int side = 0; side < N_SIDES; side++) {
        core->candidate.target[side] = target[side];
        core->candidate.ready[side] = fpm_ready(core, (enum planner_side)side);
        core->candidate.pending[side] = core->pending[side];
    }
}

/* Only a wish to shrink that has stood for a full load interval takes starting workers back. */
static void project_startup(struct fpm_core *core, double now_s, bool evaluated,
                            struct fpm_output *out)
{
    int64_t target[N_SIDES] = {-1, -1};
    bool any = false;

    for (int side = 0; side < N_SIDES; side++) {
        if (has(core, side) && out->scale && out->target[side] >= 0 &&
            out->target[side] <= fpm_ready(core, (enum planner_side)side))
            target[side] = fpm_startup_reduction(core, (enum planner_side)side,
                                                 larger(out->target[side], least_of(core, side)));
        any |= target[side] >= 0;
    }
    out->scale = false;
    if (!any) {
        /* A rule that was not asked has not changed its mind. */
        if (evaluated || !same_inventory(core))
            core->candidate.set = false;
    } else if (!cancel_is_affordable(core, target)) {
        core->candidate.set = false;
    } else if (!same_wish(core, target)) {
        remember(core, target, now_s);
    } else if (now_s - core->candidate.since_s >= (double)core->config->load_interval_s) {
        out->scale = true;
    }
    out->target[SIDE_PREFILL] = out->scale ? target[SIDE_PREFILL] : -1;
    out->target[SIDE_DECODE] = out->scale ? target[SIDE_DECODE] : -1;
}

/* ---- The budgets once more ---- */

struct projection {
    bool known[N_SIDES]; /* how many there are */
    bool proposed[N_SIDES], below_floor[N_SIDES];
    bool reconcile;
    int64_t n[N_SIDES]; /* -1 = none */
};

static bool scaling(const struct fpm_core *core)
{
    return core->in_progress[SIDE_PREFILL] || core->in_progress[SIDE_DECODE];
}

/* There is more, or less, than the budget allows. */
static bool off_budget(const struct fpm_core *core)
{
    const struct gpu_band band = fpm_band(core);
    int64_t total = 0, most = 0;

    for (int side = 0; side < N_SIDES; side++) {
        int64_t cost = fpm_gpus(core, (enum planner_side)side);
        if (!has(core, side))
            continue;
        if (cost <= 0)
            return false;
        total += fpm_ready(core, (enum planner_side)side) * cost;
        most = larger(most, cost);
    }
    return band_check(&band, total, band_slack(&band, &most, 1)) != BAND_WITHIN;
}

/* Counts as they would be: those asked for, else as they are. */
static struct projection propose(const struct fpm_core *core, const struct fpm_input *input,
                                 const struct fpm_output *out)
{
    struct projection p = {.n = {-1, -1}};
    bool settled = core->rules->guarded && !scaling(core);

    for (int side = 0; side < N_SIDES; side++) {
        int64_t now = fpm_ready(core, (enum planner_side)side);
        p.known[side] = input->has_counts && !isnan(input->ready[side]);
        p.proposed[side] = out->scale && out->target[side] >= 0;
        p.n[side] = p.proposed[side] ? out->target[side] : p.known[side] ? now : -1;
        p.below_floor[side] =
            settled && has(core, side) && p.known[side] && now < least_of(core, side);
        if (p.below_floor[side])
            p.n[side] = larger(p.n[side], least_of(core, side));
    }
    p.reconcile = settled && input->has_counts && off_budget(core);
    return p;
}

static bool floors_first(const struct fpm_core *core, const struct projection *p)
{
    return core->mode == MODE_DISAGG && (p->below_floor[0] || p->below_floor[1]);
}

static bool changes(const struct fpm_core *core, const struct projection *p)
{
    for (int side = 0; side < N_SIDES; side++) {
        if (p->n[side] >= 0 &&
            !(p->known[side] && p->n[side] == fpm_ready(core, (enum planner_side)side)))
            return true;
    }
    return false;
}

static void clamp_single(const struct fpm_core *core, enum planner_side side,
                         const struct gpu_band *band, struct projection *p)
{
    if (p->n[side] < 0)
        return;
    p->n[side] = larger(p->n[side], band->min_endpoint[side]);
    if (fpm_gpus(core, side) > 0)
        p->n[side] = band_single(band, side, p->n[side], fpm_gpus(core, side));
}

/* The side that is asked about beside one that is not: what the budget leaves for it. */
static void clamp_beside(const struct fpm_core *core, enum planner_side side,
                         const struct gpu_band *band, struct projection *p)
{
    enum planner_side other = side == SIDE_PREFILL ? SIDE_DECODE : SIDE_PREFILL;
    int64_t fixed = fpm_ready(core, other) * fpm_gpus(core, other), gpus = fpm_gpus(core, side);
    int64_t wanted = larger(p->n[side], band->min_endpoint[side]);
    int64_t now = fpm_ready(core, side);
    struct gpu_band rest = *band;

    if (band->max_gpus >= 0)
        rest.max_gpus = larger(0, band->max_gpus - fixed);
    rest.min_gpus = band->min_gpus < 0 || band->min_gpus <= fixed ? -1 : band->min_gpus - fixed;
    if (rest.max_gpus >= 0 && rest.max_gpus < band->min_endpoint[side] * gpus)
        p->n[side] = wanted < now ? wanted : now;
    else
        p->n[side] = band_single(&rest, side, wanted, gpus);
}

static void clamp_pair(const struct fpm_core *core, const struct gpu_band *band,
                       struct projection *p)
{
    const int64_t cost[N_SIDES] = {fpm_gpus(core, SIDE_PREFILL), fpm_gpus(core, SIDE_DECODE)};

    if ((p->n[0] < 0 && !p->known[0]) || (p->n[1] < 0 && !p->known[1])) {
        clamp_single(core, SIDE_PREFILL, band, p);
        clamp_single(core, SIDE_DECODE, band, p);
        return;
    }
    if (cost[0] <= 0 || cost[1] <= 0) {
        for (int side = 0; side < N_SIDES; side++) {
            if (p->n[side] >= 0)
                p->n[side] = larger(p->n[side], band->min_endpoint[side]);
        }
        return;
    }
    for (int side = 0; side < N_SIDES; side++) {
        if (p->n[side] < 0) {
            clamp_beside(core, side == SIDE_PREFILL ? SIDE_DECODE : SIDE_PREFILL, band, p);
            return;
        }
        p->n[side] = larger(p->n[side], band->min_endpoint[side]);
    }
    if (core->rules->guarded)
        guard_clamp_pair(band, cost, p->n);
    else
        band_joint(band, &p->n[0], cost[0], &p->n[1], cost[1]);
}

static void clamp_gpus(const struct fpm_core *core, struct projection *p)
{
    const struct gpu_band band = fpm_band(core);

    if (core->mode == MODE_DISAGG)
        clamp_pair(core, &band, p);
    else
        clamp_single(core, fpm_single_side(core), &band, p);
}

/* ---- The power budget ---- */

/* A side whose count is on its way to nobody knows what draws power that is not known, too: then
 * none may grow. */
static void hold_growth_during_rollout(const struct fpm_core *core, struct projection *p)
{
    bool rolling = false;

    for (int side = 0; side < N_SIDES; side++)
        rolling |= p->known[side] && isnan(core->expected[side]) && core->limits[side].watts > 0;
    for (int side = 0; side < N_SIDES && rolling; side++) {
        if (p->known[side] && p->n[side] > fpm_ready(core, (enum planner_side)side))
            p->n[side] = -1;
    }
}

static void clamp_power(const struct fpm_core *core, struct projection *p)
{
    struct power_budget budget = {.limit_w = core->config->total_gpu_power_limit_w};

    hold_growth_during_rollout(core, p);
    for (int side = 0; side < N_SIDES; side++) {
        budget.watts[side] = (int64_t)core->limits[side].watts;
        budget.min_endpoint[side] = least_of(core, side);
        budget.current[side] = p->known[side] ? fpm_ready(core, (enum planner_side)side) : -1;
    }
    power_budget_apply(&budget, p->n);
}

/* With a power budget only what was asked for is issued, or what floors and budgets demand. */
static void mask_for_power(const struct fpm_core *core, struct projection *p)
{
    for (int side = 0; side < N_SIDES; side++) {
        if (!p->proposed[side] && !p->below_floor[side] && !floors_first(core, p) && !p->reconcile)
            p->n[side] = -1;
    }
}

static void drop_expected(const struct fpm_core *core, struct projection *p)
{
    for (int side = 0; side < N_SIDES; side++) {
        if (p->n[side] >= 0 && (double)p->n[side] == core->expected[side])
            p->n[side] = -1;
    }
}

/* A side that was clamped beside one below its floor, and is as it was. */
static void drop_echoes(const struct fpm_core *core, struct projection *p)
{
    for (int side = 0; side < N_SIDES; side++) {
        bool unchanged = p->known[side] && p->n[side] == fpm_ready(core, (enum planner_side)side);
        if (unchanged && !p->proposed[side] && !p->below_floor[side])
            p->n[side] = -1;
    }
}

static void project_settled(struct fpm_core *core, const struct fpm_input *input,
                            struct fpm_output *out)
{
    struct projection p = propose(core, input, out);
    bool power = power_is_on(core);

    out->scale = false;
    out->target[SIDE_PREFILL] = out->target[SIDE_DECODE] = -1;
    if (power)
        mask_for_power(core, &p);
    else if (!changes(core, &p) && !p.reconcile)
        return;
    if (p.n[0] < 0 && p.n[1] < 0)
        return;
    clamp_gpus(core, &p);
    if (power)
        clamp_power(core, &p);
    if (floors_first(core, &p))
        drop_echoes(core, &p);
    if (power)
        drop_expected(core, &p);
    else if (!changes(core, &p))
        return;
    out->scale = p.n[0] >= 0 || p.n[1] >= 0;
    for (int side = 0; side < N_SIDES; side++) {
        if (has(core, side))
            out->target[side] = p.n[side];
    }
}

/* The ceiling lies below the floors of the sides. */
static bool has_no_room(const struct fpm_core *core)
{
    const struct gpu_band band = fpm_band(core);
    int64_t least = 0;

    for (int side = 0; side < N_SIDES; side++) {
        if (has(core, side))
            least += band.min_endpoint[side] * fpm_gpus(core, (enum planner_side)side);
    }
    return band.max_gpus >= 0 && band.max_gpus < least;
}

void fpm_project(struct fpm_core *core, const struct fpm_input *input, bool evaluated,
                 struct fpm_output *out)
{
    if (fpm_has_fix(core, FIX_BUDGET_HOLD) && has_no_room(core)) {
        out->scale = false;
        out->target[SIDE_PREFILL] = out->target[SIDE_DECODE] = -1;
        return;
    }
    if (!core->rules->changes_only)
        return;
    if (fpm_any_pending(core)) {
        project_startup(core, input->now_s, evaluated, out);
        return;
    }
    core->candidate.set = false;
    project_settled(core, input, out);
}
