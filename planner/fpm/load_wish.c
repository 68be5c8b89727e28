#include "planner/fpm/load_wish.h"

#include <math.h>

struct fpm_wish fpm_no_wish(enum fpm_reason reason)
{
    return (struct fpm_wish){.n = -1, .reason = reason};
}

struct fpm_wish fpm_wish_for(int64_t n)
{
    return (struct fpm_wish){.n = n, .reason = FPM_NO_CHANGE};
}

struct fpm_wish fpm_one_less(const struct fpm_core *core, enum planner_side side, int64_t n)
{
    int64_t least = fpm_min_endpoint(core->config, side);

    return fpm_wish_for(n - 1 > least ? n - 1 : least);
}

bool fpm_may_shrink(const struct fpm_core *core, enum planner_side side, int64_t n)
{
    return n > 1 || core->pending[side] > 0;
}

/* ---- Fixed thresholds ---- */

/* One more worker if any rank is at `up`, one less if all are at `down`. */
struct thresholds {
    double up, down;
    bool up_includes, down_includes; /* the threshold itself */
};

static const struct thresholds fixed_thresholds[N_SIDES][TARGET_LOAD] = {
    [SIDE_PREFILL] =
        {[TARGET_THROUGHPUT] = {1.0, 0.1, true, false}, [TARGET_LATENCY] = {0.1, 0.0, true, true}},
    [SIDE_DECODE] = {[TARGET_THROUGHPUT] = {1.0, 0.6, false, false},
                     [TARGET_LATENCY] = {0.4, 0.1, false, false}},
};

static struct thresholds thresholds_of(const struct fpm_core *core, enum planner_side side)
{
    const struct fpm_config *c = core->config;

    if (core->target != TARGET_LOAD)
        return fixed_thresholds[side][core->target];
    if (side == SIDE_PREFILL)
        return (struct thresholds){c->prefill_up_tok, c->prefill_down_tok, true, true};
    return (struct thresholds){c->decode_up_percent / 100, c->decode_down_percent / 100, true,
                               true};
}

/* What a prefill queue is held against. */
static double queue_unit_tok(const struct fpm_core *core)
{
    const struct fpm_limits *limits = &core->limits[SIDE_PREFILL];

    return fpm_has_fix(core, FIX_QUEUE_IN_PASSES) ? limits->max_batched_tok : limits->context_tok;
}

/* How full a rank is: of prefill, prompts queued over what one may hold (target load: as they are);
 * else KV over the cache. */
static double fullness(const struct fpm_core *core, enum planner_side side,
                       const struct fpm_record *r)
{
    const struct fpm_limits *limits = &core->limits[side];

    if (side == SIDE_PREFILL)
        return core->target == TARGET_LOAD ? r->queued_prefill_tok
                                           : r->queued_prefill_tok / queue_unit_tok(core);
    double tok = r->decode_kv_tok + r->queued_decode_kv_tok;
    if (core->mode == MODE_AGG)
        tok += r->queued_prefill_tok;
    return tok / limits->max_kv_tok;
}

static bool limit_known(const struct fpm_core *core, enum planner_side side)
{
    if (side == SIDE_DECODE)
        return core->limits[side].max_kv_tok > 0;
    return core->target == TARGET_LOAD || queue_unit_tok(core) > 0;
}

/* The workers that are left would at once ask for the one that goes. */
static bool grows_at_once(double fullest, int64_t n, int64_t less, double up)
{
    return less > 0 && less < n && fullest * (double)n / (double)less >= up;
}

struct fpm_wish fpm_wish_static(const struct fpm_core *core, enum planner_side side,
                                const struct fpm_view *view)
{
    struct thresholds t = thresholds_of(core, side);
    bool up = false, down = true;
    double most = 0;

    if (view->n_workers == 0 || view->n_records == 0 || !limit_known(core, side))
        return fpm_no_wish(FPM_INSUFFICIENT_DATA);
    for (size_t i = 0; i < view->n_records; i++) {
        double full = fullness(core, side, &view->records[i]);
        most = fmax(most, full);
        up |= t.up_includes ? full >= t.up : full > t.up;
        down &= t.down_includes ? full <= t.down : full < t.down;
    }
    if (up)
        return fpm_wish_for(view->n_workers + 1);
    if (!down || !fpm_may_shrink(core, side, view->n_workers))
        return fpm_no_wish(FPM_NO_CHANGE);
    struct fpm_wish less = fpm_one_less(core, side, view->n_workers);
    bool looks = core->rules->guarded || fpm_has_fix(core, FIX_CONSOLIDATION_CHECK);
    if (looks && grows_at_once(most, view->n_workers, less.n, t.up))
        less.n = view->n_workers;
    return less;
}
