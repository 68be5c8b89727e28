#include "tests/conformance/recording.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_RECORDS = 512, MAX_SHOWN = 5, TEXT_SIZE = 400 };

static const char *const side_names[] = {[SIDE_PREFILL] = "prefill", [SIDE_DECODE] = "decode"};
static const double least_share_sla = 0.98;

struct recording {
    struct arena arena;
    struct fpm_config config;
    struct fpm_core core;
    struct fpm_record records[N_SIDES][MAX_RECORDS];
    struct fpm_traffic traffic;
    size_t n_ticks, n_agree, n_shown;
};

bool recording_is(const cJSON *file)
{
    return golden_get(golden_get(file, "planner"), "ticks") && golden_get(file, "config");
}

/* ---- The configuration ---- */

/* What aisimulate calls a field of the planner's, where that is something else. */
static const char *const renamed[][2] = {
    {"target", "optimization_target"},
    {"max_num_gpus", "max_gpu_budget"},
    {"min_num_gpus", "min_gpu_budget"},
    {"min_workers", "min_endpoint"},
    {"prefill_min_workers", "prefill_min_endpoint"},
    {"decode_min_workers", "decode_min_endpoint"},
};

static cJSON *planner_fields(const cJSON *given)
{
    cJSON *fields = cJSON_CreateObject();
    const cJSON *item;

    cJSON_ArrayForEach(item, given)
    {
        const char *name = item->string;
        if (strcmp(name, "policy") == 0)
            continue;
        for (size_t i = 0; i < sizeof renamed / sizeof *renamed; i++)
            name = strcmp(renamed[i][0], item->string) == 0 ? renamed[i][1] : name;
        cJSON_AddItemToObject(fields, name, cJSON_Duplicate(item, true));
    }
    return fields;
}

/* What aisimulate adds by itself. */
static void add_targets(cJSON *fields, const cJSON *sla)
{
    const char *target = golden_text(fields, "optimization_target");

    if (strcmp(target, "sla") == 0) {
        cJSON_AddNumberToObject(fields, "ttft_ms", golden_at(sla, "ttft_ms"));
        cJSON_AddNumberToObject(fields, "itl_ms", golden_at(sla, "itl_ms"));
    } else if (strcmp(target, "load") == 0) {
        cJSON_AddNumberToObject(fields, "prefill_scale_up_queue_tokens", 1);
        cJSON_AddNumberToObject(fields, "prefill_scale_down_queue_tokens", 0);
        cJSON_AddNumberToObject(fields, "decode_scale_up_kv_rate", 90);
        cJSON_AddNumberToObject(fields, "decode_scale_down_kv_rate", 70);
    }
}

static bool is_agg(const cJSON *config)
{
    return strcmp(golden_text(golden_get(config, "engine"), "mode"), "aggregated") == 0;
}

static bool read_config(const cJSON *config, struct recording *r)
{
    cJSON *fields = planner_fields(golden_get(config, "planner"));
    struct diag d;
    bool ok;

    add_targets(fields, golden_get(golden_get(config, "evaluation"), "sla"));
    cJSON_AddStringToObject(fields, "mode", is_agg(config) ? "agg" : "disagg");
    diag_init(&d);
    ok = golden_fpm_fields(fields, &r->config);
    r->config.generation = FPM_1_6_1;
    ok = ok && fpm_config_check(&r->config, (struct source_pos){NULL, 0, 0}, &d) == ST_OK &&
         fpm_core_init(&r->core, &r->arena, &r->config, 0, &d) == ST_OK;
    /* Texts of the configuration are used at the start alone. */
    cJSON_Delete(fields);
    return ok;
}

/* ---- Engines ---- */

static double tensor_of(const cJSON *worker)
{
    const cJSON *parallelism = golden_get(worker, "parallelism");

    return golden_has(parallelism, "tensor") ? golden_at(parallelism, "tensor") : 1;
}

static const cJSON *find_engine(const cJSON *engines, const cJSON *given, double tensor)
{
    static const char *const keys[] = {"model", "hardware", "backend"};
    const cJSON *engine;

    cJSON_ArrayForEach(engine, golden_get(engines, "engines"))
    {
        bool same = golden_at(engine, "tensor") == tensor;
        for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
            same &= strcmp(golden_text(engine, keys[i]), golden_text(given, keys[i])) == 0;
        if (same)
            return engine;
    }
    return NULL;
}

static void learn_passes(struct recording *r, enum planner_side side, const cJSON *rows)
{
    const cJSON *row;

    cJSON_ArrayForEach(row, rows)
    {
        struct fpm_record record = golden_fpm_record(row, 0, false);
        fpm_core_learn(&r->core, side, &record);
    }
}

/* false: nothing is known of the engine of a side. */
static bool read_engines(const cJSON *config, const cJSON *engines, struct recording *r)
{
    const cJSON *given = golden_get(config, "engine");
    bool agg = is_agg(config);

    for (int side = agg ? SIDE_DECODE : SIDE_PREFILL; side < N_SIDES; side++) {
        const char *role = agg ? "aggregated" : side_names[side];
        double tensor = tensor_of(golden_get(golden_get(given, "workers"), role));
        const cJSON *engine = find_engine(engines, given, tensor);
        const cJSON *limits = golden_get(golden_get(engine, "roles"), role);
        const cJSON *passes = golden_get(engine, "passes");
        if (!limits)
            return false;
        r->core.limits[side] =
            (struct fpm_limits){.n_gpus = golden_at(limits, "num_gpu"),
                                .max_batched_tok = golden_at(limits, "max_num_batched_tokens"),
                                .max_seqs = golden_at(limits, "max_num_seqs"),
                                .max_kv_tok = golden_at(limits, "max_kv_tokens"),
                                .context_tok = golden_at(given, "context_length")};
        if (agg || side == SIDE_PREFILL)
            learn_passes(r, (enum planner_side)side, golden_get(passes, "prefill"));
        if (side == SIDE_DECODE)
            learn_passes(r, SIDE_DECODE, golden_get(passes, "decode"));
    }
    return true;
}

/* ---- Ticks ---- */

static struct fpm_record read_record(const cJSON *item)
{
    const cJSON *metrics = golden_get(item, "metrics");
    const cJSON *scheduled = golden_get(metrics, "scheduled_requests");
    const cJSON *queued = golden_get(metrics, "queued_requests");

    return (struct fpm_record){.worker_id =
                                   (uint32_t)strtoul(golden_text(item, "worker_id"), NULL, 10),
                               .dp_rank = (uint32_t)golden_at(item, "dp_rank"),
                               .wall_s = golden_at(metrics, "wall_time"),
                               .n_prefill = golden_at(scheduled, "num_prefill_requests"),
                               .prefill_tok = golden_at(scheduled, "sum_prefill_tokens"),
                               .prefill_kv_tok = golden_at(scheduled, "sum_prefill_kv_tokens"),
                               .n_decode = golden_at(scheduled, "num_decode_requests"),
                               .decode_kv_tok = golden_at(scheduled, "sum_decode_kv_tokens"),
                               .n_queued_prefill = golden_at(queued, "num_prefill_requests"),
                               .queued_prefill_tok = golden_at(queued, "sum_prefill_tokens"),
                               .n_queued_decode = golden_at(queued, "num_decode_requests"),
                               .queued_decode_kv_tok = golden_at(queued, "sum_decode_kv_tokens")};
}

static double side_number(const cJSON *object, const char *format, int side)
{
    char key[64];

    snprintf(key, sizeof key, format, side_names[side]);
    return golden_at(object, key);
}

static void read_side(struct recording *r, const cJSON *given, int side, struct fpm_input *input)
{
    const cJSON *counts = golden_get(given, "worker_counts"), *item;
    char key[64];
    double pending = side_number(counts, "pending_num_%s", side);

    input->ready[side] = side_number(counts, "ready_num_%s", side);
    input->expected[side] = side_number(counts, "expected_num_%s", side);
    input->pending[side] = isnan(pending) ? 0 : (int64_t)pending;
    snprintf(key, sizeof key, "%s_scaling_in_progress", side_names[side]);
    input->in_progress[side] = cJSON_IsTrue(golden_get(counts, key));
    input->records[side] = r->records[side];
    cJSON_ArrayForEach(item, golden_get(golden_get(given, "fpm_observations"), side_names[side]))
    {
        if (input->n_records[side] < MAX_RECORDS)
            r->records[side][input->n_records[side]++] = read_record(item);
    }
}

static struct fpm_input read_input(struct recording *r, const cJSON *given)
{
    const cJSON *traffic = golden_get(given, "traffic");
    struct fpm_input input = {.now_s = golden_at(given, "now_s"),
                              .has_counts = golden_has(given, "worker_counts"),
                              .has_records = golden_has(given, "fpm_observations")};

    for (int side = 0; side < N_SIDES; side++)
        read_side(r, given, side, &input);
    r->traffic = (struct fpm_traffic){.duration_s = golden_at(traffic, "duration_s"),
                                      .n_requests = golden_at(traffic, "num_req"),
                                      .isl_tok = golden_at(traffic, "isl"),
                                      .osl_tok = golden_at(traffic, "osl"),
                                      .kv_hit_rate = golden_at(traffic, "kv_hit_rate"),
                                      .accept_length = golden_at(traffic, "accept_length")};
    input.traffic = golden_has(given, "traffic") ? &r->traffic : NULL;
    return input;
}

/* ---- Comparison ---- */

/* What was decided, in words; two ticks agree when these do. */
struct told {
    char text[TEXT_SIZE];
};

static const char *or_none(const char *text)
{
    return text && *text ? text : "-";
}

static struct told told_by_us(const struct fpm_output *out)
{
    const enum fpm_reason reasons[] = {
        out->load.all,       out->load.side[SIDE_PREFILL],       out->load.side[SIDE_DECODE],
        out->throughput.all, out->throughput.side[SIDE_PREFILL], out->throughput.side[SIDE_DECODE]};
    struct told told;
    int n = 0;

    for (int side = 0; side < N_SIDES; side++)
        n += snprintf(told.text + n, TEXT_SIZE - (size_t)n, "%lld ",
                      out->scale ? (long long)out->target[side] : -1LL);
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        n += snprintf(told.text + n, TEXT_SIZE - (size_t)n, " %s",
                      or_none(fpm_reason_text(reasons[i])));
    return told;
}

static struct told told_by_them(const cJSON *effects)
{
    static const char *const keys[] = {"load_decision_reason",
                                       "load_decision_reason_prefill",
                                       "load_decision_reason_decode",
                                       "throughput_decision_reason",
                                       "throughput_decision_reason_prefill",
                                       "throughput_decision_reason_decode"};
    const cJSON *scale = golden_get(effects, "scale_to"), *d = golden_get(effects, "diagnostics");
    struct told told;
    int n = 0;

    for (int side = 0; side < N_SIDES; side++) {
        double target = side_number(scale, "num_%s", side);
        n += snprintf(told.text + n, TEXT_SIZE - (size_t)n, "%g ", isnan(target) ? -1 : target);
    }
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        n +=
            snprintf(told.text + n, TEXT_SIZE - (size_t)n, " %s", or_none(golden_text(d, keys[i])));
    return told;
}

static bool same_due(const struct fpm_due *due, const cJSON *want)
{
    return due->at_s == golden_at(want, "at_s") &&
           due->load == cJSON_IsTrue(golden_get(want, "run_load_scaling")) &&
           due->throughput == cJSON_IsTrue(golden_get(want, "run_throughput_scaling")) &&
           due->traffic_window_s == golden_at(want, "traffic_metrics_duration_s");
}

static void show(const char *name, double at_ms, const struct told *ours, const struct told *theirs,
                 const struct fpm_output *out, const cJSON *d)
{
    printf("%-28s   at %g s ours   %s\n%-28s   %*s theirs %s\n", name, at_ms / 1000, ours->text, "",
           (int)snprintf(NULL, 0, "at %g s", at_ms / 1000), "", theirs->text);
    printf("%-28s   TTFT %.4g for %.4g ms, ITL %.4g for %.4g ms, req/s %.4g for %.4g, %.4g for "
           "%.4g\n",
           "", out->estimated_ttft_ms, golden_at(d, "estimated_ttft_ms"), out->estimated_itl_ms,
           golden_at(d, "estimated_itl_ms"), out->requests_per_s[SIDE_PREFILL],
           golden_at(d, "engine_rps_prefill"), out->requests_per_s[SIDE_DECODE],
           golden_at(d, "engine_rps_decode"));
}

static void run_tick(struct recording *r, const char *name, const cJSON *tick)
{
    const cJSON *effects = golden_get(tick, "effects");
    const cJSON *scheduled = golden_get(tick, "scheduled_tick");
    bool due = !scheduled || same_due(&r->core.due, scheduled);
    struct fpm_input input = read_input(r, golden_get(tick, "input"));
    struct fpm_output out;

    if (fpm_core_tick(&r->core, &input, &out))
        return;
    struct told ours = told_by_us(&out), theirs = told_by_them(effects);
    r->n_ticks++;
    if (due && strcmp(ours.text, theirs.text) == 0)
        r->n_agree++;
    else if (r->n_shown++ < MAX_SHOWN)
        show(name, golden_at(tick, "at_ms"), &ours, &theirs, &out,
             golden_get(effects, "diagnostics"));
}

static int fail(const char *name, const char *why)
{
    printf("%-28s MISS: %s\n", name, why);
    return 1;
}

static int run_all(struct recording *r, const char *name, const cJSON *file, const cJSON *engines)
{
    const cJSON *config = golden_get(file, "config"), *tick;

    if (!read_config(config, r))
        return fail(name, "its configuration is refused");
    if (!read_engines(config, engines, r))
        return fail(name, "nothing is known of its engines; describe them in engines.json");
    cJSON_ArrayForEach(tick, golden_get(golden_get(file, "planner"), "ticks"))
    {
        run_tick(r, name, tick);
    }
    double share = (double)r->n_agree / (double)r->n_ticks;
    bool sla = r->core.target == TARGET_SLA, pass = share >= (sla ? least_share_sla : 1);
    printf("%-28s %-36s %8zu %8zu %8.2f%%  %s\n", name,
           sla ? "ticks of 1.6.1, target sla" : "ticks of 1.6.1", r->n_ticks, r->n_agree,
           100 * share, pass ? "pass" : "MISS");
    return pass ? 0 : 1;
}

int recording_run(const char *name, const cJSON *file, const cJSON *engines)
{
    struct recording *r = calloc(1, sizeof *r);

    if (!r)
        return fail(name, "out of memory");
    arena_init(&r->arena);
    int missed = run_all(r, name, file, engines);
    fpm_core_release(&r->core);
    arena_release(&r->arena);
    free(r);
    return missed;
}
