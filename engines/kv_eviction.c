/* Which inactive node of a cache goes first. */
#include <stdlib.h>
#include <string.h>

#include "engines/kv_cache_internal.h"
#include "util/bug.h"
#include "util/pcg.h" /* uint128 */

static uint64_t rank_lru(uint64_t released, uint64_t created, uint64_t n_hits)
{
    (void)created;
    (void)n_hits;
    return released;
}

static uint64_t rank_fifo(uint64_t released, uint64_t created, uint64_t n_hits)
{
    (void)released;
    (void)n_hits;
    return created;
}

static uint64_t rank_lfu(uint64_t released, uint64_t created, uint64_t n_hits)
{
    (void)released;
    (void)created;
    return n_hits;
}

static const struct kv_eviction eviction_lru = {"lru", "least recently released first", rank_lru, true};
static const struct kv_eviction eviction_lfu = {"lfu", "fewest hits first", rank_lfu, false};
static const struct kv_eviction eviction_fifo = {"fifo", "oldest first", rank_fifo, false};

const struct kv_eviction *const kv_evictions[] = {&eviction_lru, &eviction_lfu, &eviction_fifo, NULL};

const struct kv_eviction *kv_eviction_find(const char *name)
{
    for (size_t i = 0; kv_evictions[i]; i++)
        if (strcmp(kv_evictions[i]->name, name) == 0)
            return kv_evictions[i];
    return NULL;
}

/* ---- evictable nodes ---- */

/* An entry stays when its node is referenced again or given a node behind: to take it out would cost a walk over the
 * places of others, each in another cache line. It is stale from then on, since the next release gives the node
 * another `released`; stale entries go when they come up, or all at once when the array is full. */
static bool is_stale(const struct kv_cache *c, const struct kv_evictable *e)
{
    const struct kv_node *n = &c->store->node[e->node];
    return n->released != e->released || n->refs || n->n_children || n->cache != c->index || n->n_blocks == 0;
}

/* No two evictable nodes of a cache are equal: only the parts of a split node share a release, and the front has the
 * back behind it. */
static bool goes_before(const struct kv_evictable *a, const struct kv_evictable *b)
{
    return ((uint128)a->rank << 64 | a->released) < ((uint128)b->rank << 64 | b->released);
}

static void sift_down(struct kv_cache *c, uint32_t hole, struct kv_evictable e)
{
    for (;;) {
        uint32_t child = 2 * hole + 1;
        if (child >= c->n_heap)
            break;
        child += child + 1 < c->n_heap && goes_before(&c->heap[child + 1], &c->heap[child]);
        if (!goes_before(&c->heap[child], &e))
            break;
        c->heap[hole] = c->heap[child];
        hole = child;
    }
    c->heap[hole] = e;
}

static void drop_stale(struct kv_cache *c)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < c->n_heap; i++)
        if (!is_stale(c, &c->heap[i]))
            c->heap[kept++] = c->heap[i];
    c->n_heap = kept;
    for (uint32_t i = kept / 2; i-- > 0;)
        sift_down(c, i, c->heap[i]);
}

enum status kv_evictable_reserve(struct kv_cache *c, struct diag *d)
{
    if (2 * c->n_leaves < c->heap_capacity)
        return ST_OK;
    uint32_t capacity = c->heap_capacity ? 2 * c->heap_capacity : 64;
    struct kv_evictable *heap = realloc(c->heap, capacity * sizeof *heap);
    if (!heap)
        return diag_nomem(d, "prefix cache");
    c->heap = heap;
    c->heap_capacity = capacity;
    return ST_OK;
}

void kv_evictable_add(struct kv_cache *c, uint32_t node)
{
    const struct kv_node *n = &c->store->node[node];
    struct kv_evictable e = {c->eviction->rank(n->released, n->created, n->n_hits), n->released, node};
    if (c->n_heap == c->heap_capacity)
        drop_stale(c); /* half of it or more */
    BUG_IF(c->n_heap == c->heap_capacity);
    uint32_t hole = c->n_heap++;
    while (hole > 0 && goes_before(&e, &c->heap[(hole - 1) / 2])) {
        c->heap[hole] = c->heap[(hole - 1) / 2];
        hole = (hole - 1) / 2;
    }
    c->heap[hole] = e;
}

static void pop(struct kv_cache *c)
{
    struct kv_evictable last = c->heap[--c->n_heap];
    if (c->n_heap) {
        sift_down(c, 0, last);
        __builtin_prefetch(&c->store->node[c->heap[0].node]); /* the next to go, not looked at for long */
    }
}

uint32_t kv_evictable_first(struct kv_cache *c)
{
    for (;;) {
        BUG_IF(c->n_heap == 0);
        if (!is_stale(c, &c->heap[0]))
            return c->heap[0].node;
        pop(c);
    }
}

void kv_evictable_remove_first(struct kv_cache *c)
{
    pop(c);
}

uint32_t kv_evictable_check(const struct kv_cache *c)
{
    uint32_t n_current = 0;
    BUG_IF(2 * c->n_leaves > c->heap_capacity || c->n_heap > c->heap_capacity);
    for (uint32_t i = 0; i < c->n_heap; i++) {
        const struct kv_evictable *e = &c->heap[i];
        const struct kv_node *n = &c->store->node[e->node];
        BUG_IF(i > 0 && goes_before(e, &c->heap[(i - 1) / 2]));
        if (is_stale(c, e))
            continue;
        n_current++;
        BUG_IF(e->rank != c->eviction->rank(n->released, n->created, n->n_hits));
    }
    return n_current;
}
