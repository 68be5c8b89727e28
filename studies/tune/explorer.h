/* How the next settings to try are chosen. */
#ifndef STUDIES_TUNE_EXPLORER_H
#define STUDIES_TUNE_EXPLORER_H

#include "studies/tune/trials.h"
#include "util/pcg.h"
#include "util/status.h"

struct explorer_ops {
    const char *name, *summary;
    /* `budget`: so many runs will be explored in all. State in the arena of the trials. */
    enum status (*create)(void **state, const struct trials *trials, size_t budget, struct diag *d);
    /* n settings, rows of n_dims, snapped. The same setting may come again: another replicate of it
     * is wanted. */
    enum status (*propose)(void *state, const struct trials *trials, size_t n, double *u,
                           struct diag *d);
};

extern const struct explorer_ops explorer_bayes, explorer_nsga2, explorer_random;
/* All of them, the default first, ended by NULL. */
extern const struct explorer_ops *const explorers[];
/* NULL when there is none of that name. */
const struct explorer_ops *explorer_find(const char *name);

/* A Latin hypercube of n settings, rows of n_dims. ST_NOMEM. */
enum status spread_settings(double *u, const struct tuning_problem *problem, size_t n,
                            struct pcg64 *rng, struct diag *d);
/* A setting that breaks no rule across knobs, anywhere; the last of many tries where none does. */
void random_setting(double *u, const struct tuning_problem *problem, struct pcg64 *rng);
bool setting_is_valid(const struct tuning_problem *problem, const double *u);

#endif
