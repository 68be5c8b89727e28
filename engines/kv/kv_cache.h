/* Which prompt prefixes a worker's KV holds: sharing, reference counts, eviction.
 *
 * A prompt is a chain of full KV blocks. Blocks that were computed together live and die together,
 * so the cache is a tree of runs: a node is a stretch of consecutive blocks of one chain, split
 * only where prompts part. A request references the path from the root to the last block it shares;
 * a node without a reference is inactive and may be evicted, last block first, never before the
 * nodes behind it. Counting blocks that no prompt can find (the output of one request, an
 * unfinished block) is the caller's, except where they stay behind as evictable:
 * kv_cache_leave_tail.
 *
 * Caches that may hold the same prompts share a store, which has every distinct run of keys once
 * and knows which caches hold how much of it. What a cache holds, and what it evicts when, does not
 * depend on the others.
 *
 * The cache is told nothing of time. Not thread-safe; one per worker, one store per pool. */
#ifndef ENGINES_KV_KV_CACHE_H
#define ENGINES_KV_KV_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "util/status.h"

/* The full blocks of one prompt, as keys: block i has key[i / blocks_per_key]. Equal keys from the
 * start mean equal content. */
struct kv_prompt {
    const uint64_t *key;
    uint32_t n_blocks;       /* findable full blocks; 0 = none */
    uint32_t blocks_per_key; /* > 0 */
};

/* What a request references: the first `shared` blocks of its prompt (and of its own output, after
 * a preemption). The zero value references nothing. */
struct kv_hold {
    uint32_t node; /* deepest node of the path; 0 = the root */
    uint32_t shared;
};

/* Blocks a preempted request left behind, to be found again by itself only. The zero value is
 * nothing. */
struct kv_tail {
    uint32_t node, generation;
};

/* Which inactive node goes first. One line in `kv_evictions` each. */
struct kv_eviction {
    const char *name;    /* what the user types */
    const char *summary; /* one line */
    /* Smallest goes first, then the least recently released. */
    uint64_t (*rank)(uint64_t released, uint64_t created, uint64_t n_hits);
    bool by_release; /* the rank is `released`: what is given back in turn goes in turn */
};
extern const struct kv_eviction *const kv_evictions[];        /* ended by NULL */
const struct kv_eviction *kv_eviction_find(const char *name); /* NULL when unknown */

struct kv_store; /* opaque */

enum status kv_store_new(struct kv_store **store, struct diag *d);
void kv_store_free(
    struct kv_store *store); /* NULL is allowed; its caches are good for kv_cache_free only */
/* hits[i] becomes the leading blocks of the prompt that cache i of the store holds, when there are
 * any; the others are left as they are. */
void kv_store_hits(const struct kv_store *store, const struct kv_prompt *prompt, uint32_t *hits);

struct kv_cache; /* opaque */

/* `index` names the cache within its store, which must outlive it. */
enum status kv_cache_new(struct kv_cache **cache, struct kv_store *store, uint32_t index,
                         const struct kv_eviction *eviction, struct diag *d);
void kv_cache_free(
    struct kv_cache *cache); /* NULL is allowed. Clear it first if the store goes on */
void kv_cache_clear(struct kv_cache *cache); /* drop everything; nothing may be referenced */

/* Blocks in nodes that are referenced, and in nodes that are not. */
uint64_t kv_cache_active(const struct kv_cache *cache);
uint64_t kv_cache_inactive(const struct kv_cache *cache);

/* Leading blocks of the prompt that are here, at most `limit`; *active says how many of them are
 * referenced. */
uint32_t kv_cache_match(const struct kv_cache *cache, const struct kv_prompt *prompt,
                        uint32_t limit, uint32_t *active);

/* Reference the first n_blocks, which kv_cache_match has found. `hold` must be zero. */
enum status kv_cache_acquire(struct kv_cache *cache, const struct kv_prompt *prompt,
                             uint32_t n_blocks, struct kv_hold *hold, struct diag *d);

/* Extend a hold on all of the request's findable prompt blocks by what it left behind; nothing when
 * evicted. */
enum status kv_cache_reclaim_tail(struct kv_cache *cache, struct kv_tail tail, struct kv_hold *hold,
                                  struct diag *d);

/* The request has computed its prompt up to block `upto`: blocks hold->shared .. upto - 1 can be
 * found from now on. Where another request has made the same blocks findable meanwhile, this one
 * uses those. The caller's count of private blocks shrinks by upto - hold->shared (as before the
 * call). */
enum status kv_cache_insert(struct kv_cache *cache, const struct kv_prompt *prompt, uint32_t upto,
                            struct kv_hold *hold, struct diag *d);

/* Before a release by a request that will be back: n_blocks behind the hold stay as inactive blocks
 * that no other prompt can find. */
enum status kv_cache_leave_tail(struct kv_cache *cache, const struct kv_hold *hold,
                                uint32_t n_blocks, struct kv_tail *tail, struct diag *d);

/* Give the references back; the hold becomes zero. */
void kv_cache_release(struct kv_cache *cache, struct kv_hold *hold);
/* The same for a request that will not come back: n_blocks behind the hold stay as inactive blocks
 * that nobody can find. */
enum status kv_cache_retire(struct kv_cache *cache, struct kv_hold *hold, uint32_t n_blocks,
                            struct diag *d);

/* Drop n_blocks inactive blocks, at most kv_cache_inactive. */
void kv_cache_evict(struct kv_cache *cache, uint64_t n_blocks);

/* BUG on a broken invariant (counts, references, order, look-up). Costs a walk over all nodes of
 * the store. */
void kv_cache_check(const struct kv_cache *cache);

#endif
