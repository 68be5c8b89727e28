#include "planner/dynamo1/spline.h"

/* The slopes t solve, at inner points,
 *   h[i] t[i-1] + 2 (h[i-1] + h[i]) t[i] + h[i-1] t[i+1] = 3 (h[i] m[i-1] + h[i-1] m[i])
 * with h the gaps and m the slopes of the chords (continuous second derivative). Not-a-knot: the
 * third derivative does not jump at the second point and the last but one, which gives the two
 * outer rows. (C. de Boor, A Practical Guide to Splines, chapter IV.) */
static void solve_slopes(struct spline *s, double *diagonal, double *rhs)
{
    const double *x = s->x, *y = s->y;
    size_t last = s->n - 1;
    double *t = s->slope;

    double h0 = x[1] - x[0], h1 = x[2] - x[1];
    double m0 = (y[1] - y[0]) / h0, m1 = (y[2] - y[1]) / h1;
    double above = h0 + h1; /* right of the diagonal in the row before */
    diagonal[0] = h1;
    rhs[0] = ((h0 + 2 * above) * h1 * m0 + h0 * h0 * m1) / above;
    for (size_t i = 1; i < last; i++) {
        double left = x[i] - x[i - 1], right = x[i + 1] - x[i];
        double factor = right / diagonal[i - 1];
        diagonal[i] = 2 * (left + right) - factor * above;
        rhs[i] = 3 * (right * (y[i] - y[i - 1]) / left + left * (y[i + 1] - y[i]) / right) -
                 factor * rhs[i - 1];
        above = left;
    }
    h0 = x[last] - x[last - 1];
    h1 = x[last - 1] - x[last - 2];
    m0 = (y[last] - y[last - 1]) / h0;
    m1 = (y[last - 1] - y[last - 2]) / h1;
    double below = h0 + h1, factor = below / diagonal[last - 1];
    diagonal[last] = h1 - factor * above;
    rhs[last] = (h0 * h0 * m1 + (2 * below + h0) * h1 * m0) / below - factor * rhs[last - 1];

    t[last] = rhs[last] / diagonal[last];
    for (size_t i = last; i-- > 0;) {
        double beside = i == 0 ? x[2] - x[0] : x[i] - x[i - 1];
        t[i] = (rhs[i] - beside * t[i + 1]) / diagonal[i];
    }
}

enum status spline_init(struct spline *s, struct arena *arena, size_t n, const double *x,
                        const double *y, struct diag *d)
{
    if (n < 4)
        return diag_fail(d, ST_INPUT, "a cubic spline needs at least 4 points, got %zu", n);
    for (size_t i = 1; i < n; i++) {
        if (!(x[i] > x[i - 1]))
            return diag_fail(d, ST_INPUT, "spline points must increase, got %g after %g", x[i],
                             x[i - 1]);
    }
    double *work = ARENA_NEW(arena, 3 * n, double);
    if (!work)
        return diag_nomem(d, "a spline");
    *s = (struct spline){.n = n, .x = x, .y = y, .slope = work};
    solve_slopes(s, work + n, work + 2 * n);
    return ST_OK;
}

double spline_at(const struct spline *s, double at)
{
    size_t low = 0, high = s->n - 1; /* the piece is [low, low + 1] */

    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        if (s->x[middle] <= at)
            low = middle;
        else
            high = middle;
    }
    double h = s->x[low + 1] - s->x[low], u = at - s->x[low];
    double chord = (s->y[low + 1] - s->y[low]) / h;
    double curve = (s->slope[low] + s->slope[low + 1] - 2 * chord) / h;
    double bend = (chord - s->slope[low]) / h - curve;
    return s->y[low] + u * (s->slope[low] + u * (bend + u * curve / h));
}
