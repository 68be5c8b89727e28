#include "engines/kv/kv_cache.h"

#include <stdlib.h>

#include "engines/kv/kv_cache_internal.h"
#include "util/bug.h"

enum status kv_cache_new(struct kv_cache **cache, struct kv_store *store, uint32_t index,
                         const struct kv_eviction *eviction, struct diag *d)
{
    struct kv_cache *c = pages_grow(NULL, 0, sizeof *c);
    *cache = c;
    if (!c)
        return diag_nomem(d, "prefix cache");
    *c = (struct kv_cache){.store = store, .index = index, .eviction = eviction};
    return ST_OK;
}

void kv_cache_free(struct kv_cache *c)
{
    if (!c)
        return;
    free(c->queue); /* with the heap behind it */
    free(c);
}

void kv_cache_clear(struct kv_cache *c)
{
    BUG_IF(c->active);
    kv_cache_evict(c, c->inactive);
}

uint64_t kv_cache_active(const struct kv_cache *c)
{
    return c->active;
}

uint64_t kv_cache_inactive(const struct kv_cache *c)
{
    return c->inactive;
}

/* ---- nodes ---- */

static bool findable(const struct kv_node *n)
{
    return n->content != KV_NONE;
}

/* Its last reference, or the last node behind it, is gone. */
static void note_evictable(struct kv_cache *c, uint32_t id)
{
    const struct kv_node *n = &c->store->node[id];
    if (n->refs == 0 && n->n_children == 0)
        kv_evictable_add(c, id);
}

static bool has_others_behind(const struct kv_store *s, uint32_t parent)
{
    return parent == KV_ROOT || s->node[parent].n_children > 0;
}

/* A node behind `parent`; it holds n_blocks of the content (KV_NONE: blocks that cannot be found).
 */
static enum status node_new(struct kv_cache *c, uint32_t parent, uint32_t content,
                            uint32_t n_blocks, uint32_t *id, struct diag *d)
{
    struct kv_store *s = c->store;
    enum status status = kv_evictable_reserve(c, d);
    if (!status)
        status = kv_node_take(s, id, d);
    if (!status && content != KV_NONE)
        status = kv_content_own(s, content, (struct kv_owner){c->index, *id, n_blocks, 0}, d);
    if (status)
        return status;
    c->n_leaves += has_others_behind(s, parent);
    s->node[parent].n_children++;
    s->node[*id] = (struct kv_node){.parent = parent,
                                    .content = content,
                                    .n_blocks = n_blocks,
                                    .generation = s->node[*id].generation,
                                    .cache = c->index,
                                    .created = ++c->clock};
    return ST_OK;
}

/* The first of the evictable nodes. */
static void node_remove(struct kv_cache *c, uint32_t id)
{
    struct kv_store *s = c->store;
    uint32_t parent = s->node[id].parent;
    if (findable(&s->node[id]))
        kv_content_disown(s, s->node[id].content, c->index);
    kv_evictable_remove_first(c);
    kv_node_give(s, id);
    s->node[parent].n_children--;
    c->n_leaves -= has_others_behind(s, parent);
    note_evictable(c, parent);
}

/* What was left behind the node becomes a node of its own, since this one is no longer evictable.
 */
static enum status part_from_tail(struct kv_cache *c, uint32_t id, struct diag *d)
{
    struct kv_store *s = c->store;
    uint32_t tail;
    enum status status = node_new(c, id, KV_NONE, s->node[id].n_tail, &tail, d);
    if (status)
        return status;
    s->node[tail].released = s->node[id].released - 1;
    s->node[id].n_tail = 0;
    note_evictable(c, tail);
    return ST_OK;
}

static enum status reference(struct kv_cache *c, uint32_t id, struct diag *d)
{
    if (c->store->node[id].n_tail) {
        enum status status = part_from_tail(c, id, d);
        if (status)
            return status;
    }
    struct kv_node *n = &c->store->node[id];
    if (n->refs++ == 0) {
        c->inactive -= n->n_blocks;
        c->active += n->n_blocks;
    }
    return ST_OK;
}

/* What the cache holds of the content behind the hold's that begins with the prompt's next block,
 * cut so that it ends at block `limit` or before; *child is its content, or KV_NONE, and *node its
 * node, or KV_NONE. */
static enum status next_held(struct kv_cache *c, const struct kv_prompt *p,
                             const struct kv_hold *hold, uint32_t limit, uint32_t *child,
                             uint32_t *node, struct diag *d)
{
    struct kv_store *s = c->store;
    for (;;) {
        *node = KV_NONE;
        *child = kv_content_child(s, s->node[hold->node].content, p, hold->shared);
        const struct kv_owner *owner =
            *child == KV_NONE ? NULL : kv_content_owner(s, *child, c->index);
        if (!owner)
            return ST_OK;
        uint32_t upto = hold->shared + owner->n_blocks;
        uint32_t n = kv_content_common(s, *child, p, upto < limit ? upto : limit);
        if (n == owner->n_blocks) {
            *node = owner->node;
            return ST_OK;
        }
        enum status status = kv_content_split(s, *child, n, d);
        if (status)
            return status;
    }
}

/* ---- requests ---- */

uint32_t kv_cache_match(const struct kv_cache *c, const struct kv_prompt *p, uint32_t limit,
                        uint32_t *active)
{
    const struct kv_store *s = c->store;
    uint32_t at = 0, id = KV_ROOT;
    if (limit > p->n_blocks)
        limit = p->n_blocks;
    *active = 0;
    while (at < limit) {
        uint32_t child = kv_content_child(s, id, p, at);
        const struct kv_owner *owner =
            child == KV_NONE ? NULL : kv_content_owner(s, child, c->index);
        if (!owner)
            break;
        uint32_t upto = at + owner->n_blocks;
        uint32_t n = kv_content_common(s, child, p, upto < limit ? upto : limit);
        at += n;
        if (s->node[owner->node].refs)
            *active = at;
        if (n < s->content[child].n_blocks)
            break;
        id = child;
    }
    return at;
}

enum status kv_cache_acquire(struct kv_cache *c, const struct kv_prompt *p, uint32_t n_blocks,
                             struct kv_hold *hold, struct diag *d)
{
    BUG_IF(hold->node != KV_ROOT || hold->shared);
    while (hold->shared < n_blocks) {
        uint32_t content, node;
        enum status status = next_held(c, p, hold, n_blocks, &content, &node, d);
        if (status)
            return status;
        BUG_IF(node == KV_NONE);
        status = reference(c, node, d);
        if (status)
            return status;
        c->store->node[node].n_hits++;
        hold->node = node;
        hold->shared += c->store->node[node].n_blocks;
    }
    return ST_OK;
}

enum status kv_cache_reclaim_tail(struct kv_cache *c, struct kv_tail tail, struct kv_hold *hold,
                                  struct diag *d)
{
    if (tail.node == KV_ROOT)
        return ST_OK;
    const struct kv_node *n = &c->store->node[tail.node];
    if (n->n_blocks == 0 || n->generation != tail.generation || n->parent != hold->node)
        return ST_OK;
    enum status status = reference(c, tail.node, d);
    hold->node = tail.node;
    hold->shared += c->store->node[tail.node].n_blocks;
    return status;
}

/* The hold's node, of which it has all and nobody else anything, now holds the prompt's blocks up
 * to `upto`. */
static void lengthen(struct kv_cache *c, struct kv_hold *hold, uint32_t upto)
{
    struct kv_node *n = &c->store->node[hold->node];
    n->n_blocks += upto - hold->shared;
    c->active += upto - hold->shared;
    kv_content_owner(c->store, n->content, c->index)->n_blocks = n->n_blocks;
    hold->shared = upto;
}

/* The prompt goes on in the middle of the content that the hold's node is of. */
static enum status insert_within(struct kv_cache *c, const struct kv_prompt *p, uint32_t upto,
                                 bool alone, struct kv_hold *hold, struct diag *d)
{
    const struct kv_node *n = &c->store->node[hold->node];
    uint32_t common = kv_content_common(c->store, n->content, p, upto);
    if (!alone || common == n->n_blocks)
        return kv_content_split(c->store, n->content, n->n_blocks, d);
    lengthen(c, hold, hold->shared + common - n->n_blocks);
    return ST_OK;
}

/* Blocks that the cache does not hold yet: of `content`, behind the hold's, or of one to be made.
 */
static enum status insert_new(struct kv_cache *c, const struct kv_prompt *p, uint32_t upto,
                              bool alone, uint32_t content, struct kv_hold *hold, struct diag *d)
{
    struct kv_store *s = c->store;
    uint32_t held = s->node[hold->node].content, id;
    enum status status = ST_OK;
    if (content == KV_NONE && alone && s->content[held].n_children == 0) {
        status = kv_content_extend(s, held, p, upto, d);
        if (!status)
            lengthen(c, hold, upto);
        return status;
    }
    uint32_t n_blocks = upto - hold->shared;
    if (content == KV_NONE)
        status = kv_content_new(s, held, p, hold->shared, upto, &content, d);
    else
        n_blocks = kv_content_common(s, content, p, upto);
    if (!status)
        status = node_new(c, hold->node, content, n_blocks, &id, d);
    if (status)
        return status;
    struct kv_node *n = &s->node[id], *parent = &s->node[hold->node];
    n->refs = 1;
    if (alone) { /* only the contents of others keep it from being one node */
        n->created = parent->created;
        n->n_hits = parent->n_hits;
    }
    c->active += n_blocks;
    hold->node = id;
    hold->shared += n_blocks;
    return ST_OK;
}

enum status kv_cache_insert(struct kv_cache *c, const struct kv_prompt *p, uint32_t upto,
                            struct kv_hold *hold, struct diag *d)
{
    const struct kv_store *s = c->store;
    while (hold->shared < upto) {
        const struct kv_node *n = &s->node[hold->node];
        BUG_IF(!findable(n));
        bool alone = hold->node != KV_ROOT && n->refs == 1 && n->n_children == 0;
        enum status status;
        if (hold->node != KV_ROOT && n->n_blocks < s->content[n->content].n_blocks) {
            status = insert_within(c, p, upto, alone, hold, d);
        } else {
            uint32_t content, node;
            status = next_held(c, p, hold, upto, &content, &node, d);
            if (!status && node == KV_NONE) {
                status = insert_new(c, p, upto, alone, content, hold, d);
            } else if (!status) {
                status = reference(c, node, d);
                hold->node = node;
                hold->shared += s->node[node].n_blocks;
            }
        }
        if (status)
            return status;
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
    enum status status = node_new(c, hold->node, KV_NONE, n_blocks, &id, d);
    if (status)
        return status;
    struct kv_node *n = &c->store->node[id];
    n->released = ++c->clock;
    c->inactive += n_blocks;
    note_evictable(c, id);
    *tail = (struct kv_tail){id, n->generation};
    return ST_OK;
}

void kv_cache_release(struct kv_cache *c, struct kv_hold *hold)
{
    struct kv_node *node = c->store->node;
    for (uint32_t id = hold->node; id != KV_ROOT; id = node[id].parent) {
        struct kv_node *n = &node[id];
        BUG_IF(n->refs == 0);
        if (--n->refs == 0) {
            c->active -= n->n_blocks;
            c->inactive += n->n_blocks;
            n->released = ++c->clock;
            note_evictable(c, id);
        }
    }
    *hold = (struct kv_hold){0};
}

enum status kv_cache_retire(struct kv_cache *c, struct kv_hold *hold, uint32_t n_blocks,
                            struct diag *d)
{
    enum status status = ST_OK;
    struct kv_node *n = &c->store->node[hold->node];
    if (c->eviction->by_release && hold->node != KV_ROOT && n->refs == 1 && n->n_children == 0) {
        n->n_tail = n_blocks;
        c->clock++; /* its release */
        c->inactive += n_blocks;
    } else {
        struct kv_tail tail;
        status = kv_cache_leave_tail(c, hold, n_blocks, &tail, d);
    }
    kv_cache_release(c, hold);
    return status;
}

void kv_cache_evict(struct kv_cache *c, uint64_t n_blocks)
{
    BUG_IF(n_blocks > c->inactive);
    while (n_blocks > 0) {
        uint32_t id = kv_evictable_first(c);
        struct kv_node *n = &c->store->node[id];
        uint32_t *last = n->n_tail ? &n->n_tail : &n->n_blocks;
        uint32_t gone = n_blocks < *last ? (uint32_t)n_blocks : *last;
        n_blocks -= gone;
        c->inactive -= gone;
        if (n->n_tail) {
            n->n_tail -= gone;
            continue;
        }
        if (gone == n->n_blocks) {
            node_remove(c, id);
            continue;
        }
        n->n_blocks -= gone;
        if (findable(n))
            kv_content_owner(c->store, n->content, c->index)->n_blocks = n->n_blocks;
    }
}

void kv_cache_check(const struct kv_cache *c)
{
    const struct kv_store *s = c->store;
    uint32_t active = 0, inactive = 0;
    uint32_t n_evictable = 0, n_leaves = 0;
    for (uint32_t id = KV_ROOT + 1; id < s->node_capacity; id++) {
        const struct kv_node *n = &s->node[id];
        if (n->n_blocks == 0 || n->cache != c->index)
            continue;
        const struct kv_node *parent = &s->node[n->parent];
        BUG_IF(n->parent != KV_ROOT && (parent->n_blocks == 0 || parent->cache != c->index));
        BUG_IF(n->refs > parent->refs && n->parent != KV_ROOT);
        BUG_IF(findable(n) && kv_content_owner(s, n->content, c->index)->node != id);
        n_evictable += n->refs == 0 && n->n_children == 0;
        n_leaves += n->n_children == 0;
        *(n->refs ? &active : &inactive) += n->n_blocks;
        inactive += n->n_tail;
        BUG_IF(n->n_tail && (n->refs || n->n_children));
    }
    BUG_IF(active != c->active || inactive != c->inactive);
    BUG_IF(n_evictable != kv_evictable_check(c) || n_leaves != c->n_leaves);
    kv_content_check(s);
}
