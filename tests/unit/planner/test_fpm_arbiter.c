#include <criterion/criterion.h>
#include <math.h>

#include "planner/fpm/arbiter.h"
#include "planner/fpm/bootstrap.h"
#include "planner/pool_choice.h"

/* Two deployments of one pool with 2 replicas each, one GPU a replica, 4 GPUs in all. */
static struct arbiter fixed_total(void)
{
    return (struct arbiter){.min_gpus = 4,
                            .max_gpus = 4,
                            .wish_ttl_s = 360,
                            .n_pools = 2,
                            .pools = {{.deployment = 0, .replicas = 2, .gpus = 1},
                                      {.deployment = 1, .replicas = 2, .gpus = 1}},
                            .known = {true, true}};
}

Test(fpm_arbiter, growth_waits_for_another_to_shrink)
{
    struct arbiter a = fixed_total();
    const struct arbiter_change up = {0, 3}, down = {1, 1};
    struct arbiter_plan plan;
    int order[ARBITER_MAX_POOLS];

    arbiter_request(&a, 0, 1, &up, &plan);
    cr_assert_eq(plan.n, 0, "rejected, but kept as a wish");
    arbiter_request(&a, 360, 1, &down, &plan);
    cr_assert_eq(plan.n, 2);
    cr_assert_eq(plan.changes[1].pool, 0);
    cr_assert_eq(plan.changes[1].replicas, 3);
    cr_assert_eq(arbiter_order(&a, &plan, order), 2);
    cr_assert_eq(order[0], 1, "who frees GPUs comes first");
}

Test(fpm_arbiter, an_old_wish_is_forgotten)
{
    struct arbiter a = fixed_total();
    const struct arbiter_change up = {0, 3}, down = {1, 1};
    struct arbiter_plan plan;

    a.min_gpus = 4;
    arbiter_request(&a, 0, 1, &up, &plan);
    arbiter_request(&a, 361, 1, &down, &plan);
    cr_assert_eq(plan.n, 0);
}

Test(fpm_arbiter, no_bound_carries_out_everything)
{
    struct arbiter a = fixed_total();
    const struct arbiter_change up = {0, 300};
    struct arbiter_plan plan;

    a.min_gpus = a.max_gpus = -1;
    arbiter_request(&a, 0, 1, &up, &plan);
    cr_assert_eq(plan.n, 1);
}

Test(fpm_arbiter, a_pool_is_chosen_by_the_grid_or_by_priority)
{
    const int pools[] = {0, 1, 2, 3};
    const struct pool_rule rule = {5, 9, 7};
    const struct pool_choice choice = {{0, 100, 2}, {0, 10, 2}, pools, 1, &rule, {0, 0, 0}};

    cr_assert_eq(pool_choose(&choice, NAN, -1, 4, NAN), 0);
    cr_assert_eq(pool_choose(&choice, NAN, 60, 1000, NAN), 3);
    cr_assert_eq(pool_choose(&choice, NAN, 60, NAN, 4), 3, "not given: the middle");
    cr_assert_eq(pool_choose(&choice, NAN, 60, 0, 9), 7);
}

Test(fpm_arbiter, a_sweep_visits_few_concurrencies_of_many)
{
    cr_assert_eq(bootstrap_concurrency(3, 6, 2), 3);
    cr_assert_eq(bootstrap_concurrency(3, 6, 3), 0);
    cr_assert_eq(bootstrap_concurrency(100, 1, 0), 100);
    cr_assert_eq(bootstrap_concurrency(100, 2, 1), 100);
    struct fpm_record r = bootstrap_decode(0.5, 300, 20, 1001);
    cr_assert_eq(r.decode_kv_tok, 500, "halves to even");
    cr_assert_eq(r.n_decode, 2);
}
