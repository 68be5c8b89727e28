#include <criterion/criterion.h>

#include "dynosim/blocks.h"
#include "util/pcg.h"

static struct block_pool new_pool(uint32_t n_blocks)
{
    struct block_pool pool;
    struct diag d;
    diag_init(&d);
    cr_assert_eq(block_pool_init(&pool, n_blocks, &d), ST_OK);
    return pool;
}

static uint32_t take_as(struct block_pool *pool, uint64_t key)
{
    uint32_t block = block_pool_take(pool);
    block_pool_publish(pool, block, key);
    return block;
}

Test(dynosim_blocks, the_oldest_copy_is_found_until_it_is_evicted)
{
    struct block_pool pool = new_pool(3);
    uint32_t first = take_as(&pool, 7), second = take_as(&pool, 7), third = take_as(&pool, 7);
    cr_expect_eq(block_pool_find(&pool, 7), first);
    block_pool_drop(&pool, second);
    block_pool_drop(&pool, first);
    block_pool_drop(&pool, third);
    block_pool_check(&pool);
    cr_expect_eq(block_pool_find(&pool, 7), first);
    cr_expect_eq(block_pool_in_use(&pool), 0);
    /* The second lost its holder first. */
    cr_expect_eq(block_pool_take(&pool), second);
    cr_expect_eq(block_pool_find(&pool, 7), first);
    cr_expect_eq(block_pool_take(&pool), first);
    cr_expect_eq(block_pool_find(&pool, 7), third);
    cr_expect_eq(block_pool_take(&pool), third);
    cr_expect_eq(block_pool_find(&pool, 7), NO_BLOCK);
    block_pool_check(&pool);
    block_pool_release(&pool);
}

Test(dynosim_blocks, private_blocks_go_back_to_the_unused)
{
    struct block_pool pool = new_pool(2);
    uint32_t cached = take_as(&pool, 1), private = block_pool_take(&pool);
    block_pool_drop(&pool, cached);
    block_pool_drop(&pool, private);
    cr_expect_eq(pool.n_unused, 1);
    cr_expect_eq(pool.n_inactive, 1);
    cr_expect_eq(block_pool_take(&pool), private, "unused before evicted");
    block_pool_hold(&pool, cached);
    block_pool_hold(&pool, cached);
    block_pool_drop(&pool, cached);
    cr_expect_eq(block_pool_in_use(&pool), 2);
    block_pool_drop(&pool, cached);
    cr_expect_eq(block_pool_in_use(&pool), 1);
    block_pool_check(&pool);
    block_pool_release(&pool);
}

/* Against plain arrays: few keys, so that probe sequences and copies collide. */
Test(dynosim_blocks, key_map_agrees_with_an_array)
{
    struct key_map map = {0};
    struct diag d;
    struct pcg64 rng;
    uint32_t value[512] = {0};
    bool present[512] = {false};
    diag_init(&d);
    pcg64_seed(&rng, 3, 4);
    for (int step = 0; step < 200000; step++) {
        uint64_t k = pcg64_below(&rng, 512), key = k % 64 * 1024 + k / 64 * 4096 * 1024 + 5;
        uint32_t *found = key_map_find(&map, key);
        cr_assert_eq(found != NULL, present[k]);
        if (found) {
            cr_assert_eq(*found, value[k]);
            key_map_remove(&map, found);
            present[k] = false;
        } else if (pcg64_below(&rng, 3)) {
            cr_assert_eq(key_map_reserve(&map, map.n + 1, &d), ST_OK);
            *key_map_put(&map, key) = value[k] = (uint32_t)step;
            present[k] = true;
        }
    }
    key_map_release(&map);
}
