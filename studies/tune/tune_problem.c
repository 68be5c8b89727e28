#include <math.h>
#include <string.h>

#include "reports/summary.h"
#include "scenarios/keys/deployments.h"
#include "scenarios/keys/lookup.h"
#include "studies/tune/tune_internal.h"
#include "util/bug.h"

static const double found_share = 0.6;
static const char type_key[] = "policy.type", generation_key[] = "policy.generation";

/* ---- what is looked for ---- */

static const char *const always_shown[] = {"attainment.overall", "attainment.ttft",
                                           "attainment.tpot", "gpu_hours.total", NULL};

static size_t add_key(const char **keys, size_t *n, const char *key)
{
    size_t i = 0;

    while (i < *n && strcmp(keys[i], key) != 0)
        i++;
    keys[i] = key;
    *n += i == *n;
    return i;
}

static enum figure_scale scale_of(const char *key)
{
    double min, max;

    if (!summary_key_range(key, &min, &max) || min != 0)
        return FIGURE_ANY;
    return max == 1 ? FIGURE_SHARE : FIGURE_POSITIVE;
}

static enum status add_constraint(struct tuner *t, const struct expectation *e, struct diag *d)
{
    bool lower = e->op == EXPECT_GE || e->op == EXPECT_GT;

    if (e->op == EXPECT_EQ || e->op == EXPECT_NE)
        return diag_fail_at(d, ST_INPUT, e->at,
                            "'%s': no search can aim at one value; expected >=, <=, > or <",
                            e->text);
    for (size_t i = 0; i < t->problem.n_goals; i++) {
        const struct tuning_goal *other = &t->goals[i];
        if (!other->bounded || strcmp(t->keys[other->figure], e->key) != 0 ||
            other->larger_better == lower)
            continue;
        double least = lower ? e->bound : other->bound, most = lower ? other->bound : e->bound;
        if (least > most)
            return diag_fail_at(d, ST_INPUT, e->at,
                                "'%s' contradicts another bound: %s cannot be %g or more and %g or "
                                "less",
                                e->text, e->key, least, most);
    }
    t->goals[t->problem.n_goals++] =
        (struct tuning_goal){.figure = add_key(t->keys, &t->n_keys, e->key),
                             .bounded = true,
                             .larger_better = lower,
                             .bound = e->bound,
                             .scale = scale_of(e->key)};
    return ST_OK;
}

enum status tuner_goals(struct tuner *t, struct diag *d)
{
    const struct tune_options *o = t->options;
    enum status s = ST_OK;

    BUG_IF(o->n_objectives == 0 || o->n_objectives + o->n_constraints > TUNE_MAX_GOALS);
    for (size_t i = 0; i < o->n_objectives; i++) {
        const char *key = o->objectives[i].key;
        for (size_t k = 0; k < i; k++) {
            if (strcmp(o->objectives[k].key, key) == 0)
                return diag_fail(d, ST_INPUT, "objective %s is given twice", key);
        }
        t->goals[t->problem.n_goals++] =
            (struct tuning_goal){.figure = add_key(t->keys, &t->n_keys, key),
                                 .larger_better = o->objectives[i].maximise,
                                 .scale = scale_of(key)};
    }
    for (size_t i = 0; i < o->n_constraints && !s; i++)
        s = add_constraint(t, &o->constraints[i], d);
    for (size_t i = 0; always_shown[i]; i++)
        add_key(t->keys, &t->n_keys, always_shown[i]);
    return s;
}

/* ---- the knobs that count ---- */

/* The policy of a deployment in a setting, as its knobs and the scenario name it. */
struct policy_choice {
    const char *type, *generation;
};

/* A knob's key within its deployment, of which it is the name; "": it is of none. */
static const char *own_key(char deployment[DEPLOYMENT_NAME_MAX + 1], const struct knob *knob)
{
    const char *own = scenario_path_in_deployment(deployment, knob->key);

    return own ? own : knob->key;
}

static struct policy_choice standing_policy(const struct tune_options *options,
                                            const char *deployment)
{
    const struct scenario *of =
        *deployment ? scenario_deployment_find(options->scenario, deployment) : options->scenario;

    BUG_IF(!of); /* of a knob, whose deployment is there */
    return (struct policy_choice){of->policy.type, of->policy.generation};
}

/* Which part of the choice a knob is of that deployment; NULL: of none. */
static const char **chosen_by(struct policy_choice *choice, const struct knob *knob,
                              const char *deployment)
{
    char of[DEPLOYMENT_NAME_MAX + 1];
    const char *own = own_key(of, knob);

    if (strcmp(of, deployment) != 0)
        return NULL;
    return strcmp(own, type_key) == 0         ? &choice->type
           : strcmp(own, generation_key) == 0 ? &choice->generation
                                              : NULL;
}

/* The policy that a knob is of, as the values of the others have it. */
static const struct policy_ops *policy_of(const struct tune_options *options,
                                          const char *const *values, const struct knob *knob)
{
    const struct space *space = options->space;
    char deployment[DEPLOYMENT_NAME_MAX + 1];

    own_key(deployment, knob);
    struct policy_choice choice = standing_policy(options, deployment);
    for (size_t k = 0; k < space->n; k++) {
        const char **part = chosen_by(&choice, &space->knobs[k], deployment);
        if (part)
            *part = values[k];
    }
    return policy_find(choice.type, choice.generation);
}

bool tune_value_counts(const struct tune_options *options, const char *const *values, size_t k)
{
    const struct knob *knob = &options->space->knobs[k];
    char deployment[DEPLOYMENT_NAME_MAX + 1];

    return scenario_key_is_of_policy(policy_of(options, values, knob), own_key(deployment, knob));
}

void tuner_snap(void *context, double *u)
{
    const struct tuner *t = context;
    const struct space *space = t->options->space;

    for (size_t k = 0; k < space->n; k++) {
        const struct knob *knob = &space->knobs[k];
        struct policy_choice unused;
        char deployment[DEPLOYMENT_NAME_MAX + 1];
        own_key(deployment, knob);
        if (space_n_values(knob))
            u[k] = space_u(knob, space_index(knob, u[k]));
        t->chosen[k] =
            chosen_by(&unused, knob, deployment) ? knob->values[space_index(knob, u[k])] : NULL;
    }
    for (size_t k = 0; k < space->n; k++) {
        if (!tune_value_counts(t->options, t->chosen, k))
            u[k] = t->standing_u[k];
    }
}

/* ---- parts of the trace ---- */

/* What goes beyond the end of the trace ends there. */
static enum status check_part(struct tune_part *part, const char *what, double end_s,
                              struct diag *d)
{
    part->to_s = fmin(part->to_s, end_s);
    if (part->from_s < part->to_s && part->from_s >= 0)
        return ST_OK;
    return diag_fail(d, ST_INPUT,
                     "no trace is left to %s on from %g s on; it goes from 0 to %g s (--find, "
                     "--judge)",
                     what, part->from_s, end_s);
}

enum status tuner_parts(struct tuner *t, struct diag *d)
{
    const struct tune_options *o = t->options;
    double from_s, end_s;

    t->find = o->find;
    t->judge = o->judge;
    enum status s = tuner_has_trace(&t->whole, t, d);
    if (s)
        return s;
    if (t->whole) {
        if (!isnan(o->find.from_s) || !isnan(o->judge.from_s) || o->slice_s > 0)
            return diag_fail(d, ST_INPUT, "there is no trace to take parts of");
        return ST_OK;
    }
    s = tuner_trace_span(t, &from_s, &end_s, d);
    if (s)
        return s;
    if (isnan(t->find.from_s))
        t->find = (struct tune_part){from_s, from_s + found_share * (end_s - from_s)};
    if (isnan(t->judge.from_s))
        t->judge = (struct tune_part){t->find.to_s, end_s};
    s = check_part(&t->find, "find", end_s, d);
    if (!s)
        s = check_part(&t->judge, "judge", end_s, d);
    if (!s && t->find.from_s < t->judge.to_s && t->judge.from_s < t->find.to_s)
        s = diag_fail(d, ST_INPUT,
                      "the parts of the trace to find and to judge on, %g to %g s and %g to %g s, "
                      "overlap; what is judged must not have been seen",
                      t->find.from_s, t->find.to_s, t->judge.from_s, t->judge.to_s);
    if (!s && o->slice_s > t->find.to_s - t->find.from_s)
        s = diag_fail(d, ST_INPUT, "a slice of %g s is more than the part to find on, %g to %g s",
                      o->slice_s, t->find.from_s, t->find.to_s);
    return s;
}

struct tune_part tuner_slice(const struct tuner *t, const struct tune_part *part, size_t r)
{
    double slice_s = t->options->slice_s, length_s = part->to_s - part->from_s;
    double n = slice_s > 0 ? floor(length_s / slice_s * (1 + 1e-9)) : 0;

    if (n < 1)
        return *part;
    double from_s = part->from_s + fmod((double)r, n) * slice_s;
    return (struct tune_part){from_s, fmin(from_s + slice_s, part->to_s)};
}
