#include <math.h>
#include <stdint.h>
#include <string.h>

#include "studies/tune/models.h"
#include "studies/tune/search.h"

enum { DRAWS = 400, LEAST_RUNS = 5, LANES_MIN = 4, LANES_MAX = 12, RUNS_PER_LANE = 12 };
static const double doubt = 0.05;

struct race {
    struct trials *trials;
    struct arena *arena;
    size_t n_order, n_admitted; /* settings by how often they won, and how many are in */
    size_t *order;
    bool *raced, *alive;
};

/* ---- who takes part ---- */

static enum status count_wins(double *wins, const struct trials *trials, struct arena *arena,
                              struct diag *d)
{
    const struct tuning_problem *problem = trials->problem;
    struct surrogate_hyper *hyper = ARENA_NEW(arena, problem->n_goals, struct surrogate_hyper);
    double *x = ARENA_NEW(arena, trials->n * problem->n_dims, double);
    struct belief *belief;
    struct models models;
    struct pcg64 rng;

    enum status s = hyper && x ? ST_OK : diag_nomem(d, "race");
    for (size_t i = 0; i < trials->n && !s; i++)
        memcpy(x + i * problem->n_dims, trials->trial[i].u, problem->n_dims * sizeof *x);
    if (!s)
        s = models_fit(&models, arena, trials, hyper, d);
    if (!s)
        s = belief_create(&belief, arena, &models, trials->n, x, d);
    pcg64_stream(&rng, problem->seed, "race", 0);
    for (int k = 0; k < DRAWS && !s; k++) {
        const struct drawn drawn = belief_draw(belief, &rng);
        for (size_t i = 0; i < trials->n; i++) {
            bool beaten = trials->trial[i].message != NULL || trials->trial[i].outside;
            for (size_t j = 0; j < trials->n && !beaten; j++)
                beaten = !trials->trial[j].message && !trials->trial[j].outside &&
                         drawn_better(&drawn, j, i);
            wins[i] += !beaten;
        }
    }
    return s;
}

static enum status make_order(struct race *race, struct diag *d)
{
    const struct trials *trials = race->trials;
    double *wins = ARENA_NEW(race->arena, trials->n, double);

    race->order = ARENA_NEW(race->arena, trials->n, size_t);
    enum status s =
        wins && race->order ? count_wins(wins, trials, race->arena, d) : diag_nomem(d, "race");
    if (s)
        return s;
    wins[TUNING_DEFAULT] = INFINITY;
    for (size_t i = 0; i < trials->n; i++) {
        if (trials->trial[i].message)
            continue;
        size_t at = race->n_order++;
        for (; at > 0 && wins[race->order[at - 1]] < wins[i]; at--)
            race->order[at] = race->order[at - 1];
        race->order[at] = i;
    }
    return ST_OK;
}

static bool admit(struct race *race)
{
    if (race->n_admitted == race->n_order)
        return false;
    size_t setting = race->order[race->n_admitted++];
    race->raced[setting] = race->alive[setting] = true;
    return true;
}

/* ---- who drops out ---- */

/* Is b worse than a beyond doubt: in no goal better, in one surely worse? Bounds count only where
 * one of them may break them. */
static bool surely_worse(const struct trials *trials, size_t a, size_t b, double p_least)
{
    const struct tuning_problem *problem = trials->problem;
    bool worse = false;

    for (size_t g = 0; g < problem->n_goals; g++) {
        const struct tuning_goal *goal = &problem->goals[g];
        const struct paired difference = trials_difference(trials, a, b, goal, 1 - doubt);
        if (difference.n < LEAST_RUNS)
            return false;
        if (goal->bounded && trials_holding(trials, a, goal) >= problem->confidence &&
            trials_holding(trials, b, goal) >= problem->confidence)
            continue;
        if (difference.mean < 0)
            return false;
        worse = worse || (difference.mean > 0 && difference.p_t < p_least);
    }
    return worse;
}

/* Will it hardly ever keep the bounds, where another keeps them? */
static bool out_of_bounds(const struct race *race, size_t setting)
{
    const struct trials *trials = race->trials;
    double confidence = trials->problem->confidence;

    if (trials->trial[setting].n_done < LEAST_RUNS ||
        trials_holds(trials, setting) >= 0.25 * confidence)
        return false;
    for (size_t i = 0; i < trials->n; i++) {
        if (race->alive[i] && trials->trial[i].n_done >= LEAST_RUNS &&
            trials_holds(trials, i) >= confidence)
            return true;
    }
    return false;
}

static void drop_out(struct race *race)
{
    const struct trials *trials = race->trials;
    size_t n_alive = 0;

    for (size_t i = 0; i < trials->n; i++)
        n_alive += race->alive[i];
    /* Bonferroni's bound on the first of Holm's steps: the surest of n_alive comparisons. */
    double p_least = doubt / (double)(n_alive > 1 ? n_alive - 1 : 1);
    for (size_t b = 0; b < trials->n; b++) {
        if (!race->alive[b] || b == TUNING_DEFAULT)
            continue;
        bool drops = trials->trial[b].message != NULL || out_of_bounds(race, b);
        for (size_t a = 0; a < trials->n && !drops; a++)
            drops = a != b && race->alive[a] && surely_worse(trials, a, b, p_least);
        race->alive[b] = !drops;
    }
}

/* ---- the race ---- */

/* Keeps the better half, the default beside it. */
static void halve(struct race *race)
{
    const struct trials *trials = race->trials;
    size_t n_alive = 0;

    for (size_t i = TUNING_DEFAULT + 1; i < trials->n; i++)
        n_alive += race->alive[i];
    for (size_t n = n_alive; n > (n_alive + 1) / 2; n--) {
        size_t worst = SIZE_MAX;
        for (size_t i = TUNING_DEFAULT + 1; i < trials->n; i++) {
            if (race->alive[i] && (worst == SIZE_MAX || trial_preferred(trials, worst, i)))
                worst = i;
        }
        race->alive[worst] = false;
    }
}

/* Those in the race that are behind, each on its next replicate. When all are through, one more
 * setting comes in, if it can get through too. */
static size_t next_round(struct tuning_run *runs, struct race *race, size_t room)
{
    const struct trials *trials = race->trials;
    size_t n_all = trials->problem->n_replicates, least = n_all, n = 0;

    do {
        for (size_t i = 0; i < trials->n; i++) {
            if (race->alive[i] && trials->trial[i].n_done < least)
                least = trials->trial[i].n_done;
        }
    } while (least == n_all && room >= n_all && admit(race));
    for (size_t i = 0; i < trials->n && n < room && least < n_all; i++) {
        if (race->alive[i] && trials->trial[i].n_done == least)
            runs[n++] = (struct tuning_run){i, trials_next_replicate(trials, i)};
    }
    return n;
}

enum status tuning_race(struct trials *trials, size_t n_runs, bool *raced, struct diag *d)
{
    size_t begin = trials->n_runs, end = begin + n_runs, lanes = n_runs / RUNS_PER_LANE, n = 1;
    struct arena arena;

    arena_init(&arena);
    struct race race = {.trials = trials,
                        .arena = &arena,
                        .raced = raced,
                        .alive = ARENA_NEW(&arena, trials->n, bool)};
    struct tuning_run *runs = ARENA_NEW(&arena, trials->n, struct tuning_run);
    enum status s = race.alive && runs ? make_order(&race, d) : diag_nomem(d, "race");
    lanes = lanes < LANES_MIN ? LANES_MIN : lanes > LANES_MAX ? LANES_MAX : lanes;
    while (!s && race.n_admitted < lanes + 1 && admit(&race))
        ;
    size_t n_phases = (size_t)ceil(log2((double)lanes)), phase = 1;
    while (!s && n > 0 && trials->n_runs < end) {
        n = next_round(runs, &race, end - trials->n_runs);
        s = trials_run(trials, runs, n, d);
        if (s)
            break;
        drop_out(&race);
        for (; phase < n_phases && trials->n_runs >= begin + phase * n_runs / n_phases; phase++)
            halve(&race);
    }
    arena_release(&arena);
    return s;
}
