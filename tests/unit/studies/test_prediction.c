#include <criterion/criterion.h>
#include <math.h>

#include "studies/prediction.h"
#include "util/pcg.h"

static const struct range no_limits = {-INFINITY, INFINITY};

Test(prediction, of_many_draws_lies_between_ranks)
{
    double sorted[39];
    struct prediction_rule rule = prediction_rule(39, 0.9);

    for (int i = 0; i < 39; i++)
        sorted[i] = i;
    /* Ranks 2 and 38 of 40. */
    cr_expect_float_eq(prediction_range(sorted, &rule, no_limits).low, 1, 1e-12);
    cr_expect_float_eq(prediction_range(sorted, &rule, no_limits).high, 37, 1e-12);
    /* 1.25 and 23.75 of 25. */
    rule = prediction_rule(24, 0.9);
    cr_expect_float_eq(prediction_range(sorted, &rule, no_limits).low, 0.25, 1e-12);
    cr_expect_float_eq(prediction_range(sorted, &rule, no_limits).high, 22.75, 1e-12);
    /* The whole range is what 39 draws give for 0.95, and what 19 give for 0.9. */
    rule = prediction_rule(39, 0.95);
    cr_expect_float_eq(rule.rank, 1, 1e-12);
    cr_expect_float_eq(rule.beyond, 0, 1e-12);
    rule = prediction_rule(19, 0.9);
    cr_expect_float_eq(rule.rank, 1, 1e-12);
    cr_expect_float_eq(rule.beyond, 0, 1e-12);
}

/* Of two exponential draws (2 / (2 + c) + 1 / (1 + 2 c)) / 3 is missed; of 20 normal ones an
 * integral over their range, here by Monte Carlo. */
Test(prediction, of_few_draws_goes_on_beyond_them)
{
    enum { N = 20, N_TIMES = 40000 };
    const double c = prediction_rule(2, 0.95).beyond;
    const struct prediction_rule rule = prediction_rule(N, 0.95);
    struct pcg64 rng;
    int n_missed = 0;

    cr_expect_float_eq((2 / (2 + c) + 1 / (1 + 2 * c)) / 3, 0.05, 1e-9);
    pcg64_stream(&rng, 1, "test", 0);
    for (int t = 0; t < N_TIMES; t++) {
        double sorted[N];
        for (int i = 0; i < N; i++)
            sorted[i] = pcg64_normal(&rng);
        double next = pcg64_normal(&rng);
        sample_sort(sorted, N);
        const struct range r = prediction_range(sorted, &rule, no_limits);
        n_missed += next < r.low || next > r.high;
    }
    cr_expect_float_eq((double)n_missed / N_TIMES, 0.05, 0.004, "%d", n_missed);
}

/* Down to the range that holds for any distribution, without a step. */
Test(prediction, is_the_shorter_the_more_draws)
{
    double last = INFINITY;

    cr_expect_eq(prediction_rule(1, 0.95).beyond, INFINITY);
    for (size_t n = 2; n <= 39; n++) {
        double beyond = prediction_rule(n, 0.95).beyond;
        cr_expect(beyond < last, "%zu: %g", n, beyond);
        last = beyond;
    }
    cr_expect(prediction_rule(38, 0.95).beyond < 0.004);
}

static double uniform(struct pcg64 *rng)
{
    return pcg64_double(rng);
}

static double exponential(struct pcg64 *rng)
{
    return pcg64_exponential(rng, 1);
}

static double lognormal(struct pcg64 *rng)
{
    return pcg64_lognormal(rng, 0.5);
}

static double two_humps(struct pcg64 *rng)
{
    return pcg64_normal(rng) + (pcg64_double(rng) < 0.3 ? 6 : 0);
}

/* Whatever the shape, as often as it says or nearly so. */
Test(prediction, holds_the_next_draw)
{
    static double (*const draws[])(struct pcg64 *) = {uniform, exponential, lognormal, two_humps};
    static const size_t sizes[] = {5, 20, 60};
    enum { N_TIMES = 3000 };
    struct pcg64 rng;

    pcg64_stream(&rng, 2, "test", 0);
    for (size_t s = 0; s < 3; s++) {
        const struct prediction_rule rule = prediction_rule(sizes[s], 0.95);
        for (size_t k = 0; k < 4; k++) {
            int n_within = 0;
            for (int t = 0; t < N_TIMES; t++) {
                double sorted[60];
                for (size_t i = 0; i < sizes[s]; i++)
                    sorted[i] = draws[k](&rng);
                double next = draws[k](&rng);
                sample_sort(sorted, sizes[s]);
                const struct range r = prediction_range(sorted, &rule, no_limits);
                n_within += next >= r.low && next <= r.high;
            }
            cr_expect((double)n_within / N_TIMES > 0.935, "%zu of distribution %zu: %d", sizes[s],
                      k, n_within);
        }
    }
}

Test(prediction, keeps_to_the_limits_of_the_figure)
{
    const struct range shares = {0, 1};
    struct prediction_rule rule = prediction_rule(4, 0.95);

    cr_expect_eq(prediction_range((double[]){0.1, 0.5, 0.8, 0.9}, &rule, shares).low, 0);
    cr_expect_eq(prediction_range((double[]){0.1, 0.5, 0.8, 0.9}, &rule, shares).high, 1);
    rule = prediction_rule(1, 0.95);
    cr_expect_eq(prediction_range((double[]){0.4}, &rule, shares).low, 0);
    cr_expect_eq(prediction_range((double[]){0.4}, &rule, shares).high, 1);
}

Test(prediction, of_equal_draws_has_no_width)
{
    for (size_t n = 2; n <= 4; n++) {
        const struct prediction_rule rule = prediction_rule(n, 0.95);
        const struct range r = prediction_range((double[]){0.1, 0.1, 0.1, 0.1}, &rule, no_limits);
        cr_expect(r.low == 0.1 && r.high == 0.1);
    }
}
