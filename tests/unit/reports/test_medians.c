#include <criterion/criterion.h>
#include <math.h>

#include "reports/medians.h"
#include "util/units.h"

static struct medians *m;

static void setup(void)
{
    m = medians_new();
    cr_assert(m);
}

static void teardown(void)
{
    medians_free(m);
}

TestSuite(medians, .init = setup, .fini = teardown);

static bool is_near(double value, double expected)
{
    return fabs(value / expected - 1) <= 0.5 / MEDIANS_STEPS + 1e-12;
}

Test(medians, of_each_second)
{
    for (int i = 0; i < 5; i++) {
        medians_add(m, NS_PER_S + i, (i < 3 ? 7 : 900) * NS_PER_MS);
        medians_add(m, 3 * NS_PER_S - 1 - i, (i < 2 ? 7 : 900) * NS_PER_MS);
    }
    cr_assert(isnan(medians_between(m, 0, NS_PER_S)));
    cr_assert(is_near(medians_between(m, NS_PER_S, 2 * NS_PER_S), 7e6));
    cr_assert(is_near(medians_between(m, 2 * NS_PER_S, 3 * NS_PER_S), 900e6));
    cr_assert(is_near(medians_between(m, 0, 9 * NS_PER_S), 7e6)); /* the fifth of ten */
    cr_assert(isnan(medians_between(m, 3 * NS_PER_S, 9 * NS_PER_S)));
}

/* From 1 us to days; what is beyond counts at the ends. */
Test(medians, of_any_size)
{
    for (int64_t ns = 1100, at = 0; ns < NS_PER_S * 1000000; ns = ns * 7 / 5, at++) {
        medians_add(m, at * NS_PER_S, ns);
        cr_assert(is_near(medians_between(m, at * NS_PER_S, (at + 1) * NS_PER_S), (double)ns));
    }
    medians_add(m, 250 * NS_PER_S, 0);
    cr_assert(medians_between(m, 250 * NS_PER_S, 251 * NS_PER_S) < 1100);
    medians_add(m, 251 * NS_PER_S, TIME_NEVER);
    cr_assert(medians_between(m, 251 * NS_PER_S, 252 * NS_PER_S) > 1e15);
}

/* A day, an hour of which was slow; nothing is lost where stretches get longer. */
Test(medians, of_a_long_run)
{
    for (int64_t s = 0; s < 86400; s++)
        medians_add(m, s * NS_PER_S, (s / 3600 == 12 ? 5000 : 50) * NS_PER_MS);
    for (int64_t hour = 0; hour < 24; hour++)
        cr_assert(is_near(medians_between(m, hour * 3600 * NS_PER_S, (hour + 1) * 3600 * NS_PER_S),
                          hour == 12 ? 5e9 : 50e6));
}
