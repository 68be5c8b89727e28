#include "planner/forecast/predictor.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "planner/forecast/predictor_internal.h"
#include "util/array.h"

const struct predictor_ops *const predictors[] = {
    &predictor_constant, &predictor_kalman, &predictor_arima, &predictor_prophet, NULL,
};

const struct predictor_ops *predictor_find(const char *name)
{
    for (size_t i = 0; predictors[i]; i++) {
        if (strcmp(predictors[i]->name, name) == 0)
            return predictors[i];
    }
    return NULL;
}

enum status predictor_init(struct predictor *p, const struct predictor_ops *ops,
                           const struct predictor_config *config, struct diag *d)
{
    *p = (struct predictor){.ops = ops};
    return ops->create(&p->state, config, d);
}

void predictor_release(struct predictor *p)
{
    if (p->state)
        p->ops->release(p->state);
    *p = (struct predictor){0};
}

enum status predictor_observe(struct predictor *p, double value)
{
    if (isnan(value))
        value = 0.0;
    if (value == 0.0 && !p->seen_traffic)
        return ST_OK;
    if (value != 0.0)
        p->seen_traffic = true;
    p->n_stored++;
    return p->ops->observe(p->state, value);
}

bool predictor_predict(struct predictor *p, double *forecast)
{
    return p->ops->predict(p->state, forecast) && isfinite(*forecast);
}

void predictor_reset_idle(struct predictor *p)
{
    p->seen_traffic = false;
}

enum status series_push(struct series *s, double value)
{
    enum status status = ARRAY_RESERVE(s->values, s->n, s->capacity, 1, "observations", NULL);
    if (!status)
        s->values[s->n++] = value;
    return status;
}

void series_release(struct series *s)
{
    free(s->values);
    *s = (struct series){0};
}
