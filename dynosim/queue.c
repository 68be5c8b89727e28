#include "dynosim/queue.h"

#include <stdbool.h>
#include <stdlib.h>

#include "util/array.h"

static bool before(struct dyno_timer a, struct dyno_timer b)
{
    return a.at_ns != b.at_ns ? a.at_ns < b.at_ns : a.order < b.order;
}

void dyno_queue_release(struct dyno_queue *q)
{
    free(q->heap);
    *q = (struct dyno_queue){0};
}

enum status dyno_queue_push(struct dyno_queue *q, int64_t at_ns, enum dyno_event_kind kind,
                            uint32_t target, struct diag *d)
{
    enum status s = ARRAY_RESERVE(q->heap, q->n, q->capacity, 1, "events", d);
    if (s)
        return s;
    struct dyno_timer t = {at_ns, (uint64_t)kind << 56 | q->n_inserted++, target};
    uint32_t i = q->n++;
    for (; i > 0 && before(t, q->heap[(i - 1) / 2]); i = (i - 1) / 2)
        q->heap[i] = q->heap[(i - 1) / 2];
    q->heap[i] = t;
    q->n_moving += kind < DYNO_WINDOW;
    return ST_OK;
}

struct dyno_timer dyno_queue_pop(struct dyno_queue *q)
{
    struct dyno_timer top = q->heap[0], last = q->heap[--q->n];
    uint32_t i = 0;
    for (uint32_t child; (child = 2 * i + 1) < q->n; i = child) {
        if (child + 1 < q->n && before(q->heap[child + 1], q->heap[child]))
            child++;
        if (!before(q->heap[child], last))
            break;
        q->heap[i] = q->heap[child];
    }
    q->heap[i] = last;
    q->n_moving -= dyno_timer_kind(top) < DYNO_WINDOW;
    return top;
}
