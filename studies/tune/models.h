/* What is believed of every goal at any setting, from the runs so far: a surrogate for each goal,
 * on the scale of tuning_scaled, and choices drawn from them.
 *
 * What a replicate adds to the figures of all settings (traffic that is heavier than another) is
 * taken off first: the mean residual of its runs, drawn towards 0 by five runs without one. Runs
 * that failed, or have no such figure, count as the worst of the others. Of more than MODELS_MAX
 * settings a third is the first that were tried, a third the latest, and a third the best of those
 * between: what is believed is fitted again and again, and its time goes with the cube. */
#ifndef STUDIES_TUNE_MODELS_H
#define STUDIES_TUNE_MODELS_H

#include "studies/tune/surrogate.h"
#include "studies/tune/trials.h"

enum { MODELS_MAX = 300 };

/* The zero value has seen nothing. */
struct models {
    const struct tuning_problem *problem;
    size_t n_seen;
    const size_t *seen;              /* trials, in ascending order */
    struct surrogate **goal;         /* by goal */
    struct surrogate_points *points; /* by goal: what it was fitted to */
    struct surrogate_hyper *hyper;   /* by goal: where the next search begins; kept by the caller */
    double *target;                  /* by goal: the function has to be below, for fresh traffic to
                                        keep the bound with the problem's confidence */
    double *unit;                    /* by goal: deviation of a run */
};

/* Everything is in the arena. `hyper` (n_goals, zero before the first call) is kept up to date.
 * ST_NOMEM. At least one run must have gone well. */
enum status models_fit(struct models *models, struct arena *arena, const struct trials *trials,
                       struct surrogate_hyper *hyper, struct diag *d);

/* One draw of every goal's function at m settings. */
struct belief;
enum status belief_create(struct belief **belief, struct arena *arena, const struct models *models,
                          size_t m, const double *x, struct diag *d);
/* How much the drawn functions break the bounds (0: not at all), and the costs, by setting;
 * valid until the next draw. */
struct drawn {
    size_t m, n_objectives;
    const double *violation; /* m */
    const double *cost;      /* m rows of n_objectives */
};
struct drawn belief_draw(struct belief *belief, struct pcg64 *rng);
/* The same of the expected functions. */
struct drawn belief_mean(struct belief *belief);

/* Is a better than b: less violation, or none in both and no objective worse and one better? */
bool drawn_better(const struct drawn *drawn, size_t a, size_t b);

#endif
