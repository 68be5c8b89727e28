/* The answer on other courses of the traffic (the key `replicate`): the range of its figures, and
 * whether the trace is long enough to tell them. */
#include <math.h>
#include <string.h>

#include "reports/summary.h"
#include "studies/prediction.h"
#include "studies/size/size_internal.h"
#include "studies/statistics.h"

/* Enough for a standard error, within a quarter of it. */
enum { N_COURSES = 8 };

size_t size_n_courses(const struct size_options *options)
{
    return options->n_replicates ? options->n_replicates : N_COURSES;
}

static bool sample_of(double *sample, const struct size_run *runs, size_t n,
                      enum size_figure figure)
{
    for (size_t i = 0; i < n; i++) {
        sample[i] = runs[i].figures[figure];
        if (isnan(sample[i]))
            return false;
    }
    return n > 0;
}

struct size_mean size_mean_of(const struct size_run *runs, size_t n, enum size_figure figure,
                              double *scratch)
{
    if (!sample_of(scratch, runs, n, figure))
        return (struct size_mean){NAN, NAN, NAN};
    const struct moments moments = sample_moments(scratch, n);
    const struct range at = mean_interval(&moments, 0.95);
    return (struct size_mean){moments.mean, at.low, at.high};
}

const char *size_message_of(const struct size_run *runs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (runs[i].message)
            return runs[i].message;
    }
    return NULL;
}

/* ---- which runs ---- */

struct plan {
    struct size_choice *choice;
    size_t answer, fewer, with_errors; /* first run of each */
    size_t n_fewer, n_with_errors;     /* the first of fewer is the traffic as it was recorded */
};

static void add_run(struct size_run *runs, size_t *n, struct size_choice *c, struct fleet fleet,
                    uint64_t replicate)
{
    runs[*n] = (struct size_run){.choice = c, .setting = size_as_it_is};
    runs[*n].setting.fleet = fleet;
    runs[(*n)++].setting.replicate = replicate;
}

static void plan_runs(struct plan *p, struct size_run *runs, size_t *n, const struct sizing *z,
                      bool all)
{
    size_t n_courses = size_n_courses(z->options);
    struct size_choice *c = p->choice;
    bool missing = z->options->n_missing;
    struct fleet fleet = missing ? c->survivors : c->workers;
    const struct fleet_trial *fewer = all && !missing ? size_one_less(c, false) : NULL;

    p->answer = *n;
    for (size_t k = 1; k <= n_courses; k++)
        add_run(runs, n, c, fleet, k);
    p->fewer = *n;
    if (fewer)
        c->courses.fewer = fewer->fleet;
    for (size_t k = 0; k <= n_courses && fewer; k++)
        add_run(runs, n, c, c->courses.fewer, k);
    p->n_fewer = *n - p->fewer;
    p->with_errors = *n;
    for (size_t k = 1; k <= z->options->n_replicates && c->error; k++) {
        add_run(runs, n, c, fleet, k);
        size_draw_error(&runs[*n - 1].setting, c, z->options->scenario, k);
    }
    p->n_with_errors = *n - p->with_errors;
}

/* ---- what they say ---- */

static struct range range_of(const struct size_run *runs, size_t n, enum size_figure figure,
                             const char *key, double *scratch)
{
    struct range limits = {-INFINITY, INFINITY};

    if (!sample_of(scratch, runs, n, figure))
        return (struct range){NAN, NAN};
    const struct prediction_rule rule = prediction_rule(n, 0.9);
    summary_key_range(key, &limits.low, &limits.high);
    sample_sort(scratch, n);
    return prediction_range(scratch, &rule, limits);
}

/* How far from the bound a value has to be for the user to care: misses twice as many, but 5 in 100
 * at most; a tenth of what is no share. */
static double gap_of(const struct expectation *target, bool share)
{
    bool at_least = target->op == EXPECT_GE || target->op == EXPECT_GT;

    if (!share)
        return 0.1 * fabs(target->bound);
    return at_least ? fmin(1 - target->bound, 0.05) : 0.05;
}

/* Half of the 95 % interval of a value, by its standard deviation over the courses. Those are made
 * of no more than so many blocks, and know no more. */
static double margin_of(const struct size_run *runs, size_t n, double blocks, bool share,
                        double *scratch, double *error)
{
    double dof = fmin((double)n, blocks) - 1;

    *error = NAN;
    if (!sample_of(scratch, runs, n, SIZE_TARGET))
        return NAN;
    *error = sqrt(sample_moments(scratch, n).variance);
    if (dof < 1)
        return INFINITY;
    double margin = *error > 0 ? student_quantile(0.975, dof) * *error : 0;
    /* That none of n missed leaves 3 in n possible. */
    double least = share ? 3 / runs[0].figures[SIZE_OFFERED] : 0;
    return fmax(margin, least);
}

static void judge_trace(const struct plan *p, const struct size_run *runs, const struct sizing *z,
                        double *scratch)
{
    const struct scenario *sc = z->options->scenario;
    const struct expectation *target = z->options->target;
    bool at_least = target->op == EXPECT_GE || target->op == EXPECT_GT;
    struct size_courses *to = &p->choice->courses;
    const struct size_run *answer = &runs[p->answer];
    double min = 0, max = INFINITY, fewer_error;

    summary_key_range(target->key, &min, &max);
    bool share = min == 0 && max == 1;
    double gap = gap_of(target, share);
    to->of_trace = true;
    to->blocks = floor(answer->figures[SIZE_SPAN_S] / sc->trace.resample_block_s);
    to->value_margin =
        margin_of(answer, (size_t)to->n, to->blocks, share, scratch, &to->value_error);
    to->told_from = at_least ? target->bound - gap : target->bound + gap;
    to->long_enough = to->value_margin <= gap / 2;
    if (p->n_fewer == 0)
        return;
    to->fewer_value = runs[p->fewer].figures[SIZE_TARGET];
    to->fewer_margin =
        margin_of(&runs[p->fewer + 1], p->n_fewer - 1, to->blocks, share, scratch, &fewer_error);
    to->fewer_misses = fabs(to->fewer_value - target->bound) > to->fewer_margin;
}

static void take(const struct plan *p, const struct size_run *runs, const struct sizing *z,
                 double *scratch)
{
    struct size_courses *to = &p->choice->courses;
    const struct size_run *answer = &runs[p->answer];
    size_t n = size_n_courses(z->options);
    const struct size_run *ranged = p->n_with_errors ? &runs[p->with_errors] : answer;

    to->value_low = to->value_high = to->attainment_low = to->attainment_high = NAN;
    to->message = size_message_of(answer, n + p->n_fewer + p->n_with_errors);
    if (to->message)
        return;
    to->n = (int64_t)n;
    to->value = size_mean_of(answer, n, SIZE_TARGET, scratch);
    to->attainment = size_mean_of(answer, n, SIZE_ATTAINMENT, scratch);
    for (size_t i = 0; i < n; i++)
        to->n_met += expectation_holds(z->options->target, answer[i].figures[SIZE_TARGET]);
    to->with_ranges = z->options->n_replicates;
    if (to->with_ranges) {
        const struct range value =
            range_of(ranged, n, SIZE_TARGET, z->options->target->key, scratch);
        const struct range attainment =
            range_of(ranged, n, SIZE_ATTAINMENT, "attainment.overall", scratch);
        to->value_low = value.low;
        to->value_high = value.high;
        to->attainment_low = attainment.low;
        to->attainment_high = attainment.high;
    }
    if (!z->options->scenario->traffic.clients)
        judge_trace(p, runs, z, scratch);
}

static enum status run_courses(struct sizing *z, struct diag *d)
{
    const struct size_options *o = z->options;
    size_t n_courses = size_n_courses(o), n = 0, n_plans = 0;
    struct size_run *runs =
        ARENA_NEW(z->arena, z->n_choices * (3 * n_courses + 1), struct size_run);
    struct plan *plans = ARENA_NEW(z->arena, z->n_choices, struct plan);
    double *scratch = ARENA_NEW(z->arena, n_courses, double);

    if (!runs || !plans || !scratch)
        return diag_nomem(d, "choices");
    for (size_t i = 0; i < z->n_choices; i++) {
        struct size_choice *c = &z->choices[i];
        if (!size_is_detailed(c))
            continue;
        bool all = o->n_replicates || c->cheapest;
        if (!all && !o->policy)
            continue;
        plans[n_plans].choice = c;
        plan_runs(&plans[n_plans++], runs, &n, z, all);
    }
    enum status s = size_run_all(z, runs, n, d);
    for (size_t i = 0; i < n_plans && !s; i++)
        take(&plans[i], runs, z, scratch);
    return s;
}

const struct size_step size_step_courses = {"courses", run_courses};
