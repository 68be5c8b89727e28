/* KV blocks of one worker with their prefix cache.
 *
 * A block is unused, private (being filled, or reserved), or findable by the key of its content; a
 * findable block is referenced or inactive. One content may be in several blocks: the oldest is the
 * one that is found. Inactive blocks are evicted in the order in which they lost their last
 * reference. */
#ifndef DYNOSIM_BLOCKS_H
#define DYNOSIM_BLOCKS_H

#include <stdint.h>

#include "dynosim/key_map.h"
#include "util/status.h"

#define NO_BLOCK UINT32_MAX

struct kv_block {
    uint64_t key;          /* 0 = not findable */
    uint32_t n_refs;       /* requests that hold it */
    uint32_t newer, older; /* neighbours among the inactive; `newer` also links unused ones */
    uint32_t copy_next, copy_prev; /* ring of the blocks with this key, from the oldest on */
};

struct block_pool {
    struct kv_block *block;
    uint32_t n_blocks, n_unused, n_inactive;
    uint32_t unused;         /* head of the unused blocks */
    uint32_t oldest, newest; /* inactive blocks */
    struct key_map found;    /* key to its oldest block */
};

enum status block_pool_init(struct block_pool *pool, uint32_t n_blocks, struct diag *d);
void block_pool_release(struct block_pool *pool);

/* Referenced, private or reserved. */
static inline uint32_t block_pool_in_use(const struct block_pool *pool)
{
    return pool->n_blocks - pool->n_unused - pool->n_inactive;
}
/* Unused or can be evicted. */
static inline uint32_t block_pool_available(const struct block_pool *pool)
{
    return pool->n_unused + pool->n_inactive;
}

/* The oldest block of that content, or NO_BLOCK. */
static inline uint32_t block_pool_find(const struct block_pool *pool, uint64_t key)
{
    const uint32_t *found = key_map_find(&pool->found, key);
    return found ? *found : NO_BLOCK;
}
/* One more holder of a findable block. */
void block_pool_hold(struct block_pool *pool, uint32_t block);
/* A private block with one holder: an unused one, else the oldest inactive one. There must be one.
 */
uint32_t block_pool_take(struct block_pool *pool);
/* From now on the private block is found by its key. */
void block_pool_publish(struct block_pool *pool, uint32_t block, uint64_t key);
/* One holder less. Without holders a findable block becomes the newest inactive one, a private one
 * unused. */
void block_pool_drop(struct block_pool *pool, uint32_t block);

void block_pool_check(
    const struct block_pool *pool); /* BUG on a broken invariant; walks every block */

#endif
