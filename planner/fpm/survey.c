/* From the latencies that are expected of each engine to a wish. */
#include <math.h>

#include "planner/fpm/estimates.h"

void fpm_survey_add(struct fpm_survey *s, double estimate_s, double target_ms)
{
    if (isnan(estimate_s))
        return;
    s->n_estimates++;
    s->n_above += 1000 * estimate_s > target_ms;
    s->most_s = fmax(s->most_s, estimate_s);
}

void fpm_survey_refuse(struct fpm_survey *s)
{
    s->safe = false;
    s->refused = true;
}

void fpm_survey_test_queue(const struct fpm_core *core, struct fpm_survey *s, double ttft_s,
                           double own_s)
{
    double budget_ms = (core->config->ttft_ms - 1000 * own_s) * fpm_sensitivity(core);

    if (isnan(own_s))
        s->safe = false;
    else if (budget_ms <= 0 || 1000 * ttft_s - 1000 * own_s >= budget_ms)
        fpm_survey_refuse(s);
    else if (isnan(ttft_s))
        s->safe = false;
}

struct fpm_wish fpm_survey_wish(const struct fpm_core *core, const struct fpm_survey *s,
                                enum planner_side side, int64_t n_workers)
{
    struct fpm_wish wish = fpm_no_wish(s->n_estimates == 0 ? FPM_INSUFFICIENT_DATA : FPM_NO_CHANGE);
    bool may_shrink = fpm_may_shrink(core, side, n_workers);
    size_t n_enough = fpm_has_fix(core, FIX_ONE_OVERLOADED_UP) ? 1 : s->n_estimates;

    if (s->n_estimates > 0 && s->n_above >= n_enough)
        wish = fpm_wish_for(n_workers + 1);
    else if (s->n_estimates > 0 && may_shrink && s->safe)
        wish = fpm_one_less(core, side, n_workers);
    wish.refused = wish.n < 0 && may_shrink && s->refused;
    if (wish.refused)
        wish.reason = FPM_REFUSED;
    return wish;
}

double fpm_share_grows(int64_t n_workers)
{
    return n_workers <= 1 ? 1 : (double)n_workers / (double)(n_workers - 1);
}

double fpm_sensitivity(const struct fpm_core *core)
{
    return (double)core->config->load_scaling_down_sensitivity / 100;
}
