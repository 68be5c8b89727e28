#include "studies/tune/tune.h"

#include <math.h>
#include <string.h>

#include "reports/summary.h"
#include "scenarios/compose/checks.h"
#include "scenarios/keys/lookup.h"
#include "studies/study.h"
#include "studies/tune/models.h"
#include "studies/tune/tune_internal.h"
#include "util/bug.h"
#include "util/json_out.h"

static const double found_share = 0.6, interval_level = 0.95;
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

static enum status set_goals(struct tuner *t, struct diag *d)
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

/* The policy of a setting, as its knobs and the scenario name it. */
struct policy_choice {
    const char *type, *generation;
};

static struct policy_choice standing_policy(const struct tune_options *options)
{
    const struct scenario *sc = options->scenario;

    return (struct policy_choice){sc->policy.type, sc->policy.generation};
}

static bool is_policy_knob(const struct knob *knob)
{
    return strcmp(knob->key, type_key) == 0 || strcmp(knob->key, generation_key) == 0;
}

static void choose_policy(struct policy_choice *choice, const struct knob *knob, const char *value)
{
    *(strcmp(knob->key, type_key) == 0 ? &choice->type : &choice->generation) = value;
}

/* Knobs that the setting's policy does not read stand as the scenario has them: settings that do
 * the same are one. */
static void snap(void *context, double *u)
{
    const struct tuner *t = context;
    const struct space *space = t->options->space;
    struct policy_choice choice = standing_policy(t->options);

    for (size_t k = 0; k < space->n; k++) {
        const struct knob *knob = &space->knobs[k];
        if (space_n_values(knob))
            u[k] = space_u(knob, space_index(knob, u[k]));
        if (is_policy_knob(knob))
            choose_policy(&choice, knob, knob->values[space_index(knob, u[k])]);
    }
    const struct policy_ops *policy = policy_find(choice.type, choice.generation);
    for (size_t k = 0; k < space->n; k++) {
        if (!scenario_key_is_of_policy(policy, space->knobs[k].key))
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

static enum status set_parts(struct tuner *t, struct diag *d)
{
    const struct tune_options *o = t->options;
    double from_s, end_s;

    t->find = o->find;
    t->judge = o->judge;
    t->whole = !o->scenario->trace.path;
    if (t->whole) {
        if (!isnan(o->find.from_s) || !isnan(o->judge.from_s) || o->slice_s > 0)
            return diag_fail(d, ST_INPUT, "there is no trace to take parts of");
        return ST_OK;
    }
    enum status s = tuner_trace_span(t, &from_s, &end_s, d);
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

/* What replicate r replays of a part. */
static struct tune_part slice_of(const struct tuner *t, const struct tune_part *part, size_t r)
{
    double slice_s = t->options->slice_s, length_s = part->to_s - part->from_s;
    double n = slice_s > 0 ? floor(length_s / slice_s * (1 + 1e-9)) : 0;

    if (n < 1)
        return *part;
    double from_s = part->from_s + fmod((double)r, n) * slice_s;
    return (struct tune_part){from_s, fmin(from_s + slice_s, part->to_s)};
}

/* ---- runs ---- */

static const struct policy_ops *policy_of(const struct tune_options *options,
                                          const char *const *values)
{
    const struct space *space = options->space;
    struct policy_choice choice = standing_policy(options);

    for (size_t k = 0; k < space->n; k++) {
        if (is_policy_knob(&space->knobs[k]))
            choose_policy(&choice, &space->knobs[k], values[k]);
    }
    return policy_find(choice.type, choice.generation);
}

bool tune_value_counts(const struct tune_options *options, const char *const *values, size_t k)
{
    return scenario_key_is_of_policy(policy_of(options, values), options->space->knobs[k].key);
}

static bool add_override(struct study_variant *v, struct scenario_override *o, struct arena *arena,
                         const char *label, const char *key, const char *value)
{
    o[v->n_overrides] = (struct scenario_override){label, arena_printf(arena, "%s=%s", key, value)};
    return o[v->n_overrides++].text != NULL;
}

static bool add_number(struct study_variant *v, struct scenario_override *o, struct arena *arena,
                       const char *key, double value)
{
    char text[JSON_NUMBER_SIZE];

    json_format_double(text, value);
    return add_override(v, o, arena, "tune", key, text);
}

/* The setting's values; NULL: the scenario's own. Knobs of another policy than the setting's are
 * left out. Then, if asked for, the replicate of a part. */
static enum status make_variant(struct study_variant *v, struct arena *arena, const struct tuner *t,
                                const char *const *values, const struct tune_part *part,
                                size_t replicate, struct diag *d)
{
    const struct space *space = t->options->space;
    struct scenario_override *o = ARENA_NEW(arena, space->n + 3, struct scenario_override);
    bool ok = o != NULL;

    *v = (struct study_variant){.overrides = o};
    for (size_t k = 0; k < space->n && ok && values; k++) {
        if (tune_value_counts(t->options, values, k))
            ok = add_override(v, o, arena, "--vary", space->knobs[k].key, values[k]);
    }
    if (ok && part)
        ok = add_number(v, o, arena, "replicate", (double)replicate + 1);
    if (ok && part && !t->whole) {
        const struct tune_part slice = slice_of(t, part, replicate);
        ok = add_number(v, o, arena, "trace.from_s", slice.from_s) &&
             add_number(v, o, arena, "trace.to_s", slice.to_s);
    }
    return ok ? ST_OK : diag_nomem(d, "settings");
}

/* Rules across keys, which reading tells without a run. */
static const char *invalid(void *context, const double *u)
{
    struct tuner *t = context;
    struct study_variant v;
    struct scenario_source source;
    struct scenario scenario;
    struct arena arena;
    struct diag d;

    arena_init(&arena);
    diag_init(&d);
    const char *const *values = space_texts(t->options->space, u, &arena);
    enum status s =
        values ? make_variant(&v, &arena, t, values, NULL, 0, &d) : diag_nomem(&d, "settings");
    if (!s)
        s = study_source(&source, &arena, t->options->source, &v, &d);
    source.shared = run_resources_shared(t->options->resources);
    if (!s)
        s = scenario_read(&scenario, &arena, &source, &d);
    arena_release(&arena);
    if (!s)
        return NULL;
    snprintf(t->wrong, sizeof t->wrong, "%s", d.text);
    return t->wrong;
}

static bool count_run(void *context, size_t index, const struct study_row *row)
{
    struct tuner *t = context;

    (void)index, (void)row;
    t->n_done++;
    if (t->options->progress)
        t->options->progress(t->options->context, t->n_done, t->n_to_do);
    return true;
}

static enum status run_all(struct tuner *t, const struct study_variant *variants, size_t n,
                           struct arena *arena, const struct study_row **rows, struct diag *d)
{
    const struct study_options study = {.source = t->options->source,
                                        .n_variants = n,
                                        .variants = variants,
                                        .n_keys = t->n_keys,
                                        .keys = t->keys,
                                        .resources = t->options->resources,
                                        .n_threads = t->options->n_threads,
                                        .cancel = t->options->cancel,
                                        .row_done = count_run,
                                        .context = t};

    return study_run(rows, arena, &study, d);
}

static enum status evaluate(void *context, const struct trials *trials,
                            const struct tuning_run *runs, size_t n, double *figures,
                            const char **messages, struct diag *d)
{
    struct tuner *t = context;
    const struct study_row *rows;
    struct arena arena;

    arena_init(&arena);
    struct study_variant *variants = ARENA_NEW(&arena, n, struct study_variant);
    enum status s = variants ? ST_OK : diag_nomem(d, "settings");
    for (size_t i = 0; i < n && !s; i++) {
        const char *const *values = NULL;
        if (runs[i].setting != TUNING_DEFAULT &&
            !(values = space_texts(t->options->space, trials->trial[runs[i].setting].u, &arena)))
            s = diag_nomem(d, "settings");
        if (!s)
            s = make_variant(&variants[i], &arena, t, values, t->part, runs[i].replicate, d);
    }
    if (!s)
        s = run_all(t, variants, n, &arena, &rows, d);
    for (size_t i = 0; i < n && !s; i++) {
        for (size_t k = 0; k < t->n_keys; k++)
            figures[i * t->n_keys + k] = rows[i].figures ? rows[i].figures[k] : NAN;
        messages[i] = NULL;
        if (rows[i].message && !(messages[i] = arena_strdup(t->arena, rows[i].message)))
            s = diag_nomem(d, "settings");
    }
    arena_release(&arena);
    return s;
}

/* ---- what came of it ---- */

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
                        .standing_u = ARENA_NEW(arena, options->space->n, double)};
    if (!t->keys || !t->goals || !t->categorical || !t->standing || !t->standing_u)
        return diag_nomem(d, "tune");
    enum status s = set_goals(t, d);
    if (!s)
        s = set_parts(t, d);
    if (!s)
        s = tuner_standing(t, d);
    if (s)
        return s;
    for (size_t k = 0; k < options->space->n; k++)
        t->categorical[k] = !options->space->knobs[k].number;
    t->problem.n_dims = options->space->n;
    t->problem.categorical = t->categorical;
    t->problem.snap = snap;
    t->problem.goals = t->goals;
    t->problem.n_figures = t->n_keys;
    t->problem.n_replicates = options->n_replicates;
    t->problem.confidence = options->confidence;
    t->problem.seed = scenario_seed(options->scenario);
    t->problem.invalid = invalid;
    t->problem.evaluate = evaluate;
    t->problem.context = t;
    *r = (struct tune_result){.options = options, .n_keys = t->n_keys, .keys = t->keys};
    *result = r;
    return search_and_judge(r, t, d);
}
