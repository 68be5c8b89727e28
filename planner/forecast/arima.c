#include "planner/forecast/arima.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "planner/forecast/arima_internal.h"
#include "planner/forecast/kpss.h"
#include "planner/forecast/minimise_scipy.h"

size_t arima_n_params(struct arima_order order)
{
    return (order.intercept ? 1u : 0u) + (size_t)order.p + (size_t)order.q + 1u;
}

/* Optimiser variables to model parameters: AR stationary, MA invertible, variance positive. */
static void transform(struct arima_order order, const double *free, double *params)
{
    size_t p = (size_t)order.p, q = (size_t)order.q, at = 0;

    if (order.intercept) {
        params[0] = free[0];
        at = 1;
    }
    arima_constrain(free + at, p, params + at);
    at += p;
    arima_constrain(free + at, q, params + at);
    for (size_t i = 0; i < q; i++)
        params[at + i] = -params[at + i];
    at += q;
    params[at] = free[at] * free[at];
}

static void untransform(struct arima_order order, const double *params, double *free)
{
    size_t p = (size_t)order.p, q = (size_t)order.q, at = 0;
    double negated[ARIMA_MAX_LAG];

    if (order.intercept) {
        free[0] = params[0];
        at = 1;
    }
    arima_unconstrain(params + at, p, free + at);
    at += p;
    for (size_t i = 0; i < q; i++)
        negated[i] = -params[at + i];
    arima_unconstrain(negated, q, free + at);
    at += q;
    free[at] = sqrt(params[at]);
}

static bool all_finite(const double *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(x[i]))
            return false;
    }
    return true;
}

struct likelihood {
    const double *y;
    size_t n, n_params;
    struct arima_order order;
};

/* Mean negative log-likelihood. */
static bool likelihood_value(void *context, const double *x, double *f)
{
    const struct likelihood *l = context;
    double params[ARIMA_MAX_PARAMS], log_likelihood;

    transform(l->order, x, params);
    if (!all_finite(params, l->n_params) ||
        !arima_filter(l->y, l->n, l->order, params, &log_likelihood, NULL))
        return false;
    *f = -log_likelihood / (double)l->n;
    return true;
}

bool arima_estimate(const double *y, size_t n, struct arima_order order, const double *start,
                    int max_iterations, struct arima_fit *fit)
{
    struct arima_fit result = {.order = order, .n_params = arima_n_params(order)};
    struct likelihood l = {.y = y, .n = n, .n_params = result.n_params, .order = order};
    struct scipy_problem problem = {.value = likelihood_value,
                                    .context = &l,
                                    .n = result.n_params,
                                    .max_iterations = max_iterations};
    double at[ARIMA_MAX_PARAMS];

    if (!all_finite(y, n))
        return false;
    if (start)
        memcpy(result.params, start, result.n_params * sizeof(*start));
    else if (!arima_start_params(y, n, order, result.params))
        return false;
    untransform(order, result.params, at);
    if (!minimise_scipy(&problem, at))
        return false;
    transform(order, at, result.params);
    if (!arima_filter(y, n, order, result.params, &result.log_likelihood, &result.forecast))
        return false;
    result.aic = -2.0 * result.log_likelihood + 2.0 * (double)result.n_params;
    *fit = result;
    return true;
}

struct search {
    const double *y;
    size_t n;
    int d, n_fits;
    bool seen[ARIMA_MAX_LAG + 1][ARIMA_MAX_LAG + 1][2];
    bool has_current, has_best;
    double current_aic;    /* of the model that later ones have to beat; may be NaN */
    struct arima_fit best; /* lowest finite AIC */
};

enum { MAX_FITS = 100 };

/* The AIC, or infinity for a model with a root too close to the unit circle. */
static double score(const struct arima_fit *fit)
{
    const double bound = 1.0 - 1e-2;
    size_t p = (size_t)fit->order.p, q = (size_t)fit->order.q;
    const double *ar = fit->params + (fit->order.intercept ? 1 : 0), *ma = ar + p;
    double signs[ARIMA_MAX_LAG];

    for (size_t i = 0; i < p; i++)
        signs[i] = -ar[i];
    /* The verdict on the MA part replaces the one on the AR part. */
    bool far = q > 0 && isfinite(fit->aic) ? arima_roots_within(ma, q, bound)
                                           : arima_roots_within(signs, p, bound);
    return far ? fit->aic : INFINITY;
}

/* Fits a model not seen before; true when it beats the current one. */
static bool try_model(struct search *s, int p, int q, bool intercept)
{
    struct arima_fit fit;

    if (s->seen[p][q][intercept])
        return false;
    s->seen[p][q][intercept] = true;
    s->n_fits++;
    struct arima_order order = {p, s->d, q, intercept};
    if (!arima_estimate(s->y, s->n, order, NULL, ARIMA_SEARCH_ITERATIONS, &fit))
        return false;
    double aic = score(&fit);
    if (isfinite(aic) && (!s->has_best || aic < s->best.aic)) {
        s->has_best = true;
        s->best = fit;
    }
    if (isinf(aic) || (s->has_current && !(aic < s->current_aic)))
        return false;
    s->has_current = true;
    s->current_aic = aic;
    return true;
}

static int least(int a, int b)
{
    return a < b ? a : b;
}

static void stepwise(struct search *s, bool intercept)
{
    static const struct {
        int p, q;
    } moves[] = {{-1, 0}, {0, -1}, {1, 0}, {0, 1}, {-1, -1}, {-1, 1}, {1, -1}, {1, 1}};
    const size_t n_moves = sizeof(moves) / sizeof(moves[0]), short_series = 10;
    int most = s->n / 3 < ARIMA_MAX_LAG ? (int)(s->n / 3) : ARIMA_MAX_LAG;
    int p = least(s->n < short_series ? 1 : 2, most), q = p, n_fits_before = 0;

    try_model(s, p, q, intercept);
    if (try_model(s, 0, 0, intercept))
        p = q = 0;
    if (most > 0 && try_model(s, 1, 0, intercept)) {
        p = 1;
        q = 0;
    }
    if (most > 0 && try_model(s, 0, 1, intercept)) {
        p = 0;
        q = 1;
    }
    if (intercept && try_model(s, 0, 0, false))
        p = q = 0;

    while (n_fits_before < s->n_fits && s->n_fits < MAX_FITS) {
        bool better = false;
        n_fits_before = s->n_fits;
        for (size_t i = 0; i < n_moves && !better && s->n_fits < MAX_FITS; i++) {
            int new_p = p + moves[i].p, new_q = q + moves[i].q;
            if (new_p < 0 || new_q < 0 || new_p > most || new_q > most)
                continue;
            if (try_model(s, new_p, new_q, intercept)) {
                p = new_p;
                q = new_q;
                better = true;
            }
        }
        if (!better && s->n_fits < MAX_FITS && try_model(s, p, q, !intercept))
            intercept = !intercept;
    }
}

bool arima_search(const double *y, size_t n, struct arima_fit *best)
{
    struct search s = {.y = y, .n = n};

    if (!all_finite(y, n))
        return false;
    double *differenced = malloc(n * sizeof(*differenced));
    if (!differenced)
        return false;
    s.d = kpss_n_differences(y, n, differenced);
    bool constant = series_is_constant(differenced, n - (size_t)s.d);
    free(differenced);

    if (constant)
        try_model(&s, 0, 0, !series_is_constant(y, n));
    else
        stepwise(&s, s.d < 2);
    if (!s.has_best)
        return false;
    *best = s.best;
    return true;
}
