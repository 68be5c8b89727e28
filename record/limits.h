/* What ends a run that would not end by itself, and what is said of it then. Both simulators keep
 * these limits. They go by requests and the clock alone: what is recorded beside does not move
 * them. */
#ifndef RECORD_LIMITS_H
#define RECORD_LIMITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "planner/policy.h"

/* All > 0. */
struct run_limits {
    int64_t stall_ns; /* after the last arrival: without a request that ends or has a step end */
    int64_t simulated_ns; /* end of the clock; < TIME_NEVER */
    uint64_t events;      /* since a request came or ended, windows and samples aside */
};

/* 1 h, a year, 100 million. */
#define RUN_LIMITS_USUAL                                                                           \
    {                                                                                              \
        INT64_C(3600000000000), INT64_C(31536000000000000), 100000000                              \
    }

enum run_stop {
    RUN_GOES_ON,
    STOP_STALL,
    STOP_DEAD_END, /* nothing is to come that could move a request */
    STOP_SIMULATED,
    STOP_EVENTS,
};

/* A pool at the end, and where its requests are. */
struct stopped_pool {
    const char *name;
    uint64_t n_unrouted, n_waiting, n_running; /* for a worker; with one; in a batch */
    int target, ready, starting, pending;      /* pending: of those starting, for GPUs */
};

struct stopped_run {
    enum run_stop why;
    int64_t at_ns;
    bool more_was_to_come; /* requests that did not arrive */
    uint64_t n_in_flight;
    size_t n_pools;
    struct stopped_pool pools[POLICY_MAX_POOLS];
};

/* One sentence: when, why, what the requests in flight waited for, and of which workers. */
enum { STOP_TEXT_SIZE = 600 };
void run_stop_text(char text[STOP_TEXT_SIZE], const struct stopped_run *run,
                   const struct run_limits *limits);

#endif
