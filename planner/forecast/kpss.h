/* How often a series must be differenced to look stationary: repeated KPSS tests.
 * Kwiatkowski, Phillips, Schmidt and Shin (1992); choices as in pmdarima's `ndiffs`. */
#ifndef PLANNER_FORECAST_KPSS_H
#define PLANNER_FORECAST_KPSS_H

#include <stdbool.h>
#include <stddef.h>

/* p-value of the test for a constant level, within [0.01, 0.10]; NaN when it cannot be computed.
 * n >= 1. */
double kpss_p_value(const double *x, size_t n);

/* 0, 1 or 2. `work` holds n doubles and is left with the differenced series, n minus the answer
 * long. */
int kpss_n_differences(const double *x, size_t n, double *work);

/* Whether all n values are equal; n >= 1. */
bool series_is_constant(const double *x, size_t n);

#endif
