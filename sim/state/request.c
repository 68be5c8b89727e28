#include "sim/state/request.h"

#include <stdlib.h>

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

typedef bool goes_before(const struct request *a, const struct request *b);

/* Behind the last one that it does not go before. */
static void insert(struct request_list *l, struct request_table *t, uint32_t id,
                   goes_before *before_it)
{
    struct request *r = &t->slot[id];
    uint32_t before = l->tail;
    while (before != NO_REQUEST && before_it(r, &t->slot[before]))
        before = t->slot[before].previous;
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

static bool more_urgent(const struct request *a, const struct request *b)
{
    return a->priority < b->priority;
}

void request_list_insert_by_priority(struct request_list *l, struct request_table *t, uint32_t id)
{
    insert(l, t, id, more_urgent);
}

static bool shorter(const struct request *a, const struct request *b)
{
    return a->isl_tok < b->isl_tok;
}

void request_list_insert_by_isl(struct request_list *l, struct request_table *t, uint32_t id)
{
    insert(l, t, id, shorter);
}

void request_list_remove(struct request_list *l, struct request_table *t, uint32_t id)
{
    struct request *r = &t->slot[id];
    BUG_IF(l->n == 0);
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
