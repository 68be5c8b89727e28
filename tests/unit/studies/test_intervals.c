#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "studies/intervals.h"
#include "util/pcg.h"

static struct arena arena;
static struct diag diag;

static void setup(void)
{
    arena_init(&arena);
    diag_init(&diag);
}

static void teardown(void)
{
    arena_release(&arena);
}

TestSuite(intervals, .init = setup, .fini = teardown);

enum { MAX_ROWS = 400 };

static struct summary_intervals of(const double (*figures)[2], size_t n_rows)
{
    static const char *const keys[] = {"attainment.overall", "cost.total"};
    struct study_row rows[MAX_ROWS];
    struct summary_intervals result;

    for (size_t i = 0; i < n_rows; i++)
        rows[i] = (struct study_row){.figures = figures[i]};
    cr_assert_eq(intervals_of_rows(&result, &arena, rows, n_rows, keys, 2, 0.9, &diag), ST_OK);
    return result;
}

Test(intervals, lie_between_ranks_of_the_sorted_figures)
{
    double figures[39][2];

    /* 39 figures from 0 to 38 in a mixed order: ranks 2 and 38 of 40. */
    for (size_t i = 0; i < 39; i++)
        figures[i][0] = figures[i][1] = (double)(i * 16 % 39);
    const struct summary_intervals result = of(figures, 39);
    cr_assert_eq(result.n, 2);
    cr_expect_eq(result.n_runs, 39);
    cr_expect_float_eq(result.intervals[0].low, 1, 1e-12);
    cr_expect_float_eq(result.intervals[0].high, 37, 1e-12);
    /* 24: ranks 1.25 and 23.75 of 25. */
    for (size_t i = 0; i < 24; i++)
        figures[i][0] = (double)(i * 5 % 24);
    cr_expect_float_eq(of(figures, 24).intervals[0].low, 0.25, 1e-12);
    cr_expect_float_eq(of(figures, 24).intervals[0].high, 22.75, 1e-12);
}

Test(intervals, of_few_rows_are_their_range)
{
    const double figures[][2] = {{3, 0}, {1, 0}, {2, 0}};

    cr_expect_eq(of(figures, 3).intervals[0].low, 1);
    cr_expect_eq(of(figures, 3).intervals[0].high, 3);
    cr_expect_eq(of(figures, 1).intervals[0].low, 3);
    cr_expect_eq(of(figures, 1).intervals[0].high, 3);
    cr_expect_eq(of(figures, 0).n, 0);
}

Test(intervals, leave_out_what_a_row_does_not_have)
{
    const double figures[][2] = {{3, 7}, {1, NAN}, {2, 9}};
    const struct summary_intervals result = of(figures, 3);

    cr_assert_eq(result.n, 1);
    cr_expect_str_eq(result.intervals[0].key, "attainment.overall");
}

/* One more draw lies within as often as it says, for any number of rows. */
Test(intervals, hold_the_next_draw_at_their_level)
{
    enum { N_TIMES = 4000 };
    struct pcg64 rng;

    pcg64_stream(&rng, 1, "test", 0);
    for (size_t n = 19; n <= 60; n += 41) {
        size_t n_within = 0;
        for (int t = 0; t < N_TIMES; t++) {
            double figures[60][2];
            for (size_t i = 0; i < n; i++)
                figures[i][0] = figures[i][1] = pcg64_lognormal(&rng, 1);
            double next = pcg64_lognormal(&rng, 1);
            const struct summary_intervals result = of(figures, n);
            n_within += next >= result.intervals[0].low && next <= result.intervals[0].high;
        }
        cr_expect_float_eq((double)n_within / N_TIMES, 0.9, 0.015, "%zu: %zu", n, n_within);
    }
}

Test(intervals, keys_are_results_those_by_pool_too)
{
    const struct run_info info = {.n_pools = 2, .pool_names = {"prefill", "decode"}};
    const char *const *keys;
    bool has_pool = false, has_seed = false, has_ttft = false;
    size_t n;

    cr_assert_eq(interval_keys(&keys, &n, &arena, &info, &diag), ST_OK);
    for (size_t i = 0; i < n; i++) {
        cr_expect(summary_key_exists(keys[i], 2, info.pool_names), "%s", keys[i]);
        has_pool = has_pool || strcmp(keys[i], "gpu_hours.by_pool.decode") == 0;
        has_seed = has_seed || strcmp(keys[i], "seed") == 0;
        has_ttft = has_ttft || strcmp(keys[i], "latency_ms.ttft.p99") == 0;
    }
    cr_expect(has_pool && has_ttft && !has_seed);
}
