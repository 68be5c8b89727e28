#include <criterion/criterion.h>
#include <math.h>

#include "reports/quantiles.h"

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
