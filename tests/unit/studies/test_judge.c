/* One figure against what it was: what is a miss, and what is not. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "studies/gate/judge.h"
#include "tests/unit/arena_fixture.h"
#include "util/pcg.h"

TestSuite(judge, .init = setup, .fini = teardown);

static struct compare_rule comparison(enum compare_worse worse, double absolute, double relative,
                                      double level)
{
    return (struct compare_rule){.key = "gpu_hours.total",
                                 .absolute = absolute,
                                 .relative = relative,
                                 .level = level,
                                 .worse = worse};
}

static bool missed(enum compare_worse worse, double absolute, double relative, double before,
                   double now)
{
    const struct compare_rule c = comparison(worse, absolute, relative, NAN);
    struct gate_check check;

    cr_assert_eq(judge_comparison(&check, &arena, &c, before, now, &diag), ST_OK);
    return check.missed;
}

Test(judge, absolute_and_relative_tolerances)
{
    const enum compare_worse lower = COMPARE_LOWER, higher = COMPARE_HIGHER,
                             either = COMPARE_EITHER;

    cr_expect(missed(higher, 1, NAN, 10, 11.1) && !missed(higher, 1, NAN, 10, 10.9));
    cr_expect(!missed(higher, 1, NAN, 10, 2) && missed(lower, 1, NAN, 10, 2));
    cr_expect(missed(either, 1, NAN, 10, 2) && missed(either, 1, NAN, 10, 12));
    cr_expect(!missed(either, 1, NAN, 10, 9.5) && !missed(either, 1, NAN, 10, 10.5));
    cr_expect(missed(higher, NAN, 0.1, 10, 11.5) && !missed(higher, NAN, 0.1, 10, 10.5));
    cr_expect(missed(higher, NAN, 0.1, -10, -8.5) && !missed(higher, NAN, 0.1, -10, -9.5));
    cr_expect(missed(higher, NAN, 0.1, 0, 1e-9) && !missed(higher, NAN, 0.1, 0, 0));
    cr_expect(missed(higher, 0, NAN, 10, 10.0001) && !missed(higher, 0, NAN, 10, 10));
    /* On the limit it holds, whatever the last bits of the difference are. */
    cr_expect(!missed(lower, 0.01, NAN, 0.97, 0.96) && !missed(higher, 0.1, NAN, 0.2, 0.3));
    cr_expect(missed(lower, 0.01, NAN, 0.97, 0.96 - 1e-9));
}

Test(judge, a_figure_that_is_gone_is_a_miss_and_a_new_one_is_not)
{
    cr_expect(missed(COMPARE_HIGHER, 1, NAN, 10, NAN));
    cr_expect_not(missed(COMPARE_HIGHER, 1, NAN, NAN, 10));
    cr_expect_not(missed(COMPARE_HIGHER, 1, NAN, NAN, NAN));
}

static struct gate_check over_pairs(const struct compare_rule *c, const double *before,
                                    const double *now, size_t n, size_t n_at_once)
{
    struct gate_check check;

    cr_assert_eq(judge_statistically(&check, &arena, c, before, now, n, n_at_once, &diag), ST_OK);
    return check;
}

Test(judge, what_is_common_to_both_falls_out)
{
    /* Each pair 0.1 apart, give or take, though the pairs are far from each other. */
    static const double before[] = {1, 5, 9, 13, 2, 8}, now[] = {1.1, 5.11, 9.09, 13.1, 2.12, 8.08};
    const struct compare_rule higher = comparison(COMPARE_HIGHER, NAN, NAN, 0.99),
                              lower = comparison(COMPARE_LOWER, NAN, NAN, 0.99),
                              by_half = comparison(COMPARE_HIGHER, 0.05, NAN, 0.99),
                              by_all = comparison(COMPARE_HIGHER, 0.1, NAN, 0.99),
                              by_share = comparison(COMPARE_HIGHER, NAN, 0.1, 0.99);

    const struct gate_check check = over_pairs(&higher, before, now, 6, 1);
    cr_expect(check.missed);
    cr_expect_float_eq(check.change, 0.1, 1e-9);
    cr_expect_eq(check.n_pairs, 6);
    cr_expect(check.interval.low > 0.05 && check.interval.high < 0.15);
    cr_expect_not(over_pairs(&lower, before, now, 6, 1).missed);
    cr_expect(over_pairs(&by_half, before, now, 6, 1).missed);
    cr_expect_not(over_pairs(&by_all, before, now, 6, 1).missed);
    cr_expect_not(over_pairs(&by_share, before, now, 6, 1).missed);
    cr_expect(over_pairs(&lower, now, before, 6, 1).missed);
}

Test(judge, more_comparisons_ask_for_more)
{
    static const double before[] = {0, 0, 0, 0, 0}, now[] = {1, 2, 1, 3, 2};
    const struct compare_rule c = comparison(COMPARE_HIGHER, NAN, NAN, 0.99);

    cr_expect(over_pairs(&c, before, now, 5, 1).missed);
    const struct gate_check check = over_pairs(&c, before, now, 5, 100);
    cr_expect_not(check.missed);
    cr_expect_float_eq(check.level, 0.9999, 1e-12);
}

Test(judge, equal_replicates_hold_and_an_equal_shift_does_not)
{
    static const double before[] = {3, 4, 3}, now[] = {4, 5, 4};
    const struct compare_rule c = comparison(COMPARE_HIGHER, NAN, NAN, 0.999);

    cr_expect_not(over_pairs(&c, before, before, 3, 50).missed);
    cr_expect(over_pairs(&c, before, now, 3, 50).missed);
    cr_expect_not(over_pairs(&c, now, before, 3, 50).missed);
}

Test(judge, pairs_without_a_figure_are_left_out)
{
    static const double before[] = {1, NAN, 1, 1}, now[] = {2, 2, NAN, 2},
                        gone[] = {NAN, NAN, NAN, NAN};
    const struct compare_rule c = comparison(COMPARE_HIGHER, NAN, NAN, 0.9);

    cr_expect_eq(over_pairs(&c, before, now, 4, 1).n_pairs, 2);
    cr_expect(over_pairs(&c, before, gone, 4, 1).missed);
    cr_expect_not(over_pairs(&c, gone, now, 4, 1).missed);
    cr_expect_not(over_pairs(&c, gone, gone, 4, 1).missed);
}

/* Of comparisons without a difference no more are missed than the level says, one side counting. */
Test(judge, noise_is_no_miss)
{
    enum { N_TRIALS = 4000, N = 8 };
    const struct compare_rule c = comparison(COMPARE_HIGHER, NAN, NAN, 0.9);
    struct pcg64 rng;
    size_t n_missed = 0;

    pcg64_stream(&rng, 7, "noise", 0);
    for (size_t trial = 0; trial < N_TRIALS; trial++) {
        double before[N], now[N];
        for (size_t i = 0; i < N; i++) {
            before[i] = normal_quantile(pcg64_double(&rng));
            now[i] = normal_quantile(pcg64_double(&rng));
        }
        n_missed += over_pairs(&c, before, now, N, 1).missed;
    }
    cr_expect(n_missed > N_TRIALS * 0.04 && n_missed < N_TRIALS * 0.06, "%zu", n_missed);
}

Test(judge, words_say_what_was_asked_and_what_came)
{
    static const double before[] = {1, 1, 1}, now[] = {2, 2, 2.5};
    const struct compare_rule c = comparison(COMPARE_HIGHER, NAN, 0.1, 0.95);
    struct expectation e;
    struct gate_check check = over_pairs(&c, before, now, 3, 1);

    cr_expect_str_eq(check.text, "gpu_hours.total not higher by more than 10 %, 95 % sure");
    cr_expect(strstr(check.found, "it rose from 1 to 2.16667 on average (+117 %); over 3 "
                                  "replicates the change lies between"),
              "%s", check.found);
    const struct source_pos at = {"a.yaml", 3, 5};
    cr_assert_eq(expectation_parse(&e, &arena, "gpu_hours.total <= 3", at, &diag), ST_OK);
    cr_assert_eq(judge_expectation(&check, &arena, &e, NAN, 4, &diag), ST_OK);
    cr_expect(check.missed);
    cr_expect_str_eq(check.found, "it is 4");
    cr_assert_eq(judge_expectation(&check, &arena, &e, 2, NAN, &diag), ST_OK);
    cr_expect(check.missed);
}
