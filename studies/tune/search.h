/* The search: settings are explored one run each, then the promising ones race over replicates. */
#ifndef STUDIES_TUNE_SEARCH_H
#define STUDIES_TUNE_SEARCH_H

#include "studies/tune/explorer.h"

enum {
    TUNING_DEFAULT = 0, /* index of the trial that the search began with */
    TUNING_RUNS_MIN = 20
};

struct search_options {
    size_t n_runs; /* in all, TUNING_RUNS_MIN and more */
    /* The setting that others are held against, which is always in the race. */
    const double *first;
    bool first_outside; /* it is not in the space; `first` is the nearest place */
    const struct explorer_ops *explorer;
};

struct search_result {
    /* Trial: of those that hold the cheapest, or TUNING_DEFAULT where that holds and no objective
     * can be told apart; else the one most likely to hold. */
    size_t recommended;
    bool holds;                 /* it keeps the bounds with the confidence asked for */
    size_t n_explored, n_raced; /* runs */
    size_t n_settings;          /* that were run */
    size_t n_front;
    const size_t *front; /* trials of the race that no other is better than, cheapest first */
};

/* Leaves what it tried in the trials, which are new. Errors: of the problem's evaluate, with the
 * message of the first run when every one failed (ST_INPUT). */
enum status tuning_search(struct search_result *result, struct trials *trials,
                          const struct search_options *options, struct diag *d);

/* The race alone: at most n_runs more runs. Begins with those settings that are most often the best
 * in draws of what is believed, and with TUNING_DEFAULT; each goes through the replicates in the
 * same order, and one that is worse than another beyond doubt drops out (paired differences over
 * the replicates both have, Holm over all comparisons; M. Birattari, T. Stuetzle, L. Paquete,
 * K. Varrentrapp, A racing algorithm for configuring metaheuristics, GECCO 2002). Of the others the
 * better half goes on whenever another share of the runs is spent, so that the last ones get
 * through all replicates (Z. Karnin, T. Koren, O. Somekh, Almost optimal exploration in multi-armed
 * bandits, ICML 2013). When all are through, the next comes in while there are runs. `raced` (by
 * trial, room for trials->n) says which took part.
 */
enum status tuning_race(struct trials *trials, size_t n_runs, bool *raced, struct diag *d);

#endif
