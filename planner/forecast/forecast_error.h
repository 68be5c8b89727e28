/* How far forecasts of one series were off. */
#ifndef PLANNER_FORECAST_FORECAST_ERROR_H
#define PLANNER_FORECAST_FORECAST_ERROR_H

#include <stddef.h>

/* All in the unit of the series but mape; NaN without any forecast. */
struct forecast_error {
    size_t n;          /* forecasts */
    double mae;        /* mean of |predicted - observed| */
    double mape;       /* mean of |predicted - observed| / |observed|, as a share; intervals that
                          observed 0 are left out; NaN when all did */
    double bias;       /* mean of predicted - observed: positive = too much was forecast */
    double pinball_50; /* pinball loss for the quantiles 0.5 (half the mae) and 0.9, where */
    double pinball_90; /* forecasting too little costs nine times as much as too much */
};

/* Mean pinball loss of n forecasts for a quantile in (0, 1): quantile * (observed - predicted) when
 * too little was forecast, (1 - quantile) * (predicted - observed) when too much. (Koenker and
 * Bassett, Regression quantiles, Econometrica 46, 1978.) */
double pinball_loss(double quantile, const double *observed, const double *predicted, size_t n);

struct forecast_error forecast_error_of(const double *observed, const double *predicted, size_t n);

#endif
