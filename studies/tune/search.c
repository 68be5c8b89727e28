#include "studies/tune/search.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "util/bug.h"

/* Proposals are made so many at a time, whatever the number of threads; more where there are many
 * to make, since each time costs a fit. */
enum { BATCH_MIN = 8, BATCH_MAX = 128, BATCHES = 64, FIRST_RUNS = 4, SOUND_RUNS = 5 };
static const double race_share = 0.4;

static enum status check_any(const struct trials *trials, struct diag *d)
{
    const char *first = NULL;

    for (size_t i = 0; i < trials->n; i++) {
        const struct trial *t = &trials->trial[i];
        if (!t->message && i != TUNING_DEFAULT)
            return ST_OK;
        if (!first)
            first = t->message;
    }
    if (!first)
        return ST_OK;
    return diag_fail(d, ST_INPUT, "no setting%s can be run; the first: %s",
                     trials->trial[TUNING_DEFAULT].message ? "" : " but the scenario's own", first);
}

/* Is there a setting to try beside the one that the search begins with? Before anything is run. */
static enum status check_space(const struct trials *trials, const struct search_options *options,
                               struct diag *d)
{
    enum { TRIES = 1000 };
    const struct tuning_problem *problem = trials->problem;
    size_t n_dims = problem->n_dims;
    double *u = ARENA_NEW(trials->arena, 2 * n_dims, double), *first = u + n_dims;
    struct pcg64 rng;
    struct diag first_wrong;
    bool wrong = false;

    if (!u)
        return diag_nomem(d, "search");
    memcpy(first, options->first, n_dims * sizeof *first);
    tuning_snap(problem, first);
    diag_init(&first_wrong);
    pcg64_stream(&rng, problem->seed, "space", 0);
    for (int i = 0; i < TRIES; i++) {
        for (size_t k = 0; k < n_dims; k++)
            u[k] = pcg64_double(&rng);
        tuning_snap(problem, u);
        const char *message = problem->invalid ? problem->invalid(problem->context, u) : NULL;
        bool other = options->first_outside || memcmp(u, first, n_dims * sizeof *u) != 0;
        if (!message && other)
            return ST_OK;
        if (message && !wrong)
            (void)diag_fail(&first_wrong, ST_INPUT, "%s", message);
        wrong = wrong || message;
    }
    if (!wrong)
        return ST_OK;
    return diag_fail(d, ST_INPUT, "every setting of the knobs breaks a rule, such as: %s",
                     first_wrong.text);
}

static enum status explore(struct trials *trials, const struct search_options *options,
                           size_t n_runs, struct diag *d)
{
    const struct tuning_problem *problem = trials->problem;
    double *u = ARENA_NEW(trials->arena, BATCH_MAX * problem->n_dims, double);
    size_t n_tried = 0, index, batch = n_runs / BATCHES;
    void *state;

    batch = batch < BATCH_MIN ? BATCH_MIN : batch > BATCH_MAX ? BATCH_MAX : batch;
    enum status s = u ? check_space(trials, options, d) : diag_nomem(d, "search");
    if (!s)
        s = options->explorer->create(&state, trials, n_runs, d);
    if (!s)
        s = options->first_outside ? trials_add_outside(trials, options->first, d)
                                   : trials_add(trials, options->first, &index, d);
    for (size_t r = 0; r < FIRST_RUNS && r < problem->n_replicates && !s; r++)
        s = trials_run(trials, &(struct tuning_run){TUNING_DEFAULT, r}, 1, d);
    /* Every proposal counts, so that a space with few settings comes to an end too. */
    while (!s && trials->n_runs < n_runs && n_tried < 4 * n_runs) {
        struct tuning_run runs[BATCH_MAX];
        BUG_IF(problem->n_replicates == 0);
        size_t n = n_runs - trials->n_runs < batch ? n_runs - trials->n_runs : batch, n_new = 0;
        s = options->explorer->propose(state, trials, n, u, d);
        for (size_t i = 0; i < n && !s; i++, n_tried++) {
            s = trials_add(trials, u + i * problem->n_dims, &index, d);
            if (s)
                break;
            const struct trial *t = &trials->trial[index];
            size_t r =
                t->n_done ? trials_next_replicate(trials, index) : n_tried % problem->n_replicates;
            for (size_t k = 0; k < n_new; k++) {
                if (runs[k].setting == index && runs[k].replicate == r)
                    r = problem->n_replicates;
            }
            if (r < problem->n_replicates)
                runs[n_new++] = (struct tuning_run){index, r};
        }
        if (!s)
            s = trials_run(trials, runs, n_new, d);
    }
    return s ? s : check_any(trials, d);
}

/* ---- what came of it ---- */

/* Is b no better than a in any objective, nor in how likely it keeps the bounds, and worse in one?
 */
static bool behind(const struct trials *trials, size_t a, size_t b)
{
    const struct tuning_problem *problem = trials->problem;
    double holds_a = trials_holds(trials, a), holds_b = trials_holds(trials, b);
    bool worse = holds_b < holds_a;

    if (holds_b > holds_a)
        return false;
    for (size_t g = 0; g < problem->n_goals; g++) {
        const struct tuning_goal *goal = &problem->goals[g];
        if (goal->bounded)
            continue;
        double x = tuning_cost(goal, trials_moments(trials, a, goal->figure).mean);
        double y = tuning_cost(goal, trials_moments(trials, b, goal->figure).mean);
        if (y < x)
            return false;
        worse = worse || y > x;
    }
    return worse;
}

/* Is no objective of the default told apart from that of another setting? */
static bool default_is_as_good(const struct trials *trials, size_t other)
{
    static const double level = 0.95;

    if (trials_holds(trials, TUNING_DEFAULT) < trials->problem->confidence)
        return false;
    for (size_t g = 0; g < trials->problem->n_goals; g++) {
        const struct tuning_goal *goal = &trials->problem->goals[g];
        if (!goal->bounded &&
            trials_difference(trials, TUNING_DEFAULT, other, goal, level).told_apart)
            return false;
    }
    return true;
}

static enum status conclude(struct search_result *result, const struct trials *trials,
                            const bool *raced, struct diag *d)
{
    size_t *front = ARENA_NEW(trials->arena, trials->n, size_t), best = TUNING_DEFAULT;
    size_t n_replicates = trials->problem->n_replicates, furthest = 0;
    size_t least = n_replicates < SOUND_RUNS ? n_replicates : SOUND_RUNS;

    if (!front)
        return diag_nomem(d, "search");
    result->front = front;
    /* Of many that ran a few times one was lucky; the default does not count, as it never drops
     * out. */
    for (size_t i = TUNING_DEFAULT + 1; i < trials->n; i++) {
        if (raced[i] && trials->trial[i].n_done > furthest)
            furthest = trials->trial[i].n_done;
    }
    for (size_t i = 0; i < trials->n; i++) {
        const struct trial *t = &trials->trial[i];
        bool sound = raced[i] && !t->message && t->n_done >= least;
        result->n_settings += t->n_done > 0;
        if (!sound)
            continue;
        if (t->n_done >= furthest &&
            (trials->trial[best].message || trial_preferred(trials, i, best)))
            best = i;
        for (size_t j = 0; j < trials->n && sound; j++)
            sound = !(raced[j] && trials->trial[j].n_done >= least && !trials->trial[j].message &&
                      behind(trials, j, i));
        if (!sound)
            continue;
        size_t at = result->n_front++;
        for (; at > 0 && trial_cost(trials, front[at - 1]) > trial_cost(trials, i); at--)
            front[at] = front[at - 1];
        front[at] = i;
    }
    result->recommended = default_is_as_good(trials, best) ? TUNING_DEFAULT : best;
    best = result->recommended;
    result->holds = trials_holds(trials, best) >= trials->problem->confidence;
    return ST_OK;
}

enum status tuning_search(struct search_result *result, struct trials *trials,
                          const struct search_options *options, struct diag *d)
{
    size_t n_race = (size_t)(race_share * (double)options->n_runs);

    *result = (struct search_result){0};
    enum status s = explore(trials, options, options->n_runs - n_race, d);
    if (s)
        return s;
    result->n_explored = trials->n_runs;
    bool *raced = ARENA_NEW(trials->arena, trials->n, bool);
    s = raced ? tuning_race(trials, options->n_runs - trials->n_runs, raced, d)
              : diag_nomem(d, "search");
    if (s)
        return s;
    result->n_raced = trials->n_runs - result->n_explored;
    return conclude(result, trials, raced, d);
}
