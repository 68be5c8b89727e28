#include "planner/fpm/budget_guard.h"

#include <stdbool.h>
#include <stdlib.h>

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Rounded down, and up, whatever the sign; b > 0. */
static int64_t floor_div(int64_t a, int64_t b)
{
    int64_t q = a / b;
    return q - (a % b < 0);
}

static int64_t ceil_div(int64_t a, int64_t b)
{
    return -floor_div(-a, b);
}

static int64_t total_of(const struct guard_pair *pair, const int64_t n[N_SIDES])
{
    return n[SIDE_PREFILL] * pair->cost[SIDE_PREFILL] + n[SIDE_DECODE] * pair->cost[SIDE_DECODE];
}

static bool within(const struct gpu_band *b, int64_t total, int64_t tolerance)
{
    return band_check(b, total, tolerance) == BAND_WITHIN;
}

/* One side moves up and the other down. */
static bool trades(const int64_t current[N_SIDES], const int64_t wanted[N_SIDES])
{
    return (wanted[0] > current[0] && wanted[1] < current[1]) ||
           (wanted[0] < current[0] && wanted[1] > current[1]);
}

/* ---- The nearest pair ---- */

struct search {
    const struct gpu_band *band;
    const struct guard_pair *pair;
    const int64_t *wanted;
    int64_t low[N_SIDES], high[N_SIDES];
    int64_t tolerance;
    bool trade, found;
    int64_t score[5], best[N_SIDES];
};

/* Nearest to the wish first; then in its proportion, then the most of it, then the smaller. */
static void consider(struct search *s, const int64_t n[N_SIDES])
{
    int64_t distance = 0, progress[N_SIDES], asked[N_SIDES];

    if (!within(s->band, total_of(s->pair, n), s->tolerance))
        return;
    for (int side = 0; side < N_SIDES; side++) {
        distance += llabs(s->wanted[side] - n[side]);
        progress[side] = llabs(n[side] - s->pair->current[side]);
        asked[side] = llabs(s->wanted[side] - s->pair->current[side]);
    }
    const int64_t score[5] = {distance, llabs(progress[0] * asked[1] - progress[1] * asked[0]),
                              -(progress[0] + progress[1]), n[0], n[1]};
    int order = 0;
    for (int i = 0; i < 5 && order == 0; i++)
        order = (score[i] > s->score[i]) - (score[i] < s->score[i]);
    if (s->found && order >= 0)
        return;
    s->found = true;
    for (int i = 0; i < 5; i++)
        s->score[i] = score[i];
    s->best[0] = n[0];
    s->best[1] = n[1];
}

/* The best count of the other side beside `n` of this one. */
static void consider_row(struct search *s, enum planner_side side, int64_t n)
{
    enum planner_side other = side == SIDE_PREFILL ? SIDE_DECODE : SIDE_PREFILL;
    int64_t current = s->pair->current[other], cost = s->pair->cost[other];
    int64_t low = s->low[other], high = s->high[other], used = n * s->pair->cost[side];
    int64_t row[N_SIDES] = {n, n};

    if (s->band->min_gpus >= 0)
        low = larger(low, ceil_div(s->band->min_gpus - s->tolerance - used, cost));
    if (s->band->max_gpus >= 0)
        high = smaller(high, floor_div(s->band->max_gpus - used, cost));
    row[other] = current;
    if (s->trade && n == s->pair->current[side]) {
        if (low <= current && current <= high)
            consider(s, row);
        return;
    }
    if (s->trade && s->wanted[other] > current)
        low = larger(low, current + 1);
    else if (s->trade)
        high = smaller(high, current - 1);
    if (low > high)
        return;
    row[other] = smaller(larger(s->wanted[other], low), high);
    consider(s, row);
}

/* The counts that can be meant at all. false: none can. */
static bool bound_search(struct search *s)
{
    const struct gpu_band *b = s->band;
    const int64_t *cost = s->pair->cost;

    for (int side = 0; side < N_SIDES; side++) {
        int64_t current = s->pair->current[side];
        s->low[side] = larger(smaller(current, s->wanted[side]), b->min_endpoint[side]);
        s->high[side] = larger(current, s->wanted[side]);
    }
    if (b->max_gpus >= 0) {
        for (int side = 0; side < N_SIDES; side++) {
            int64_t rest = b->max_gpus - s->low[1 - side] * cost[1 - side];
            s->high[side] = smaller(s->high[side], floor_div(rest, cost[side]));
        }
    }
    if (b->min_gpus >= 0) {
        int64_t least = b->min_gpus - s->tolerance;
        for (int side = 0; side < N_SIDES; side++) {
            int64_t rest = least - s->high[1 - side] * cost[1 - side];
            s->low[side] = larger(s->low[side], ceil_div(rest, cost[side]));
        }
    }
    return s->low[0] <= s->high[0] && s->low[1] <= s->high[1];
}

void guard_fit_pair(const struct gpu_band *b, const struct guard_pair *pair,
                    int64_t wanted[N_SIDES])
{
    struct search s = {.band = b,
                       .pair = pair,
                       .wanted = wanted,
                       .tolerance = band_slack(b, pair->cost, N_SIDES),
                       .trade = trades(pair->current, wanted),
                       .best = {pair->current[0], pair->current[1]}};

    if (bound_search(&s)) {
        if (wanted[0] >= b->min_endpoint[0] && wanted[1] >= b->min_endpoint[1] &&
            within(b, total_of(pair, wanted), s.tolerance))
            return;
        enum planner_side side =
            s.high[0] - s.low[0] <= s.high[1] - s.low[1] ? SIDE_PREFILL : SIDE_DECODE;
        for (int64_t n = s.low[side]; n <= s.high[side]; n++)
            consider_row(&s, side, n);
    }
    wanted[0] = s.best[0];
    wanted[1] = s.best[1];
}

void guard_clamp_pair(const struct gpu_band *b, const int64_t cost[N_SIDES], int64_t n[N_SIDES])
{
    const struct guard_pair pair = {{n[0], n[1]}, {cost[0], cost[1]}};
    struct gpu_band floor_alone = *b;
    int64_t filled[N_SIDES] = {n[0], n[1]};

    if (cost[0] <= 0 || cost[1] <= 0)
        return;
    int64_t tolerance = band_slack(b, cost, N_SIDES);
    if (band_check(b, total_of(&pair, n), tolerance) != BAND_BELOW) {
        band_joint(b, &n[0], cost[0], &n[1], cost[1]);
        return;
    }
    floor_alone.max_gpus = -1;
    band_joint(&floor_alone, &filled[0], cost[0], &filled[1], cost[1]);
    bool would_shrink = filled[SIDE_DECODE] < n[SIDE_DECODE];
    filled[SIDE_DECODE] = larger(filled[SIDE_DECODE], n[SIDE_DECODE]);
    if (b->max_gpus >= 0 && total_of(&pair, filled) > b->max_gpus) {
        if (!would_shrink)
            return;
        guard_fit_pair(b, &pair, filled);
    }
    n[0] = filled[0];
    n[1] = filled[1];
}

/* ---- Guards ---- */

static bool between(int64_t n, int64_t a, int64_t b)
{
    return smaller(a, b) <= n && n <= larger(a, b);
}

enum fpm_reason guard_single(const struct gpu_band *b, enum planner_side side, int64_t current,
                             int64_t cost, int64_t *wanted)
{
    int64_t asked = *wanted, total = current * cost;

    if (!within(b, total, band_slack(b, &cost, 1))) {
        *wanted = band_single(b, side, current, cost);
        return FPM_RECONCILE;
    }
    *wanted = current;
    if (b->min_gpus >= 0 && total <= b->min_gpus && asked < current)
        return FPM_GUARD_HOLD;
    if (b->max_gpus >= 0 && total >= b->max_gpus && asked > current)
        return FPM_GUARD_HOLD;
    int64_t final = band_single(b, side, asked, cost);
    if (!between(final, current, asked))
        return FPM_GUARD_HOLD;
    *wanted = final;
    return FPM_NO_REASON;
}

static enum fpm_reason hold(const struct guard_pair *pair, int64_t wanted[N_SIDES])
{
    wanted[0] = pair->current[0];
    wanted[1] = pair->current[1];
    return FPM_GUARD_HOLD;
}

/* A trade at the edge of the band. */
static enum fpm_reason fit_trade(const struct gpu_band *b, const struct guard_pair *pair,
                                 int64_t wanted[N_SIDES])
{
    guard_fit_pair(b, pair, wanted);
    if (wanted[0] == pair->current[0] && wanted[1] == pair->current[1])
        return FPM_GUARD_HOLD;
    return FPM_NO_REASON;
}

enum fpm_reason guard_pair(const struct gpu_band *b, const struct guard_pair *pair,
                           int64_t wanted[N_SIDES])
{
    const int64_t *current = pair->current, *cost = pair->cost;
    int64_t tolerance = band_slack(b, cost, N_SIDES);
    int64_t total = total_of(pair, current);
    bool up = wanted[0] > current[0] || wanted[1] > current[1];
    bool down = wanted[0] < current[0] || wanted[1] < current[1];
    bool trade = trades(current, wanted);

    if (!within(b, total, tolerance)) {
        hold(pair, wanted);
        guard_clamp_pair(b, cost, wanted);
        return FPM_RECONCILE;
    }
    if (total <= b->min_gpus && down && !up)
        return hold(pair, wanted);
    if (total <= b->min_gpus && trade)
        return fit_trade(b, pair, wanted);
    if (b->max_gpus >= 0 && total >= b->max_gpus && up)
        return trade ? fit_trade(b, pair, wanted) : hold(pair, wanted);
    int64_t final[N_SIDES] = {wanted[0], wanted[1]};
    guard_clamp_pair(b, cost, final);
    if (!between(final[0], current[0], wanted[0]) || !between(final[1], current[1], wanted[1]) ||
        !within(b, total_of(pair, final), tolerance))
        return hold(pair, wanted);
    wanted[0] = final[0];
    wanted[1] = final[1];
    return FPM_NO_REASON;
}
