/* Cubic spline through given points with not-a-knot ends: what SciPy calls interp1d(kind="cubic").
 */
#ifndef PLANNER_DYNAMO1_SPLINE_H
#define PLANNER_DYNAMO1_SPLINE_H

#include <stddef.h>

#include "util/arena.h"
#include "util/status.h"

struct spline {
    size_t n;        /* points, >= 4 */
    const double *x; /* strictly increasing, borrowed */
    const double *y; /* borrowed */
    double *slope;   /* dy/dx at the points */
};

/* x and y live as long as the spline. ST_INPUT: fewer than 4 points, or x not strictly increasing.
 */
enum status spline_init(struct spline *s, struct arena *arena, size_t n, const double *x,
                        const double *y, struct diag *d);

/* Value at `at`; beyond the ends the outer pieces go on. */
double spline_at(const struct spline *s, double at);

#endif
