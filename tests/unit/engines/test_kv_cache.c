/* The tree of runs against a model that knows every block by itself. */
#include "engines/kv_cache.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "util/pcg.h"

static struct diag d;

static struct kv_store *store;

static struct kv_cache *new_cache(const char *eviction)
{
    struct kv_cache *c;
    cr_assert_eq(kv_store_new(&store, &d), ST_OK);
    cr_assert_eq(kv_cache_new(&c, store, 0, kv_eviction_find(eviction), &d), ST_OK);
    return c;
}

static void free_cache(struct kv_cache *c)
{
    kv_cache_free(c);
    kv_store_free(store);
}

static uint32_t match(const struct kv_cache *c, const uint64_t *key, uint32_t n)
{
    struct kv_prompt p = {key, n, 1};
    uint32_t active;
    return kv_cache_match(c, &p, n, &active);
}

static struct kv_hold compute(struct kv_cache *c, const uint64_t *key, uint32_t n)
{
    struct kv_prompt p = {key, n, 1};
    struct kv_hold hold = {0};
    uint32_t active, hits = kv_cache_match(c, &p, n, &active);
    cr_assert_eq(kv_cache_acquire(c, &p, hits, &hold, &d), ST_OK);
    cr_assert_eq(hold.shared, hits);
    cr_assert_eq(kv_cache_insert(c, &p, n, &hold, &d), ST_OK);
    cr_assert_eq(hold.shared, n);
    kv_cache_check(c);
    return hold;
}

Test(kv_cache, equal_prefixes_share_blocks_and_split_where_they_part)
{
    struct kv_cache *c = new_cache("lru");
    uint64_t a[] = {1, 2, 3, 4, 5}, b[] = {1, 2, 3, 9}, other[] = {7};
    struct kv_hold x = compute(c, a, 5);
    cr_assert_eq(kv_cache_active(c), 5);
    cr_assert_eq(match(c, b, 4), 3);
    struct kv_hold y = compute(c, b, 4);
    cr_assert_eq(kv_cache_active(c), 6);
    cr_assert_eq(match(c, other, 1), 0);
    kv_cache_release(c, &x);
    kv_cache_check(c);
    cr_assert_eq(kv_cache_active(c), 4);
    cr_assert_eq(kv_cache_inactive(c), 2);
    kv_cache_release(c, &y);
    cr_assert_eq(kv_cache_active(c), 0);
    cr_assert_eq(match(c, a, 5), 5);
    free_cache(c);
}

Test(kv_cache, the_least_recently_released_goes_first_and_from_its_end)
{
    struct kv_cache *c = new_cache("lru");
    uint64_t a[] = {1, 2, 3}, b[] = {1, 8, 9};
    struct kv_hold x = compute(c, a, 3), y = compute(c, b, 3);
    kv_cache_release(c, &y);
    kv_cache_release(c, &x);
    kv_cache_evict(c, 1);
    kv_cache_check(c);
    cr_assert_eq(match(c, b, 3), 2);
    cr_assert_eq(match(c, a, 3), 3);
    kv_cache_evict(c, 2);
    cr_assert_eq(match(c, b, 3), 1);
    cr_assert_eq(match(c, a, 3), 2);
    kv_cache_evict(c, 2);
    cr_assert_eq(match(c, a, 3), 0);
    kv_cache_check(c);
    free_cache(c);
}

Test(kv_cache, policies_differ_in_who_goes_first)
{
    static const struct {
        const char *eviction;
        uint32_t left_of_old, left_of_popular;
    } cases[] = {{"lru", 0, 1}, {"fifo", 1, 0}, {"lfu", 0, 1}};
    for (int i = 0; i < 3; i++) {
        struct kv_cache *c = new_cache(cases[i].eviction);
        uint64_t popular[] = {1}, old[] = {2};
        struct kv_hold x = compute(c, popular, 1), y = compute(c, old, 1);
        kv_cache_release(c, &x);
        kv_cache_release(c, &y);
        x = compute(c, popular, 1);
        kv_cache_release(c, &x);
        kv_cache_evict(c, 1);
        cr_assert_eq(match(c, old, 1), cases[i].left_of_old, "%s", cases[i].eviction);
        cr_assert_eq(match(c, popular, 1), cases[i].left_of_popular, "%s", cases[i].eviction);
        free_cache(c);
    }
}

Test(kv_cache, a_tail_is_found_again_by_its_owner_unless_evicted)
{
    struct kv_cache *c = new_cache("lru");
    uint64_t a[] = {1, 2};
    struct kv_hold x = compute(c, a, 2);
    struct kv_tail tail;
    cr_assert_eq(kv_cache_leave_tail(c, &x, 3, &tail, &d), ST_OK);
    kv_cache_release(c, &x);
    kv_cache_check(c);
    cr_assert_eq(kv_cache_inactive(c), 5);
    kv_cache_evict(c, 1);
    x = compute(c, a, 2);
    kv_cache_reclaim_tail(c, tail, &x);
    cr_assert_eq(x.shared, 4);
    kv_cache_release(c, &x);
    kv_cache_evict(c, 2);
    x = compute(c, a, 2);
    kv_cache_reclaim_tail(c, tail, &x);
    cr_assert_eq(x.shared, 2);
    kv_cache_release(c, &x);
    kv_cache_check(c);
    free_cache(c);
}

/* Every resident block, by its chain; released when the last reference went. */
enum { N_CHAINS = 4, CHAIN = 12, N_PROMPTS = 24 };
struct model_block {
    uint64_t chain[CHAIN];
    uint32_t length, refs;
    uint64_t released;
};
struct model {
    struct model_block block[4096];
    uint32_t n;
    uint64_t clock;
};

static struct model_block *model_find(struct model *m, const uint64_t *key, uint32_t length)
{
    for (uint32_t i = 0; i < m->n; i++)
        if (m->block[i].length == length && memcmp(m->block[i].chain, key, length * sizeof *key) == 0)
            return &m->block[i];
    return NULL;
}

static void model_evict(struct model *m, uint32_t n)
{
    for (; n; n--) {
        uint32_t best = UINT32_MAX;
        for (uint32_t i = 0; i < m->n; i++)
            if (m->block[i].refs == 0 && (best == UINT32_MAX || m->block[i].released < m->block[best].released))
                best = i;
        m->block[best] = m->block[--m->n];
    }
}

Test(kv_cache, random_use_equals_a_model_block_by_block)
{
    for (uint64_t seed = 0; seed < 60; seed++) {
        struct pcg64 rng;
        pcg64_stream(&rng, seed, "test", 0);
        struct kv_cache *c = new_cache("lru");
        struct model *m = calloc(1, sizeof *m);
        uint32_t per_key = 1 + (uint32_t)pcg64_below(&rng, 3);
        uint64_t prompts[N_PROMPTS][CHAIN];
        uint32_t length[N_PROMPTS];
        for (int i = 0; i < N_PROMPTS; i++) {
            uint32_t same = (uint32_t)pcg64_below(&rng, CHAIN);
            length[i] = per_key * (1 + (uint32_t)pcg64_below(&rng, CHAIN - 1)) - (uint32_t)pcg64_below(&rng, per_key);
            for (uint32_t k = 0; k < CHAIN; k++)
                prompts[i][k] = k < same ? (uint64_t)(i % N_CHAINS) : 100 + pcg64_below(&rng, 3);
        }
        struct {
            int prompt;
            struct kv_hold hold;
        } active[8];
        int n_active = 0;
        for (int round = 0; round < 400; round++) {
            if (n_active < 8 && pcg64_below(&rng, 2)) {
                int i = (int)pcg64_below(&rng, N_PROMPTS);
                uint64_t block_key[CHAIN * 3];
                for (uint32_t b = 0; b < length[i]; b++)
                    block_key[b] = prompts[i][b / per_key] * 10 + b % per_key;
                uint32_t want = 0;
                while (want < length[i] && length[i] <= CHAIN && model_find(m, block_key, want + 1))
                    want++;
                if (length[i] > CHAIN)
                    continue;
                struct kv_prompt p = {prompts[i], length[i], per_key};
                uint32_t n_referenced, hits = kv_cache_match(c, &p, length[i], &n_referenced);
                cr_assert_eq(hits, want, "seed %llu round %d", (unsigned long long)seed, round);
                struct kv_hold hold = {0};
                uint32_t upto = hits + (uint32_t)pcg64_below(&rng, length[i] - hits + 1);
                cr_assert_eq(kv_cache_acquire(c, &p, hits, &hold, &d), ST_OK);
                cr_assert_eq(kv_cache_insert(c, &p, upto, &hold, &d), ST_OK);
                cr_assert_eq(kv_cache_insert(c, &p, length[i], &hold, &d), ST_OK);
                for (uint32_t b = 1; b <= length[i]; b++) {
                    struct model_block *block = model_find(m, block_key, b);
                    if (!block) {
                        block = &m->block[m->n++];
                        *block = (struct model_block){.length = b};
                        memcpy(block->chain, block_key, b * sizeof *block_key);
                    }
                    block->refs++;
                }
                active[n_active].prompt = i;
                active[n_active++].hold = hold;
            } else if (n_active) {
                int at = (int)pcg64_below(&rng, (uint64_t)n_active), i = active[at].prompt;
                uint64_t block_key[CHAIN * 3];
                for (uint32_t b = 0; b < length[i]; b++)
                    block_key[b] = prompts[i][b / per_key] * 10 + b % per_key;
                kv_cache_release(c, &active[at].hold);
                for (uint32_t b = length[i]; b >= 1; b--) {
                    struct model_block *block = model_find(m, block_key, b);
                    if (--block->refs == 0)
                        block->released = ++m->clock;
                }
                active[at] = active[--n_active];
            }
            uint32_t inactive = 0;
            for (uint32_t i = 0; i < m->n; i++)
                inactive += m->block[i].refs == 0;
            cr_assert_eq(kv_cache_inactive(c), inactive);
            cr_assert_eq(kv_cache_active(c), m->n - inactive);
            if (pcg64_below(&rng, 3) == 0) {
                uint32_t n = (uint32_t)pcg64_below(&rng, inactive + 1);
                kv_cache_evict(c, n);
                model_evict(m, n);
            }
            kv_cache_check(c);
        }
        free(m);
        free_cache(c);
    }
}
