/* A smooth surface through scattered points, evaluated on a regular grid.
 *
 * What SciPy calls griddata(method="cubic"), holes filled by griddata(method="nearest"): the
 * Clough-Tocher C1 cubic on the Delaunay triangulation of the points as they are (no rescaling),
 * with the gradients at the points that make the curves along the edges bend least. */
#ifndef PLANNER_DYNAMO1_SURFACE_H
#define PLANNER_DYNAMO1_SURFACE_H

#include <stddef.h>

#include "planner/dynamo1/delaunay.h"
#include "util/arena.h"
#include "util/status.h"

enum { SURFACE_SIDE = 100, SURFACE_CELLS = SURFACE_SIDE * SURFACE_SIDE };

/* Cell (ix, iy) is at x = ix / 99 and y = iy * y_max / 99, where y_max is the largest y of a point;
 * its value is grid[iy * SURFACE_SIDE + ix]. Both values are put on their grids at once, since most
 * of the work is finding the triangles. *n_outside = cells outside the convex hull. */
enum status surface_grids(double *const grids[2], size_t *n_outside, size_t n, const double *x,
                          const double *y, const double *const values[2], struct diag *d);

/* Gradient (d/dx, d/dy) of one value at every point, 2 * n_points numbers. */
enum status surface_gradients(double *gradient, const struct delaunay *t, const double *value,
                              struct diag *d);

#endif
