/* What `tune` looks for: settings of knobs that make some figures small or large and keep others
 * within bounds, when each run is one draw of the traffic.
 *
 * A setting is a point of the unit cube. What it costs to run one on one replicate of the traffic
 * is the caller's matter (studies/tune/tune.c runs a scenario; tests have functions of their own).
 */
#ifndef STUDIES_TUNE_PROBLEM_H
#define STUDIES_TUNE_PROBLEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "studies/statistics.h"
#include "util/status.h"

/* A figure that is to be small (or large), or one with a bound, or both in two goals. */
struct tuning_goal {
    size_t figure;      /* index into the figures of a run */
    bool bounded;       /* a constraint; else an objective */
    bool larger_better; /* an objective to maximise; a constraint with a lower bound */
    double bound;
    enum figure_scale scale;
};

struct tuning_run {
    size_t setting;   /* index into the trials */
    size_t replicate; /* from 0 */
};

struct trials;

enum { TUNING_MAX_REPLICATES = 256, TUNING_MAX_FIGURES = 16 };

struct tuning_problem {
    size_t n_dims, n_goals, n_figures;
    const bool *categorical;         /* by dimension: its values have no order */
    const struct tuning_goal *goals; /* at least one objective */
    size_t n_replicates;             /* versions of the traffic, TUNING_MAX_REPLICATES at most */
    double confidence; /* a setting holds when fresh traffic keeps every bound so probably */
    uint64_t seed;

    /* Moves a point of the cube to the nearest that is a setting. */
    void (*snap)(void *context, double *u);
    /* NULL when the setting breaks no rule across knobs, else what is wrong with it, which lives
     * until the next call. NULL = all are fine. */
    const char *(*invalid)(void *context, const double *u);
    /* n runs; figures by run (n_figures each; all NaN for a run that failed, with a message that
     * lives as long as the trials). */
    enum status (*evaluate)(void *context, const struct trials *trials,
                            const struct tuning_run *runs, size_t n, double *figures,
                            const char **messages, struct diag *d);
    void *context;
};

/* Into the cube, then onto a setting. */
void tuning_snap(const struct tuning_problem *problem, double *u);

/* The figure on a scale on which runs are alike spread: logarithms of positive ones, log odds of
 * shares; turned so that smaller is better. */
double tuning_scaled(const struct tuning_goal *goal, double figure);
double tuning_scaled_bound(const struct tuning_goal *goal);
/* As recorded, turned so that smaller is better. */
double tuning_cost(const struct tuning_goal *goal, double figure);

#endif
