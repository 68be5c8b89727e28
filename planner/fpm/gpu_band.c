#include "planner/fpm/gpu_band.h"

#include <math.h>
#include <stdbool.h>

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t floor_ratio(int64_t a, int64_t b)
{
    return (int64_t)floor((double)a / (double)b);
}

static int64_t ceil_ratio(double a, int64_t b)
{
    return (int64_t)ceil(a / (double)b);
}

int64_t band_tolerance(const int64_t *gpus_per_worker, int64_t n)
{
    int64_t most = 0;

    for (int64_t i = 0; i < n; i++)
        most = larger(most, gpus_per_worker[i]);
    return most;
}

enum band_side band_check(const struct gpu_band *b, int64_t total, int64_t tolerance)
{
    if (b->max_gpus >= 0 && total > b->max_gpus)
        return BAND_ABOVE;
    return b->min_gpus >= 0 && total < b->min_gpus - tolerance ? BAND_BELOW : BAND_WITHIN;
}

int64_t band_slack(const struct gpu_band *b, const int64_t *gpus_per_worker, int64_t n)
{
    bool both = b->min_gpus >= 0 && b->max_gpus >= 0;

    return both && !(b->fixes & FIX_EXACT_FLOOR) ? band_tolerance(gpus_per_worker, n) : 0;
}

static void cut_joint(const struct gpu_band *b, int64_t total, int64_t *n_prefill, int64_t gp,
                      int64_t *n_decode, int64_t gd)
{
    int64_t least_prefill = b->min_endpoint[SIDE_PREFILL];
    int64_t least_decode = b->min_endpoint[SIDE_DECODE], prefill = 0, decode = 0;
    int64_t wanted_decode = *n_decode;

    if (b->max_gpus >= least_prefill * gp + least_decode * gd) {
        double scale = (double)b->max_gpus / (double)total;
        int64_t most = floor_ratio(b->max_gpus - least_decode * gd, gp);
        int64_t scaled = (int64_t)floor((double)*n_prefill * scale);
        prefill = larger(least_prefill, scaled < most ? scaled : most);
        decode = larger(least_decode, floor_ratio(b->max_gpus - prefill * gp, gd));
        if (b->fixes & FIX_CAP_DECODE && decode > wanted_decode)
            decode = larger(least_decode, wanted_decode);
    }
    *n_prefill = prefill;
    *n_decode = decode;
}

static void fill_joint(const struct gpu_band *b, int64_t total, int64_t *n_prefill, int64_t gp,
                       int64_t *n_decode, int64_t gd)
{
    int64_t share = total <= 0
                        ? ceil_ratio((double)b->min_gpus / 2, gp)
                        : (int64_t)ceil((double)*n_prefill * ((double)b->min_gpus / (double)total));
    int64_t prefill = larger(b->min_endpoint[SIDE_PREFILL], share);
    int64_t rest = larger(0, b->min_gpus - prefill * gp);
    int64_t decode = larger(b->min_endpoint[SIDE_DECODE], ceil_ratio((double)rest, gd));

    if (b->fixes & FIX_FLOOR_KEEPS_DECODE)
        decode = larger(decode, *n_decode);
    if (b->max_gpus >= 0 && prefill * gp + decode * gd > b->max_gpus)
        return;
    *n_prefill = prefill;
    *n_decode = decode;
}

void band_joint(const struct gpu_band *b, int64_t *n_prefill, int64_t prefill_gpus,
                int64_t *n_decode, int64_t decode_gpus)
{
    int64_t total = *n_prefill * prefill_gpus + *n_decode * decode_gpus;
    int64_t tolerance = band_slack(b, (int64_t[]){prefill_gpus, decode_gpus}, N_SIDES);

    if (prefill_gpus <= 0 || decode_gpus <= 0)
        return;
    enum band_side side = band_check(b, total, tolerance);
    if (side == BAND_ABOVE)
        cut_joint(b, total, n_prefill, prefill_gpus, n_decode, decode_gpus);
    else if (side == BAND_BELOW)
        fill_joint(b, total, n_prefill, prefill_gpus, n_decode, decode_gpus);
}

int64_t band_single(const struct gpu_band *b, enum planner_side side, int64_t n,
                    int64_t gpus_per_worker)
{
    int64_t least = b->min_endpoint[side];

    if (gpus_per_worker <= 0)
        return n;
    enum band_side where = band_check(b, n * gpus_per_worker, band_slack(b, &gpus_per_worker, 1));
    if (where == BAND_WITHIN)
        return n;
    if (where == BAND_BELOW)
        return larger(least, ceil_ratio((double)b->min_gpus, gpus_per_worker));
    if (b->max_gpus < least * gpus_per_worker)
        return 0;
    return larger(least, floor_ratio(b->max_gpus, gpus_per_worker));
}
