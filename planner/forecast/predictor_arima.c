#include <math.h>
#include <stdlib.h>

#include "planner/fixes.h"
#include "planner/forecast/arima.h"
#include "planner/forecast/predictor_arima.h"
#include "planner/forecast/predictor_internal.h"

struct predictor_arima {
    struct predictor_config config;
    struct series values;   /* as given */
    struct series modelled; /* what the model was fitted on, in its own scale */
    size_t n_taken;         /* values[0..n_taken) are in the model, or lost to it */
    size_t n_at_search;
    bool fitted, log1p;
    struct arima_fit fit;
};

enum { MIN_VALUES = 5 };

static enum status arima_create(void **state, const struct predictor_config *config, struct diag *d)
{
    struct predictor_arima *a = calloc(1, sizeof(*a));
    if (!a)
        return diag_nomem(d, "arima predictor");
    a->config = *config;
    *state = a;
    return ST_OK;
}

static void arima_release(void *state)
{
    struct predictor_arima *a = state;
    series_release(&a->values);
    series_release(&a->modelled);
    free(a);
}

static enum status arima_observe(void *state, double value)
{
    struct predictor_arima *a = state;
    return series_push(&a->values, value);
}

static double clamped(double value)
{
    return fmax(0.0, value);
}

static bool history_is_constant(const struct predictor_arima *a)
{
    for (size_t i = 1; i < a->values.n; i++) {
        if (clamped(a->values.values[i]) != clamped(a->values.values[0]))
            return false;
    }
    return true;
}

/* Searches the order on the whole history in one scale; on failure nothing changes. The reference
 * gives the raw search its values before negative ones are cut off, but every later value after. */
static bool search_in_scale(struct predictor_arima *a, bool log_scale)
{
    struct series series = {0};
    struct arima_fit fit;
    bool ok = true;

    for (size_t i = 0; i < a->values.n && ok; i++) {
        double value = a->values.values[i];
        ok = series_push(&series, log_scale ? log1p(clamped(value)) : value) == ST_OK;
    }
    if (!ok || !arima_search(series.values, series.n, &fit)) {
        series_release(&series);
        return false;
    }
    series_release(&a->modelled);
    a->modelled = series;
    a->fit = fit;
    a->log1p = log_scale;
    a->fitted = true;
    a->n_at_search = a->values.n;
    return true;
}

static bool first_fit(struct predictor_arima *a)
{
    if (!search_in_scale(a, a->config.log1p))
        return false;
    if (!a->config.log1p && a->fit.order.p == 0 && a->fit.order.q == 0)
        search_in_scale(a, true);
    return true;
}

static bool update(struct predictor_arima *a)
{
    size_t n_before = a->modelled.n, n_new = a->values.n - a->n_taken;
    int n_iterations =
        n_new / 10 > ARIMA_UPDATE_ITERATIONS ? (int)(n_new / 10) : ARIMA_UPDATE_ITERATIONS;

    if ((a->config.fixes & FIX_ARIMA_CONVERGE) && n_iterations < ARIMA_SEARCH_ITERATIONS)
        n_iterations = ARIMA_SEARCH_ITERATIONS;
    for (size_t i = a->n_taken; i < a->values.n; i++) {
        double value = clamped(a->values.values[i]);
        if (series_push(&a->modelled, a->log1p ? log1p(value) : value)) {
            a->modelled.n = n_before;
            return false;
        }
    }
    if (!arima_estimate(a->modelled.values, a->modelled.n, a->fit.order, a->fit.params,
                        n_iterations, &a->fit)) {
        a->modelled.n = n_before;
        return false;
    }
    return true;
}

static bool bring_up_to_date(struct predictor_arima *a)
{
    bool reselect = (a->config.fixes & FIX_ARIMA_RESELECT) && a->values.n >= 2 * a->n_at_search;

    if (!a->fitted || (reselect && a->n_taken < a->values.n)) {
        if (first_fit(a)) {
            a->n_taken = a->values.n;
            return true;
        }
        if (!a->fitted)
            return false;
    }
    if (a->n_taken == a->values.n)
        return true;
    bool ok = update(a);
    if (ok || !(a->config.fixes & FIX_ARIMA_KEEP_PENDING))
        a->n_taken = a->values.n;
    return ok;
}

static bool arima_predict(void *state, double *forecast)
{
    struct predictor_arima *a = state;

    *forecast = a->values.n ? clamped(a->values.values[a->values.n - 1]) : 0.0;
    if (a->values.n < MIN_VALUES || history_is_constant(a) || !bring_up_to_date(a))
        return true;
    double next = a->log1p ? expm1(a->fit.forecast) : a->fit.forecast;
    if (isinf(next) && a->log1p)
        return true;
    *forecast = clamped(next);
    return true;
}

const struct arima_fit *predictor_arima_fit(const void *state, bool *log1p)
{
    const struct predictor_arima *a = state;
    *log1p = a->log1p;
    return a->fitted ? &a->fit : NULL;
}

const struct predictor_ops predictor_arima = {
    .name = "arima",
    .summary = "ARIMA, order chosen once by AIC, re-estimated at every value",
    .create = arima_create,
    .release = arima_release,
    .observe = arima_observe,
    .predict = arima_predict,
};
