/* Non-seasonal ARIMA by exact Gaussian likelihood, and the search for its order.
 *
 * The model is a state space with the differencing inside the state:
 *     w_t = c + ar_1 w_(t-1) + ... + e_t + ma_1 e_(t-1) + ...,   w = d-th difference of y,   e ~
 * N(0, sigma2) (Harvey 1989, section 3.4). Results follow statsmodels' SARIMAX and pmdarima's
 * stepwise `auto_arima`, down to their starting values, iteration limits and finite-difference
 * gradients, because an update that stops after five iterations is not the maximum likelihood
 * estimate. */
#ifndef PLANNER_FORECAST_ARIMA_H
#define PLANNER_FORECAST_ARIMA_H

#include <stdbool.h>
#include <stddef.h>

enum { ARIMA_MAX_LAG = 5, ARIMA_MAX_D = 2, ARIMA_MAX_PARAMS = 2 + 2 * ARIMA_MAX_LAG };

struct arima_order {
    int p, d, q; /* p, q <= ARIMA_MAX_LAG; d <= ARIMA_MAX_D */
    bool intercept;
};

struct arima_fit {
    struct arima_order order;
    size_t n_params;
    double params[ARIMA_MAX_PARAMS]; /* c if any, ar_1.., ma_1.., sigma2 */
    double log_likelihood, aic;
    double forecast; /* one step after the last value */
};

enum { ARIMA_SEARCH_ITERATIONS = 50, ARIMA_UPDATE_ITERATIONS = 5 };

/* Estimates the parameters on y[0..n), n >= 1, in at most max_iterations optimiser iterations from
 * `start` (n_params values; NULL = conditional least squares). false where the reference raises an
 * exception, or when memory is out; *fit is then untouched. */
bool arima_estimate(const double *y, size_t n, struct arima_order order, const double *start,
                    int max_iterations, struct arima_fit *fit);

/* The best model by AIC along the stepwise path; same failures. */
bool arima_search(const double *y, size_t n, struct arima_fit *best);

#endif
