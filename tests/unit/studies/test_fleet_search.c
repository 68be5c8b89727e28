#include <criterion/criterion.h>
#include <math.h>

#include "studies/size/fleet_search.h"
#include "util/pcg.h"

/* A service that needs so much of each pool, and more of one where the other is small. */
struct service {
    double need[2], both, least, target;
};

static double shortfall(const struct service *s, struct fleet f, size_t n_pools)
{
    double a = s->need[0] / (double)f.n[0], b = n_pools > 1 ? s->need[1] / (double)f.n[1] : 0;

    return s->least + a * a + b * b + s->both * a * b - s->target;
}

static struct service draw(struct pcg64 *rng)
{
    struct service s = {.target = 1};

    s.need[0] = 0.2 + 12 * pcg64_double(rng);
    s.need[1] = 0.2 + 12 * pcg64_double(rng);
    s.both = 2 * pcg64_double(rng);
    s.least = 0.8 * pcg64_double(rng);
    return s;
}

static int64_t enumerate(const struct service *s, const struct fleet_search *search, int64_t most)
{
    int64_t best = INT64_MAX;

    for (int64_t a = 1; a <= most; a++) {
        for (int64_t b = 1; b <= (search->n_pools > 1 ? most : 1); b++) {
            struct fleet f = {{a, search->n_pools > 1 ? b : 0}};
            if (shortfall(s, f, search->n_pools) <= 0 && fleet_gpus(search, f) < best)
                best = fleet_gpus(search, f);
        }
    }
    return best <= search->max_gpus ? best : -1;
}

/* `expected` GPUs are the answer; -1: there is none. With `cuts` runs of fleets that fail end
 * early, with a guess of how far they were from the target. */
static enum fleet_state run(struct fleet_search *search, const struct service *s, int64_t expected,
                            struct pcg64 *cuts, int *n_runs)
{
    int64_t least = 0;
    struct fleet f;
    struct diag d;
    enum fleet_state state;

    for (*n_runs = 0; (state = fleet_next(search, &f)) == FLEET_WANTED; ++*n_runs) {
        struct fleet_trial trial = {.fleet = f,
                                    .shortfall = shortfall(s, f, search->n_pools),
                                    .load = s->need[0] / (double)f.n[0]};
        const struct fleet_trial *before = fleet_trial_of(search, f);
        cr_assert(!before || (search->whole && before->cut), "asked for the same fleet twice");
        if (cuts && trial.shortfall > 0 && !search->whole) {
            trial.cut = true;
            trial.shortfall *= 0.1 + 2 * pcg64_double(cuts);
        }
        cr_assert_lt(*n_runs, 400);
        cr_assert_eq(fleet_tell(search, &trial, &d), ST_OK);
        cr_assert_geq(fleet_least_gpus(search), least);
        least = fleet_least_gpus(search);
        cr_assert(expected < 0 || least <= expected, "%d, but %d GPUs are enough", (int)least,
                  (int)expected);
    }
    if (state == FLEET_FOUND)
        cr_assert_eq(least, expected, "found, and nothing says that less is not enough");
    return state;
}

/* What is told of the answer is of whole runs. */
static void check_whole(const struct fleet_search *search)
{
    for (size_t i = 0; i < search->n_pools; i++) {
        struct fleet f = search->best;
        f.n[i] -= search->found;
        const struct fleet_trial *t = fleet_trial_of(search, f);
        cr_expect(!search->verify || !t || !t->cut);
    }
}

static void compare(size_t n_pools, int64_t n_cases, int64_t max_gpus, bool with_cuts)
{
    struct pcg64 rng, cuts;
    int total = 0;

    pcg64_stream(&cuts, 7, "cuts", n_pools);

    pcg64_stream(&rng, 7, "fleet search", n_pools);
    for (int64_t i = 0; i < n_cases; i++) {
        struct arena arena;
        struct service s = draw(&rng);
        struct fleet_search search = {
            .n_pools = n_pools,
            .gpus = {1 + (int64_t)pcg64_below(&rng, 4), 1 + (int64_t)pcg64_below(&rng, 4)},
            .guess = {1 + (int64_t)pcg64_below(&rng, 20), 1 + (int64_t)pcg64_below(&rng, 20)},
            .max_gpus = max_gpus,
            .max_workers = 400,
            .verify = i % 2};
        int n_runs;
        arena_init(&arena);
        search.arena = &arena;
        int64_t expected = enumerate(&s, &search, 80);
        enum fleet_state state = run(&search, &s, expected, with_cuts ? &cuts : NULL, &n_runs);
        total += n_runs;
        cr_expect_eq(state, expected > 0 ? FLEET_FOUND : FLEET_UNREACHABLE, "case %d", (int)i);
        if (expected > 0)
            cr_expect_eq(fleet_gpus(&search, search.best), expected, "case %d: %d, not %d GPUs",
                         (int)i, (int)fleet_gpus(&search, search.best), (int)expected);
        else
            cr_expect_leq(fleet_gpus(&search, search.best), max_gpus);
        cr_expect(!search.uneven);
        check_whole(&search);
        arena_release(&arena);
    }
    cr_expect_lt(total, n_cases * ((n_pools > 1 ? 33 : 7) + 3 * with_cuts), "%d runs for %d cases",
                 total, (int)n_cases);
}

Test(fleet_search, one_pool_agrees_with_enumeration)
{
    compare(1, 300, 100000, false);
}

Test(fleet_search, two_pools_agree_with_enumeration)
{
    compare(2, 300, 100000, false);
}

Test(fleet_search, runs_that_end_early_change_no_answer)
{
    compare(1, 300, 100000, true);
    compare(2, 300, 100000, true);
    compare(2, 200, 30, true);
}

Test(fleet_search, so_they_do_within_a_limit)
{
    compare(1, 100, 20, false);
    compare(2, 200, 30, false);
}

/* A burst in an hour with little else: the share of windows tells nothing until it is over in time,
 * and all fleets are idle most of the hour. */
Test(fleet_search, what_only_a_far_larger_fleet_meets_is_found)
{
    struct fleet_search search = {.n_pools = 1,
                                  .gpus = {1},
                                  .guess = {2},
                                  .max_gpus = 1000000,
                                  .max_workers = 100000,
                                  .verify = true};
    struct arena arena;
    struct fleet f;
    struct diag d;

    arena_init(&arena);
    search.arena = &arena;
    while (fleet_next(&search, &f) == FLEET_WANTED) {
        struct fleet_trial trial = {.fleet = f,
                                    .shortfall = f.n[0] < 200 ? 0.05 : 0,
                                    .load = 0.3 / (double)f.n[0],
                                    .strain = 1000 / (double)f.n[0]};
        cr_assert_eq(fleet_tell(&search, &trial, &d), ST_OK);
    }
    cr_expect(search.found);
    cr_expect_eq(search.best.n[0], 200);
    arena_release(&arena);
}

Test(fleet_search, what_no_fleet_meets_is_given_up)
{
    for (size_t n_pools = 1; n_pools <= 2; n_pools++) {
        struct service s = {.need = {5, 5}, .least = 1.1, .target = 1};
        struct fleet_search search = {.n_pools = n_pools,
                                      .gpus = {1, 1},
                                      .guess = {4, 4},
                                      .max_gpus = 1000000,
                                      .max_workers = 100000,
                                      .verify = true};
        struct arena arena;
        int n_runs;
        arena_init(&arena);
        search.arena = &arena;
        cr_expect_eq(run(&search, &s, -1, NULL, &n_runs), FLEET_UNREACHABLE);
        cr_expect_lt(n_runs, 12);
        cr_expect_gt(search.best.n[0], 20);
        arena_release(&arena);
    }
}
