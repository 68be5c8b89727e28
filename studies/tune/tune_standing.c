#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "scenarios/compose/requests.h"
#include "scenarios/keys/lookup.h"
#include "studies/tune/tune_internal.h"
#include "util/units.h"

enum status tuner_has_trace(bool *whole, const struct tuner *t, struct diag *d)
{
    const struct scenario *sc = t->options->scenario, *with = NULL, *without = NULL;

    for (size_t i = 0; i < scenario_n_deployments(sc); i++) {
        const struct scenario *of = scenario_deployment(sc, i);
        *(of->trace.path ? &with : &without) = of;
    }
    *whole = !with;
    if (!with || !without)
        return ST_OK;
    return diag_fail_at(d, ST_INPUT, scenario_at(sc, "deployments"),
                        "deployment %s has a trace and %s has none: no part of the time is left "
                        "to judge on; expected a trace for each of them, or traffic.rate_per_s",
                        with->deployment, without->deployment);
}

/* Narrows what there is to what the trace of a deployment has. */
static enum status narrow(double *from_s, double *end_s, const struct tuner *t,
                          const struct scenario *sc, struct diag *d)
{
    int64_t end_ns;

    enum status s = scenario_trace_end(&end_ns, sc, t->options->resources, d);
    if (s)
        return s;
    *end_s = fmin(*end_s, s_from_ns(end_ns));
    if (sc->trace.to_s > 0)
        *end_s = fmin(*end_s, sc->trace.to_s);
    *from_s = fmax(*from_s, sc->trace.from_s);
    return ST_OK;
}

enum status tuner_trace_span(const struct tuner *t, double *from_s, double *end_s, struct diag *d)
{
    const struct scenario *sc = t->options->scenario;
    enum status s = ST_OK;

    *from_s = 0;
    *end_s = INFINITY;
    for (size_t i = 0; i < scenario_n_deployments(sc) && !s; i++)
        s = narrow(from_s, end_s, t, scenario_deployment(sc, i), d);
    if (s || *from_s < *end_s)
        return s;
    return diag_fail_at(d, ST_INPUT, scenario_at(sc, "trace"),
                        "the trace takes no time, so there are no parts to find and to judge on");
}

/* false: it is not one of the knob's values; *u is the nearest of them, or the first. */
static bool place(double *u, const struct knob *knob, const char *text)
{
    char *end;
    double value = strtod(text, &end);
    bool number = *text && !*end && knob->number;
    uint64_t n = space_n_values(knob), nearest = 0;

    if (number && n == 0) {
        double low = knob->low, high = knob->high;
        if (knob->kind == KNOB_LOG)
            *u = (log(fmax(value, low)) - log(low)) / (log(high) - log(low));
        else
            *u = (value - low) / (high - low);
        *u = fmin(fmax(*u, 0), 1);
        return value >= low && value <= high;
    }
    if (number && knob->n == 0) { /* every integer of a range */
        double within = fmin(fmax(round(value), knob->low), knob->high);
        *u = space_u(knob, (uint64_t)(within - knob->low));
        return within == value;
    }
    double distance = INFINITY;
    for (uint64_t i = 0; i < knob->n; i++) {
        const char *other = knob->values[i];
        double away = number ? fabs(strtod(other, NULL) - value) : strcmp(other, text) != 0;
        if (away < distance) {
            distance = away;
            nearest = i;
        }
    }
    *u = space_u(knob, nearest);
    return distance == 0;
}

enum status tuner_standing(struct tuner *t, struct diag *d)
{
    const struct space *space = t->options->space;

    for (size_t k = 0; k < space->n; k++) {
        enum status s = scenario_key_text(&t->standing[k], t->arena, t->options->scenario,
                                          space->knobs[k].key, d);
        if (s)
            return s;
        if (!place(&t->standing_u[k], &space->knobs[k], t->standing[k]))
            t->standing_outside = true;
    }
    return ST_OK;
}
