#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "studies/intervals.h"
#include "tests/unit/arena_fixture.h"

TestSuite(intervals, .init = setup, .fini = teardown);

enum { MAX_ROWS = 39 };

static struct summary_intervals of(const double (*figures)[2], size_t n_rows)
{
    static const char *const keys[] = {"attainment.overall", "cost.total"};
    struct study_row rows[MAX_ROWS];
    struct summary_intervals result = {.level = 0.9};

    for (size_t i = 0; i < n_rows; i++)
        rows[i] = (struct study_row){.figures = figures[i]};
    cr_assert_eq(intervals_of_rows(&result, &arena, rows, n_rows, keys, 2, &diag), ST_OK);
    return result;
}

Test(intervals, have_where_another_run_lies)
{
    double figures[39][2];

    /* 39 figures from 0 to 38 in a mixed order: ranks 2 and 38 of 40. */
    for (size_t i = 0; i < 39; i++)
        figures[i][0] = figures[i][1] = (double)(i * 16 % 39);
    const struct summary_intervals result = of(figures, 39);
    cr_expect_eq(result.n, 2);
    cr_expect_eq(result.n_runs, 39);
    cr_expect_float_eq(result.intervals[1].low, 1, 1e-12);
    cr_expect_float_eq(result.intervals[1].high, 37, 1e-12);
}

/* Mean 8, standard deviation 2: t(0.95; 3) = 2.353363434801825. */
Test(intervals, have_the_mean_over_many)
{
    const double figures[][2] = {{0.9, 6.5}, {0.95, 8}, {1, 9.5}, {1, 8}};
    const struct summary_interval *of_cost = &of(figures, 4).intervals[1];
    const struct summary_interval *share = &of(figures, 4).intervals[0];

    cr_expect_float_eq(of_cost->mean, 8, 1e-12);
    cr_expect_float_eq(of_cost->mean_high, 8 + 2.353363434801825 * sqrt(1.5 / 4), 1e-9);
    cr_expect_float_eq(of_cost->mean_low, 8 - 2.353363434801825 * sqrt(1.5 / 4), 1e-9);
    cr_expect_eq(share->mean_high, 1);
}

Test(intervals, end_where_the_figure_does)
{
    const double figures[][2] = {{0.5, 1}, {0.9, 2}, {0.7, 3}};
    const struct summary_intervals result = of(figures, 3);

    cr_expect_eq(result.intervals[0].low, 0);
    cr_expect_eq(result.intervals[0].high, 1);
    cr_expect_eq(result.intervals[1].low, 0);
    cr_expect(result.intervals[1].high > 3 && result.intervals[1].high < 8);
}

Test(intervals, leave_out_what_a_row_does_not_have)
{
    const double figures[][2] = {{3, 7}, {1, NAN}, {2, 9}};
    const struct summary_intervals result = of(figures, 3);

    cr_assert_eq(result.n, 1);
    cr_expect_str_eq(result.intervals[0].key, "attainment.overall");
}

Test(intervals, keys_are_results_those_by_pool_too)
{
    const struct run_info info = {.n_pools = 2, .pool_names = {"prefill", "decode"}};
    const char *const *keys;
    bool has_pool = false, has_seed = false, has_ttft = false;
    size_t n;

    cr_assert_eq(interval_keys(&keys, &n, &arena, &info, 1, &diag), ST_OK);
    for (size_t i = 0; i < n; i++) {
        cr_expect(summary_key_exists(keys[i], 2, info.pool_names), "%s", keys[i]);
        has_pool = has_pool || strcmp(keys[i], "gpu_hours.by_pool.decode") == 0;
        has_seed = has_seed || strcmp(keys[i], "seed") == 0;
        has_ttft = has_ttft || strcmp(keys[i], "latency_ms.ttft.p99") == 0;
    }
    cr_expect(has_pool && has_ttft && !has_seed);
}
