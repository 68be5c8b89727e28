/* No key does nothing: each one, changed alone, changes some byte of a run's files somewhere, or
 * the program says that it does not apply. Over all keys of the tables, for both simulators, and
 * the engine's for each pool by itself. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "scenarios/compose/plan.h"
#include "scenarios/compose/run.h"
#include "scenarios/keys/keys_internal.h"

static const char *const profile_dirs[] = {PROJECT_DIR "/engines/data", NULL};
static const char *const preset_dirs[] = {PROJECT_DIR "/presets", NULL};
static const struct profile_search search = {profile_dirs};

static char dir[] = "/tmp/headroom-keys-XXXXXX", trace[64], other_trace[64];
static struct run_resources *resources;

/* Bursts of prompts that share their beginnings, of several lengths and priorities. */
static void write_trace(const char *path, int n, int step_ms)
{
    FILE *f = fopen(path, "w");

    cr_assert(f);
    for (int i = 0; i < n; i++) {
        int group = i % 5, blocks = 2 + i % 4;
        fprintf(
            f,
            "{\"timestamp\": %d, \"input_length\": %d, \"output_length\": %d, \"priority\": %d, "
            "\"hash_ids\": [",
            100000 + i / 6 * step_ms, blocks * 512 - i % 100, 3 + i * 7 % 60, i % 3);
        for (int k = 0; k < blocks; k++)
            fprintf(f, "%s%d", k ? ", " : "", k < 2 ? group * 10 + k : 1000 + i * 10 + k);
        fputs("]}\n", f);
    }
    fclose(f);
}

/* ---- one run ---- */

struct seen {
    bool failed;
    size_t n_notes;
    uint64_t digest; /* of all files, or of the message */
    char text[DIAG_TEXT_SIZE];
};

static uint64_t mix(uint64_t digest, const char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        digest = (digest ^ (unsigned char)bytes[i]) * 1099511628211u;
    return digest;
}

static void digest_files(struct seen *o)
{
    static const char *const files[] = {"summary.json", "requests.csv",    "timeline.csv",
                                        "workers.csv",  "decisions.jsonl", "events.jsonl",
                                        "windows.csv"};
    char path[128], bytes[4096];

    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "%s/out/%s", dir, files[i]);
        FILE *f = fopen(path, "rb");
        for (size_t n; f && (n = fread(bytes, 1, sizeof bytes, f)) > 0;)
            o->digest = mix(o->digest, bytes, n);
        if (f)
            fclose(f);
    }
}

/* A dry run reads the planner's targets, too. */
static enum status dry_run(struct seen *o, const struct scenario *sc, struct arena *arena)
{
    struct plan plan;
    struct diag ignored;

    diag_init(&ignored);
    if (scenario_plan(&plan, sc, arena, resources, false, &ignored))
        return ST_OK;
    for (size_t i = 0; i < plan.n_rows; i++)
        o->digest =
            mix(o->digest, (const char *)&plan.plans[0].rows[i], sizeof plan.plans[0].rows[i]);
    return ST_OK;
}

static struct seen run_with(const char *text, const char *change, struct scenario *sc,
                            struct arena *arena)
{
    const struct scenario_override override = {"--set", change};
    struct seen o = {.digest = 14695981039346656037u};
    const struct summary *summary;
    char out[64], file[64];
    struct diag d;

    snprintf(out, sizeof out, "%s/out", dir);
    snprintf(file, sizeof file, "%s/keys.yaml", dir);
    const struct run_options options = {
        .version = "test", .out_dir = out, .want_events = true, .share_trace = true};
    diag_init(&d);
    enum status s = scenario_parse(sc, arena, file, text, strlen(text), &override, change ? 1 : 0,
                                   preset_dirs, &d);
    if (!s)
        s = run_scenario(&summary, sc, arena, resources, &options, &d);
    if (!s)
        s = dry_run(&o, sc, arena);
    o.failed = s != ST_OK;
    snprintf(o.text, sizeof o.text, "%s", d.text);
    if (s)
        o.digest = mix(o.digest, d.text, strlen(d.text));
    else
        digest_files(&o);
    o.n_notes = s ? 0 : summary->notes.n;
    return o;
}

/* ---- what a key can be changed to ---- */

enum { VALUE_SIZE = 160 };

/* The i-th; false after the last. */
static bool candidate(const struct key *key, size_t i, char value[VALUE_SIZE])
{
    static const double numbers[] = {2, 0.2, 20, 0, 1, 300, 0.01, 0.9, 5000, 7};
    enum { N = sizeof numbers / sizeof *numbers };
    const char *choice;

    switch (key->type) {
    case KEY_BOOL:
        snprintf(value, VALUE_SIZE, "%s", i ? "true" : "false");
        return i < 2;
    case KEY_INT:
    case KEY_NUMBER:
        snprintf(value, VALUE_SIZE, "%.10g", i < N ? numbers[i] : 0);
        return i < N;
    case KEY_ENUM:
    case KEY_ROUTER:
    case KEY_NAMES:
        choice = key_choice(key, i);
        snprintf(value, VALUE_SIZE, key->type == KEY_NAMES ? "[%s]" : "%s", choice ? choice : "");
        return choice;
    case KEY_RANGE:
        snprintf(value, VALUE_SIZE, "[30, 40]");
        return i == 0;
    case KEY_CURVE:
        snprintf(value, VALUE_SIZE, "[[0, 2], [5, 3], [5, 1], [20, 1]]");
        return i == 0;
    case KEY_TEXT:
        snprintf(value, VALUE_SIZE, "other");
        return i == 0;
    case KEY_PATH:
        snprintf(value, VALUE_SIZE, "%s", other_trace);
        return i == 0;
    case KEY_PROFILE:
        snprintf(value, VALUE_SIZE, "h100_sxm/vllm/Llama-3.1-8B-FP8/TP1");
        return i == 0;
    case KEY_PRESET:
        snprintf(value, VALUE_SIZE, "%s",
                 strcmp(key->section, "cost") == 0 ? "gcp" : "dense-8b-nvme");
        return i == 0;
    case KEY_PRICES:
        snprintf(value, VALUE_SIZE, "2");
        return i == 0;
    case KEY_POOLS:
        snprintf(value, VALUE_SIZE, "%s",
                 strncmp(key->name, "agg", 3) == 0 ? "[[[b, a], [b, a]], [[b, a], [b, a]]]"
                                                   : "[[b, a], [b, a]]");
        return i == 0;
    case KEY_RULES:
        snprintf(value, VALUE_SIZE, "%s",
                 strcmp(key->name, "targets") == 0
                     ? "[{max_priority: 1, ttft_target_ms: 20, itl_target_ms: 30}]"
                     : "[{max_priority: 1, target_pool: b}]");
        return i == 0;
    case KEY_EXPECT:
    case KEY_COMPARE:
        return false;
    }
    return false;
}

/* ---- worlds ---- */

#define TRAFFIC "trace: {path: trace.jsonl}\nengine: {profile: h200_sxm/vllm/Llama-3.1-8B-FP8/TP1"
#define SMALL                                                                                      \
    TRAFFIC ", kv_blocks: 60, max_num_seqs: 8, max_num_batched_tokens: 3000}\n"                    \
            "output: {sample_s: 2}\nsla: {window_s: 10}\n"
#define STARTS "startup: {delay_s: 1, image_pull_s: 2, weights_s: 2}\n"
#define BUDGET "max_gpu_budget: 6, min_endpoint: 3, start_delay_s: 0"
#define LOAD                                                                                       \
    "enable_load_scaling: true, load_adjustment_interval: 2, load_min_observations: 1, "           \
    "ttft: 30, itl: 6"
/* In front of the target. */
#define PASSES                                                                                     \
    "policy: {type: planner, generation: 1.4.2, load_adjustment_interval_seconds: 2, "             \
    "optimization_target: "
#define BUDGETS "max_gpu_budget: 6"
#define DISAGG "pools: {prefill: {replicas: 2}, decode: {replicas: 2}}\n"
#define MANY "pools: {prefill: {replicas: 5}, decode: {replicas: 5}}\n"
#define AGG "pools: {agg: {replicas: 3}}\n"

#define SHARED                                                                                     \
    "deployments: {a: {share: {priority: 1, weight: 1, guaranteed_gpus: 2}}, b: {}}\n"             \
    "arbiter: {type: "

/* What `serves` beside them says is for the first. */
#define CLASSES                                                                                    \
    "endpoint: {by: class}\nserves: {osl_tok: [0, 20]}\n"                                          \
    "deployments: {a: {}, b: {serves: {isl_tok: null, osl_tok: null, priority: null}}}\n"

/* Some requests have targets, and some workers fail. */
#define GRID_PAIRS                                                                                 \
    "prefill_pool_mapping: [[a, b], [b, a]], decode_pool_mapping: [[b, a], [a, b]], "              \
    "context_length_min: 0, context_length_max: 2000, context_length_resolution: 2"
#define GRID_AGG "agg_pool_mapping: [[[a, b], [b, a]], [[b, a], [a, b]]]"
#define GRIDS                                                                                      \
    "endpoint: {by: grid, isl_min: 0, isl_max: 2000, isl_resolution: 2, ttft_min_ms: 0, "          \
    "ttft_max_ms: 400, ttft_resolution: 2, itl_min_ms: 0, itl_max_ms: 20, itl_resolution: 2, "     \
    "targets: [{max_priority: 0, ttft_target_ms: 250, itl_target_ms: 12}], " GRID_PAIRS "}\n"      \
    "failures: {worker_mtbf_h: 0.002}\ndeployments: {a: {}, b: {}}\n"

/* Each a scenario in which some keys come to bear. */
static const char *const stages[] = {
    SMALL DISAGG STARTS PASSES "throughput, prefill_engine_num_gpu: 1, " BUDGETS "}\n",
    SMALL DISAGG STARTS
    "router: kv_aware\nmetrics: {scrape_interval_s: 0}\npolicy: {type: planner, "
    "generation: 1.6.1, load_adjustment_interval_seconds: 1, "
    "throughput_adjustment_interval_seconds: 3, optimization_target: sla, "
    "load_predictor: kalman, ttft: 30, itl: 6, max_gpu_budget: 30}\n",
    SMALL DISAGG STARTS PASSES "latency}\nscale_down: {grace_s: 0.02}\n",
    TRAFFIC
    ", prompt_factor: 12, max_num_batched_tokens: 1000, kv_blocks: 60}\n" DISAGG STARTS PASSES
    "load, prefill_scale_up_queue_tokens: 4000, prefill_scale_down_queue_tokens: 3900, "
    "decode_scale_up_kv_rate: 30, decode_scale_down_kv_rate: 10, max_gpu_budget: 9}\n",
    SMALL DISAGG STARTS
    "router: kv_aware\nmetrics: {scrape_interval_s: 0}\n" PASSES
    "sla, enable_load_scaling: true, throughput_adjustment_interval_seconds: 3, load_predictor: "
    "kalman, ttft: 30, itl: 6, " BUDGETS "}\n",
    SMALL DISAGG STARTS
    "router: kv_aware\nmetrics: {scrape_interval_s: 0}\n" PASSES
    "sla, throughput_adjustment_interval_seconds: 3, load_predictor: prophet, ttft: 30, itl: 6, "
    "throughput_metrics_source: router, " BUDGETS "}\n",
    SMALL DISAGG,
    SMALL DISAGG "router: kv_aware\nrouter_view: {interval_s: 3}\nkv_router: {temperature: 0.3}\n",
    SMALL DISAGG STARTS "router: kv_aware\npolicy: {type: planner, load_predictor: kalman, "
                        "throughput_adjustment_interval: 3, no_correction: false, " BUDGET "}\n",
    SMALL DISAGG STARTS "policy: {type: planner, load_predictor: prophet, "
                        "throughput_adjustment_interval: 3, " BUDGET "}\n",
    SMALL DISAGG STARTS "router: kv_aware\npolicy: {type: planner, load_predictor: kalman, "
                        "throughput_adjustment_interval: 3, " LOAD ", " BUDGET "}\n"
                        "scale_down: {grace_s: 0.02, lost_requests: retry}\n",
    SMALL DISAGG STARTS
    "router: kv_aware\npolicy: {type: planner, enable_throughput_scaling: false, " LOAD ", " BUDGET
    "}\nscale_down: {mode: terminate}\nmetrics: {outage_s: 4}\n",
    SMALL DISAGG STARTS "failures: {worker_mtbf_h: 0.002}\nscale_down: {lost_requests: retry}\n"
                        "cluster: {nodes: 2, gpus_per_node: 3}\n",
    SMALL DISAGG STARTS
    "failures: {node_mtbf_h: 0.01, spot_mtbf_h: 0.005, spot_notice_s: 1}\ncluster: {nodes: 3, "
    "gpus_per_node: 2}\nkv_transfer: {links_per_node: 1, bandwidth_gb_s: 1}\n",
    TRAFFIC "}\n" MANY
            "cluster: {gpus_per_node: 1}\nstartup: {image_pull_s: 1}\npolicy: {type: planner, "
            "load_predictor: constant, throughput_adjustment_interval: 3, " BUDGET "}\n"
            "scale_down: {lost_requests: retry}\n",
    TRAFFIC ", max_num_seqs: 8, kv_blocks: 26}\n" DISAGG "disagg: {local_prefill_max_tok: 2500}\n",
    "trace: {path: trace.jsonl}\nengine: {profile: l40s/vllm/Llama-3.1-8B-BF16/TP1}\n" DISAGG
    "policy: {type: planner, load_predictor: constant, throughput_adjustment_interval: 3, "
    "max_gpu_budget: 30, start_delay_s: 0, itl: 24}\n",
    "trace: {path: trace.jsonl}\nengine: {profile: l40s/vllm/Llama-3.1-8B-BF16/TP1}\n" DISAGG
    "router: kv_aware\nmetrics: {scrape_interval_s: 0}\npolicy: {type: planner, load_predictor: "
    "constant, throughput_adjustment_interval: 1, max_gpu_budget: 30, start_delay_s: 0, itl: 24}\n",
    SMALL DISAGG "router_queue: {threshold: 0.2}\n",
    "trace: {path: unsorted.jsonl}\nengine: {profile: h200_sxm/vllm/Llama-3.1-8B-FP8/TP1}\n" DISAGG,
    TRAFFIC ", kv_blocks: 60, host_kv_blocks: 200, draft_tokens: 3}\n" DISAGG,
    "trace: {path: trace.jsonl}\nengine: {profile: h200_sxm/vllm/Llama-3.1-8B-FP8/TP1-estimate}\n"
    "policy: {type: static}\n" DISAGG,
    "trace: {path: trace.jsonl, limit: 20}\nengine: {profile: "
    "h200_sxm/vllm/Llama-3.1-8B-FP8/TP1-estimate, graph_tokens: 1, eager_step_ms: 1}\n" DISAGG,
    "replicate: 1\ntrace: {path: trace.jsonl, scale: 2}\nengine: {profile: "
    "h200_sxm/vllm/Llama-3.1-8B-FP8/TP1}\n" DISAGG,
    "traffic: {clients: 4, requests: 40, isl_tok: 500, osl_tok: 20}\nengine: {profile: "
    "h200_sxm/vllm/Llama-3.1-8B-FP8/TP1}\ncost: {per_gpu_hour: 3}\n" DISAGG,
    "traffic: {clients: 13, requests: 40, isl_tok: 130, osl_tok: 20}\nengine: {profile: "
    "h200_sxm/vllm/Llama-3.1-8B-FP8/TP1-estimate}\n" DISAGG,
    SMALL DISAGG STARTS SHARED "priority, max_gpus: 9}\n"
                               "policy: {type: planner, load_predictor: kalman, "
                               "throughput_adjustment_interval: 3, " BUDGET "}\n",
    SMALL DISAGG STARTS SHARED "fair_share, max_gpus: 9}\n"
                               "policy: {type: planner, load_predictor: kalman, "
                               "throughput_adjustment_interval: 3, " BUDGET "}\n",
    SMALL MANY SHARED "global, max_gpus: 30}\n"
                      "policy: {type: planner, load_predictor: kalman, "
                      "throughput_adjustment_interval: 3, " BUDGET "}\n",
    "traffic: {rate_per_s: [[0, 3], [12, 3]], isl_tok: 500, osl_tok: 20}\nengine: {profile: "
    "h200_sxm/vllm/Llama-3.1-8B-FP8/TP1}\n" DISAGG,
    SMALL DISAGG CLASSES,
    SMALL DISAGG STARTS GRIDS,
    NULL};

enum { STAGE_SIZE = 4096 };

static void replace(char *text, const char *old, const char *new)
{
    char rest[STAGE_SIZE], *at = strstr(text, old);

    if (!at)
        return;
    snprintf(rest, sizeof rest, "%s", at + strlen(old));
    strcpy(at, new);
    strcat(at, rest);
}

static void stage_text(char out[STAGE_SIZE], const char *stage, bool agg, const char *compat)
{
    char text[STAGE_SIZE];

    snprintf(text, sizeof text, "%s", stage);
    if (agg) {
        replace(text, DISAGG, AGG);
        replace(text, MANY, AGG);
        replace(text, "disagg: {local_prefill_max_tok: 2500}\n", "");
        replace(text, "load_predictor: constant, throughput_adjustment_interval: 3, " BUDGET,
                "mode: agg, enable_throughput_scaling: false, " LOAD ", " BUDGET);
        replace(text,
                "load_predictor: kalman, throughput_adjustment_interval: 3, no_correction: "
                "false, " BUDGET,
                "mode: agg, enable_throughput_scaling: false, " LOAD ", " BUDGET);
        replace(text, "load_predictor: prophet, throughput_adjustment_interval: 3, " BUDGET,
                "mode: agg, enable_throughput_scaling: false, " LOAD ", " BUDGET);
        replace(text, "load_predictor: kalman, throughput_adjustment_interval: 3, " LOAD,
                "mode: agg, enable_throughput_scaling: false, " LOAD);
        replace(text, "type: planner, enable_throughput_scaling: false",
                "type: planner, mode: agg, enable_throughput_scaling: false");
        replace(text, "generation: 1.4.2", "generation: 1.4.2, mode: agg");
        replace(text, "generation: 1.6.1", "generation: 1.6.1, mode: agg");
        replace(text, "prefill_engine_num_gpu: 1, ", "");
        replace(text, GRID_PAIRS, GRID_AGG);
        replace(text, "kv_transfer: {links_per_node: 1, bandwidth_gb_s: 1}\n", "");
    }
    snprintf(out, STAGE_SIZE, "compat: %s\n%.3900s", compat, text);
}

enum { MAX_STAGES = 2 * (sizeof stages / sizeof *stages - 1) }; /* disagg, agg */

struct stage {
    bool agg;
    char text[STAGE_SIZE];
    struct seen base;
    struct scenario scenario;
    struct arena arena;
};

struct world {
    const char *compat;
    size_t n;
    struct stage stage[MAX_STAGES];
};

/* A stage that cannot be run as it is may be there for a key that makes it run. */
static void make_world(struct world *w, const char *compat)
{
    *w = (struct world){.compat = compat};
    for (size_t i = 0; stages[i / 2]; i++, w->n++) {
        struct stage *st = &w->stage[i];
        st->agg = i % 2;
        arena_init(&st->arena);
        stage_text(st->text, stages[i / 2], st->agg, compat);
        st->base = run_with(st->text, NULL, &st->scenario, &st->arena);
    }
}

/* ---- one key ---- */

enum effect { SILENT, SAID, CHANGED, SAME_VALUE };

static const void *base_of(const struct scenario *sc, const struct key *key)
{
    return key->place == PLACE_POLICY   ? sc->policy.config
           : key->place == PLACE_ENGINE ? (const void *)&sc->engine
                                        : sc;
}

/* The same as in the stage itself, or as not set at all. */
static bool is_same(const struct key *key, const struct scenario *sc, const struct scenario *base)
{
    if (key->place == PLACE_POOL)
        return false;
    if (scenario_key_is_preset(key, base_of(sc, key)))
        return true;
    bool comparable = key->type <= KEY_PATH || key->type == KEY_PROFILE;
    return comparable && scenario_policy(sc) == scenario_policy(base) &&
           scenario_key_equal(key, base_of(sc, key), base_of(base, key));
}

static enum effect try(const struct stage *st, const struct key *key, const char *path,
                       const char *value)
{
    const struct seen *base = &st->base;
    char change[400];
    struct scenario sc;
    struct arena arena;

    arena_init(&arena);
    snprintf(change, sizeof change, "%s=%s", path, value);
    struct seen o = run_with(st->text, change, &sc, &arena);
    enum effect e = SILENT;
    if (key->place == PLACE_POLICY && key_find(scenario_policy(&sc)->keys, key->name) != key) {
        arena_release(&arena);
        return o.failed ? SAID : SAME_VALUE; /* it is another policy's */
    }
    if (base->failed)
        e = o.failed ? SAME_VALUE : CHANGED;
    else if (o.failed || o.n_notes > base->n_notes)
        e = SAID;
    else if (o.digest != base->digest)
        e = CHANGED;
    else if (key->preset_text && strcmp(value, key->preset_text) == 0)
        e = SAME_VALUE;
    else if (strncmp(path, "pools.", 6) != 0 && is_same(key, &sc, &st->scenario))
        e = SAME_VALUE;
    arena_release(&arena);
    return e;
}

/* What comes to bear where no such small trace gets, or is there to be read. */
static bool is_known(const char *path)
{
    static const char *const known[] = {
        "description",
        "policy.max_gpu_budget", /* so few requests ask for few */
        "policy.max_throughput_scaling_replicas",
        "limits.",                             /* of runs that would not end */
        "policy.pre_deployment_sweeping_mode", /* `thorough` leaves a profile as `rapid` does */
        /* Of the prompts that a decode worker computes itself. */
        "pools.decode.chunked_prefill",
        "pools.decode.max_num_batched_tokens",
        "pools.decode.host_",
        "pools.decode.kv_watermark",
    };

    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strncmp(path, known[i], strlen(known[i])) == 0)
            return true;
    }
    return false;
}

/* A value has to do something, for an enum each of them, but the one that its preset amounts to. */
static int check_key(const struct world *w, const struct key *key, const char *path, bool disagg,
                     bool agg)
{
    if (is_known(path))
        return 0;
    bool one_by_one = key->type == KEY_ENUM || key->type == KEY_ROUTER;
    bool changed = false;
    int n_idle = 0;
    char value[VALUE_SIZE], idle[VALUE_SIZE] = "";

    for (size_t i = 0; candidate(key, i, value); i++) {
        bool does = false, silent = false;
        for (size_t k = 0; k < w->n && !does; k++) {
            const struct stage *st = &w->stage[k];
            if (st->agg ? !agg : !disagg)
                continue;
            enum effect e = try(st, key, path, value);
            does = e == CHANGED;
            silent = silent || e == SILENT;
        }
        changed = changed || does;
        if (changed && !one_by_one)
            return 0;
        if (!does && silent) {
            n_idle++;
            strcpy(idle, value);
        }
    }
    if (n_idle <= 1 || (changed && !one_by_one))
        return 0;
    fprintf(stderr, "%s: %s=%s does nothing, and nobody says so\n", w->compat, path, idle);
    return 1;
}

static int check_table(const struct world *w, const struct key *keys)
{
    char path[128];
    int n_bad = 0;

    for (const struct key *k = keys; k->name; k++) {
        if (k->place != PLACE_POOL) {
            snprintf(path, sizeof path, "%s%s%s", k->section, *k->section ? "." : "", k->name);
            n_bad += check_key(w, k, path, true, true);
        }
        for (size_t role = 0; role < 3; role++) {
            if (k->place != PLACE_ENGINE && k->place != PLACE_POOL)
                continue;
            snprintf(path, sizeof path, "pools.%s.%s", pool_role_names[role], k->name);
            n_bad += check_key(w, k, path, role != POOL_AGG, role == POOL_AGG);
        }
    }
    return n_bad;
}

static void setup(void)
{
    char unsorted[64];
    struct diag d;

    diag_init(&d);
    cr_assert(mkdtemp(dir));
    snprintf(trace, sizeof trace, "%s/trace.jsonl", dir);
    snprintf(other_trace, sizeof other_trace, "%s/other.jsonl", dir);
    write_trace(trace, 120, 1500);
    write_trace(other_trace, 60, 1500);
    snprintf(unsorted, sizeof unsorted, "%s/unsorted.jsonl", dir);
    write_trace(unsorted, 12, -1500);
    cr_assert_eq(run_resources_create(&resources, &search, &d), ST_OK);
}

static void teardown(void)
{
    char command[80];

    run_resources_free(resources);
    snprintf(command, sizeof command, "rm -r %s", dir);
    cr_assert_eq(system(command), 0);
}

TestSuite(key_effects, .init = setup, .fini = teardown);

static void check_world(const char *compat)
{
    struct world *w = calloc(1, sizeof *w);
    int n_bad = 0;

    make_world(w, compat);
    n_bad += check_table(w, scenario_keys);
    for (size_t i = 0; policies[i]; i++)
        n_bad += policies[i]->keys ? check_table(w, policies[i]->keys) : 0;
    for (size_t i = 0; i < w->n; i++)
        arena_release(&w->stage[i].arena);
    free(w);
    cr_assert_eq(n_bad, 0);
}

Test(key_effects, of_our_simulator)
{
    check_world("none");
}

Test(key_effects, of_the_reference)
{
    check_world("dynosim");
}
