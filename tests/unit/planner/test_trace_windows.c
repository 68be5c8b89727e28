#include <criterion/criterion.h>

#include "planner/trace_windows.h"

static void fill(struct trace_windows *w, const double rows[][3], size_t n)
{
    struct diag d;

    diag_init(&d);
    trace_windows_init(w, 60);
    for (size_t i = 0; i < n; i++)
        cr_assert_eq(trace_windows_add(w, rows[i][0], rows[i][1], rows[i][2], &d), ST_OK);
}

static const double arrivals[][3] = {
    {59999, 100, 10}, {60000, 200, 30}, {119000, 400, 50}, {310000, 7, 8}};

Test(trace_windows, start_at_multiples_of_the_interval_and_leave_gaps_out)
{
    struct trace_windows w;
    struct diag d;

    diag_init(&d);
    fill(&w, arrivals, 4);
    cr_assert_eq(trace_windows_finish(&w, false, &d), ST_OK);
    cr_assert_eq(w.n, 3);
    cr_assert_eq(w.rows[0].start_s, 0);
    cr_assert_eq(w.rows[1].start_s, 60);
    cr_assert_eq(w.rows[1].n_requests, 2);
    cr_assert_eq(w.rows[1].isl_tok, 300);
    cr_assert_eq(w.rows[1].osl_tok, 40);
    cr_assert_eq(w.rows[2].start_s, 300);
    trace_windows_release(&w);
}

Test(trace_windows, gaps_are_zero_rows_with_the_fix)
{
    struct trace_windows w;
    struct diag d;

    diag_init(&d);
    fill(&w, arrivals, 4);
    cr_assert_eq(trace_windows_finish(&w, true, &d), ST_OK);
    cr_assert_eq(w.n, 6);
    for (size_t i = 0; i < 6; i++)
        cr_assert_eq(w.rows[i].start_s, (int64_t)i * 60);
    cr_assert_eq(w.rows[3].n_requests, 0);
    cr_assert_eq(w.rows[5].isl_tok, 7);
    trace_windows_release(&w);
}

Test(trace_windows, late_lines_go_into_their_own_window)
{
    const double rows[][3] = {{70000, 1, 1}, {10000, 2, 2}, {75000, 3, 3}, {11000, 4, 4}};
    struct trace_windows w;
    struct diag d;

    diag_init(&d);
    fill(&w, rows, 4);
    cr_assert_eq(trace_windows_finish(&w, false, &d), ST_OK);
    cr_assert_eq(w.n, 2);
    cr_assert_eq(w.rows[0].isl_tok, 3);
    cr_assert_eq(w.rows[1].isl_tok, 2);
    trace_windows_release(&w);
}
