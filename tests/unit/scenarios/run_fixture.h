/* Whole runs on the bundled data, each with the files in a folder of its own. Without a test
 * framework: thread sanitizer and Criterion do not go together. */
#ifndef RUN_FIXTURE_H
#define RUN_FIXTURE_H

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "scenarios/compose/run.h"
#include "scenarios/keys/scenario.h"

#define CHECK(condition, ...)                                                                      \
    ((condition) ? (void)0                                                                         \
                 : (fprintf(stderr, "%s:%d: ", __FILE__, __LINE__), fprintf(stderr, __VA_ARGS__),  \
                    fputs("\n", stderr), abort()))

static const char *const dirs[] = {PROJECT_DIR "/engines/data", NULL};
static const struct profile_search search = {dirs};

#define TRACE                                                                                      \
    "trace: {path: " PROJECT_DIR "/traces/data/mooncake_conversation.jsonl.gz, limit: 1500, "      \
    "speedup: 2}\n"                                                                                \
    "engine: {profile: h200_sxm/vllm/Llama-3.1-8B-FP8/TP1}\n"
#define DISAGG "pools: {prefill: {replicas: 2}, decode: {replicas: 2}}\n"
#define PLANNER                                                                                    \
    "policy: {type: planner, max_gpu_budget: 8, throughput_adjustment_interval: 30,\n"             \
    "  start_delay_s: 0, load_predictor: "

/* What a run could leave for another to stumble over: policies that fit models, a router with state
 * of its own, random draws, both simulators. */
static const char *const texts[] = {
    TRACE DISAGG PLANNER "arima,\n  load_predictor_warmup_trace: " PROJECT_DIR
                         "/traces/data/azure_code_2023_slice.csv.gz}\n"
                         "failures: {worker_mtbf_h: 0.2}\n",
    TRACE "pools: {agg: {replicas: 4, profile: rtx4090/vllm/Llama-3.1-8B-BF16/TP1,\n"
          "  latency_model: steps, max_num_seqs: 64}}\n"
          "router: kv_aware\nkv_router: {temperature: 0.5}\n",
    TRACE DISAGG PLANNER "prophet}\n",
    TRACE "compat: dynosim\npools: {agg: {replicas: 4}}\nrouter: kv_aware\n",
};
enum { N_TEXTS = sizeof texts / sizeof *texts };

static const char *const files[] = {"summary.json", "requests.csv",    "timeline.csv",
                                    "workers.csv",  "decisions.jsonl", "events.jsonl",
                                    "windows.csv"};
enum { N_FILES = sizeof files / sizeof *files };

/* One run in its own folder; what its thread needs and gives. */
struct job {
    const char *text;
    struct run_resources *resources;
    struct run_options options;
    char dir[64];
    enum status status;
    struct diag diag;
    uint64_t n_offered;
};

static void *run_job(void *context)
{
    struct job *job = context;
    const struct summary *summary;
    struct scenario scenario;
    struct arena arena;

    arena_init(&arena);
    diag_init(&job->diag);
    job->status = scenario_parse(&scenario, &arena, "test.yaml", job->text, strlen(job->text), NULL,
                                 0, NULL, &job->diag);
    if (!job->status)
        job->status =
            run_scenario(&summary, &scenario, &arena, job->resources, &job->options, &job->diag);
    if (!job->status)
        job->n_offered = summary->requests.offered;
    arena_release(&arena);
    return NULL;
}

static struct run_resources *make_resources(void)
{
    static struct diag d;
    struct run_resources *resources;

    CHECK(run_resources_create(&resources, &search, &d) == ST_OK, "%s", d.text);
    return resources;
}

static void prepare(struct job *job, const char *text, struct run_resources *resources)
{
    *job = (struct job){.text = text,
                        .resources = resources,
                        .options = {.version = "test", .want_events = true, .share_trace = true}};
    strcpy(job->dir, "/tmp/headroom-test-XXXXXX");
    CHECK(mkdtemp(job->dir), "no folder %s", job->dir);
    job->options.out_dir = job->dir;
}

static void run_alone(struct job *job, const char *text, struct run_resources *resources)
{
    prepare(job, text, resources);
    run_job(job);
    CHECK(job->status == ST_OK, "%s", job->diag.text);
    CHECK(job->n_offered > 500, "few requests");
}

static char *read_file(const char *dir, const char *name, size_t *n)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "rb");
    CHECK(f, "no file %s", path);
    char *bytes = malloc(1 << 24);
    *n = fread(bytes, 1, 1 << 24, f);
    fclose(f);
    return bytes;
}

static void check_equal(const struct job *a, const struct job *b)
{
    for (size_t i = 0; i < N_FILES; i++) {
        size_t n_a, n_b;
        char *in_a = read_file(a->dir, files[i], &n_a), *in_b = read_file(b->dir, files[i], &n_b);
        CHECK(n_a == n_b && memcmp(in_a, in_b, n_a) == 0, "%s differs of: %s", files[i], a->text);
        free(in_a);
        free(in_b);
    }
}

/* Removes what is in the folder, too; how many files were there. */
static int clean(const struct job *job)
{
    char path[400];
    struct dirent *item;
    int n = 0;
    DIR *dir = opendir(job->dir);

    while (dir && (item = readdir(dir))) {
        if (item->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", job->dir, item->d_name);
        unlink(path);
        n++;
    }
    if (dir)
        closedir(dir);
    rmdir(job->dir);
    return n;
}

#endif
