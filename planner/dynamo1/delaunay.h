/* Delaunay triangulation of points in the plane, by Qhull. */
#ifndef PLANNER_DYNAMO1_DELAUNAY_H
#define PLANNER_DYNAMO1_DELAUNAY_H

#include <stddef.h>
#include <stdint.h>

#include "util/arena.h"
#include "util/status.h"

enum { DELAUNAY_NONE = -1 };

struct triangle {
    uint32_t vertex[3];   /* indices of points */
    int32_t neighbour[3]; /* triangle across the edge opposite vertex k, or DELAUNAY_NONE */
};

struct delaunay {
    size_t n_points, n_triangles;
    const double *x, *y; /* borrowed */
    const struct triangle *triangles;
};

/* x and y live as long as the triangulation. ST_INPUT: fewer than 3 points, all on one line, or not
 * finite. */
enum status delaunay_init(struct delaunay *t, struct arena *arena, size_t n, const double *x,
                          const double *y, struct diag *d);

#endif
