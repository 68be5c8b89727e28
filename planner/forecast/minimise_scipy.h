/* Minimising a smooth function of a few variables along the same path as the reference takes.
 *
 * An ARIMA update stops after five iterations, usually short of the optimum, so its forecast
 * depends on where each iteration lands and not only on where they lead. */
#ifndef PLANNER_FORECAST_MINIMISE_SCIPY_H
#define PLANNER_FORECAST_MINIMISE_SCIPY_H

#include <stdbool.h>
#include <stddef.h>

enum { SCIPY_MAX_VARIABLES = 16 };

struct scipy_problem {
    /* The value at x; false = cannot be computed, which ends the search. */
    bool (*value)(void *context, const double *x, double *f);
    void *context;
    size_t n; /* <= SCIPY_MAX_VARIABLES */
    int max_iterations;
};

/* Improves x in place. false when `value` failed. */
bool minimise_scipy(const struct scipy_problem *problem, double *x);

#endif
