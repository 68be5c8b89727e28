/* Cholesky factors of symmetric positive definite matrices of up to a thousand rows: row-major,
 * plain C, so that the same input gives the same bits. A = U'U with U upper triangular, which keeps
 * every inner loop along a row. */
#ifndef STUDIES_TUNE_CHOLESKY_H
#define STUDIES_TUNE_CHOLESKY_H

#include <stdbool.h>
#include <stddef.h>

/* The upper half of A (n x n) becomes U; the lower half is neither read nor written. false when A
 * is not positive definite in floating point; A is destroyed then. */
bool cholesky_factor(double *a, size_t n);

/* B (n rows of m) becomes U'^-1 B. */
void cholesky_forward(const double *u, double *b, size_t n, size_t m);
/* A vector becomes U^-1 b; after cholesky_forward, b is A^-1 b. */
void cholesky_back(const double *u, double *b, size_t n);

/* The lower half of `inverse` (n x n) becomes that of A^-1, diagonal included; what is above it is
 * undefined. */
void cholesky_inverse(const double *u, double *inverse, size_t n);

/* `to` -= the sum of n_rows rows times their factors. Rows are `stride` apart, factors
 * `factor_stride`. */
void rows_take_off(double *to, size_t width, const double *rows, size_t stride,
                   const double *factors, size_t factor_stride, size_t n_rows);

#endif
