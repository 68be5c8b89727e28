#include "sim/state/request.h"

#include <stdlib.h>
#include <string.h>

#include "util/array.h"
#include "util/bug.h"

enum { FIRST_CAPACITY = 1024 };

void request_table_release(struct request_table *t)
{
    free(t->slot);
    *t = (struct request_table){0};
}

enum status request_table_add(struct request_table *t, uint32_t *id, struct diag *d)
{
    if (t->n_used == t->capacity) {
        uint32_t capacity = t->capacity ? 2 * t->capacity : FIRST_CAPACITY;
        struct request *slot =
            pages_grow(t->slot, t->capacity * sizeof *slot, capacity * sizeof *slot);
        if (!slot)
            return diag_nomem(d, "requests in flight");
        /* Free slots are chained through `next`, lowest first. */
        for (uint32_t i = t->capacity; i < capacity; i++)
            slot[i] = (struct request){.next = i + 1 < capacity ? i + 1 : NO_REQUEST};
        t->free_head = t->capacity;
        t->slot = slot;
        t->capacity = capacity;
    }
    *id = t->free_head;
    struct request *r = &t->slot[*id];
    t->free_head = r->next;
    t->n_used++;
    *r = (struct request){
        .scheduled_ns = -1,
        .prefill_done_ns = -1,
        .first_token_ns = -1,
        .second_token_ns = -1,
        .last_token_ns = -1,
        .worker_slot = NO_SLOT,
        .source_slot = NO_SLOT,
        .prefill_worker = UINT32_MAX,
        .worker = UINT32_MAX,
        .next = NO_REQUEST,
        .previous = NO_REQUEST,
        .generation = r->generation + 1,
        .life = r->life + 1,
        .state = REQUEST_UNROUTED,
    };
    return ST_OK;
}

void request_table_remove(struct request_table *t, uint32_t id)
{
    struct request *r = &t->slot[id];
    BUG_IF(r->state == REQUEST_FREE);
    r->state = REQUEST_FREE;
    r->generation++;
    r->next = t->free_head;
    t->free_head = id;
    t->n_used--;
}

void request_list_push_back(struct request_list *l, struct request_table *t, uint32_t id)
{
    struct request *r = &t->slot[id];
    r->previous = l->tail;
    r->next = NO_REQUEST;
    if (l->tail == NO_REQUEST)
        l->head = id;
    else
        t->slot[l->tail].next = id;
    l->tail = id;
    l->n++;
}

void request_list_push_front(struct request_list *l, struct request_table *t, uint32_t id)
{
    struct request *r = &t->slot[id];
    r->next = l->head;
    r->previous = NO_REQUEST;
    if (l->head == NO_REQUEST)
        l->tail = id;
    else
        t->slot[l->head].previous = id;
    l->head = id;
    l->n++;
}

/* ---- in order of a key ---- */

static uint32_t urgency(const struct request *r)
{
    return r->priority;
}

static uint32_t prompt_length(const struct request *r)
{
    return r->isl_tok;
}

/* How many marks have a key up to this one. */
static uint32_t marks_to(const struct request_list *l, uint32_t key)
{
    uint32_t low = 0, high = l->n_marks;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (l->mark[middle].key <= key)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Where no key in order is as low: behind the last of those in front of the order that is. */
static uint32_t last_in_front(const struct request_list *l, const struct request_table *t,
                              const struct request *r)
{
    uint32_t before = NO_REQUEST, next = l->head;
    while (next != NO_REQUEST && !t->slot[next].in_order) {
        before = next;
        next = t->slot[next].next;
    }
    while (before != NO_REQUEST && l->key(r) < l->key(&t->slot[before]))
        before = t->slot[before].previous;
    return before;
}

static void link_behind(struct request_list *l, struct request_table *t, uint32_t id,
                        uint32_t before)
{
    struct request *r = &t->slot[id];
    if (before == NO_REQUEST) {
        request_list_push_front(l, t, id);
        return;
    }
    if (before == l->tail) {
        request_list_push_back(l, t, id);
        return;
    }
    r->previous = before;
    r->next = t->slot[before].next;
    t->slot[r->next].previous = id;
    t->slot[before].next = id;
    l->n++;
}

static enum status insert(struct request_list *l, struct request_table *t, uint32_t id,
                          struct diag *d)
{
    struct request *r = &t->slot[id];
    uint32_t key = l->key(r);
    enum status s = ARRAY_RESERVE(l->mark, l->n_marks, l->marks_capacity, 1, "waiting requests", d);
    if (s)
        return s;
    uint32_t n = marks_to(l, key);
    link_behind(l, t, id, n ? l->mark[n - 1].last : last_in_front(l, t, r));
    if (r->next != NO_REQUEST && !t->slot[r->next].in_order)
        return ST_OK; /* among those in front of the order */
    r->in_order = true;
    if (n && l->mark[n - 1].key == key) {
        l->mark[n - 1].last = id;
        return ST_OK;
    }
    memmove(l->mark + n + 1, l->mark + n, (l->n_marks++ - n) * sizeof *l->mark);
    l->mark[n] = (struct list_mark){key, id};
    return ST_OK;
}

enum status request_list_insert_by_priority(struct request_list *l, struct request_table *t,
                                            uint32_t id, struct diag *d)
{
    l->key = urgency;
    return insert(l, t, id, d);
}

enum status request_list_insert_by_isl(struct request_list *l, struct request_table *t, uint32_t id,
                                       struct diag *d)
{
    l->key = prompt_length;
    return insert(l, t, id, d);
}

/* Its mark goes to the one before it, or away. */
static void unmark(struct request_list *l, const struct request_table *t, uint32_t id)
{
    const struct request *r = &t->slot[id];
    uint32_t n = marks_to(l, l->key(r));
    BUG_IF(n == 0 || l->mark[n - 1].key != l->key(r));
    if (l->mark[n - 1].last != id)
        return;
    const struct request *p = r->previous == NO_REQUEST ? NULL : &t->slot[r->previous];
    if (p && p->in_order && l->key(p) == l->key(r))
        l->mark[n - 1].last = r->previous;
    else
        memmove(l->mark + n - 1, l->mark + n, (l->n_marks-- - n) * sizeof *l->mark);
}

void request_list_release(struct request_list *l)
{
    free(l->mark);
    *l = (struct request_list){0};
}

void request_list_remove(struct request_list *l, struct request_table *t, uint32_t id)
{
    struct request *r = &t->slot[id];
    BUG_IF(l->n == 0);
    if (r->in_order) {
        unmark(l, t, id);
        r->in_order = false;
    }
    if (r->previous == NO_REQUEST)
        l->head = r->next;
    else
        t->slot[r->previous].next = r->next;
    if (r->next == NO_REQUEST)
        l->tail = r->previous;
    else
        t->slot[r->next].previous = r->previous;
    r->next = r->previous = NO_REQUEST;
    l->n--;
}
