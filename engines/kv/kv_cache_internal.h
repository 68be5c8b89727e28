/* A store of KV contents and the caches that hold them, shared by the files of this folder only.
 *
 * A content is a run of blocks some cache holds, stored once: it is split where prompts part, or
 * where a cache needs its front and its back apart. A node is what one cache holds of one content:
 * its leading blocks, all of them when another node is behind. So the nodes of a cache mirror the
 * contents, and a content that nobody holds is gone. */
#ifndef ENGINES_KV_KV_CACHE_INTERNAL_H
#define ENGINES_KV_KV_CACHE_INTERNAL_H

#include "engines/kv/kv_cache.h"
#include "util/pages.h"
#include "util/word_pool.h"

/* Of nodes and contents alike. */
enum { KV_ROOT = 0, KV_NONE = UINT32_MAX };

/* That a cache holds the first n_blocks of a content: its node. */
struct kv_owner {
    uint32_t cache, node, n_blocks, unused;
};

struct kv_content {
    uint32_t parent;          /* free ones are chained through it */
    uint32_t start, n_blocks; /* blocks start .. start + n_blocks - 1 of the chain */
    uint32_t n_children;
    uint64_t first_key;
    uint64_t
        key_at; /* in store->words: keys of those blocks, from key index start / blocks_per_key */
    uint64_t owner_at;    /* in store->words, when there are several: by ascending cache */
    struct kv_owner only; /* when there is one */
    uint32_t n_owners;    /* 0: a free slot */
    uint8_t key_class, owner_class; /* of the arrays in store->words */
};

/* As long as a cache line, as contents are: a run of many workers waits for memory most of the
 * time. */
struct kv_node {
    _Alignas(CACHE_LINE) uint32_t parent; /* free ones are chained through it */
    uint32_t n_children;
    uint32_t content;  /* KV_NONE: blocks that no prompt can find */
    uint32_t n_blocks; /* 0: a free slot */
    uint32_t n_tail;   /* blocks behind that no prompt can find, released just before it: evictable
                          with it, and first */
    uint32_t refs;
    uint32_t generation; /* of the slot */
    uint32_t cache;
    uint64_t created, released, n_hits;
};

/* With the hash at hand a look-up passes over the entries of others without a look at them. */
struct kv_table_entry {
    uint32_t hash, content; /* KV_NONE: empty */
};

struct kv_store {
    struct kv_content *content;
    uint32_t n_contents, content_capacity, free_content;
    struct kv_node *node;
    uint32_t node_capacity, free_node;
    struct kv_table_entry *table; /* open addressing: (parent, first key) -> content */
    uint32_t table_size;
    uint32_t blocks_per_key; /* of every prompt */
    struct word_pool words;
};

/* A node that was evictable (no reference, nothing behind it) when it was last released. */
struct kv_evictable {
    uint64_t rank, released;
    uint32_t node;
};

struct kv_cache {
    struct kv_store *store;
    const struct kv_eviction *eviction;
    uint32_t index;
    uint32_t n_leaves;          /* nodes with nothing behind: as many may be evictable at once */
    struct kv_evictable *queue; /* of kv_eviction.c, and behind it the heap; every evictable node is
                                   in one of them */
    uint32_t queue_first, n_queued, n_heap;
    uint32_t capacity;         /* of each */
    uint32_t active, inactive; /* blocks */
    uint64_t clock;
};

/* kv_content.c. Contents and owners may move with any call that returns a status. */
/* The content behind `parent` that begins with block `at` of the prompt, or KV_NONE. */
uint32_t kv_content_child(const struct kv_store *s, uint32_t parent, const struct kv_prompt *p,
                          uint32_t at);
/* Blocks of the content, from its first, that equal the prompt's, at most up to block `limit` of
 * the chain; >= 1 when the first key is equal. */
uint32_t kv_content_common(const struct kv_store *s, uint32_t content, const struct kv_prompt *p,
                           uint32_t limit);
/* Blocks start .. upto - 1 of the prompt behind `parent`. It must get an owner at once. */
enum status kv_content_new(struct kv_store *s, uint32_t parent, const struct kv_prompt *p,
                           uint32_t start, uint32_t upto, uint32_t *content, struct diag *d);
/* Make the content go on up to block `upto` of the prompt. Nothing may be behind it. */
enum status kv_content_extend(struct kv_store *s, uint32_t content, const struct kv_prompt *p,
                              uint32_t upto, struct diag *d);
/* Make the content end after its first n_blocks, of which somebody holds all. What its owners hold
 * beyond becomes nodes of another content behind; a hold of those stays one of the same blocks. */
enum status kv_content_split(struct kv_store *s, uint32_t content, uint32_t n_blocks,
                             struct diag *d);
/* By ascending cache. */
static inline struct kv_owner *kv_content_owners(const struct kv_store *s, uint32_t content)
{
    struct kv_content *c = &s->content[content];
    return c->n_owners > 1 ? (struct kv_owner *)(s->words.word + c->owner_at) : &c->only;
}
struct kv_owner *kv_content_find_owner(const struct kv_store *s, uint32_t content, uint32_t cache);
/* What the cache holds of it, or NULL. */
static inline struct kv_owner *kv_content_owner(const struct kv_store *s, uint32_t content,
                                                uint32_t cache)
{
    struct kv_content *c = &s->content[content];
    if (c->n_owners > 1)
        return kv_content_find_owner(s, content, cache);
    return c->only.cache == cache ? &c->only : NULL; /* most have one */
}
enum status kv_content_own(struct kv_store *s, uint32_t content, struct kv_owner owner,
                           struct diag *d);
void kv_content_disown(struct kv_store *s, uint32_t content, uint32_t cache);
void kv_content_check(const struct kv_store *s);

/* A slot for a node, its generation new. */
enum status kv_node_take(struct kv_store *s, uint32_t *node, struct diag *d);
void kv_node_give(struct kv_store *s, uint32_t node);

/* kv_eviction.c: the evictable nodes of a cache. */
enum status kv_evictable_reserve(struct kv_cache *c, struct diag *d); /* room for another leaf */
void kv_evictable_add(struct kv_cache *c, uint32_t node); /* which has become evictable */
uint32_t kv_evictable_first(struct kv_cache *c); /* that is to be evicted; there must be one */
void kv_evictable_remove_first(struct kv_cache *c);
uint32_t kv_evictable_check(const struct kv_cache *c); /* how many there are */

#endif
