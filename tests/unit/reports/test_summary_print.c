#include "test_report_fixture.h"

static const struct recorder_options no_files = {.info = &run_info, .keep_medians = true};

static char *printed(const struct summary *y, bool colour)
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    summary_print(y, &(struct terminal){.out = out, .colour = colour, .utf8 = true});
    fclose(out);
    return text;
}

/* Characters, not bytes. */
static int widest_line(const char *text)
{
    int widest = 0, width = 0;

    for (; *text; text++) {
        width = *text == '\n' ? 0 : width + (((unsigned char)*text & 0xC0) != 0x80);
        widest = width > widest ? width : widest;
    }
    return widest;
}

/* clang-format off */
static const char golden[] =
    "by-hand   policy planner (constant)   seed 7\n"
    "  trace           traces/data/by-hand.jsonl\n"
    "  prefill         1 GPU per worker, h200_sxm/vllm/Llama-3.1-8B-FP8/TP1\n"
    "  decode          2 GPUs per worker, h200_sxm/vllm/Llama-3.1-8B-FP8/TP2\n"
    "\n"
    "SLA attainment        28.57 %  TTFT <= 1000 ms and TPOT <= 50 ms, of all offered\n"
    "  TTFT alone          42.85 %  1 completed above the target\n"
    "  TPOT alone          42.85 %  1 completed above the target\n"
    "  windows             50.00 %  of 6 with traffic, mean TTFT and ITL\n"
    "\n"
    "Requests              offered  completed       lost rejected unfinished retried\n"
    "                            7          4          1        1          1       2\n"
    "  warm-up                   1   not in any figure\n"
    "\n"
    "Latency, ms           mean      p50      p75      p90      p95      p99      max\n"
    "  TTFT              900.00   750.00  1250.00  1700.00  1850.00  1970.00  2000.00\n"
    "  TTST               36.67    40.00    50.00    56.00    58.00    59.60    60.00\n"
    "  ITL                18.57    10.00    10.00    39.99    39.99    39.99    40.00\n"
    "  TPOT               33.33    40.00    45.00    48.00    49.00    49.80    50.00\n"
    "  E2E               990.00   830.00  1275.00  1770.00  1935.00  2067.00  2100.00\n"
    "\n"
    "Throughput, per s    requests out tokens  in tokens\n"
    "  completed              0.04       0.20      10.00\n"
    "  within the SLA         0.02       0.06           20.0 requests per GPU-hour\n"
    "\n"
    "GPU-hours               total   starting       idle       busy   draining\n"
    "  prefill               0.028      0.000      0.010      0.015      0.003\n"
    "  decode                0.072      0.010      0.020      0.040      0.002\n"
    "  all                   0.100      0.010      0.030      0.055      0.005\n"
    "  wasted                0.005   18.0 GPU-seconds on requests lost later\n"
    "\n"
    "Fleet             3.60 GPUs on average, 9 at most; 6 workers at most\n"
    "Scaling           4 decisions, 4 workers added, 2 removed\n"
    "Waiting           at most 2 workers for GPUs\n"
    "Failures          0 workers, 2 starts\n"
    "Nodes             1 failed, 4 reclaimed, and 3 workers with them\n"
    "KV cache          prefix hits 12.80 %, at most 87.50 % in use, 5 preemptions\n"
    "Cost              0.27 USD; 13611.111 per 1M output tokens, 136.111 per 1,000\n"
    "                  good requests\n"
    "\n"
    "Over time\n"
    "  offered         ▁▃▆█  0 to 1.5 per s\n"
    "  prefill         ████  2 workers\n"
    "  decode          ▃▆▇█  2 to 6 workers\n"
    "  queue           ████  6 requests\n"
    "  p50 TTFT        ▂█    99 to 490 ms\n"
    "\n"
    "Simulation        1 min 50 s in 0.250 s, 440 times real time\n"
    "                  32 requests/s, 123,456 events, 24 MiB at most\n";
/* clang-format on */

Test(summary_print, report_of_the_hand_made_run)
{
    struct summary y;
    struct recorder *recorder = run_by_hand(&no_files, &y);
    char *text = printed(&y, false);

    cr_assert_str_eq(text, golden);
    free(text);
    recorder_free(recorder);
}

Test(summary_print, percentiles_that_are_not_exact_say_so)
{
    struct recorder_options options = {.info = &run_info, .max_exact = 3};
    struct summary y;
    struct recorder *recorder = run_by_hand(&options, &y);
    char *text = printed(&y, false);

    cr_assert_not_null(
        strstr(text, "\n                  too many requests to keep each: percentiles within "
                     "0.049 %,\n                  mean and max exact\n"),
        "%s", text);
    free(text);
    recorder_free(recorder);
}

Test(summary_print, colour_changes_nothing_but_colour)
{
    struct summary y;
    struct recorder *recorder = run_by_hand(&no_files, &y);
    char *text = printed(&y, true), *to = text;

    cr_assert_not_null(strstr(text, "\033[31m          1\033[0m")); /* lost */
    for (const char *from = text; *from;) {
        if (*from == '\033')
            from = strchr(from, 'm') + 1;
        else
            *to++ = *from++;
    }
    *to = '\0';
    cr_assert_str_eq(text, golden);
    free(text);
    recorder_free(recorder);
}

Test(summary_print, run_without_requests_shows_dashes)
{
    struct run_info info = {.scenario = "empty",
                            .n_pools = 1,
                            .pool_names = {"agg"},
                            .gpus_per_worker = {8},
                            .policy = "static"};
    struct recorder_options options = {.info = &info};
    struct recorder *recorder;
    struct run_result *result = calloc(1, sizeof *result);
    struct summary y;
    struct diag d;

    diag_init(&d);
    cr_assert_eq(recorder_open(&recorder, &options, &d), ST_OK);
    cr_assert_eq(summary_compute(&y, recorder, result, 0, NULL, &d), ST_OK);
    char *text = printed(&y, false);
    cr_assert_null(strstr(text, "nan"), "%s", text);
    cr_assert_null(strstr(text, "Cost"));
    cr_assert_null(strstr(text, "Over time"));
    cr_assert_null(strstr(text, "Simulation"));
    cr_assert_not_null(strstr(text, "SLA attainment              -  "));
    free(text);
    free(result);
    recorder_free(recorder);
}

Test(summary_print, wide_figures_and_long_names_stay_within_80_columns)
{
    static char name[301];
    struct run_info info = run_info;
    struct summary y;
    struct recorder_options options = {.info = &info};
    struct distribution huge = {9, 1e9, 1e9, 1e9, 1e9, 123456789.5, 9999999.99, 9e12};

    for (int i = 0; i < 300; i += 2)
        memcpy(name + i, "é", 2);
    info.scenario = info.trace = info.profiles[0] = info.policy_details = name;
    info.pool_names[0] = "a-pool-of-a-rather-long-name";
    struct recorder *recorder = run_by_hand(&options, &y);
    y.latency_ms.ttft = y.latency_ms.itl = y.latency_ms.e2e = huge;
    y.requests.offered = y.requests.completed = 999999999;
    y.attainment.n_windows = y.requests.missed_ttft = 999999999;
    y.scaling.decisions = y.scaling.up = y.scaling.down = 1000000;
    y.scaling.mean_gpus = y.gpu_hours.total = 1e8;
    y.cost.total = y.cost.per_million_output_tokens = y.cost.per_thousand_good_requests = 1e8;
    y.kv.preemptions = 1000000000;
    y.offered_rps.n = y.ttft_ms.n = SUMMARY_SPARK_SIZE;
    y.offered_rps.min = 1.23456e-5;
    y.offered_rps.max = 1.23456e15;
    y.ttft_ms.min = 1234567.8;
    y.ttft_ms.max = 9999999.4;
    y.performance.events = 10000000000;
    y.performance.speedup = y.performance.requests_per_wall_s = 1e7;
    char *text = printed(&y, false);
    cr_assert_leq(widest_line(text), TERMINAL_WIDTH, "%d\n%s", widest_line(text), text);
    free(text);
    recorder_free(recorder);
}

Test(summary_print, is_in_ascii_where_the_terminal_has_no_more)
{
    struct summary y;
    struct recorder *recorder = run_by_hand(&no_files, &y);
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    summary_print(&y, &(struct terminal){.out = out});
    fclose(out);
    for (const char *c = text; *c; c++)
        cr_assert((unsigned char)*c < 0x80);
    cr_assert_not_null(strstr(text, "\n  decode          :+*#  2 to 6 workers\n"), "%s", text);
    free(text);
    recorder_free(recorder);
}
