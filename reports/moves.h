/* How the policy moved the fleet: when it first went up or down, and whether it went to and fro. */
#ifndef REPORTS_MOVES_H
#define REPORTS_MOVES_H

#include <stddef.h>
#include <stdint.h>

#include "planner/policy.h"
#include "record/observer.h"

/* The zero value is of a run that has not begun. */
struct moves {
    uint64_t n_ups, n_downs;            /* times the target of a pool was raised, and lowered */
    uint64_t n_reversals;               /* moves of a pool the other way than its move before, */
    uint64_t n_flaps;                   /* and of those the ones that came soon after it */
    int64_t first_up_ns, first_down_ns; /* of any pool; of no meaning before there is one */
    int64_t last_ns;                    /* 0 = none */
    struct pool_move {
        int direction; /* 1: up, -1: down, 0: none yet */
        int64_t at_ns;
    } pools[POLICY_MAX_POOLS]; /* the last of each */
};

/* Soon is within flap_ns. */
void moves_add(struct moves *m, const struct decision_record *decision, int64_t flap_ns);

#endif
