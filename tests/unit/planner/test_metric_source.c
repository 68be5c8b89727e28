#include <criterion/criterion.h>
#include <math.h>

#include "planner/metric_source.h"

static struct traffic_window busy(void)
{
    return (struct traffic_window){.length_s = 60,
                                   .n_requests = 10,
                                   .ttft_sum_s = 3,
                                   .n_ttft = 12,
                                   .itl_sum_s = 2,
                                   .n_itl = 100,
                                   .duration_sum_s = 50,
                                   .n_duration = 10,
                                   .isl_sum_tok = 12000,
                                   .n_isl = 12,
                                   .osl_sum_tok = 1000,
                                   .n_osl = 10};
}

static struct traffic_window no_series(void)
{
    return (struct traffic_window){.length_s = 60,
                                   .ttft_sum_s = NAN,
                                   .n_ttft = NAN,
                                   .itl_sum_s = NAN,
                                   .n_itl = NAN,
                                   .duration_sum_s = NAN,
                                   .n_duration = NAN,
                                   .isl_sum_tok = NAN,
                                   .n_isl = NAN,
                                   .osl_sum_tok = NAN,
                                   .n_osl = NAN};
}

Test(metric_source, a_busy_window_reads_alike_but_for_the_duration)
{
    struct traffic_window w = busy();
    struct traffic_means frontend = frontend_traffic(&w), router = router_traffic(&w, false);

    cr_assert_float_eq(frontend.ttft_ms, 250, 1e-9);
    cr_assert_float_eq(frontend.itl_ms, 20, 1e-9);
    cr_assert_eq(frontend.n_requests, 10);
    cr_assert_eq(frontend.isl_tok, 1000);
    cr_assert_eq(frontend.osl_tok, 100);
    cr_assert_eq(frontend.duration_s, 5);
    cr_assert_float_eq(router.ttft_ms, 250, 1e-9);
    cr_assert_eq(router.duration_s, 0);
    cr_assert_eq(router_traffic(&w, true).duration_s, 5);
}

Test(metric_source, an_idle_window_is_invalid_at_the_frontend_and_zero_at_the_router)
{
    struct traffic_window idle = {.length_s = 60}, none = no_series();

    struct traffic_means before = frontend_traffic(&none);
    cr_assert(traffic_is_valid(&before), "no series yet: zeros");
    cr_assert_eq(before.ttft_ms, 0);
    struct traffic_means after = frontend_traffic(&idle);
    cr_assert(isnan(after.itl_ms));
    cr_assert_eq(after.n_requests, 0);
    struct traffic_means router = router_traffic(&idle, false);
    cr_assert(traffic_is_valid(&router));
    cr_assert_eq(router.isl_tok, 0);
    router = router_traffic(&none, true);
    cr_assert(traffic_is_valid(&router));
    cr_assert_eq(router.duration_s, 0);
}

Test(metric_source, frontends_are_averaged_without_weights)
{
    const struct metric_series series[] = {{"Llama", "ns", true, 1},   {"llama", "ns", true, 4},
                                           {"llama", "NS", true, 100}, {"other", "ns", true, 100},
                                           {NULL, "ns", true, 100},    {"llama", "ns", false, 100}};

    cr_assert_eq(frontend_mean(series, 6, "llama", "ns"), 2.5);
    cr_assert_eq(frontend_sum(series, 6, "llama", "ns"), 5);
    cr_assert_eq(frontend_mean(series, 0, "llama", "ns"), 0);
    const struct metric_series idle[] = {{"m", "ns", true, NAN}, {"m", "ns", true, 2}};
    cr_assert(isnan(frontend_mean(idle, 2, "m", "ns")));
}

Test(metric_source, the_router_uses_its_first_row)
{
    const struct metric_series series[] = {{NULL, NULL, true, 3}, {NULL, NULL, true, 9}};
    const struct metric_series idle[] = {{NULL, NULL, true, NAN}},
                               broken[] = {{NULL, NULL, false, 3}};

    cr_assert_eq(router_value(series, 2), 3);
    cr_assert_eq(router_value(series, 0), 0);
    cr_assert_eq(router_value(idle, 1), 0);
    cr_assert_eq(router_value(broken, 1), 0);
}
