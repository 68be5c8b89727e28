/* The cheapest fleet that meets a target, asked for one fleet at a time: knows no scenario.
 *
 *     while (fleet_next(search, &fleet) == FLEET_WANTED)
 *         fleet_tell(search, fleet, shortfall of a run with it, ...);
 *
 * One pool: a bracket that grows from the guess, then regula falsi and bisection, then a look at
 * the fleets beside the answer. Two pools: some fleet that holds; then the least of each with as
 * many of the other as no cheaper fleet has: no pair below both can do. From the cheapest pair
 * found above that corner a walk along the frontier: for each number in the first pool the most
 * that would be cheaper in the second, down while that holds. Both are exact where a larger fleet
 * never does worse; where one did, `uneven` says so, and the answer is still a fleet that holds
 * with fleets that fail around it.
 *
 * That a fleet fails may be known before its run has ended: such a trial is cut. Those that are
 * told of with the answer are asked for once more, whole. */
#ifndef STUDIES_SIZE_FLEET_SEARCH_H
#define STUDIES_SIZE_FLEET_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/arena.h"
#include "util/status.h"

enum { FLEET_MAX_POOLS = 2 };

struct fleet {
    int64_t n[FLEET_MAX_POOLS]; /* workers; of one pool the second is 0 */
};

struct fleet_trial {
    struct fleet fleet;
    double shortfall;      /* from the target; <= 0 holds, INFINITY where there is no figure */
    bool cut;              /* it fails; by how much, and the rest, is of a part of the run */
    double load;           /* share of its time that the fleet was busy */
    double strain;         /* of requests on each other, of any unit: less as long as more help */
    const double *figures; /* whatever the caller keeps of it */
    struct fleet ran;      /* what the figures are of */
};

struct fleet_search {
    size_t n_pools;
    int64_t gpus[FLEET_MAX_POOLS];  /* of a worker, > 0 */
    int64_t guess[FLEET_MAX_POOLS]; /* where to begin, > 0 */
    int64_t max_gpus;               /* of the fleet, > 0 */
    int64_t max_workers;            /* of a pool: more are not tried */
    bool verify;                    /* look beside the answer, too */

    struct arena *arena;
    size_t n_trials, room;
    struct fleet_trial *trials;
    bool found, uneven;
    struct fleet best;
    bool whole; /* what is wanted has to be a whole run */
};

enum fleet_state {
    FLEET_WANTED,     /* *fleet is to be tried */
    FLEET_FOUND,      /* it is `best` */
    FLEET_UNREACHABLE /* of what was tried within max_gpus `best` came closest */
};
enum fleet_state fleet_next(struct fleet_search *search, struct fleet *fleet);
/* Takes the place of a trial of the same fleet. ST_NOMEM. */
enum status fleet_tell(struct fleet_search *search, const struct fleet_trial *trial,
                       struct diag *d);

/* GPUs of the cheapest fleet that may be the answer after those that were tried: one that meets the
 * target, or that has more in some pool than each that misses it. */
int64_t fleet_least_gpus(const struct fleet_search *search);

int64_t fleet_gpus(const struct fleet_search *search, struct fleet fleet);
/* NULL: not tried. */
const struct fleet_trial *fleet_trial_of(const struct fleet_search *search, struct fleet fleet);

#endif
