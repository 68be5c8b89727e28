/* Pending events: a 4-ary heap of 16-byte values ordered by one 128-bit key.
 *
 * The key is (time, class, deployment, id, generation), so the order of events at one instant is
 * written down in one place (enum event_class) and does not depend on when they were inserted. An
 * event is cancelled by giving its owner a new generation: the loop drops stale events before the
 * clock moves. */
#ifndef SIM_STATE_EVENT_QUEUE_H
#define SIM_STATE_EVENT_QUEUE_H

#include <stdint.h>

#include "util/pcg.h" /* uint128 */
#include "util/status.h"

/* Order of events at one instant. Arrivals are not queued: they come between TRANSFER_DONE and the
 * start of steps, and those that a router has held back go to workers right after them. Everything
 * below EVENT_CLASS_SETTLED is settled (and idle workers have started their steps) before the rest
 * is looked at. */
enum event_class {
    EVENT_CLASS_STEP_END,      /* id: worker slot */
    EVENT_CLASS_WORKER_READY,  /* id: worker slot */
    EVENT_CLASS_TRANSFER_DONE, /* id: request slot */
    EVENT_CLASS_ENTER,         /* id: request slot, away or in the front end */
    EVENT_CLASS_TIMEOUT,       /* id: request slot */
    EVENT_CLASS_FIRST_TIMEOUT, /* id: request slot */
    EVENT_CLASS_SETTLED,
    EVENT_CLASS_GRACE_END = EVENT_CLASS_SETTLED, /* id: worker slot */
    EVENT_CLASS_FAILURE,                         /* id: worker slot */
    EVENT_CLASS_NODE_FAILURE,                    /* id: node */
    EVENT_CLASS_NODE_NOTICE,                     /* id: node */
    EVENT_CLASS_NODE_LEAVES,                     /* id: node */
    EVENT_CLASS_NODE_BACK,                       /* id: node */
    EVENT_CLASS_PUBLISH,                         /* the workers tell the routers their load */
    EVENT_CLASS_WINDOW,
    EVENT_CLASS_SAMPLE,
    EVENT_CLASS_SCRAPE,
    EVENT_CLASS_POLICY,
    EVENT_CLASS_STOP,
    N_EVENT_CLASSES
};

enum { EVENT_DEPLOYMENT_BITS = 5, EVENT_ID_BITS = 27, EVENT_GENERATION_BITS = 27 };

struct event {
    int64_t at_ns;  /* >= 0 */
    uint64_t order; /* class << 59 | deployment << 54 | id << 27 | generation */
};

static inline struct event event_make(int64_t at_ns, enum event_class class, size_t deployment,
                                      uint32_t id, uint32_t generation)
{
    uint64_t mask = (UINT64_C(1) << EVENT_GENERATION_BITS) - 1;
    uint64_t what = (uint64_t) class << EVENT_DEPLOYMENT_BITS | deployment;
    return (struct event){at_ns, what << (EVENT_ID_BITS + EVENT_GENERATION_BITS) |
                                     (uint64_t)id << EVENT_GENERATION_BITS | (generation & mask)};
}
static inline enum event_class event_class_of(struct event e)
{
    return (enum event_class)(e.order >>
                              (EVENT_DEPLOYMENT_BITS + EVENT_ID_BITS + EVENT_GENERATION_BITS));
}
static inline size_t event_deployment(struct event e)
{
    return (size_t)(e.order >> (EVENT_ID_BITS + EVENT_GENERATION_BITS)) &
           ((1u << EVENT_DEPLOYMENT_BITS) - 1);
}
static inline uint32_t event_id(struct event e)
{
    return (uint32_t)(e.order >> EVENT_GENERATION_BITS) & ((1u << EVENT_ID_BITS) - 1);
}
/* Was the event made with this generation of its owner? */
static inline int event_is_current(struct event e, uint32_t generation)
{
    return ((e.order ^ generation) & ((UINT64_C(1) << EVENT_GENERATION_BITS) - 1)) == 0;
}

struct event_queue {
    struct event *heap;
    uint32_t n, capacity;
};

void event_queue_release(struct event_queue *q);
enum status event_queue_push(struct event_queue *q, struct event e, struct diag *d);
/* The earliest event; the queue must not be empty. */
static inline struct event event_queue_peek(const struct event_queue *q)
{
    return q->heap[0];
}
void event_queue_pop(struct event_queue *q);

#endif
