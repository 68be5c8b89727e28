/* Windows of the page of a run of which not all requests are kept. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "pages/run/run_page_internal.h"
#include "util/units.h"

enum { N = 4096, MOST = 512, PER_S = 4 };

static struct run_requests requests;
static struct arena arena;
static struct diag diag;
static const struct recorded run = {.ttft_target_ns = 100 * NS_PER_MS, .tpot_target_ns = NS_PER_S};
static struct run_view view;

/* Four a second, with TTFTs of 1 to 200 ms by turns; one is late, and in no sample. */
static struct recorded_request request_of(uint64_t i)
{
    int64_t ms = i == 1001 ? 1500 : 1 + (int64_t)(i * 37 % 200);

    return (struct recorded_request){.index = i,
                                     .arrival_ns = (int64_t)i * NS_PER_S / PER_S,
                                     .ttft_ns = ms * NS_PER_MS,
                                     .tpot_ns = 20 * NS_PER_MS,
                                     .e2e_ns = 2 * NS_PER_S,
                                     .good = ms <= 100};
}

static void collect(size_t max_kept)
{
    requests = (struct run_requests){.max_kept = max_kept};
    arena_init(&arena);
    diag_init(&diag);
    for (uint64_t i = 0; i < N; i++) {
        const struct recorded_request q = request_of(i);
        cr_assert_eq(run_requests_add(&requests, &q, NULL, &diag), ST_OK);
    }
    view = (struct run_view){.run = &run, .requests = &requests, .arena = &arena, .d = &diag};
    cr_assert_eq(run_page_windows(&view, NULL), ST_OK);
}

static void teardown(void)
{
    run_requests_release(&requests);
    arena_release(&arena);
}

TestSuite(run_windows, .fini = teardown);

/* By hand, of all requests whose first token came in the window. */
static void check_means(void)
{
    double sum[RUN_MAX_WINDOWS] = {0};
    size_t n[RUN_MAX_WINDOWS] = {0}, offered[RUN_MAX_WINDOWS] = {0}, missed[RUN_MAX_WINDOWS] = {0};

    for (uint64_t i = 0; i < N; i++) {
        const struct recorded_request q = request_of(i);
        size_t w = (size_t)(s_from_ns(q.arrival_ns + q.ttft_ns) / view.window_s);
        size_t at = (size_t)(s_from_ns(q.arrival_ns) / view.window_s);
        sum[w] += ms_from_ns(q.ttft_ns);
        n[w]++;
        offered[at]++;
        missed[at] += !q.good;
    }
    for (size_t w = 0; w < view.n_windows; w++) {
        const struct run_window *is = &view.windows[w];
        cr_assert_eq(is->n_offered, offered[w]);
        cr_assert_eq(is->n_missed, missed[w]);
        cr_assert(n[w] ? fabs(is->ttft.mean_ms - sum[w] / (double)n[w]) < 1e-9
                       : isnan(is->ttft.mean_ms));
    }
}

Test(run_windows, of_few_requests_all_figures_are_of_all)
{
    collect(N);
    cr_assert_str_eq(view.sampled, "");
    cr_assert_eq(view.window_s, 10);
    cr_assert_eq(view.n_windows, 103);
    check_means();
    /* 40 requests a window, whose turns go around seven times. */
    cr_assert_float_eq(view.windows[50].ttft.p50_ms, 100, 10);
    cr_assert_float_eq(view.windows[50].ttft.p95_ms, 190, 10);
    cr_assert_float_eq(view.windows[50].tpot.p95_ms, 20, 1e-9);
}

Test(run_windows, of_many_quantiles_are_of_some_and_the_page_says_of_how_many)
{
    collect(MOST);
    cr_assert_str_eq(view.sampled, " of one in 8 requests, evenly out of the trace");
    check_means();
    double sum = 0;
    for (size_t w = 10; w < 90; w++)
        sum += view.windows[w].ttft.p50_ms / 80;
    cr_assert_float_eq(sum, 100, 15, "%g", sum);
    cr_assert_eq(requests.max_ns[RUN_TTFT], 1500 * NS_PER_MS);
}
