#include <math.h>
#include <stdlib.h>

#include "planner/fixes.h"
#include "planner/forecast/predictor_internal.h"

struct constant {
    double last;
    bool clamp;
};

static enum status constant_create(void **state, const struct predictor_config *config,
                                   struct diag *d)
{
    struct constant *c = calloc(1, sizeof(*c));
    if (!c)
        return diag_nomem(d, "constant predictor");
    c->clamp = config->fixes & FIX_CLAMP_FORECAST;
    *state = c;
    return ST_OK;
}

static enum status constant_observe(void *state, double value)
{
    struct constant *c = state;
    c->last = value;
    return ST_OK;
}

static bool constant_predict(void *state, double *forecast)
{
    const struct constant *c = state;
    *forecast = c->clamp ? fmax(0.0, c->last) : c->last;
    return true;
}

const struct predictor_ops predictor_constant = {
    .name = "constant",
    .summary = "the last value again",
    .create = constant_create,
    .release = free,
    .observe = constant_observe,
    .predict = constant_predict,
};
