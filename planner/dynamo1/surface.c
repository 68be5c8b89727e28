#include "planner/dynamo1/surface.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Edges by point: the neighbours of point i are to[first[i]] .. to[first[i + 1] - 1]. */
struct edges {
    uint32_t *first, *to;
};

static bool has_edge(const struct edges *e, size_t n_used, uint32_t from, uint32_t to)
{
    for (uint32_t k = e->first[from]; k < e->first[from] + n_used; k++) {
        if (e->to[k] == to)
            return true;
    }
    return false;
}

static void edges_release(struct edges *e)
{
    free(e->first);
    free(e->to);
}

/* Slots are reserved for two edges per corner, which is never less than needed; `used` counts the
 * real ones. */
static bool edges_init(struct edges *e, uint32_t *used, const struct delaunay *t)
{
    e->first = calloc(t->n_points + 1, sizeof *e->first);
    e->to = calloc(6 * t->n_triangles + 1, sizeof *e->to);
    if (!e->first || !e->to)
        return false;
    for (size_t i = 0; i < t->n_triangles; i++) {
        for (int k = 0; k < 3; k++)
            e->first[t->triangles[i].vertex[k] + 1] += 2;
    }
    for (size_t i = 0; i < t->n_points; i++)
        e->first[i + 1] += e->first[i];
    for (size_t i = 0; i < t->n_triangles; i++) {
        for (int k = 0; k < 3; k++) {
            uint32_t from = t->triangles[i].vertex[k];
            for (int other = 1; other < 3; other++) {
                uint32_t to = t->triangles[i].vertex[(k + other) % 3];
                if (!has_edge(e, used[from], from, to))
                    e->to[e->first[from] + used[from]++] = to;
            }
        }
    }
    return true;
}

enum { MAX_SWEEPS = 400 };
static const double GRADIENT_TOLERANCE = 1e-6;

/* One Gauss-Seidel step at one point. Along an edge of length L the surface is a Hermite cubic; the
 * integral of its squared second derivative, summed over the edges of the point, is least where a
 * 2x2 system in the point's gradient is solved. Returns the relative change. (G. Nielson,
 * Mathematics of Computation 40, 1983; R. Renka and A. Cline, Rocky Mountain Journal of Mathematics
 * 14, 1984; the order of points and the stopping rule are SciPy's.) */
static double relax(size_t i, const struct delaunay *t, const struct edges *e, uint32_t n_edges,
                    const double *value, double *gradient)
{
    double xx = 0, xy = 0, yy = 0, sx = 0, sy = 0;

    for (uint32_t k = e->first[i]; k < e->first[i] + n_edges; k++) {
        size_t j = e->to[k];
        double ex = t->x[j] - t->x[i], ey = t->y[j] - t->y[i];
        double length = sqrt(ex * ex + ey * ey), cube = length * length * length;
        double along = ex * gradient[2 * j] + ey * gradient[2 * j + 1];
        double pull = (6 * (value[j] - value[i]) - 2 * along) / cube;
        xx += 4 * ex * ex / cube;
        xy += 4 * ex * ey / cube;
        yy += 4 * ey * ey / cube;
        sx += pull * ex;
        sy += pull * ey;
    }
    double determinant = xx * yy - xy * xy;
    if (n_edges == 0 || determinant == 0)
        return 0;
    double gx = (yy * sx - xy * sy) / determinant, gy = (xx * sy - xy * sx) / determinant;
    double change = fmax(fabs(gx - gradient[2 * i]), fabs(gy - gradient[2 * i + 1]));
    gradient[2 * i] = gx;
    gradient[2 * i + 1] = gy;
    return change / fmax(1, fmax(fabs(gx), fabs(gy)));
}

enum status surface_gradients(double *gradient, const struct delaunay *t, const double *value,
                              struct diag *d)
{
    struct edges e = {NULL, NULL};
    uint32_t *used = calloc(t->n_points, sizeof *used);
    bool ready = used && edges_init(&e, used, t);

    memset(gradient, 0, 2 * t->n_points * sizeof *gradient);
    for (int sweep = 0; ready && sweep < MAX_SWEEPS; sweep++) {
        double worst = 0;
        for (size_t i = 0; i < t->n_points; i++)
            worst = fmax(worst, relax(i, t, &e, used[i], value, gradient));
        if (worst < GRADIENT_TOLERANCE)
            break;
    }
    edges_release(&e);
    free(used);
    return ready ? ST_OK : diag_nomem(d, "surface gradients");
}

/* Barycentric coordinates: b[0] and b[1] are linear in the point, b[2] is the rest. */
struct frame {
    double origin_x, origin_y; /* vertex 2 */
    double ax, ay, bx, by;     /* b[0] = ax dx + ay dy, b[1] = bx dx + by dy */
};

static struct frame frame_of(const struct delaunay *t, size_t i)
{
    const uint32_t *v = t->triangles[i].vertex;
    double x0 = t->x[v[0]] - t->x[v[2]], y0 = t->y[v[0]] - t->y[v[2]];
    double x1 = t->x[v[1]] - t->x[v[2]], y1 = t->y[v[1]] - t->y[v[2]];
    double area = x0 * y1 - x1 * y0;

    return (struct frame){.origin_x = t->x[v[2]],
                          .origin_y = t->y[v[2]],
                          .ax = y1 / area,
                          .ay = -x1 / area,
                          .bx = -y0 / area,
                          .by = x0 / area};
}

static void barycentric(double b[3], const struct frame *f, double x, double y)
{
    double dx = x - f->origin_x, dy = y - f->origin_y;

    b[0] = f->ax * dx + f->ay * dy;
    b[1] = f->bx * dx + f->by * dy;
    b[2] = 1 - b[0] - b[1];
}

/* Bernstein-Bezier ordinates of the Clough-Tocher element over one triangle, named by their
 * exponents in the three corners and the centre: corner[k] = 3 at k; edge[k][j] = 2 at k, 1 at j;
 * spoke[k] = 2 at k, 1 at the centre; side[k] = the one opposite k, 1 at the two others and 1 at
 * the centre; inner[k] = 1 at k, 2 at the centre. (P. Alfeld, Computer Aided Geometric Design 1,
 * 1984; G. Farin, ibid. 3, 1986.) */
struct element {
    double corner[3], edge[3][3], spoke[3], side[3], inner[3], centre;
};

/* The derivative across the edge opposite corner k is made linear in the direction from the
 * centroid of this triangle to the neighbour's centroid, which does not depend on the scale of the
 * axes; g says where that line crosses the edge. On the hull there is no neighbour, and the middle
 * is taken. */
static double crossing(const struct delaunay *t, const struct frame *f, size_t i, int k)
{
    int32_t next = t->triangles[i].neighbour[k];
    double b[3];

    if (next == DELAUNAY_NONE)
        return -0.5;
    const uint32_t *v = t->triangles[next].vertex;
    barycentric(b, f, (t->x[v[0]] + t->x[v[1]] + t->x[v[2]]) / 3,
                (t->y[v[0]] + t->y[v[1]] + t->y[v[2]]) / 3);
    double here = b[(k + 1) % 3], there = b[(k + 2) % 3];
    return (2 * there + here - 1) / (2 - 3 * there - 3 * here);
}

static void element_init(struct element *e, const struct delaunay *t, const struct frame *f,
                         size_t i, const double *value, const double *gradient)
{
    const uint32_t *v = t->triangles[i].vertex;

    for (int k = 0; k < 3; k++) {
        e->corner[k] = value[v[k]];
        for (int j = 0; j < 3; j++) {
            const double *slope = gradient + (size_t)2 * v[k];
            double along =
                slope[0] * (t->x[v[j]] - t->x[v[k]]) + slope[1] * (t->y[v[j]] - t->y[v[k]]);
            e->edge[k][j] = e->corner[k] + along / 3;
        }
    }
    for (int k = 0; k < 3; k++)
        e->spoke[k] = (e->edge[k][(k + 1) % 3] + e->edge[k][(k + 2) % 3] + e->corner[k]) / 3;
    for (int k = 0; k < 3; k++) {
        int p = (k + 1) % 3, q = (k + 2) % 3;
        double g = crossing(t, f, i, k);
        double bend = e->corner[q] - 3 * e->edge[q][p] + 3 * e->edge[p][q] - e->corner[p];
        double rest = -e->corner[p] + 2 * e->edge[p][q] - e->edge[q][p] + e->spoke[p] + e->spoke[q];
        e->side[k] = (g * bend + rest) / 2;
    }
    e->centre = 0;
    for (int k = 0; k < 3; k++) {
        e->inner[k] = (e->side[(k + 1) % 3] + e->side[(k + 2) % 3] + e->spoke[k]) / 3;
        e->centre += e->inner[k] / 3;
    }
}

/* The three sub-triangles share one formula once the smallest coordinate is moved to the centre:
 * the terms of the corner that is absent vanish. */
static double element_at(const struct element *e, const double barycentre[3])
{
    double least = fmin(barycentre[0], fmin(barycentre[1], barycentre[2]));
    double c = 3 * least, b[3], sum = c * c * c * e->centre;

    for (int k = 0; k < 3; k++)
        b[k] = barycentre[k] - least;
    for (int k = 0; k < 3; k++) {
        int p = (k + 1) % 3, q = (k + 2) % 3;
        sum += b[k] * b[k] *
               (b[k] * e->corner[k] +
                3 * (b[p] * e->edge[k][p] + b[q] * e->edge[k][q] + c * e->spoke[k]));
        sum += 3 * c * (2 * b[p] * b[q] * e->side[k] + b[k] * c * e->inner[k]);
    }
    return sum;
}

/* SciPy's slack for points on an edge. */
static const double EDGE_SLACK = 100 * DBL_EPSILON;

static int least_of(const double b[3])
{
    int k = b[1] < b[0] ? 1 : 0;

    return b[2] < b[k] ? 2 : k;
}

static bool is_inside(const double b[3])
{
    return b[0] >= -EDGE_SLACK && b[1] >= -EDGE_SLACK && b[2] >= -EDGE_SLACK;
}

/* Triangle that holds the point, DELAUNAY_NONE outside the hull. Walks from *start, which is left
 * at the last triangle seen; a walk through flat triangles that does not end is followed by a full
 * search. */
static int32_t locate(const struct delaunay *t, const struct frame *frames, double x, double y,
                      double b[3], int32_t *start)
{
    for (size_t steps = 0; steps <= t->n_triangles; steps++) {
        barycentric(b, &frames[*start], x, y);
        if (is_inside(b))
            return *start;
        int32_t next = t->triangles[*start].neighbour[least_of(b)];
        if (isnan(b[2]))
            break;
        if (next == DELAUNAY_NONE)
            return DELAUNAY_NONE;
        *start = next;
    }
    for (size_t i = 0; i < t->n_triangles; i++) {
        barycentric(b, &frames[i], x, y);
        if (is_inside(b)) {
            *start = (int32_t)i;
            return *start;
        }
    }
    return DELAUNAY_NONE;
}

static size_t nearest_point(const struct delaunay *t, double x, double y)
{
    size_t best = 0;
    double least = INFINITY;

    for (size_t i = 0; i < t->n_points; i++) {
        double dx = t->x[i] - x, dy = t->y[i] - y, distance = dx * dx + dy * dy;
        if (distance < least) {
            least = distance;
            best = i;
        }
    }
    return best;
}

static void fill_grids(double *const grids[2], size_t *n_outside, const struct delaunay *t,
                       const struct frame *frames, struct element *const elements[2],
                       const double *const values[2])
{
    double y_max = 0, b[3];
    int32_t start = 0;

    for (size_t i = 0; i < t->n_points; i++)
        y_max = fmax(y_max, t->y[i]);
    double x_step = 1.0 / (SURFACE_SIDE - 1), y_step = y_max / (SURFACE_SIDE - 1);
    *n_outside = 0;
    for (size_t cell = 0; cell < SURFACE_CELLS; cell++) {
        size_t ix = cell % SURFACE_SIDE, iy = cell / SURFACE_SIDE;
        double x = ix == SURFACE_SIDE - 1 ? 1 : (double)ix * x_step;
        double y = iy == SURFACE_SIDE - 1 ? y_max : (double)iy * y_step;
        int32_t at = locate(t, frames, x, y, b, &start);
        size_t point = at == DELAUNAY_NONE ? nearest_point(t, x, y) : 0;
        *n_outside += at == DELAUNAY_NONE;
        for (int s = 0; s < 2; s++)
            grids[s][cell] =
                at == DELAUNAY_NONE ? values[s][point] : element_at(&elements[s][at], b);
    }
}

static enum status build(double *const grids[2], size_t *n_outside, const struct delaunay *t,
                         const double *const values[2], struct arena *arena, struct diag *d)
{
    struct frame *frames = ARENA_NEW(arena, t->n_triangles, struct frame);
    struct element *elements[2] = {ARENA_NEW(arena, t->n_triangles, struct element),
                                   ARENA_NEW(arena, t->n_triangles, struct element)};
    double *gradient = ARENA_NEW(arena, 2 * t->n_points, double);

    if (!frames || !elements[0] || !elements[1] || !gradient)
        return diag_nomem(d, "a surface");
    for (size_t i = 0; i < t->n_triangles; i++)
        frames[i] = frame_of(t, i);
    for (int s = 0; s < 2; s++) {
        enum status status = surface_gradients(gradient, t, values[s], d);
        if (status)
            return status;
        for (size_t i = 0; i < t->n_triangles; i++)
            element_init(&elements[s][i], t, &frames[i], i, values[s], gradient);
    }
    fill_grids(grids, n_outside, t, frames, elements, values);
    return ST_OK;
}

enum status surface_grids(double *const grids[2], size_t *n_outside, size_t n, const double *x,
                          const double *y, const double *const values[2], struct diag *d)
{
    struct arena scratch;
    struct delaunay t;

    arena_init(&scratch);
    enum status s = delaunay_init(&t, &scratch, n, x, y, d);
    if (s == ST_OK && t.n_triangles == 0)
        s = diag_fail(d, ST_INPUT, "the points cannot be triangulated: no triangle");
    if (s == ST_OK)
        s = build(grids, n_outside, &t, values, &scratch, d);
    arena_release(&scratch);
    return s;
}
