#include "scenario_fixture.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "scenarios/compose/build.h"
#include "util/units.h"

TestSuite(scenario, .init = setup, .fini = teardown);

static const char agg[] = "trace: {path: t.jsonl}\n"
                          "engine: {profile: p}\n"
                          "pools: {agg: {replicas: 2}}\n";
static const char disagg[] = "trace: {path: /abs/t.jsonl}\n"
                             "engine: {profile: some/p.h5, max_num_seqs: 64}\n"
                             "pools:\n"
                             "  prefill: {replicas: 1, max_num_seqs: 8, profile: q}\n"
                             "  decode: {replicas: 3, gpus_per_worker: 2}\n"
                             "sla: {ttft_ms: 700}\n"
                             "policy: {type: planner, load_predictor: constant, itl: 33}\n";

static void parse(const char *text)
{
    cr_assert_eq(read_with(text, NULL), ST_OK, "%s", diag.text);
}

Test(scenario, defaults_are_those_of_the_contract)
{
    parse(agg);
    cr_expect_str_eq(sc.name, "f");
    cr_expect_str_eq(sc.trace.path, "dir/t.jsonl");
    cr_expect_str_eq(sc.trace.format, "auto");
    cr_expect_eq(sc.trace.limit, 0);
    cr_expect_eq(sc.trace.block_size_tok, 512);
    cr_expect_eq(sc.trace.speedup, 1);
    cr_expect_eq(sc.sla.ttft_ms, 1500);
    cr_expect_eq(sc.sla.tpot_ms, 50);
    cr_expect_eq(sc.sla.window_s, 180);
    cr_expect_eq(sc.seed, 1);
    cr_expect_str_eq(sc.compat, "none");
    cr_expect_str_eq(sc.router, "round_robin");
    cr_expect_str_eq(sc.policy.type, "static");
    const struct engine_settings *e = &sc.pools[POOL_AGG].engine;
    cr_expect_str_eq(e->profile[0], "p");
    cr_expect_str_eq(e->latency_model, "auto");
    cr_expect_eq(e->block_size_tok, 0);
    cr_expect_eq(e->kv_blocks, 0);
    cr_expect_eq(e->max_num_seqs, 256);
    cr_expect_eq(e->max_num_batched_tokens, 8192);
    cr_expect(e->chunked_prefill);
    cr_expect(isnan(sc.kv_transfer.bytes_per_token));
    cr_expect_eq(sc.kv_transfer.bandwidth_gb_s, 64);
    cr_expect_eq(sc.startup.delay_s, 30);
    cr_expect_str_eq(sc.scale_down.mode, "drain");
    cr_expect_eq(sc.scale_down.grace_s, 600);
    cr_expect_str_eq(sc.scale_down.lost_requests, "fail");
    cr_expect_eq(sc.output.sample_s, 10);
}

Test(scenario, a_pool_overrides_the_engine)
{
    parse(disagg);
    cr_expect_not(sc.pools[POOL_AGG].present);
    cr_expect_eq(sc.pools[POOL_PREFILL].engine.max_num_seqs, 8);
    cr_expect_str_eq(sc.pools[POOL_PREFILL].engine.profile[0], "q");
    cr_expect_eq(sc.pools[POOL_DECODE].engine.max_num_seqs, 64);
    cr_expect_str_eq(sc.pools[POOL_DECODE].engine.profile[0], "dir/some/p.h5");
    cr_expect_eq(sc.pools[POOL_DECODE].gpus_per_worker, 2);
    cr_expect_str_eq(sc.trace.path, "/abs/t.jsonl");
}

Test(scenario, targets_of_the_policy_are_those_of_the_sla)
{
    parse(disagg);
    cr_expect_eq(scenario_planner(&sc)->ttft_ms, 700);
    cr_expect_eq(scenario_planner(&sc)->itl_ms, 33);
    cr_expect_eq(scenario_planner(&sc)->max_gpu_budget, 8);
    cr_expect_eq(scenario_planner(&sc)->throughput_adjustment_interval_s, 180);
    cr_assert_eq(read_with(disagg, OVERRIDES("sla.tpot_ms=20", "policy.itl=null")), ST_OK);
    cr_expect_eq(scenario_planner(&sc)->itl_ms, 20);
}

Test(scenario, an_override_reaches_every_key)
{
    cr_assert_eq(
        read_with(disagg, OVERRIDES("seed=7", "pools.decode.replicas=9", "engine.max_num_seqs=32",
                                    "policy.fixes=[clamp-forecast, prophet-time]",
                                    "trace.path=x.jsonl", "router.decode=least_loaded")),
        ST_OK, "%s", diag.text);
    cr_expect_eq(sc.seed, 7);
    cr_expect_eq(sc.pools[POOL_DECODE].replicas, 9);
    cr_expect_eq(sc.pools[POOL_DECODE].engine.max_num_seqs, 32);
    cr_expect_eq(sc.pools[POOL_PREFILL].engine.max_num_seqs, 8);
    cr_expect_eq(__builtin_popcount(scenario_planner(&sc)->fixes), 2);
    cr_expect_str_eq(sc.trace.path, "x.jsonl");
    cr_expect_null(sc.pools[POOL_PREFILL].router);
    cr_expect_str_eq(sc.pools[POOL_DECODE].router, "least_loaded");
}

Test(scenario, one_router_for_all_becomes_one_per_pool)
{
    cr_assert_eq(read_with(disagg, OVERRIDES("router=least_loaded", "router.decode=round_robin")),
                 ST_OK, "%s", diag.text);
    cr_expect_str_eq(sc.pools[POOL_PREFILL].router, "least_loaded");
    cr_expect_str_eq(sc.pools[POOL_DECODE].router, "round_robin");
}

Test(scenario, the_last_override_wins_and_a_null_pool_is_gone)
{
    cr_assert_eq(read_with(agg, OVERRIDES("seed=2", "seed=3", "pools.agg=null",
                                          "pools.prefill.replicas=1", "pools.decode.replicas=1")),
                 ST_OK, "%s", diag.text);
    cr_expect_eq(sc.seed, 3);
    cr_expect_not(sc.pools[POOL_AGG].present);
}

Test(scenario, a_whole_number_may_have_a_point)
{
    cr_assert_eq(read_with(agg, OVERRIDES("trace.limit=1e3", "engine.kv_blocks=7000.0")), ST_OK,
                 "%s", diag.text);
    cr_expect_eq(sc.trace.limit, 1000);
    cr_expect_eq(sc.pools[POOL_AGG].engine.kv_blocks, 7000);
}

Test(scenario, a_number_may_be_a_name)
{
    cr_assert_eq(read_with(agg, OVERRIDES("name=70")), ST_OK, "%s", diag.text);
    cr_expect_str_eq(sc.name, "70");
}

Test(scenario, positions_point_at_the_closest_key)
{
    parse(disagg);
    struct source_pos at = scenario_engine_at(&sc, POOL_PREFILL, "profile");
    cr_expect_eq(at.line, 4);
    at = scenario_engine_at(&sc, POOL_DECODE, "profile");
    cr_expect_eq(at.line, 2);
    at = scenario_engine_at(&sc, POOL_DECODE, "kv_blocks");
    cr_expect_eq(at.line, 2);
    at = scenario_at(&sc, "cost.per_gpu_hour");
    cr_expect_eq(at.line, 0);
    cr_expect_str_eq(at.file, "dir/f.yaml");
}

static char *printed(void)
{
    char *text;
    size_t n;
    FILE *out = open_memstream(&text, &n);

    scenario_print(&sc, "/work dir", out);
    fclose(out);
    return text;
}

static void check_reads_back(const char *text, const char *const *overrides)
{
    cr_assert_eq(read_with(text, overrides), ST_OK, "%s", diag.text);
    char *first = printed();
    parse(first);
    char *second = printed();
    cr_expect_str_eq(second, first);
    free(first);
    free(second);
}

Test(scenario, what_is_printed_reads_back)
{
    check_reads_back(agg, NULL);
    check_reads_back(disagg, NULL);
    check_reads_back(
        agg, OVERRIDES("name=\"\\x01\\n\\t\\\\ \\x7f\\x85\\u2028\\ufeff\\ufffe\\u00e9\\U0001F600\"",
                       "description='null'"));
    check_reads_back(agg, OVERRIDES("name='010'", "description='.5'"));
    check_reads_back(agg, OVERRIDES("name='-'", "description='+1'"));
    check_reads_back(disagg,
                     OVERRIDES("name=null", "description='a: \"b\" # c'", "policy.compat=fixed",
                               "policy.max_gpu_budget=-1", "kv_transfer.bytes_per_token=0.1",
                               "cost.per_gpu_hour={a b: 1, c: 2.5}",
                               "expect=['requests.lost == 0', 'attainment.overall>=0.9']"));
}

/* The file in the repository, to be compared with what the table of keys gives. */
static void check_current(const char *path, void (*write)(FILE *out), const char *command)
{
    char *now, *committed;
    size_t n_now, n = 0;
    FILE *out = open_memstream(&now, &n_now);

    write(out);
    fclose(out);
    committed = calloc(1, n_now + 2);
    FILE *file = fopen(path, "rb");
    if (file) {
        n = fread(committed, 1, n_now + 1, file);
        fclose(file);
    }
    cr_expect(n == n_now && memcmp(now, committed, n) == 0,
              "%s is out of date; write it again with: headroom %s", path, command);
    free(now);
    free(committed);
}

Test(scenario, the_schema_file_is_current)
{
    check_current(PROJECT_DIR "/scenarios/scenario.schema.json", scenario_write_schema,
                  "list schema");
}

Test(scenario, the_reference_is_current)
{
    check_current(PROJECT_DIR "/docs/scenario.md", scenario_write_reference, "list keys");
}

static void build_shipped(const char *name)
{
    static const char *const dirs[] = {PROJECT_DIR "/engines/data", NULL};
    const struct profile_search search = {dirs};
    struct run_resources *resources;
    struct scenario_run run;

    struct scenario_source source = {.n_overlays = 0};
    cr_assert_eq(scenario_text_read(&source.file, &arena, name, "a scenario", &diag), ST_OK, "%s",
                 diag.text);
    cr_assert_eq(scenario_read(&sc, &arena, &source, &diag), ST_OK, "%s", diag.text);
    cr_assert_eq(run_resources_create(&resources, &search, &diag), ST_OK);
    cr_assert_eq(scenario_build(&run, &sc, &arena, resources, false, &diag), ST_OK, "%s",
                 diag.text);
    cr_expect(run.configs[0].n_pools > 0 && run.configs[0].pools[0].engine.kv_blocks > 0);
    scenario_run_release(&run);
    run_resources_free(resources);
}

Test(scenario, shipped_scenarios_build)
{
    build_shipped(PROJECT_DIR "/scenarios/conversation-disagg.yaml");
    build_shipped(PROJECT_DIR "/scenarios/conversation-agg-static.yaml");
    build_shipped(PROJECT_DIR "/scenarios/azure-code-disagg-70b.yaml");
}

Test(scenario, building_fills_in_what_the_profile_says)
{
    static const char *const dirs[] = {PROJECT_DIR "/engines/data", NULL};
    const struct profile_search search = {dirs};
    struct run_resources *resources;
    struct scenario_run run;
    const char *text =
        "trace: {path: " PROJECT_DIR "/traces/data/azure_code_2023_slice.csv.gz, limit: 5}\n"
        "engine: {profile: h100_sxm/vllm/Llama-3.3-70B-FP8/TP4, cold_start_ms: 250, "
        "block_size_tok: 16}\n"
        "pools: {prefill: {replicas: 2}, decode: {replicas: 1, max_num_seqs: 32}}\n"
        "startup: {delay_s: 12.5}\n"
        "scale_down: {mode: terminate, lost_requests: retry}\n"
        "policy: {type: planner, load_predictor: constant}\n"
        "span: {warmup_s: 3, duration_s: 60}\n"
        "cost: {per_gpu_hour: {h100_sxm: 2.5}}\n";

    parse(text);
    cr_assert_eq(run_resources_create(&resources, &search, &diag), ST_OK);
    cr_assert_eq(scenario_build(&run, &sc, &arena, resources, false, &diag), ST_OK, "%s",
                 diag.text);
    const struct deployment_config *c = &run.configs[0];
    cr_expect_eq(c->n_pools, 2);
    cr_expect_str_eq(c->pools[0].name, "prefill");
    cr_expect_eq(c->pools[1].role, POOL_DECODE);
    cr_expect_eq(c->pools[0].gpus_per_worker, 4);
    cr_expect_eq(c->pools[0].engine.kv_blocks, 224133 / 16);
    cr_expect_eq(c->pools[0].engine.cold_start_ns, 250 * NS_PER_MS);
    cr_expect_eq(c->pools[0].profile, c->pools[1].profile);
    cr_expect_neq(c->pools[0].engine.latency_state, c->pools[1].engine.latency_state);
    cr_expect_eq(c->pools[1].startup_phase_ns[0], 12500 * NS_PER_MS);
    cr_expect_eq(c->kv_bytes_per_token, 327680);
    cr_expect_eq(c->kv_bandwidth_bytes_per_s, 64e9);
    cr_expect_eq(c->scale_down, SCALE_DOWN_TERMINATE);
    cr_expect(c->retry_lost);
    cr_expect_eq(run.config.warmup_ns, 3 * NS_PER_S);
    cr_expect_eq(run.config.duration_ns, 60 * NS_PER_S);
    cr_expect_eq(run.config.drain_ns, TIME_NEVER);
    cr_expect_eq(c->ttft_target_ns, 1500 * NS_PER_MS);
    cr_expect_str_eq(run.infos[0].currency, "USD");
    cr_expect_eq(run.infos[0].price_per_gpu_hour[1], 2.5);
    scenario_run_release(&run);
    run_resources_free(resources);
}
