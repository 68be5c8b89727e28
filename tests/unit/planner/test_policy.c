#include <criterion/criterion.h>
#include <math.h>

#include "planner/policy.h"
#include "util/units.h"

Test(policy, every_policy_is_found_by_its_name)
{
    for (const struct policy_ops *const *p = policies; *p; p++) {
        cr_assert_eq(policy_find((*p)->name, (*p)->generation), *p);
        cr_assert(*(*p)->summary);
    }
    cr_assert_null(policy_find("no such policy", NULL));
}

Test(policy, cleared_effects_ask_for_nothing)
{
    struct policy_effects e;

    policy_effects_clear(&e, 2);
    cr_assert_not(e.scale);
    cr_assert_not(e.report);
    cr_assert_eq(e.next_ns, TIME_NEVER);
    cr_assert(isnan(e.seen.n_requests) && isnan(e.predicted.osl_tok) && isnan(e.seen_itl_ms));
    cr_assert(isnan(e.correction[1]));
    cr_assert_eq(e.wanted[1], -1);
}

Test(policy, static_never_calls_again_and_never_scales)
{
    const struct policy_ops *ops = policy_find("static", NULL);
    const struct policy_setup setup = {.n_pools = 1, .roles = {POOL_AGG}, .replicas = {3}};
    const struct policy_input input = {.n_pools = 1};
    struct policy_effects e;
    struct arena arena;
    struct diag d;
    void *state;

    arena_init(&arena);
    diag_init(&d);
    cr_assert_eq(ops->create(&state, &arena, NULL, &setup, &e, &d), ST_OK);
    cr_assert_eq(e.next_ns, TIME_NEVER);
    cr_assert_eq(ops->tick(state, &input, &e, &d), ST_OK);
    cr_assert_not(e.scale);
    cr_assert_eq(e.next_ns, TIME_NEVER);
    arena_release(&arena);
}
