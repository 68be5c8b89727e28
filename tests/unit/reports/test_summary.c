#include "test_report_fixture.h"

#include <cjson/cJSON.h>

static const struct recorder_options no_files = {.info = &run_info};
static struct diag d;

static void assert_near(double got, double expected)
{
    cr_assert(fabs(got - expected) <= 1e-12 * fabs(expected), "%.17g, expected %.17g", got,
              expected);
}

static double value_of(const struct summary *y, const char *key)
{
    double v = -1;
    cr_assert(summary_lookup(y, key, &v), "no key %s", key);
    return v;
}

static char *json_of(const struct summary *y)
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    summary_write_json(y, out);
    fclose(out);
    return text;
}

Test(summary, every_measured_request_is_counted_once)
{
    struct summary y;
    struct recorder *recorder = run_by_hand(&no_files, &y);
    cr_assert_eq(y.requests.offered, 7);
    cr_assert_eq(y.requests.completed, 4);
    cr_assert_eq(y.requests.lost, 1);
    cr_assert_eq(y.requests.rejected, 1);
    cr_assert_eq(y.requests.unfinished, 1);
    cr_assert_eq(y.requests.retried, 2);
    cr_assert_eq(y.requests.retries, 3);
    cr_assert_eq(y.requests.outside_span, 1);
    cr_assert_eq(y.requests.good, 2);
    cr_assert_eq(y.requests.missed_ttft, 1);
    cr_assert_eq(y.requests.missed_tpot, 1);
    recorder_free(recorder);
}

Test(summary, attainment_is_over_all_offered_requests)
{
    struct summary y;
    struct recorder *recorder = run_by_hand(&no_files, &y);
    cr_assert_eq(y.attainment.overall, 2.0 / 7);
    cr_assert_eq(y.attainment.ttft, 3.0 / 7); /* requests 1, 2, 3 */
    cr_assert_eq(y.attainment.tpot, 3.0 / 7); /* requests 1, 2 (no TPOT), 4 */
    cr_assert_eq(y.attainment.windows, 0.5);
    cr_assert_eq(y.attainment.n_windows, 6);
    recorder_free(recorder);
}

Test(summary, latency_is_of_completed_requests)
{
    struct summary y;
    struct recorder *recorder = run_by_hand(&no_files, &y);
    /* TTFT 100, 500, 1000, 2000 */
    cr_assert_eq(y.latency_ms.ttft.n, 4);
    assert_near(y.latency_ms.ttft.mean, 900);
    assert_near(y.latency_ms.ttft.p50, 750);
    assert_near(y.latency_ms.ttft.p75, 1250);
    assert_near(y.latency_ms.ttft.p90, 1700);
    assert_near(y.latency_ms.ttft.p95, 1850);
    assert_near(y.latency_ms.ttft.p99, 1970);
    assert_near(y.latency_ms.ttft.max, 2000);
    /* TPOT 10, 40, 50.0000005: a single token has none */
    cr_assert_eq(y.latency_ms.tpot.n, 3);
    assert_near(y.latency_ms.tpot.mean, 100.0000005 / 3);
    assert_near(y.latency_ms.tpot.p50, 40);
    assert_near(y.latency_ms.tpot.max, 50.0000005);
    /* TTST 40, 60, 10 */
    cr_assert_eq(y.latency_ms.ttst.n, 3);
    assert_near(y.latency_ms.ttst.p50, 40);
    /* E2E 660, 1000, 200.000001, 2100 */
    cr_assert_eq(y.latency_ms.e2e.n, 4);
    assert_near(y.latency_ms.e2e.p50, 830);
    assert_near(y.latency_ms.e2e.mean, 3960.000001 / 4);
    /* ITL: ten gaps of 10 ms and four of 40 ms */
    cr_assert_eq(y.latency_ms.itl.n, 14);
    assert_near(y.latency_ms.itl.mean, 260.0 / 14);
    cr_assert(fabs(y.latency_ms.itl.p50 / 10 - 1) <= y.latency_ms.itl_error_relative);
    cr_assert(fabs(y.latency_ms.itl.p90 / 40 - 1) <= y.latency_ms.itl_error_relative);
    assert_near(y.latency_ms.itl.max, 40);
    cr_assert_leq(y.latency_ms.itl_error_relative, 0.0005);
    recorder_free(recorder);
}

Test(summary, latencies_beyond_those_kept_are_within_the_stated_error)
{
    struct recorder_options few = no_files;
    struct summary exact, y;
    few.max_exact = 3;
    struct recorder *all = run_by_hand(&no_files, &exact), *recorder = run_by_hand(&few, &y);
    cr_assert_eq(value_of(&exact, "latency_ms.error_relative"), 0);
    cr_assert_eq(value_of(&y, "latency_ms.error_relative"), 0.5 / 1024);
    cr_assert(fabs(y.latency_ms.ttft.p50 / 750 - 1) <= 0.0005);
    cr_assert(fabs(y.latency_ms.e2e.p99 / exact.latency_ms.e2e.p99 - 1) <= 0.0005);
    assert_near(y.latency_ms.ttft.mean, 900);
    assert_near(y.latency_ms.ttft.max, 2000);
    cr_assert_eq(y.latency_ms.tpot.p50, 40); /* of three values, so still exact */
    recorder_free(all);
    recorder_free(recorder);
}

Test(summary, throughput_is_per_second_of_the_measured_span)
{
    struct summary y;
    struct recorder *recorder = run_by_hand(&no_files, &y);
    cr_assert_eq(y.throughput.span_s, 100);
    assert_near(y.throughput.requests_per_s, 0.04);
    assert_near(y.throughput.output_tokens_per_s, 0.2); /* 5 + 1 + 3 + 11 */
    assert_near(y.throughput.input_tokens_per_s, 10);
    assert_near(y.throughput.goodput_requests_per_s, 0.02);
    assert_near(y.throughput.goodput_output_tokens_per_s, 0.06);
    assert_near(y.throughput.goodput_requests_per_gpu_hour, 20); /* 2 in 0.1 GPU-hours */
    recorder_free(recorder);
}

Test(summary, gpu_hours_add_up_and_cost_follows_the_pools)
{
    struct summary y;
    struct recorder *recorder = run_by_hand(&no_files, &y);
    assert_near(y.gpu_hours.total, 0.1);
    assert_near(y.gpu_hours.starting, 36 / 3600.0);
    assert_near(y.gpu_hours.idle, 108 / 3600.0);
    assert_near(y.gpu_hours.busy, 198 / 3600.0);
    assert_near(y.gpu_hours.draining, 18 / 3600.0);
    assert_near(y.gpu_hours.wasted, 18 / 3600.0);
    assert_near(y.gpu_hours.by_pool[0], 100 / 3600.0);
    assert_near(y.gpu_hours.by_pool[1], 260 / 3600.0);
    assert_near(y.cost.total, (100 * 2 + 260 * 3) / 3600.0);
    assert_near(y.cost.per_million_output_tokens, y.cost.total / 20 * 1e6);
    assert_near(y.cost.per_thousand_good_requests, y.cost.total / 2 * 1e3);
    cr_assert_eq(y.scaling.up, 4);
    cr_assert_eq(y.scaling.down, 2);
    cr_assert_eq(y.scaling.events, 6);
    cr_assert_eq(y.scaling.decisions, 4);
    cr_assert_eq(y.scaling.peak_workers, 6);
    cr_assert_eq(y.scaling.peak_gpus, 9);
    cr_assert_eq(y.scaling.peak_pending, 2);
    cr_assert_eq(y.scaling.failed_starts, 2);
    cr_assert_eq(y.scaling.node_failures, 1);
    cr_assert_eq(y.scaling.reclaims, 4);
    cr_assert_eq(y.scaling.lost_with_nodes, 3);
    assert_near(y.scaling.mean_gpus, 3.6);
    assert_near(y.kv.prefix_hit_rate, 0.128);
    cr_assert_eq(y.kv.peak_utilization, 0.875);
    cr_assert_eq(y.kv.preemptions, 5);
    recorder_free(recorder);
}

Test(summary, windows_tell_of_the_worst)
{
    struct summary y;
    struct recorder *recorder = run_by_hand(&no_files, &y);
    /* Of arrivals in 2.5 s: one good of 10 to 12.5 s among three, none of the next three, none of
     * the last. */
    cr_assert_eq(y.windows.min_attainment, 0);
    assert_near(y.windows.max_ttft_ms, 1050);
    assert_near(y.windows.max_itl_ms, 50);
    assert_near(y.windows.longest_missed_s, 4.5);
    recorder_free(recorder);
}

Test(summary, the_least_attainment_is_of_a_window_with_arrivals)
{
    const struct window_rules rules = {.length_ns = 10, .measured_from_ns = 5};
    struct windows w = {0};

    diag_init(&d);
    cr_assert(isnan(windows_min_attainment(&w)));
    static const struct {
        int64_t arrival_ns;
        bool good;
    } requests[] = {{5, true}, {14, false}, {45, true}, {15, true}, {16, true}, {17, false}};
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++)
        cr_assert_eq(windows_add_request(&w, requests[i].arrival_ns, requests[i].good, &rules, &d),
                     ST_OK);
    assert_near(windows_min_attainment(&w), 0.5);
    cr_assert_eq(windows_add_request(&w, INT64_MAX, false, &rules, &d), ST_OK);
    assert_near(windows_min_attainment(&w), 0.5);
    windows_release(&w);
}

Test(summary, scaling_tells_of_turns)
{
    struct summary y;
    struct recorder *recorder = run_by_hand(&no_files, &y);
    cr_assert_eq(y.scaling.reversals, 2);
    cr_assert_eq(y.scaling.flaps, 1);
    cr_assert_eq(y.scaling.first_up_s, 10);
    cr_assert_eq(y.scaling.first_down_s, 30);
    cr_assert_eq(y.scaling.last_change_s, 95);
    cr_assert_eq(value_of(&y, "scaling.up_by_pool.decode"), 3);
    cr_assert_eq(value_of(&y, "scaling.down_by_pool.prefill"), 0);
    cr_assert_eq(value_of(&y, "scaling.peak_workers_by_pool.prefill"), 3);
    recorder_free(recorder);
}

Test(summary, performance_counts_all_requests)
{
    struct summary y;
    struct recorder *recorder = run_by_hand(&no_files, &y);
    cr_assert_eq(y.performance.simulated_s, 110);
    cr_assert_eq(y.performance.requests_per_wall_s, 32); /* 8 in 0.25 s */
    cr_assert_eq(y.performance.speedup, 440);
    cr_assert_eq(y.performance.events, 123456);
    recorder_free(recorder);
}

Test(summary, exact_target_is_met_and_one_nanosecond_more_is_not)
{
    const struct {
        uint32_t osl;
        int64_t decode_ns;
        bool good;
    } cases[] = {
        {2, MS(50), true},       {2, MS(50) + 1, false}, {4, MS(150), true},
        {4, MS(150) + 1, false}, {4, MS(149), true},     {7, MS(300), true},
        {7, MS(300) + 1, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct recorder *recorder;
        diag_init(&d);
        cr_assert_eq(recorder_open(&recorder, &no_files, &d), ST_OK);
        struct observer o = recorder_observer(recorder);
        struct request_record r = completed(0, 10000, 10, cases[i].osl, 10001, 10002, 10003);
        r.last_token_ns = r.first_token_ns + cases[i].decode_ns;
        cr_assert_eq(o.request(o.context, &r, &d), ST_OK);
        cr_assert_eq(recorder_totals(recorder, 0)->n_tpot_ok, cases[i].good, "case %zu", i);
        recorder_free(recorder);
    }
}

Test(summary, run_without_requests_has_no_figures_but_is_written)
{
    struct run_info info = run_info;
    info.currency = NULL;
    struct recorder_options options = {.info = &info};
    struct recorder *recorder;
    struct run_result *result = calloc(1, sizeof *result);
    struct summary y;

    diag_init(&d);
    cr_assert_eq(recorder_open(&recorder, &options, &d), ST_OK);
    cr_assert_eq(summary_compute(&y, recorder, result, 0, NULL, &d), ST_OK);
    cr_assert(isnan(value_of(&y, "attainment.overall")));
    cr_assert(isnan(value_of(&y, "latency_ms.ttft.p99")));
    cr_assert(isnan(value_of(&y, "throughput.requests_per_s")));
    cr_assert_eq(value_of(&y, "requests.offered"), 0);
    cr_assert_eq(value_of(&y, "gpu_hours.total"), 0);

    char *text = json_of(&y);
    cJSON *json = cJSON_Parse(text);
    cr_assert_not_null(json, "%s", text);
    cr_assert_null(strstr(text, "nan"));
    cr_assert(
        cJSON_IsNull(cJSON_GetObjectItem(cJSON_GetObjectItem(json, "attainment"), "overall")));
    cr_assert(cJSON_IsNull(cJSON_GetObjectItem(cJSON_GetObjectItem(json, "cost"), "total")));
    cr_assert(
        cJSON_IsNull(cJSON_GetObjectItem(cJSON_GetObjectItem(json, "kv"), "prefix_hit_rate")));
    cJSON_Delete(json);
    free(text);
    free(result);
    recorder_free(recorder);
}

Test(summary, json_has_every_promised_key)
{
    static const char *const promised[] = {
        "schema_version",
        "headroom_version",
        "scenario",
        "seed",
        "trace_digest",
        "requests: offered completed lost retried rejected unfinished",
        "sla: ttft_ms tpot_ms",
        "attainment: overall ttft tpot windows",
        "latency_ms: ttft itl tpot e2e ttst",
        "throughput: requests_per_s output_tokens_per_s goodput_requests_per_s",
        "gpu_hours: total starting idle busy draining by_pool",
        "cost: currency total per_million_output_tokens per_thousand_good_requests",
        "scaling: decisions up down peak_workers peak_gpus mean_gpus events",
        "kv: prefix_hit_rate peak_utilization preemptions",
        "policy: name predictor",
        "bounds: perfect_gpu_hours hindsight_gpu_hours regret",
    };
    struct summary y;
    struct recorder *recorder = run_by_hand(&no_files, &y);
    char *text = json_of(&y);
    cJSON *json = cJSON_Parse(text);

    cr_assert_not_null(json);
    for (size_t i = 0; i < sizeof promised / sizeof *promised; i++) {
        char copy[128];
        snprintf(copy, sizeof copy, "%s", promised[i]);
        char *rest, *name = strtok_r(copy, ": ", &rest);
        cJSON *object = cJSON_GetObjectItemCaseSensitive(json, name);
        cr_assert_not_null(object, "%s", name);
        for (char *key = strtok_r(NULL, ": ", &rest); key; key = strtok_r(NULL, ": ", &rest))
            cr_assert(cJSON_HasObjectItem(object, key), "%s.%s", name, key);
    }
    cJSON *families = cJSON_GetObjectItem(json, "latency_ms"), *family;
    static const char *const figures[] = {"mean", "p50", "p75", "p90", "p95", "p99", "max"};
    int n_families = 0;
    cJSON_ArrayForEach(family, families)
    {
        if (!cJSON_IsObject(family))
            continue;
        n_families++;
        for (size_t i = 0; i < 7; i++)
            cr_assert(cJSON_IsNumber(cJSON_GetObjectItem(family, figures[i])));
    }
    cr_assert_eq(n_families, 5);
    cr_assert_str_eq(cJSON_GetStringValue(cJSON_GetObjectItem(json, "trace_digest")),
                     "00000000000012ab");
    cr_assert_str_eq(cJSON_GetStringValue(cJSON_GetObjectItem(json, "scenario")), "by-hand");
    cJSON_Delete(json);
    free(text);
    recorder_free(recorder);
}

/* The value under a dotted key, walked in the parsed JSON. */
static const cJSON *walk(const cJSON *json, const char *key)
{
    char copy[128];
    snprintf(copy, sizeof copy, "%s", key);
    char *rest;
    for (char *part = strtok_r(copy, ".", &rest); part; part = strtok_r(NULL, ".", &rest))
        json = cJSON_GetObjectItemCaseSensitive(json, part);
    return json;
}

Test(summary, lookup_and_json_agree_on_every_key)
{
    struct summary y;
    struct recorder *recorder = run_by_hand(&no_files, &y);
    char *text = json_of(&y);
    cJSON *json = cJSON_Parse(text);
    size_t n = 0;

    for (; summary_key(n); n++) {
        const cJSON *item = walk(json, summary_key(n));
        double v = value_of(&y, summary_key(n));
        cr_assert_not_null(item, "%s", summary_key(n));
        cr_assert(isnan(v) ? cJSON_IsNull(item) : item->valuedouble == v, "%s", summary_key(n));
        cr_assert(summary_key_exists(summary_key(n), 0, NULL));
    }
    cr_assert_gt(n, 80);
    cJSON_Delete(json);
    free(text);
    recorder_free(recorder);
}

Test(summary, pools_are_looked_up_by_name_and_unknown_keys_are_refused)
{
    static const char *const wrong[] = {
        "",
        "attainment",
        "attainment.",
        "attainment.overal",
        "attainment.overall.x",
        "scenario",
        "gpu_hours.by_pool",
        "gpu_hours.by_pool.",
        "gpu_hours.by_pool.agg",
        "policy.name",
        "trace_digest",
        "performance.events",
    };
    struct summary y;
    double v = -1;
    struct recorder *recorder = run_by_hand(&no_files, &y);

    cr_assert_eq(value_of(&y, "gpu_hours.by_pool.prefill"), y.gpu_hours.by_pool[0]);
    cr_assert_eq(value_of(&y, "gpu_hours.by_pool.decode"), y.gpu_hours.by_pool[1]);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        cr_assert_not(summary_lookup(&y, wrong[i], &v), "%s", wrong[i]);
        cr_assert_not(summary_key_exists(wrong[i], 2, run_info.pool_names), "%s", wrong[i]);
    }
    cr_assert_eq(v, -1);
    recorder_free(recorder);
}

Test(summary, equal_runs_give_equal_bytes)
{
    static const char *const names[] = {"requests.csv",    "timeline.csv", "workers.csv",
                                        "decisions.jsonl", "windows.csv",  "summary.json"};
    char *dirs[2];

    for (int i = 0; i < 2; i++) {
        dirs[i] = new_dir();
        struct recorder_options options = {.info = &run_info, .out_dir = dirs[i]};
        struct summary y;
        struct recorder *recorder = run_by_hand(&options, &y);
        cr_assert_eq(recorder_finish(recorder, &y, &d), ST_OK);
        recorder_free(recorder);
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *a = read_text(dirs[0], names[i]), *b = read_text(dirs[1], names[i]);
        cr_assert_str_eq(a, b);
        free(a);
        free(b);
    }
    remove_dir(dirs[0]);
    remove_dir(dirs[1]);
}

Test(summary, curve_is_the_mean_of_each_part)
{
    struct recorder *recorder;
    struct run_result *result = calloc(1, sizeof *result);
    struct summary y;

    diag_init(&d);
    cr_assert_eq(recorder_open(&recorder, &no_files, &d), ST_OK);
    struct observer o = recorder_observer(recorder);
    for (int i = 0; i < 2 * SUMMARY_SPARK_SIZE; i++) {
        struct sample_record sample = {.at_ns = i,
                                       .ready = i,
                                       .n_waiting = 3 * i,
                                       .traffic = {.length_s = 2, .n_arrived = 4 * i}};
        cr_assert_eq(o.sample(o.context, &sample, &d), ST_OK);
    }
    cr_assert_eq(summary_compute(&y, recorder, result, 0, NULL, &d), ST_OK);
    cr_assert_eq(y.workers[0].n, SUMMARY_SPARK_SIZE);
    cr_assert_eq(y.workers[0].value[0], 0.5);
    cr_assert_eq(y.workers[0].value[1], 2.5);
    cr_assert_eq(y.workers[0].max, 2 * SUMMARY_SPARK_SIZE - 1);
    cr_assert_eq(y.offered_rps.value[1], 5);
    cr_assert_eq(y.waiting.value[1], 7.5);
    cr_assert(isnan(y.ttft_ms.value[0]) && isnan(y.ttft_ms.max)); /* nobody asked for it */
    free(result);
    recorder_free(recorder);
}

/* Part k is of the second before and after 2 k s. Three first tokens come in every other one, the
 * slowest of them very late. */
Test(summary, curve_of_ttft_is_of_medians)
{
    const struct recorder_options options = {.info = &run_info, .keep_medians = true};
    struct recorder *recorder;
    struct run_result *result = calloc(1, sizeof *result);
    struct summary y;

    diag_init(&d);
    cr_assert_eq(recorder_open(&recorder, &options, &d), ST_OK);
    struct observer o = recorder_observer(recorder);
    for (int i = 0; i < 2 * SUMMARY_SPARK_SIZE; i++) {
        const struct sample_record sample = {.at_ns = MS(1000 * i)};
        cr_assert_eq(o.sample(o.context, &sample, &d), ST_OK);
    }
    for (int k = 1; k < SUMMARY_SPARK_SIZE; k += 2) {
        const int ttft_ms[] = {10, 10 * (k + 1), 2000 * k};
        for (int i = 0; i < 3; i++) {
            struct request_record q = completed((uint64_t)(3 * k + i), 2000 * k - ttft_ms[i], 100,
                                                1, 2000 * k, -1, 2000 * k);
            q.measured = false; /* all count */
            cr_assert_eq(o.request(o.context, &q, &d), ST_OK);
        }
    }
    cr_assert_eq(summary_compute(&y, recorder, result, 0, NULL, &d), ST_OK);
    cr_assert_eq(y.ttft_ms.n, SUMMARY_SPARK_SIZE);
    for (int k = 0; k < SUMMARY_SPARK_SIZE; k++) {
        double median = y.ttft_ms.value[k];
        cr_assert(k % 2 ? fabs(median / (10 * (k + 1)) - 1) < 0.04 : isnan(median), "%d", k);
    }
    cr_assert_eq(y.ttft_ms.min, y.ttft_ms.value[1]);
    cr_assert_eq(y.ttft_ms.max, y.ttft_ms.value[SUMMARY_SPARK_SIZE - 1]);
    free(result);
    recorder_free(recorder);
}

Test(summary, curve_of_a_constant_is_that_constant)
{
    struct recorder *recorder;
    struct run_result *result = calloc(1, sizeof *result);
    struct summary y;

    diag_init(&d);
    cr_assert_eq(recorder_open(&recorder, &no_files, &d), ST_OK);
    struct observer o = recorder_observer(recorder);
    for (int i = 0; i < 355; i++) {
        struct sample_record sample = {.at_ns = i, .ready = 3};
        cr_assert_eq(o.sample(o.context, &sample, &d), ST_OK);
    }
    cr_assert_eq(summary_compute(&y, recorder, result, 0, NULL, &d), ST_OK);
    for (size_t i = 0; i < y.workers[0].n; i++)
        cr_assert_eq(y.workers[0].value[i], 3);
    free(result);
    recorder_free(recorder);
}
