#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calibration/measured/measured.h"

static struct measured measured;
static struct arena arena;
static struct diag d;

static void setup(void)
{
    arena_init(&arena);
    memset(&measured, 0, sizeof measured);
}

static void teardown(void)
{
    arena_release(&arena);
}

TestSuite(measured, .init = setup, .fini = teardown);

static enum status read_text(const char *text, int64_t clients)
{
    const struct measured_options options = {.clients = clients};

    diag_init(&d);
    return measured_read_memory(&measured, &arena, "m", text, strlen(text), &options, &d);
}

static const struct measured_point *only_point(const char *text, int64_t clients)
{
    cr_assert_eq(read_text(text, clients), ST_OK, "%s", d.text);
    cr_assert_eq(measured.n_points, 1);
    return &measured.point[0];
}

static void check_refused(const char *text, const char *message)
{
    cr_assert_eq(read_text(text, 0), ST_INPUT, "%s", text);
    cr_assert_str_eq(d.text, message);
}

static void check_near(double value, double expected)
{
    cr_assert(fabs(value - expected) < 1e-9 * fabs(expected), "%.15g, not %.15g", value, expected);
}

#define VLLM(load)                                                                                 \
    "{\"date\": \"x\", \"num_prompts\": 3, " load ", \"duration\": 10.0, \"completed\": 2,\n"      \
    " \"input_lens\": [10, 20, 30], \"output_lens\": [3, 0, 1], \"ttfts\": [0.1, 0.0, 0.3],\n"     \
    " \"itls\": [[0.02, 0.04], [], []], \"start_times\": [5.0, 5.5, 6.0],\n"                       \
    " \"generated_texts\": [\"a \\\"b\\\"\", \"\", \"\"], \"errors\": [\"\", \"no\", \"\"]}\n"

Test(measured, vllm_bench_with_every_request)
{
    const struct measured_point *p =
        only_point(VLLM("\"request_rate\": \"inf\", \"max_concurrency\": 2"), 0);

    cr_assert_eq(p->clients, 2);
    cr_assert_eq(p->n_requests, 2, "one failed");
    cr_assert(p->isl_tok[1] == 30 && p->osl_tok[1] == 1 && !p->arrival_ns);
    check_near(p->ttft_ms, 200);
    check_near(p->tpot_ms, 30);
    cr_assert_str_eq(measured.file[0].format, "vllm bench serve");
}

Test(measured, vllm_bench_by_the_clock)
{
    const struct measured_point *p =
        only_point(VLLM("\"request_rate\": 2.0, \"max_concurrency\": null"), 0);

    cr_assert_eq(p->clients, 0);
    cr_assert(p->arrival_ns[0] == 0 && p->arrival_ns[1] == 1000000000);
}

Test(measured, vllm_bench_whose_clients_could_not_keep_up)
{
    cr_assert_eq(only_point(VLLM("\"request_rate\": 2.0, \"max_concurrency\": 2"), 0)->clients, 2);
}

Test(measured, vllm_bench_of_means)
{
    const struct measured_point *p = only_point(
        "{\"request_rate\": \"inf\", \"max_concurrency\": 4, \"completed\": 8, "
        "\"total_input_tokens\": 800, \"total_output_tokens\": 160, \"mean_ttft_ms\": 12.5, "
        "\"mean_tpot_ms\": 3.5}",
        0);

    cr_assert(p->clients == 4 && p->n_requests == 8 && p->isl_tok[7] == 100 && p->osl_tok[7] == 20);
    cr_assert(p->ttft_ms == 12.5 && p->tpot_ms == 3.5);
    cr_assert(measured.file[0].note);
}

Test(measured, vllm_bench_results_appended)
{
    static const char one[] = "{\"completed\": 8, \"total_input_tokens\": 800, "
                              "\"total_output_tokens\": 160, \"mean_ttft_ms\": 12.5, "
                              "\"mean_tpot_ms\": 3.5, \"max_concurrency\": 2}\n";
    char two[2 * sizeof one];

    snprintf(two, sizeof two, "%s%s", one, one);
    cr_assert_eq(read_text(two, 0), ST_OK, "%s", d.text);
    cr_assert_eq(measured.n_points, 2);
    cr_assert_eq(measured.point[1].at.line, 2);
}

Test(measured, vllm_bench_refused)
{
    check_refused("{\"completed\": 8}",
                  "m:1:1: 'total_input_tokens' is missing; expected a result of 'vllm bench serve "
                  "--save-result --save-detailed'");
    check_refused("{\"completed\": 8,\n \"mean_ttft_ms\": NaN}",
                  "m:2:18: 'mean_ttft_ms' must be a number from 0 to 1e+15, not 'NaN'");
    check_refused("{\"input_lens\": [1, 2], \"output_lens\": [1]}",
                  "m:1:1: 'output_lens' has 1 items, 'input_lens' 2; expected one of each request");
    check_refused("{\"input_lens\": [1, ",
                  "m:2:1: 'input_lens' must be a number from 0 to 1000000000000, not ''");
    check_refused("{\"input_lens\": {}}", "m:1:16: not valid JSON: expected '[', found '{'");
    check_refused("{\"input_lens\": [5], \"output_lens\": [0], \"ttfts\": [0], \"itls\": [[]]}",
                  "m:1:1: no request of this run was completed");
    check_refused("{\"a\": [[[}", "m:1:10: not valid JSON: expected a value, found '}'");
}

#define RECORD(start, end, ttft)                                                                   \
    "{\"metadata\": {\"request_start_ns\": " start ", \"request_end_ns\": " end                    \
    ", \"benchmark_phase\": \"profiling\", \"was_cancelled\": false}, \"metrics\": "               \
    "{\"input_sequence_length\": {\"value\": 550, \"unit\": \"tokens\"}, "                         \
    "\"output_sequence_length\": {\"value\": 5, \"unit\": \"tokens\"}, " ttft                      \
    "\"inter_chunk_latency\": {\"value\": [1.0, 2.0], \"unit\": \"ms\"}, "                         \
    "\"request_latency\": {\"value\": 300.0, \"unit\": \"ms\"}}, \"error\": null}\n"
#define TTFT "\"time_to_first_token\": {\"value\": 100.0, \"unit\": \"ms\"}, "
#define FAILED                                                                                     \
    "{\"metadata\": {\"request_start_ns\": 1, \"request_end_ns\": 2}, \"metrics\": null, "         \
    "\"error\": {\"code\": 499}}\n"

Test(measured, aiperf_clients_from_the_requests_in_flight)
{
    const struct measured_point *p =
        only_point(RECORD("1759813207532900363", "1759813208532900363", TTFT)
                       FAILED RECORD("1759813208532900363", "1759813209532900363", TTFT),
                   0);

    cr_assert_eq(p->clients, 1);
    cr_assert_eq(p->n_requests, 2);
    check_near(p->ttft_ms, 100);
    check_near(p->tpot_ms, 50);
    cr_assert_str_eq(measured.file[0].note, "at most 1 requests in flight, 1.0 on average: taken "
                                            "for 1 clients; --concurrency N says it");
}

Test(measured, aiperf_by_the_clock)
{
    const struct measured_point *p =
        only_point(RECORD("2000000000", "2500000000", TTFT) RECORD("1000000000", "1100000000", TTFT)
                       RECORD("1050000000", "1060000000", TTFT),
                   0);

    cr_assert_eq(p->clients, 0);
    cr_assert(p->arrival_ns[0] == 0 && p->arrival_ns[1] == 50000000 &&
              p->arrival_ns[2] == 1000000000);
}

Test(measured, aiperf_clients_that_are_said)
{
    cr_assert_eq(only_point(RECORD("1", "2", TTFT) RECORD("1000", "2000", TTFT), 2)->clients, 2);
    cr_assert(!measured.file[0].note);
}

Test(measured, aiperf_refused)
{
    check_refused(FAILED, "m: no completed request in it");
    check_refused(RECORD("1", "2", TTFT) "\n" RECORD("1", "2", ""),
                  "m:3:1: 'time_to_first_token' is missing; expected a run of aiperf with "
                  "--streaming");
    check_refused(RECORD("3", "2", TTFT), "m:1:1: 'request_end_ns' must not be before its start");
    check_refused(RECORD("1", "2", "\"time_to_first_token\": {\"value\": 1, \"unit\": \"min\"}, "),
                  "m:1:289: 'unit' must be one of ms, s, us, ns, not '\"min\"'");
    check_refused("{\"metrics\": 3}", "m:1:13: not valid JSON: expected '{', found '3'");
}

#define HEADER "concurrency,isl_tok,osl_tok,mean_ttft_ms,mean_tpot_ms"

Test(measured, csv_of_clients)
{
    cr_assert_eq(
        read_text(HEADER ",source\n4,1000,100,50.5,7.25,\n8,1000,100,60,8,inferencex\n", 0), ST_OK,
        "%s", d.text);
    const struct measured_point *p = measured.point;
    cr_assert(p[0].clients == 4 && p[0].n_requests == 40 && p[0].ttft_ms == 50.5);
    cr_assert(p[0].mean_isl_tok == 1000 && p[0].at.line == 2);
    check_near(p[1].mean_isl_tok / 900, 1 + (p[1].mean_isl_tok - 900) / 900);
    cr_assert(fabs(p[1].mean_isl_tok - 900) < 30);
}

Test(measured, csv_of_rates)
{
    cr_assert_eq(read_text("request_rate,isl_tok,osl_tok,mean_ttft_ms,mean_tpot_ms,arrivals,"
                           "requests\n2,10,5,1,1,constant,3\n2,10,5,1,1,,3\n",
                           0),
                 ST_OK, "%s", d.text);
    const struct measured_point *p = measured.point;
    cr_assert(p[0].clients == 0 && p[0].arrival_ns[2] == 1000000000);
    cr_assert(p[1].arrival_ns[2] != 1000000000);
}

Test(measured, csv_refused)
{
    check_refused("concurrency,isl_tok,osl_tok,mean_ttft_ms\n",
                  "m:1: the header has no column 'mean_tpot_ms' (needed are isl_tok, osl_tok, "
                  "mean_ttft_ms, mean_tpot_ms, and concurrency or request_rate)");
    check_refused("isl_tok,osl_tok,mean_ttft_ms,mean_tpot_ms\n",
                  "m:1: the header has neither a column 'concurrency' nor 'request_rate'");
    check_refused(HEADER ",isl_tok\n", "m:1: the column 'isl_tok' is there twice");
    check_refused(HEADER "\n", "m: no measured points in it");
    check_refused(HEADER "\n1,2,3,4\n", "m:2: expected 5 columns, as in the header, found 4");
    check_refused(HEADER "\n1.5,2,3,4,5\n",
                  "m:2: 'concurrency' must be an integer from 1 to 1000000, not '1.5'");
    check_refused(HEADER "\n\n1,2,3,,5\n",
                  "m:3: 'mean_ttft_ms' must be a number from 0.001 to 1000000000, not ''");
    check_refused(HEADER "\n,2,3,4,5\n", "m:2: expected concurrency or request_rate");
    check_refused(HEADER ",model\n1,2,3,4,5,a\n1,2,3,4,5,b\n",
                  "m:3: rows of more than one engine: 'model' is 'b', and 'a' in the first row; "
                  "expected the points of one");
    check_refused(HEADER ",topology\n1,2,3,4,5,disagg\n",
                  "m:2: 'topology' must be agg, not 'disagg': a prefill and a decode pool are two "
                  "engines");
    check_refused(HEADER ",requests\n4,2,3,4,5,3\n", "m:2: 3 requests of 4 clients");
}

Test(measured, other_files)
{
    check_refused("", "m: no measured points in it");
    check_refused("hello\n", "m:1:1: not a file of measured points: 'hello'; there are: AIPerf "
                             "(profile_export.jsonl); vllm bench serve (JSON of --save-result "
                             "--save-detailed); CSV (a header with isl_tok, osl_tok, mean_ttft_ms, "
                             "mean_tpot_ms and concurrency or request_rate)");
}
