/* Thompson sampling over Gaussian processes, one for each goal: each proposal is the best setting
 * of one draw from what is believed. With several objectives it is one of the front of the draw.
 * E. Bradford, A. M. Schweidtmann, A. Lapkin, Efficient multiobjective optimization employing
 * Gaussian processes, spectral sampling and a genetic algorithm, J. Global Optim. 71 (2018); bounds
 * as D. Eriksson, M. Poloczek, Scalable constrained Bayesian optimization, AISTATS 2021: a draw
 * that keeps them wins over one that does not, and the less violation the better. Draws are made at
 * candidates: some anywhere, some near the settings that are expected to be best. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "studies/tune/explorer.h"
#include "studies/tune/models.h"
#include "util/bug.h"

enum { ANYWHERE = 180, NEAR = 120, ELITE = 10, CANDIDATES = ANYWHERE + NEAR };

struct bayes {
    struct pcg64 rng;
    size_t n_first, n_given; /* of the Latin hypercube that comes first */
    double *first;
    struct surrogate_hyper *hyper;
};

static enum status create(void **state, const struct trials *trials, size_t budget, struct diag *d)
{
    const struct tuning_problem *problem = trials->problem;
    struct bayes *b = ARENA_NEW(trials->arena, 1, struct bayes);
    size_t least = 2 * problem->n_dims + 2;

    if (!b)
        return diag_nomem(d, "explorer");
    b->n_first = budget / 4 > least ? budget / 4 : least;
    b->first = ARENA_NEW(trials->arena, b->n_first * problem->n_dims, double);
    b->hyper = ARENA_NEW(trials->arena, problem->n_goals, struct surrogate_hyper);
    if (!b->first || !b->hyper)
        return diag_nomem(d, "explorer");
    pcg64_stream(&b->rng, problem->seed, "explorer", 0);
    *state = b;
    return spread_settings(b->first, problem, b->n_first, &b->rng, d);
}

static bool any_went_well(const struct trials *trials)
{
    for (size_t i = 0; i < trials->n; i++) {
        if (trials->trial[i].n_done && !trials->trial[i].message && !trials->trial[i].outside)
            return true;
    }
    return false;
}

/* The settings that are expected to be best, best first. */
static enum status find_elite(size_t *elite, size_t *n_elite, const struct trials *trials,
                              const struct models *models, struct arena *arena, struct diag *d)
{
    size_t n_dims = trials->problem->n_dims, n = models->n_seen;
    double *x = ARENA_NEW(arena, n * n_dims, double);
    bool *taken = ARENA_NEW(arena, n, bool);
    struct belief *belief;

    if (!x || !taken)
        return diag_nomem(d, "explorer");
    for (size_t i = 0; i < n; i++)
        memcpy(x + i * n_dims, trials->trial[models->seen[i]].u, n_dims * sizeof *x);
    enum status s = belief_create(&belief, arena, models, n, x, d);
    if (s)
        return s;
    const struct drawn mean = belief_mean(belief);
    BUG_IF(n == 0);
    for (; *n_elite < ELITE && *n_elite < n; ++*n_elite) {
        size_t best = SIZE_MAX;
        for (size_t i = 0; i < n; i++) {
            if (!taken[i] && (best == SIZE_MAX || drawn_better(&mean, i, best)))
                best = i;
        }
        taken[best] = true;
        elite[*n_elite] = models->seen[best];
    }
    return ST_OK;
}

/* About one knob moved, numbers a little and categories anywhere. */
static void step_aside(double *u, const double *from, const struct tuning_problem *problem,
                       struct pcg64 *rng)
{
    size_t n_dims = problem->n_dims;
    double probability = fmin(1, 2 / (double)n_dims), width = 0.02 + 0.18 * pcg64_double(rng);
    size_t sure = (size_t)pcg64_below(rng, n_dims);

    memcpy(u, from, n_dims * sizeof *u);
    for (size_t k = 0; k < n_dims; k++) {
        bool moved = pcg64_double(rng) < probability || k == sure;
        if (moved && problem->categorical[k])
            u[k] = pcg64_double(rng);
        else if (moved)
            u[k] += width * pcg64_normal(rng);
    }
    tuning_snap(problem, u);
}

static enum status make_candidates(double *x, struct bayes *b, const struct trials *trials,
                                   const struct models *models, struct arena *arena, struct diag *d)
{
    const struct tuning_problem *problem = trials->problem;
    size_t elite[ELITE], n_elite = 0;

    enum status s = find_elite(elite, &n_elite, trials, models, arena, d);
    if (!s)
        s = spread_settings(x, problem, ANYWHERE, &b->rng, d);
    for (size_t i = 0; i < NEAR && !s; i++) {
        const struct trial *t = &trials->trial[elite[i % n_elite]];
        double *to = x + (ANYWHERE + i) * problem->n_dims;
        if (i < n_elite)
            memcpy(to, t->u, problem->n_dims * sizeof *to);
        else
            step_aside(to, t->u, problem, &b->rng);
    }
    return s;
}

/* The best of a draw; where several are (objectives that trade), any of them. */
static size_t best_of(const struct drawn *drawn, const bool *out, struct pcg64 *rng)
{
    size_t front = 0, best = SIZE_MAX;

    for (size_t i = 0; i < drawn->m; i++) {
        bool beaten = out[i];
        for (size_t j = 0; j < drawn->m && !beaten; j++)
            beaten = !out[j] && drawn_better(drawn, j, i);
        if (!beaten && pcg64_below(rng, ++front) == 0)
            best = i;
    }
    return best;
}

static enum status pick(double *u, size_t n, struct bayes *b, const struct trials *trials,
                        struct arena *arena, struct diag *d)
{
    const struct tuning_problem *problem = trials->problem;
    size_t n_dims = problem->n_dims;
    double *x = ARENA_NEW(arena, CANDIDATES * n_dims, double);
    bool *out = ARENA_NEW(arena, CANDIDATES, bool);
    struct belief *belief;
    struct models models;

    enum status s = x && out ? ST_OK : diag_nomem(d, "explorer");
    if (!s)
        s = models_fit(&models, arena, trials, b->hyper, d);
    if (!s)
        s = make_candidates(x, b, trials, &models, arena, d);
    if (!s)
        s = belief_create(&belief, arena, &models, CANDIDATES, x, d);
    for (size_t i = 0; i < n && !s; i++) {
        const struct drawn drawn = belief_draw(belief, &b->rng);
        size_t best;
        do {
            best = best_of(&drawn, out, &b->rng);
            if (best != SIZE_MAX)
                out[best] = true;
        } while (best != SIZE_MAX && !setting_is_valid(problem, x + best * n_dims));
        if (best == SIZE_MAX)
            random_setting(u + i * n_dims, problem, &b->rng);
        else
            memcpy(u + i * n_dims, x + best * n_dims, n_dims * sizeof *u);
    }
    return s;
}

static enum status propose(void *state, const struct trials *trials, size_t n, double *u,
                           struct diag *d)
{
    const struct tuning_problem *problem = trials->problem;
    struct bayes *b = state;
    struct arena arena;
    size_t i = 0;

    for (; i < n && b->n_given < b->n_first; i++) {
        double *to = u + i * problem->n_dims;
        memcpy(to, b->first + b->n_given++ * problem->n_dims, problem->n_dims * sizeof *to);
        if (!setting_is_valid(problem, to))
            random_setting(to, problem, &b->rng);
    }
    if (i == n)
        return ST_OK;
    if (!any_went_well(trials)) {
        for (; i < n; i++)
            random_setting(u + i * problem->n_dims, problem, &b->rng);
        return ST_OK;
    }
    arena_init(&arena);
    enum status s = pick(u + i * problem->n_dims, n - i, b, trials, &arena, d);
    arena_release(&arena);
    return s;
}

const struct explorer_ops explorer_bayes = {
    "bayes", "Thompson sampling over Gaussian processes (TSEMO, SCBO)", create, propose};
