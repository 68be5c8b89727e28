/* L-BFGS with a strong Wolfe line search, step for step as Stan's optimiser runs it by default;
 * Prophet uses it from 100 values on. On a function with kinks it stops short of the minimum, and
 * where it stops is part of the forecast: Newton's method on the same data was off by up to a fifth
 * of the largest value. That rules out a library whose steps and stopping rules are its own. */
#ifndef PLANNER_FORECAST_MINIMISE_STAN_H
#define PLANNER_FORECAST_MINIMISE_STAN_H

#include <stdbool.h>
#include <stddef.h>

enum { STAN_MAX_VARIABLES = 64 };

struct stan_problem {
    /* Value and gradient at x; false when either is not finite. */
    bool (*value)(void *context, const double *x, double *f, double *g);
    void *context;
    size_t n; /* <= STAN_MAX_VARIABLES */
};

/* Improves x in place. false when no step along the steepest descent can be found, where Stan
 * reports an error. */
bool minimise_stan(const struct stan_problem *problem, double *x);

#endif
