/* The key `deployments`: what each of them is told, and what a run of several tells. */
#include "scenario_fixture.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "reports/summary.h"
#include "scenarios/compose/run.h"
#include "scenarios/keys/lookup.h"

TestSuite(deployments, .init = setup, .fini = teardown);

#define TRACE PROJECT_DIR "/traces/data/mooncake_conversation.jsonl.gz"

static const char two[] = "seed: 7\n"
                          "engine: {profile: h200_sxm/vllm/Llama-3.1-8B-FP8/TP1}\n"
                          "sla: {ttft_ms: 900}\n"
                          "trace: {path: " TRACE ", limit: 200}\n"
                          "pools: {agg: {replicas: 2}}\n"
                          "policy: {type: planner, mode: agg, min_endpoint: 3,\n"
                          "         enable_load_scaling: true, enable_throughput_scaling: false}\n"
                          "deployments:\n"
                          "  chat: {sla: {ttft_ms: 700}, policy: {type: static}}\n"
                          "  code:\n"
                          "    trace: {limit: 50}\n"
                          "    policy: {max_gpu_budget: 4}\n";

static const struct planner_config *planner_of(const char *name)
{
    return scenario_planner(scenario_deployment_find(&sc, name));
}

Test(deployments, what_stands_beside_is_the_default_of_each)
{
    cr_assert_eq(read_with(two, NULL), ST_OK, "%s", diag.text);
    cr_assert_eq(sc.n_deployments, 2);
    const struct scenario *chat = scenario_deployment(&sc, 0), *code = scenario_deployment(&sc, 1);

    cr_expect_str_eq(chat->deployment, "chat");
    cr_expect_eq(chat->sla.ttft_ms, 700);
    cr_expect_eq(code->sla.ttft_ms, 900);
    cr_expect_eq(chat->trace.limit, 200);
    cr_expect_eq(code->trace.limit, 50);
    cr_expect_eq(code->pools[POOL_AGG].replicas, 2);
    cr_expect_eq(code->seed, 7);
    cr_expect_null(scenario_deployment_find(&sc, "chats"));
}

/* The planner's keys beside `deployments` are no mistake in one that has another policy. */
Test(deployments, a_policy_of_its_own_leaves_the_keys_of_the_other_out)
{
    cr_assert_eq(read_with(two, NULL), ST_OK, "%s", diag.text);
    cr_expect_str_eq(sc.deployments[0].policy.type, "static");
    cr_expect_eq(planner_of("code")->min_endpoint, 3);
    cr_expect_eq(planner_of("code")->max_gpu_budget, 4);
}

Test(deployments, overrides_reach_each_and_all)
{
    cr_assert_eq(read_with(two, OVERRIDES("deployments.code.policy.min_endpoint=5",
                                          "sla.tpot_ms=33", "deployments.more.sla.tpot_ms=44")),
                 ST_OK, "%s", diag.text);
    cr_assert_eq(sc.n_deployments, 3);
    cr_expect_eq(planner_of("code")->min_endpoint, 5);
    cr_expect_eq(planner_of("more")->min_endpoint, 3);
    cr_expect_eq(sc.deployments[0].sla.tpot_ms, 33);
    cr_expect_eq(sc.deployments[2].sla.tpot_ms, 44);
    cr_assert_eq(read_with(two, OVERRIDES("deployments.code.policy.type=static")), ST_OK, "%s",
                 diag.text);
    cr_expect_str_eq(sc.deployments[1].policy.type, "static");
}

Test(deployments, draws_differ_by_name)
{
    cr_assert_eq(read_with(two, NULL), ST_OK, "%s", diag.text);
    const uint64_t chat = scenario_seed(&sc.deployments[0]);
    cr_expect_eq(scenario_seed(&sc), 7);
    cr_expect_neq(chat, 7);
    cr_expect_neq(chat, scenario_seed(&sc.deployments[1]));
}

static void refused(const char *text, const char *const *overrides, const char *message)
{
    cr_assert_eq(read_with(text, overrides), ST_INPUT, "%s", message);
    cr_expect(strstr(diag.text, message), "%s: %s", message, diag.text);
}

#define HEAD                                                                                       \
    "trace: {path: t}\nengine: {profile: p}\npools: {agg: {replicas: 1}}\n"                        \
    "deployments:\n"

Test(deployments, what_is_of_the_run_is_refused_inside)
{
    refused(HEAD "  a: {seed: 3}\n", NULL,
            "dir/f.yaml:5:7: seed is of the whole run; expected it at the top level, not in "
            "deployments.a");
    refused(HEAD "  a: {span: {warmup_s: 3}}\n", NULL, "5:7: span is of the whole run");
    refused(HEAD "  a: {sla: {window_s: 3}}\n", NULL, "5:13: sla.window_s is of the whole run");
    refused(HEAD "  a: {deployments: {b: {}}}\n", NULL, "5:7: deployments is of the whole run");
    refused(two, OVERRIDES("deployments.chat.cluster.nodes=3"),
            "deployments.chat.cluster.nodes=3: cluster is of the whole run");
}

Test(deployments, mistakes_are_told_with_their_place)
{
    refused(HEAD "  a b: {}\n", NULL, "5:3: 'a b' cannot be the name of a deployment");
    refused(HEAD "  a: 3\n", NULL, "5:6: deployments.a must be a map of keys, not '3'");
    refused("deployments: {}\n", NULL, "1:14: deployments has 0 of them; expected 1 to 32");
    refused("deployments: [a]\n", NULL, "1:14: deployments must be a map of names to keys");
    refused(HEAD "  a: {sla: {ttft: 3}}\n", NULL,
            "5:13: unknown key 'ttft' in sla; did you mean 'ttft_ms'? (deployment a)");
    refused(HEAD "  a: {sla: {ttft_ms: x}}\n", NULL, "5:22: sla.ttft_ms must be");
    refused("trace: {path: t}\nengine: {profile: p}\ndeployments: {a: {}}\n", NULL,
            "pools is missing; expected either agg, or prefill and decode (deployment a)");
    refused("compat: dynosim\n" HEAD "  a: {}\n", NULL,
            "deployments has no counterpart in the reference simulator");
}

/* A key of the run is judged once, by all deployments. */
Test(deployments, a_key_of_the_run_needs_one_that_it_matters_to)
{
    static const char text[] = "trace: {path: t}\nengine: {profile: p}\n"
                               "kv_transfer: {links_per_node: 2}\n"
                               "deployments:\n"
                               "  a: {pools: {agg: {replicas: 1}}}\n"
                               "  b: {pools: {prefill: {replicas: 1}, decode: {replicas: 1}}}\n";

    cr_assert_eq(read_with(text, NULL), ST_OK, "%s", diag.text);
    cr_expect_eq(sc.kv_transfer.links_per_node, 2);
    cr_expect_eq(sc.notes.n, 0);
    refused(HEAD "  a: {}\n", OVERRIDES("kv_transfer.links_per_node=2"),
            "kv_transfer.links_per_node has no effect here");
}

Test(deployments, keys_are_found_and_told_by_path)
{
    const struct key *key;
    const char *text;

    cr_assert_eq(read_with(two, NULL), ST_OK, "%s", diag.text);
    const struct source_pos at = {.file = "--vary"};
    cr_assert_eq(scenario_key_lookup(&key, &policy_static, "deployments.code.policy.min_endpoint",
                                     at, &diag),
                 ST_OK, "%s", diag.text);
    cr_expect_str_eq(key->name, "min_endpoint");
    cr_assert_eq(
        scenario_key_text(&text, &arena, &sc, "deployments.code.policy.min_endpoint", &diag),
        ST_OK);
    cr_expect_str_eq(text, "3");
    cr_assert_eq(scenario_key_text(&text, &arena, &sc, "deployments.chat.sla.ttft_ms", &diag),
                 ST_OK);
    cr_expect_str_eq(text, "700");
    cr_assert_eq(scenario_key_lookup(&key, &policy_static, "deployments.code.seed", at, &diag),
                 ST_INPUT);
    cr_expect(strstr(diag.text, "seed is of the whole run"), "%s", diag.text);
}

static char *print(void)
{
    char *bytes;
    size_t n;
    FILE *out = open_memstream(&bytes, &n);

    scenario_print(&sc, "/", out);
    fclose(out);
    return bytes;
}

Test(deployments, print_reads_back_to_the_same)
{
    cr_assert_eq(read_with(two, NULL), ST_OK, "%s", diag.text);
    char *first = print();
    cr_assert_eq(read_with(first, NULL), ST_OK, "%s", diag.text);
    char *second = print();
    cr_expect_str_eq(first, second);
    free(first);
    free(second);
}

/* ---- one endpoint ---- */

#define ENDPOINT                                                                                   \
    "endpoint: {by: class}\n"                                                                      \
    "deployments: {short: {serves: {isl_tok: [0, 8000]}}, long: {serves: {}}}\n"
#define BEHIND "trace: {path: t}\nengine: {profile: p}\npools: {agg: {replicas: 1}}\n" ENDPOINT

Test(deployments, requests_of_an_endpoint_stand_at_the_top)
{
    cr_assert_eq(read_with(BEHIND, NULL), ST_OK, "%s", diag.text);
    char *first = print();
    cr_assert_eq(read_with(first, NULL), ST_OK, "%s", diag.text);
    cr_expect_eq(sc.deployments[0].serves.isl_tok.highest, 8000);
    char *second = print();
    cr_expect_str_eq(first, second);
    free(first);
    free(second);
    refused(BEHIND, OVERRIDES("deployments.long.trace.limit=3"),
            "trace is of the whole run; expected it at the top level, not in deployments.long");
    refused(BEHIND, OVERRIDES("deployments.long.traffic.arrivals=even"),
            "traffic is of the whole run");
}

/* Whoever draws them, they are the same. */
Test(deployments, requests_of_an_endpoint_are_drawn_once)
{
    cr_assert_eq(read_with(BEHIND, OVERRIDES("replicate=3")), ST_OK, "%s", diag.text);
    cr_expect_eq(scenario_traffic_seed(&sc.deployments[0]), scenario_traffic_seed(&sc));
    cr_expect_eq(scenario_traffic_seed(&sc.deployments[0]),
                 scenario_traffic_seed(&sc.deployments[1]));
    cr_expect_neq(scenario_seed(&sc.deployments[0]), scenario_seed(&sc.deployments[1]));
    cr_assert_eq(read_with(BEHIND, OVERRIDES("endpoint.by=none")), ST_OK, "%s", diag.text);
    cr_expect_neq(scenario_traffic_seed(&sc.deployments[0]),
                  scenario_traffic_seed(&sc.deployments[1]));
}

Test(deployments, mistakes_about_an_endpoint_are_told)
{
    refused(
        BEHIND, OVERRIDES("deployments=null"),
        "4:16: endpoint.by is about several deployments; expected the key deployments, or none");
    refused(BEHIND, OVERRIDES("deployments.short.serves.isl_tok=null"),
            "5:54: no request gets to deployment long: short stands before it and serves all that "
            "it does; expected other `serves`, the narrower first");
    refused(HEAD "  a: {}\n", OVERRIDES("serves.isl_tok=9"),
            "serves.isl_tok has no effect here: it needs endpoint.by class");
    refused("compat: dynosim\n" BEHIND, OVERRIDES("deployments=null"),
            "endpoint.by has no counterpart in the reference simulator");
}

/* ---- runs ---- */

static const struct summary *run(const char *text, const char *const *overrides)
{
    static const char *const dirs[] = {PROJECT_DIR "/engines/data", NULL};
    static const struct profile_search search = {dirs};
    const struct run_options options = {.version = "", .keep_parts = true};
    struct run_resources *resources;
    const struct summary *summary;

    cr_assert_eq(read_with(text, overrides), ST_OK, "%s", diag.text);
    cr_assert_eq(run_resources_create(&resources, &search, &diag), ST_OK);
    cr_assert_eq(run_scenario(&summary, &sc, &arena, resources, &options, &diag), ST_OK, "%s",
                 diag.text);
    run_resources_free(resources);
    return summary;
}

static double figure(const struct summary *summary, const char *key)
{
    double value;

    cr_assert(summary_lookup(summary, key, &value), "%s", key);
    return value;
}

#define ONE                                                                                        \
    "engine: {profile: h200_sxm/vllm/Llama-3.1-8B-FP8/TP1}\n"                                      \
    "trace: {path: " TRACE ", limit: 200}\n"                                                       \
    "pools: {agg: {replicas: 2}}\n"                                                                \
    "router: least_loaded\n"

/* Nothing of it is drawn, so it is as it is alone. */
Test(deployments, a_deployment_is_what_it_is_alone)
{
    static const char *const keys[] = {"requests.good", "latency_ms.ttft.p99", "gpu_hours.busy",
                                       "kv.prefix_hit_rate", "causes.prefill.requests"};
    const struct summary *alone = run(ONE, NULL);
    const struct summary *beside = run(ONE "deployments: {a: {}, b: {trace: {limit: 90}}}\n", NULL);

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        char path[80];
        snprintf(path, sizeof path, "deployments.a.%s", keys[i]);
        cr_expect_eq(figure(alone, keys[i]), figure(beside, path), "%s", keys[i]);
    }
}

Test(deployments, the_whole_is_the_sum)
{
    const struct summary *y =
        run(ONE "cost: {per_gpu_hour: 2}\n"
                "deployments: {a: {}, b: {trace: {limit: 90}, sla: {ttft_ms: 100}}}\n",
            NULL);
    const struct summary *a = &y->deployments[0], *b = &y->deployments[1];
    double ignored;

    cr_assert_eq(y->n_deployments, 2);
    cr_expect_eq(y->requests.offered, 290);
    cr_expect_eq(y->requests.good, a->requests.good + b->requests.good);
    cr_expect_eq(y->attainment.overall, (double)y->requests.good / 290);
    cr_expect_lt(b->attainment.ttft, a->attainment.ttft);
    cr_expect_float_eq(y->attainment.ttft,
                       (200 * a->attainment.ttft + 90 * b->attainment.ttft) / 290, 1e-12);
    cr_expect_eq(y->attainment.n_windows, a->attainment.n_windows + b->attainment.n_windows);
    cr_expect_eq(y->windows.min_attainment,
                 fmin(a->windows.min_attainment, b->windows.min_attainment));
    cr_expect_float_eq(y->gpu_hours.total, a->gpu_hours.total + b->gpu_hours.total, 1e-12);
    cr_expect_float_eq(y->cost.total, 2 * y->gpu_hours.total, 1e-12);
    cr_expect_eq(y->scaling.peak_gpus, 4);
    cr_expect_float_eq(y->scaling.mean_gpus, 4, 1e-9);
    cr_expect(isnan(y->latency_ms.ttft.p99) && isnan(y->sla.ttft_ms));
    cr_expect_str_eq(y->policy.name, "static");
    cr_expect_not(summary_lookup(y, "deployments.c.requests.good", &ignored));
    cr_expect_not(summary_lookup(y, "deployments.a.requests.goods", &ignored));
}

Test(deployments, an_endpoint_gives_each_request_to_one)
{
    const struct summary *one = run(ONE, NULL);
    const struct summary *y = run(ONE ENDPOINT, NULL);
    const struct summary *behind = &y->deployments[0], *rest = &y->deployments[1];

    cr_expect_eq(y->requests.offered, one->requests.offered);
    cr_expect_eq(behind->requests.offered + rest->requests.offered, one->requests.offered);
    cr_expect(behind->requests.offered > 0 && rest->requests.offered > 0);
    y = run(ONE ENDPOINT, OVERRIDES("replicate=2", "trace.scale=1.5"));
    one = run(ONE, OVERRIDES("replicate=2", "trace.scale=1.5"));
    cr_expect_eq(y->requests.offered, one->requests.offered);
}

/* Whichever deployment has answered, its client sends the next. */
Test(deployments, clients_wait_for_whoever_answers)
{
    const struct summary *y =
        run(ONE ENDPOINT, OVERRIDES("trace=null", "traffic.clients=3", "traffic.requests=60",
                                    "traffic.isl_tok=[5000,11000]", "traffic.osl_tok=[1,90]"));
    const struct summary *shorts = &y->deployments[0], *rest = &y->deployments[1];

    cr_expect_eq(y->requests.completed, 60);
    cr_expect_eq(shorts->requests.completed + rest->requests.completed, 60);
    cr_expect(shorts->requests.completed > 10 && rest->requests.completed > 10);
}

#define GRID                                                                                       \
    "endpoint: {by: grid, isl_min: 0, isl_max: 16000, isl_resolution: 2, "                         \
    "prefill_pool_mapping: [[a], [b]], decode_pool_mapping: [[c]]}\n"                              \
    "deployments: {a: {pools: {prefill: {replicas: 1}}},\n"                                        \
    "  b: {pools: {prefill: {replicas: 1}}},\n"                                                    \
    "  c: {pools: {decode: {replicas: 1}}}}\n"
#define APART                                                                                      \
    "engine: {profile: h200_sxm/vllm/Llama-3.1-8B-FP8/TP1}\n"                                      \
    "trace: {path: " TRACE ", limit: 200}\n" GRID

Test(deployments, a_grid_sends_prompts_to_pools_of_several)
{
    const struct summary *y = run(APART, NULL);
    const struct summary *a = &y->deployments[0], *b = &y->deployments[1], *c = &y->deployments[2];

    cr_expect_eq(y->requests.completed, 200);
    cr_expect_eq(a->requests.completed + b->requests.completed, 200);
    cr_expect(a->requests.completed > 20 && b->requests.completed > 20);
    cr_expect_eq(c->requests.offered, 0);
    cr_expect_gt(figure(y, "deployments.c.gpu_hours.busy"), 0.001);
    cr_expect_gt(figure(y, "deployments.c.capacity.decode.demand_worker_s"), 1);
    char *first = print();
    cr_assert_eq(read_with(first, NULL), ST_OK, "%s", diag.text);
    char *second = print();
    cr_expect_str_eq(first, second);
    free(first);
    free(second);
}

/* A target of a class is what its requests are judged by. */
Test(deployments, requests_are_judged_by_targets_of_their_own)
{
    const struct summary *usual = run(APART, NULL);
    const struct summary *hard =
        run(APART, OVERRIDES("endpoint.targets=[{max_priority: 3, ttft_target_ms: 0.5}]"));

    cr_expect_gt(usual->attainment.overall, 0.5);
    cr_expect_eq(hard->attainment.overall, 0);
    cr_expect_eq(hard->attainment.tpot, usual->attainment.tpot);
}

Test(deployments, mistakes_about_a_grid_are_told)
{
    static const struct {
        const char *override, *message;
    } cases[] = {
        {"endpoint.isl_resolution=0",
         "endpoint.isl_resolution must be an integer from 1 to 1000, not '0'"},
        {"endpoint.isl_resolution=3", "endpoint.prefill_pool_mapping has 2 steps of isl; expected "
                                      "3, as endpoint.isl_resolution"},
        {"endpoint.isl_max=null", "endpoint.isl_max is missing; expected it with isl_resolution 2"},
        {"endpoint.isl_min=16000", "endpoint.isl_max must be above isl_min (16000), not 16000"},
        {"endpoint.ttft_resolution=2",
         "endpoint.prefill_pool_mapping has 1 steps of ttft; expected 2"},
        {"endpoint.prefill_pool_mapping=[[a],[z]]",
         "endpoint.prefill_pool_mapping: no deployment is called 'z'; expected a name under"},
        {"endpoint.prefill_pool_mapping=[[a],[c]]",
         "endpoint.prefill_pool_mapping: deployment c has no pool prefill; expected one that does"},
        {"endpoint.prefill_pool_mapping=[[a],[a]]",
         "no request gets to pool prefill of deployment b; expected it in "
         "endpoint.prefill_pool_mapping or endpoint.prefill_priority_overrides"},
        {"endpoint.prefill_pool_mapping=[[a],[b,b]]",
         "this list has 2 items, the first of its kind 1"},
        {"endpoint.prefill_pool_mapping=[a,b]", "must be a list of lists of deployments"},
        {"endpoint.prefill_pool_mapping=[[a],[3]]", "must be a list of lists of deployments"},
        {"endpoint.prefill_pool_mapping=[[[a]],[[b]]]", "has lists 3 deep; expected 2"},
        {"endpoint.prefill_pool_mapping=null", "has only decode_pool_mapping; expected "
                                               "agg_pool_mapping, or prefill_pool_mapping and"},
        {"endpoint.agg_pool_mapping=[[a]]", "has agg_pool_mapping and prefill_pool_mapping and "
                                            "decode_pool_mapping; expected agg_pool_mapping, or"},
        {"endpoint.prefill_priority_overrides=[{target_pool: c}]",
         "endpoint.prefill_priority_overrides: deployment c has no pool prefill"},
        {"endpoint.prefill_priority_overrides=[{min_priority: 4, max_priority: 3, target_pool: a}]",
         "min_priority 4 is above max_priority 3"},
        {"endpoint.prefill_priority_overrides=[{min_priority: 4}]", "this rule says nothing"},
        {"endpoint.prefill_priority_overrides=[{target: a}]",
         "unknown key 'target' in endpoint.prefill_priority_overrides; expected min_priority, "
         "max_priority or target_pool"},
        {"endpoint.targets=[{ttft_target_ms: -1}]",
         "ttft_target_ms of endpoint.targets must be a number of ms from 0 to 1e12, not '-1'"},
        {"endpoint.agg_priority_overrides=[{target_pool: a}]",
         "endpoint.agg_priority_overrides has no effect here"},
        {"endpoint.default_itl_target_ms=3", "endpoint.default_itl_target_ms has no effect here"},
        {"deployments.a.pools={agg: {replicas: 1}}", "deployment a has a pool agg; expected pools"},
        {"deployments.a.disagg.max_prefill_queue=3", "disagg.max_prefill_queue has no effect here"},
        {"deployments.a.serves.isl_tok=3", "serves.isl_tok has no effect here"},
        {"endpoint.by=class", "pools has prefill but not decode"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        refused(APART, OVERRIDES(cases[i].override), cases[i].message);
}

Test(deployments, figures_of_expectations_are_checked)
{
    static const struct {
        const char *override, *message;
    } cases[] = {
        {"expect=[latency_ms.ttft.p99 < 3]", "deployments have no 'latency_ms.ttft.p99' together"},
        {"expect=[deployments.b.latency_ms.ttft.p99 < 3]", "names no figure of a deployment"},
        {"expect=[deployments.a.latency_ms.ttft.p98 < 3]", "summary.json has no number"},
        {"expect=[deployments.a < 3]", "names no figure of a deployment"},
        {"expect=[attainment.overall >= 90]", "is a share from 0 to 1"},
        {"expect=[deployments.a.attainment.overall >= 90]", "is a share from 0 to 1"},
    };
    static const char *const dirs[] = {PROJECT_DIR "/engines/data", NULL};
    static const struct profile_search search = {dirs};
    const struct run_options options = {.version = ""};
    struct run_resources *resources;
    const struct summary *summary;

    cr_assert_eq(run_resources_create(&resources, &search, &diag), ST_OK);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cr_assert_eq(read_with(ONE "deployments: {a: {}}\n", OVERRIDES(cases[i].override)), ST_OK);
        diag_init(&diag);
        cr_expect_eq(run_scenario(&summary, &sc, &arena, resources, &options, &diag), ST_INPUT);
        cr_expect(strstr(diag.text, cases[i].message), "%s: %s", cases[i].message, diag.text);
    }
    run_resources_free(resources);
}

/* A cluster is shared: who comes second finds what the first left. */
Test(deployments, replicas_of_all_must_fit)
{
    static const char *const dirs[] = {PROJECT_DIR "/engines/data", NULL};
    static const struct profile_search search = {dirs};
    const struct run_options options = {.version = ""};
    struct run_resources *resources;
    const struct summary *summary;

    cr_assert_eq(run_resources_create(&resources, &search, &diag), ST_OK);
    cr_assert_eq(read_with(ONE "cluster: {nodes: 1, gpus_per_node: 3}\n"
                               "deployments: {a: {}, b: {}}\n",
                           NULL),
                 ST_OK);
    cr_expect_eq(run_scenario(&summary, &sc, &arena, resources, &options, &diag), ST_INPUT);
    cr_expect(strstr(diag.text,
                     "1 nodes of 3 GPUs have room for 1 of the 2 replicas of pool agg of "
                     "deployment b"),
              "%s", diag.text);
    run_resources_free(resources);
}

/* Two planners that want six GPUs each, of eight. */
#define CONTENDED                                                                                  \
    ONE "policy: {type: planner, mode: agg, min_endpoint: 6, enable_load_scaling: true,\n"         \
        "  enable_throughput_scaling: false, load_adjustment_interval: 5}\n"                       \
        "metrics: {any_router: true, idle_workers: true}\n"                                        \
        "startup: {delay_s: 1}\n"                                                                  \
        "deployments: {a: {share: {priority: 1}}, b: {}}\n"

Test(deployments, the_arbiter_holds_the_budget_and_tells_what_was_wanted_in_vain)
{
    const struct summary *y =
        run(CONTENDED, OVERRIDES("arbiter.type=priority", "arbiter.max_gpus=8"));
    const struct summary *a = &y->deployments[0], *b = &y->deployments[1];

    cr_expect_eq(y->scaling.peak_gpus, 8);
    cr_expect_gt(a->unserved_gpu_hours, 0);
    cr_expect_gt(a->unserved_gpu_hours, b->unserved_gpu_hours);
    cr_expect_float_eq(figure(y, "unserved_gpu_hours"),
                       a->unserved_gpu_hours + b->unserved_gpu_hours, 1e-12);
    cr_expect_float_eq(figure(y, "deployments.a.unserved_gpu_hours"), a->unserved_gpu_hours, 0);
    y = run(CONTENDED, NULL);
    cr_expect_eq(y->scaling.peak_gpus, 12);
}

Test(deployments, keys_of_the_arbiter_need_one)
{
    refused(CONTENDED, OVERRIDES("arbiter.max_gpus=8"), "it needs arbiter.type other than none");
    refused(CONTENDED, OVERRIDES("share.weight=2"), "it needs arbiter.type priority or fair_share");
    refused(CONTENDED, OVERRIDES("arbiter.type=priority", "arbiter.min_gpus=2"),
            "it needs arbiter.type global");
    refused(CONTENDED, OVERRIDES("deployments.a.arbiter.type=global"), "is of the whole run");
}
