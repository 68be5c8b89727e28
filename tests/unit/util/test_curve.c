#include <criterion/criterion.h>

#include "util/curve.h"

/* Level, a jump up, a slope down to 0, nothing, a slope up. */
static const struct curve_point points[] = {{10, 2}, {20, 2}, {20, 4}, {30, 0}, {40, 0}, {50, 4}};
static const struct curve curve = {sizeof points / sizeof *points, points};

static void expect_near(double value, double expected)
{
    cr_expect_float_eq(value, expected, 1e-12, "%.17g, not %.17g", value, expected);
}

Test(curve, is_straight_between_points_and_level_outside)
{
    static const double at[][2] = {{0, 2},  {10, 2}, {15, 2}, {20, 4}, {25, 2},
                                   {30, 0}, {35, 0}, {45, 2}, {50, 4}, {60, 4}};

    for (size_t i = 0; i < sizeof at / sizeof *at; i++)
        expect_near(curve_value(&curve, at[i][0]), at[i][1]);
    expect_near(curve_value(&(struct curve){1, points}, 100), 2);
}

Test(curve, area_is_that_of_its_pieces)
{
    expect_near(curve_area(&curve), 20 + 20 + 0 + 20);
    expect_near(curve_area(&(struct curve){1, points}), 0);
}

Test(curve, when_is_the_inverse_of_the_area)
{
    expect_near(curve_when(&curve, 0), 10);
    expect_near(curve_when(&curve, 10), 15);
    expect_near(curve_when(&curve, 20), 20);
    expect_near(curve_when(&curve, 35), 25);
    expect_near(curve_when(&curve, 40), 30);
    expect_near(curve_when(&curve, 45), 45);
    expect_near(curve_when(&curve, 60), 50);
}
