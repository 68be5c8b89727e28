#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "traces/trace_stats.h"
#include "util/pcg.h"
#include "util/units.h"

static struct diag d;

static struct trace_stats *empty(void)
{
    struct trace_stats *s;
    diag_init(&d);
    cr_assert_eq(trace_stats_create(&s, &d), ST_OK);
    return s;
}

static void add(struct trace_stats *s, double at_s, uint32_t isl_tok)
{
    struct trace_request q = {
        .arrival_ns = llrint(at_s * NS_PER_S), .isl_tok = isl_tok, .osl_tok = 1};
    cr_assert_eq(trace_stats_add(s, &q, &d), ST_OK);
}

static double sum(const double *rate, size_t n)
{
    double total = 0;
    for (size_t i = 0; i < n; i++)
        total += rate[i];
    return total;
}

Test(trace_stats, one_request)
{
    struct trace_stats *s = empty();
    double rate[3] = {1, 1, 1};
    add(s, 0, 77);
    trace_stats_rate(s, 3, rate);
    cr_expect(rate[0] == 0 && rate[1] == 0 && rate[2] == 0);
    cr_expect(s->n_requests == 1 && s->gap_ns.n == 0 && s->isl_tok.max == 77);
    cr_expect(s->peak_requests == 1 && s->peak_minute == 0);
    cr_expect(isnan(trace_stats_reuse(s)));
    trace_stats_free(s);
}

Test(trace_stats, the_minute_in_which_most_arrive)
{
    struct trace_stats *s = empty();
    static const double at_s[] = {0, 1, 59.9, 60, 61, 62, 119.999999999, 180, 181, 182, 183};
    for (size_t i = 0; i < sizeof at_s / sizeof *at_s; i++)
        add(s, at_s[i], 10);
    cr_expect(s->peak_requests == 4 && s->peak_minute == 1, "%lld", (long long)s->peak_minute);
    cr_expect_eq(s->gap_ns.max, llrint((180 - 119.999999999) * 1e9));
    trace_stats_free(s);
}

/* Whole windows alone, empty ones too. */
Test(trace_stats, dispersion)
{
    struct trace_stats *s = empty();
    add(s, 0, 10);
    add(s, 0.5, 10);
    cr_expect(isnan(trace_stats_dispersion(s, 0)));
    add(s, 2, 10);
    add(s, 3.5, 10);
    add(s, 4, 10);
    add(s, 4.1, 10); /* 2, 0, 1, 1 in a second each */
    cr_expect_float_eq(trace_stats_dispersion(s, 0), (6.0 / 4 - 1) / 1, 1e-12);
    cr_expect(isnan(trace_stats_dispersion(s, 1)));
    trace_stats_free(s);
}

/* Whatever the span, from milliseconds to years: every request is in one part, and a steady rate is
 * steady. */
Test(trace_stats, rate_over_time)
{
    for (double gap_s = 1e-6; gap_s < 3e4; gap_s *= 7) {
        struct trace_stats *s = empty();
        enum { N = 20000, PARTS = 44 };
        double rate[PARTS];
        for (int i = 0; i <= N; i++)
            add(s, gap_s * i, 10);
        trace_stats_rate(s, PARTS, rate);
        double span_s = s_from_ns(s->last_ns);
        cr_expect_float_eq(sum(rate, PARTS) * span_s / PARTS, N + 1, 1e-6 * N, "gap %g", gap_s);
        for (int i = 0; i < PARTS; i++)
            cr_expect_float_eq(rate[i] * gap_s, 1, gap_s < 1e-4 ? 1 : 0.02, "gap %g part %d: %g",
                               gap_s, i, rate[i] * gap_s);
        trace_stats_free(s);
    }
}

static void add_blocks(struct trace_stats *s, const uint64_t *ids, uint32_t n)
{
    struct trace_request q = {.isl_tok = 1, .n_blocks = n, .block_ids = ids};
    cr_assert_eq(trace_stats_add(s, &q, &d), ST_OK);
}

Test(trace_stats, reuse_of_blocks)
{
    struct trace_stats *s = empty();
    static const uint64_t a[] = {0, 1, UINT64_MAX}, b[] = {0, 1, 5, 6, 7};
    add_blocks(s, a, 3);
    cr_expect_eq(trace_stats_reuse(s), 0);
    add_blocks(s, b, 5);
    cr_expect_float_eq(trace_stats_reuse(s), 2.0 / 8, 1e-12);
    cr_expect(s->prefix_blocks.n == 2 && s->prefix_blocks.min == 0 && s->prefix_blocks.max == 2);
    trace_stats_free(s);
}

/* 40 prompts in as many seconds, the second half of them as the first: whatever the number of bins,
 * in the first half all blocks are new, and none in the second. */
Test(trace_stats, blocks_over_time)
{
    for (double gap_s = 1e-4; gap_s < 3e4; gap_s *= 40) {
        struct trace_stats *s = empty();
        double seen[2], new[2];
        for (uint64_t i = 0; i < 40; i++) {
            uint64_t ids[] = {7 * (i % 20), 7 * (i % 20) + 1, 7 * (i % 20) + 2};
            struct trace_request q = {.arrival_ns = llrint(gap_s * (double)i * NS_PER_S),
                                      .isl_tok = 1,
                                      .n_blocks = 3,
                                      .block_ids = ids};
            cr_assert_eq(trace_stats_add(s, &q, &d), ST_OK);
        }
        trace_stats_blocks_over_time(s, 2, seen, new);
        cr_expect_float_eq(new[0], 60, 3, "gap %g: %g", gap_s, new[0]);
        cr_expect_float_eq(seen[0], 0, 1e-9);
        cr_expect_float_eq(seen[1], 60, 3, "gap %g: %g", gap_s, seen[1]);
        cr_expect_float_eq(seen[0] + seen[1] + new[0] + new[1], 120, 1e-9);
        cr_expect(s->prefix_blocks.n == 40 && s->prefix_blocks.max == 3);
        trace_stats_free(s);
    }
}

/* More ids than are kept; dense and as hashes. */
Test(trace_stats, reuse_of_many_blocks)
{
    for (int hashed = 0; hashed < 2; hashed++) {
        struct trace_stats *s = empty();
        enum { N = 20 * TRACE_IDS_KEPT, RUN = 64 };
        for (uint64_t from = 0; from < N; from += RUN) {
            uint64_t ids[RUN];
            for (uint64_t i = 0; i < RUN; i++)
                ids[i] = hashed ? (from + i) * UINT64_C(0x9E3779B97F4A7C15) : from + i;
            add_blocks(s, ids, RUN);
            if (from % (4 * RUN) == 0)
                add_blocks(s, ids, RUN);
        }
        cr_expect_float_eq(trace_stats_reuse(s), 0.2, 0.005, "%g", trace_stats_reuse(s));
        cr_expect_leq(s->n_ids, TRACE_IDS_KEPT);
        trace_stats_free(s);
    }
}
