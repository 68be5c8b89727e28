/* The model behind an ARIMA predictor, for reports and tests. */
#ifndef PLANNER_FORECAST_PREDICTOR_ARIMA_H
#define PLANNER_FORECAST_PREDICTOR_ARIMA_H

#include <stdbool.h>

#include "planner/forecast/arima.h"

/* The current fit, or NULL before the first one. *log1p says whether it models log(1 + value).
 * `state` is predictor.state of an "arima" predictor; the answer lives until its next call. */
const struct arima_fit *predictor_arima_fit(const void *state, bool *log1p);

#endif
