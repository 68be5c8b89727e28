#include "dynosim/blocks.h"

#include <stdlib.h>

#include "util/bug.h"

enum status block_pool_init(struct block_pool *pool, uint32_t n_blocks, struct diag *d)
{
    *pool = (struct block_pool){
        .n_blocks = n_blocks, .n_unused = n_blocks, .oldest = NO_BLOCK, .newest = NO_BLOCK};
    pool->block = calloc(n_blocks, sizeof *pool->block);
    if (!pool->block)
        return diag_nomem(d, "KV blocks");
    for (uint32_t b = 0; b < n_blocks; b++)
        pool->block[b].newer = b + 1 < n_blocks ? b + 1 : NO_BLOCK;
    return key_map_reserve(&pool->found, n_blocks, d);
}

void block_pool_release(struct block_pool *pool)
{
    free(pool->block);
    key_map_release(&pool->found);
    *pool = (struct block_pool){0};
}

/* ---- inactive blocks, oldest to newest ---- */

static void inactive_append(struct block_pool *pool, uint32_t block)
{
    struct kv_block *b = &pool->block[block];
    b->newer = NO_BLOCK;
    b->older = pool->newest;
    if (pool->newest == NO_BLOCK)
        pool->oldest = block;
    else
        pool->block[pool->newest].newer = block;
    pool->newest = block;
    pool->n_inactive++;
}

static void inactive_remove(struct block_pool *pool, uint32_t block)
{
    const struct kv_block *b = &pool->block[block];
    if (b->older == NO_BLOCK)
        pool->oldest = b->newer;
    else
        pool->block[b->older].newer = b->newer;
    if (b->newer == NO_BLOCK)
        pool->newest = b->older;
    else
        pool->block[b->newer].older = b->older;
    pool->n_inactive--;
}

/* ---- blocks of one content ---- */

static void unpublish(struct block_pool *pool, uint32_t block)
{
    struct kv_block *b = &pool->block[block];
    uint32_t *found = key_map_find(&pool->found, b->key);
    BUG_IF(!found);
    if (b->copy_next == block) {
        key_map_remove(&pool->found, found);
    } else {
        pool->block[b->copy_prev].copy_next = b->copy_next;
        pool->block[b->copy_next].copy_prev = b->copy_prev;
        if (*found == block)
            *found = b->copy_next;
    }
    b->key = 0;
}

void block_pool_publish(struct block_pool *pool, uint32_t block, uint64_t key)
{
    struct kv_block *b = &pool->block[block];
    BUG_IF(b->key || b->n_refs != 1);
    b->key = key;
    uint32_t *found = key_map_find(&pool->found, key);
    if (!found) {
        *key_map_put(&pool->found, key) = block;
        b->copy_next = b->copy_prev = block;
        return;
    }
    struct kv_block *first = &pool->block[*found];
    b->copy_next = *found;
    b->copy_prev = first->copy_prev;
    pool->block[first->copy_prev].copy_next = block;
    first->copy_prev = block;
}

/* ---- holders ---- */

void block_pool_hold(struct block_pool *pool, uint32_t block)
{
    struct kv_block *b = &pool->block[block];
    BUG_IF(!b->key);
    if (b->n_refs++ == 0)
        inactive_remove(pool, block);
}

uint32_t block_pool_take(struct block_pool *pool)
{
    uint32_t block = pool->unused;
    if (block != NO_BLOCK) {
        pool->unused = pool->block[block].newer;
        pool->n_unused--;
    } else {
        block = pool->oldest;
        BUG_IF(block == NO_BLOCK);
        inactive_remove(pool, block);
        unpublish(pool, block);
    }
    pool->block[block].n_refs = 1;
    return block;
}

void block_pool_drop(struct block_pool *pool, uint32_t block)
{
    struct kv_block *b = &pool->block[block];
    BUG_IF(b->n_refs == 0);
    if (--b->n_refs)
        return;
    if (b->key) {
        inactive_append(pool, block);
        return;
    }
    b->newer = pool->unused;
    pool->unused = block;
    pool->n_unused++;
}

void block_pool_check(const struct block_pool *pool)
{
    uint32_t n_inactive = 0, n_unused = 0, n_findable = 0, n_first = 0;
    for (uint32_t b = pool->oldest; b != NO_BLOCK; b = pool->block[b].newer, n_inactive++)
        BUG_IF(pool->block[b].n_refs || !pool->block[b].key);
    for (uint32_t b = pool->unused; b != NO_BLOCK; b = pool->block[b].newer, n_unused++)
        BUG_IF(pool->block[b].n_refs || pool->block[b].key);
    BUG_IF(n_inactive != pool->n_inactive || n_unused != pool->n_unused);
    for (uint32_t b = 0; b < pool->n_blocks; b++) {
        const struct kv_block *block = &pool->block[b];
        if (!block->key)
            continue;
        n_findable++;
        uint32_t first = block_pool_find(pool, block->key);
        BUG_IF(first == NO_BLOCK || pool->block[block->copy_next].key != block->key ||
               pool->block[block->copy_next].copy_prev != b);
        n_first += first == b;
    }
    BUG_IF(n_first != pool->found.n || n_findable < n_inactive);
}
