#include "engines/kv_cache.h"

#include <stdlib.h>
#include <string.h>

#include "util/bug.h"

enum { ROOT = 0, NO_NODE = UINT32_MAX, NOT_IN_HEAP = UINT32_MAX, FIRST_NODES = 256 };

struct node {
    uint32_t parent, n_children;
    uint32_t start, n_blocks; /* blocks start .. start + n_blocks - 1 of the chain */
    uint64_t *key;            /* of those blocks, from key index start / blocks_per_key; NULL = cannot be found */
    uint32_t key_capacity;
    uint32_t blocks_per_key;
    uint32_t refs;
    uint32_t generation; /* of the slot */
    uint32_t heap_at;    /* place among the evictable, or NOT_IN_HEAP */
    bool used;
    uint64_t created, released, n_hits;
};

struct kv_cache {
    const struct kv_eviction *eviction;
    struct node *node;
    uint32_t n_nodes, capacity, free_head; /* free slots are chained through `parent` */
    uint32_t *table; /* open addressing: (parent, first key) -> node */
    uint32_t table_size, n_in_table;
    uint32_t *heap; /* evictable nodes: no reference, nothing behind them */
    uint32_t n_heap;
    uint64_t active, inactive, clock;
};

/* ---- eviction policies ---- */

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

/* ---- evictable nodes, a binary heap ---- */

static bool goes_before(const struct kv_cache *c, uint32_t a, uint32_t b)
{
    const struct node *x = &c->node[a], *y = &c->node[b];
    uint64_t p[2], q[2];
    c->eviction->rank(x->released, x->created, x->n_hits, p);
    c->eviction->rank(y->released, y->created, y->n_hits, q);
    if (p[0] != q[0])
        return p[0] < q[0];
    return p[1] != q[1] ? p[1] < q[1] : a < b;
}

static void heap_place(struct kv_cache *c, uint32_t at, uint32_t id)
{
    c->heap[at] = id;
    c->node[id].heap_at = at;
}

static void heap_up(struct kv_cache *c, uint32_t at, uint32_t id)
{
    while (at > 0 && goes_before(c, id, c->heap[(at - 1) / 2])) {
        heap_place(c, at, c->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    heap_place(c, at, id);
}

static void heap_down(struct kv_cache *c, uint32_t at, uint32_t id)
{
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child >= c->n_heap)
            break;
        if (child + 1 < c->n_heap && goes_before(c, c->heap[child + 1], c->heap[child]))
            child++;
        if (!goes_before(c, c->heap[child], id))
            break;
        heap_place(c, at, c->heap[child]);
        at = child;
    }
    heap_place(c, at, id);
}

static void heap_add(struct kv_cache *c, uint32_t id)
{
    heap_up(c, c->n_heap++, id);
}

static void heap_remove(struct kv_cache *c, uint32_t id)
{
    uint32_t at = c->node[id].heap_at;
    c->node[id].heap_at = NOT_IN_HEAP;
    uint32_t last = c->heap[--c->n_heap];
    if (last == id)
        return;
    if (at > 0 && goes_before(c, last, c->heap[(at - 1) / 2]))
        heap_up(c, at, last);
    else
        heap_down(c, at, last);
}

/* Evictable or not, as it now is. */
static void update_heap(struct kv_cache *c, uint32_t id)
{
    const struct node *n = &c->node[id];
    bool evictable = id != ROOT && n->refs == 0 && n->n_children == 0;
    if (evictable && n->heap_at == NOT_IN_HEAP)
        heap_add(c, id);
    else if (!evictable && n->heap_at != NOT_IN_HEAP)
        heap_remove(c, id);
}

/* ---- look-up of a child by its first key ---- */

static uint32_t hash(uint32_t parent, uint64_t key)
{
    uint64_t h = (key ^ (uint64_t)parent << 40) * 0x9E3779B97F4A7C15u;
    return (uint32_t)(h >> 32) ^ (uint32_t)(h >> 13);
}

static uint32_t *table_slot(const struct kv_cache *c, uint32_t parent, uint64_t key)
{
    uint32_t at = hash(parent, key) & (c->table_size - 1);
    for (;; at = (at + 1) & (c->table_size - 1)) {
        uint32_t id = c->table[at];
        if (id == NO_NODE || (c->node[id].parent == parent && c->node[id].key[0] == key))
            return &c->table[at];
    }
}

static void table_insert(struct kv_cache *c, uint32_t id)
{
    uint32_t *slot = table_slot(c, c->node[id].parent, c->node[id].key[0]);
    BUG_IF(*slot != NO_NODE);
    *slot = id;
    c->n_in_table++;
}

static void table_remove(struct kv_cache *c, uint32_t id)
{
    uint32_t mask = c->table_size - 1;
    uint32_t hole = (uint32_t)(table_slot(c, c->node[id].parent, c->node[id].key[0]) - c->table);
    BUG_IF(c->table[hole] != id);
    c->n_in_table--;
    for (uint32_t at = (hole + 1) & mask; c->table[at] != NO_NODE; at = (at + 1) & mask) {
        const struct node *n = &c->node[c->table[at]];
        uint32_t home = hash(n->parent, n->key[0]) & mask;
        if (((at - home) & mask) >= ((at - hole) & mask)) { /* it may move back into the hole */
            c->table[hole] = c->table[at];
            hole = at;
        }
    }
    c->table[hole] = NO_NODE;
}

/* ---- nodes ---- */

static enum status grow(struct kv_cache *c, struct diag *d)
{
    uint32_t capacity = c->capacity ? 2 * c->capacity : FIRST_NODES;
    struct node *node = realloc(c->node, capacity * sizeof *node);
    if (node)
        c->node = node;
    uint32_t *heap = realloc(c->heap, capacity * sizeof *heap);
    if (heap)
        c->heap = heap;
    uint32_t *table = malloc(2 * (size_t)capacity * sizeof *table);
    if (!node || !heap || !table) {
        free(table);
        return diag_nomem(d, "prefix cache");
    }
    memset(&c->node[c->capacity], 0, (capacity - c->capacity) * sizeof *node);
    for (uint32_t i = capacity; i-- > c->capacity;) {
        c->node[i].parent = c->free_head;
        c->free_head = i;
    }
    uint32_t *old = c->table;
    uint32_t old_size = c->table_size;
    memset(table, 0xff, 2 * (size_t)capacity * sizeof *table);
    c->table = table;
    c->table_size = 2 * capacity;
    c->capacity = capacity;
    c->n_in_table = 0;
    for (uint32_t i = 0; i < old_size; i++)
        if (old[i] != NO_NODE)
            table_insert(c, old[i]);
    free(old);
    return ST_OK;
}

/* A node behind `parent` with room for n_keys keys (0: it cannot be found). Its memory is kept with the slot. */
static enum status node_new(struct kv_cache *c, uint32_t parent, uint32_t start, uint32_t n_blocks,
                            uint32_t n_keys, uint32_t *id, struct diag *d)
{
    if (c->free_head == NO_NODE) {
        enum status s = grow(c, d);
        if (s)
            return s;
    }
    *id = c->free_head;
    struct node *n = &c->node[*id];
    if (n_keys > n->key_capacity) {
        uint32_t capacity = n_keys < 16 ? 16 : n_keys;
        uint64_t *key = realloc(n->key, capacity * sizeof *key);
        if (!key)
            return diag_nomem(d, "prefix cache");
        n->key = key;
        n->key_capacity = capacity;
    }
    c->free_head = n->parent;
    c->n_nodes++;
    c->node[parent].n_children++;
    *n = (struct node){.parent = parent,
                       .start = start,
                       .n_blocks = n_blocks,
                       .key = n->key,
                       .key_capacity = n->key_capacity,
                       .blocks_per_key = 0,
                       .generation = n->generation + 1,
                       .heap_at = NOT_IN_HEAP,
                       .used = true,
                       .created = ++c->clock};
    return ST_OK;
}

static bool findable(const struct node *n)
{
    return n->blocks_per_key != 0;
}

static void node_remove(struct kv_cache *c, uint32_t id)
{
    struct node *n = &c->node[id];
    if (findable(n))
        table_remove(c, id);
    if (n->heap_at != NOT_IN_HEAP)
        heap_remove(c, id);
    uint32_t parent = n->parent;
    n->used = false;
    n->generation++;
    n->parent = c->free_head;
    c->free_head = id;
    c->n_nodes--;
    c->node[parent].n_children--;
    update_heap(c, parent);
}

enum status kv_cache_new(struct kv_cache **cache, const struct kv_eviction *eviction, struct diag *d)
{
    struct kv_cache *c = calloc(1, sizeof *c);
    *cache = c;
    if (!c)
        return diag_nomem(d, "prefix cache");
    c->eviction = eviction;
    c->free_head = NO_NODE;
    enum status s = grow(c, d);
    if (s)
        return s;
    kv_cache_clear(c);
    return ST_OK;
}

void kv_cache_free(struct kv_cache *c)
{
    if (!c)
        return;
    for (uint32_t i = 0; i < c->capacity; i++)
        free(c->node[i].key);
    free(c->node);
    free(c->table);
    free(c->heap);
    free(c);
}

void kv_cache_clear(struct kv_cache *c)
{
    memset(c->table, 0xff, c->table_size * sizeof *c->table);
    c->n_in_table = c->n_heap = 0;
    c->active = c->inactive = 0;
    c->free_head = NO_NODE;
    for (uint32_t i = c->capacity; i-- > ROOT + 1;) {
        c->node[i].used = false;
        c->node[i].generation++;
        c->node[i].parent = c->free_head;
        c->free_head = i;
    }
    c->n_nodes = 1;
    c->node[ROOT] = (struct node){.parent = NO_NODE,
                                  .key = c->node[ROOT].key,
                                  .key_capacity = c->node[ROOT].key_capacity,
                                  .heap_at = NOT_IN_HEAP,
                                  .used = true,
                                  .refs = 1};
}

uint64_t kv_cache_active(const struct kv_cache *c)
{
    return c->active;
}

uint64_t kv_cache_inactive(const struct kv_cache *c)
{
    return c->inactive;
}

/* Child of `parent` that holds block `at` of the prompt, or NO_NODE. */
static uint32_t find_child(const struct kv_cache *c, uint32_t parent, const struct kv_prompt *p, uint32_t at)
{
    if (c->node[parent].n_children == 0)
        return NO_NODE;
    return *table_slot(c, parent, p->key[at / p->blocks_per_key]);
}

/* Blocks from the node's first that equal the prompt's, at most up to block `limit` of the chain; >= 1 when the first
 * key is equal. */
static uint32_t common_blocks(const struct node *n, const struct kv_prompt *p, uint32_t limit)
{
    uint32_t blocks = limit - n->start < n->n_blocks ? limit - n->start : n->n_blocks;
    uint32_t first = n->start / p->blocks_per_key;
    uint32_t last = (n->start + blocks - 1) / p->blocks_per_key;
    for (uint32_t i = first; i <= last; i++)
        if (n->key[i - first] != p->key[i])
            return i * p->blocks_per_key - n->start;
    return blocks;
}

uint32_t kv_cache_match(const struct kv_cache *c, const struct kv_prompt *p, uint32_t limit, uint32_t *active)
{
    uint32_t at = 0, id = ROOT;
    if (limit > p->n_blocks)
        limit = p->n_blocks;
    *active = 0;
    while (at < limit) {
        uint32_t child = find_child(c, id, p, at);
        if (child == NO_NODE)
            break;
        uint32_t n = common_blocks(&c->node[child], p, limit);
        at += n;
        if (c->node[child].refs)
            *active = at;
        if (n < c->node[child].n_blocks)
            break;
        id = child;
    }
    return at;
}

/* Cut the node after its first n_blocks. The front part becomes a node of its own, so that whoever references the
 * node still references the same blocks. Returns the front in *front. */
static enum status split(struct kv_cache *c, uint32_t id, uint32_t n_blocks, uint32_t *front, struct diag *d)
{
    uint32_t per_key = c->node[id].blocks_per_key, start = c->node[id].start;
    uint32_t first = start / per_key;
    uint32_t n_keys = (start + n_blocks - 1) / per_key - first + 1;
    enum status s = node_new(c, c->node[id].parent, start, n_blocks, n_keys, front, d);
    if (s)
        return s;
    table_remove(c, id);
    struct node *f = &c->node[*front], *n = &c->node[id];
    memcpy(f->key, n->key, n_keys * sizeof *f->key);
    f->blocks_per_key = per_key;
    f->refs = n->refs;
    f->released = n->released;
    f->created = n->created;
    f->n_hits = n->n_hits;
    f->n_children = 1;
    c->node[f->parent].n_children--; /* two for one */
    uint32_t moved = (start + n_blocks) / per_key - first;
    uint32_t n_old = (start + n->n_blocks - 1) / per_key - first + 1;
    memmove(n->key, n->key + moved, (n_old - moved) * sizeof *n->key);
    n->parent = *front;
    n->start = start + n_blocks;
    n->n_blocks -= n_blocks;
    table_insert(c, *front);
    table_insert(c, id);
    return ST_OK;
}

static void reference(struct kv_cache *c, uint32_t id)
{
    struct node *n = &c->node[id];
    if (n->refs++ == 0) {
        c->inactive -= n->n_blocks;
        c->active += n->n_blocks;
        update_heap(c, id);
    }
}

/* The child of `parent` at block `at`, cut so that it ends at block `limit` or before. NO_NODE when there is none. */
static enum status child_upto(struct kv_cache *c, uint32_t parent, const struct kv_prompt *p, uint32_t at,
                              uint32_t limit, uint32_t *child, struct diag *d)
{
    *child = find_child(c, parent, p, at);
    if (*child == NO_NODE)
        return ST_OK;
    uint32_t n = common_blocks(&c->node[*child], p, limit);
    return n < c->node[*child].n_blocks ? split(c, *child, n, child, d) : ST_OK;
}

enum status kv_cache_acquire(struct kv_cache *c, const struct kv_prompt *p, uint32_t n_blocks,
                             struct kv_hold *hold, struct diag *d)
{
    BUG_IF(hold->node != ROOT || hold->shared);
    while (hold->shared < n_blocks) {
        uint32_t child;
        enum status s = child_upto(c, hold->node, p, hold->shared, n_blocks, &child, d);
        if (s)
            return s;
        BUG_IF(child == NO_NODE);
        reference(c, child);
        c->node[child].n_hits++;
        hold->node = child;
        hold->shared += c->node[child].n_blocks;
    }
    return ST_OK;
}

void kv_cache_reclaim_tail(struct kv_cache *c, struct kv_tail tail, struct kv_hold *hold)
{
    if (tail.node == ROOT)
        return;
    const struct node *n = &c->node[tail.node];
    if (!n->used || n->generation != tail.generation || n->parent != hold->node)
        return;
    reference(c, tail.node);
    hold->node = tail.node;
    hold->shared += n->n_blocks;
}

/* Blocks hold->shared .. upto - 1 join the hold's node, when nobody else has it and nothing is behind it. */
static bool extend(struct kv_cache *c, const struct kv_prompt *p, uint32_t upto, struct kv_hold *hold)
{
    struct node *n = &c->node[hold->node];
    if (hold->node == ROOT || n->refs != 1 || n->n_children || !findable(n))
        return false;
    uint32_t first = n->start / p->blocks_per_key, last = (upto - 1) / p->blocks_per_key;
    if (last - first + 1 > n->key_capacity)
        return false;
    memcpy(n->key, p->key + first, (last - first + 1) * sizeof *n->key);
    c->active += upto - hold->shared;
    n->n_blocks += upto - hold->shared;
    hold->shared = upto;
    return true;
}

enum status kv_cache_insert(struct kv_cache *c, const struct kv_prompt *p, uint32_t upto,
                            struct kv_hold *hold, struct diag *d)
{
    while (hold->shared < upto) {
        uint32_t child;
        enum status s = child_upto(c, hold->node, p, hold->shared, upto, &child, d);
        if (s)
            return s;
        if (child != NO_NODE) {
            reference(c, child);
            hold->node = child;
            hold->shared += c->node[child].n_blocks;
            continue;
        }
        if (extend(c, p, upto, hold))
            break;
        /* Room for the whole prompt: its later chunks extend the node. */
        uint32_t first = hold->shared / p->blocks_per_key;
        uint32_t n_keys = (p->n_blocks - 1) / p->blocks_per_key - first + 1;
        s = node_new(c, hold->node, hold->shared, upto - hold->shared, n_keys, &child, d);
        if (s)
            return s;
        update_heap(c, hold->node);
        struct node *n = &c->node[child];
        memcpy(n->key, p->key + first, ((upto - 1) / p->blocks_per_key - first + 1) * sizeof *n->key);
        n->blocks_per_key = p->blocks_per_key;
        n->refs = 1;
        c->active += n->n_blocks;
        table_insert(c, child);
        hold->node = child;
        hold->shared = upto;
    }
    return ST_OK;
}

enum status kv_cache_leave_tail(struct kv_cache *c, const struct kv_hold *hold, uint32_t n_blocks,
                                struct kv_tail *tail, struct diag *d)
{
    *tail = (struct kv_tail){0};
    if (n_blocks == 0)
        return ST_OK;
    uint32_t id;
    enum status s = node_new(c, hold->node, hold->shared, n_blocks, 0, &id, d);
    if (s)
        return s;
    struct node *n = &c->node[id];
    n->released = ++c->clock;
    c->inactive += n_blocks;
    update_heap(c, id);
    *tail = (struct kv_tail){id, n->generation};
    return ST_OK;
}

void kv_cache_release(struct kv_cache *c, struct kv_hold *hold)
{
    for (uint32_t id = hold->node; id != ROOT; id = c->node[id].parent) {
        struct node *n = &c->node[id];
        BUG_IF(n->refs == 0);
        if (--n->refs == 0) {
            c->active -= n->n_blocks;
            c->inactive += n->n_blocks;
            n->released = ++c->clock;
            update_heap(c, id);
        }
    }
    *hold = (struct kv_hold){0};
}

void kv_cache_evict(struct kv_cache *c, uint64_t n_blocks)
{
    BUG_IF(n_blocks > c->inactive);
    while (n_blocks > 0) {
        uint32_t id = c->heap[0];
        struct node *n = &c->node[id];
        uint32_t gone = n_blocks < n->n_blocks ? (uint32_t)n_blocks : n->n_blocks;
        n->n_blocks -= gone;
        n_blocks -= gone;
        c->inactive -= gone;
        if (n->n_blocks == 0)
            node_remove(c, id);
    }
}

void kv_cache_check(const struct kv_cache *c)
{
    uint64_t active = 0, inactive = 0;
    uint32_t n_nodes = 0, n_heap = 0, n_findable = 0;
    for (uint32_t id = 0; id < c->capacity; id++) {
        const struct node *n = &c->node[id];
        if (!n->used)
            continue;
        n_nodes++;
        if (id == ROOT)
            continue;
        const struct node *parent = &c->node[n->parent];
        BUG_IF(!parent->used || n->n_blocks == 0);
        BUG_IF(n->start != parent->start + parent->n_blocks);
        BUG_IF(n->refs > parent->refs && n->parent != ROOT);
        if (n->refs)
            active += n->n_blocks;
        else
            inactive += n->n_blocks;
        BUG_IF((n->refs == 0 && n->n_children == 0) != (n->heap_at != NOT_IN_HEAP));
        if (n->heap_at != NOT_IN_HEAP) {
            n_heap++;
            BUG_IF(c->heap[n->heap_at] != id);
            BUG_IF(n->heap_at > 0 && goes_before(c, id, c->heap[(n->heap_at - 1) / 2]));
        }
        if (findable(n)) {
            n_findable++;
            BUG_IF(*table_slot(c, n->parent, n->key[0]) != id);
        }
    }
    BUG_IF(active != c->active || inactive != c->inactive);
    BUG_IF(n_nodes != c->n_nodes || n_heap != c->n_heap || n_findable != c->n_in_table);
}
