#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "studies/tune/effects.h"
#include "tests/unit/arena_fixture.h"
#include "util/pcg.h"

TestSuite(effects, .init = setup, .fini = teardown);

enum { MAX_DIMS = 6 };

static const struct effect_levels no_levels[MAX_DIMS];

static struct surrogate *fit(const struct surrogate_points *points)
{
    struct surrogate *s;

    cr_assert_eq(surrogate_fit(&s, &arena, points, NULL, &diag), ST_OK, "%s", diag.text);
    return s;
}

static const struct effects *find(const struct surrogate_points *points,
                                  const struct effect_levels *levels)
{
    const struct effects *found;

    cr_assert_eq(effects_find(&found, &arena, fit(points), points, levels, &diag), ST_OK, "%s",
                 diag.text);
    return found;
}

/* A sequence that fills the cube evenly (M. Roberts' generalisation of the golden ratio to three
 * dimensions). */
static void fill(double *x, size_t i)
{
    static const double step[] = {0.8191725133961645, 0.6710436067037893, 0.5497004779019703};

    for (size_t k = 0; k < 3; k++)
        x[k] = fmod(0.5 + step[k] * (double)(i + 1), 1);
}

/* Of three angles, with a = 7 and b = 0.1: indices in closed form. T. Ishigami, T. Homma, 1990. */
Test(effects, of_ishigami_are_those_known)
{
    enum { N = 160 };
    double x[3 * N], y[N], pi = acos(-1);

    for (size_t i = 0; i < N; i++) {
        double a[3];
        fill(x + 3 * i, i);
        for (size_t k = 0; k < 3; k++)
            a[k] = pi * (2 * x[3 * i + k] - 1);
        y[i] = sin(a[0]) + 7 * pow(sin(a[1]), 2) + 0.1 * pow(a[2], 4) * sin(a[0]);
    }
    const struct effects *found =
        find(&(struct surrogate_points){.n_dims = 3, .n = N, .x = x, .y = y}, no_levels);
    const double first_order[] = {0.3139, 0.4424, 0}, total[] = {0.5576, 0.4424, 0.2437};
    for (size_t k = 0; k < 3; k++) {
        cr_expect_float_eq(found->of[k].first_order, first_order[k], 0.02, "%f",
                           found->of[k].first_order);
        cr_expect_float_eq(found->of[k].total, total[k], 0.02, "%f", found->of[k].total);
        cr_expect_not(found->of[k].nothing);
        cr_expect_eq(found->pairs[4 * k], 0);
    }
    cr_expect_float_eq(found->pairs[2], 0.2437, 0.02, "%f", found->pairs[2]);
    cr_expect_eq(found->pairs[2], found->pairs[6]);
    cr_expect_lt(found->pairs[1] + found->pairs[5], 0.01);
    cr_expect_float_eq(found->mean, 3.5, 0.1, "%f", found->mean);
    cr_expect_float_eq(found->variance, 13.8446, 0.5, "%f", found->variance);
    /* 7 sin^2 is 0 at the middle and at both ends, and 7 between. */
    const struct effect *second = &found->of[1];
    cr_expect_eq(second->n_points, EFFECT_CURVE_POINTS);
    cr_expect_float_eq(second->curve[5].mean, 0, 0.5);
    cr_expect_float_eq(second->curve[0].mean, 0, 0.7);
    cr_expect_float_eq(second->range, 7 * pow(sin(0.6 * pi), 2), 0.7, "%f", second->range);
}

/* 24 settings of a category, an integer and a switch, in full: what is averaged can be written
 * out. */
enum { N_FULL = 24, N_SWITCH = 2, N_CATEGORY = 3, N_INTEGER = 4 };

static struct surrogate_points full(const struct effect_levels **levels, double noise)
{
    static const double at[][4] = {{0, 0.5, 1}, {0, 0.1, 0.4, 1}, {0, 1}};
    static const struct effect_levels all[] = {
        {N_CATEGORY, at[0]}, {N_INTEGER, at[1]}, {N_SWITCH, at[2]}};
    static const bool categorical[] = {true, false, false};
    static double x[3 * N_FULL], y[N_FULL];
    struct pcg64 rng;

    pcg64_stream(&rng, 6, "test", 0);
    for (size_t i = 0; i < N_FULL; i++) {
        size_t a = i / 8, b = i / 2 % 4, c = i % 2;
        x[3 * i] = at[0][a];
        x[3 * i + 1] = at[1][b];
        x[3 * i + 2] = at[2][c];
        y[i] = (a == 1 ? 2 : 0) + at[1][b] * (c ? 3 : 1) + noise * pcg64_normal(&rng);
    }
    *levels = all;
    return (struct surrogate_points){3, categorical, N_FULL, x, y, NULL};
}

static double square(double v)
{
    return v * v;
}

Test(effects, shares_are_those_written_out)
{
    const struct effect_levels *levels;
    const struct surrogate_points points = full(&levels, 0.3);
    const struct surrogate *s = fit(&points);
    const struct effects *found = find(&points, levels);
    double f[N_FULL], mean = 0, variance = 0, by_a[3] = {0}, by_b[4] = {0}, by_c[2] = {0},
                      by_bc[4][2] = {{0}}, by_ab[3][4] = {{0}};

    for (size_t i = 0; i < N_FULL; i++) {
        double ignored;
        surrogate_predict(s, points.x + 3 * i, &f[i], &ignored);
        mean += f[i] / 24;
    }
    for (size_t i = 0; i < N_FULL; i++) {
        double off = f[i] - mean;
        variance += off * off / 24;
        by_a[i / 8] += off / 8;
        by_b[i / 2 % 4] += off / 6;
        by_c[i % 2] += off / 12;
        by_bc[i / 2 % 4][i % 2] += off / 3;
        by_ab[i / 8][i / 2 % 4] += off / 2;
    }
    cr_expect_float_eq(found->mean, mean, 1e-9);
    cr_expect_float_eq(found->variance, variance, 1e-9);
    double a = 0, bc = 0, c_total = variance;
    for (size_t i = 0; i < 3; i++) {
        a += square(by_a[i]) / 3 / variance;
        cr_expect_float_eq(found->of[0].curve[i].mean, mean + by_a[i], 1e-9);
    }
    for (size_t i = 0; i < N_FULL; i++) {
        bc += square(by_bc[i / 2 % 4][i % 2] - by_b[i / 2 % 4] - by_c[i % 2]) / 24 / variance;
        c_total -= square(by_ab[i / 8][i / 2 % 4]) / 24;
    }
    cr_expect_float_eq(found->of[0].first_order, a, 1e-9);
    cr_expect_float_eq(found->pairs[5], bc, 1e-9);
    cr_expect_float_eq(found->of[2].total, c_total / variance, 1e-9);
    cr_expect_eq(found->of[1].n_points, N_INTEGER);
    cr_expect_float_eq(found->of[1].range, by_b[3] - by_b[0], 1e-9);
    cr_expect_gt(found->pairs[5], 0.02);
}

Test(effects, deviations_are_those_of_averaged_draws)
{
    enum { N_DRAWS = 20000 };
    const struct effect_levels *levels;
    const struct surrogate_points points = full(&levels, 0.3);
    const struct surrogate *s = fit(&points);
    const struct effects *found = find(&points, levels);
    struct surrogate_joint *joint;
    struct pcg64 rng;
    double square_of_level = 0, square_of_range = 0;

    pcg64_stream(&rng, 7, "test", 0);
    cr_assert_eq(surrogate_joint(&joint, &arena, s, N_FULL, points.x, &diag), ST_OK);
    for (int n = 0; n < N_DRAWS; n++) {
        double f[N_FULL], low = 0, high = 0;
        surrogate_joint_draw(joint, &rng, f);
        for (size_t i = 0; i < N_FULL; i++) {
            low += i / 2 % 4 == 0 ? f[i] / 6 : 0;
            high += i / 2 % 4 == 3 ? f[i] / 6 : 0;
        }
        square_of_level += square(low - found->of[1].curve[0].mean) / N_DRAWS;
        square_of_range += square(high - low - found->of[1].range) / N_DRAWS;
    }
    cr_expect_float_eq(found->of[1].curve[0].deviation / sqrt(square_of_level), 1, 0.03);
    cr_expect_float_eq(found->of[1].range_deviation / sqrt(square_of_range), 1, 0.03);
}

/* Two of six do something: those are found, and of the others one in twenty is taken for one. */
Test(effects, tell_what_does_nothing)
{
    enum { N = 50, N_STUDIES = 40 };
    size_t n_missed = 0, n_false = 0, n_curve = 0, n_held = 0;

    for (uint64_t study = 0; study < N_STUDIES; study++) {
        struct pcg64 rng;
        double x[6 * N], y[N];
        pcg64_stream(&rng, 8, "test", study);
        for (size_t i = 0; i < 6 * N; i++)
            x[i] = pcg64_double(&rng);
        for (size_t i = 0; i < N; i++)
            y[i] = sin(5 * x[6 * i]) + x[6 * i + 1] + 0.3 * pcg64_normal(&rng);
        const struct effects *found =
            find(&(struct surrogate_points){.n_dims = 6, .n = N, .x = x, .y = y}, no_levels);
        n_missed += found->of[0].nothing + found->of[1].nothing;
        for (size_t k = 2; k < 6; k++)
            n_false += !found->of[k].nothing;
        for (size_t p = 0; p < EFFECT_CURVE_POINTS; p++) {
            const struct effect_point *at = &found->of[0].curve[p];
            n_curve++;
            n_held += fabs(sin(5 * at->x) + 0.5 - at->mean) <= 1.645 * at->deviation;
        }
    }
    cr_expect_leq(n_missed, 2, "%zu", n_missed);
    cr_expect_leq(n_false, 14, "%zu of 160", n_false);
    double held = (double)n_held / (double)n_curve;
    cr_expect(held > 0.8 && held < 0.97, "%f", held);
}

Test(effects, of_figures_that_are_all_the_same_are_none)
{
    double x[] = {0, 0.2, 0.7, 0.4, 0.1, 0.9}, y[] = {5, 5, 5};
    const struct effects *found =
        find(&(struct surrogate_points){.n_dims = 2, .n = 3, .x = x, .y = y}, no_levels);

    cr_expect_eq(found->mean, 5);
    cr_expect_eq(found->variance, 0);
    for (size_t k = 0; k < 2; k++) {
        const struct effect *of = &found->of[k];
        cr_expect(of->nothing && of->first_order == 0 && of->total == 0 && of->range == 0);
    }
}

Test(effects, of_one_dimension_are_its_own)
{
    double x[20], y[20];

    for (size_t i = 0; i < 20; i++) {
        x[i] = (double)i / 19;
        y[i] = 3 * x[i];
    }
    const struct effects *found =
        find(&(struct surrogate_points){.n_dims = 1, .n = 20, .x = x, .y = y}, no_levels);
    cr_expect_float_eq(found->of[0].first_order, 1, 1e-9);
    cr_expect_float_eq(found->of[0].total, 1, 1e-9);
    cr_expect_float_eq(found->of[0].range, 3, 0.02);
    cr_expect_float_eq(found->variance, 0.75, 0.01);
    cr_expect_not(found->of[0].nothing);
}

Test(effects, a_category_needs_its_levels)
{
    const struct effect_levels *levels;
    const struct surrogate_points points = full(&levels, 0);
    const struct effects *found;

    cr_expect_eq(effects_find(&found, &arena, fit(&points), &points, no_levels, &diag), ST_INPUT);
    cr_expect_str_eq(diag.text, "dimension 0 is a category without levels");
}
