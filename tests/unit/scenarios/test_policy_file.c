#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "scenarios/keys/keys_internal.h"
#include "scenarios/keys/policy_file.h"
#include "scenarios/keys/scenario.h"
#include "scenarios/text/yaml_tree.h"
#include "scenarios/text/yaml_write.h"
#include "util/pcg.h"

static struct arena arena;
static struct diag diag;
static struct planner_config config;

static void setup(void)
{
    arena_init(&arena);
    diag_init(&diag);
    key_presets(planner_keys, &config);
}

static void teardown(void)
{
    arena_release(&arena);
}

TestSuite(policy_file, .init = setup, .fini = teardown);

static enum status read_text(const char *text)
{
    const struct yaml_node *root;
    const char *taken;

    diag_init(&diag);
    return policy_file_parse(&policy_planner, &config, &root, &taken, &arena, "d/planner.yaml",
                             text, strlen(text), &diag);
}

static void reads(const char *text)
{
    cr_assert_eq(read_text(text), ST_OK, "%s", diag.text);
}

static void refuses(const char *text, const char *message)
{
    cr_assert_eq(read_text(text), ST_INPUT, "%s", text);
    cr_expect_str_eq(diag.text, message);
}

/* Every field of the reference, none at its default. */
static const char json[] =
    "{\"environment\": \"virtual\", \"namespace\": \"ns\", \"backend\": \"sglang\",\n"
    " \"mode\": \"prefill\", \"no_operation\": true, \"log_dir\": \"logs\",\n"
    " \"throughput_adjustment_interval\": 90, \"max_gpu_budget\": -1, \"min_endpoint\": 3,\n"
    " \"decode_engine_num_gpu\": 2, \"prefill_engine_num_gpu\": 4,\n"
    " \"profile_results_dir\": \"results\", \"ttft\": 200.5, \"itl\": 20,\n"
    " \"load_predictor\": \"prophet\", \"load_predictor_log1p\": true,\n"
    " \"prophet_window_size\": 20, \"load_predictor_warmup_trace\": \"warm.jsonl\",\n"
    " \"kalman_q_level\": 2, \"kalman_q_trend\": 0.2, \"kalman_r\": 5, \"kalman_min_points\": 9,\n"
    " \"metric_pulling_prometheus_endpoint\": \"http://p:9090\",\n"
    " \"metric_reporting_prometheus_port\": 9085, \"no_correction\": false,\n"
    " \"model_name\": \"m\", \"global_planner_namespace\": \"g\",\n"
    " \"throughput_metrics_source\": \"router\", \"enable_throughput_scaling\": false,\n"
    " \"enable_load_scaling\": true, \"load_router_metrics_url\": \"http://r:8000\",\n"
    " \"load_adjustment_interval\": 7, \"load_learning_window\": 60,\n"
    " \"load_scaling_down_sensitivity\": 70, \"load_metric_samples\": 4,\n"
    " \"load_min_observations\": 6, \"pre_deployment_sweeping_mode\": \"thorough\"}\n";

Test(policy_file, every_field_of_the_reference_is_known)
{
    size_t n_fields = 0, n_given = 0;

    reads(json);
    for (const struct key *k = planner_keys; k->name; k++)
        n_fields += k->in_own_file;
    for (const struct foreign_key *f = planner_foreign_keys; f->name; f++)
        n_fields += strstr(json, f->name) && !f->version;
    for (const char *p = json; (p = strstr(p, "\": ")); p++)
        n_given++;
    cr_expect_eq(n_given, n_fields);
    cr_expect_str_eq(config.environment, "virtual");
    cr_expect_str_eq(config.mode, "prefill");
    cr_expect_eq(config.throughput_adjustment_interval_s, 90);
    cr_expect_eq(config.max_gpu_budget, -1);
    cr_expect_eq(config.prefill_engine_num_gpu, 4);
    cr_expect_eq(config.ttft_ms, 200.5);
    cr_expect_eq(config.itl_ms, 20);
    cr_expect_str_eq(config.load_predictor, "prophet");
    cr_expect_eq(config.kalman_r, 5);
    cr_expect_not(config.no_correction);
    cr_expect_not(config.enable_throughput_scaling);
    cr_expect(config.enable_load_scaling);
    cr_expect_str_eq(config.throughput_metrics_source, "router");
    cr_expect_eq(config.load_scaling_down_sensitivity, 70);
    cr_expect_str_eq(config.load_predictor_warmup_trace, "d/warm.jsonl", "beside the file");
}

Test(policy_file, values_mean_what_they_mean_to_the_reference)
{
    reads("enable_load_scaling: yes\nno_operation: 'On'\nload_predictor_log1p: 1\n"
          "no_correction: off\nmin_endpoint: '4'\nttft: '1e3'\nmax_gpu_budget: 16.0\n"
          "load_router_metrics_url: null\npre_deployment_sweeping_mode: null\n");
    cr_expect(config.enable_load_scaling);
    cr_expect(config.no_operation);
    cr_expect(config.load_predictor_log1p);
    cr_expect_not(config.no_correction);
    cr_expect_eq(config.min_endpoint, 4);
    cr_expect_eq(config.ttft_ms, 1000);
    cr_expect_eq(config.max_gpu_budget, 16);
    cr_expect_null(config.load_router_metrics_url);
    cr_expect_str_eq(config.pre_deployment_sweeping_mode, "none");
}

Test(policy_file, what_is_wrong_is_told_with_its_position)
{
    refuses("mode: disagg\nttfx: 1\n", "d/planner.yaml:2:1: unknown field 'ttfx' in Dynamo's "
                                       "planner configuration; did you mean 'ttft'?");
    refuses("fixes: []\n", "d/planner.yaml:1:1: unknown field 'fixes' in Dynamo's planner "
                           "configuration; set it as policy.fixes of the scenario");
    refuses("something_else: 1\n",
            "d/planner.yaml:1:1: unknown field 'something_else' in Dynamo's planner "
            "configuration; 'headroom list keys' lists them under policy");
    refuses("ttft: fast\n", "d/planner.yaml:1:7: ttft must be a number >= 0, not 'fast'");
    refuses("ttft: null\n", "d/planner.yaml:1:7: ttft must be a number >= 0, not nothing");
    refuses("ttft: [1]\n", "d/planner.yaml:1:7: ttft must be a number >= 0, not a list");
    refuses("mode: both\n",
            "d/planner.yaml:1:7: mode must be one of disagg, prefill, decode, agg, not 'both'");
    refuses("load_metric_samples: 0\n",
            "d/planner.yaml:1:22: load_metric_samples must be an integer from 1 to 1000, not '0'");
    refuses("- 1\n",
            "d/planner.yaml:1:1: expected Dynamo's planner configuration, a map of fields");
    refuses("# nothing\n", "d/planner.yaml: empty; expected Dynamo's planner configuration");
}

/* ---- beside the scenario's own policy ---- */

static struct scenario sc;

static enum status read_scenario(const char *policy)
{
    char text[8192];

    snprintf(text, sizeof text,
             "trace: {path: t.jsonl}\nengine: {profile: p}\nsla: {ttft_ms: 700, tpot_ms: 33}\n"
             "pools: {prefill: {replicas: 1}, decode: {replicas: 1}}\npolicy: {%s}\n",
             policy);
    diag_init(&diag);
    return scenario_parse(&sc, &arena, TEST_DATA_DIR "/scenarios/s.yaml", text, strlen(text), NULL,
                          0, NULL, &diag);
}

Test(policy_file, the_file_wins_over_sla_and_the_scenario_over_the_file)
{
    cr_assert_eq(read_scenario("type: planner, config: planner.yaml"), ST_OK, "%s", diag.text);
    cr_expect_eq(scenario_planner(&sc)->ttft_ms, 1200);
    cr_expect_eq(scenario_planner(&sc)->itl_ms, 33, "the file does not say");
    cr_expect_str_eq(scenario_planner(&sc)->load_predictor, "kalman");
    cr_expect_eq(scenario_planner(&sc)->max_gpu_budget, 24);

    cr_assert_eq(read_scenario("ttft: 900, max_gpu_budget: 6, type: planner, config: planner.yaml"),
                 ST_OK, "%s", diag.text);
    cr_expect_eq(scenario_planner(&sc)->ttft_ms, 900);
    cr_expect_eq(scenario_planner(&sc)->max_gpu_budget, 6);
    cr_expect_str_eq(scenario_planner(&sc)->load_predictor, "kalman");

    cr_assert_eq(read_scenario("type: planner, config: planner.yaml, ttft: null"), ST_OK, "%s",
                 diag.text);
    cr_expect_eq(scenario_planner(&sc)->ttft_ms, 700, "null takes back what the file says");
}

Test(policy_file, rules_across_fields_hold_over_both)
{
    cr_assert_eq(
        read_scenario("type: planner, config: planner.yaml, enable_throughput_scaling: false"),
        ST_INPUT);
    cr_expect_str_eq(diag.text, TEST_DATA_DIR
                     "/scenarios/s.yaml:5:1: at least one of 'enable_throughput_scaling' and "
                     "'enable_load_scaling' must be on");
    cr_assert_eq(read_scenario("type: planner, config: planner.yaml, environment: virtual, "
                               "enable_load_scaling: true"),
                 ST_INPUT);
}

Test(policy_file, only_the_planner_has_one)
{
    cr_assert_eq(read_scenario("type: static, config: planner.yaml"), ST_INPUT);
    cr_expect(strstr(diag.text, "policy.config does not belong to policy.type 'static', but to "
                                "'planner'"),
              "%s", diag.text);
    cr_assert_eq(read_scenario("type: planner, config: nowhere.yaml"), ST_IO);
    cr_expect(strstr(diag.text, "s.yaml:5:33: policy.config: "), "%s", diag.text);
}

/* ---- written ---- */

static char *write_file(const char *const *settings, size_t n, const char *comment,
                        const char **left_out)
{
    const struct policy_file_content content = {&sc, "/work dir", n, settings, comment};
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    cr_assert(out);
    cr_assert_eq(policy_file_write(&content, left_out, &arena, out, &diag), ST_OK, "%s", diag.text);
    fclose(out);
    return text;
}

Test(policy_file, is_written_with_what_differs_and_what_is_set)
{
    static const char *const settings[] = {"policy.min_endpoint=1", "policy.load_predictor=kalman",
                                           "policy.prefill_engine_num_gpu=null",
                                           "engine.max_num_seqs=64"};
    const char *left_out;

    cr_assert_eq(read_scenario("type: planner, itl: 0.1, load_predictor: kalman, min_endpoint: 1, "
                               "load_predictor_warmup_trace: /w.jsonl, no_correction: false"),
                 ST_OK, "%s", diag.text);
    char *text = write_file(settings, 3, NULL, &left_out);
    cr_expect_null(left_out);
    cr_expect_str_eq(text, "min_endpoint: 1\nprefill_engine_num_gpu: null\nttft: 700\nitl: 0.1\n"
                           "load_predictor: kalman\nload_predictor_warmup_trace: /w.jsonl\n"
                           "no_correction: false\n");
    free(text);

    cr_assert_eq(read_scenario("type: planner, fixes: [kalman-min-points], start_delay_s: 0.5"),
                 ST_OK, "%s", diag.text);
    text = write_file(settings + 3, 1, "Of a study.", &left_out);
    cr_expect_str_eq(left_out, "policy.fixes, policy.start_delay_s, engine.max_num_seqs");
    cr_expect_str_eq(text, "# Of a study.\n"
                           "# Not written, as Dynamo's planner configuration has no such fields:\n"
                           "#   policy.fixes: [kalman-min-points]\n"
                           "#   policy.start_delay_s: 0.5\n"
                           "#   engine.max_num_seqs: 64\n"
                           "ttft: 700\nitl: 33\n");
    free(text);
}

Test(policy_file, is_not_written_of_a_policy_without)
{
    const struct policy_file_content content = {&sc, "/", 0, NULL, NULL};
    const char *left_out;

    cr_assert_eq(read_scenario("type: static"), ST_OK, "%s", diag.text);
    cr_assert_eq(policy_file_write(&content, &left_out, &arena, stdout, &diag), ST_INPUT);
    cr_expect_str_eq(diag.text,
                     "policy.type 'static' has no configuration file of its own to be written");
}

static void random_value(FILE *out, const struct key *k, struct pcg64 *rng)
{
    static const char *const texts[] = {"plain", "yes",      "a: b # c", "it's \"so\"",  "0x10",
                                        "null",  "http://x", "- y",      "\xc3\xa9\n\t", "~"};
    static const double numbers[] = {0, 1e-5, 1.0 / 3, 12.5, 500, 123456789.125, 1e12};
    size_t n = 0;

    switch (k->type) {
    case KEY_BOOL:
        fputs(pcg64_below(rng, 2) ? "true" : "false", out);
        return;
    case KEY_INT: {
        int64_t low = (int64_t)fmax(k->min, -50), high = (int64_t)fmin(k->max, 500);
        fprintf(out, "%lld",
                (long long)(low + (int64_t)pcg64_below(rng, (uint64_t)(high - low + 1))));
        return;
    }
    case KEY_NUMBER:
        yaml_write_number(out, fmin(numbers[pcg64_below(rng, 7)], k->max));
        return;
    case KEY_PATH:
        yaml_write_quoted(out, "/a b/x: y.jsonl");
        return;
    case KEY_TEXT:
        yaml_write_quoted(out, texts[pcg64_below(rng, 10)]);
        return;
    default:
        while (key_choice(k, n))
            n++;
        const char *choice = key_choice(k, pcg64_below(rng, n));
        fprintf(out, k->type == KEY_NAMES ? "[%s]" : "%s", choice);
    }
}

/* A policy from a written file and the keys that the file does not have. */
static char *with_left_out(const char *path)
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    cr_assert(out);
    fprintf(out, "type: planner, config: %s", path);
    for (const struct key *k = planner_keys; k->name; k++) {
        if (k->in_own_file || !scenario_key_applies(&sc, k))
            continue;
        fprintf(out, ", %s: ", k->name);
        if (!scenario_key_print(k, scenario_planner(&sc), "/", out))
            fputs("null", out);
    }
    fclose(out);
    return text;
}

/* Any settings of the planner, those that contradict each other left out. */
Test(policy_file, reads_back_to_what_was_written)
{
    enum { N_TRIES = 1500 };
    char path[] = "/tmp/headroom_policy_file_XXXXXX";
    size_t n_read = 0, n_ours = 0;
    int file = mkstemp(path);
    struct pcg64 rng;

    cr_assert_geq(file, 0);
    close(file);
    pcg64_stream(&rng, 1, "test", 0);
    for (int t = 0; t < N_TRIES; t++) {
        const char *left_out;
        char *text;
        size_t size;
        FILE *out = open_memstream(&text, &size);
        cr_assert(out);
        fputs("type: planner", out);
        for (const struct key *k = planner_keys; k->name; k++) {
            if (pcg64_below(&rng, 4))
                continue;
            fprintf(out, ", %s: ", k->name);
            random_value(out, k, &rng);
        }
        fclose(out);
        enum status s = read_scenario(text);
        free(text);
        if (s)
            continue;
        const struct planner_config want = *scenario_planner(&sc);
        text = write_file(NULL, 0, NULL, &left_out);
        FILE *to = fopen(path, "w");
        cr_assert(to && fputs(text, to) >= 0 && fclose(to) == 0);
        char *policy = with_left_out(path);
        cr_assert_eq(read_scenario(policy), ST_OK, "%s: %s", diag.text, text);
        for (const struct key *k = planner_keys; k->name; k++)
            cr_assert(scenario_key_equal(k, scenario_planner(&sc), &want), "%s: %s", k->name, text);
        bool ours = strcmp(want.compat, "fixed") == 0 || want.fixes || !isnan(want.start_delay_s);
        cr_assert_eq(ours, left_out != NULL);
        free(policy);
        free(text);
        n_read++;
        n_ours += ours;
    }
    unlink(path);
    cr_expect_gt(n_read, 150, "%zu", n_read);
    cr_expect(n_ours > 30 && n_ours + 30 < n_read, "%zu of %zu", n_ours, n_read);
}
