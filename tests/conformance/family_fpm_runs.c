/* Ticks of the planner on forward-pass metrics. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "planner/fpm/load_settle.h"
#include "tests/conformance/golden_fpm.h"

enum { WHERE_SIZE = 160, MAX_RECORDS = 512 };

static const char *const side_names[] = {[SIDE_PREFILL] = "prefill", [SIDE_DECODE] = "decode"};

struct run {
    struct arena arena;
    struct fpm_config config;
    struct fpm_core core;
    struct fpm_record records[N_SIDES][MAX_RECORDS];
    struct fpm_traffic traffic;
    double forecasts[N_FPM_SERIES];
};

static void set_limits(struct fpm_core *core, const cJSON *prefill, const cJSON *decode)
{
    core->limits[SIDE_PREFILL] = golden_fpm_limits(prefill);
    core->limits[SIDE_DECODE] = golden_fpm_limits(decode);
}

/* Iterations that the models begin with. */
static void bootstrap(struct run *r, const cJSON *samples)
{
    const cJSON *row;

    for (int side = 0; side < N_SIDES; side++) {
        const char *key =
            r->core.mode == MODE_AGG && side == SIDE_DECODE ? "agg" : side_names[side];
        cJSON_ArrayForEach(row, golden_get(samples, key))
        {
            struct fpm_record record = golden_fpm_record(row, 0, false);
            fpm_core_learn(&r->core, (enum planner_side)side, &record);
        }
    }
}

static struct run *start_run(const cJSON *kase, enum fpm_generation generation, double now_s)
{
    const cJSON *row, *limits = golden_get(kase, "capabilities");
    struct run *r = calloc(1, sizeof *r);
    struct diag d;

    diag_init(&d);
    if (!r)
        return NULL;
    arena_init(&r->arena);
    if (!golden_fpm_config(golden_get(kase, "config"), generation, &r->config) ||
        fpm_core_init(&r->core, &r->arena, &r->config, now_s, &d)) {
        fpm_core_release(&r->core);
        arena_release(&r->arena);
        free(r);
        return NULL;
    }
    set_limits(&r->core, golden_get(limits, "prefill"), golden_get(limits, "decode"));
    bootstrap(r, golden_get(kase, "bootstrap"));
    cJSON_ArrayForEach(row, golden_get(kase, "warmup"))
    {
        fpm_core_warm(&r->core, golden_element(row, 0), golden_element(row, 1),
                      golden_element(row, 2));
    }
    fpm_core_warm_end(&r->core);
    return r;
}

static void end_run(struct run *r)
{
    fpm_core_release(&r->core);
    arena_release(&r->arena);
    free(r);
}

static const struct fpm_traffic *read_traffic(struct run *r, const cJSON *row)
{
    if (!row || cJSON_IsNull(row))
        return NULL;
    r->traffic = golden_fpm_traffic(row);
    return &r->traffic;
}

/* The worker's name, or where that is no number that of the first row with it. */
static uint32_t worker_number(const cJSON *rows, const cJSON *row)
{
    const cJSON *other, *name = cJSON_GetArrayItem(row, 0);
    uint32_t i = 0;

    if (cJSON_IsString(name) && isdigit((unsigned char)name->valuestring[0]))
        return (uint32_t)strtoul(name->valuestring, NULL, 10);

    cJSON_ArrayForEach(other, rows)
    {
        if (cJSON_Compare(cJSON_GetArrayItem(other, 0), cJSON_GetArrayItem(row, 0), true))
            break;
        i++;
    }
    return i;
}

static void read_records(struct run *r, const cJSON *fpm, struct fpm_input *input)
{
    static const char *const keys[] = {[SIDE_PREFILL] = "p", [SIDE_DECODE] = "d"};
    const cJSON *row;

    input->has_records = fpm && !cJSON_IsNull(fpm);
    for (int side = 0; side < N_SIDES; side++) {
        const cJSON *rows = golden_get(fpm, keys[side]);
        input->records[side] = r->records[side];
        cJSON_ArrayForEach(row, rows)
        {
            struct fpm_record *record = &r->records[side][input->n_records[side]];
            if (input->n_records[side] == MAX_RECORDS)
                break;
            *record = golden_fpm_record(row, 2, true);
            record->worker_id = worker_number(rows, row);
            record->dp_rank = (uint32_t)golden_element(row, 1);
            input->n_records[side]++;
        }
    }
}

static struct fpm_input read_tick(struct run *r, const cJSON *tick)
{
    const cJSON *n = golden_get(tick, "n"), *busy = golden_get(tick, "in_progress");
    const cJSON *pending = golden_get(tick, "pending");
    struct fpm_input input = {.now_s = golden_at(tick, "t")};

    input.has_counts = cJSON_GetArraySize(n) > 0;
    for (int side = 0; side < N_SIDES; side++) {
        input.ready[side] = golden_element(n, side);
        input.expected[side] = golden_element(n, N_SIDES + side);
        input.in_progress[side] = cJSON_IsTrue(cJSON_GetArrayItem(busy, side));
        if (pending)
            input.pending[side] = (int64_t)golden_element(pending, side);
    }
    input.traffic = read_traffic(r, golden_get(tick, "traffic"));
    read_records(r, golden_get(tick, "fpm"), &input);
    return input;
}

static void compare_due(struct verdict *v, const char *where, const struct fpm_due *due,
                        const cJSON *want)
{
    golden_equal(v, where, due->at_s, golden_element(want, 0));
    golden_equal(v, where, due->load, golden_element(want, 1));
    golden_equal(v, where, due->throughput, golden_element(want, 2));
    golden_equal(v, where, due->traffic_window_s, golden_element(want, 4));
}

/* Forecasts of ARIMA are compared as such elsewhere: here the recorded ones are taken. */
static void release_recorded(void *state)
{
    (void)state;
}
static enum status observe_recorded(void *state, double value)
{
    (void)state;
    (void)value;
    return ST_OK;
}
static bool predict_recorded(void *state, double *forecast)
{
    *forecast = *(const double *)state;
    return true;
}
static const struct predictor_ops recorded = {.name = "recorded",
                                              .release = release_recorded,
                                              .observe = observe_recorded,
                                              .predict = predict_recorded};

static void take_recorded(struct run *r)
{
    for (int i = 0; i < N_FPM_SERIES; i++) {
        predictor_release(&r->core.series[i]);
        r->core.series[i] = (struct predictor){.ops = &recorded, .state = &r->forecasts[i]};
    }
}

/* Load rounds of 1.4.2 alone, without what its pipeline makes of them. */
static const struct fpm_rules load_rounds = {
    .name = "load rounds of 1.4.2", .disagg_waits = true, .load = &fpm_load_clamped};

static void run_case(const cJSON *kase, enum fpm_generation generation, struct verdict *v)
{
    const cJSON *tick, *limits;
    char where[WHERE_SIZE];
    struct run *r = start_run(kase, generation, 0);

    if (!r) {
        golden_fail(v, golden_text(kase, "id"));
        return;
    }
    if (strcmp(r->config.load_predictor, "arima") == 0 && r->config.enable_throughput_scaling)
        take_recorded(r);
    cJSON_ArrayForEach(tick, golden_get(kase, "ticks"))
    {
        struct fpm_output out;
        for (int i = 0; i < N_FPM_SERIES; i++)
            r->forecasts[i] = golden_at(golden_get(tick, "out"), golden_fpm_predicted[i]);
        snprintf(where, sizeof where, "%s at %g", golden_text(kase, "id"), golden_at(tick, "t"));
        if (golden_has(tick, "due"))
            compare_due(v, where, &r->core.due, golden_get(tick, "due"));
        limits = golden_get(tick, "new_capabilities");
        if (limits)
            set_limits(&r->core, cJSON_GetArrayItem(limits, 0), cJSON_GetArrayItem(limits, 1));
        struct fpm_input input = read_tick(r, tick);
        if (!golden_has(tick, "due"))
            r->core.due = (struct fpm_due){.at_s = input.now_s, .load = true};
        if (golden_has(tick, "in_progress") && generation == FPM_1_2_1)
            r->core.rules = &load_rounds;
        if (fpm_core_tick(&r->core, &input, &out))
            golden_fail(v, where);
        golden_fpm_outcome(v, where, &r->core, &out, golden_get(tick, "out"),
                           golden_get(tick, "scale_to"));
        if (golden_has(tick, "kv_used"))
            golden_close(v, where, r->core.hit_rate, golden_at(tick, "kv_used"), 1e-9, 1e-9);
    }
    end_run(r);
}

static void run_all(const cJSON *file, struct verdict *v)
{
    const cJSON *kase;
    enum fpm_generation generation = FPM_1_2_1;

    fpm_generation_find(golden_text(file, "generation"), &generation);
    cJSON_ArrayForEach(kase, golden_get(file, "cases"))
    {
        run_case(kase, generation, v);
    }
    golden_judge(v, "decisions, reasons, bounds and schedule exact; estimates and rates 1e-7");
}

/* ---- Replica counts ---- */

static void run_group(const cJSON *group, struct verdict *v)
{
    const cJSON *result;
    char where[WHERE_SIZE];
    int i = 0;

    cJSON_ArrayForEach(result, golden_get(group, "results"))
    {
        struct run *r = start_run(group, FPM_1_2_1, 0);
        struct fpm_output out;
        snprintf(where, sizeof where, "%s[%d]", golden_text(group, "id"), i++);
        if (!r) {
            golden_fail(v, where);
            continue;
        }
        struct fpm_input input = {.now_s = (double)r->config.throughput_interval_s,
                                  .has_counts = true,
                                  .ready = {1, 1},
                                  .expected = {1, 1}};
        input.traffic = read_traffic(r, golden_get(result, "traffic"));
        r->core.due = (struct fpm_due){.at_s = input.now_s, .throughput = true};
        if (fpm_core_tick(&r->core, &input, &out))
            golden_fail(v, where);
        golden_fpm_outcome(v, where, &r->core, &out, golden_get(result, "out"),
                           golden_get(result, "scale_to"));
        end_run(r);
    }
}

static void run_replicas(const cJSON *file, struct verdict *v)
{
    const cJSON *group;

    cJSON_ArrayForEach(group, golden_get(file, "groups"))
    {
        run_group(group, v);
    }
    golden_judge(v, "counts and reasons exact; rates 1e-7");
}

const struct family family_fpm_runs[] = {
    {"fpm_runs_sla", "runs, target sla", run_all},
    {"fpm_runs_easy", "runs, static targets", run_all},
    {"fpm_load_target", "load rounds of 1.4.2", run_all},
    {"fpm_settled", "scripted rounds of 1.4.2, static", run_all},
    {"fpm_settled_sla", "scripted rounds of 1.4.2, sla", run_all},
    {"fpm_guarded", "scripted rounds of 1.6.1", run_all},
    {"fpm_guarded_sla", "scripted rounds of 1.6.1, sla", run_all},
    {"fpm_replicas", "replica counts", run_replicas},
    {NULL, NULL, NULL},
};
