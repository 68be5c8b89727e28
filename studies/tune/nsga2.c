/* K. Deb, A. Pratap, S. Agarwal, T. Meyarivan, A fast and elitist multiobjective genetic algorithm:
 * NSGA-II, IEEE Trans. Evol. Comput. 6 (2002), with its constrained domination, simulated binary
 * crossover and polynomial mutation (both with index 15; categories are swapped or redrawn). A
 * setting counts by the means of the replicates it was run on. */
#include <math.h>
#include <string.h>

#include "studies/tune/explorer.h"

enum { POPULATION = 24 };
static const double distribution_index = 15;

struct nsga2 {
    struct pcg64 rng;
    double *first;
    size_t n_given;
};

static enum status create(void **state, const struct trials *trials, size_t budget, struct diag *d)
{
    struct nsga2 *g = ARENA_NEW(trials->arena, 1, struct nsga2);

    (void)budget;
    if (!g)
        return diag_nomem(d, "explorer");
    g->first = ARENA_NEW(trials->arena, POPULATION * trials->problem->n_dims, double);
    if (!g->first)
        return diag_nomem(d, "explorer");
    pcg64_stream(&g->rng, trials->problem->seed, "explorer", 0);
    *state = g;
    return spread_settings(g->first, trials->problem, POPULATION, &g->rng, d);
}

/* What a setting counts as, from its means. */
struct individual {
    size_t setting;
    double violation, cost[TUNING_MAX_FIGURES], crowding;
    size_t rank;
};

static void judge(struct individual *one, const struct trials *trials, size_t setting)
{
    const struct tuning_problem *problem = trials->problem;
    size_t objective = 0;

    *one = (struct individual){.setting = setting};
    for (size_t g = 0; g < problem->n_goals; g++) {
        const struct tuning_goal *goal = &problem->goals[g];
        double mean = trials_moments(trials, setting, goal->figure).mean;
        double value = isnan(mean) ? INFINITY : tuning_scaled(goal, mean);
        if (goal->bounded)
            one->violation += fmax(0, value - tuning_scaled_bound(goal));
        else
            one->cost[objective++] = value;
    }
}

static bool dominates(const struct individual *a, const struct individual *b, size_t n_objectives)
{
    bool better = false;

    if (a->violation != b->violation)
        return a->violation < b->violation;
    for (size_t k = 0; k < n_objectives; k++) {
        if (a->cost[k] > b->cost[k])
            return false;
        better = better || a->cost[k] < b->cost[k];
    }
    return better;
}

/* The rank is how often the front has to be taken off before it is in it. */
static void rank_all(struct individual *all, size_t n, size_t n_objectives)
{
    size_t n_ranked = 0;

    for (size_t i = 0; i < n; i++)
        all[i].rank = SIZE_MAX;
    for (size_t rank = 0; n_ranked < n; rank++) {
        for (size_t i = 0; i < n; i++) {
            bool beaten = all[i].rank < rank;
            for (size_t j = 0; j < n && !beaten; j++)
                beaten = all[j].rank >= rank && dominates(&all[j], &all[i], n_objectives);
            if (!beaten)
                all[i].rank = rank;
            n_ranked += !beaten;
        }
    }
}

/* How far apart the neighbours of its own rank are, over the objectives; endless at an end. */
static void crowd_all(struct individual *all, size_t n, size_t n_objectives)
{
    for (size_t i = 0; i < n; i++) {
        all[i].crowding = 0;
        for (size_t k = 0; k < n_objectives; k++) {
            double below = -INFINITY, above = INFINITY, value = all[i].cost[k];
            for (size_t j = 0; j < n; j++) {
                double other = all[j].cost[k];
                if (j == i || all[j].rank != all[i].rank)
                    continue;
                if (other < value || (other == value && j < i))
                    below = fmax(below, other);
                else
                    above = fmin(above, other);
            }
            all[i].crowding += above - below;
        }
    }
}

static bool preferred(const struct individual *a, const struct individual *b)
{
    return a->rank != b->rank ? a->rank < b->rank : a->crowding > b->crowding;
}

/* The best POPULATION of all that were run. */
static size_t select_parents(struct individual *all, const struct trials *trials)
{
    size_t n = 0, n_objectives = 0;

    for (size_t g = 0; g < trials->problem->n_goals; g++)
        n_objectives += !trials->problem->goals[g].bounded;
    for (size_t i = 0; i < trials->n; i++) {
        if (trials->trial[i].n_done)
            judge(&all[n++], trials, i);
    }
    rank_all(all, n, n_objectives);
    crowd_all(all, n, n_objectives);
    size_t kept = n < POPULATION ? n : POPULATION;
    for (size_t i = 0; i < kept; i++) {
        size_t best = i;
        for (size_t j = i + 1; j < n; j++) {
            if (preferred(&all[j], &all[best]))
                best = j;
        }
        const struct individual swapped = all[i];
        all[i] = all[best];
        all[best] = swapped;
    }
    return kept;
}

static const double *tournament(const struct individual *all, size_t n, const struct trials *trials,
                                struct pcg64 *rng)
{
    const struct individual *a = &all[pcg64_below(rng, n)], *b = &all[pcg64_below(rng, n)];

    return trials->trial[preferred(a, b) ? a->setting : b->setting].u;
}

static void breed(double *u, const double *mother, const double *father,
                  const struct tuning_problem *problem, struct pcg64 *rng)
{
    double power = 1 / (distribution_index + 1);

    for (size_t k = 0; k < problem->n_dims; k++) {
        bool categorical = problem->categorical[k];
        double a = mother[k], b = father[k], x = pcg64_double(rng);
        if (categorical) {
            u[k] = x < 0.5 ? a : b;
        } else {
            double spread = x < 0.5 ? pow(2 * x, power) : pow(1 / (2 * (1 - x)), power);
            u[k] = 0.5 * (a + b) + (pcg64_double(rng) < 0.5 ? 0.5 : -0.5) * spread * (a - b);
        }
        if (pcg64_double(rng) * (double)problem->n_dims >= 1)
            continue;
        x = pcg64_double(rng);
        if (categorical)
            u[k] = x;
        else
            u[k] += x < 0.5 ? pow(2 * x, power) - 1 : 1 - pow(2 * (1 - x), power);
    }
    tuning_snap(problem, u);
}

static enum status propose(void *state, const struct trials *trials, size_t n, double *u,
                           struct diag *d)
{
    enum { TRIES = 100 };
    const struct tuning_problem *problem = trials->problem;
    struct nsga2 *g = state;
    struct arena arena;
    size_t i = 0;

    for (; i < n && g->n_given < POPULATION; i++, g->n_given++)
        memcpy(u + i * problem->n_dims, g->first + g->n_given * problem->n_dims,
               problem->n_dims * sizeof *u);
    arena_init(&arena);
    struct individual *all = ARENA_NEW(&arena, trials->n + 1, struct individual);
    enum status s = all ? ST_OK : diag_nomem(d, "explorer");
    size_t n_parents = s || i == n ? 0 : select_parents(all, trials);
    for (; i < n && !s; i++) {
        double *to = u + i * problem->n_dims;
        for (int t = 0; t < TRIES; t++) {
            breed(to, tournament(all, n_parents, trials, &g->rng),
                  tournament(all, n_parents, trials, &g->rng), problem, &g->rng);
            if (setting_is_valid(problem, to))
                break;
        }
    }
    arena_release(&arena);
    return s;
}

const struct explorer_ops explorer_nsga2 = {
    "nsga2", "genetic, with non-dominated sorting (NSGA-II)", create, propose};
