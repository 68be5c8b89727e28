#include "studies/tune/cholesky.h"

#include <math.h>
#include <string.h>

void rows_take_off(double *restrict to, size_t width, const double *restrict rows, size_t stride,
                   const double *restrict factors, size_t factor_stride, size_t n_rows)
{
    size_t r = 0;

    /* Four at a time: `to` is read and written a quarter as often. */
    for (; r + 4 <= n_rows; r += 4) {
        const double *a = rows + r * stride, *b = a + stride, *c = b + stride, *d = c + stride;
        const double *f = factors + r * factor_stride;
        double fa = f[0], fb = f[factor_stride], fc = f[2 * factor_stride],
               fd = f[3 * factor_stride];
        for (size_t j = 0; j < width; j++)
            to[j] -= (fa * a[j] + fb * b[j]) + (fc * c[j] + fd * d[j]);
    }
    for (; r < n_rows; r++) {
        const double *a = rows + r * stride;
        double f = factors[r * factor_stride];
        for (size_t j = 0; j < width; j++)
            to[j] -= f * a[j];
    }
}

bool cholesky_factor(double *u, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        double *row = u + i * n;
        rows_take_off(row + i, n - i, u + i, n, u + i, n, i);
        if (!(row[i] > 0) || isinf(row[i]))
            return false;
        double pivot = sqrt(row[i]);
        for (size_t j = i; j < n; j++)
            row[j] /= pivot;
    }
    return true;
}

void cholesky_forward(const double *u, double *b, size_t n, size_t m)
{
    for (size_t i = 0; i < n; i++) {
        double *row = b + i * m;
        rows_take_off(row, m, b, m, u + i, n, i);
        for (size_t j = 0; j < m; j++)
            row[j] /= u[i * n + i];
    }
}

void cholesky_back(const double *u, double *b, size_t n)
{
    for (size_t i = n; i-- > 0;) {
        const double *row = u + i * n;
        for (size_t j = i + 1; j < n; j++)
            b[i] -= row[j] * b[j];
        b[i] /= row[i];
    }
}

void cholesky_inverse(const double *u, double *inverse, size_t n)
{
    enum { CHUNK = 32 };

    /* U'^-1 first, which is lower triangular: row k ends at column k. */
    memset(inverse, 0, n * n * sizeof *inverse);
    for (size_t i = 0; i < n; i++) {
        double *row = inverse + i * n;
        for (size_t k = 0; k < i; k += CHUNK) {
            size_t end = k + CHUNK < i ? k + CHUNK : i;
            rows_take_off(row, end, inverse + k * n, n, u + k * n + i, n, end - k);
        }
        for (size_t j = 0; j < i; j++)
            row[j] /= u[i * n + i];
        row[i] = 1 / u[i * n + i];
    }
    /* U A^-1 = U'^-1, from the last row to the first. */
    for (size_t i = n; i-- > 0;) {
        double *row = inverse + i * n;
        rows_take_off(row, i + 1, row + n, n, u + i * n + i + 1, 1, n - i - 1);
        for (size_t j = 0; j <= i; j++)
            row[j] /= u[i * n + i];
    }
}
