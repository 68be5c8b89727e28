#include "engines/latency/curve.h"

/* The piece to read `at` on: the last whose start is not beyond it, among n - 1 >= 1. Where `at`
 * falls is anyone's guess, so the halving is without a branch to guess wrong. */
static size_t piece(const double *x, size_t n, double at)
{
    size_t low = 0;
    for (size_t left = n - 1; left > 1;) {
        size_t half = left / 2;
        low += half * (x[low + half] <= at);
        left -= half;
    }
    return low;
}

double curve_at(const double *x, const double *value, size_t n, double at)
{
    if (n == 1)
        return value[0];
    size_t i = piece(x, n, at);
    return value[i] + (at - x[i]) * ((value[i + 1] - value[i]) / (x[i + 1] - x[i]));
}

double grid_bilinear(const struct profile_grid *grid, double x, double y)
{
    if (grid->n_x == 1)
        return curve_at(grid->y, grid->value, grid->n_y, y);
    size_t i = piece(grid->x, grid->n_x, x);
    double below = curve_at(grid->y, grid->value + i * grid->n_y, grid->n_y, y);
    double above = curve_at(grid->y, grid->value + (i + 1) * grid->n_y, grid->n_y, y);
    return below + (x - grid->x[i]) * ((above - below) / (grid->x[i + 1] - grid->x[i]));
}
