#include <criterion/criterion.h>
#include <math.h>

#include "traces/open_load.h"
#include "util/units.h"

/* 2 per s for 500 s, none for 100 s, then up to 10 per s within 400 s: 3,000 requests. */
static const struct curve_point rate[] = {{0, 2}, {500, 2}, {500, 0}, {600, 0}, {1000, 10}};
static const struct curve_point factor[] = {{0, 1}, {550, 1}, {550, 3}};

static struct request_source open_it(struct open_load **load, bool even, uint64_t seed)
{
    struct open_load_config config = {.rate_per_s = {5, rate},
                                      .isl_factor = {3, factor},
                                      .even = even,
                                      .isl_tok = {100, 200},
                                      .osl_tok = {0, 9},
                                      .seed = seed};
    struct diag d;
    diag_init(&d);
    cr_assert_eq(open_load_create(load, &config, &d), ST_OK);
    return open_load_source(*load);
}

/* Requests in each tenth of the time. */
static uint64_t count(bool even, uint64_t seed, double n[10])
{
    struct open_load *load;
    struct request_source source = open_it(&load, even, seed);
    struct trace_request r;
    struct diag d;
    int64_t last_ns = 0;

    for (int i = 0; i < 10; i++)
        n[i] = 0;
    while (request_source_next(&source, &r, &d) == ST_OK) {
        double at_s = s_from_ns(r.arrival_ns);
        uint32_t times = at_s < 550 ? 1 : 3;
        cr_assert_geq(r.arrival_ns, last_ns);
        cr_assert(r.isl_tok >= 100 * times && r.isl_tok <= 200 * times && r.osl_tok <= 9);
        n[(int)(at_s / 100)]++;
        last_ns = r.arrival_ns;
    }
    cr_assert_eq(request_source_next(&source, &r, &d), ST_END);
    cr_assert_float_eq(request_source_progress(&source), 1, 1e-12);
    uint64_t digest = request_source_digest(&source);
    open_load_free(load);
    return digest;
}

static const double due[10] = {200, 200, 200, 200, 200, 0, 125, 375, 625, 875};

Test(open_load, even_arrivals_are_as_many_as_are_due)
{
    double n[10];

    for (uint64_t seed = 1; seed <= 20; seed++) {
        count(true, seed, n);
        for (int i = 0; i < 10; i++)
            cr_expect_leq(fabs(n[i] - due[i]), 1, "seed %d, %d: %g", (int)seed, i, n[i]);
    }
}

Test(open_load, poisson_arrivals_vary_as_they_should)
{
    double n[10], sum = 0, squares = 0;

    for (uint64_t seed = 1; seed <= 100; seed++) {
        count(false, seed, n);
        cr_assert_eq(n[5], 0);
        for (int i = 0; i < 10; i++) {
            sum += n[i];
            squares += due[i] > 0 ? (n[i] - due[i]) * (n[i] - due[i]) / due[i] : 0;
        }
    }
    /* Of 300,000 and of 900 with a standard deviation of 42. */
    cr_expect_float_eq(sum, 300000, 4 * 548);
    cr_expect_float_eq(squares, 900, 4 * 43);
}

Test(open_load, a_seed_gives_the_same_requests_again)
{
    double n[10];

    cr_expect_eq(count(false, 7, n), count(false, 7, n));
    cr_expect_neq(count(false, 7, n), count(false, 8, n));
    cr_expect_neq(count(false, 7, n), count(true, 7, n));
}
