#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "planner/fixes.h"
#include "planner/forecast/predictor_internal.h"
#include "planner/forecast/prophet.h"

struct predictor_prophet {
    struct predictor_config config;
    struct series window; /* in the model's scale */
    int64_t n_steps;      /* values stored so far; the last of the window is step n_steps - 1 */
};

static enum status prophet_create(void **state, const struct predictor_config *config,
                                  struct diag *d)
{
    struct predictor_prophet *p = calloc(1, sizeof(*p));
    if (!p)
        return diag_nomem(d, "prophet predictor");
    p->config = *config;
    *state = p;
    return ST_OK;
}

static void prophet_release(void *state)
{
    struct predictor_prophet *p = state;
    series_release(&p->window);
    free(p);
}

static enum status prophet_observe(void *state, double value)
{
    struct predictor_prophet *p = state;
    struct series *w = &p->window;
    int64_t size = p->config.prophet_window_size;

    p->n_steps++;
    /* The reference cuts with a slice from -size: 0 keeps everything, a negative size nothing. */
    if (size < 0)
        return ST_OK;
    if (size > 0 && w->n == (size_t)size) {
        memmove(w->values, w->values + 1, (w->n - 1) * sizeof(*w->values));
        w->n--;
    }
    return series_push(w, p->config.log1p ? log1p(fmax(0.0, value)) : value);
}

static bool prophet_predict(void *state, double *forecast)
{
    struct predictor_prophet *p = state;
    const struct series *w = &p->window;
    int64_t interval_s = p->config.interval_s;
    struct prophet_history history = {
        .y = w->values,
        .n = w->n,
        .first_s = (p->n_steps - (int64_t)w->n) * interval_s,
        .interval_s = interval_s,
    };
    int64_t at_s = p->config.fixes & FIX_PROPHET_TIME ? p->n_steps * interval_s : p->n_steps;

    *forecast = w->n > 0 ? w->values[w->n - 1] : 0.0;
    if (w->n >= PROPHET_MIN_VALUES && !prophet_forecast(&history, at_s, forecast))
        return false;
    if (p->config.log1p)
        *forecast = fmax(0.0, expm1(*forecast));
    if (p->config.fixes & FIX_CLAMP_FORECAST)
        *forecast = fmax(0.0, *forecast);
    return true;
}

const struct predictor_ops predictor_prophet = {
    .name = "prophet",
    .summary = "piecewise linear trend with seasons, refitted to a window at every value",
    .create = prophet_create,
    .release = prophet_release,
    .observe = prophet_observe,
    .predict = prophet_predict,
};
