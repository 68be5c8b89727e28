/* What the caches of a store hold between them, and who holds it. */
#include <stdlib.h>
#include <string.h>

#include "engines/kv/kv_cache_internal.h"
#include "util/bug.h"

enum { FIRST_SLOTS = 256 };

/* ---- slots ---- */

static void *grow_slots(void *old, size_t old_n, size_t n, size_t size)
{
    void *grown = pages_grow(old, old_n * size, n * size);
    if (grown)
        memset((char *)grown + old_n * size, 0, (n - old_n) * size);
    return grown;
}

static uint32_t hash(uint32_t parent, uint64_t key)
{
    uint64_t h = (key ^ (uint64_t)parent << 40) * 0x9E3779B97F4A7C15u;
    return (uint32_t)(h >> 32) ^ (uint32_t)(h >> 13);
}

static struct kv_table_entry *table_slot(const struct kv_store *s, uint32_t parent, uint64_t key)
{
    uint32_t h = hash(parent, key), mask = s->table_size - 1;
    for (uint32_t at = h & mask;; at = (at + 1) & mask) {
        struct kv_table_entry *e = &s->table[at];
        if (e->content == KV_NONE)
            return e;
        const struct kv_content *c = &s->content[e->content];
        if (e->hash == h && c->parent == parent && c->first_key == key)
            return e;
    }
}

static void table_insert(struct kv_store *s, uint32_t id)
{
    uint32_t parent = s->content[id].parent;
    uint64_t key = s->content[id].first_key;
    struct kv_table_entry *e = table_slot(s, parent, key);
    BUG_IF(e->content != KV_NONE);
    *e = (struct kv_table_entry){hash(parent, key), id};
}

static void table_remove(struct kv_store *s, uint32_t id)
{
    uint32_t mask = s->table_size - 1;
    uint32_t hole =
        (uint32_t)(table_slot(s, s->content[id].parent, s->content[id].first_key) - s->table);
    BUG_IF(s->table[hole].content != id);
    for (uint32_t at = (hole + 1) & mask; s->table[at].content != KV_NONE; at = (at + 1) & mask) {
        if (((at - s->table[at].hash) & mask) >=
            ((at - hole) & mask)) { /* it may move back into the hole */
            s->table[hole] = s->table[at];
            hole = at;
        }
    }
    s->table[hole].content = KV_NONE;
}

static enum status grow_contents(struct kv_store *s, struct diag *d)
{
    uint32_t old = s->content_capacity, capacity = old ? 2 * old : FIRST_SLOTS;
    struct kv_table_entry *table = pages_grow(NULL, 0, 2 * (size_t)capacity * sizeof *table);
    struct kv_content *content =
        table ? grow_slots(s->content, old, capacity, sizeof *content) : NULL;
    if (!content) {
        free(table);
        return diag_nomem(d, "prefix cache");
    }
    s->content = content;
    s->content_capacity = capacity;
    for (uint32_t i = capacity; i-- > (old ? old : KV_ROOT + 1);) {
        content[i].parent = s->free_content;
        s->free_content = i;
    }
    free(s->table);
    s->table = table;
    s->table_size = 2 * capacity;
    memset(table, 0xff, s->table_size * sizeof *table);
    for (uint32_t i = KV_ROOT + 1; i < old; i++)
        if (content[i].n_owners)
            table_insert(s, i);
    return ST_OK;
}

static enum status grow_nodes(struct kv_store *s, struct diag *d)
{
    uint32_t old = s->node_capacity, capacity = old ? 2 * old : FIRST_SLOTS;
    struct kv_node *node = grow_slots(s->node, old, capacity, sizeof *node);
    if (!node)
        return diag_nomem(d, "prefix cache");
    s->node = node;
    s->node_capacity = capacity;
    for (uint32_t i = capacity; i-- > (old ? old : KV_ROOT + 1);) {
        node[i].parent = s->free_node;
        s->free_node = i;
    }
    return ST_OK;
}

enum status kv_store_new(struct kv_store **store, struct diag *d)
{
    struct kv_store *s = calloc(1, sizeof *s);
    *store = s;
    if (!s)
        return diag_nomem(d, "prefix cache");
    s->free_content = s->free_node = KV_NONE;
    enum status status = grow_contents(s, d);
    if (!status)
        status = grow_nodes(s, d);
    if (status)
        return status;
    s->n_contents = 1;
    s->content[KV_ROOT].parent = KV_NONE;
    s->node[KV_ROOT] = (struct kv_node){.parent = KV_NONE, .content = KV_ROOT, .refs = 1};
    return ST_OK;
}

void kv_store_free(struct kv_store *s)
{
    if (!s)
        return;
    free(s->content);
    free(s->node);
    free(s->table);
    word_pool_release(&s->words);
    free(s);
}

enum status kv_node_take(struct kv_store *s, uint32_t *node, struct diag *d)
{
    if (s->free_node == KV_NONE) {
        enum status status = grow_nodes(s, d);
        if (status)
            return status;
    }
    *node = s->free_node;
    struct kv_node *n = &s->node[*node];
    s->free_node = n->parent;
    n->generation++;
    return ST_OK;
}

void kv_node_give(struct kv_store *s, uint32_t node)
{
    struct kv_node *n = &s->node[node];
    n->n_blocks = 0;
    n->generation++;
    n->parent = s->free_node;
    s->free_node = node;
}

/* A slot behind `parent` with room for n_keys keys and n_owners owners, of which it has none yet.
 */
static enum status content_take(struct kv_store *s, uint32_t parent, uint32_t n_keys,
                                uint32_t n_owners, uint32_t *content, struct diag *d)
{
    enum status status = ST_OK;
    if (s->free_content == KV_NONE)
        status = grow_contents(s, d);
    unsigned key_class = word_pool_class(n_keys), owner_class = word_pool_class(2 * n_owners);
    uint64_t key_at, owner_at = 0;
    if (!status)
        status = word_pool_take(&s->words, key_class, &key_at, d);
    if (!status && n_owners > 1)
        status = word_pool_take(&s->words, owner_class, &owner_at, d);
    if (status)
        return status;
    *content = s->free_content;
    struct kv_content *c = &s->content[*content];
    s->free_content = c->parent;
    s->n_contents++;
    *c = (struct kv_content){.parent = parent,
                             .key_at = key_at,
                             .key_class = (uint8_t)key_class,
                             .owner_at = owner_at,
                             .owner_class = (uint8_t)owner_class};
    s->content[parent].n_children++;
    return ST_OK;
}

static void content_give(struct kv_store *s, uint32_t content)
{
    struct kv_content *c = &s->content[content];
    BUG_IF(c->n_children);
    table_remove(s, content);
    word_pool_give(&s->words, c->key_class, c->key_at);
    s->content[c->parent].n_children--;
    s->n_contents--;
    c->parent = s->free_content;
    s->free_content = content;
}

/* ---- owners ---- */

/* The first owner whose cache is not before `cache`. */
static uint32_t lower_bound(const struct kv_owner *owner, uint32_t n, uint32_t cache)
{
    uint32_t first = 0;
    while (n > 0) {
        uint32_t half = n / 2;
        if (owner[first + half].cache < cache) {
            first += half + 1;
            n -= half + 1;
        } else {
            n = half;
        }
    }
    return first;
}

struct kv_owner *kv_content_find_owner(const struct kv_store *s, uint32_t content, uint32_t cache)
{
    uint32_t n = s->content[content].n_owners;
    struct kv_owner *owner = kv_content_owners(s, content);
    uint32_t at = cache < n ? cache : n - 1; /* its place when all hold it */
    if (owner[at].cache != cache)
        at = lower_bound(owner, n, cache);
    return at < n && owner[at].cache == cache ? &owner[at] : NULL;
}

enum status kv_content_own(struct kv_store *s, uint32_t content, struct kv_owner added,
                           struct diag *d)
{
    struct kv_content *c = &s->content[content];
    uint32_t n = c->n_owners;
    if (n == 0) {
        c->only = added;
        c->n_owners = 1;
        return ST_OK;
    }
    if (n == 1 || 2 * (n + 1) > 1u << c->owner_class) {
        unsigned class = word_pool_class(2 * (n + 1));
        uint64_t at;
        enum status status = word_pool_take(&s->words, class, &at, d);
        if (status)
            return status;
        memcpy(s->words.word + at, kv_content_owners(s, content), n * sizeof added);
        if (n > 1)
            word_pool_give(&s->words, c->owner_class, c->owner_at);
        c->owner_at = at;
        c->owner_class = (uint8_t) class;
    }
    c->n_owners = n + 1;
    struct kv_owner *owner = kv_content_owners(s, content);
    uint32_t at = lower_bound(owner, n, added.cache);
    BUG_IF(at < n && owner[at].cache == added.cache);
    memmove(&owner[at + 1], &owner[at], (n - at) * sizeof added);
    owner[at] = added;
    return ST_OK;
}

/* The list has become n_left long. */
static void owners_left(struct kv_store *s, uint32_t content, uint32_t n_left)
{
    struct kv_content *c = &s->content[content];
    if (c->n_owners > 1 && n_left <= 1) {
        c->only = *kv_content_owners(s, content);
        word_pool_give(&s->words, c->owner_class, c->owner_at);
    }
    c->n_owners = n_left;
}

void kv_content_disown(struct kv_store *s, uint32_t content, uint32_t cache)
{
    uint32_t n = s->content[content].n_owners;
    struct kv_owner *owner = kv_content_owners(s, content),
                    *gone = kv_content_owner(s, content, cache);
    memmove(gone, gone + 1, (size_t)(owner + n - gone - 1) * sizeof *gone);
    if (n == 1)
        content_give(s, content);
    owners_left(s, content, n - 1);
}

/* ---- contents ---- */

uint32_t kv_content_child(const struct kv_store *s, uint32_t parent, const struct kv_prompt *p,
                          uint32_t at)
{
    if (s->content[parent].n_children == 0)
        return KV_NONE;
    return table_slot(s, parent, p->key[at / p->blocks_per_key])->content;
}

uint32_t kv_content_common(const struct kv_store *s, uint32_t content, const struct kv_prompt *p,
                           uint32_t limit)
{
    const struct kv_content *c = &s->content[content];
    uint32_t blocks = limit - c->start < c->n_blocks ? limit - c->start : c->n_blocks;
    uint32_t first = c->start / p->blocks_per_key;
    uint32_t n_keys = (c->start + blocks - 1) / p->blocks_per_key - first + 1;
    const uint64_t *key = s->words.word + c->key_at, *wanted = p->key + first;
    for (uint32_t i = 0; i < n_keys; i++)
        if (key[i] != wanted[i])
            return (first + i) * p->blocks_per_key - c->start;
    return blocks;
}

/* Keys that blocks start .. upto - 1 of a chain span. */
static uint32_t keys_of(uint32_t blocks_per_key, uint32_t start, uint32_t upto)
{
    return (upto - 1) / blocks_per_key - start / blocks_per_key + 1;
}

enum status kv_content_new(struct kv_store *s, uint32_t parent, const struct kv_prompt *p,
                           uint32_t start, uint32_t upto, uint32_t *content, struct diag *d)
{
    BUG_IF(s->blocks_per_key && s->blocks_per_key != p->blocks_per_key);
    s->blocks_per_key = p->blocks_per_key;
    /* Room for the whole prompt: its later chunks extend the content. */
    enum status status =
        content_take(s, parent, keys_of(p->blocks_per_key, start, p->n_blocks), 1, content, d);
    if (status)
        return status;
    uint32_t n_keys = keys_of(p->blocks_per_key, start, upto);
    struct kv_content *c = &s->content[*content];
    const uint64_t *from = p->key + start / p->blocks_per_key;
    c->start = start;
    c->n_blocks = upto - start;
    c->first_key = *from;
    memcpy(s->words.word + c->key_at, from, n_keys * sizeof *from);
    table_insert(s, *content);
    return ST_OK;
}

enum status kv_content_extend(struct kv_store *s, uint32_t content, const struct kv_prompt *p,
                              uint32_t upto, struct diag *d)
{
    struct kv_content *c = &s->content[content];
    uint32_t first = c->start / p->blocks_per_key, last = (upto - 1) / p->blocks_per_key;
    uint32_t had =
        (c->start + c->n_blocks - 1) / p->blocks_per_key + 1; /* keys of the chain up to here */
    BUG_IF(c->n_children);
    if (last - first + 1 > 1u << c->key_class) {
        unsigned class = word_pool_class(last - first + 1);
        word_pool_give(&s->words, c->key_class, c->key_at);
        enum status status = word_pool_take(&s->words, class, &c->key_at, d);
        if (status)
            return status;
        c->key_class = (uint8_t) class;
        had = first;
    }
    memcpy(s->words.word + c->key_at + (had - first), p->key + had,
           (last + 1 - had) * sizeof *p->key);
    c->n_blocks = upto - c->start;
    return ST_OK;
}

/* Cut a node after its first n_blocks: the front is a new node, of content `front`. */
static enum status split_node(struct kv_store *s, uint32_t back, uint32_t front_content,
                              uint32_t n_blocks, uint32_t *front, struct diag *d)
{
    enum status status = kv_node_take(s, front, d);
    if (status)
        return status;
    struct kv_node *f = &s->node[*front], *b = &s->node[back];
    uint32_t generation = f->generation;
    *f = *b;
    f->generation = generation;
    f->content = front_content;
    f->n_blocks = n_blocks;
    f->n_tail = 0;
    f->n_children = 1;
    b->parent = *front;
    b->n_blocks -= n_blocks;
    return ST_OK;
}

/* Who holds what of a content that has been cut: `front` has room for all owners. */
static enum status split_owners(struct kv_store *s, uint32_t back, uint32_t front, struct diag *d)
{
    uint32_t n_owners = s->content[back].n_owners, n_blocks = s->content[front].n_blocks, kept = 0;
    s->content[front].n_owners = n_owners;
    struct kv_owner *behind = kv_content_owners(s, back), *before = kv_content_owners(s, front);
    for (uint32_t i = 0; i < n_owners; i++) {
        struct kv_owner owner = behind[i];
        before[i] = owner;
        if (owner.n_blocks <= n_blocks) {
            s->node[owner.node].content = front;
            continue;
        }
        enum status status = split_node(s, owner.node, front, n_blocks, &before[i].node, d);
        if (status)
            return status;
        before[i].n_blocks = n_blocks;
        owner.n_blocks -= n_blocks;
        behind[kept++] = owner;
    }
    owners_left(s, back, kept);
    return ST_OK;
}

static bool anyone_beyond(const struct kv_store *s, uint32_t content, uint32_t n_blocks)
{
    const struct kv_owner *owner = kv_content_owners(s, content);
    for (uint32_t i = 0; i < s->content[content].n_owners; i++)
        if (owner[i].n_blocks > n_blocks)
            return true;
    return false;
}

enum status kv_content_split(struct kv_store *s, uint32_t content, uint32_t n_blocks,
                             struct diag *d)
{
    if (!anyone_beyond(s, content, n_blocks)) {
        s->content[content].n_blocks = n_blocks;
        return ST_OK;
    }
    uint32_t per_key = s->blocks_per_key, start = s->content[content].start, cut = start + n_blocks,
             front;
    uint32_t n_keys = keys_of(per_key, start, cut);
    enum status status = content_take(s, s->content[content].parent, n_keys,
                                      s->content[content].n_owners, &front, d);
    if (status)
        return status;
    table_remove(s, content);
    struct kv_content *f = &s->content[front], *b = &s->content[content];
    uint64_t *front_key = s->words.word + f->key_at, *key = s->words.word + b->key_at;
    memcpy(front_key, key, n_keys * sizeof *key);
    uint32_t moved = cut / per_key - start / per_key;
    memmove(key, key + moved, keys_of(per_key, cut, start + b->n_blocks) * sizeof *key);
    f->start = start;
    f->n_blocks = n_blocks;
    f->first_key = *front_key;
    f->n_children = 1;
    s->content[f->parent].n_children--; /* two for one */
    b->parent = front;
    b->start = cut;
    b->n_blocks -= n_blocks;
    b->first_key = *key;
    table_insert(s, front);
    table_insert(s, content);
    return split_owners(s, content, front, d);
}

void kv_store_hits(const struct kv_store *s, const struct kv_prompt *p, uint32_t *hits)
{
    uint32_t at = 0, id = KV_ROOT;
    while (at < p->n_blocks) {
        uint32_t child = kv_content_child(s, id, p, at);
        if (child == KV_NONE)
            return;
        uint32_t n = kv_content_common(s, child, p, p->n_blocks),
                 n_owners = s->content[child].n_owners;
        const struct kv_owner *owner = kv_content_owners(s, child);
        for (uint32_t i = 0; i < n_owners; i++)
            hits[owner[i].cache] = at + (owner[i].n_blocks < n ? owner[i].n_blocks : n);
        if (n < s->content[child].n_blocks)
            return;
        at += n;
        id = child;
    }
}

void kv_content_check(const struct kv_store *s)
{
    uint32_t n_contents = 1, n_children = 0;
    for (uint32_t id = KV_ROOT; id < s->content_capacity; id++) {
        const struct kv_content *c = &s->content[id];
        if (id == KV_ROOT)
            n_children += c->n_children;
        if (id == KV_ROOT || c->n_owners == 0)
            continue;
        n_contents++;
        n_children += c->n_children;
        const struct kv_content *parent = &s->content[c->parent];
        BUG_IF(c->n_blocks == 0 || c->start != parent->start + parent->n_blocks);
        BUG_IF(table_slot(s, c->parent, c->first_key)->content != id ||
               c->first_key != s->words.word[c->key_at]);
        const struct kv_owner *owner = kv_content_owners(s, id);
        for (uint32_t i = 0; i < c->n_owners; i++) {
            const struct kv_node *n = &s->node[owner[i].node];
            BUG_IF(i > 0 && owner[i - 1].cache >= owner[i].cache);
            BUG_IF(n->content != id || n->cache != owner[i].cache ||
                   n->n_blocks != owner[i].n_blocks);
            BUG_IF(n->n_blocks == 0 || n->n_blocks > c->n_blocks);
            BUG_IF(s->node[n->parent].content != c->parent ||
                   s->node[n->parent].n_blocks != parent->n_blocks);
        }
    }
    BUG_IF(n_contents != s->n_contents || n_children != n_contents - 1);
}
