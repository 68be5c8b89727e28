/* Small dense linear algebra, for matrices of a few dozen columns. Row-major, no allocation inside.
 */
#ifndef PLANNER_FORECAST_LINALG_H
#define PLANNER_FORECAST_LINALG_H

#include <stdbool.h>
#include <stddef.h>

double linalg_dot(const double *a, const double *b, size_t n);

/* Solves A x = b by Gaussian elimination with row pivoting; A (n x n) is destroyed, b becomes x.
 * false when A is singular: a pivot is no larger than least_pivot. */
bool linalg_solve(double *a, double *b, size_t n, double least_pivot);

/* Below this share of the largest a singular value is rounding. */
#define LINALG_CUT 1e-15

/* The least-squares solution of X beta = y of smallest norm. X is n_rows x n_cols and is destroyed;
 * singular values up to `cut` of the largest count as zero. `work` holds n_cols * (n_cols + 1)
 * doubles. */
void linalg_least_squares(double *x, size_t n_rows, size_t n_cols, const double *y, double cut,
                          double *beta, double *work);

/* One plane rotation, of rows at and at + 1. */
struct linalg_turn {
    double c, s;
    size_t at;
};

/* Room for the rotations of linalg_solve_by_size; twice what its iteration is known to need. */
static inline size_t linalg_max_turns(size_t n)
{
    return 3 * n * n;
}

/* b = |A|^-1 b for a symmetric A (n x n, its lower half is read): A with its eigenvalues made
 * positive. `work` holds n n + 3 n doubles, `turns` linalg_max_turns(n). */
void linalg_solve_by_size(const double *a, double *b, size_t n, double *work,
                          struct linalg_turn *turns);

#endif
