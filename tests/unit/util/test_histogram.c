#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "util/histogram.h"
#include "util/pcg.h"

enum { N = 200000 };

static struct histogram *empty(void)
{
    struct histogram *h = calloc(1, sizeof *h);
    cr_assert_not_null(h);
    return h;
}

static int ascending(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int64_t *lognormal(uint64_t seed, double median, double sigma)
{
    int64_t *values = malloc(N * sizeof *values);
    struct pcg64 rng;
    cr_assert_not_null(values);
    pcg64_seed(&rng, seed, 1);
    for (int i = 0; i < N; i++)
        values[i] = llrint(median * exp(sigma * pcg64_normal(&rng)));
    return values;
}

Test(histogram, quantiles_of_lognormal_data_are_within_0_05_percent)
{
    static const double q[] = {0, 0.001, 0.01, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.99999, 1};
    struct histogram *h = empty();
    int64_t *values = lognormal(7, 12e6, 1.2);
    double sum = 0;
    for (int i = 0; i < N; i++) {
        histogram_add(h, values[i], 1);
        sum += (double)values[i];
    }
    qsort(values, N, sizeof *values, ascending);
    for (size_t i = 0; i < sizeof q / sizeof *q; i++) {
        double exact = (double)values[(size_t)(q[i] * (N - 1))];
        cr_assert_float_eq(histogram_quantile(h, q[i]), exact, 0.0005 * exact, "q = %g", q[i]);
    }
    cr_assert_eq(h->n, N);
    cr_assert_eq(h->min, values[0]);
    cr_assert_eq(h->max, values[N - 1]);
    cr_assert_float_eq(histogram_mean(h), sum / N, 1e-9 * sum / N);
    free(values);
    free(h);
}

Test(histogram, small_values_are_exact)
{
    struct histogram *h = empty();
    for (int64_t v = 0; v < HISTOGRAM_STEPS; v++)
        histogram_add(h, v, 1);
    for (int64_t v = 0; v < HISTOGRAM_STEPS; v++)
        cr_assert_eq(histogram_quantile(h, (double)v / (HISTOGRAM_STEPS - 1)), (double)v);
    free(h);
}

Test(histogram, zero_is_a_value_like_any_other)
{
    struct histogram *h = empty();
    histogram_add(h, 0, 1);
    cr_assert_eq(h->n, 1);
    cr_assert_eq(histogram_quantile(h, 0.5), 0);
    histogram_add(h, 5, 1);
    cr_assert_eq(h->min, 0);
    cr_assert_eq(histogram_mean(h), 2.5);
    free(h);
}

Test(histogram, values_beyond_the_range_keep_count_extremes_and_order)
{
    struct histogram *h = empty();
    histogram_add(h, 1000, 1);
    histogram_add(h, INT64_MAX, 1);
    histogram_add(h, INT64_C(1) << HISTOGRAM_MAX_BITS, 1);
    cr_assert_eq(h->n, 3);
    cr_assert_eq(h->max, INT64_MAX);
    cr_assert_eq(h->count[HISTOGRAM_BUCKETS - 1], 2);
    cr_assert_float_eq(histogram_quantile(h, 0), 1000, 0.5);
    cr_assert_gt(histogram_quantile(h, 1), 0.999 * ldexp(1, HISTOGRAM_MAX_BITS));
    free(h);
}

Test(histogram, every_power_of_two_up_to_the_range_is_within_the_error)
{
    for (int bits = 0; bits < HISTOGRAM_MAX_BITS; bits++)
        for (int64_t offset = -1; offset <= 1; offset++) {
            struct histogram *h = empty();
            int64_t value = (INT64_C(1) << bits) + offset;
            histogram_add(h, 0, 1); /* so that min and max do not give the answer away */
            histogram_add(h, value, 1);
            histogram_add(h, INT64_MAX, 1);
            cr_assert_float_eq(histogram_quantile(h, 0.5), (double)value, 0.0005 * (double)value);
            free(h);
        }
}

Test(histogram, a_weight_counts_so_often)
{
    struct histogram *h = empty();
    histogram_add(h, 10, 99);
    histogram_add(h, 1000, 1);
    histogram_add(h, 5, 0);
    cr_assert_eq(h->n, 100);
    cr_assert_eq(h->min, 10, "a weight of 0 adds nothing");
    cr_assert_eq(histogram_quantile(h, 0.98), 10);
    cr_assert_eq(histogram_quantile(h, 1), 1000);
    cr_assert_eq(histogram_mean(h), (99 * 10 + 1000) / 100.0);
    free(h);
}

Test(histogram, empty_has_no_quantile_and_no_mean)
{
    struct histogram *h = empty();
    cr_assert(isnan(histogram_quantile(h, 0.5)));
    cr_assert(isnan(histogram_mean(h)));
    free(h);
}

/* The same values one by one, of which each may round to the bucket beside it. */
static void check_ramp(double first, double slope, uint64_t n, uint64_t weight)
{
    struct histogram *ramp = empty(), *single = empty();
    histogram_add_ramp(ramp, first, slope, n, weight);
    for (uint64_t i = 0; i < n; i++)
        histogram_add(single, llrint(first + slope * (double)i), weight);
    cr_assert_eq(ramp->n, single->n);
    cr_assert_eq(ramp->min, single->min);
    cr_assert_eq(ramp->max, single->max);
    cr_assert_float_eq(ramp->sum, single->sum, 0.5 * (double)(n * weight));
    uint64_t ramp_below = 0, single_below = 0;
    for (int i = 0; i < HISTOGRAM_BUCKETS; i++) {
        ramp_below += ramp->count[i];
        single_below += single->count[i];
        cr_assert_leq(ramp_below, single_below + weight, "bucket %d", i);
        cr_assert_leq(single_below, ramp_below + weight, "bucket %d", i);
    }
    cr_assert_eq(ramp_below, n * weight);
    free(ramp);
    free(single);
}

Test(histogram, a_ramp_is_its_values_one_by_one)
{
    struct pcg64 rng;
    pcg64_seed(&rng, 11, 1);
    check_ramp(0, 0, 10, 3);
    check_ramp(5, 1, 1, 1);
    check_ramp(0, 0.1, 5000, 1);
    check_ramp(2047.5, 0.5, 100, 2);
    check_ramp(1e6, -100, 9999, 7);
    for (int i = 0; i < 100; i++) {
        double first = 20e6 * pcg64_double(&rng), slope = 2e4 * pcg64_double(&rng);
        check_ramp(first, slope, 1 + pcg64_below(&rng, 2000), 1 + pcg64_below(&rng, 64));
        check_ramp(first + 4e7, -slope, 1 + pcg64_below(&rng, 2000), 1);
    }
    struct histogram *h = empty();
    histogram_add_ramp(h, 5, 1, 0, 1);
    histogram_add_ramp(h, 5, 1, 1, 0);
    cr_assert_eq(h->n, 0);
    free(h);
}
