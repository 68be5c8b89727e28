#include "test_report_fixture.h"

#include <cjson/cJSON.h>

#include "reports/replay_report.h"

static struct diag d;

/* The requests of the hand-made run. */
static struct replay_report report_by_hand(struct run_result *result)
{
    struct replay_report report = {.info = &run_info, .result = result, .wall_s = 0.25};
    struct request_record records[8];
    size_t n = hand_made(records);

    diag_init(&d);
    for (size_t i = n; i-- > 0;) /* in any order */
        cr_assert_eq(replay_report_add(&report, &records[i], &d), ST_OK);
    return report;
}

static char *text_of(struct replay_report *report, bool requests)
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    if (requests)
        replay_report_write_requests(report, out);
    else
        cr_assert_eq(replay_report_write(report, out, &d), ST_OK);
    fclose(out);
    return text;
}

/* In ms: TTFT 500, 1000, 100, 2000; TTST 40, -, 60, 10; TPOT 40, -, 50 and half a ns, 10; E2E 660,
 * 1000, 200 and a ns, 2100. Gaps: 10 of 10 ms, 4 of 40 ms. From 10 s to the last token at 15.1 s.
 */
Test(replay_report, has_the_keys_and_values_of_the_reference)
{
    static const struct {
        const char *key;
        double value;
    } expected[] = {
        {"num_requests", 7},
        {"completed_requests", 4},
        {"total_input_tokens", 1000},
        {"total_output_tokens", 20},
        {"duration_ms", 5100},
        {"wall_time_ms", 250},
        {"request_throughput_rps", 4 / 5.1},
        {"input_throughput_tok_s", 1000 / 5.1},
        {"output_throughput_tok_s", 20 / 5.1},
        {"total_throughput_tok_s", 1020 / 5.1},
        {"prefill_worker_seconds", 100},
        {"decode_worker_seconds", 130},
        {"prefill_gpus_per_worker", 1},
        {"decode_gpus_per_worker", 2},
        {"gpu_hours", 0.1},
        {"goodput_completed_requests", 2},
        {"goodput_request_throughput_rps", 2 / 5.1},
        {"goodput_output_throughput_tok_s", 6 / 5.1},
        {"processed_tokens", 1020},
        {"processed_tokens_per_s", 4080},
        {"processed_output_tokens_per_s", 80},
        {"prefix_cache_reused_ratio", 0.128},
        {"first_admission_prefix_cache_reused_ratio", 0.128},
        {"mean_ttft_ms", 900},
        {"min_ttft_ms", 100},
        {"max_ttft_ms", 2000},
        {"median_ttft_ms", 1000}, /* rank 1.5 becomes 2 */
        {"p75_ttft_ms", 1000},
        {"p90_ttft_ms", 2000},
        {"p95_ttft_ms", 2000},
        {"p99_ttft_ms", 2000},
        {"std_ttft_ms", 710.6335201775948}, /* sqrt(505000) */
        {"mean_ttst_ms", 110. / 3},
        {"min_ttst_ms", 10},
        {"max_ttst_ms", 60},
        {"median_ttst_ms", 40},
        {"p75_ttst_ms", 60},
        {"p90_ttst_ms", 60},
        {"p95_ttst_ms", 60},
        {"p99_ttst_ms", 60},
        {"std_ttst_ms", 20.54804667656325}, /* sqrt(3800 / 9) */
        {"mean_tpot_ms", 100.0000005 / 3},
        {"min_tpot_ms", 10},
        {"max_tpot_ms", 50.0000005},
        {"median_tpot_ms", 40},
        {"p75_tpot_ms", 50.0000005},
        {"p90_tpot_ms", 50.0000005},
        {"p95_tpot_ms", 50.0000005},
        {"p99_tpot_ms", 50.0000005},
        {"std_tpot_ms", 16.99673185}, /* sqrt(2600 / 9), and a little */
        {"mean_itl_ms", 260. / 14},
        {"min_itl_ms", 10},
        {"max_itl_ms", 40},
        {"median_itl_ms", 10},
        {"p75_itl_ms", 40}, /* rank 9.75 becomes 10 */
        {"p90_itl_ms", 40},
        {"p95_itl_ms", 40},
        {"p99_itl_ms", 40},
        {"std_itl_ms", 13.552618543578766}, /* sqrt(36000 / 196) */
        {"mean_e2e_latency_ms", 990.00000025},
        {"min_e2e_latency_ms", 200.000001},
        {"max_e2e_latency_ms", 2100},
        {"median_e2e_latency_ms", 1000},
        {"p75_e2e_latency_ms", 1000},
        {"p90_e2e_latency_ms", 2100},
        {"p95_e2e_latency_ms", 2100},
        {"p99_e2e_latency_ms", 2100},
        {"std_e2e_latency_ms", 700.9279564}, /* sqrt(491300), and a little less */
        {"mean_output_token_throughput_per_user", 1100. / 14},
        {"min_output_token_throughput_per_user", 25},
        {"max_output_token_throughput_per_user", 100},
        {"median_output_token_throughput_per_user", 100},
        {"p75_output_token_throughput_per_user", 100},
        {"p90_output_token_throughput_per_user", 100},
        {"p95_output_token_throughput_per_user", 100},
        {"p99_output_token_throughput_per_user", 100},
        {"std_output_token_throughput_per_user", 33.88154635894692}, /* 75 sqrt(40) / 14 */
    };
    struct run_result *result = hand_made_result();
    struct replay_report report = report_by_hand(result);
    char *text = text_of(&report, false);
    cJSON *root = cJSON_Parse(text);

    cr_assert_eq(cJSON_GetArraySize(root), sizeof expected / sizeof *expected);
    const cJSON *item = root->child;
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++, item = item->next) {
        cr_expect_str_eq(item->string, expected[i].key);
        bool is_of_gaps = strstr(expected[i].key, "itl") || strstr(expected[i].key, "per_user");
        double allowed = is_of_gaps                        ? 2 * QUANTILES_ERROR
                         : strstr(expected[i].key, "std_") ? 1e-7
                                                           : 1e-12;
        cr_expect(fabs(item->valuedouble / expected[i].value - 1) <= allowed,
                  "%s is %.17g, expected %.17g", item->string, item->valuedouble,
                  expected[i].value);
    }
    cJSON_Delete(root);
    free(text);
    replay_report_release(&report);
    free(result);
}

Test(replay_report, has_completed_requests_by_arrival)
{
    struct run_result *result = hand_made_result();
    struct replay_report report = report_by_hand(result);
    char *text = text_of(&report, true);

    cr_expect_str_eq(
        text,
        "{\"session_id\": null, \"turn_index\": null, \"uuid\": "
        "\"00000000-0000-0000-0000-000000000001\", \"arrival_time_ms\": 10000, \"first_admit_ms\": "
        "10000, \"first_token_ms\": 10500, \"last_token_ms\": 10660, \"ttft_ms\": 500, "
        "\"ttst_ms\": 40, \"e2e_latency_ms\": 660, \"itl_ms\": 40, \"input_length\": 100, "
        "\"output_length\": 5, \"reused_input_tokens\": 0, \"prefill_worker_idx\": 0, "
        "\"decode_worker_idx\": 0}\n"
        "{\"session_id\": null, \"turn_index\": null, \"uuid\": "
        "\"00000000-0000-0000-0000-000000000002\", \"arrival_time_ms\": 11000, \"first_admit_ms\": "
        "11000, \"first_token_ms\": 12000, \"last_token_ms\": 12000, \"ttft_ms\": 1000, "
        "\"ttst_ms\": null, \"e2e_latency_ms\": 1000, \"itl_ms\": null, \"input_length\": 200, "
        "\"output_length\": 1, \"reused_input_tokens\": 0, \"prefill_worker_idx\": 0, "
        "\"decode_worker_idx\": 0}\n"
        "{\"session_id\": null, \"turn_index\": null, \"uuid\": "
        "\"00000000-0000-0000-0000-000000000003\", \"arrival_time_ms\": 12000, \"first_admit_ms\": "
        "12000, \"first_token_ms\": 12100, \"last_token_ms\": 12200.000001, \"ttft_ms\": 100, "
        "\"ttst_ms\": 60, \"e2e_latency_ms\": 200.000001, \"itl_ms\": 50.0000005, "
        "\"input_length\": 300, \"output_length\": 3, \"reused_input_tokens\": 0, "
        "\"prefill_worker_idx\": 0, \"decode_worker_idx\": 0}\n"
        "{\"session_id\": null, \"turn_index\": null, \"uuid\": "
        "\"00000000-0000-0000-0000-000000000004\", \"arrival_time_ms\": 13000, \"first_admit_ms\": "
        "13000, \"first_token_ms\": 15000, \"last_token_ms\": 15100, \"ttft_ms\": 2000, "
        "\"ttst_ms\": 10, \"e2e_latency_ms\": 2100, \"itl_ms\": 10, \"input_length\": 400, "
        "\"output_length\": 11, \"reused_input_tokens\": 128, \"prefill_worker_idx\": 12, "
        "\"decode_worker_idx\": 345}\n");
    free(text);
    replay_report_release(&report);
    free(result);
}

Test(replay_report, has_0_where_there_is_nothing)
{
    struct run_result *result = calloc(1, sizeof *result);
    struct replay_report report = {.info = &run_info, .result = result, .wall_s = NAN};
    char *text = text_of(&report, false);
    cJSON *root = cJSON_Parse(text);

    for (const cJSON *item = root->child; item; item = item->next) {
        bool of_wall_time = strstr(item->string, "wall_time") || strstr(item->string, "processed_");
        bool is_gpus = strstr(item->string, "gpus_per_worker") != NULL;
        if (!is_gpus && !of_wall_time)
            cr_expect_eq(item->valuedouble, 0, "%s", item->string);
    }
    cr_expect(cJSON_IsNull(cJSON_GetObjectItem(root, "wall_time_ms")));
    cJSON_Delete(root);
    free(text);
    free(result);
}
