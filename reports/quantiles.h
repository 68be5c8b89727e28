/* The values of one latency family, and the figures people ask of them.
 *
 * Every value is kept and percentiles are exact: NumPy's default definition (`linear`), where the
 * percentile p of n sorted values is the value at position p / 100 * (n - 1), linearly
 * interpolated. Nobody outside this module sees how the values are kept. */
#ifndef REPORTS_QUANTILES_H
#define REPORTS_QUANTILES_H

#include <stddef.h>
#include <stdint.h>

#include "util/status.h"

/* The zero value is an empty collection. */
struct quantiles {
    double *value; /* all >= 0 */
    size_t n, capacity;
    double sum;
};

/* Figures of one family. All NaN when n == 0. */
struct distribution {
    uint64_t n;
    double mean, p50, p75, p90, p95, p99, max;
};

void quantiles_release(struct quantiles *q);
/* value must be >= 0 and finite. ST_NOMEM. */
enum status quantiles_add(struct quantiles *q, double value, struct diag *d);
/* The figures, each divided by `unit`. Sorts the values in place. ST_NOMEM. */
enum status quantiles_distribution(struct quantiles *q, double unit, struct distribution *out,
                                   struct diag *d);

#endif
