#include "planner/forecast/linalg.h"

#include <float.h>
#include <math.h>

double linalg_dot(const double *a, const double *b, size_t n)
{
    double sum = 0.0;
    for (size_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

bool linalg_solve(double *a, double *b, size_t n, double least_pivot)
{
    for (size_t k = 0; k < n; k++) {
        size_t pivot = k;
        for (size_t i = k + 1; i < n; i++) {
            if (fabs(a[i * n + k]) > fabs(a[pivot * n + k]))
                pivot = i;
        }
        if (!(fabs(a[pivot * n + k]) > least_pivot))
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

void linalg_least_squares(double *x, size_t n_rows, size_t n_cols, const double *y, double cut,
                          double *beta, double *work)
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
        if (!(sigma[top] > cut * largest))
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

/* b = -A^-1 b by Cholesky; false, with b untouched, when -A is not positive definite. */
static bool solve_negative_definite(const double *a, double *b, size_t n, double *l)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j <= i; j++) {
            double sum = -a[i * n + j];
            for (size_t k = 0; k < j; k++)
                sum -= l[i * n + k] * l[j * n + k];
            if (i == j && !(sum > 0.0))
                return false;
            l[i * n + j] = i == j ? sqrt(sum) : sum / l[j * n + j];
        }
    }
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < i; k++)
            b[i] -= l[i * n + k] * b[k];
        b[i] /= l[i * n + i];
    }
    for (size_t i = n; i-- > 0;) {
        for (size_t k = i + 1; k < n; k++)
            b[i] -= l[k * n + i] * b[k];
        b[i] /= l[i * n + i];
    }
    return true;
}

/* Householder reflections that make a (symmetric, full) tridiagonal: diagonal d, e[i] between d[i]
 * and d[i + 1]. Reflection k is left in row k right of the diagonal, its factor in beta[k]; b is
 * reflected along. */
static void tridiagonalise(double *a, double *b, size_t n, double *d, double *e, double *beta)
{
    for (size_t k = 0; k + 2 < n; k++) {
        double *v = a + k * n, *w = d, sum = 0.0, top = v[k + 1];
        for (size_t i = k + 2; i < n; i++)
            sum += v[i] * v[i];
        beta[k] = 0.0;
        e[k] = top;
        if (sum == 0.0)
            continue;
        e[k] = -copysign(sqrt(top * top + sum), top);
        v[k + 1] = top - e[k];
        beta[k] = 2.0 / (v[k + 1] * v[k + 1] + sum);

        double along = 0.0, of_b = 0.0;
        for (size_t j = k + 1; j < n; j++)
            w[j] = 0.0;
        for (size_t i = k + 1; i < n; i++) {
            const double *row = a + i * n;
            double factor = beta[k] * v[i];
            for (size_t j = k + 1; j < n; j++)
                w[j] += factor * row[j];
        }
        for (size_t i = k + 1; i < n; i++) {
            along += w[i] * v[i];
            of_b += b[i] * v[i];
        }
        for (size_t i = k + 1; i < n; i++) {
            w[i] -= 0.5 * beta[k] * along * v[i];
            b[i] -= beta[k] * of_b * v[i];
        }
        for (size_t i = k + 1; i < n; i++) {
            double *row = a + i * n, vi = v[i], wi = w[i];
            for (size_t j = k + 1; j < n; j++)
                row[j] -= vi * w[j] + wi * v[j];
        }
    }
    if (n >= 2)
        e[n - 2] = a[(n - 2) * n + n - 1];
    for (size_t i = 0; i < n; i++)
        d[i] = a[i * n + i];
}

/* Implicit QL: d becomes the eigenvalues; b and the list of rotations follow. Returns their number.
 */
static size_t diagonalise(double *d, double *e, double *b, size_t n, struct linalg_turn *turns)
{
    size_t n_turns = 0, max_turns = linalg_max_turns(n);

    for (size_t l = 0; l < n; l++) {
        for (;;) {
            size_t m = l;
            while (m + 1 < n && fabs(e[m]) > DBL_EPSILON * (fabs(d[m]) + fabs(d[m + 1])))
                m++;
            if (m == l || n_turns + (m - l) > max_turns)
                break;
            double g = (d[l + 1] - d[l]) / (2.0 * e[l]), p = 0.0, c = 1.0, s = 1.0;
            bool split = false;
            g = d[m] - d[l] + e[l] / (g + copysign(hypot(g, 1.0), g));
            for (size_t i = m; i-- > l && !split;) {
                double f = s * e[i], h = c * e[i], r = hypot(f, g);
                e[i + 1] = r;
                if (r == 0.0) {
                    d[i + 1] -= p;
                    split = true;
                    continue;
                }
                s = f / r;
                c = g / r;
                g = d[i + 1] - p;
                r = (d[i] - g) * s + 2.0 * c * h;
                p = s * r;
                d[i + 1] = g + p;
                g = c * r - h;
                turns[n_turns++] = (struct linalg_turn){c, s, i};
                double low = b[i], high = b[i + 1];
                b[i] = c * low - s * high;
                b[i + 1] = s * low + c * high;
            }
            e[m] = 0.0;
            if (!split) {
                d[l] -= p;
                e[l] = g;
            }
        }
    }
    return n_turns;
}

static void reverse(double *x, size_t n)
{
    for (size_t i = 0; i < n / 2; i++) {
        double t = x[i];
        x[i] = x[n - 1 - i];
        x[n - 1 - i] = t;
    }
}

/* With A = Q W D W' Q' (Q the reflections, W the rotations) the answer is Q W |D|^-1 W' Q' b: no
 * eigenvector is ever formed. */
void linalg_solve_by_size(const double *a, double *b, size_t n, double *work,
                          struct linalg_turn *turns)
{
    double *copy = work, *d = copy + n * n, *e = d + n, *beta = e + n;

    if (solve_negative_definite(a, b, n, copy))
        return;
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j <= i; j++)
            copy[i * n + j] = copy[j * n + i] = a[i * n + j];
        e[i] = 0.0;
    }
    tridiagonalise(copy, b, n, d, e, beta);
    /* QL keeps small eigenvalues accurate when the large entries come last; here they come first.
     */
    reverse(d, n);
    reverse(e, n - 1);
    reverse(b, n);
    size_t n_turns = diagonalise(d, e, b, n, turns);
    for (size_t i = 0; i < n; i++)
        b[i] /= fabs(d[i]);
    while (n_turns-- > 0) {
        const struct linalg_turn *t = &turns[n_turns];
        double low = b[t->at], high = b[t->at + 1];
        b[t->at] = t->c * low + t->s * high;
        b[t->at + 1] = -t->s * low + t->c * high;
    }
    reverse(b, n);
    for (size_t k = n >= 2 ? n - 2 : 0; k-- > 0;) {
        const double *v = copy + k * n;
        double of_b = 0.0;
        for (size_t i = k + 1; i < n; i++)
            of_b += b[i] * v[i];
        for (size_t i = k + 1; i < n; i++)
            b[i] -= beta[k] * of_b * v[i];
    }
}
