/* How long a pool has been short of workers, and of what: requests that wait take the difference
 * between two readings. Kept at every change of its workers. */
#ifndef RECORD_POOL_CLOCK_H
#define RECORD_POOL_CLOCK_H

#include <stdint.h>

enum pool_shortage {
    POOL_EMPTY,      /* none is ready, and none is on its way: as every pool begins */
    POOL_SERVES,     /* there are workers, and no more are on their way */
    POOL_STARTS,     /* more are starting */
    POOL_LACKS_GPUS, /* more are wanted, and wait for GPUs */
    N_POOL_SHORTAGES
};

struct pool_clock {
    enum pool_shortage state;
    int64_t since_ns;
    int64_t total_ns[N_POOL_SHORTAGES]; /* until since_ns */
};

/* In the state it is in after a change of its workers. */
static inline void pool_clock_set(struct pool_clock *c, int64_t now_ns, uint32_t n_routable,
                                  int n_starting, int n_pending)
{
    c->total_ns[c->state] += now_ns - c->since_ns;
    c->since_ns = now_ns;
    if (n_starting > n_pending)
        c->state = POOL_STARTS;
    else if (n_pending > 0)
        c->state = POOL_LACKS_GPUS;
    else
        c->state = n_routable > 0 ? POOL_SERVES : POOL_EMPTY;
}

static inline int64_t pool_clock_ns(const struct pool_clock *c, enum pool_shortage state,
                                    int64_t now_ns)
{
    return c->total_ns[state] + (c->state == state ? now_ns - c->since_ns : 0);
}

/* Time in which no more workers were on their way. */
static inline int64_t pool_clock_settled_ns(const struct pool_clock *c, int64_t now_ns)
{
    return pool_clock_ns(c, POOL_SERVES, now_ns) + pool_clock_ns(c, POOL_EMPTY, now_ns);
}

#endif
