/* Counts by value on a log-linear scale, for token-level figures that would not fit as single
 * values.
 *
 * Every power of two is cut into HISTOGRAM_STEPS equal buckets, so a value is known within
 * 1 / (2 * HISTOGRAM_STEPS) of itself (0.05 %) when the middle of the bucket is reported; values
 * below HISTOGRAM_STEPS are exact. Sum, minimum and maximum are exact. Two histograms add bucket by
 * bucket (the scheme of HdrHistogram, with a fixed range). Values are non-negative integers
 * (nanoseconds). */
#ifndef UTIL_HISTOGRAM_H
#define UTIL_HISTOGRAM_H

#include <stdbool.h>
#include <stdint.h>

enum {
    HISTOGRAM_STEPS = 1024,
    HISTOGRAM_MAX_BITS = 56, /* 2^56 ns = 2.3 years; larger values count in the last bucket */
    HISTOGRAM_BUCKETS = (HISTOGRAM_MAX_BITS - 10 + 1) * HISTOGRAM_STEPS
};

struct histogram {
    uint64_t n;
    int64_t min, max; /* of the values; 0 when n == 0 */
    double sum;
    uint64_t count[HISTOGRAM_BUCKETS];
};

/* The zero value is an empty histogram. */
void histogram_add(struct histogram *h, int64_t value, uint64_t weight);
/* The n values first, first + slope, first + 2 slope, ... (each rounded), with the same weight;
 * slope may be of any sign as long as no value is negative. Costs one step per bucket crossed, not
 * per value. */
void histogram_add_ramp(struct histogram *h, double first, double slope, uint64_t n,
                        uint64_t weight);

/* Value of the element of rank q * (n - 1) (rounded down) in ascending order, q in [0, 1]: the
 * middle of its bucket, held within [min, max]. NaN when empty. */
double histogram_quantile(const struct histogram *h, double q);
/* The same of the element of a rank from 0 to n - 1. */
double histogram_at_rank(const struct histogram *h, uint64_t rank);
/* The values one after the other, as those above have them, with how many there are of each: from
 * *bucket on, which is 0 at first. false after the last. */
bool histogram_next(const struct histogram *h, unsigned *bucket, double *value, uint64_t *n);
double histogram_mean(const struct histogram *h);

#endif
