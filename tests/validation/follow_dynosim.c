/* Replays a trace in the reference simulator's semantics along recorded placements.
 *
 * usage: follow_dynosim SCENARIO PLACEMENTS
 *
 * SCENARIO is a file of scripts/validate_beside_dynosim (JSON). PLACEMENTS has a line per request
 * of the trace: prefill worker and decode or only worker, -1 = none. Prints a row per request,
 * under the names of requests.csv, then a comment line: choices of the kv_router that were checked,
 * those that a cheaper worker was there for, and those that were tied. */
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dynosim/dynosim.h"
#include "util/units.h"

static void die(const char *text)
{
    fprintf(stderr, "follow_dynosim: %s\n", text);
    exit(1);
}

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    size_t n = 0, capacity = 1 << 16;
    char *text = malloc(capacity);
    if (!file || !text)
        die(path);
    for (size_t got; (got = fread(text + n, 1, capacity - n - 1, file)) > 0;) {
        n += got;
        if (capacity - n < 2 && !(text = realloc(text, capacity *= 2)))
            die("out of memory");
    }
    fclose(file);
    text[n] = '\0';
    return text;
}

static const cJSON *get(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItem(object, key);
    if (!item)
        die(key);
    return item;
}
static double number(const cJSON *object, const char *key)
{
    return get(object, key)->valuedouble;
}
/* Of a pool, or of every engine. */
static const cJSON *setting(const cJSON *scenario, const cJSON *pool, const char *key)
{
    return cJSON_GetObjectItem(cJSON_HasObjectItem(pool, key) ? pool : get(scenario, "engine"),
                               key);
}
static uint32_t whole(const cJSON *scenario, const cJSON *pool, const char *key)
{
    const cJSON *item = setting(scenario, pool, key);
    if (!item)
        die(key);
    return (uint32_t)item->valuedouble;
}

static void fit(struct dynosim_latency *latency, const char *name, struct arena *arena)
{
    static const char *const dirs[] = {PROJECT_DIR "/engines/data", NULL};
    const struct profile_search search = {dirs};
    struct profile profile;
    struct diag d;
    diag_init(&d);
    if (profile_load(&profile, arena, &search, name, 0, &d) ||
        dynosim_latency_fit(latency, arena, &profile, &d))
        die(d.text);
}

static void add_pools(struct dynosim_config *config, const cJSON *scenario, struct arena *arena)
{
    const cJSON *pool;
    cJSON_ArrayForEach(pool, get(scenario, "pools"))
    {
        struct dynosim_pool *to = &config->pools[config->n_pools++];
        to->name = pool->string;
        to->role = strcmp(pool->string, "agg") == 0       ? POOL_AGG
                   : strcmp(pool->string, "prefill") == 0 ? POOL_PREFILL
                                                          : POOL_DECODE;
        to->routing = DYNOSIM_KV_ROUTER;
        to->replicas = (int)whole(scenario, pool, "replicas");
        to->kv_blocks = whole(scenario, pool, "kv_blocks");
        to->block_size_tok = whole(scenario, pool, "block_size_tok");
        to->max_num_seqs = whole(scenario, pool, "max_num_seqs");
        to->max_num_batched_tokens = whole(scenario, pool, "max_num_batched_tokens");
        to->chunked_prefill = cJSON_IsTrue(setting(scenario, pool, "chunked_prefill"));
        to->prefix_caching = cJSON_IsTrue(setting(scenario, pool, "prefix_cache"));
        if (!setting(scenario, pool, "latency_model")) /* else polynomials */
            fit(&to->latency, setting(scenario, pool, "profile")->valuestring, arena);
    }
}

static void set_transfer(struct dynosim_config *config, const cJSON *transfer)
{
    if (!transfer)
        return;
    config->kv_bytes_per_token = number(transfer, "bytes_per_token");
    config->kv_bandwidth_bytes_per_s = number(transfer, "bandwidth_gb_s") * 1e9;
    if (strcmp(get(transfer, "tokens")->valuestring, "missing") == 0)
        config->transfer = DYNOSIM_DESTINATION_MISSING;
}

static void set_weights(struct dynosim_router *router, const cJSON *weights)
{
    if (!weights)
        return;
    router->overlap_credit = number(weights, "overlap_weight");
    router->prefill_scale = number(weights, "prefill_weight");
    router->request_weight = number(weights, "request_weight");
}

static void read_placements(struct dynosim_follow *follow, const char *path)
{
    char *text = read_file(path), *p = text;
    uint64_t n = 0;
    for (const char *c = text; *c; c++)
        n += *c == '\n';
    uint32_t *prefill = malloc((n + 1) * sizeof *prefill),
             *worker = malloc((n + 1) * sizeof *worker);
    if (!prefill || !worker)
        die("out of memory");
    for (uint64_t i = 0; i < n; i++) {
        prefill[i] = (uint32_t)strtol(p, &p, 10);
        worker[i] = (uint32_t)strtol(p + 1, &p, 10);
    }
    free(text);
    follow->n = n;
    follow->prefill_worker = prefill;
    follow->worker = worker;
}

static void print_ms(int64_t from_ns, int64_t to_ns)
{
    if (to_ns < 0)
        printf(",");
    else
        printf("%.6f,", ms_from_ns(to_ns - from_ns));
}

static void print_worker(uint32_t worker, char end)
{
    if (worker != NO_WORKER)
        printf("%u", worker);
    putchar(end);
}

static enum status print_row(void *context, const struct request_record *r, struct diag *d)
{
    (void)context, (void)d;
    printf("%.6f,%u,%u,%u,", ms_from_ns(r->arrival_ns), r->isl_tok, r->osl_tok, r->n_output_tok);
    print_ms(r->arrival_ns, r->first_token_ns);
    print_ms(r->first_token_ns, r->second_token_ns);
    print_ms(r->arrival_ns, r->last_token_ns);
    print_ms(0, r->scheduled_ns);
    printf("%u,%u,", r->cached_tok, r->n_preemptions);
    print_worker(r->prefill_worker, ',');
    print_worker(r->worker, '\n');
    return ST_OK;
}

int main(int argc, char **argv)
{
    if (argc != 3)
        die("usage: follow_dynosim SCENARIO PLACEMENTS");
    struct arena arena;
    struct diag d;
    struct trace_reader *reader;
    struct dynosim_follow_check check = {0};
    struct dynosim_config config;
    struct run_result *result = malloc(sizeof *result);
    const cJSON *scenario = cJSON_Parse(read_file(argv[1]));
    if (!scenario || !result)
        die(argv[1]);
    arena_init(&arena);
    diag_init(&d);
    dynosim_config_init(&config);
    const cJSON *trace = get(scenario, "trace");
    config.speedup = number(trace, "speedup");
    config.trace_block_tok = (uint32_t)number(trace, "block_size_tok");
    add_pools(&config, scenario, &arena);
    set_transfer(&config, cJSON_GetObjectItem(scenario, "kv_transfer"));
    set_weights(&config.router, cJSON_GetObjectItem(scenario, "kv_router"));
    read_placements(&config.follow, argv[2]);
    config.follow.check = &check;
    struct trace_options options = {.speedup = 1, .block_size_tok = config.trace_block_tok};
    if (trace_open(&reader, get(trace, "path")->valuestring, &options, &d))
        die(d.text);
    printf("arrival_ms,input_tokens,output_tokens,output_tokens_done,ttft_ms,ttst_ms,e2e_ms,"
           "scheduled_ms,"
           "cached_tokens,preemptions,prefill_worker,worker\n");
    const struct observer observer = {.request = print_row};
    const struct request_source source = trace_reader_source(reader);
    if (dynosim_run(&config, &source, &observer, result, &d))
        die(d.text);
    printf("# %llu %llu %llu\n", (unsigned long long)check.n_choices,
           (unsigned long long)check.n_not_lowest, (unsigned long long)check.n_tied);
    return 0;
}
