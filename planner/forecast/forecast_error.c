#include "planner/forecast/forecast_error.h"

#include <math.h>

double pinball_loss(double quantile, const double *observed, const double *predicted, size_t n)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++) {
        double low = observed[i] - predicted[i]; /* by how much the forecast was too low */
        sum += low > 0 ? quantile * low : (quantile - 1) * low;
    }
    return n > 0 ? sum / (double)n : NAN;
}

struct forecast_error forecast_error_of(const double *observed, const double *predicted, size_t n)
{
    struct forecast_error e = {.n = n,
                               .mae = NAN,
                               .mape = NAN,
                               .bias = NAN,
                               .pinball_50 = pinball_loss(0.5, observed, predicted, n),
                               .pinball_90 = pinball_loss(0.9, observed, predicted, n)};
    double absolute = 0, relative = 0, signed_sum = 0;
    size_t n_relative = 0;

    for (size_t i = 0; i < n; i++) {
        double off = predicted[i] - observed[i];
        absolute += fabs(off);
        signed_sum += off;
        if (fabs(observed[i]) > 0) {
            relative += fabs(off) / fabs(observed[i]);
            n_relative++;
        }
    }
    if (n > 0) {
        e.mae = absolute / (double)n;
        e.bias = signed_sum / (double)n;
    }
    if (n_relative > 0)
        e.mape = relative / (double)n_relative;
    return e;
}
