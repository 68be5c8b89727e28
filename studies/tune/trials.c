#include "studies/tune/trials.h"

#include <math.h>
#include <string.h>

#include "studies/statistics.h"
#include "util/bug.h"

void trials_init(struct trials *trials, const struct tuning_problem *problem, struct arena *arena)
{
    *trials = (struct trials){.problem = problem, .arena = arena};
}

static enum status grow(struct trials *trials, struct diag *d)
{
    size_t capacity = trials->capacity ? 2 * trials->capacity : 64;
    struct trial *trial = ARENA_NEW(trials->arena, capacity, struct trial);

    if (!trial)
        return diag_nomem(d, "trials");
    if (trials->n)
        memcpy(trial, trials->trial, trials->n * sizeof *trial);
    trials->trial = trial;
    trials->capacity = capacity;
    return ST_OK;
}

enum status trials_add(struct trials *trials, const double *u, size_t *index, struct diag *d)
{
    const struct tuning_problem *problem = trials->problem;
    size_t size = problem->n_dims * sizeof *u;

    if (trials->n == trials->capacity) {
        enum status s = grow(trials, d);
        if (s)
            return s;
    }
    struct trial *t = &trials->trial[trials->n];
    *t = (struct trial){
        .u = ARENA_NEW(trials->arena, problem->n_dims, double),
        .done = ARENA_NEW(trials->arena, problem->n_replicates, bool),
        .figures = ARENA_NEW(trials->arena, problem->n_replicates * problem->n_figures, double)};
    if (!t->u || !t->done || !t->figures)
        return diag_nomem(d, "trials");
    memcpy(t->u, u, size);
    tuning_snap(problem, t->u);
    *index = 0;
    while (*index < trials->n &&
           (trials->trial[*index].outside || memcmp(trials->trial[*index].u, t->u, size) != 0))
        ++*index;
    trials->n += *index == trials->n;
    return ST_OK;
}

enum status trials_add_outside(struct trials *trials, const double *u, struct diag *d)
{
    size_t index;

    BUG_IF(trials->n > 0);
    enum status s = trials_add(trials, u, &index, d);
    if (!s)
        trials->trial[index].outside = true;
    return s;
}

static void note(struct trials *trials, const struct tuning_run *run, const double *figures,
                 const char *message)
{
    struct trial *t = &trials->trial[run->setting];
    size_t n = trials->problem->n_figures;

    BUG_IF(t->done[run->replicate]);
    t->done[run->replicate] = true;
    t->n_done++;
    trials->n_runs++;
    memcpy(t->figures + run->replicate * n, figures, n * sizeof *figures);
    if (message && !t->message)
        t->message = message;
}

enum status trials_run(struct trials *trials, const struct tuning_run *runs, size_t n,
                       struct diag *d)
{
    const struct tuning_problem *problem = trials->problem;
    struct arena scratch;
    size_t n_new = 0;

    arena_init(&scratch);
    struct tuning_run *fresh = ARENA_NEW(&scratch, n, struct tuning_run);
    double *figures = ARENA_NEW(&scratch, n * problem->n_figures, double);
    const char **messages = ARENA_NEW(&scratch, n, const char *);
    enum status s = fresh && figures && messages ? ST_OK : diag_nomem(d, "trials");

    for (size_t i = 0; i < n && !s; i++) {
        if (!trials->trial[runs[i].setting].done[runs[i].replicate])
            fresh[n_new++] = runs[i];
    }
    if (!s && n_new)
        s = problem->evaluate(problem->context, trials, fresh, n_new, figures, messages, d);
    for (size_t i = 0; i < n_new && !s; i++)
        note(trials, &fresh[i], figures + i * problem->n_figures, messages[i]);
    arena_release(&scratch);
    return s;
}

size_t trials_next_replicate(const struct trials *trials, size_t index)
{
    size_t r = 0;

    while (r < trials->problem->n_replicates && trials->trial[index].done[r])
        r++;
    return r;
}

/* ---- statistics of one setting ---- */

/* The figures that there are; *whole: each replicate done has one. */
static size_t collect(double *sample, bool *whole, const struct trials *trials, size_t index,
                      size_t figure)
{
    const struct trial *t = &trials->trial[index];
    size_t n = 0;

    for (size_t r = 0; r < trials->problem->n_replicates; r++) {
        double value = t->done[r] ? trial_figure(trials, index, r, figure) : NAN;
        if (!isnan(value))
            sample[n++] = value;
    }
    *whole = n == t->n_done && n > 0;
    return n;
}

struct moments trials_moments(const struct trials *trials, size_t index, size_t figure)
{
    double sample[TUNING_MAX_REPLICATES];
    bool whole;
    size_t n = collect(sample, &whole, trials, index, figure);

    if (!whole)
        return (struct moments){.n = n, .mean = NAN, .variance = NAN};
    return sample_moments(sample, n);
}

double trials_holding(const struct trials *trials, size_t index, const struct tuning_goal *goal)
{
    double sample[TUNING_MAX_REPLICATES];
    bool whole;

    if (!goal->bounded)
        return 1;
    size_t n = collect(sample, &whole, trials, index, goal->figure);
    if (!whole)
        return 0;
    const struct prediction p = prediction_of(sample, n, goal->scale);
    double below = prediction_at_most(&p, goal->bound);
    return goal->larger_better ? 1 - below : below;
}

double trials_holds(const struct trials *trials, size_t index)
{
    double least = 1;

    for (size_t i = 0; i < trials->problem->n_goals; i++)
        least = fmin(least, trials_holding(trials, index, &trials->problem->goals[i]));
    return least;
}

double trial_cost(const struct trials *trials, size_t index)
{
    const struct tuning_problem *problem = trials->problem;
    double total = 0;

    for (size_t g = 0; g < problem->n_goals; g++) {
        const struct tuning_goal *goal = &problem->goals[g];
        if (!goal->bounded)
            total += tuning_scaled(goal, trials_moments(trials, index, goal->figure).mean);
    }
    return total;
}

bool trial_preferred(const struct trials *trials, size_t a, size_t b)
{
    double confidence = trials->problem->confidence;
    double holds_a = fmin(trials_holds(trials, a), confidence);
    double holds_b = fmin(trials_holds(trials, b), confidence);

    return holds_a != holds_b ? holds_a > holds_b : trial_cost(trials, a) < trial_cost(trials, b);
}

struct paired trials_difference(const struct trials *trials, size_t a, size_t b,
                                const struct tuning_goal *goal, double level)
{
    double x[TUNING_MAX_REPLICATES], y[TUNING_MAX_REPLICATES];
    size_t n = 0;

    for (size_t r = 0; r < trials->problem->n_replicates; r++) {
        if (!trials->trial[a].done[r] || !trials->trial[b].done[r])
            continue;
        x[n] = tuning_scaled(goal, trial_figure(trials, a, r, goal->figure));
        y[n++] = tuning_scaled(goal, trial_figure(trials, b, r, goal->figure));
    }
    return paired_difference(y, x, n, level);
}
