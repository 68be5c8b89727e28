#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "reports/quantiles.h"
#include "util/pcg.h"

static struct distribution figures_of(const double *values, size_t n, double unit)
{
    struct quantiles q = {0};
    struct distribution figures;
    struct diag d;

    diag_init(&d);
    for (size_t i = 0; i < n; i++)
        cr_assert_eq(quantiles_add(&q, values[i], &d), ST_OK);
    cr_assert_eq(quantiles_distribution(&q, unit, &figures, &d), ST_OK);
    quantiles_release(&q);
    return figures;
}

Test(quantiles, five_values_as_numpy)
{
    struct distribution f = figures_of((double[]){50, 15, 40, 20, 35}, 5, 1);
    cr_assert_eq(f.n, 5);
    cr_assert_eq(f.mean, 32);
    cr_assert_eq(f.p50, 35.0);
    cr_assert_eq(f.p75, 40.0);
    cr_assert_eq(f.p90, 46.0);
    cr_assert_eq(f.p95, 48.0);
    cr_assert_eq(f.p99, 49.6);
    cr_assert_eq(f.max, 50);
}

Test(quantiles, unsorted_values_as_numpy_to_the_last_bit)
{
    double values[37];
    for (int i = 0; i < 37; i++)
        values[i] = i * 7919 % 1009 * 1.25;
    struct distribution f = figures_of(values, 37, 1);
    cr_assert_eq(f.mean, 648.0405405405405);
    cr_assert_eq(f.p50, 682.5);
    cr_assert_eq(f.p75, 951.25);
    cr_assert_eq(f.p90, 1120.75);
    cr_assert_eq(f.p95, 1190.9999999999998);
    cr_assert_eq(f.p99, 1243.2);
    cr_assert_eq(f.max, 1256.25);
}

Test(quantiles, many_values_as_numpy_to_the_last_bit)
{
    enum { N = 20000 };
    static double values[N];
    for (uint64_t i = 0; i < N; i++)
        values[i] = (double)(i * 2654435761 % 4294967296);
    struct distribution f = figures_of(values, N, 1);
    cr_assert_eq(f.mean, 2147271998.0536);
    cr_assert_eq(f.p50, 2147142237.0);
    cr_assert_eq(f.p75, 3220819324.75);
    cr_assert_eq(f.p90, 3865383481.6000004);
    cr_assert_eq(f.p95, 4080004683.2999997);
    cr_assert_eq(f.p99, 4251890278.1099997);
    cr_assert_eq(f.max, 4294708351.0);
}

static int ascending(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static double of_sorted(const double *value, size_t n, double percent)
{
    double position = percent / 100 * (double)(n - 1), below = floor(position),
           t = position - below;
    double a = value[(size_t)below], b = value[(size_t)ceil(position)];
    return t < 0.5 ? a + (b - a) * t : b - (b - a) * (1 - t);
}

Test(quantiles, values_of_any_spread_as_sorted)
{
    enum { N = 3000 };
    static double values[N];
    struct pcg64 rng;

    pcg64_seed(&rng, 7, 1);
    for (int round = 0; round < 300; round++) {
        size_t n = 1 + (size_t)(pcg64_double(&rng) * (round % 3 ? 30 : N));
        double spread = pcg64_double(&rng) * (round % 2 ? 20 : 0.01), zeros = round % 5 ? 0 : 0.6;
        for (size_t i = 0; i < n; i++)
            values[i] =
                pcg64_double(&rng) < zeros ? 0 : floor(1e6 * exp(spread * pcg64_normal(&rng)));
        struct distribution f = figures_of(values, n, 1);
        qsort(values, n, sizeof *values, ascending);
        cr_assert_eq(f.p50, of_sorted(values, n, 50));
        cr_assert_eq(f.p75, of_sorted(values, n, 75));
        cr_assert_eq(f.p90, of_sorted(values, n, 90));
        cr_assert_eq(f.p95, of_sorted(values, n, 95));
        cr_assert_eq(f.p99, of_sorted(values, n, 99));
        cr_assert_eq(f.max, values[n - 1]);
    }
}

Test(quantiles, unit_divides_every_figure)
{
    struct distribution f = figures_of((double[]){7e6, 7.25e6}, 2, 1e6);
    cr_assert_eq(f.mean, 7.125);
    cr_assert_eq(f.p50, 7.125);
    cr_assert_eq(f.p75, 7.1875);
    cr_assert_eq(f.max, 7.25);
}

Test(quantiles, one_value_is_every_percentile)
{
    struct distribution f = figures_of((double[]){-0.0}, 1, 1);
    cr_assert(f.mean == 0 && f.p50 == 0 && f.p99 == 0 && f.max == 0);
    f = figures_of((double[]){3}, 1, 1);
    cr_assert(f.mean == 3 && f.p50 == 3 && f.p99 == 3 && f.max == 3);
}

Test(quantiles, nothing_has_no_figures)
{
    struct distribution f = figures_of(NULL, 0, 1);
    cr_assert_eq(f.n, 0);
    cr_assert(isnan(f.mean) && isnan(f.p50) && isnan(f.p75) && isnan(f.p90) && isnan(f.p95) &&
              isnan(f.p99) && isnan(f.max));
}

Test(quantiles, more_values_may_follow_the_figures)
{
    struct quantiles q = {0};
    struct distribution f;
    struct diag d;

    diag_init(&d);
    quantiles_add(&q, 5, &d);
    quantiles_add(&q, 1, &d);
    quantiles_distribution(&q, 1, &f, &d);
    cr_assert_eq(f.p50, 3);
    quantiles_add(&q, 0.5, &d);
    quantiles_distribution(&q, 1, &f, &d);
    cr_assert_eq(f.p50, 1);
    cr_assert_eq(f.max, 5);
    quantiles_release(&q);
}

/* The same values in a collection that keeps all, and in one that keeps `max_exact`. */
static void both(const double *values, size_t n, size_t max_exact, struct distribution *all,
                 struct distribution *few)
{
    struct quantiles q = {.max_exact = max_exact};
    struct diag d;

    diag_init(&d);
    *all = figures_of(values, n, 1);
    for (size_t i = 0; i < n; i++)
        cr_assert_eq(quantiles_add(&q, values[i], &d), ST_OK);
    cr_assert_eq(quantiles_error(&q), n > max_exact ? 0.5 / 1024 : 0);
    cr_assert_eq(quantiles_distribution(&q, 1, few, &d), ST_OK);
    quantiles_release(&q);
}

static void check_close(double got, double exact)
{
    cr_assert(fabs(got - exact) <= QUANTILES_ERROR * exact + 0.5, "%.17g, exactly %.17g", got,
              exact);
}

Test(quantiles, as_many_as_are_kept_are_exact)
{
    double values[100];
    struct distribution all, few;

    for (int i = 0; i < 100; i++)
        values[i] = i * 7919 % 1009 * 1.25e6;
    both(values, 100, 100, &all, &few);
    cr_assert_eq(few.p50, all.p50);
    cr_assert_eq(few.p99, all.p99);
}

Test(quantiles, one_more_is_within_the_stated_error_with_exact_mean_and_maximum)
{
    enum { N = 50000 };
    double *values = malloc(N * sizeof *values);
    struct distribution all, few;
    struct pcg64 rng;

    pcg64_seed(&rng, 5, 1);
    for (int i = 0; i < N; i++)
        values[i] = 2e8 * exp(1.5 * pcg64_normal(&rng));
    values[77] = 3.6e12 * 24 * 200; /* two hundred days: of a queue that never got shorter */
    const size_t max_exact[] = {1, 1000, N - 1};
    for (size_t i = 0; i < sizeof max_exact / sizeof *max_exact; i++) {
        both(values, N, max_exact[i], &all, &few);
        cr_assert_eq(few.n, N);
        cr_assert_eq(few.mean, all.mean);
        cr_assert_eq(few.max, all.max);
        check_close(few.p50, all.p50);
        check_close(few.p75, all.p75);
        check_close(few.p90, all.p90);
        check_close(few.p95, all.p95);
        check_close(few.p99, all.p99);
    }
    free(values);
}

Test(quantiles, counted_values_are_interpolated_between_ranks)
{
    const double values[] = {1e9, 2e9, 4e9, 8e9};
    struct distribution all, few;

    both(values, 4, 1, &all, &few);
    check_close(few.p50, 3e9);
    check_close(few.p90, 6.8e9);
}

Test(quantiles, more_values_may_follow_the_counted_figures)
{
    struct quantiles q = {.max_exact = 2};
    struct distribution f;
    struct diag d;

    diag_init(&d);
    for (int i = 1; i <= 3; i++)
        quantiles_add(&q, 100 * i, &d);
    quantiles_distribution(&q, 1, &f, &d);
    cr_assert_eq(f.p50, 200);
    quantiles_add(&q, 400, &d);
    quantiles_add(&q, 500, &d);
    quantiles_distribution(&q, 1, &f, &d);
    cr_assert_eq(f.p50, 300);
    cr_assert_eq(f.n, 5);
    quantiles_release(&q);
    cr_assert_eq(quantiles_error(&q), 0);
}
