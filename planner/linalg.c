#include "planner/linalg.h"

#include <float.h>
#include <math.h>

bool linalg_solve(double *a, double *b, size_t n)
{
    for (size_t k = 0; k < n; k++) {
        size_t pivot = k;
        for (size_t i = k + 1; i < n; i++) {
            if (fabs(a[i * n + k]) > fabs(a[pivot * n + k]))
                pivot = i;
        }
        if (!(fabs(a[pivot * n + k]) > 0.0))
            return false;
        if (pivot != k) {
            for (size_t j = k; j < n; j++) {
                double t = a[k * n + j];
                a[k * n + j] = a[pivot * n + j];
                a[pivot * n + j] = t;
            }
            double t = b[k];
            b[k] = b[pivot];
            b[pivot] = t;
        }
        for (size_t i = k + 1; i < n; i++) {
            double factor = a[i * n + k] / a[k * n + k];
            if (factor == 0.0)
                continue;
            for (size_t j = k + 1; j < n; j++)
                a[i * n + j] -= factor * a[k * n + j];
            b[i] -= factor * b[k];
        }
    }
    for (size_t k = n; k-- > 0;) {
        for (size_t j = k + 1; j < n; j++)
            b[k] -= a[k * n + j] * b[j];
        b[k] /= a[k * n + k];
    }
    return true;
}

/* Turns columns i and j of m so that those of X become orthogonal; true when they already were. */
static bool orthogonalise(double *x, size_t n_rows, double *v, size_t n_cols, size_t i, size_t j)
{
    double aa = 0.0, bb = 0.0, ab = 0.0;
    for (size_t r = 0; r < n_rows; r++) {
        double a = x[r * n_cols + i], b = x[r * n_cols + j];
        aa += a * a;
        bb += b * b;
        ab += a * b;
    }
    if (!(fabs(ab) > DBL_EPSILON * sqrt(aa) * sqrt(bb)) || ab == 0.0)
        return true;
    double zeta = (bb - aa) / (2.0 * ab);
    double t = (zeta >= 0.0 ? 1.0 : -1.0) / (fabs(zeta) + hypot(1.0, zeta));
    double c = 1.0 / hypot(1.0, t), s = c * t;
    for (size_t r = 0; r < n_rows; r++) {
        double a = x[r * n_cols + i], b = x[r * n_cols + j];
        x[r * n_cols + i] = c * a - s * b;
        x[r * n_cols + j] = s * a + c * b;
    }
    for (size_t r = 0; r < n_cols; r++) {
        double a = v[r * n_cols + i], b = v[r * n_cols + j];
        v[r * n_cols + i] = c * a - s * b;
        v[r * n_cols + j] = s * a + c * b;
    }
    return false;
}

void linalg_least_squares(double *x, size_t n_rows, size_t n_cols, const double *y, double *beta,
                          double *work)
{
    enum { MAX_SWEEPS = 60 };
    double *v = work, *sigma = work + n_cols * n_cols;

    /* One-sided Jacobi: X V = U S with orthogonal columns, whatever the shape of X. */
    for (size_t i = 0; i < n_cols * n_cols; i++)
        v[i] = i % (n_cols + 1) == 0 ? 1.0 : 0.0;
    for (int sweep = 0; sweep < MAX_SWEEPS; sweep++) {
        bool done = true;
        for (size_t i = 0; i + 1 < n_cols; i++) {
            for (size_t j = i + 1; j < n_cols; j++)
                done &= orthogonalise(x, n_rows, v, n_cols, i, j);
        }
        if (done)
            break;
    }

    double largest = 0.0;
    for (size_t j = 0; j < n_cols; j++) {
        double sum = 0.0;
        for (size_t r = 0; r < n_rows; r++)
            sum += x[r * n_cols + j] * x[r * n_cols + j];
        sigma[j] = sqrt(sum);
        largest = fmax(largest, sigma[j]);
        beta[j] = 0.0;
    }
    /* There are no more than n_rows true singular values; what is left of the others is rounding.
     */
    for (size_t kept = 0; kept < n_rows && kept < n_cols; kept++) {
        size_t top = 0;
        for (size_t j = 1; j < n_cols; j++) {
            if (sigma[j] > sigma[top])
                top = j;
        }
        if (!(sigma[top] > 1e-15 * largest))
            break;
        double projection = 0.0;
        for (size_t r = 0; r < n_rows; r++)
            projection += x[r * n_cols + top] * y[r];
        projection = projection / sigma[top] / sigma[top];
        for (size_t j = 0; j < n_cols; j++)
            beta[j] += v[j * n_cols + top] * projection;
        sigma[top] = 0.0;
    }
}
