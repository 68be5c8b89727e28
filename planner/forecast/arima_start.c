#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "planner/forecast/arima_internal.h"
#include "planner/forecast/linalg.h"

bool arima_roots_within(const double *coefs, size_t n, double bound)
{
    /* Step-down recursion on the polynomial scaled so that `bound` becomes 1: stable exactly if
     * every reflection coefficient is below 1 in size. */
    double c[ARIMA_MAX_LAG], next[ARIMA_MAX_LAG], scale = 1.0;

    for (size_t i = 0; i < n; i++) {
        scale /= bound;
        c[i] = coefs[i] * scale;
    }
    for (size_t k = n; k-- > 0;) {
        double r = c[k];
        if (!(fabs(r) < 1.0))
            return false;
        for (size_t i = 0; i < k; i++)
            next[i] = (c[i] - r * c[k - 1 - i]) / (1.0 - r * r);
        memcpy(c, next, k * sizeof(*c));
    }
    return true;
}

void arima_constrain(const double *free, size_t n, double *coefs)
{
    double y[ARIMA_MAX_LAG] = {0}, next[ARIMA_MAX_LAG];

    for (size_t k = 0; k < n; k++) {
        double r = free[k] / sqrt(1.0 + free[k] * free[k]);
        for (size_t i = 0; i < k; i++)
            next[i] = y[i] + r * y[k - 1 - i];
        memcpy(y, next, k * sizeof(*y));
        y[k] = r;
    }
    for (size_t i = 0; i < n; i++)
        coefs[i] = -y[i];
}

void arima_unconstrain(const double *coefs, size_t n, double *free)
{
    double y[ARIMA_MAX_LAG], next[ARIMA_MAX_LAG];

    for (size_t i = 0; i < n; i++)
        y[i] = -coefs[i];
    for (size_t k = n; k-- > 0;) {
        double r = y[k];
        free[k] = r / sqrt(1.0 - r * r);
        for (size_t i = 0; i < k; i++)
            next[i] = (y[i] - r * y[k - 1 - i]) / (1.0 - r * r);
        memcpy(y, next, k * sizeof(*y));
    }
}

enum { MAX_COLUMNS = 1 + 2 * ARIMA_MAX_LAG };

struct scratch {
    double *w, *x, *target, *residuals; /* series, design, left side, residuals of the long AR */
    double work[MAX_COLUMNS * (MAX_COLUMNS + 1)];
};

static double mean(const double *x, size_t n)
{
    double sum = 0.0;
    for (size_t i = 0; i < n; i++)
        sum += x[i];
    return sum / (double)n;
}

static double variance(const double *x, size_t n)
{
    double centre = mean(x, n), sum = 0.0;
    for (size_t i = 0; i < n; i++)
        sum += (x[i] - centre) * (x[i] - centre);
    return sum / (double)n;
}

static double mean_square(const double *x, size_t n)
{
    double sum = 0.0;
    for (size_t i = 0; i < n; i++)
        sum += x[i] * x[i];
    return sum / (double)n;
}

/* Residuals of an AR(order) of w by least squares; residuals[i] belongs to w[order + i]. */
static void long_ar(struct scratch *s, size_t n, size_t order)
{
    size_t n_rows = n - order;
    double beta[MAX_COLUMNS];

    for (size_t r = 0; r < n_rows; r++) {
        for (size_t j = 0; j < order; j++)
            s->x[r * order + j] = s->w[order + r - 1 - j];
        s->target[r] = s->w[order + r];
    }
    linalg_least_squares(s->x, n_rows, order, s->target, LINALG_CUT, beta, s->work);
    for (size_t r = 0; r < n_rows; r++) {
        double fitted = 0.0;
        for (size_t j = 0; j < order; j++)
            fitted += s->w[order + r - 1 - j] * beta[j];
        s->residuals[r] = s->w[order + r] - fitted;
    }
}

/* Least squares of w on an intercept, its lags and the lags of the long AR's residuals; returns the
 * variance of what is left. */
static double regress(struct scratch *s, size_t n, struct arima_order order, double *params)
{
    size_t p = (size_t)order.p, q = (size_t)order.q, k = 2 * q, first = k + q > p ? k + q : p;
    size_t n_rows = n > first ? n - first : 0, n_cols = (order.intercept ? 1 : 0) + p + q;
    double *left = s->target;

    for (size_t pass = 0; pass < 2; pass++) {
        for (size_t r = 0; r < n_rows; r++) {
            double *row = s->x + r * n_cols;
            size_t at = first + r, j = 0;
            if (order.intercept)
                row[j++] = 1.0;
            for (size_t lag = 1; lag <= p; lag++)
                row[j++] = s->w[at - lag];
            for (size_t lag = 1; lag <= q; lag++)
                row[j++] = s->residuals[at - k - lag];
            if (pass == 0) {
                left[r] = s->w[at];
            } else {
                for (j = 0; j < n_cols; j++)
                    left[r] -= row[j] * params[j];
            }
        }
        if (pass == 0)
            linalg_least_squares(s->x, n_rows, n_cols, left, LINALG_CUT, params, s->work);
    }
    if (n_rows > (q > 1 ? q : 1))
        return mean_square(left + q, n_rows - q);
    return variance(s->w, n);
}

bool arima_start_params(const double *y, size_t n, struct arima_order order, double *params)
{
    const double threshold = 1.0 - 1e-10, least_variance = 1e-10;
    size_t p = (size_t)order.p, q = (size_t)order.q, d = (size_t)order.d;
    size_t n_cols = (order.intercept ? 1 : 0) + p + q, n_w = n > d ? n - d : 0;
    double *ar = params + (order.intercept ? 1 : 0), *ma = ar + p, *sigma2 = ma + q;
    struct scratch s;

    double *memory = malloc((n + 1) * (MAX_COLUMNS + 3) * sizeof(*memory));
    if (!memory)
        return false;
    s.w = memory;
    s.target = s.w + n;
    s.residuals = s.target + n;
    s.x = s.residuals + n;
    memcpy(s.w, y, n * sizeof(*y));
    for (size_t i = 0; i < d && i < n; i++) {
        for (size_t j = 0; j + 1 < n - i; j++)
            s.w[j] = s.w[j + 1] - s.w[j];
    }

    memset(params, 0, (n_cols + 1) * sizeof(*params));
    /* Not enough values for the lags: zeros, as the reference falls back to. */
    bool enough = (q == 0 || (2 * q < n_w && q < n_w - 2 * q)) && (p == 0 || p < n_w);
    if (n_cols == 0) {
        *sigma2 = mean_square(s.w, n_w) * (double)n_w / (double)n;
    } else if (!enough) {
        *sigma2 = n_w == 0 ? 1.0 : variance(s.w, n_w) * (double)n_w / (double)(n_w + q);
    } else {
        if (q > 0)
            long_ar(&s, n_w, 2 * q);
        *sigma2 = regress(&s, n_w, order, params);
    }
    free(memory);

    double signs[ARIMA_MAX_LAG];
    for (size_t i = 0; i < p; i++)
        signs[i] = -ar[i];
    if (!arima_roots_within(signs, p, threshold))
        memset(ar, 0, p * sizeof(*ar));
    if (!arima_roots_within(ma, q, threshold))
        memset(ma, 0, q * sizeof(*ma));
    *sigma2 = fmax(*sigma2, least_variance);
    return true;
}
