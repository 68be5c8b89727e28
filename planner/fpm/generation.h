/* What sets the generations of the planner on forward-pass metrics apart, as data: everything else
 * they share. (docs/planner.md, section 12.) */
#ifndef PLANNER_FPM_GENERATION_H
#define PLANNER_FPM_GENERATION_H

#include <stdbool.h>

struct fpm_estimates;
struct fpm_load_settle;
struct fpm_throughput_settle;
struct pass_family;

enum fpm_generation { FPM_1_2_1, FPM_1_4_2, FPM_1_6_1, N_FPM_GENERATIONS };

struct fpm_rules {
    const char *name;  /* what the user types */
    bool disagg_waits; /* mode disagg, too, decides nothing while scaling is in progress */
    /* Ticks come every greatest common divisor of the intervals, each rule at its own; else at the
     * next interval that is due, and near ones are one. */
    bool one_cadence;
    /* The hit rate is the last one seen and no forecast; windows without requests repeat the last
     * lengths instead of bringing 0. */
    bool last_values;
    bool changes_only; /* counts that are as they are already are not issued */
    /* Budgets hold a count instead of cutting it; starting workers can be taken back; each side has
     * its own floor; a worker is not given up when the rest would at once ask for it. */
    bool guarded;
    unsigned predictor_fixes; /* enum planner_fix bits */
    const struct fpm_estimates *estimates;
    const struct pass_family *passes; /* that the estimates ask, if any */
    const struct fpm_load_settle *load;
    const struct fpm_throughput_settle *throughput;
};

extern const struct fpm_rules fpm_generations[N_FPM_GENERATIONS];
bool fpm_generation_find(const char *name, enum fpm_generation *generation); /* false: unknown */

#endif
