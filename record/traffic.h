/* Traffic counters of a run, and the windows between two readings of them. */
#ifndef RECORD_TRAFFIC_H
#define RECORD_TRAFFIC_H

#include <stdint.h>

#include "planner/policy.h"

/* Marks as missing, with NaN, what `total`, the counters so far, has no observation of. */
void traffic_mark_missing(struct traffic_window *window, const struct traffic_window *total);

/* What was counted between two readings of one set of counters, `length_s` apart. */
struct traffic_window traffic_between(const struct traffic_window *start,
                                      const struct traffic_window *end, double length_s);

/* Waits for first tokens since the start of a run. */
struct first_tokens {
    uint64_t n_begun; /* a request arrived, or was sent again after it had had a token */
    uint64_t n_came;  /* the token, or the end of a request that asks for none */
    uint64_t n_over;  /* waits that have ended, with a token or without */
};

/* Who waited between two readings, from the first on. */
static inline uint64_t first_tokens_waited(const struct first_tokens *start,
                                           const struct first_tokens *end)
{
    return end->n_begun - start->n_over;
}

#endif
