/* What differs by chance between runs that are alike otherwise, and the intervals of their figures.
 */
#ifndef STUDIES_CHANCE_H
#define STUDIES_CHANCE_H

#include "reports/summary.h"
#include "scenarios/compose/build.h"
#include "studies/study.h"

/* What one run has over the scenario: overrides, and room for those of every chance there is. */
struct chance_draw {
    struct scenario_override *overrides;
    size_t n_overrides;
};

struct chance_setup {
    struct arena *arena;
    const struct scenario *scenario;
    const struct scenario_run *run; /* the scenario's own, as it was built */
};

struct chance {
    const char *name;   /* "model error": the runs are so many with ... */
    const char *option; /* of `headroom run`, without the dashes */
    size_t min_runs;
    double level; /* of the intervals; with several chances the highest counts */
    /* The state is in the arena. Errors are of the scenario: this does not go with it. */
    enum status (*create)(void **state, const struct chance_setup *setup, struct diag *d);
    /* Adds the overrides of a run, the first of which is number 1. The same number has the same
     * draw, whatever else is drawn, and however many. */
    enum status (*draw)(const void *state, const struct chance_setup *setup, uint64_t number,
                        struct chance_draw *draw, struct diag *d);
    /* Adds what the draws rest on, for people. */
    enum status (*add_bases)(const void *state, const struct chance_setup *setup,
                             struct summary_intervals *intervals, struct diag *d);
};

extern const struct chance chance_replicates, chance_model_error;
enum { N_CHANCES = 2 };
extern const struct chance *const chances[N_CHANCES + 1]; /* ended by NULL */

/* n_runs variants of the scenario, each with a draw of each of `which` (ended by NULL, one at
 * least); their sources are left NULL. `intervals` gets what the draws rest on, and the level.
 * Everything is in the arena of the setup. Errors are those of `create`. */
enum status chance_variants(struct study_variant *variants, struct summary_intervals *intervals,
                            const struct chance_setup *setup, const struct chance *const *which,
                            size_t n_runs, struct diag *d);

/* Runs the scenario n_runs times with a draw of each of `which`, and gives the interval of every
 * result of the summary that each of the runs has. `base` says how to run: its variants and keys
 * are not looked at. n_runs is no fewer than each of them wants. The intervals borrow from the
 * setup. Errors are those of `create`, and the message of the first run that failed. */
enum status chance_intervals(const struct summary_intervals **intervals,
                             const struct chance_setup *setup, const struct chance *const *which,
                             size_t n_runs, const struct study_options *base, struct diag *d);

#endif
