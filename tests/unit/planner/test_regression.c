#include <criterion/criterion.h>
#include <math.h>

#include "planner/dynamo1/regression.h"

static struct regression make(struct arena *arena, size_t window, size_t least)
{
    struct regression r;
    struct diag d;

    arena_init(arena);
    diag_init(&d);
    cr_assert_eq(regression_init(&r, arena, window, least, &d), ST_OK);
    return r;
}

Test(regression, says_nothing_below_the_minimum)
{
    struct arena arena;
    struct regression r = make(&arena, 10, 3);
    double slope, intercept, x;

    regression_add(&r, 1, 2);
    regression_add(&r, 2, 4);
    cr_assert_not(regression_fit(&r, &slope, &intercept));
    cr_assert_not(regression_inverse(&r, 10, &x));
    regression_add(&r, 3, 6);
    cr_assert(regression_inverse(&r, 10, &x));
    cr_assert_float_eq(x, 5, 1e-12);
    arena_release(&arena);
}

Test(regression, a_window_below_the_minimum_never_answers)
{
    struct arena arena;
    struct regression r = make(&arena, 4, 5);
    double x;

    for (int i = 0; i < 20; i++)
        regression_add(&r, i, i);
    cr_assert_eq(r.n, 4);
    cr_assert_not(regression_inverse(&r, 10, &x));
    arena_release(&arena);
}

Test(regression, the_oldest_observation_leaves_the_window)
{
    struct arena arena;
    struct regression r = make(&arena, 3, 2);
    double slope, intercept;

    regression_add(&r, 0, 1000);
    for (int i = 1; i <= 3; i++)
        regression_add(&r, i, 3 + 2 * i);
    cr_assert(regression_fit(&r, &slope, &intercept));
    cr_assert_float_eq(slope, 2, 1e-12);
    cr_assert_float_eq(intercept, 3, 1e-12);
    arena_release(&arena);
}

Test(regression, inverse_is_never_negative)
{
    struct arena arena;
    struct regression r = make(&arena, 5, 2);
    double x;

    regression_add(&r, 1, 100);
    regression_add(&r, 2, 101);
    cr_assert(regression_inverse(&r, 10, &x));
    cr_assert_eq(x, 0);
    arena_release(&arena);
}

Test(regression, a_falling_line_falls_back_to_the_smallest_load_below_target)
{
    struct arena arena;
    struct regression r = make(&arena, 5, 2);
    double x;

    regression_add(&r, 100, 50);
    regression_add(&r, 300, 20);
    regression_add(&r, 200, 30);
    cr_assert(regression_inverse(&r, 40, &x));
    cr_assert_eq(x, 200);
    cr_assert(regression_inverse(&r, 20, &x));
    cr_assert_eq(x, 100, "none is strictly below: the smallest of all");
    r.largest_fallback = true;
    cr_assert(regression_inverse(&r, 40, &x));
    cr_assert_eq(x, 300);
    arena_release(&arena);
}

Test(regression, equal_loads_give_a_level_line)
{
    struct arena arena;
    struct regression r = make(&arena, 5, 2);
    double slope, intercept;

    for (int i = 0; i < 4; i++)
        regression_add(&r, 1024.3, 10 * i);
    cr_assert(regression_fit(&r, &slope, &intercept));
    cr_assert_eq(slope, 0);
    cr_assert_float_eq(intercept, 15, 1e-12);
    arena_release(&arena);
}

Test(regression, values_that_are_not_finite_are_ignored)
{
    struct arena arena;
    struct regression r = make(&arena, 5, 1);

    regression_add(&r, NAN, 1);
    regression_add(&r, 1, INFINITY);
    cr_assert_eq(r.n, 0);
    arena_release(&arena);
}
