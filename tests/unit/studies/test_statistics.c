#include <cjson/cJSON.h>
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "studies/statistics.h"

static void near(double got, double want, double tolerance)
{
    cr_expect(fabs(got - want) <= tolerance * fabs(want), "%.17g, not %.17g", got, want);
}

/* Made by make_references.py beside it. */
static const cJSON *references(const char *key)
{
    static char text[65536];
    FILE *in = fopen(TEST_DATA_DIR "/statistics/scipy.json", "r");

    cr_assert(in);
    text[fread(text, 1, sizeof text - 1, in)] = '\0';
    fclose(in);
    const cJSON *found = cJSON_GetObjectItem(cJSON_Parse(text), key);
    cr_assert(found);
    return found;
}

static double number(const cJSON *array, int index)
{
    return cJSON_GetArrayItem(array, index)->valuedouble;
}

static double member(const cJSON *object, const char *key)
{
    return cJSON_GetObjectItem(object, key)->valuedouble;
}

enum { MAX_SAMPLE = 64 };
static size_t sample_from(double sample[MAX_SAMPLE], const cJSON *object, const char *key)
{
    const cJSON *array = cJSON_GetObjectItem(object, key);
    size_t n = (size_t)cJSON_GetArraySize(array);

    for (size_t i = 0; i < n; i++)
        sample[i] = number(array, (int)i);
    return n;
}

static double dof_of(double recorded)
{
    return recorded < 0 ? INFINITY : recorded;
}

Test(statistics, quantiles_are_those_of_scipy)
{
    const cJSON *row;

    cJSON_ArrayForEach(row, references("quantiles"))
        near(student_quantile(number(row, 0), dof_of(number(row, 1))), number(row, 2), 1e-11);
}

Test(statistics, cdfs_are_those_of_scipy)
{
    const cJSON *row;

    cJSON_ArrayForEach(row, references("cdfs"))
        near(student_cdf(number(row, 0), dof_of(number(row, 1))), number(row, 2), 1e-11);
}

Test(statistics, quantiles_have_closed_forms)
{
    const double pi = acos(-1);

    for (double p = 0.01; p < 1; p += 0.07) {
        near(student_quantile(p, 1), tan(pi * (p - 0.5)), 1e-12);
        near(student_quantile(p, 2), (2 * p - 1) / sqrt(2 * p * (1 - p)), 1e-12);
        near(normal_cdf(normal_quantile(p)), p, 1e-14);
    }
    cr_expect_eq(normal_quantile(0.5), 0);
    cr_expect_eq(normal_quantile(0), -INFINITY);
    cr_expect_eq(student_quantile(1, 3), INFINITY);
}

Test(statistics, moments)
{
    const double sample[] = {1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16};
    const double equal[] = {0.1, 0.1, 0.1};
    struct moments m = sample_moments(sample, 4);

    cr_expect_eq(m.n, 4);
    cr_expect_eq(m.mean, 1e9 + 10);
    cr_expect_eq(m.variance, 30);
    m = sample_moments(equal, 3);
    cr_expect_eq(m.mean, 0.1);
    cr_expect_eq(m.variance, 0);
    cr_expect_eq(sample_moments(sample, 1).variance, INFINITY);
}

/* 1, 2, 3: mean 2, variance 1, t(0.975; 2) = 4.302652729749464. */
Test(statistics, interval_of_a_mean)
{
    const struct moments m = sample_moments((double[]){1, 2, 3}, 3);
    const struct moments one = sample_moments((double[]){1}, 1);
    const struct range r = mean_interval(&m, 0.95);

    near(r.low, 2 - 4.302652729749464 / sqrt(3), 1e-12);
    near(r.high, 2 + 4.302652729749464 / sqrt(3), 1e-12);
    cr_expect_eq(mean_interval(&one, 0.5).low, -INFINITY);
    cr_expect_eq(mean_interval(&one, 0.5).high, INFINITY);
}

Test(statistics, paired_differences_are_those_of_scipy)
{
    double a[MAX_SAMPLE], b[MAX_SAMPLE];
    const cJSON *row;

    cJSON_ArrayForEach(row, references("pairs"))
    {
        size_t n = sample_from(a, row, "a");
        sample_from(b, row, "b");
        const struct paired p = paired_difference(a, b, n, 0.95);
        cr_expect_eq(p.n, n);
        near(p.mean, member(row, "mean"), 1e-12);
        near(p.at.low, member(row, "low"), 1e-9);
        near(p.at.high, member(row, "high"), 1e-9);
        near(p.p_t, member(row, "p_t"), 1e-10);
        cr_expect_eq(p.told_apart, p.p_t < 0.05);
    }
}

Test(statistics, pairs_without_a_figure_are_left_out)
{
    const double a[] = {NAN, 5, 7, 9, 2}, b[] = {1, 4, 5, 6, NAN};
    const struct paired p = paired_difference(a, b, 5, 0.95);
    const struct paired none = paired_difference(a, b, 1, 0.95);
    const struct paired one = paired_difference(a + 1, b + 1, 1, 0.95);

    cr_expect_eq(p.n, 3);
    cr_expect_eq(p.mean, 2);
    cr_expect(none.n == 0 && isnan(none.mean) && !none.told_apart);
    cr_expect(one.n == 1 && one.mean == 1 && one.p_t == 1 && !one.told_apart);
}

Test(statistics, pairs_of_a_constant_difference)
{
    const double a[] = {1.5, 2.5, 3.5}, b[] = {1, 2, 3};
    const struct paired p = paired_difference(a, b, 3, 0.95);
    const struct paired equal = paired_difference(a, a, 3, 0.95);

    cr_expect(p.at.low == 0.5 && p.at.high == 0.5 && p.told_apart && p.p_t == 0);
    cr_expect(equal.at.low == 0 && equal.at.high == 0 && !equal.told_apart && equal.p_t == 1);
}

/* 1, 2, 3: one more is off the mean by sqrt(1 + 1/3) t. */
Test(statistics, prediction_of_any_figure)
{
    const struct prediction p = prediction_of((double[]){1, 2, 3}, 3, FIGURE_ANY);

    near(prediction_at_most(&p, 2 + 4.302652729749464 * sqrt(4.0 / 3)), 0.975, 1e-12);
    near(prediction_at_most(&p, 2), 0.5, 1e-12);
}

Test(statistics, prediction_on_the_scale_of_the_figure)
{
    const double positive[] = {exp(1), exp(2), exp(3)};
    const double share[] = {1 / (1 + exp(-1)), 1 / (1 + exp(-2)), 1 / (1 + exp(-3))};
    const double with_0[] = {0, 1, 2}, with_1[] = {0.2, 0.6, 1};
    double off = 4.302652729749464 * sqrt(4.0 / 3);
    struct prediction p = prediction_of(positive, 3, FIGURE_POSITIVE);

    near(prediction_at_most(&p, exp(2 - off)), 0.025, 1e-9);
    p = prediction_of(share, 3, FIGURE_SHARE);
    near(prediction_at_most(&p, 1 / (1 + exp(-2 - off))), 0.975, 1e-9);
    cr_expect_eq(prediction_at_most(&p, 1), 1);
    p = prediction_of(with_0, 3, FIGURE_POSITIVE);
    near(prediction_at_most(&p, 1 + off), 0.975, 1e-9);
    p = prediction_of(with_1, 3, FIGURE_SHARE);
    near(prediction_at_most(&p, 0.6), 0.5, 1e-9);
}

Test(statistics, prediction_of_equal_draws_is_sure)
{
    const double equal[] = {1, 1, 1, 1};

    for (int scale = FIGURE_ANY; scale <= FIGURE_SHARE; scale++) {
        const struct prediction p = prediction_of(equal, 4, scale);
        cr_expect_eq(prediction_at_most(&p, 0.99), 0);
        cr_expect_eq(prediction_at_most(&p, 1), 1);
    }
}

Test(statistics, prediction_of_one_draw_is_anything)
{
    const struct prediction p = prediction_of((double[]){0.5}, 1, FIGURE_SHARE);

    cr_expect_eq(prediction_at_most(&p, 0.2), 0.5);
}
