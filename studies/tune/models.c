#include "studies/tune/models.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- what is learnt from ---- */

struct candidate {
    size_t trial;
    double violation, cost;
};

/* NaN, which a setting has that failed, is the worst. */
static int by_merit(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;

    if (isnan(x->cost) != isnan(y->cost))
        return isnan(x->cost) ? 1 : -1;
    if (x->violation != y->violation)
        return x->violation < y->violation ? -1 : 1;
    if (!isnan(x->cost) && x->cost != y->cost)
        return x->cost < y->cost ? -1 : 1;
    return x->trial < y->trial ? -1 : 1;
}

static struct candidate candidate_of(const struct trials *trials, size_t trial)
{
    const struct tuning_problem *problem = trials->problem;
    struct candidate c = {.trial = trial, .cost = trial_cost(trials, trial)};

    for (size_t g = 0; g < problem->n_goals; g++) {
        const struct tuning_goal *goal = &problem->goals[g];
        if (goal->bounded) {
            double mean = trials_moments(trials, trial, goal->figure).mean;
            double over = tuning_scaled(goal, mean) - tuning_scaled_bound(goal);
            c.violation += isnan(over) ? INFINITY : fmax(0, over);
        }
    }
    return c;
}

static int by_index(const void *a, const void *b)
{
    const size_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static enum status choose_seen(struct models *models, struct arena *arena,
                               const struct trials *trials, struct diag *d)
{
    enum { THIRD = MODELS_MAX / 3 };
    size_t *seen = ARENA_NEW(arena, trials->n, size_t), n = 0;
    struct candidate *between = ARENA_NEW(arena, trials->n, struct candidate);

    if (!seen || !between)
        return diag_nomem(d, "models");
    for (size_t i = 0; i < trials->n; i++) {
        if (trials->trial[i].n_done && !trials->trial[i].outside)
            seen[n++] = i;
    }
    if (n > MODELS_MAX) {
        size_t n_between = n - 2 * (size_t)THIRD;
        for (size_t i = 0; i < n_between; i++)
            between[i] = candidate_of(trials, seen[THIRD + i]);
        memmove(seen + THIRD, seen + n - THIRD, THIRD * sizeof *seen);
        qsort(between, n_between, sizeof *between, by_merit);
        for (size_t i = 0; i < THIRD; i++)
            seen[2 * (size_t)THIRD + i] = between[i].trial;
        n = MODELS_MAX;
        qsort(seen, n, sizeof *seen, by_index);
    }
    models->seen = seen;
    models->n_seen = n;
    return ST_OK;
}

/* Settings and scaled figures of one goal, run by run. */
struct observed {
    size_t n;
    double *x, *y;
    size_t *replicate;
};

static void fill_gaps(struct observed *o)
{
    double worst = -INFINITY;

    for (size_t i = 0; i < o->n; i++) {
        if (!isnan(o->y[i]))
            worst = fmax(worst, o->y[i]);
    }
    for (size_t i = 0; i < o->n; i++) {
        if (isnan(o->y[i]))
            o->y[i] = isinf(worst) ? 0 : worst;
    }
}

static enum status observe(struct observed *o, struct arena *arena, const struct models *models,
                           const struct trials *trials, const struct tuning_goal *goal,
                           struct diag *d)
{
    size_t n_dims = trials->problem->n_dims;

    *o = (struct observed){.x = ARENA_NEW(arena, trials->n_runs * n_dims, double),
                           .y = ARENA_NEW(arena, trials->n_runs, double),
                           .replicate = ARENA_NEW(arena, trials->n_runs, size_t)};
    if (!o->x || !o->y || !o->replicate)
        return diag_nomem(d, "models");
    for (size_t k = 0; k < models->n_seen; k++) {
        size_t i = models->seen[k];
        for (size_t r = 0; r < trials->problem->n_replicates; r++) {
            if (!trials->trial[i].done[r])
                continue;
            memcpy(o->x + o->n * n_dims, trials->trial[i].u, n_dims * sizeof *o->x);
            o->y[o->n] = tuning_scaled(goal, trial_figure(trials, i, r, goal->figure));
            o->replicate[o->n++] = r;
        }
    }
    fill_gaps(o);
    return ST_OK;
}

/* Takes the mean residual of each replicate off, and adds it to `taken`. */
static void take_off_replicates(struct observed *o, const double *expected, double *taken,
                                size_t n_replicates)
{
    static const double runs_without = 5;

    for (size_t r = 0; r < n_replicates; r++) {
        double sum = 0, n = 0;
        for (size_t i = 0; i < o->n; i++) {
            if (o->replicate[i] == r) {
                sum += o->y[i] - expected[i];
                n++;
            }
        }
        taken[r] += sum / (n + runs_without);
        for (size_t i = 0; i < o->n; i++)
            o->y[i] -= o->replicate[i] == r ? sum / (n + runs_without) : 0;
    }
}

static enum status fit_goal(struct models *models, size_t goal, struct arena *arena,
                            const struct trials *trials, struct surrogate_hyper *hyper,
                            struct diag *d)
{
    const struct tuning_problem *problem = trials->problem;
    double *expected = ARENA_NEW(arena, trials->n_runs, double), mean = 0;
    double taken[TUNING_MAX_REPLICATES] = {0};
    struct surrogate *s0;
    struct observed o;

    enum status s = expected ? ST_OK : diag_nomem(d, "models");
    if (!s)
        s = observe(&o, arena, models, trials, &problem->goals[goal], d);
    if (s)
        return s;
    for (size_t i = 0; i < o.n; i++)
        mean += o.y[i] / (double)o.n;
    for (size_t i = 0; i < o.n; i++)
        expected[i] = mean;
    take_off_replicates(&o, expected, taken, problem->n_replicates);
    const struct surrogate_points points = {.n_dims = problem->n_dims,
                                            .categorical = problem->categorical,
                                            .n = o.n,
                                            .x = o.x,
                                            .y = o.y};
    models->points[goal] = points;
    s = surrogate_fit(&s0, arena, &points, hyper->signal_variance > 0 ? hyper : NULL, d);
    if (s)
        return s;
    *hyper = *surrogate_hyper(s0);
    for (size_t i = 0; i < o.n; i++)
        surrogate_predict(s0, o.x + i * problem->n_dims, &expected[i], NULL);
    take_off_replicates(&o, expected, taken, problem->n_replicates);
    /* What another replicate adds is not known of fresh traffic. */
    const struct moments between = sample_moments(taken, problem->n_replicates);
    models->unit[goal] = sqrt(hyper->noise_variance + between.variance);
    if (hyper->noise_variance > 0 && hyper->signal_variance > 0)
        s = surrogate_condition(&models->goal[goal], arena, &points, hyper, d);
    else
        models->goal[goal] = s0;
    return s;
}

enum status models_fit(struct models *models, struct arena *arena, const struct trials *trials,
                       struct surrogate_hyper *hyper, struct diag *d)
{
    const struct tuning_problem *problem = trials->problem;
    double z = normal_quantile(problem->confidence);

    *models = (struct models){.problem = problem,
                              .goal = ARENA_NEW(arena, problem->n_goals, struct surrogate *),
                              .points = ARENA_NEW(arena, problem->n_goals, struct surrogate_points),
                              .hyper = hyper,
                              .target = ARENA_NEW(arena, problem->n_goals, double),
                              .unit = ARENA_NEW(arena, problem->n_goals, double)};
    if (!models->goal || !models->points || !models->target || !models->unit)
        return diag_nomem(d, "models");
    enum status s = choose_seen(models, arena, trials, d);
    for (size_t g = 0; g < problem->n_goals; g++) {
        if (!s)
            s = fit_goal(models, g, arena, trials, &hyper[g], d);
        if (s)
            return s;
        models->target[g] = problem->goals[g].bounded
                                ? tuning_scaled_bound(&problem->goals[g]) - z * models->unit[g]
                                : INFINITY;
    }
    return ST_OK;
}

/* ---- beliefs ---- */

struct belief {
    const struct models *models;
    size_t m, n_objectives;
    struct surrogate_joint **joint; /* by goal */
    double **expected;              /* by goal */
    double *value, *violation, *cost;
};

enum status belief_create(struct belief **belief, struct arena *arena, const struct models *models,
                          size_t m, const double *x, struct diag *d)
{
    const struct tuning_problem *problem = models->problem;
    struct belief *b = ARENA_NEW(arena, 1, struct belief);

    if (!b)
        return diag_nomem(d, "belief");
    *b = (struct belief){.models = models,
                         .m = m,
                         .joint = ARENA_NEW(arena, problem->n_goals, struct surrogate_joint *),
                         .expected = ARENA_NEW(arena, problem->n_goals, double *),
                         .value = ARENA_NEW(arena, m, double),
                         .violation = ARENA_NEW(arena, m, double)};
    for (size_t g = 0; g < problem->n_goals; g++)
        b->n_objectives += !problem->goals[g].bounded;
    b->cost = ARENA_NEW(arena, m * b->n_objectives, double);
    if (!b->joint || !b->expected || !b->value || !b->violation || !b->cost)
        return diag_nomem(d, "belief");
    for (size_t g = 0; g < problem->n_goals; g++) {
        enum status s = surrogate_joint(&b->joint[g], arena, models->goal[g], m, x, d);
        if (s)
            return s;
        b->expected[g] = ARENA_NEW(arena, m, double);
        if (!b->expected[g])
            return diag_nomem(d, "belief");
        for (size_t i = 0; i < m; i++)
            surrogate_predict(models->goal[g], x + i * problem->n_dims, &b->expected[g][i], NULL);
    }
    *belief = b;
    return ST_OK;
}

static struct drawn draw(struct belief *b, struct pcg64 *rng)
{
    const struct models *models = b->models;
    size_t objective = 0;

    memset(b->violation, 0, b->m * sizeof *b->violation);
    for (size_t g = 0; g < models->problem->n_goals; g++) {
        const double *value = b->expected[g];
        if (rng) {
            surrogate_joint_draw(b->joint[g], rng, b->value);
            value = b->value;
        }
        /* Deviations of a run make bounds of different units comparable. */
        double unit = fmax(models->unit[g], 1e-12);
        for (size_t i = 0; i < b->m; i++) {
            if (models->problem->goals[g].bounded)
                b->violation[i] += fmax(0, (value[i] - models->target[g]) / unit);
            else
                b->cost[i * b->n_objectives + objective] = value[i];
        }
        objective += !models->problem->goals[g].bounded;
    }
    return (struct drawn){b->m, b->n_objectives, b->violation, b->cost};
}

struct drawn belief_draw(struct belief *belief, struct pcg64 *rng)
{
    return draw(belief, rng);
}

struct drawn belief_mean(struct belief *belief)
{
    return draw(belief, NULL);
}

bool drawn_better(const struct drawn *drawn, size_t a, size_t b)
{
    bool better = false;

    if (drawn->violation[a] != drawn->violation[b])
        return drawn->violation[a] < drawn->violation[b];
    for (size_t k = 0; k < drawn->n_objectives; k++) {
        double x = drawn->cost[a * drawn->n_objectives + k];
        double y = drawn->cost[b * drawn->n_objectives + k];
        if (x > y)
            return false;
        better = better || x < y;
    }
    return better;
}
