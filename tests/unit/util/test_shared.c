#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "util/shared.h"

struct number_key {
    int number;
    bool fails;
};

static atomic_int n_made, n_released;

static bool same(const void *key, const void *other)
{
    return ((const struct number_key *)key)->number == ((const struct number_key *)other)->number;
}

static const void *keep(struct arena *arena, const void *key)
{
    return shared_keep_bytes(arena, key, sizeof(struct number_key));
}

static enum status make(void **thing, struct arena *arena, const void *key, struct diag *d)
{
    const struct number_key *wanted = key;
    int *made = ARENA_NEW(arena, 1, int);

    if (wanted->fails)
        return diag_fail(d, ST_INPUT, "no number %d", wanted->number);
    n_made++;
    *made = 2 * wanted->number;
    *thing = made;
    return ST_OK;
}

static void release(void *thing)
{
    (void)thing;
    n_released++;
}

static const struct shared_kind doubles = {"a double", same, keep, make, release};
static const struct shared_kind others = {"another", same, keep, make, NULL};
static struct shared *shared;
static struct diag diag;

static void setup(void)
{
    diag_init(&diag);
    cr_assert_eq(shared_create(&shared, &diag), ST_OK);
    n_made = n_released = 0;
}

static void teardown(void)
{
    shared_free(shared);
}

TestSuite(shared, .init = setup, .fini = teardown);

static const int *get(const struct shared_kind *kind, int number)
{
    const struct number_key key = {number, false};
    const void *thing;
    struct diag d;

    diag_init(&d);
    cr_assert_eq(shared_get(&thing, shared, kind, &key, &d), ST_OK);
    return thing;
}

Test(shared, a_key_is_made_once_for_each_kind)
{
    const int *three = get(&doubles, 3), *four = get(&doubles, 4);

    cr_expect_eq(*three, 6);
    cr_expect_eq(*four, 8);
    cr_expect_eq(get(&doubles, 3), three);
    cr_expect_neq(get(&others, 3), three);
    cr_expect_eq(n_made, 3);
    shared_free(shared);
    shared = NULL;
    cr_expect_eq(n_released, 2);
}

Test(shared, what_failed_is_tried_again)
{
    const struct number_key bad = {5, true};
    const void *thing;

    for (int i = 0; i < 2; i++) {
        diag_init(&diag);
        cr_expect_eq(shared_get(&thing, shared, &doubles, &bad, &diag), ST_INPUT);
        cr_expect_str_eq(diag.text, "no number 5");
    }
    cr_expect_eq(*get(&doubles, 5), 10);
}

Test(shared, without_anything_shared_each_has_its_own)
{
    const struct number_key key = {7, false}, bad = {7, true};
    const void *one, *two;
    struct arena arena;

    arena_init(&arena);
    cr_expect_eq(shared_or_own(&one, NULL, &arena, &others, &key, &diag), ST_OK);
    cr_expect_eq(shared_or_own(&two, NULL, &arena, &others, &key, &diag), ST_OK);
    cr_expect_neq(one, two);
    cr_expect_eq(*(const int *)two, 14);
    cr_expect_eq(shared_or_own(&two, shared, &arena, &others, &key, &diag), ST_OK);
    cr_expect_eq(two, get(&others, 7));
    cr_expect_eq(shared_or_own(&two, NULL, &arena, &others, &bad, &diag), ST_INPUT);
    arena_release(&arena);
}

static void *ask(void *context)
{
    const int **things = context;

    for (int i = 0; i < 100; i++)
        things[i] = get(&doubles, i);
    return NULL;
}

Test(shared, threads_get_the_same)
{
    enum { N_THREADS = 4, N = 100 };
    static const int *things[N_THREADS][N];
    pthread_t threads[N_THREADS];

    for (int t = 0; t < N_THREADS; t++)
        cr_assert_eq(pthread_create(&threads[t], NULL, ask, things[t]), 0);
    for (int t = 0; t < N_THREADS; t++)
        pthread_join(threads[t], NULL);
    cr_expect_eq(n_made, N);
    for (int t = 1; t < N_THREADS; t++)
        cr_expect_arr_eq(things[0], things[t], sizeof things[0]);
}
