/* Pending events of the reference's engine: a binary heap by time, kind and order of insertion. */
#ifndef DYNOSIM_QUEUE_H
#define DYNOSIM_QUEUE_H

#include <stdint.h>

#include "util/status.h"

/* In the order in which they are handled at one instant. Arrivals, hand-off actions and the start
 * of passes come between TRANSFER_DONE and the rest. */
enum dyno_event_kind {
    DYNO_PASS_DONE,     /* target: worker slot */
    DYNO_WORKER_READY,  /* target: worker slot */
    DYNO_TRANSFER_DONE, /* target: request slot */
    DYNO_WINDOW,
    DYNO_SAMPLE,
    DYNO_TICK,
};

struct dyno_timer {
    int64_t at_ns;
    uint64_t order; /* kind << 56 | insertion number */
    uint32_t target;
};

struct dyno_queue {
    struct dyno_timer *heap;
    uint32_t n, capacity;
    uint64_t n_inserted;
    uint32_t n_moving; /* events that can move a request: all but windows, samples and ticks */
};

static inline enum dyno_event_kind dyno_timer_kind(struct dyno_timer t)
{
    return (enum dyno_event_kind)(t.order >> 56);
}
enum status dyno_queue_push(struct dyno_queue *q, int64_t at_ns, enum dyno_event_kind kind,
                            uint32_t target, struct diag *d);
struct dyno_timer dyno_queue_pop(struct dyno_queue *q); /* must not be empty */
void dyno_queue_release(struct dyno_queue *q);

#endif
