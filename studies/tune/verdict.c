/* What the figures of a tuning say, in sentences that anybody can act on. */
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "scenarios/keys/deployments.h"
#include "studies/tune/tune_internal.h"

enum { MAX_SENTENCES = 9 + 2 * TUNE_MAX_GOALS };

struct verdict {
    struct tune_result *result;
    const struct tuner *t;
    const char **sentences;
    bool failed;
};

static void say(struct verdict *v, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(struct verdict *v, const char *format, ...)
{
    char text[DIAG_TEXT_SIZE];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    const char *copy = arena_strdup(v->t->arena, text);
    v->failed = v->failed || !copy;
    v->sentences[v->result->n_sentences++] = copy;
}

static void say_what_holds(struct verdict *v)
{
    const struct tune_result *r = v->result;
    double found = r->found.recommended.holds, judged = r->judged.recommended.holds;
    double asked = r->options->confidence;

    if (r->judge_failure)
        say(v, "Nothing could be judged: runs on the part to judge on failed; the first: %s.",
            r->judge_failure);
    if (r->options->n_constraints == 0)
        return;
    if (!r->holds)
        say(v,
            "No setting was found that keeps the bounds in %.0f %% of fresh traffic; the one that "
            "comes closest keeps them in %.0f %%. Widen the ranges, raise a limit on the fleet, or "
            "lower the bound.",
            100 * asked, 100 * found);
    else if (r->judge_failure)
        say(v,
            "The recommended setting keeps the bounds in %.0f %% of fresh traffic like the part it "
            "was found on.",
            100 * found);
    else if (r->judged_holds)
        say(v,
            "The recommended setting keeps the bounds: in %.0f %% of fresh traffic like the part "
            "it "
            "was found on, and in %.0f %% like the part it had not seen.",
            100 * found, 100 * judged);
    else
        say(v,
            "Found and judged disagree: the recommended setting keeps the bounds in %.0f %% of "
            "fresh traffic like the part it was found on, but in %.0f %% like the part it had not "
            "seen. Find on a part that has the harder hours too, or ask for more confidence.",
            100 * found, 100 * judged);
}

/* A bound within the interval of the mean is neither kept nor broken for sure. */
static void say_where_bounds_are(struct verdict *v)
{
    const struct tune_result *r = v->result;

    for (size_t g = 0; g < v->t->problem.n_goals; g++) {
        const struct tuning_goal *goal = &v->t->goals[g];
        const struct tune_figure *f = &r->judged.recommended.figures[goal->figure];
        if (!goal->bounded || isnan(f->mean) || !(f->low < goal->bound && goal->bound < f->high))
            continue;
        say(v,
            "%s is %.4g on average where it was judged, %.4g to %.4g, with the bound %.4g in "
            "between: more replicates or a longer trace would tell.",
            r->keys[goal->figure], f->mean, f->low, f->high, goal->bound);
    }
}

static void say_against_standing(struct verdict *v)
{
    const struct tune_result *r = v->result;
    bool standing_holds = r->judged.standing.holds >= r->options->confidence &&
                          r->found.standing.holds >= r->options->confidence;
    bool apart = false;

    if (r->is_standing) {
        say(v, "The scenario's own settings are recommended: nothing that was tried is surely "
               "better.");
        return;
    }
    for (size_t g = 0; g < v->t->problem.n_goals; g++) {
        const struct tuning_goal *goal = &v->t->goals[g];
        const struct paired *p = &r->judged.differences[goal->figure];
        const char *key = r->keys[goal->figure];
        if (p->n == 0 || (goal->bounded && !p->told_apart))
            continue;
        apart = apart || p->told_apart;
        if (p->told_apart)
            say(v,
                "Against the scenario's own settings, on the same %zu traffics, %s is %.4g %s "
                "(%.4g to %.4g).",
                p->n, key, fabs(p->mean), p->mean < 0 ? "less" : "more",
                fmin(fabs(p->at.low), fabs(p->at.high)), fmax(fabs(p->at.low), fabs(p->at.high)));
        else
            say(v,
                "Against the scenario's own settings, %s cannot be told apart (%+.4g, %+.4g to "
                "%+.4g).",
                key, p->mean, p->at.low, p->at.high);
    }
    if (r->options->n_constraints && standing_holds && !apart)
        say(v, "The scenario's own settings are as good within the noise: there is no reason to "
               "change them.");
    else if (!r->options->n_constraints && !apart)
        say(v, "The scenario's own settings are as good within the noise: there is no reason to "
               "change them.");
    else if (r->options->n_constraints && !standing_holds)
        say(v,
            "The scenario's own settings keep the bounds in %.0f %% of fresh traffic like the "
            "part that was judged.",
            100 * r->judged.standing.holds);
}

static bool has_planner(const struct tune_result *r)
{
    const struct scenario *sc = r->options->scenario;
    struct policy_terms unused;
    bool planned = false;

    for (size_t i = 0; i < scenario_n_deployments(sc); i++)
        planned = scenario_planner_terms(scenario_deployment(sc, i), &unused) || planned;
    return planned;
}

/* The longest of the intervals that a policy has by itself or as recommended, s; 0 = none. */
static double longest_interval_s(const struct tune_result *r)
{
    static const char *const keys[] = {
        "policy.throughput_adjustment_interval", "policy.load_adjustment_interval",
        "policy.throughput_adjustment_interval_seconds", "policy.load_adjustment_interval_seconds"};
    const struct scenario *sc = r->options->scenario;
    const struct space *space = r->options->space;
    char unused[DEPLOYMENT_NAME_MAX + 1];
    double longest = 0;

    for (size_t i = 0; i < scenario_n_deployments(sc); i++) {
        struct policy_terms c;
        if (!scenario_planner_terms(scenario_deployment(sc, i), &c))
            continue;
        if (c.throughput_scaling)
            longest = fmax(longest, (double)c.throughput_interval_s);
        if (c.load_scaling)
            longest = fmax(longest, (double)c.load_interval_s);
    }
    for (size_t k = 0; k < space->n && has_planner(r); k++) {
        const char *own = scenario_path_in_deployment(unused, space->knobs[k].key);
        for (size_t i = 0; i < sizeof keys / sizeof *keys && own; i++) {
            if (strcmp(own, keys[i]) == 0)
                longest = fmax(longest, strtod(r->found.recommended.values[k], NULL));
        }
    }
    return longest;
}

static void say_too_short(struct verdict *v, const struct tune_part *part, const char *what)
{
    enum { LEAST_INTERVALS = 10 };
    double interval_s = longest_interval_s(v->result);
    double length_s = part->to_s - part->from_s;

    if (v->t->whole || interval_s <= 0 || length_s >= LEAST_INTERVALS * interval_s)
        return;
    say(v,
        "The part %s is %.0f s long, %.1f times the planner's longest interval (%.0f s): too "
        "short to tell settings of slow loops apart.",
        what, length_s, length_s / interval_s, interval_s);
}

enum status tuner_verdict(struct tune_result *result, const struct tuner *t, struct diag *d)
{
    struct verdict v = {
        .result = result, .t = t, .sentences = ARENA_NEW(t->arena, MAX_SENTENCES, const char *)};

    if (!v.sentences)
        return diag_nomem(d, "verdict");
    result->sentences = v.sentences;
    say_what_holds(&v);
    say_where_bounds_are(&v);
    say_against_standing(&v);
    say_too_short(&v, &t->find, "to find on");
    say_too_short(&v, &t->judge, "to judge on");
    if (result->n_failed)
        say(&v, "%zu setting%s could not be run; the first: %s.", result->n_failed,
            result->n_failed == 1 ? "" : "s", result->failure);
    result->verdict = "";
    for (size_t i = 0; i < result->n_sentences && !v.failed; i++) {
        result->verdict =
            arena_printf(t->arena, "%s%s%s", result->verdict, i ? " " : "", v.sentences[i]);
        v.failed = !result->verdict;
    }
    return v.failed ? diag_nomem(d, "verdict") : ST_OK;
}
