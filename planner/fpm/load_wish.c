#include "planner/fpm/load_wish.h"

#include <math.h>

#include "planner/fpm/engine_rate.h"

static struct fpm_wish no_wish(enum fpm_reason reason)
{
    return (struct fpm_wish){.n = -1, .reason = reason};
}

static struct fpm_wish wish_for(int64_t n)
{
    return (struct fpm_wish){.n = n, .reason = FPM_NO_CHANGE};
}

/* With min_endpoint above the count this grows, as in the reference. */
static struct fpm_wish one_less(const struct fpm_core *core, int64_t n)
{
    return wish_for(n - 1 > core->config->min_endpoint ? n - 1 : core->config->min_endpoint);
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

/* How full a rank is: of prefill, prompts queued over what one may hold (target load: as they are);
 * else KV over the cache. */
static double fullness(const struct fpm_core *core, enum planner_side side,
                       const struct fpm_record *r)
{
    const struct fpm_limits *limits = &core->limits[side];

    if (side == SIDE_PREFILL)
        return core->target == TARGET_LOAD ? r->queued_prefill_tok
                                           : r->queued_prefill_tok / limits->context_tok;
    double tok = r->decode_kv_tok + r->queued_decode_kv_tok;
    if (core->mode == MODE_AGG)
        tok += r->queued_prefill_tok;
    return tok / limits->max_kv_tok;
}

static bool limit_known(const struct fpm_core *core, enum planner_side side)
{
    if (side == SIDE_DECODE)
        return core->limits[side].max_kv_tok > 0;
    return core->target == TARGET_LOAD || core->limits[side].context_tok > 0;
}

struct fpm_wish fpm_wish_static(const struct fpm_core *core, enum planner_side side,
                                const struct fpm_view *view)
{
    struct thresholds t = thresholds_of(core, side);
    bool up = false, down = true;

    if (view->n_workers == 0 || view->n_records == 0 || !limit_known(core, side))
        return no_wish(FPM_INSUFFICIENT_DATA);
    for (size_t i = 0; i < view->n_records; i++) {
        double full = fullness(core, side, &view->records[i]);
        up |= t.up_includes ? full >= t.up : full > t.up;
        down &= t.down_includes ? full <= t.down : full < t.down;
    }
    if (up)
        return wish_for(view->n_workers + 1);
    if (down && view->n_workers > 1)
        return one_less(core, view->n_workers);
    return no_wish(FPM_NO_CHANGE);
}

/* ---- Expected latencies ---- */

/* What the ranks of one side come to. */
struct survey {
    size_t n_estimates;
    bool all_above; /* the target */
    double most_s;
    bool safe;    /* fewer workers would do */
    bool refused; /* a test said that they would not */
};

static void add_estimate(struct survey *s, double estimate_s, double target_ms)
{
    if (isnan(estimate_s))
        return;
    s->n_estimates++;
    s->all_above &= 1000 * estimate_s > target_ms;
    s->most_s = fmax(s->most_s, estimate_s);
}

static void refuse(struct survey *s)
{
    s->safe = false;
    s->refused = true;
}

static struct fpm_wish verdict(const struct fpm_core *core, const struct survey *s, int64_t n)
{
    struct fpm_wish wish = no_wish(s->n_estimates == 0 ? FPM_INSUFFICIENT_DATA : FPM_NO_CHANGE);

    if (s->n_estimates > 0 && s->all_above)
        wish = wish_for(n + 1);
    else if (s->n_estimates > 0 && n > 1 && s->safe)
        wish = one_less(core, n);
    wish.refused = wish.n < 0 && n > 1 && s->refused;
    if (wish.refused)
        wish.reason = FPM_REFUSED;
    return wish;
}

/* Load of one of n workers when there is one less. */
static double share_grows(int64_t n)
{
    return n <= 1 ? 1 : (double)n / (double)(n - 1);
}

static double sensitivity(const struct fpm_core *core)
{
    return (double)core->config->load_scaling_down_sensitivity / 100;
}

/* May the queue of a rank grow by k? What a prompt itself takes is left out of the comparison. */
static void test_queue(struct fpm_core *core, struct survey *s, struct iteration_model *m,
                       double batched_tok, double queued_tok, double kv_tok)
{
    double own_s = estimate_ttft_s(m, 0, batched_tok, kv_tok, core->hit_rate);

    if (isnan(own_s)) {
        s->safe = false;
        return;
    }
    double budget_ms = (core->config->ttft_ms - 1000 * own_s) * sensitivity(core);
    double ttft_s = estimate_ttft_s(m, queued_tok, batched_tok, kv_tok, core->hit_rate);
    if (budget_ms <= 0 || 1000 * ttft_s - 1000 * own_s >= budget_ms)
        refuse(s);
}

struct fpm_wish fpm_wish_ttft(struct fpm_core *core, const struct fpm_view *view,
                              struct fpm_output *out)
{
    bool agg = core->mode == MODE_AGG;
    enum planner_side side = agg ? SIDE_DECODE : SIDE_PREFILL;
    struct iteration_model *m = &core->models[side];
    double mbt = core->limits[side].max_batched_tok, k = share_grows(view->n_workers);
    struct survey s = {.all_above = true, .safe = true};

    if (!iteration_model_has_samples(m) || view->n_workers == 0 || mbt <= 0)
        return no_wish(FPM_INSUFFICIENT_DATA);
    for (size_t i = 0; i < view->n_records; i++) {
        const struct fpm_record *r = &view->records[i];
        double kv_tok = agg ? r->decode_kv_tok : 0;
        add_estimate(&s, estimate_ttft_s(m, r->queued_prefill_tok, mbt, kv_tok, core->hit_rate),
                     core->config->ttft_ms);
        if (agg)
            kv_tok = trunc((r->decode_kv_tok + r->queued_decode_kv_tok) * k);
        if (s.safe)
            test_queue(core, &s, m, mbt, trunc(r->queued_prefill_tok * k), kv_tok);
    }
    if (s.n_estimates > 0)
        out->estimated_ttft_ms = 1000 * s.most_s;
    return verdict(core, &s, view->n_workers);
}

struct fpm_wish fpm_wish_itl(struct fpm_core *core, const struct fpm_view *view,
                             struct fpm_output *out)
{
    struct iteration_model *m = &core->models[SIDE_DECODE];
    double max_kv = core->limits[SIDE_DECODE].max_kv_tok, k = share_grows(view->n_workers);
    double limit_ms = core->config->itl_ms * sensitivity(core);
    struct survey s = {.all_above = true, .safe = true};

    if (!iteration_model_has_samples(m) || view->n_workers == 0)
        return no_wish(FPM_INSUFFICIENT_DATA);
    for (size_t i = 0; i < view->n_records; i++) {
        const struct fpm_record *r = &view->records[i];
        double tok = r->decode_kv_tok + r->queued_decode_kv_tok;
        add_estimate(&s, estimate_itl_s(m, tok), core->config->itl_ms);
        if (core->mode == MODE_AGG)
            tok += r->queued_prefill_tok;
        if (!s.safe)
            continue;
        double after_tok = trunc(tok * k), after_s = estimate_itl_s(m, after_tok);
        if ((max_kv > 0 && after_tok >= max_kv) || 1000 * after_s >= limit_ms)
            refuse(&s);
        else if (isnan(after_s))
            s.safe = false;
    }
    if (s.n_estimates > 0)
        out->estimated_itl_ms = 1000 * s.most_s;
    return verdict(core, &s, view->n_workers);
}
