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

/* On the straight line of piece i. */
static double on_piece(const double *x, const double *value, size_t i, double at)
{
    return value[i] + (at - x[i]) * ((value[i + 1] - value[i]) / (x[i + 1] - x[i]));
}

double curve_at(const double *x, const double *value, size_t n, double at)
{
    return n == 1 ? value[0] : on_piece(x, value, piece(x, n, at), at);
}

double grid_bilinear(const struct profile_grid *grid, double x, double y)
{
    if (grid->n_x == 1)
        return curve_at(grid->y, grid->value, grid->n_y, y);
    size_t i = piece(grid->x, grid->n_x, x), n = grid->n_y;
    const double *row = grid->value + i * n;
    size_t k = n > 1 ? piece(grid->y, n, y) : 0;
    double below = n > 1 ? on_piece(grid->y, row, k, y) : row[0];
    double above = n > 1 ? on_piece(grid->y, row + n, k, y) : row[n];
    return below + (x - grid->x[i]) * ((above - below) / (grid->x[i + 1] - grid->x[i]));
}
