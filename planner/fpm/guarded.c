#include "planner/fpm/guarded.h"

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static enum fpm_reason guard_one(const struct fpm_core *core, const struct gpu_band *band,
                                 enum planner_side side, int64_t *wanted)
{
    int64_t gpus = fpm_gpus(core, side);

    if (gpus <= 0)
        return FPM_NO_REASON;
    return guard_single(band, side, fpm_ready(core, side), gpus, wanted);
}

enum fpm_reason fpm_guard_single(const struct fpm_core *core, enum planner_side side,
                                 int64_t *wanted)
{
    const struct gpu_band band = fpm_band(core);

    return guard_one(core, &band, side, wanted);
}

enum fpm_reason fpm_guard_ceiling(const struct fpm_core *core, enum planner_side side,
                                  int64_t *wanted)
{
    struct gpu_band band = fpm_band(core);

    band.min_gpus = -1;
    return guard_one(core, &band, side, wanted);
}

static struct guard_pair pair_of(const struct fpm_core *core)
{
    return (struct guard_pair){{fpm_ready(core, SIDE_PREFILL), fpm_ready(core, SIDE_DECODE)},
                               {fpm_gpus(core, SIDE_PREFILL), fpm_gpus(core, SIDE_DECODE)}};
}

static bool costs_known(const struct guard_pair *pair)
{
    return pair->cost[SIDE_PREFILL] > 0 && pair->cost[SIDE_DECODE] > 0;
}

/* A side lies below its floor: then the floors come first, whoever has to give. */
static bool lift_to_floors(const struct gpu_band *band, const struct guard_pair *pair,
                           int64_t wanted[N_SIDES])
{
    if (pair->current[0] >= band->min_endpoint[0] && pair->current[1] >= band->min_endpoint[1])
        return false;
    for (int side = 0; side < N_SIDES; side++)
        wanted[side] = larger(wanted[side], band->min_endpoint[side]);
    guard_clamp_pair(band, pair->cost, wanted);
    return true;
}

enum fpm_reason fpm_guard_pair(const struct fpm_core *core, int64_t wanted[N_SIDES])
{
    const struct gpu_band band = fpm_band(core);
    const struct guard_pair pair = pair_of(core);

    if (!costs_known(&pair))
        return FPM_NO_REASON;
    if (lift_to_floors(&band, &pair, wanted))
        return FPM_RECONCILE;
    return guard_pair(&band, &pair, wanted);
}

void fpm_guard_pair_ceiling(const struct fpm_core *core, int64_t wanted[N_SIDES])
{
    struct gpu_band band = fpm_band(core);
    const struct guard_pair pair = pair_of(core);

    band.min_gpus = -1;
    if (costs_known(&pair) && !lift_to_floors(&band, &pair, wanted))
        guard_fit_pair(&band, &pair, wanted);
}

int64_t fpm_startup_reduction(const struct fpm_core *core, enum planner_side side, int64_t target)
{
    int64_t n = fpm_ready(core, side);

    return target > n || target >= n + core->pending[side] ? -1 : target;
}

bool fpm_startup_pair(const struct fpm_core *core, int64_t target[N_SIDES])
{
    struct gpu_band band = fpm_band(core);
    struct guard_pair pair = pair_of(core);
    int64_t fitted[N_SIDES];

    for (int side = 0; side < N_SIDES; side++) {
        target[side] = fpm_startup_reduction(core, (enum planner_side)side, target[side]);
        if (target[side] < 0)
            pair.current[side] += core->pending[side];
        fitted[side] = target[side] < 0 ? pair.current[side] : target[side];
    }
    if (target[0] < 0 && target[1] < 0)
        return false;
    if (costs_known(&pair)) {
        band.max_gpus = -1;
        guard_fit_pair(&band, &pair, fitted);
        for (int side = 0; side < N_SIDES; side++) {
            if (target[side] >= 0)
                target[side] = fpm_startup_reduction(core, (enum planner_side)side, fitted[side]);
        }
    }
    return target[0] >= 0 || target[1] >= 0;
}
