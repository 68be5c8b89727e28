/* The values of one latency family, and the figures people ask of them.
 *
 * Percentiles are NumPy's default (`linear`): the percentile p of n sorted values is the value at
 * position p / 100 * (n - 1), linearly interpolated. Up to `max_exact` values, every one is kept
 * and they are exact. With one more, the values become counts of a util/histogram.h, so memory is
 * bounded: percentiles are then within QUANTILES_ERROR of themselves (plus half a unit of the
 * values, which are counted as integers), while the mean and the maximum stay exact. */
#ifndef REPORTS_QUANTILES_H
#define REPORTS_QUANTILES_H

#include <stddef.h>
#include <stdint.h>

#include "util/histogram.h"
#include "util/status.h"

enum { QUANTILES_MAX_EXACT = 1000000 };
#define QUANTILES_ERROR (0.5 / HISTOGRAM_STEPS) /* 0.05 % */

/* The zero value is an empty collection. */
struct quantiles {
    double *value; /* all >= 0; of the first `max_exact` values */
    size_t n, capacity;
    size_t max_exact;         /* 0 = QUANTILES_MAX_EXACT; set before the first value */
    struct histogram *counts; /* of more values than that; NULL = all are in `value` */
    double sum, max;
};

/* Figures of one family. All NaN when n == 0. */
struct distribution {
    uint64_t n;
    double mean, p50, p75, p90, p95, p99, max;
};

void quantiles_release(struct quantiles *q);
/* value must be >= 0 and finite; above max_exact values also below 2^63. ST_NOMEM. */
enum status quantiles_add(struct quantiles *q, double value, struct diag *d);
/* Bound on the relative error of the percentiles: 0 or QUANTILES_ERROR. */
double quantiles_error(const struct quantiles *q);
/* The figures, each divided by `unit`. ST_NOMEM. */
enum status quantiles_distribution(const struct quantiles *q, double unit, struct distribution *out,
                                   struct diag *d);

#endif
