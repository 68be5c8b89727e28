/* Requests in flight. Slots are reused, so memory follows what is in flight, not the trace. A
 * request is named by its slot; the array may move when one is added, so no pointer is kept across
 * an arrival. */
#ifndef SIM_STATE_REQUEST_H
#define SIM_STATE_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "engines/kv/kv_cache.h"
#include "util/pages.h"
#include "util/status.h"

#define NO_REQUEST UINT32_MAX
#define NO_SLOT UINT32_MAX

/* Where a request is. Every state belongs to exactly one list or to none. */
enum request_state {
    REQUEST_FREE,
    REQUEST_AWAY,      /* lost, its client waits before it sends it again */
    REQUEST_FRONT_END, /* sent, and no router has seen it yet */
    REQUEST_UNROUTED,  /* waits for a worker to become routable, or to have less to do */
    REQUEST_WAITING,   /* in a worker's queue */
    REQUEST_PREFILL,   /* running, prompt (or recomputation) not finished */
    REQUEST_DECODE,    /* running, one token a step */
    REQUEST_HANDOFF,   /* prompt done on a prefill worker, waits for room on its decode worker */
    REQUEST_TRANSFER,  /* KV on its way to the decode worker, whose blocks it holds */
};

/* In cache lines: what its worker and its neighbours in a list look at, when things happened, the
 * rest. */
struct request {
    _Alignas(CACHE_LINE) uint32_t next; /* in the list of its state */
    uint32_t previous;
    enum request_state state;
    uint32_t isl_tok, osl_tok;
    uint32_t computed_tok; /* tokens whose KV is (or is being) computed on its worker */
    uint32_t target_tok;   /* computing so many yields the next token: ISL + tokens out */
    uint32_t n_output_tok; /* not kept up while decoding: see finish_step */
    uint64_t finish_step; /* worker's step counter when the last token comes out (while decoding) */
    uint64_t admit_order; /* of its admission on the worker; the newest is preempted first */
    uint32_t worker_slot; /* worker it is bound to, NO_SLOT */
    uint32_t
        kv_blocks; /* held on `worker_slot`, shared ones included (kept up lazily while decoding) */
    uint32_t priority;
    bool measured;
    bool handed_over; /* arrived with its KV: needs no computation to start decoding */
    bool preempted;   /* in its worker's queue, having run there */
    bool in_order;    /* put into its list by request_list_insert_... */
    uint8_t place;    /* record/places.h */

    int64_t arrival_ns, scheduled_ns, prefill_done_ns; /* -1 = not yet */
    int64_t first_token_ns, second_token_ns, last_token_ns;
    uint64_t index;    /* position in the trace */
    double share_mark; /* worker's share counter when it began to run */

    struct kv_hold hold, source_hold; /* the shared ones among its blocks */
    double gpu_share_s;               /* GPU-seconds spent on it in this attempt */
    uint64_t ids_at;                  /* block ids of the prompt, in sim->ids */
    uint32_t n_ids;
    uint32_t source_blocks; /* held on the prefill worker until the transfer is over */
    uint32_t loaded_blocks; /* of its blocks, read back from host memory at its admission */
    struct kv_tail tail;    /* what it left behind when it was preempted */
    uint32_t n_attempts, n_preemptions, cached_tok;
    uint32_t source_slot;            /* prefill worker that holds its KV, NO_SLOT */
    uint32_t prefill_worker, worker; /* ids, for the record */
    uint32_t prefill_slot;           /* of prefill_worker, which may be gone */
    uint32_t generation;             /* of transfers of it */
    uint32_t deployment;             /* index: where it is now */
    uint32_t home, decode;           /* where it came to; whose worker decodes it */
    uint32_t target;                 /* of sim_config.targets, counted from 1; 0 = of its home */
    uint32_t life;                   /* of the slot: time-outs are of one request */
};

struct request_table {
    struct request *slot;
    uint32_t capacity, n_used, free_head;
};

void request_table_release(struct request_table *t);
/* A cleared request (all times -1, no worker); *id names it. */
enum status request_table_add(struct request_table *t, uint32_t *id, struct diag *d);
void request_table_remove(struct request_table *t, uint32_t id);

/* A doubly linked list through the slots. A request is in at most one list. Of a list that is in
 * order of a key, the last request of each key is known, so that inserting does not walk it. */
struct list_mark {
    uint32_t key, last;
};
struct request_list {
    uint32_t head, tail, n;
    uint32_t n_marks, marks_capacity;
    struct list_mark *mark; /* by key */
    uint32_t (*key)(const struct request *r);
};
/* Empty. What a list had allocated is kept. */
static inline void request_list_init(struct request_list *l)
{
    l->head = l->tail = NO_REQUEST;
    l->n = l->n_marks = 0;
}
void request_list_release(struct request_list *l);
void request_list_push_back(struct request_list *l, struct request_table *t, uint32_t id);
void request_list_push_front(struct request_list *l, struct request_table *t, uint32_t id);
/* Behind the last one that is as urgent or more; or whose prompt is as short or shorter. A list is
 * in one of the two orders, but for what is pushed to its front. */
enum status request_list_insert_by_priority(struct request_list *l, struct request_table *t,
                                            uint32_t id, struct diag *d);
enum status request_list_insert_by_isl(struct request_list *l, struct request_table *t, uint32_t id,
                                       struct diag *d);
void request_list_remove(struct request_list *l, struct request_table *t, uint32_t id);

#endif
