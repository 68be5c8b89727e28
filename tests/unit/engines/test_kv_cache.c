/* The tree of runs against a model that knows every block by itself. */
#include "engines/kv/kv_cache.h"

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
    cr_assert_eq(kv_cache_reclaim_tail(c, tail, &x, &d), ST_OK);
    cr_assert_eq(x.shared, 4);
    kv_cache_release(c, &x);
    kv_cache_evict(c, 2);
    x = compute(c, a, 2);
    cr_assert_eq(kv_cache_reclaim_tail(c, tail, &x, &d), ST_OK);
    cr_assert_eq(x.shared, 2);
    kv_cache_release(c, &x);
    kv_cache_check(c);
    free_cache(c);
}

/* ---- random use ---- */

enum { N_CHAINS = 4, CHAIN = 12, N_PROMPTS = 24, N_CACHES = 3, MAX_ACTIVE = 8, ROUNDS = 400 };

struct prompts {
    uint32_t per_key;
    uint64_t key[N_PROMPTS][CHAIN];
    uint32_t length[N_PROMPTS];
};

static void random_prompts(struct prompts *p, struct pcg64 *rng)
{
    p->per_key = 1 + (uint32_t)pcg64_below(rng, 3);
    for (int i = 0; i < N_PROMPTS; i++) {
        uint32_t same = (uint32_t)pcg64_below(rng, CHAIN);
        p->length[i] = p->per_key * (1 + (uint32_t)pcg64_below(rng, CHAIN - 1)) -
                       (uint32_t)pcg64_below(rng, p->per_key);
        for (uint32_t k = 0; k < CHAIN; k++)
            p->key[i][k] = k < same ? (uint64_t)(i % N_CHAINS) : 100 + pcg64_below(rng, 3);
    }
}

static struct kv_prompt prompt_of(const struct prompts *p, int i)
{
    return (struct kv_prompt){p->key[i], p->length[i], p->per_key};
}

/* A cache and what references it. */
struct user {
    struct kv_cache *c;
    struct {
        int prompt;
        struct kv_hold hold;
    } active[MAX_ACTIVE];
    int n_active;
};

/* One thing that a worker does, as the numbers say. */
struct deed {
    bool starts;
    int prompt, leaves; /* which of the active, when it does not start one */
    uint32_t tail;      /* blocks it leaves behind */
    double first_part;  /* of the prompt that is computed first */
    double evicted;     /* share of the inactive blocks; < 0: none */
};

static struct deed random_deed(struct pcg64 *rng)
{
    struct deed deed = {.starts = pcg64_below(rng, 2), .prompt = (int)pcg64_below(rng, N_PROMPTS)};
    deed.leaves = (int)pcg64_below(rng, MAX_ACTIVE);
    deed.tail = (uint32_t)pcg64_below(rng, 4);
    deed.first_part = pcg64_double(rng);
    deed.evicted = pcg64_below(rng, 3) ? -1 : pcg64_double(rng);
    return deed;
}

static void start(struct user *u, const struct prompts *prompts, const struct deed *deed)
{
    struct kv_prompt p = prompt_of(prompts, deed->prompt);
    struct kv_hold hold = {0};
    uint32_t active, hits = kv_cache_match(u->c, &p, p.n_blocks, &active);
    uint32_t upto = hits + (uint32_t)(deed->first_part * (p.n_blocks - hits + 1));
    cr_assert_eq(kv_cache_acquire(u->c, &p, hits, &hold, &d), ST_OK);
    cr_assert_eq(kv_cache_insert(u->c, &p, upto, &hold, &d), ST_OK);
    cr_assert_eq(kv_cache_insert(u->c, &p, p.n_blocks, &hold, &d), ST_OK);
    u->active[u->n_active].prompt = deed->prompt;
    u->active[u->n_active++].hold = hold;
}

static void do_deed(struct user *u, const struct prompts *prompts, const struct deed *deed)
{
    if (deed->starts && u->n_active < MAX_ACTIVE) {
        start(u, prompts, deed);
    } else if (u->n_active) {
        int at = deed->leaves % u->n_active;
        cr_assert_eq(kv_cache_retire(u->c, &u->active[at].hold, deed->tail, &d), ST_OK);
        u->active[at] = u->active[--u->n_active];
    }
    if (deed->evicted >= 0)
        kv_cache_evict(u->c, (uint64_t)(deed->evicted * (double)kv_cache_inactive(u->c)));
}

/* The store says of every prompt what the caches say. */
static void check_hits(const struct prompts *prompts, const struct user *users)
{
    for (int i = 0; i < N_PROMPTS; i++) {
        struct kv_prompt p = prompt_of(prompts, i);
        uint32_t hits[N_CACHES] = {0}, active;
        kv_store_hits(store, &p, hits);
        for (int k = 0; k < N_CACHES; k++)
            cr_assert_eq(hits[k], kv_cache_match(users[k].c, &p, p.n_blocks, &active));
    }
}

/* Every resident block, by its chain (none: it cannot be found); released when the last reference
 * went. */
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
        if (m->block[i].length == length &&
            memcmp(m->block[i].chain, key, length * sizeof *key) == 0)
            return &m->block[i];
    return NULL;
}

static void model_evict(struct model *m, uint32_t n)
{
    for (; n; n--) {
        uint32_t best = UINT32_MAX;
        for (uint32_t i = 0; i < m->n; i++)
            if (m->block[i].refs == 0 &&
                (best == UINT32_MAX || m->block[i].released < m->block[best].released))
                best = i;
        m->block[best] = m->block[--m->n];
    }
}

static void block_keys(const struct prompts *p, int i, uint64_t *key)
{
    for (uint32_t b = 0; b < p->length[i]; b++)
        key[b] = p->key[i][b / p->per_key] * 10 + b % p->per_key;
}

static void model_start(struct model *m, const uint64_t *key, uint32_t length)
{
    for (uint32_t b = 1; b <= length; b++) {
        struct model_block *block = model_find(m, key, b);
        if (!block) {
            block = &m->block[m->n++];
            *block = (struct model_block){.length = b};
            memcpy(block->chain, key, b * sizeof *key);
        }
        block->refs++;
    }
}

static void model_leave(struct model *m, const uint64_t *key, uint32_t length, uint32_t tail)
{
    for (; tail; tail--)
        m->block[m->n++] = (struct model_block){.released = ++m->clock};
    for (uint32_t b = length; b >= 1; b--) {
        struct model_block *block = model_find(m, key, b);
        if (--block->refs == 0)
            block->released = ++m->clock;
    }
}

static uint32_t model_inactive(const struct model *m)
{
    uint32_t inactive = 0;
    for (uint32_t i = 0; i < m->n; i++)
        inactive += m->block[i].refs == 0;
    return inactive;
}

static void model_deed(struct model *m, const struct user *u, const struct prompts *prompts,
                       const struct deed *deed)
{
    uint64_t key[CHAIN * 3];
    if (deed->starts && u->n_active < MAX_ACTIVE) {
        block_keys(prompts, deed->prompt, key);
        model_start(m, key, prompts->length[deed->prompt]);
    } else if (u->n_active) {
        int prompt = u->active[deed->leaves % u->n_active].prompt;
        block_keys(prompts, prompt, key);
        model_leave(m, key, prompts->length[prompt], deed->tail);
    }
    if (deed->evicted >= 0)
        model_evict(m, (uint32_t)(deed->evicted * model_inactive(m)));
}

static void check_against_model(struct model *m, const struct user *u,
                                const struct prompts *prompts)
{
    uint32_t inactive = model_inactive(m), active;
    cr_assert_eq(kv_cache_inactive(u->c), inactive);
    cr_assert_eq(kv_cache_active(u->c), m->n - inactive);
    for (int i = 0; i < N_PROMPTS; i++) {
        uint64_t key[CHAIN * 3];
        struct kv_prompt p = prompt_of(prompts, i);
        block_keys(prompts, i, key);
        uint32_t want = 0;
        while (want < p.n_blocks && model_find(m, key, want + 1))
            want++;
        cr_assert_eq(kv_cache_match(u->c, &p, p.n_blocks, &active), want);
    }
}

static void draw_short_prompts(struct prompts *p, struct pcg64 *rng)
{
    random_prompts(p, rng);
    for (int i = 0; i < N_PROMPTS; i++)
        if (p->length[i] > CHAIN)
            p->length[i] = CHAIN;
}

Test(kv_cache, random_use_equals_a_model_block_by_block)
{
    for (uint64_t seed = 0; seed < 60; seed++) {
        struct pcg64 rng;
        struct prompts prompts;
        struct user users[N_CACHES] = {0};
        struct model *models = calloc(N_CACHES, sizeof *models);
        pcg64_stream(&rng, seed, "test", 0);
        draw_short_prompts(&prompts, &rng);
        cr_assert_eq(kv_store_new(&store, &d), ST_OK);
        for (uint32_t k = 0; k < N_CACHES; k++)
            cr_assert_eq(kv_cache_new(&users[k].c, store, k, kv_eviction_find("lru"), &d), ST_OK);
        for (int round = 0; round < ROUNDS; round++) {
            int k = (int)pcg64_below(&rng, N_CACHES);
            struct deed deed = random_deed(&rng);
            model_deed(&models[k], &users[k], &prompts, &deed);
            do_deed(&users[k], &prompts, &deed);
            kv_cache_check(users[k].c);
            check_against_model(&models[k], &users[k], &prompts);
            check_hits(&prompts, users);
        }
        for (int k = 0; k < N_CACHES; k++) {
            while (users[k].n_active)
                kv_cache_release(users[k].c, &users[k].active[--users[k].n_active].hold);
            kv_cache_clear(users[k].c);
            kv_cache_check(users[k].c);
            cr_assert_eq(kv_cache_inactive(users[k].c), 0);
            check_hits(&prompts, users);
        }
        for (int k = 0; k < N_CACHES; k++)
            kv_cache_free(users[k].c);
        kv_store_free(store);
        free(models);
    }
}

static void check_equal(const struct prompts *prompts, const struct user *a, const struct user *b)
{
    cr_assert_eq(kv_cache_active(a->c), kv_cache_active(b->c));
    cr_assert_eq(kv_cache_inactive(a->c), kv_cache_inactive(b->c));
    for (int i = 0; i < N_PROMPTS; i++) {
        struct kv_prompt p = prompt_of(prompts, i);
        uint32_t active_a, active_b;
        cr_assert_eq(kv_cache_match(a->c, &p, p.n_blocks, &active_a),
                     kv_cache_match(b->c, &p, p.n_blocks, &active_b));
        cr_assert_eq(active_a, active_b);
    }
}

/* The same deeds, in a store of its own and beside others. */
Test(kv_cache, what_others_hold_changes_nothing)
{
    for (uint64_t seed = 0; seed < 90; seed++) {
        struct pcg64 rng;
        struct prompts prompts;
        struct user users[N_CACHES] = {0}, alone = {0};
        struct kv_store *own_store;
        const struct kv_eviction *eviction = kv_evictions[seed % 3];
        pcg64_stream(&rng, seed, "test", 1);
        random_prompts(&prompts, &rng);
        cr_assert_eq(kv_store_new(&store, &d), ST_OK);
        cr_assert_eq(kv_store_new(&own_store, &d), ST_OK);
        for (uint32_t k = 0; k < N_CACHES; k++)
            cr_assert_eq(kv_cache_new(&users[k].c, store, k, eviction, &d), ST_OK);
        cr_assert_eq(kv_cache_new(&alone.c, own_store, 0, eviction, &d), ST_OK);
        for (int round = 0; round < 3 * ROUNDS; round++) {
            int k = (int)pcg64_below(&rng, N_CACHES);
            struct deed deed = random_deed(&rng);
            do_deed(&users[k], &prompts, &deed);
            if (k == 0) {
                do_deed(&alone, &prompts, &deed);
                check_equal(&prompts, &users[0], &alone);
            }
        }
        for (int k = 0; k < N_CACHES; k++)
            kv_cache_free(users[k].c);
        kv_cache_free(alone.c);
        kv_store_free(store);
        kv_store_free(own_store);
    }
}
