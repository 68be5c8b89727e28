#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "studies/tune/cholesky.h"
#include "studies/tune/surrogate.h"
#include "studies/tune/surrogate_internal.h"
#include "tests/unit/arena_fixture.h"
#include "util/pcg.h"

TestSuite(surrogate, .init = setup, .fini = teardown);

static struct surrogate *fit(const struct surrogate_points *points)
{
    struct surrogate *s;

    cr_assert_eq(surrogate_fit(&s, &arena, points, NULL, &diag), ST_OK, "%s", diag.text);
    return s;
}

Test(surrogate, factors_and_inverts)
{
    struct pcg64 rng;

    pcg64_stream(&rng, 1, "test", 0);
    for (size_t n = 1; n <= 70; n += 3) {
        double a[70 * 70], u[70 * 70], inverse[70 * 70], b[70], x[70];
        for (size_t i = 0; i < n; i++) {
            x[i] = pcg64_normal(&rng);
            for (size_t j = 0; j <= i; j++)
                a[i * n + j] = a[j * n + i] =
                    exp(-fabs((double)i - (double)j) / 5) + (i == j ? 0.1 : 0);
        }
        for (size_t i = 0; i < n; i++) {
            b[i] = 0;
            for (size_t j = 0; j < n; j++)
                b[i] += a[i * n + j] * x[j];
        }
        memcpy(u, a, n * n * sizeof *a);
        cr_assert(cholesky_factor(u, n));
        cholesky_forward(u, b, n, 1);
        cholesky_back(u, b, n);
        for (size_t i = 0; i < n; i++)
            cr_assert_float_eq(b[i], x[i], 1e-11);
        cholesky_inverse(u, inverse, n);
        for (size_t i = 0; i < n; i++) {
            for (size_t j = 0; j < n; j++) {
                double sum = 0;
                for (size_t k = 0; k < n; k++)
                    sum += a[i * n + k] * inverse[k > j ? k * n + j : j * n + k];
                cr_assert_float_eq(sum, i == j, 1e-11);
            }
        }
    }
    double indefinite[] = {1, 2, 2, 1};
    cr_expect_not(cholesky_factor(indefinite, 2));
}

/* Twelve settings of two numbers and a category with one to three points each, and noise of which
 * a part is known. */
enum { N_SETTINGS = 12, N_POINTS = 24 };

static struct surrogate_points replicated(void)
{
    static const bool categorical[] = {false, false, true};
    static double x[3 * N_POINTS], y[N_POINTS], noise[N_POINTS];
    size_t n = 0;

    for (int i = 0; i < N_SETTINGS; i++) {
        for (int r = 0; r < 1 + i % 3; r++, n++) {
            double *at = x + 3 * n;
            at[0] = i * 7 % 12 / 11.0;
            at[1] = i * 5 % 13 / 12.0;
            at[2] = i % 3 / 2.0;
            y[n] = 3 + 2 * sin(4 * at[0]) + at[1] * at[1] - (i % 3 == 1 ? 0.7 : 0) +
                   0.1 * ((i * 3 + r * 5) % 7 - 3);
            noise[n] = 0.001 * (i % 4) + 0.002 * r;
        }
    }
    cr_assert_eq(n, N_POINTS);
    return (struct surrogate_points){3, categorical, N_POINTS, x, y, noise};
}

/* Computed with NumPy from the 24 x 24 covariance of the points themselves, its inverse and its
 * determinant. */
static const struct surrogate_hyper hyper = {0.05, 5.0, {0.6, 1.7, 2.5}};

Test(surrogate, predicts_as_an_independent_computation)
{
    static const double at[][3] = {
        {0.3, 0.4, 0.5}, {0.95, 0.05, 1}, {0.5, 0.5, 0}, {28 % 12 / 11.0, 20 % 13 / 12.0, 0.5}};
    static const double means[] = {4.408283015058, 2.343285231538, 5.204554497916, 4.699408324419};
    static const double variances[] = {0.088348504875, 0.357000915632, 0.068756935983,
                                       0.021927681878};
    const struct surrogate_points points = replicated();
    struct surrogate *s;

    cr_assert_eq(surrogate_condition(&s, &arena, &points, &hyper, &diag), ST_OK);
    for (size_t i = 0; i < 4; i++) {
        double mean, variance;
        surrogate_predict(s, at[i], &mean, &variance);
        cr_expect_float_eq(mean, means[i], 1e-9, "%zu: %.12f", i, mean);
        cr_expect_float_eq(variance, variances[i], 1e-9, "%zu: %.12f", i, variance);
    }
}

static double objective(const struct surrogate *s, const double *parameters, double *gradient)
{
    double *work = ARENA_NEW(&arena, surrogate_work(s->data.n), double);

    cr_assert(work);
    return surrogate_objective(&s->data, parameters, gradient, work);
}

Test(surrogate, likelihood_is_that_of_an_independent_computation_and_its_gradient_fits)
{
    const struct surrogate_points points = replicated();
    struct surrogate *s;
    double gradient[5], at[5];

    cr_assert_eq(surrogate_condition(&s, &arena, &points, &hyper, &diag), ST_OK);
    double square = s->data.scale * s->data.scale;
    for (size_t k = 0; k < 3; k++)
        at[k] = log(hyper.length_scale[k]);
    at[3] = log(hyper.signal_variance / square);
    at[4] = log(hyper.noise_variance / square - SURROGATE_NOISE_FLOOR);
    cr_expect_float_eq(objective(s, at, gradient), -5.0778144708, 1e-9);
    for (size_t p = 0; p < 5; p++) {
        double here = at[p], h = 1e-5;
        at[p] = here + h;
        double above = objective(s, at, NULL);
        at[p] = here - h;
        double below = objective(s, at, NULL);
        at[p] = here;
        cr_expect_float_eq(gradient[p], (above - below) / (2 * h), 1e-7, "%zu", p);
    }
}

/* A function of two of five dimensions at 60 settings. */
static double two_of_five(const double *x)
{
    return 10 + sin(5 * x[0]) + 2 * x[3] * x[3];
}

static struct surrogate_points random_points(size_t n, size_t n_dims,
                                             double (*function)(const double *), double deviation,
                                             struct pcg64 *rng)
{
    double *x = ARENA_NEW(&arena, n * n_dims, double), *y = ARENA_NEW(&arena, n, double);

    cr_assert(x && y);
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < n_dims; k++)
            x[i * n_dims + k] = pcg64_double(rng);
        y[i] = function(x + i * n_dims) + deviation * pcg64_normal(rng);
    }
    return (struct surrogate_points){.n_dims = n_dims, .n = n, .x = x, .y = y};
}

Test(surrogate, recovers_a_function_its_noise_and_what_does_nothing)
{
    struct pcg64 rng;

    pcg64_stream(&rng, 1, "test", 0);
    const struct surrogate_points points = random_points(80, 5, two_of_five, 0.1, &rng);
    const struct surrogate *s = fit(&points);
    const struct surrogate_hyper *found = surrogate_hyper(s);
    double squares = 0;
    for (int i = 0; i < 200; i++) {
        double x[5], mean, variance;
        for (size_t k = 0; k < 5; k++)
            x[k] = 0.1 + 0.8 * pcg64_double(&rng);
        surrogate_predict(s, x, &mean, &variance);
        squares += pow(mean - two_of_five(x), 2) / 200;
    }
    cr_expect_lt(sqrt(squares), 0.06, "%f", sqrt(squares));
    cr_expect(fabs(sqrt(found->noise_variance) - 0.1) < 0.03, "%f", sqrt(found->noise_variance));
    for (size_t k = 0; k < 5; k++) {
        if (k != 0 && k != 3)
            cr_expect_gt(found->length_scale[k], 4 * found->length_scale[3], "%zu: %f", k,
                         found->length_scale[k]);
    }
}

static double nothing(const double *x)
{
    (void)x;
    return 0;
}

Test(surrogate, twenty_points_of_noise_are_no_function)
{
    double squares = 0;

    for (uint64_t i = 0; i < 10; i++) {
        struct pcg64 rng;
        pcg64_stream(&rng, 2, "test", i);
        const struct surrogate_points points = random_points(20, 6, nothing, 1, &rng);
        const struct surrogate *s = fit(&points);
        for (int k = 0; k < 100; k++) {
            double x[6], mean, variance;
            for (size_t j = 0; j < 6; j++)
                x[j] = pcg64_double(&rng);
            surrogate_predict(s, x, &mean, &variance);
            squares += mean * mean / 1000;
        }
    }
    /* Through every point it would be about 1, and through their mean 0.05. */
    cr_expect_lt(squares, 0.25, "%f", squares);
}

/* Branin-Hoo, of the unit square. */
static double branin(const double *x)
{
    double a = 15 * x[0] - 5, b = 15 * x[1], pi = acos(-1);

    return pow(b - 5.1 / (4 * pi * pi) * a * a + 5 / pi * a - 6, 2) +
           10 * (1 - 1 / (8 * pi)) * cos(a) + 10;
}

/* How often the function lies in the 90 % interval, over 40 studies. */
static double coverage(double (*function)(const double *), size_t n, size_t n_dims,
                       double deviation)
{
    size_t n_within = 0, n_all = 0;

    for (uint64_t study = 0; study < 40; study++) {
        struct pcg64 rng;
        pcg64_stream(&rng, 3, "test", study);
        const struct surrogate_points points = random_points(n, n_dims, function, deviation, &rng);
        const struct surrogate *s = fit(&points);
        for (int i = 0; i < 50; i++, n_all++) {
            double x[SURROGATE_MAX_DIMS], mean, variance;
            for (size_t k = 0; k < n_dims; k++)
                x[k] = pcg64_double(&rng);
            surrogate_predict(s, x, &mean, &variance);
            n_within += fabs(function(x) - mean) <= 1.6449 * sqrt(variance);
        }
    }
    return (double)n_within / (double)n_all;
}

Test(surrogate, its_intervals_hold_the_function_at_their_level)
{
    double b = coverage(branin, 40, 2, 5), f = coverage(two_of_five, 40, 5, 0.2);

    cr_expect(b > 0.84 && b < 0.96, "%f", b);
    cr_expect(f > 0.84 && f < 0.96, "%f", f);
}

Test(surrogate, a_category_has_no_order)
{
    static const bool categorical[] = {true, false};
    double x[2 * 45], y[45];
    struct pcg64 rng;

    pcg64_stream(&rng, 4, "test", 0);
    for (size_t i = 0; i < 45; i++) {
        x[2 * i] = (double)(i % 3) / 2;
        x[2 * i + 1] = pcg64_double(&rng);
        y[i] = (i % 3 == 1 ? 5 : 0) + x[2 * i + 1] + 0.05 * pcg64_normal(&rng);
    }
    const struct surrogate *s = fit(&(struct surrogate_points){2, categorical, 45, x, y, NULL});
    double mean, variance, unseen;
    surrogate_predict(s, (double[]){0.5, 0.5}, &mean, &variance);
    cr_expect_float_eq(mean, 5.5, 0.1);
    surrogate_predict(s, (double[]){0, 0.5}, &mean, &variance);
    cr_expect_float_eq(mean, 0.5, 0.1);
    surrogate_predict(s, (double[]){0.25, 0.5}, &mean, &unseen);
    cr_expect_gt(unseen, 20 * variance);
}

/* Means and covariances of many draws, also of settings that are all but the same. */
Test(surrogate, draws_have_the_joint_distribution)
{
    enum { M = 6, N_DRAWS = 20000 };
    static const double at[M][3] = {{0.3, 0.4, 0.5},           {0.95, 0.05, 1}, {0.5, 0.5, 0},
                                    {4 / 11.0, 7 / 12.0, 0.5}, {0.3, 0.4, 0.5}, {0.3, 0.4001, 0.5}};
    const struct surrogate_points points = replicated();
    struct surrogate_joint *joint;
    struct surrogate *s;
    struct pcg64 rng;
    double sum[M] = {0}, product01 = 0, product03 = 0, squares[M] = {0}, apart = 0;

    pcg64_stream(&rng, 5, "test", 0);
    cr_assert_eq(surrogate_condition(&s, &arena, &points, &hyper, &diag), ST_OK);
    cr_assert_eq(surrogate_joint(&joint, &arena, s, M, at[0], &diag), ST_OK);
    for (int i = 0; i < N_DRAWS; i++) {
        double v[M], off[M];
        surrogate_joint_draw(joint, &rng, v);
        for (size_t c = 0; c < M; c++) {
            double mean, variance;
            surrogate_predict(s, at[c], &mean, &variance);
            off[c] = v[c] - mean;
            sum[c] += off[c] / N_DRAWS;
            squares[c] += off[c] * off[c] / variance / N_DRAWS;
        }
        product01 += off[0] * off[1] / N_DRAWS;
        product03 += off[0] * off[3] / N_DRAWS;
        apart = fmax(apart, fabs(v[0] - v[4]));
    }
    for (size_t c = 0; c < M; c++) {
        cr_expect_float_eq(sum[c], 0, 0.015);
        cr_expect_float_eq(squares[c], 1, 0.04);
    }
    cr_expect_float_eq(product01, 0.014604, 0.004);
    cr_expect_float_eq(product03, 0.019781, 0.002);
    cr_expect_lt(apart, 0.02);
}

Test(surrogate, same_input_same_bits)
{
    const struct surrogate_points points = replicated();
    const struct surrogate *a = fit(&points), *b = fit(&points);
    double mean[2], variance[2];

    cr_expect_eq(memcmp(surrogate_hyper(a), surrogate_hyper(b), sizeof(struct surrogate_hyper)), 0);
    surrogate_predict(a, (double[]){0.1, 0.2, 0.5}, &mean[0], &variance[0]);
    surrogate_predict(b, (double[]){0.1, 0.2, 0.5}, &mean[1], &variance[1]);
    cr_expect_eq(memcmp(&mean[0], &mean[1], sizeof mean[0]), 0);
    cr_expect_eq(memcmp(&variance[0], &variance[1], sizeof variance[0]), 0);
}

Test(surrogate, starts_from_what_was_found_before)
{
    const struct surrogate_points points = replicated();
    const struct surrogate *cold = fit(&points);
    struct surrogate *warm;

    cr_assert_eq(surrogate_fit(&warm, &arena, &points, surrogate_hyper(cold), &diag), ST_OK);
    for (size_t k = 0; k < 3; k++)
        cr_expect_float_eq(log(surrogate_hyper(warm)->length_scale[k]),
                           log(surrogate_hyper(cold)->length_scale[k]), 0.2);
}

Test(surrogate, of_degenerate_points)
{
    double x[] = {0.2, 0.8, 0.2, 0.5}, same[] = {7, 7, 7, 7}, replicates[] = {1, 0, 3, 0};
    double mean, variance;

    /* One point, and figures that are all the same: that figure. */
    surrogate_predict(fit(&(struct surrogate_points){.n_dims = 1, .n = 1, .x = x, .y = same}),
                      (double[]){0.9}, &mean, &variance);
    cr_expect(mean == 7 && variance == 0);
    surrogate_predict(fit(&(struct surrogate_points){.n_dims = 1, .n = 4, .x = x, .y = same}),
                      (double[]){0.9}, &mean, &variance);
    cr_expect(mean == 7 && variance == 0);
    /* One setting: its mean is known better than one of its points. */
    x[1] = x[3] = 0.2;
    const struct surrogate *s =
        fit(&(struct surrogate_points){.n_dims = 1, .n = 4, .x = x, .y = replicates});
    surrogate_predict(s, (double[]){0.2}, &mean, &variance);
    cr_expect_float_eq(mean, 1, 1e-9);
    cr_expect(variance > 0 && variance < surrogate_hyper(s)->noise_variance);
    /* One figure whose noise is known. */
    surrogate_predict(fit(&(struct surrogate_points){
                          .n_dims = 1, .n = 1, .x = x, .y = same, .noise = (double[]){4}}),
                      (double[]){0.2}, &mean, &variance);
    cr_expect_eq(mean, 7);
    cr_expect_gt(variance, 1);
}

Test(surrogate, refuses_what_is_no_number)
{
    static const struct {
        double x, y, noise;
        const char *text;
    } cases[] = {
        {0.5, NAN, 0, "the figure of point 1 is not finite"},
        {0.5, INFINITY, 0, "the figure of point 1 is not finite"},
        {NAN, 1, 0, "dimension 0 of point 1 is not in [0, 1]: nan"},
        {1.5, 1, 0, "dimension 0 of point 1 is not in [0, 1]: 1.5"},
        {0.5, 1, -1, "the noise of point 1 is not a variance: -1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        double x[] = {0.1, cases[i].x}, y[] = {0, cases[i].y}, noise[] = {0, cases[i].noise};
        const struct surrogate_points points = {1, NULL, 2, x, y, noise};
        struct surrogate *s;
        diag_init(&diag);
        cr_expect_eq(surrogate_fit(&s, &arena, &points, NULL, &diag), ST_INPUT);
        cr_expect_str_eq(diag.text, cases[i].text);
    }
}
