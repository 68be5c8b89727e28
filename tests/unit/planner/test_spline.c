#include <criterion/criterion.h>
#include <math.h>

#include "planner/dynamo1/spline.h"

static struct spline fit(struct arena *arena, size_t n, const double *x, const double *y)
{
    struct spline s;
    struct diag d;

    diag_init(&d);
    cr_assert_eq(spline_init(&s, arena, n, x, y, &d), ST_OK, "%s", d.text);
    return s;
}

static double cubic(double x)
{
    return 2 - 3 * x + 0.5 * x * x - 0.25 * x * x * x;
}

Test(spline, a_cubic_is_reproduced_everywhere)
{
    const double x[] = {-1, 0, 0.5, 2, 3, 7};
    double y[6];
    struct arena arena;

    arena_init(&arena);
    for (int i = 0; i < 6; i++)
        y[i] = cubic(x[i]);
    for (size_t n = 4; n <= 6; n++) {
        struct spline s = fit(&arena, n, x, y);
        for (double at = -1; at <= x[n - 1]; at += 0.125)
            cr_assert_float_eq(spline_at(&s, at), cubic(at), 1e-10);
    }
    arena_release(&arena);
}

Test(spline, ends_are_not_a_knot_and_not_natural)
{
    /* From SciPy's interp1d(kind="cubic"); natural ends give 0.768 at 0.5. */
    const double x[] = {0, 1, 2, 3, 4}, y[] = {0, 1, 0, 1, 0};
    struct arena arena;

    arena_init(&arena);
    struct spline s = fit(&arena, 5, x, y);
    cr_assert_float_eq(spline_at(&s, 0.5), 1.125, 1e-12);
    cr_assert_float_eq(spline_at(&s, 2.5), 0.375, 1e-12);
    for (int i = 0; i < 5; i++)
        cr_assert_float_eq(spline_at(&s, x[i]), y[i], 1e-12);
    arena_release(&arena);
}

Test(spline, too_few_or_unsorted_points_are_refused)
{
    const double x[] = {0, 1, 1, 2}, y[] = {0, 0, 0, 0};
    struct arena arena;
    struct spline s;
    struct diag d;

    arena_init(&arena);
    diag_init(&d);
    cr_assert_eq(spline_init(&s, &arena, 3, x, y, &d), ST_INPUT);
    cr_assert_str_eq(d.text, "a cubic spline needs at least 4 points, got 3");
    diag_init(&d);
    cr_assert_eq(spline_init(&s, &arena, 4, x, y, &d), ST_INPUT);
    cr_assert_str_eq(d.text, "spline points must increase, got 1 after 1");
    arena_release(&arena);
}
