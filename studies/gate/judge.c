#include "studies/gate/judge.h"

#include <math.h>

#include "reports/summary.h"

/* Sums of decimal fractions are off by so much of their terms at most. */
static const double rounding = 1e-12;

static const char *or_nomem(const char *text, enum status *s, struct diag *d)
{
    if (!text && !*s)
        *s = diag_nomem(d, "checks");
    return text;
}

static enum summary_worse worse_side(const struct compare_rule *c)
{
    switch (c->worse) {
    case COMPARE_USUAL:
        return summary_key_worse(c->key);
    case COMPARE_LOWER:
        return SUMMARY_WORSE_LOWER;
    case COMPARE_HIGHER:
        return SUMMARY_WORSE_HIGHER;
    case COMPARE_EITHER:
        break;
    }
    return SUMMARY_WORSE_EITHER;
}

static const char *comparison_text(struct arena *arena, const struct compare_rule *c)
{
    enum summary_worse worse = worse_side(c);
    const char *allowed = "";

    if (!isnan(c->absolute))
        allowed = arena_printf(arena, " by more than %.10g", c->absolute);
    else if (!isnan(c->relative))
        allowed = arena_printf(arena, " by more than %.10g %%", c->relative * 100);
    const char *sure =
        isnan(c->level) ? "" : arena_printf(arena, ", %.10g %% sure", c->level * 100);
    if (!allowed || !sure)
        return NULL;
    return arena_printf(arena, "%s not %s%s%s", c->key,
                        worse == SUMMARY_WORSE_EITHER  ? "different"
                        : worse == SUMMARY_WORSE_LOWER ? "lower"
                                                       : "higher",
                        allowed, sure);
}

static enum status begin(struct gate_check *check, struct arena *arena,
                         const struct compare_rule *c, struct diag *d)
{
    enum status s = ST_OK;

    *check = (struct gate_check){
        .compare = c, .key = c->key, .at = c->at, .interval = {NAN, NAN}, .level = NAN};
    check->text = or_nomem(comparison_text(arena, c), &s, d);
    return s;
}

enum status judge_expectation(struct gate_check *check, struct arena *arena,
                              const struct expectation *expect, double before, double now,
                              struct diag *d)
{
    enum status s = ST_OK;

    *check = (struct gate_check){.expect = expect,
                                 .key = expect->key,
                                 .at = expect->at,
                                 .before = before,
                                 .now = now,
                                 .change = now - before,
                                 .interval = {NAN, NAN},
                                 .level = NAN,
                                 .allowed = NAN,
                                 .missed = !expectation_holds(expect, now),
                                 .text = expect->text};
    check->found = or_nomem(
        isnan(now)
            ? "this run has no such figure (no request that it could be of, or it never happened)"
            : arena_printf(arena, "it is %.6g", now),
        &s, d);
    return s;
}

static double allowed_of(const struct compare_rule *c, double before)
{
    if (!isnan(c->absolute))
        return c->absolute;
    return isnan(c->relative) ? 0 : c->relative * fabs(before);
}

/* Is all of `change` worse by more than `allowed`? */
static bool is_worse(const struct compare_rule *c, struct range change, double allowed)
{
    bool higher = change.low > allowed, lower = change.high < -allowed;

    switch (worse_side(c)) {
    case SUMMARY_WORSE_HIGHER:
        return higher;
    case SUMMARY_WORSE_LOWER:
        return lower;
    case SUMMARY_WORSE_EITHER:
        break;
    }
    return higher || lower;
}

/* "rose from 1 to 2 (+100 %)" */
static const char *moved(struct arena *arena, const struct gate_check *check, const char *mean)
{
    double change = check->change, share = change / fabs(check->before) * 100;

    if (isnan(check->now))
        return arena_printf(arena, "there is no such figure any more; it was %.6g", check->before);
    if (isnan(check->before))
        return arena_printf(arena, "it is %.6g; the baseline had no such figure", check->now);
    if (!(fabs(change) > 0))
        return arena_printf(arena, "it is %.6g%s, as before", check->now, mean);
    if (!isfinite(share))
        return arena_printf(arena, "it %s from %.6g to %.6g%s", change > 0 ? "rose" : "fell",
                            check->before, check->now, mean);
    return arena_printf(arena, "it %s from %.6g to %.6g%s (%+.3g %%)", change > 0 ? "rose" : "fell",
                        check->before, check->now, mean, share);
}

enum status judge_comparison(struct gate_check *check, struct arena *arena,
                             const struct compare_rule *compare, double before, double now,
                             struct diag *d)
{
    enum status s = begin(check, arena, compare, d);
    double slack = rounding * (fabs(before) + fabs(now)), change = now - before;

    if (s)
        return s;
    check->before = before;
    check->now = now;
    check->change = fabs(change) <= slack ? 0 : change;
    check->allowed = allowed_of(compare, before);
    check->missed = isnan(change)
                        ? isnan(now) && !isnan(before)
                        : is_worse(compare, (struct range){change, change}, check->allowed + slack);
    check->found = or_nomem(moved(arena, check, ""), &s, d);
    return s;
}

static double mean_of_present(const double *figures, size_t n)
{
    double sum = 0;
    size_t n_present = 0;

    for (size_t i = 0; i < n; i++) {
        if (!isnan(figures[i])) {
            sum += figures[i];
            n_present++;
        }
    }
    return n_present ? sum / (double)n_present : NAN;
}

enum status judge_statistically(struct gate_check *check, struct arena *arena,
                                const struct compare_rule *compare, const double *before,
                                const double *now, size_t n, size_t n_at_once, struct diag *d)
{
    enum status s = begin(check, arena, compare, d);
    if (s)
        return s;
    check->level = 1 - (1 - compare->level) / (double)n_at_once;
    const struct paired pairs = paired_difference(now, before, n, check->level);
    check->before = mean_of_present(before, n);
    check->now = mean_of_present(now, n);
    check->change = pairs.mean;
    check->n_pairs = pairs.n;
    check->interval = pairs.at;
    check->allowed = allowed_of(compare, check->before);
    double slack = rounding * (fabs(check->before) + fabs(check->now));
    check->missed = pairs.n == 0 ? isnan(check->now) && !isnan(check->before)
                                 : is_worse(compare, pairs.at, check->allowed + slack);
    if (fabs(check->change) <= slack)
        check->change = 0;
    const char *change = or_nomem(moved(arena, check, " on average"), &s, d);
    if (!s && pairs.n > 1)
        check->found =
            arena_printf(arena, "%s; over %zu replicates the change lies between %+.4g and %+.4g",
                         change, pairs.n, pairs.at.low, pairs.at.high);
    else
        check->found = change;
    or_nomem(check->found, &s, d);
    return s;
}
