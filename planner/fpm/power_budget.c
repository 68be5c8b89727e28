#include "planner/fpm/power_budget.h"

#include <math.h>
#include <stdbool.h>

#include "planner/fpm/budget_guard.h"

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Absent counts are 0. */
static int64_t present(int64_t n)
{
    return larger(n, 0);
}

static int64_t draw_w(const struct power_budget *b, const int64_t n[N_SIDES])
{
    int64_t total = 0;

    for (int side = 0; side < N_SIDES; side++)
        total += present(n[side]) * present(b->watts[side]);
    return total;
}

/* Both sides move, one up and one down. */
static bool trades(const struct power_budget *b, const int64_t n[N_SIDES])
{
    int direction[N_SIDES];

    for (int side = 0; side < N_SIDES; side++) {
        int64_t now = present(b->current[side]);
        if (n[side] < 0)
            return false;
        direction[side] = (n[side] > now) - (n[side] < now);
    }
    return direction[0] * direction[1] < 0;
}

/* The draw while both sides move and nobody knows which comes first. */
static int64_t peak_w(const struct power_budget *b, const int64_t n[N_SIDES])
{
    int64_t most[N_SIDES];

    for (int side = 0; side < N_SIDES; side++)
        most[side] = larger(present(b->current[side]), n[side]);
    return draw_w(b, most);
}

/* Growth waits for a later round. false: there was none. */
static bool hold_growth(const struct power_budget *b, int64_t n[N_SIDES])
{
    bool held = false;

    for (int side = 0; side < N_SIDES; side++) {
        int64_t now = present(b->current[side]);
        held |= n[side] > now;
        n[side] = smaller(n[side], now);
    }
    return held;
}

static void shrink_pair(const struct power_budget *b, int64_t n[N_SIDES])
{
    int64_t wp = b->watts[SIDE_PREFILL], wd = b->watts[SIDE_DECODE];
    const int64_t *least = b->min_endpoint;
    double scale = (double)b->limit_w / (double)draw_w(b, n);
    int64_t most = (int64_t)floor((double)(b->limit_w - least[SIDE_DECODE] * wd) / (double)wp);
    int64_t scaled = (int64_t)floor((double)n[SIDE_PREFILL] * scale);
    int64_t prefill = larger(least[SIDE_PREFILL], smaller(most, scaled));
    int64_t rest = (int64_t)floor((double)(b->limit_w - prefill * wp) / (double)wd);

    n[SIDE_DECODE] = smaller(n[SIDE_DECODE], larger(least[SIDE_DECODE], rest));
    n[SIDE_PREFILL] = smaller(n[SIDE_PREFILL], prefill);
}

/* Both sides are asked about. */
static void cut_pair(const struct power_budget *b, int64_t n[N_SIDES])
{
    const struct gpu_band watts = {
        .min_gpus = -1,
        .max_gpus = b->limit_w,
        .min_endpoint = {b->min_endpoint[SIDE_PREFILL], b->min_endpoint[SIDE_DECODE]}};
    const struct guard_pair pair = {
        {present(b->current[SIDE_PREFILL]), present(b->current[SIDE_DECODE])},
        {b->watts[SIDE_PREFILL], b->watts[SIDE_DECODE]}};

    if (draw_w(b, pair.current) <= b->limit_w) {
        guard_fit_pair(&watts, &pair, n);
        return;
    }
    shrink_pair(b, n);
    if (trades(b, n) && peak_w(b, n) > b->limit_w)
        hold_growth(b, n);
}

/* One side is asked about; the other draws what it draws. */
static void cut_single(const struct power_budget *b, enum planner_side side, int64_t rest_w,
                       int64_t n[N_SIDES])
{
    int64_t least = b->min_endpoint[side], watts = b->watts[side];

    if (rest_w < least * watts)
        n[side] = smaller(n[side], present(b->current[side]));
    else
        n[side] = larger(least, smaller(n[side], (int64_t)floor((double)rest_w / (double)watts)));
}

void power_budget_apply(const struct power_budget *b, int64_t n[N_SIDES])
{
    bool asked[N_SIDES];
    int64_t settled[N_SIDES];

    for (int side = 0; side < N_SIDES; side++) {
        asked[side] = n[side] >= 0 && b->watts[side] > 0;
        settled[side] = n[side] >= 0 ? n[side] : b->current[side];
    }
    if (asked[0] && asked[1] && trades(b, n) && peak_w(b, n) > b->limit_w && hold_growth(b, n))
        return;
    if (draw_w(b, settled) <= b->limit_w)
        return;
    if (asked[0] && asked[1]) {
        cut_pair(b, n);
        return;
    }
    for (int side = 0; side < N_SIDES; side++) {
        if (asked[side]) {
            int64_t fixed_w = present(settled[1 - side]) * present(b->watts[1 - side]);
            cut_single(b, (enum planner_side)side, b->limit_w - fixed_w, n);
        }
    }
}
