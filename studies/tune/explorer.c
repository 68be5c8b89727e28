#include "studies/tune/explorer.h"

#include <string.h>

#include "studies/space.h"

const struct explorer_ops *const explorers[] = {&explorer_bayes, &explorer_nsga2, &explorer_random,
                                                NULL};

const struct explorer_ops *explorer_find(const char *name)
{
    for (size_t i = 0; explorers[i]; i++) {
        if (strcmp(explorers[i]->name, name) == 0)
            return explorers[i];
    }
    return NULL;
}

enum status spread_settings(double *u, const struct tuning_problem *problem, size_t n,
                            struct pcg64 *rng, struct diag *d)
{
    enum status s = latin_hypercube(u, n, problem->n_dims, pcg64_next(rng), d);

    for (size_t i = 0; i < n && !s; i++)
        tuning_snap(problem, u + i * problem->n_dims);
    return s;
}

bool setting_is_valid(const struct tuning_problem *problem, const double *u)
{
    return !problem->invalid || !problem->invalid(problem->context, u);
}

void random_setting(double *u, const struct tuning_problem *problem, struct pcg64 *rng)
{
    enum { TRIES = 1000 };

    for (int i = 0; i < TRIES; i++) {
        for (size_t k = 0; k < problem->n_dims; k++)
            u[k] = pcg64_double(rng);
        tuning_snap(problem, u);
        if (setting_is_valid(problem, u))
            return;
    }
}

static enum status random_create(void **state, const struct trials *trials, size_t budget,
                                 struct diag *d)
{
    struct pcg64 *rng = ARENA_NEW(trials->arena, 1, struct pcg64);

    (void)budget;
    if (!rng)
        return diag_nomem(d, "explorer");
    pcg64_stream(rng, trials->problem->seed, "explorer", 0);
    *state = rng;
    return ST_OK;
}

static enum status random_propose(void *state, const struct trials *trials, size_t n, double *u,
                                  struct diag *d)
{
    (void)d;
    for (size_t i = 0; i < n; i++)
        random_setting(u + i * trials->problem->n_dims, trials->problem, state);
    return ST_OK;
}

const struct explorer_ops explorer_random = {
    "random", "settings drawn evenly, whatever came of others", random_create, random_propose};
