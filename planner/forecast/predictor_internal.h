/* What the predictors share among themselves. */
#ifndef PLANNER_FORECAST_PREDICTOR_INTERNAL_H
#define PLANNER_FORECAST_PREDICTOR_INTERNAL_H

#include <stddef.h>

#include "planner/forecast/predictor.h"

/* A growing row of values. */
struct series {
    double *values;
    size_t n, capacity;
};
enum status series_push(struct series *s, double value); /* ST_NOMEM is the only failure */
void series_release(struct series *s);

extern const struct predictor_ops predictor_constant;
extern const struct predictor_ops predictor_kalman;
extern const struct predictor_ops predictor_arima;
extern const struct predictor_ops predictor_prophet;

#endif
