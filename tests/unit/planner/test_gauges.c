#include <criterion/criterion.h>
#include <math.h>

#include "planner/dynamo1/gauges.h"

static void put(struct gauge_page *p, enum worker_type type, uint64_t id, double prefill_tok,
                double ttft_s)
{
    cr_assert(gauge_page_set(p, type, id, GAUGE_PREFILL_TOKENS, prefill_tok));
    if (!isnan(ttft_s))
        cr_assert(gauge_page_set(p, type, id, GAUGE_TTFT_S, ttft_s));
}

Test(gauges, a_page_is_read_from_prometheus_text)
{
    struct gauge_page p = {.n = 0};
    const char *text =
        "# TYPE dynamo_frontend_worker_active_prefill_tokens gauge\n"
        "dynamo_frontend_worker_active_prefill_tokens{worker_id=\"7\",dp_rank=\"0\",worker_type="
        "\"prefill\"} 10\n"
        "dynamo_frontend_worker_active_prefill_tokens{worker_id=\"7\",dp_rank=\"1\",worker_type="
        "\"prefill\"} 20.5\n"
        "dynamo_frontend_worker_active_decode_blocks{worker_id=\"3\",worker_type=\"decode\"} 4e2\n"
        "dynamo_frontend_worker_active_decode_blocks{worker_id=\"3\",worker_type=\"router\"} 1\n"
        "dynamo_frontend_worker_active_decode_blocks{worker_id=\"x\",worker_type=\"decode\"} 1\n"
        "dynamo_frontend_worker_active_decode_blocks{worker_id=\"4\",worker_type=\"decode\"} many\n"
        "another_metric{worker_id=\"3\",worker_type=\"decode\"} 1\n"
        "dynamo_frontend_worker_active_decode_blocks{worker_id=\"3\" 5\n"
        "nonsense";

    cr_assert(gauge_page_parse(&p, text));
    cr_assert_eq(p.n, 2);
    cr_assert_eq(p.workers[0].worker_id, 7);
    cr_assert_eq(p.workers[0].gauge[GAUGE_PREFILL_TOKENS], 20.5, "the last rank wins");
    cr_assert_eq(p.workers[1].type, WORKER_DECODE);
    cr_assert_eq(p.workers[1].gauge[GAUGE_DECODE_BLOCKS], 400);
    cr_assert(isnan(p.workers[1].gauge[GAUGE_ITL_S]));
    cr_assert_eq(sample_gauge(&p.workers[1], GAUGE_ITL_S), 0, "absent counts as 0");
    gauge_page_release(&p);
}

Test(gauges, averages_are_per_worker_and_over_all_occurrences)
{
    struct gauge_buffer b;
    struct gauge_page p = {.n = 0};
    struct load_metrics m = {.n_seen = NULL};

    cr_assert(gauge_buffer_init(&b, 10));
    put(&p, WORKER_PREFILL, 1, 10, 1);
    put(&p, WORKER_PREFILL, 2, 100, NAN);
    gauge_buffer_push(&b, &p, false);
    put(&p, WORKER_PREFILL, 2, 300, 4);
    put(&p, WORKER_DECODE, 9, 1, NAN);
    gauge_buffer_push(&b, &p, false);
    cr_assert_eq(gauge_buffer_summarise(&b, WORKER_PREFILL, &m, NULL), ST_OK);
    cr_assert_eq(m.recent.n, 1);
    cr_assert_eq(m.recent.workers[0].worker_id, 2);
    cr_assert_eq(m.averaged.n, 2);
    cr_assert_eq(m.averaged.workers[0].worker_id, 1);
    cr_assert_eq(m.averaged.workers[1].gauge[GAUGE_PREFILL_TOKENS], 200);
    cr_assert_eq(m.averaged.workers[1].gauge[GAUGE_TTFT_S], 4);
    cr_assert_float_eq(m.cluster[GAUGE_PREFILL_TOKENS], 410 / 3.0, 1e-12, "not a mean of means");
    cr_assert_eq(m.cluster[GAUGE_TTFT_S], 2.5);
    cr_assert(isnan(m.cluster[GAUGE_ITL_S]));
    load_metrics_release(&m);
    gauge_page_release(&p);
    gauge_buffer_release(&b);
}

Test(gauges, the_oldest_page_is_dropped_and_empty_ones_are_not_kept)
{
    struct gauge_buffer b;
    struct gauge_page p = {.n = 0};
    struct load_metrics m = {.n_seen = NULL};

    cr_assert(gauge_buffer_init(&b, 3));
    cr_assert_not(gauge_buffer_has(&b, WORKER_DECODE));
    for (int i = 1; i <= 5; i++) {
        put(&p, WORKER_DECODE, 1, i, NAN);
        gauge_buffer_push(&b, &p, false);
        gauge_buffer_push(&b, &p, false);
    }
    cr_assert_eq(b.n, 3);
    cr_assert_eq(gauge_buffer_summarise(&b, WORKER_DECODE, &m, NULL), ST_OK);
    cr_assert_eq(m.cluster[GAUGE_PREFILL_TOKENS], 4);
    cr_assert_eq(m.recent.workers[0].gauge[GAUGE_PREFILL_TOKENS], 5);
    cr_assert_eq(m.recent.n, 1);
    cr_assert_not(gauge_buffer_has(&b, WORKER_PREFILL));
    for (int i = 0; i < 3; i++)
        gauge_buffer_push(&b, &p, true);
    cr_assert_not(gauge_buffer_has(&b, WORKER_DECODE), "kept empty pages push the old ones out");
    load_metrics_release(&m);
    gauge_page_release(&p);
    gauge_buffer_release(&b);
}

Test(gauges, a_type_missing_on_the_last_page_has_no_recent_workers)
{
    struct gauge_buffer b;
    struct gauge_page p = {.n = 0};
    struct load_metrics m = {.n_seen = NULL};

    cr_assert(gauge_buffer_init(&b, 3));
    put(&p, WORKER_PREFILL, 1, 10, 1);
    gauge_buffer_push(&b, &p, false);
    put(&p, WORKER_DECODE, 2, 10, 1);
    gauge_buffer_push(&b, &p, false);
    cr_assert_eq(gauge_buffer_summarise(&b, WORKER_PREFILL, &m, NULL), ST_OK);
    cr_assert_eq(m.recent.n, 0);
    cr_assert_eq(m.averaged.n, 1);
    load_metrics_release(&m);
    gauge_page_release(&p);
    gauge_buffer_release(&b);
}
