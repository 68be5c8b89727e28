#include "sim/state/request.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#include "util/pcg.h"

static uint32_t add(struct request_table *t, uint32_t isl_tok, uint32_t priority)
{
    struct diag d;
    uint32_t id;

    diag_init(&d);
    cr_assert_eq(request_table_add(t, &id, &d), ST_OK);
    t->slot[id].isl_tok = isl_tok;
    t->slot[id].priority = priority;
    return id;
}

static void insert(struct request_list *l, struct request_table *t, uint32_t id, bool by_isl)
{
    struct diag d;

    diag_init(&d);
    cr_assert_eq(by_isl ? request_list_insert_by_isl(l, t, id, &d)
                        : request_list_insert_by_priority(l, t, id, &d),
                 ST_OK);
}

/* By walking from the tail: behind the last that it does not go before. */
struct plain_list {
    uint32_t id[512];
    size_t n;
};

static uint32_t key(const struct request_table *t, uint32_t id, bool by_isl)
{
    return by_isl ? t->slot[id].isl_tok : t->slot[id].priority;
}

static void plain_put(struct plain_list *p, size_t at, uint32_t id)
{
    for (size_t i = p->n++; i > at; i--)
        p->id[i] = p->id[i - 1];
    p->id[at] = id;
}

static void plain_insert(struct plain_list *p, const struct request_table *t, uint32_t id,
                         bool by_isl)
{
    size_t at = p->n;

    while (at > 0 && key(t, id, by_isl) < key(t, p->id[at - 1], by_isl))
        at--;
    plain_put(p, at, id);
}

static void expect_same(const struct request_list *l, const struct request_table *t,
                        const struct plain_list *p)
{
    uint32_t id = l->head, before = NO_REQUEST;

    cr_assert_eq(l->n, p->n);
    for (size_t i = 0; i < p->n; i++) {
        cr_assert_eq(id, p->id[i], "place %zu", i);
        cr_assert_eq(t->slot[id].previous, before);
        before = id;
        id = t->slot[id].next;
    }
    cr_assert_eq(id, NO_REQUEST);
    cr_assert_eq(l->tail, before);
}

/* Random insertions, removals and pushes to the front, as the lists of the simulator have them. */
static void play(bool by_isl, bool pushes, uint64_t seed)
{
    struct request_table t = {0};
    struct request_list l = {0};
    struct plain_list p = {.n = 0};
    struct pcg64 rng;

    pcg64_stream(&rng, seed, "list", by_isl);
    request_list_init(&l);
    for (int i = 0; i < 400; i++) {
        uint64_t what = pcg64_below(&rng, 10);
        if (what < 3 && p.n) {
            size_t at = pcg64_below(&rng, 3) ? 0 : pcg64_below(&rng, p.n);
            uint32_t id = p.id[at];
            request_list_remove(&l, &t, id);
            request_table_remove(&t, id);
            for (p.n--; at < p.n; at++)
                p.id[at] = p.id[at + 1];
        } else {
            uint32_t id =
                add(&t, 1 + (uint32_t)pcg64_below(&rng, 9), (uint32_t)pcg64_below(&rng, 4));
            if (what == 9 && pushes) {
                request_list_push_front(&l, &t, id);
                plain_put(&p, 0, id);
            } else {
                insert(&l, &t, id, by_isl);
                plain_insert(&p, &t, id, by_isl);
            }
        }
        expect_same(&l, &t, &p);
    }
    request_list_release(&l);
    request_table_release(&t);
}

Test(request_list, in_order_as_by_walking_it)
{
    for (uint64_t seed = 0; seed < 20; seed++) {
        play(true, false, seed);
        play(false, false, seed);
        play(false, true, seed);
    }
}
