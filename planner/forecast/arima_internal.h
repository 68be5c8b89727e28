/* Parts of arima.c shared between its files and with their tests. */
#ifndef PLANNER_FORECAST_ARIMA_INTERNAL_H
#define PLANNER_FORECAST_ARIMA_INTERNAL_H

#include "planner/forecast/arima.h"

size_t arima_n_params(struct arima_order order);

/* Starting values by conditional least squares on y, differenced here. false = out of memory. */
bool arima_start_params(const double *y, size_t n, struct arima_order order, double *params);

/* Whether all roots of 1 + coefs[0] z + ... + coefs[n-1] z^n lie outside the circle of radius 1 /
 * bound. */
bool arima_roots_within(const double *coefs, size_t n, double bound);

/* Between coefficients and unbounded numbers that always stand for a stationary process. Monahan
 * (1984). */
void arima_constrain(const double *free, size_t n, double *coefs);
void arima_unconstrain(const double *coefs, size_t n, double *free);

/* Log-likelihood without the first d terms, and (when asked) the one-step forecast. false when the
 * filter cannot be started. */
bool arima_filter(const double *y, size_t n, struct arima_order order, const double *params,
                  double *log_likelihood, double *forecast);

#endif
