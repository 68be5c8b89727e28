/* Requests in flight, the lists they stand in, and the content of their blocks. */
#include <stdlib.h>

#include "dynosim/dynosim_internal.h"
#include "util/array.h"

/* ---- slots ---- */

enum status dyno_request_add(struct dyno_run *run, uint32_t *id)
{
    if (run->free_request != NO_ID) {
        *id = run->free_request;
        run->free_request = run->requests[*id].next;
    } else {
        enum status s = ARRAY_RESERVE(run->requests, run->n_requests, run->requests_capacity, 1,
                                      "requests", run->diag);
        if (s)
            return s;
        *id = run->n_requests++;
        run->requests[*id] = (struct dyno_request){0};
    }
    struct dyno_request *r = &run->requests[*id], old = *r;
    *r = (struct dyno_request){
        .blocks = {old.blocks.block, 0, old.blocks.capacity},
        .source_blocks = {old.source_blocks.block, 0, old.source_blocks.capacity},
        .keys = old.keys,
        .keys_capacity = old.keys_capacity,
        .last_token_ns = -1,
        .scheduled_ns = -1,
        .prefill_done_ns = -1,
        .first_token_ns = -1,
        .second_token_ns = -1,
        .next = NO_ID,
        .previous = NO_ID,
        .worker = NO_ID,
        .source = NO_ID,
        .prefill_id = NO_WORKER,
        .worker_id = NO_WORKER,
        .is_used = true,
    };
    return ST_OK;
}

void dyno_request_remove(struct dyno_run *run, uint32_t id)
{
    struct dyno_request *r = &run->requests[id];
    if (!r->is_over || r->source != NO_ID)
        return;
    BUG_IF(!r->is_used || r->blocks.n || r->source_blocks.n);
    r->is_used = false;
    r->next = run->free_request;
    run->free_request = id;
}

void dyno_requests_release(struct dyno_run *run)
{
    for (uint32_t i = 0; i < run->n_requests; i++) {
        free(run->requests[i].blocks.block);
        free(run->requests[i].source_blocks.block);
        free(run->requests[i].keys);
    }
    free(run->requests);
}

/* ---- content of blocks ---- */

static uint64_t mix(uint64_t h, uint64_t v)
{
    uint64_t x = h * UINT64_C(0x9E3779B97F4A7C15) + v + UINT64_C(0xD1B54A32D192ED03);
    x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
    x ^= x >> 31;
    return x ? x : 1;
}

/* Content that no other request has. */
static uint64_t own_key(const struct dyno_request *r, uint32_t i)
{
    return mix(mix(2, r->index), i);
}

/* A block's tokens are copies of the ids of the trace blocks it overlaps, cut where the block ends,
 * which is the same place for all prompts: equal ids in the same block of equal chains are equal
 * content. */
enum status dyno_request_set_keys(struct dyno_run *run, struct dyno_request *r,
                                  const struct trace_request *t)
{
    uint64_t block = run->config->pools[0].block_size_tok, id_tok = run->config->trace_block_tok;
    r->n_keys = r->isl_tok / (uint32_t)block;
    enum status s = ARRAY_RESERVE(r->keys, 0, r->keys_capacity, r->n_keys, "block keys", run->diag);
    if (s)
        return s;
    uint64_t chain = 1;
    for (uint32_t i = 0; i < r->n_keys; i++) {
        if (t->n_blocks == 0) {
            r->keys[i] = own_key(r, i);
            continue;
        }
        uint64_t first = i * block / id_tok, last = ((i + 1) * block - 1) / id_tok;
        for (uint64_t k = first; k <= last; k++)
            chain = mix(chain, t->block_ids[k]);
        r->keys[i] = chain = mix(chain, 3);
    }
    return ST_OK;
}

uint64_t dyno_request_key(const struct dyno_request *r, uint32_t i)
{
    return i < r->n_keys ? r->keys[i] : own_key(r, i);
}

/* For all it can ever hold on the worker, so that a pass allocates nothing. */
enum status dyno_blocks_reserve(struct dyno_run *run, const struct dyno_worker *w,
                                struct dyno_request *r)
{
    uint32_t most = blocks_from_tok(r->end_tok, w->pool->config->block_size_tok);
    if (most > w->kv.n_blocks)
        most = w->kv.n_blocks;
    return ARRAY_RESERVE(r->blocks.block, 0, r->blocks.capacity, most, "blocks of a request",
                         run->diag);
}

/* ---- lists ---- */

void dyno_list_init(struct dyno_list *l)
{
    *l = (struct dyno_list){NO_ID, NO_ID, 0};
}

void dyno_list_push_back(struct dyno_run *run, struct dyno_list *l, uint32_t id)
{
    struct dyno_request *r = &run->requests[id];
    r->next = NO_ID;
    r->previous = l->tail;
    if (l->tail == NO_ID)
        l->head = id;
    else
        run->requests[l->tail].next = id;
    l->tail = id;
    l->n++;
}

void dyno_list_push_front(struct dyno_run *run, struct dyno_list *l, uint32_t id)
{
    struct dyno_request *r = &run->requests[id];
    r->previous = NO_ID;
    r->next = l->head;
    if (l->head == NO_ID)
        l->tail = id;
    else
        run->requests[l->head].previous = id;
    l->head = id;
    l->n++;
}

void dyno_list_remove(struct dyno_run *run, struct dyno_list *l, uint32_t id)
{
    const struct dyno_request *r = &run->requests[id];
    if (r->previous == NO_ID)
        l->head = r->next;
    else
        run->requests[r->previous].next = r->next;
    if (r->next == NO_ID)
        l->tail = r->previous;
    else
        run->requests[r->next].previous = r->previous;
    l->n--;
}

enum status dyno_action_push(struct dyno_run *run, struct action_list *l, enum action_kind kind,
                             uint32_t id)
{
    if (l->n == 0)
        l->head = 0;
    enum status s =
        ARRAY_RESERVE(l->action, l->head + l->n, l->capacity, 1, "hand-off actions", run->diag);
    if (!s)
        l->action[l->head + l->n++] = (struct action){kind, id};
    return s;
}
