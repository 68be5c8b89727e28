#include <criterion/criterion.h>
#include <math.h>

#include "util/pcg.h"

#define U128(high, low) (((uint128)(high) << 64) | (uint128)(low))

static struct pcg64 numpy_seed_0(void)
{
    /* numpy.random.PCG64(0).state */
    return (struct pcg64){.state = U128(0x1AA1B5345996452Du, 0x09585EB7A69561E3u),
                          .increment = U128(0x418DDADB3AF71A82u, 0x588133BC447873A9u)};
}

Test(pcg, pcg64_gives_the_published_values)
{
    static const uint64_t expected[] = {0x86b1da1d72062b68, 0x1304aa46c9853d39, 0xa3670e9e0dd50358,
                                        0xf9090e529a7dae00, 0xc85b9fd837996f2c, 0x606121f8e3919196};
    struct pcg64 rng;
    pcg64_seed(&rng, 42, 54);
    for (int i = 0; i < 6; i++)
        cr_assert_eq(pcg64_next(&rng), expected[i], "draw %d", i);
}

Test(pcg, pcg64_gives_the_values_of_numpy)
{
    static const uint64_t expected[] = {0xa30febcfd9c2825f, 0x4510bdf882d9d721, 0x0a7d3da94ecde8b8,
                                        0x043b27b61342f01d, 0xd0327a782cde513b};
    struct pcg64 rng = numpy_seed_0();
    for (int i = 0; i < 5; i++)
        cr_assert_eq(pcg64_next(&rng), expected[i], "draw %d", i);
    rng = numpy_seed_0(); /* numpy.random.Generator(PCG64(0)).random(3) */
    cr_assert_eq(pcg64_double(&rng), 0.6369616873214543);
    cr_assert_eq(pcg64_double(&rng), 0.2697867137638703);
    cr_assert_eq(pcg64_double(&rng), 0.04097352393619469);
}

Test(pcg, streams_differ_by_seed_purpose_and_entity_and_repeat)
{
    struct pcg64 a, b;
    pcg64_stream(&a, 1, "router", 0);
    uint64_t first = pcg64_next(&a);
    pcg64_stream(&b, 1, "router", 0);
    cr_assert_eq(pcg64_next(&b), first);
    pcg64_stream(&b, 2, "router", 0);
    cr_assert_neq(pcg64_next(&b), first);
    pcg64_stream(&b, 1, "failures", 0);
    cr_assert_neq(pcg64_next(&b), first);
    pcg64_stream(&b, 1, "router", 1);
    cr_assert_neq(pcg64_next(&b), first);
}

Test(pcg, bounded_draws_are_in_range_and_even)
{
    enum { BOUND = 7, DRAWS = 70000 };
    unsigned count[BOUND] = {0};
    struct pcg64 rng;
    pcg64_seed(&rng, 1, 1);
    for (int i = 0; i < DRAWS; i++) {
        uint64_t draw = pcg64_below(&rng, BOUND);
        cr_assert_lt(draw, BOUND);
        count[draw]++;
    }
    double chi2 = 0;
    for (int i = 0; i < BOUND; i++)
        chi2 += pow(count[i] - 10000.0, 2) / 10000.0;
    cr_assert_lt(chi2, 22.5, "p < 0.001 with 6 degrees of freedom: %g", chi2);
    cr_assert_eq(pcg64_below(&rng, 1), 0);
    uint64_t wide = (UINT64_C(1) << 63) + 1; /* half of all draws must be thrown away */
    for (int i = 0; i < 1000; i++)
        cr_assert_lt(pcg64_below(&rng, wide), wide);
}

Test(pcg, uniform_exponential_and_normal_have_their_moments)
{
    enum { DRAWS = 200000 };
    double uniform = 0, exponential = 0, normal = 0, normal2 = 0;
    struct pcg64 rng;
    pcg64_seed(&rng, 3, 4);
    for (int i = 0; i < DRAWS; i++) {
        double u = pcg64_double(&rng), e = pcg64_exponential(&rng, 5), z = pcg64_normal(&rng);
        cr_assert(u >= 0 && u < 1);
        cr_assert(e >= 0 && isfinite(e) && isfinite(z));
        uniform += u;
        exponential += e;
        normal += z;
        normal2 += z * z;
    }
    /* Bounds of five standard errors. */
    cr_assert_float_eq(uniform / DRAWS, 0.5, 5 * sqrt(1 / 12.0 / DRAWS));
    cr_assert_float_eq(exponential / DRAWS, 5, 5 * 5 / sqrt(DRAWS));
    cr_assert_float_eq(normal / DRAWS, 0, 5 / sqrt(DRAWS));
    cr_assert_float_eq(normal2 / DRAWS, 1, 5 * sqrt(2.0 / DRAWS));
}

Test(pcg, lognormal_has_mean_one_and_its_coefficient_of_variation)
{
    enum { DRAWS = 200000 };
    const double cv = 0.5;
    double sum = 0, squares = 0;
    struct pcg64 rng;
    pcg64_seed(&rng, 5, 6);
    for (int i = 0; i < DRAWS; i++) {
        double x = pcg64_lognormal(&rng, cv);
        cr_assert(x > 0 && isfinite(x));
        sum += x;
        squares += (x - 1) * (x - 1);
    }
    /* Bounds of five standard errors; the fourth central moment is 0.502 here. */
    cr_assert_float_eq(sum / DRAWS, 1, 5 * cv / sqrt(DRAWS));
    cr_assert_float_eq(squares / DRAWS, cv * cv, 5 * sqrt(0.502 / DRAWS));
    cr_assert_eq(pcg64_lognormal(&rng, 0), 1);
}
