/* Piecewise-linear tables. Outside its range a table goes on with its end slopes. */
#ifndef ENGINES_LATENCY_CURVE_H
#define ENGINES_LATENCY_CURVE_H

#include <stddef.h>

#include "engines/profile/profile.h"

/* n >= 1 points of increasing x; one point is a constant. */
double curve_at(const double *x, const double *value, size_t n, double at);

/* Bilinear: along y on the two rows around x, then along x. Each axis >= 1 point. */
double grid_bilinear(const struct profile_grid *grid, double x, double y);

#endif
