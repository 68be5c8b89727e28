#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "planner/forecast/linalg.h"
#include "util/pcg.h"

static void random_matrix(struct pcg64 *rng, double *a, size_t n)
{
    for (size_t i = 0; i < n; i++)
        a[i] = pcg64_normal(rng);
}

Test(linalg, solve_undoes_a_product)
{
    struct pcg64 rng;
    pcg64_seed(&rng, 1, 1);
    for (size_t n = 1; n <= 21; n++) {
        double a[21 * 21], x[21], b[21];
        random_matrix(&rng, a, n * n);
        random_matrix(&rng, x, n);
        for (size_t i = 0; i < n; i++) {
            b[i] = 0.0;
            for (size_t j = 0; j < n; j++)
                b[i] += a[i * n + j] * x[j];
        }
        cr_assert(linalg_solve(a, b, n, 0));
        for (size_t i = 0; i < n; i++)
            cr_assert_float_eq(b[i], x[i], 1e-8);
    }
}

Test(linalg, a_singular_matrix_is_refused)
{
    double a[] = {1.0, 2.0, 2.0, 4.0}, b[] = {1.0, 2.0};
    cr_assert_not(linalg_solve(a, b, 2, 0));
}

Test(linalg, least_squares_leaves_a_residual_orthogonal_to_the_columns)
{
    enum { ROWS = 40, COLS = 7 };
    struct pcg64 rng;
    double x[ROWS * COLS], copy[ROWS * COLS], y[ROWS], beta[COLS], work[COLS * (COLS + 1)];
    pcg64_seed(&rng, 2, 1);
    random_matrix(&rng, x, ROWS * COLS);
    random_matrix(&rng, y, ROWS);
    memcpy(copy, x, sizeof(x));
    linalg_least_squares(x, ROWS, COLS, y, LINALG_CUT, beta, work);
    for (size_t j = 0; j < COLS; j++) {
        double sum = 0.0;
        for (size_t r = 0; r < ROWS; r++) {
            double residual = y[r];
            for (size_t k = 0; k < COLS; k++)
                residual -= copy[r * COLS + k] * beta[k];
            sum += residual * copy[r * COLS + j];
        }
        cr_assert_float_eq(sum, 0.0, 1e-12);
    }
}

Test(linalg, least_squares_takes_the_smallest_of_many_solutions)
{
    /* Two equal columns share the coefficient; more columns than rows is no problem either. */
    double x[] = {1.0, 1.0, 2.0, 2.0, 3.0, 3.0}, y[] = {2.0, 4.0, 6.0}, beta[3], work[12];
    linalg_least_squares(x, 3, 2, y, LINALG_CUT, beta, work);
    cr_assert_float_eq(beta[0], 1.0, 1e-14);
    cr_assert_float_eq(beta[1], 1.0, 1e-14);
    double wide[] = {3.0, 0.0, 4.0}, target[] = {5.0};
    linalg_least_squares(wide, 1, 3, target, LINALG_CUT, beta, work);
    cr_assert_float_eq(beta[0], 0.6, 1e-15);
    cr_assert_float_eq(beta[1], 0.0, 1e-15);
    cr_assert_float_eq(beta[2], 0.8, 1e-15);
}

/* |A| b must come back from |A|^-1, with A built from known eigenvectors and eigenvalues of both
 * signs. */
Test(linalg, solve_by_size_makes_eigenvalues_positive)
{
    enum { N = 24 };
    struct pcg64 rng;
    pcg64_seed(&rng, 3, 1);
    for (int negative = 0; negative <= N; negative += 4) {
        double q[N][N], a[N * N], b[N], want[N], work[N * N + 3 * N];
        struct linalg_turn turns[3 * N * N];
        random_matrix(&rng, &q[0][0], (size_t)N * N);
        for (int i = 0; i < N; i++) {
            for (int k = 0; k < i; k++) {
                double along = 0.0;
                for (int j = 0; j < N; j++)
                    along += q[i][j] * q[k][j];
                for (int j = 0; j < N; j++)
                    q[i][j] -= along * q[k][j];
            }
            double length = 0.0;
            for (int j = 0; j < N; j++)
                length += q[i][j] * q[i][j];
            for (int j = 0; j < N; j++)
                q[i][j] /= sqrt(length);
        }
        memset(a, 0, sizeof(a));
        memset(b, 0, sizeof(b));
        random_matrix(&rng, want, N);
        for (int k = 0; k < N; k++) {
            double lambda = (k < negative ? -1.0 : 1.0) * (0.5 + k), along = 0.0;
            for (int j = 0; j < N; j++)
                along += q[k][j] * want[j];
            for (int i = 0; i < N; i++) {
                b[i] += fabs(lambda) * along * q[k][i];
                for (int j = 0; j <= i; j++)
                    a[i * N + j] += lambda * q[k][i] * q[k][j];
            }
        }
        linalg_solve_by_size(a, b, N, work, turns);
        for (int i = 0; i < N; i++)
            cr_assert_float_eq(b[i], want[i], 1e-11, "%d negative, entry %d", negative, i);
    }
}
