#include <math.h>
#include <string.h>

#include "planner/forecast/arima_internal.h"
#include "planner/forecast/linalg.h"

/* State: d differences so far, then the ARMA part in Harvey's form, lags = max(p, q + 1) long. */
enum { MAX_ARMA = ARIMA_MAX_LAG + 1, MAX_STATES = ARIMA_MAX_D + MAX_ARMA };

struct filter {
    size_t d, lags, n; /* n = d + lags */
    double c, sigma2;
    double ar[MAX_ARMA], ma[MAX_ARMA]; /* ma[0] = 1 */
    double noise[MAX_ARMA][MAX_ARMA];  /* R R' sigma2 */
    double a[MAX_STATES], cov[MAX_STATES][MAX_STATES];
};

static const double diffuse_variance = 1e6;
/* Below this forecast variance the reference takes the observation as already known and learns
 * nothing from it. */
static const double least_variance = 1e-12;
static const double steady_tolerance = 1e-19;

static void filter_set(struct filter *f, struct arima_order order, const double *params)
{
    size_t p = (size_t)order.p, q = (size_t)order.q;

    memset(f, 0, sizeof(*f));
    f->d = (size_t)order.d;
    f->lags = p > q + 1 ? p : q + 1;
    f->n = f->d + f->lags;
    if (order.intercept)
        f->c = *params++;
    memcpy(f->ar, params, p * sizeof(*params));
    f->ma[0] = 1.0;
    memcpy(f->ma + 1, params + p, q * sizeof(*params));
    f->sigma2 = params[p + q];
    for (size_t i = 0; i < f->lags; i++) {
        for (size_t j = 0; j < f->lags; j++)
            f->noise[i][j] = f->ma[i] * f->sigma2 * f->ma[j];
    }
}

/* Stationary variance of the ARMA part: V = T V T' + R R' sigma2 as linear equations for the upper
 * half of V. */
static bool stationary_cov(struct filter *f)
{
    enum { MAX_UNKNOWNS = MAX_ARMA * (MAX_ARMA + 1) / 2 };
    double a[MAX_UNKNOWNS * MAX_UNKNOWNS] = {0}, b[MAX_UNKNOWNS];
    size_t index[MAX_ARMA + 1][MAX_ARMA + 1], n_unknowns = 0, m = f->lags;

    for (size_t i = 0; i < m; i++) {
        for (size_t j = i; j < m; j++)
            index[i][j] = index[j][i] = n_unknowns++;
    }
    /* (T x)_i = ar_i x_0 + x_(i+1). */
    for (size_t i = 0; i < m; i++) {
        for (size_t j = i; j < m; j++) {
            double *row = a + index[i][j] * n_unknowns;
            row[index[i][j]] += 1.0;
            row[index[0][0]] -= f->ar[i] * f->ar[j];
            if (j + 1 < m)
                row[index[0][j + 1]] -= f->ar[i];
            if (i + 1 < m)
                row[index[i + 1][0]] -= f->ar[j];
            if (i + 1 < m && j + 1 < m)
                row[index[i + 1][j + 1]] -= 1.0;
            b[index[i][j]] = f->ma[i] * f->ma[j] * f->sigma2;
        }
    }
    if (!linalg_solve(a, b, n_unknowns, 0))
        return false;
    for (size_t i = 0; i < m; i++) {
        for (size_t j = 0; j < m; j++)
            f->cov[f->d + i][f->d + j] = b[index[i][j]];
    }
    return true;
}

/* Stationary mean: x = T x + (c, 0, ...). */
static bool stationary_mean(struct filter *f)
{
    const double negligible = 1e-9;
    double sum = 0.0;

    if (!(fabs(f->c) > negligible))
        return !isnan(f->c);
    for (size_t i = 0; i < f->lags; i++)
        sum += f->ar[i];
    if (sum == 1.0)
        return false;
    double first = f->c / (1.0 - sum), below = 0.0;
    for (size_t i = f->lags; i-- > 1;) {
        below += f->ar[i] * first;
        f->a[f->d + i] = below;
    }
    f->a[f->d] = first;
    return true;
}

/* v = T v, for the differencing rows (sums over what follows, from the left) and the ARMA rows
 * (shifted). */
static void advance(const struct filter *f, double *v)
{
    for (size_t i = 0; i < f->d; i++) {
        for (size_t k = i + 1; k <= f->d; k++)
            v[i] += v[k];
    }
    double first = v[f->d];
    for (size_t i = 0; i < f->lags; i++)
        v[f->d + i] = f->ar[i] * first + (i + 1 < f->lags ? v[f->d + i + 1] : 0.0);
}

/* The same on whole rows of a matrix. All MAX_STATES columns take part, the unused ones being 0: a
 * constant length is worth more than the work it saves. */
static void advance_rows(const struct filter *f, double (*rows)[MAX_STATES])
{
    double first[MAX_STATES];

    memcpy(first, rows[f->d], sizeof(first));
    for (size_t i = 0; i < f->d; i++) {
        for (size_t k = i + 1; k <= f->d; k++) {
            for (size_t j = 0; j < MAX_STATES; j++)
                rows[i][j] += rows[k][j];
        }
    }
    for (size_t i = 0; i + 1 < f->lags; i++) {
        const double *below = rows[f->d + i + 1];
        for (size_t j = 0; j < MAX_STATES; j++)
            rows[f->d + i][j] = f->ar[i] * first[j] + below[j];
    }
    for (size_t j = 0; j < MAX_STATES; j++)
        rows[f->n - 1][j] = f->ar[f->lags - 1] * first[j];
}

/* cov = T cov T' + R R' sigma2; returns the squared distance to `before`. */
static double advance_cov(struct filter *f, double (*before)[MAX_STATES])
{
    double distance = 0.0;

    advance_rows(f, f->cov);
    for (size_t i = 0; i < f->n; i++)
        advance(f, f->cov[i]);
    for (size_t i = 0; i < f->lags; i++) {
        for (size_t j = 0; j < f->lags; j++)
            f->cov[f->d + i][f->d + j] += f->noise[i][j];
    }
    for (size_t i = 0; i < f->n; i++) {
        for (size_t j = i; j < f->n; j++) {
            double mean = 0.5 * (f->cov[i][j] + f->cov[j][i]);
            double moved = mean - before[i][j];
            f->cov[i][j] = f->cov[j][i] = mean;
            distance += (i == j ? 1.0 : 2.0) * moved * moved;
        }
    }
    return distance;
}

/* P Z', P being the covariance of the state and Z what of it is observed: its first d + 1 terms. */
static void observe_cov(const struct filter *f, double *pz)
{
    for (size_t i = 0; i < f->n; i++) {
        pz[i] = 0.0;
        for (size_t j = 0; j <= f->d; j++)
            pz[i] += f->cov[i][j];
    }
}

static double observed(const struct filter *f, const double *v)
{
    double sum = 0.0;
    for (size_t i = 0; i <= f->d; i++)
        sum += v[i];
    return sum;
}

/* P Z' / variance. The division comes first and the sums are fused, as in the reference. */
static void set_gain(const struct filter *f, double inverse, double *gain)
{
    for (size_t i = 0; i < f->n; i++) {
        gain[i] = 0.0;
        for (size_t j = 0; j <= f->d; j++)
            gain[i] = fma(f->cov[i][j], inverse, gain[i]);
    }
}

/* The covariance starts at 1e6, whose last bit is 1e-10: a series that is nearly deterministic has
 * a variance not far from that, and which model fits it best is decided by the order of the
 * operations below. It is the reference's. */
bool arima_filter(const double *y, size_t n, struct arima_order order, const double *params,
                  double *log_likelihood, double *forecast)
{
    const double log_two_pi = 1.8378770664093454836;
    struct filter f;
    double pz[MAX_STATES] = {0}, steady_pz[MAX_STATES] = {0};
    double variance = 0.0, inverse = 0.0, log_variance = 0.0, total = 0.0;
    size_t n_steady = 0; /* observations since the covariance has come to rest */

    filter_set(&f, order, params);
    for (size_t i = 0; i < f.d; i++)
        f.cov[i][i] = diffuse_variance;
    if (!stationary_cov(&f) || !stationary_mean(&f))
        return false;

    for (size_t t = 0; t < n; t++) {
        double error = y[t] - observed(&f, f.a), gain[MAX_STATES] = {0};
        double before[MAX_STATES][MAX_STATES];

        /* At rest, the first observation still sees the last covariance, the others see the one
         * before it. */
        if (n_steady < 2)
            observe_cov(&f, pz);
        else
            memcpy(pz, steady_pz, sizeof pz);
        if (n_steady == 0) {
            variance = observed(&f, pz);
            inverse = 1.0 / variance;
            log_variance = log(variance);
            memcpy(steady_pz, pz, sizeof pz);
        }
        bool informative = !(variance < least_variance);
        if (informative) {
            for (size_t i = 0; i < f.n; i++)
                f.a[i] += pz[i] * (inverse * error);
            if (t >= f.d)
                total += -0.5 * (log_two_pi + log_variance) - 0.5 * (error * (inverse * error));
        }
        advance(&f, f.a);
        f.a[f.d] += f.c;
        if (n_steady > 0) {
            n_steady++;
            continue;
        }
        memcpy(before, f.cov, f.n * sizeof(before[0]));
        if (informative) {
            set_gain(&f, inverse, gain);
            for (size_t i = 0; i < f.n; i++) {
                for (size_t j = 0; j < MAX_STATES; j++)
                    f.cov[i][j] -= gain[i] * pz[j];
            }
        }
        double moved = advance_cov(&f, before);
        /* The reference stops updating near the fixed point, but treats a model with an intercept
         * as varying in time and goes on; at the fixed point itself stopping changes nothing. */
        if (informative && (moved == 0.0 || (!order.intercept && moved < steady_tolerance)))
            n_steady = 1;
    }
    *log_likelihood = total;
    if (forecast)
        *forecast = observed(&f, f.a);
    return true;
}
