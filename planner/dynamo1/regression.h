/* Straight line through the last observations (load, latency), and the load at which it reaches a
 * latency. (Dynamo planner 1.0.2, `load_based_regression.py`.) */
#ifndef PLANNER_DYNAMO1_REGRESSION_H
#define PLANNER_DYNAMO1_REGRESSION_H

#include <stdbool.h>
#include <stddef.h>

#include "util/arena.h"
#include "util/status.h"

struct regression {
    size_t window, min_observations;
    size_t n, next;        /* observations kept; slot of the next one */
    double *x, *y;         /* window each */
    bool largest_fallback; /* the fix */
};

/* window and min_observations >= 1. */
enum status regression_init(struct regression *r, struct arena *arena, size_t window,
                            size_t min_observations, struct diag *d);

/* Drops the oldest beyond the window. Values that are not finite are ignored. */
void regression_add(struct regression *r, double x, double y);

/* Ordinary least squares; slope 0 when all x are equal. false: too few observations. */
bool regression_fit(const struct regression *r, double *slope, double *intercept);

/* Largest x whose y is within the target, >= 0. With a falling or level line: the smallest x among
 * observations below the target, or of all when there is none. false: too few observations. */
bool regression_inverse(const struct regression *r, double target_y, double *x);

#endif
