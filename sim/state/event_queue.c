#include "sim/state/event_queue.h"

#include <stdlib.h>

#include "util/array.h"
#include "util/bug.h"

enum { ARITY = 4 };

static uint128 key(struct event e)
{
    return (uint128)(uint64_t)e.at_ns << 64 | e.order;
}

void event_queue_release(struct event_queue *q)
{
    free(q->heap);
    *q = (struct event_queue){0};
}

enum status event_queue_push(struct event_queue *q, struct event e, struct diag *d)
{
    enum status s = ARRAY_RESERVE(q->heap, q->n, q->capacity, 1, "event queue", d);
    if (s)
        return s;
    uint32_t hole = q->n++;
    while (hole > 0) {
        uint32_t parent = (hole - 1) / ARITY;
        if (key(q->heap[parent]) <= key(e))
            break;
        q->heap[hole] = q->heap[parent];
        hole = parent;
    }
    q->heap[hole] = e;
    return ST_OK;
}

/* Without a branch: which of the two it is cannot be foretold. */
static uint32_t lesser(const struct event *heap, uint32_t i, uint32_t j)
{
    uint32_t mask = -(uint32_t)(key(heap[j]) < key(heap[i]));

    return i ^ ((i ^ j) & mask);
}

static uint32_t least_child(const struct event_queue *q, uint32_t first)
{
    uint32_t least = first;

    if (q->n - first >= ARITY)
        return lesser(q->heap, lesser(q->heap, first, first + 1),
                      lesser(q->heap, first + 2, first + 3));
    for (uint32_t i = first + 1; i < q->n; i++)
        least = lesser(q->heap, least, i);
    return least;
}

void event_queue_pop(struct event_queue *q)
{
    BUG_IF(q->n == 0);
    struct event last = q->heap[--q->n];
    uint32_t hole = 0;
    for (;;) {
        uint32_t first = ARITY * hole + 1;
        if (first >= q->n)
            break;
        uint32_t least = least_child(q, first);
        if (key(q->heap[least]) >= key(last))
            break;
        q->heap[hole] = q->heap[least];
        hole = least;
    }
    if (q->n)
        q->heap[hole] = last;
}
