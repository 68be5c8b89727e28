#include "studies/tune/tune.h"

#include <math.h>

#include "studies/tune/models.h"
#include "studies/tune/tune_internal.h"

static const double interval_level = 0.95;

static enum status describe(struct tune_setting *setting, struct tuner *t,
                            const struct trials *trials, size_t index, struct diag *d)
{
    struct tune_figure *figures = ARENA_NEW(t->arena, t->n_keys, struct tune_figure);
    const char *const *values = t->standing;

    if (index != TUNING_DEFAULT)
        values = space_texts(t->options->space, trials->trial[index].u, t->arena);
    if (!figures || !values)
        return diag_nomem(d, "settings");
    for (size_t k = 0; k < t->n_keys; k++) {
        const struct moments m = trials_moments(trials, index, k);
        figures[k] = (struct tune_figure){NAN, NAN, NAN};
        if (isnan(m.mean))
            continue;
        const struct range at = mean_interval(&m, interval_level);
        figures[k] = (struct tune_figure){m.mean, at.low, at.high};
    }
    *setting = (struct tune_setting){values, trials->trial[index].n_done, figures,
                                     trials_holds(trials, index)};
    return ST_OK;
}

/* Runs two settings on every replicate of a part, but for what was run already. */
static enum status compare(struct tune_trial_of_part *out, struct tuner *t, struct trials *trials,
                           size_t recommended, const struct tune_part *part, struct diag *d)
{
    size_t n_replicates = t->problem.n_replicates, n = 0;
    struct tuning_run *runs = ARENA_NEW(t->arena, 2 * n_replicates, struct tuning_run);
    struct paired *differences = ARENA_NEW(t->arena, t->n_keys, struct paired);
    double a[TUNING_MAX_REPLICATES], b[TUNING_MAX_REPLICATES];

    if (!runs || !differences)
        return diag_nomem(d, "settings");
    for (size_t r = 0; r < n_replicates; r++) {
        runs[n++] = (struct tuning_run){TUNING_DEFAULT, r};
        if (recommended != TUNING_DEFAULT)
            runs[n++] = (struct tuning_run){recommended, r};
    }
    t->part = part;
    enum status s = trials_run(trials, runs, n, d);
    if (s)
        return s;
    *out =
        (struct tune_trial_of_part){.part = *part, .whole = t->whole, .differences = differences};
    for (size_t k = 0; k < t->n_keys; k++) {
        for (size_t r = 0; r < n_replicates; r++) {
            a[r] = trial_figure(trials, recommended, r, k);
            b[r] = trial_figure(trials, TUNING_DEFAULT, r, k);
        }
        differences[k] = paired_difference(a, b, n_replicates, interval_level);
    }
    s = describe(&out->recommended, t, trials, recommended, d);
    return s ? s : describe(&out->standing, t, trials, TUNING_DEFAULT, d);
}

/* The same settings on the part that the search did not see. */
static enum status judge(struct tune_result *result, struct tuner *t, const struct trials *found,
                         size_t recommended, struct diag *d)
{
    struct trials trials;
    size_t index = TUNING_DEFAULT;

    trials_init(&trials, &t->problem, t->arena);
    enum status s = trials_add_outside(&trials, found->trial[TUNING_DEFAULT].u, d);
    if (!s && recommended != TUNING_DEFAULT)
        s = trials_add(&trials, found->trial[recommended].u, &index, d);
    if (!s)
        s = compare(&result->judged, t, &trials, index, &t->judge, d);
    if (!s)
        result->judge_failure = trials.trial[index].message;
    return s;
}

static enum status describe_front(struct tune_result *result, struct tuner *t,
                                  const struct trials *trials, const struct search_result *search,
                                  struct diag *d)
{
    struct tune_setting *front = ARENA_NEW(t->arena, search->n_front, struct tune_setting);
    enum status s = front ? ST_OK : diag_nomem(d, "front");

    for (size_t i = 0; i < search->n_front && !s; i++)
        s = describe(&front[i], t, trials, search->front[i], d);
    result->n_front = search->n_front;
    result->front = front;
    for (size_t i = 0; i < trials->n; i++) {
        const char *message = trials->trial[i].message;
        result->n_failed += message != NULL;
        if (!result->failure)
            result->failure = message;
    }
    return s;
}

/* What the dimensions can take, where it is few values. */
static enum status set_levels(struct effect_levels *levels, const struct tuner *t, struct diag *d)
{
    enum { FEW = 32 };
    const struct space *space = t->options->space;

    for (size_t k = 0; k < space->n; k++) {
        const struct knob *knob = &space->knobs[k];
        uint64_t n = space_n_values(knob);
        if (n == 0 || (n > FEW && knob->number))
            continue;
        double *at = ARENA_NEW(t->arena, (size_t)n, double);
        if (!at)
            return diag_nomem(d, "effects");
        for (uint64_t i = 0; i < n; i++)
            at[i] = space_u(knob, i);
        levels[k] = (struct effect_levels){(size_t)n, at};
    }
    return ST_OK;
}

/* The effects on the figures as they are, not on the scale of the search. */
static enum status find_effects(struct tune_result *result, struct tuner *t,
                                const struct trials *trials, struct diag *d)
{
    size_t n = t->problem.n_goals;
    struct tuning_goal *plain = ARENA_NEW(t->arena, n, struct tuning_goal);
    struct surrogate_hyper *hyper = ARENA_NEW(t->arena, n, struct surrogate_hyper);
    const struct effects **effects = ARENA_NEW(t->arena, n, const struct effects *);
    struct effect_levels *levels = ARENA_NEW(t->arena, t->options->space->n, struct effect_levels);
    struct tuning_problem problem = t->problem;
    struct trials seen = *trials;
    struct models models;

    /* Of a setting that cannot be run there are no figures that a knob could have moved. */
    seen.trial = ARENA_NEW(t->arena, trials->n, struct trial);
    if (!plain || !hyper || !effects || !levels || !seen.trial)
        return diag_nomem(d, "effects");
    for (size_t i = 0; i < trials->n; i++) {
        seen.trial[i] = trials->trial[i];
        seen.trial[i].outside |= seen.trial[i].message != NULL;
    }
    for (size_t g = 0; g < n; g++)
        plain[g] = (struct tuning_goal){.figure = t->goals[g].figure, .scale = FIGURE_ANY};
    problem.goals = plain;
    seen.problem = &problem;
    enum status s = set_levels(levels, t, d);
    if (!s)
        s = models_fit(&models, t->arena, &seen, hyper, d);
    for (size_t g = 0; g < n && !s; g++)
        s = effects_find(&effects[g], t->arena, models.goal[g], &models.points[g], levels, d);
    result->n_effects = n;
    result->effects = effects;
    return s;
}

static enum status search_and_judge(struct tune_result *result, struct tuner *t, struct diag *d)
{
    const struct tune_options *o = t->options;
    const struct search_options options = {.n_runs = o->n_runs,
                                           .first = t->standing_u,
                                           .first_outside = t->standing_outside,
                                           .explorer = o->explorer};
    struct trials *trials = ARENA_NEW(t->arena, 1, struct trials);
    struct search_result search;

    if (!trials)
        return diag_nomem(d, "tune");
    t->part = &t->find;
    t->n_to_do = o->n_runs + 2 * o->n_replicates;
    trials_init(trials, &t->problem, t->arena);
    result->trials = trials;
    enum status s = tuning_search(&search, trials, &options, d);
    if (s)
        return s;
    result->n_runs = trials->n_runs;
    result->n_settings = search.n_settings;
    result->is_standing = search.recommended == TUNING_DEFAULT;
    s = compare(&result->found, t, trials, search.recommended, &t->find, d);
    if (!s)
        s = judge(result, t, trials, search.recommended, d);
    if (!s)
        s = describe_front(result, t, trials, &search, d);
    if (!s)
        s = find_effects(result, t, trials, d);
    result->holds = result->found.recommended.holds >= o->confidence;
    result->judged_holds = result->judged.recommended.holds >= o->confidence;
    return s ? s : tuner_verdict(result, t, d);
}

enum status tune(const struct tune_result **result, struct arena *arena,
                 const struct tune_options *options, struct diag *d)
{
    struct tune_result *r = ARENA_NEW(arena, 1, struct tune_result);
    struct tuner *t = ARENA_NEW(arena, 1, struct tuner);

    if (!r || !t)
        return diag_nomem(d, "tune");
    *t = (struct tuner){.options = options,
                        .arena = arena,
                        .keys = ARENA_NEW(arena, TUNING_MAX_FIGURES, const char *),
                        .goals = ARENA_NEW(arena, TUNE_MAX_GOALS, struct tuning_goal),
                        .categorical = ARENA_NEW(arena, options->space->n, bool),
                        .standing = ARENA_NEW(arena, options->space->n, const char *),
                        .chosen = ARENA_NEW(arena, options->space->n, const char *),
                        .standing_u = ARENA_NEW(arena, options->space->n, double)};
    if (!t->keys || !t->goals || !t->categorical || !t->standing || !t->standing_u || !t->chosen)
        return diag_nomem(d, "tune");
    enum status s = tuner_goals(t, d);
    if (!s)
        s = tuner_parts(t, d);
    if (!s)
        s = tuner_standing(t, d);
    if (s)
        return s;
    for (size_t k = 0; k < options->space->n; k++)
        t->categorical[k] = !options->space->knobs[k].number;
    t->problem.n_dims = options->space->n;
    t->problem.categorical = t->categorical;
    t->problem.snap = tuner_snap;
    t->problem.goals = t->goals;
    t->problem.n_figures = t->n_keys;
    t->problem.n_replicates = options->n_replicates;
    t->problem.confidence = options->confidence;
    t->problem.seed = scenario_seed(options->scenario);
    t->problem.invalid = tuner_invalid;
    t->problem.evaluate = tuner_evaluate;
    t->problem.context = t;
    *r = (struct tune_result){.options = options, .n_keys = t->n_keys, .keys = t->keys};
    *result = r;
    return search_and_judge(r, t, d);
}
