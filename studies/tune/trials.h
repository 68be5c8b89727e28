/* The settings that were tried, and what came of each on each replicate of the traffic. */
#ifndef STUDIES_TUNE_TRIALS_H
#define STUDIES_TUNE_TRIALS_H

#include "studies/statistics.h"
#include "studies/tune/problem.h"
#include "util/arena.h"

struct trial {
    double *u;           /* n_dims, snapped */
    const char *message; /* of the first run that failed; NULL = none did */
    bool outside;        /* not in the space: u is the nearest place, and nobody learns from it */
    size_t n_done;       /* replicates that were run */
    bool *done;          /* by replicate */
    double *figures;     /* by replicate, n_figures each; only where done */
};

/* Read its members. */
struct trials {
    const struct tuning_problem *problem;
    struct arena *arena;
    struct trial *trial;
    size_t n, capacity;
    size_t n_runs;
};

/* Both are borrowed. */
void trials_init(struct trials *trials, const struct tuning_problem *problem, struct arena *arena);
/* The index of a setting, which is snapped; one that is there already keeps its index. ST_NOMEM. */
enum status trials_add(struct trials *trials, const double *u, size_t *index, struct diag *d);
/* The first, which may be outside of the space: no other is taken for it then. */
enum status trials_add_outside(struct trials *trials, const double *u, struct diag *d);
/* Those of the runs that are not done yet. Errors: of evaluate, ST_NOMEM. */
enum status trials_run(struct trials *trials, const struct tuning_run *runs, size_t n,
                       struct diag *d);

static inline double trial_figure(const struct trials *trials, size_t index, size_t replicate,
                                  size_t figure)
{
    return trials->trial[index].figures[replicate * trials->problem->n_figures + figure];
}
/* The lowest replicate that is not done; n_replicates when all are. */
size_t trials_next_replicate(const struct trials *trials, size_t index);

/* Of a figure over the replicates done; the mean is NaN when none is, or one of them has none. */
struct moments trials_moments(const struct trials *trials, size_t index, size_t figure);
/* The probability that fresh traffic keeps the bound of a goal; 1 for a goal without one, 0 for a
 * setting of which a run failed. */
double trials_holding(const struct trials *trials, size_t index, const struct tuning_goal *goal);
/* The least of them over all goals. */
double trials_holds(const struct trials *trials, size_t index);
/* b - a of a goal on the scale of tuning_scaled, over the replicates that both have. */
struct paired trials_difference(const struct trials *trials, size_t a, size_t b,
                                const struct tuning_goal *goal, double level);
/* The sum of the scaled objectives' means: the cost, or a choice among equals where there are
 * several. */
double trial_cost(const struct trials *trials, size_t index);
/* Is a to be recommended rather than b: among those that hold the cheaper one, else the one that is
 * more likely to? */
bool trial_preferred(const struct trials *trials, size_t a, size_t b);

#endif
