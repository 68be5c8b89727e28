/* How many requests wait and run in each pool, over time and exactly: with A the times of all that
 * have left a place less the times of all that have entered it, the integral up to T of their
 * number n is n * T + A. Both simulators keep it, for timelines. */
#ifndef RECORD_PLACES_H
#define RECORD_PLACES_H

#include <stdint.h>

#include "planner/policy.h"

__extension__ typedef __int128 int128;

/* Of one place. All zero: empty at time 0. */
struct occupancy {
    int64_t n;
    int128 left_ns;   /* A */
    int128 mark_area; /* the integral when a mean was last taken, */
    int64_t mark_ns;  /* and when that was */
};

enum { PLACE_NOWHERE, N_PLACES = 1 + 2 * POLICY_MAX_POOLS };
struct places {
    struct occupancy at[N_PLACES];
};

static inline uint8_t place_waiting(size_t pool) /* with a worker or for one, not in its batch */
{
    return (uint8_t)(1 + 2 * pool);
}
static inline uint8_t place_running(size_t pool) /* in a worker's batch */
{
    return (uint8_t)(2 + 2 * pool);
}

/* A request, whose place is *place, goes to another (or to the same). What is counted of
 * PLACE_NOWHERE means nothing. */
static inline void places_move(struct places *p, uint8_t *place, uint8_t to, int64_t now_ns)
{
    p->at[*place].n--;
    p->at[*place].left_ns += now_ns;
    p->at[to].n++;
    p->at[to].left_ns -= now_ns;
    *place = to;
}

/* Mean number there since the call before this one, or since time 0; when no time has passed, the
 * number now. */
double places_take_mean(struct places *p, uint8_t place, int64_t now_ns);

#endif
