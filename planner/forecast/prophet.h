/* Prophet's default model: a piecewise linear trend, with Fourier seasons where the history is long
 * enough, estimated as the maximum of its posterior. y_i / max|y| = k t_i + m + sum_j delta_j (t_i
 * - c_j)+ + season(time_i) + noise,   t in [0, 1] k, m ~ N(0, 5);  delta ~ Laplace(0, 0.05);  sigma
 * ~ half-N(0.5);  season terms ~ N(0, 10) (Taylor and Letham 2018; defaults of the Python package
 * `prophet`.) */
#ifndef PLANNER_FORECAST_PROPHET_H
#define PLANNER_FORECAST_PROPHET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PROPHET_MIN_VALUES = 5 };

/* Equally spaced values; times in seconds since 2024-01-01 00:00 UTC. */
struct prophet_history {
    const double *y;
    size_t n; /* >= PROPHET_MIN_VALUES */
    int64_t first_s, interval_s;
};

/* Fits the history and evaluates the model at at_s. false when a value is not finite, interval_s is
 * not positive, or memory is out. */
bool prophet_forecast(const struct prophet_history *history, int64_t at_s, double *forecast);

#endif
