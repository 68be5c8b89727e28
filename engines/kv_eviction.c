/* Which inactive node of a cache goes first. */
#include <stdlib.h>
#include <string.h>

#include "engines/kv_cache_internal.h"
#include "util/bug.h"
#include "util/pcg.h" /* uint128 */

static void rank_lru(uint64_t released, uint64_t created, uint64_t n_hits, uint64_t rank[2])
{
    (void)created;
    (void)n_hits;
    rank[0] = released;
    rank[1] = 0;
}

static void rank_fifo(uint64_t released, uint64_t created, uint64_t n_hits, uint64_t rank[2])
{
    (void)released;
    (void)n_hits;
    rank[0] = created;
    rank[1] = 0;
}

static void rank_lfu(uint64_t released, uint64_t created, uint64_t n_hits, uint64_t rank[2])
{
    (void)created;
    rank[0] = n_hits;
    rank[1] = released;
}

static const struct kv_eviction eviction_lru = {"lru", "least recently released first", rank_lru};
static const struct kv_eviction eviction_lfu = {"lfu", "fewest hits first", rank_lfu};
static const struct kv_eviction eviction_fifo = {"fifo", "oldest first", rank_fifo};

const struct kv_eviction *const kv_evictions[] = {&eviction_lru, &eviction_lfu, &eviction_fifo, NULL};

const struct kv_eviction *kv_eviction_find(const char *name)
{
    for (size_t i = 0; kv_evictions[i]; i++)
        if (strcmp(kv_evictions[i]->name, name) == 0)
            return kv_evictions[i];
    return NULL;
}

/* ---- evictable nodes ---- */

/* No two evictable nodes of a cache have the same rank: only the parts of a split node share one. */
static bool goes_before(const struct kv_evictable *a, const struct kv_evictable *b)
{
    return ((uint128)a->rank[0] << 64 | a->rank[1]) < ((uint128)b->rank[0] << 64 | b->rank[1]);
}

static void place(struct kv_cache *c, uint32_t at, struct kv_evictable e)
{
    c->heap[at] = e;
    c->store->node[e.node].heap_at = at;
}

static void sift_up(struct kv_cache *c, uint32_t at, struct kv_evictable e)
{
    while (at > 0 && goes_before(&e, &c->heap[(at - 1) / 2])) {
        place(c, at, c->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    place(c, at, e);
}

static void sift_down(struct kv_cache *c, uint32_t at, struct kv_evictable e)
{
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child >= c->n_heap)
            break;
        child += child + 1 < c->n_heap && goes_before(&c->heap[child + 1], &c->heap[child]);
        if (!goes_before(&c->heap[child], &e))
            break;
        place(c, at, c->heap[child]);
        at = child;
    }
    place(c, at, e);
}

enum status kv_heap_reserve(struct kv_cache *c, struct diag *d)
{
    if (c->n_leaves < c->heap_capacity)
        return ST_OK;
    uint32_t capacity = c->heap_capacity ? 2 * c->heap_capacity : 64;
    struct kv_evictable *heap = realloc(c->heap, capacity * sizeof *heap);
    if (!heap)
        return diag_nomem(d, "prefix cache");
    c->heap = heap;
    c->heap_capacity = capacity;
    return ST_OK;
}

void kv_heap_add(struct kv_cache *c, uint32_t node)
{
    const struct kv_node *n = &c->store->node[node];
    struct kv_evictable e = {.node = node};
    c->eviction->rank(n->released, n->created, n->n_hits, e.rank);
    BUG_IF(c->n_heap == c->heap_capacity);
    sift_up(c, c->n_heap++, e);
}

void kv_heap_remove(struct kv_cache *c, uint32_t node)
{
    uint32_t at = c->store->node[node].heap_at;
    c->store->node[node].heap_at = NOT_IN_HEAP;
    struct kv_evictable last = c->heap[--c->n_heap];
    if (last.node == node)
        return;
    if (at > 0 && goes_before(&last, &c->heap[(at - 1) / 2]))
        sift_up(c, at, last);
    else
        sift_down(c, at, last);
}

void kv_heap_check(const struct kv_cache *c)
{
    BUG_IF(c->n_heap > c->n_leaves || c->n_leaves > c->heap_capacity);
    for (uint32_t i = 0; i < c->n_heap; i++) {
        const struct kv_evictable *e = &c->heap[i];
        const struct kv_node *n = &c->store->node[e->node];
        uint64_t rank[2];
        c->eviction->rank(n->released, n->created, n->n_hits, rank);
        BUG_IF(n->heap_at != i || n->cache != c->index || n->refs || n->n_children);
        BUG_IF(rank[0] != e->rank[0] || rank[1] != e->rank[1]);
        BUG_IF(i > 0 && goes_before(e, &c->heap[(i - 1) / 2]));
    }
}
