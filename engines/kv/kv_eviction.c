/* Which inactive node of a cache goes first. */
#include <stdlib.h>
#include <string.h>

#include "engines/kv/kv_cache_internal.h"
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

static const struct kv_eviction eviction_lru = {"lru", "least recently released first", rank_lru,
                                                true};
static const struct kv_eviction eviction_lfu = {"lfu", "fewest hits first", rank_lfu, false};
static const struct kv_eviction eviction_fifo = {"fifo", "oldest first", rank_fifo, false};

const struct kv_eviction *const kv_evictions[] = {&eviction_lru, &eviction_lfu, &eviction_fifo,
                                                  NULL};

const struct kv_eviction *kv_eviction_find(const char *name)
{
    for (size_t i = 0; kv_evictions[i]; i++)
        if (strcmp(kv_evictions[i]->name, name) == 0)
            return kv_evictions[i];
    return NULL;
}

/* ---- evictable nodes ---- */

/* Most entries come in the order in which they go, when they are ranked by their release nearly
 * all: those wait in a queue, and only what belongs before the last of them goes through a heap.
 *
 * An entry stays when its node is referenced again or given a node behind: to take it out would
 * cost a walk over the places of others. It is stale from then on, since the next release gives the
 * node another `released`; stale entries go when they come up, or all at once when the room is used
 * up. */
static bool is_stale(const struct kv_cache *c, const struct kv_evictable *e)
{
    const struct kv_node *n = &c->store->node[e->node];
    return n->released != e->released || n->refs || n->n_children || n->cache != c->index ||
           n->n_blocks == 0;
}

/* No two evictable nodes of a cache are equal: only the parts of a split node share a release, and
 * the front has the back behind it. */
static bool goes_before(const struct kv_evictable *a, const struct kv_evictable *b)
{
    return ((uint128)a->rank << 64 | a->released) < ((uint128)b->rank << 64 | b->released);
}

static struct kv_evictable *queued(const struct kv_cache *c, uint32_t i)
{
    return &c->queue[(c->queue_first + i) & (c->capacity - 1)];
}

static struct kv_evictable *heap_of(const struct kv_cache *c)
{
    return c->queue + c->capacity;
}

static void sift_down(struct kv_cache *c, uint32_t hole, struct kv_evictable e)
{
    struct kv_evictable *heap = heap_of(c);
    for (;;) {
        uint32_t child = 2 * hole + 1;
        if (child >= c->n_heap)
            break;
        child += child + 1 < c->n_heap && goes_before(&heap[child + 1], &heap[child]);
        if (!goes_before(&heap[child], &e))
            break;
        heap[hole] = heap[child];
        hole = child;
    }
    heap[hole] = e;
}

static void drop_stale(struct kv_cache *c)
{
    struct kv_evictable *heap = heap_of(c);
    uint32_t n_queued = 0, n_heap = 0;
    for (uint32_t i = 0; i < c->n_queued; i++)
        if (!is_stale(c, queued(c, i)))
            *queued(c, n_queued++) = *queued(c, i);
    c->n_queued = n_queued;
    for (uint32_t i = 0; i < c->n_heap; i++)
        if (!is_stale(c, &heap[i]))
            heap[n_heap++] = heap[i];
    c->n_heap = n_heap;
    for (uint32_t i = n_heap / 2; i-- > 0;)
        sift_down(c, i, heap[i]);
}

enum status kv_evictable_reserve(struct kv_cache *c, struct diag *d)
{
    if (2 * c->n_leaves < c->capacity)
        return ST_OK;
    uint32_t capacity = c->capacity ? 2 * c->capacity : 64; /* a power of two */
    struct kv_evictable *both = malloc(2 * (size_t)capacity * sizeof *both);
    if (!both)
        return diag_nomem(d, "prefix cache");
    for (uint32_t i = 0; i < c->n_queued; i++)
        both[i] = *queued(c, i);
    for (uint32_t i = 0; i < c->n_heap; i++)
        both[capacity + i] = heap_of(c)[i];
    free(c->queue);
    c->queue = both;
    c->capacity = capacity;
    c->queue_first = 0;
    return ST_OK;
}

void kv_evictable_add(struct kv_cache *c, uint32_t node)
{
    const struct kv_node *n = &c->store->node[node];
    struct kv_evictable e = {c->eviction->rank(n->released, n->created, n->n_hits), n->released,
                             node};
    if (c->n_queued == c->capacity || c->n_heap == c->capacity)
        drop_stale(c); /* half of it or more */
    BUG_IF(c->n_queued == c->capacity || c->n_heap == c->capacity);
    if (c->n_queued == 0 || goes_before(queued(c, c->n_queued - 1), &e)) {
        *queued(c, c->n_queued++) = e;
        return;
    }
    struct kv_evictable *heap = heap_of(c);
    uint32_t hole = c->n_heap++;
    while (hole > 0 && goes_before(&e, &heap[(hole - 1) / 2])) {
        heap[hole] = heap[(hole - 1) / 2];
        hole = (hole - 1) / 2;
    }
    heap[hole] = e;
}

static bool heap_is_first(const struct kv_cache *c)
{
    return c->n_heap && (c->n_queued == 0 || goes_before(heap_of(c), queued(c, 0)));
}

uint32_t kv_evictable_first(struct kv_cache *c)
{
    for (;;) {
        BUG_IF(c->n_queued + c->n_heap == 0);
        const struct kv_evictable *e = heap_is_first(c) ? heap_of(c) : queued(c, 0);
        if (!is_stale(c, e))
            return e->node;
        kv_evictable_remove_first(c);
    }
}

void kv_evictable_remove_first(struct kv_cache *c)
{
    if (!heap_is_first(c)) {
        c->queue_first++;
        if (--c->n_queued)
            __builtin_prefetch(
                &c->store->node[queued(c, 0)->node]); /* the next to go, not looked at for long */
        return;
    }
    struct kv_evictable last = heap_of(c)[--c->n_heap];
    if (c->n_heap)
        sift_down(c, 0, last);
}

static bool check_entry(const struct kv_cache *c, const struct kv_evictable *e)
{
    const struct kv_node *n = &c->store->node[e->node];
    if (is_stale(c, e))
        return false;
    BUG_IF(e->rank != c->eviction->rank(n->released, n->created, n->n_hits));
    return true;
}

uint32_t kv_evictable_check(const struct kv_cache *c)
{
    const struct kv_evictable *heap = heap_of(c);
    uint32_t n_current = 0;
    BUG_IF(2 * c->n_leaves > c->capacity || c->n_heap > c->capacity || c->n_queued > c->capacity);
    for (uint32_t i = 0; i < c->n_queued; i++) {
        BUG_IF(i > 0 && !goes_before(queued(c, i - 1), queued(c, i)));
        n_current += check_entry(c, queued(c, i));
    }
    for (uint32_t i = 0; i < c->n_heap; i++) {
        BUG_IF(i > 0 && goes_before(&heap[i], &heap[(i - 1) / 2]));
        n_current += check_entry(c, &heap[i]);
    }
    return n_current;
}
