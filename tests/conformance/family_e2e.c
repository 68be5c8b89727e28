#include <math.h>
#include <stdio.h>
#include <string.h>

#include "planner/dynamo1/dryrun.h"
#include "tests/conformance/golden.h"
#include "util/bug.h"

enum { WHERE_SIZE = 160, MAX_COLUMNS = 32 };

static double element(const cJSON *list, int i)
{
    return golden_number(cJSON_GetArrayItem(list, i));
}

static int column(const cJSON *kase, const char *name)
{
    const cJSON *item;
    int i = 0;

    cJSON_ArrayForEach(item, golden_get(kase, "columns"))
    {
        if (strcmp(item->valuestring, name) == 0)
            return i;
        i++;
    }
    return -1;
}

static double cell(const cJSON *kase, const cJSON *row, const char *name)
{
    return element(row, column(kase, name));
}

static bool is_exact_predictor(const struct planner_config *c)
{
    return strcmp(c->load_predictor, "constant") == 0 || strcmp(c->load_predictor, "kalman") == 0;
}

/* Intervals forecast by a predictor that is only near the reference's. */
struct near_intervals {
    size_t n, equal;
};

/* Bars for own forecasts of ARIMA and Prophet: 90 % of intervals equal, the others within 1 replica
 * or 10 %. */
static bool compare_own(struct verdict *v, const char *where, const struct planner_config *c,
                        double got, double want)
{
    double slack = is_exact_predictor(c) ? 0 : fmax(0.1, 1 / fmax(1, fabs(want))) + 1e-12;

    golden_close(v, where, got, want, slack, 1);
    return got == want || (isnan(got) && isnan(want));
}

static void count_interval(struct near_intervals *near, const struct planner_config *c, bool equal)
{
    if (is_exact_predictor(c))
        return;
    near->n++;
    near->equal += equal;
}

static void judge_own(struct verdict *v, const struct near_intervals *near)
{
    char words[sizeof v->tolerance];

    snprintf(
        words, sizeof words,
        "constant, Kalman exact; ARIMA, Prophet 90 %% of intervals equal (here %zu of %zu), all "
        "within 1 or 10 %%",
        near->equal, near->n);
    golden_judge(v, words);
    v->pass = v->pass && (double)near->equal >= 0.9 * (double)near->n;
}

struct dryrun_case {
    struct arena arena;
    struct planner_config config;
    struct prefill_model prefill;
    struct decode_model decode;
    struct dryrun run;
    size_t n;
    struct trace_window *windows;
    struct dryrun_row *rows;
};

static bool dryrun_case_init(struct dryrun_case *k, const cJSON *file, const cJSON *kase)
{
    const cJSON *config = golden_get(kase, "config"), *row;
    struct planner_setup setup = {.prefill = &k->prefill, .decode = &k->decode};
    struct diag d;

    diag_init(&d);
    arena_init(&k->arena);
    setup.gpus[SIDE_PREFILL] = golden_int(config, "prefill_engine_num_gpu");
    setup.gpus[SIDE_DECODE] = golden_int(config, "decode_engine_num_gpu");
    k->n = (size_t)cJSON_GetArraySize(golden_get(kase, "rows"));
    k->windows = ARENA_NEW(&k->arena, k->n, struct trace_window);
    k->rows = ARENA_NEW(&k->arena, k->n, struct dryrun_row);
    struct trace_window *w = k->windows;
    cJSON_ArrayForEach(row, golden_get(kase, "rows"))
    {
        *w++ = (struct trace_window){.n_requests = cell(kase, row, "rr"),
                                     .isl_tok = cell(kase, row, "isl"),
                                     .osl_tok = cell(kase, row, "osl")};
    }
    return golden_config(kase, &k->config) &&
           golden_models(file, golden_text(kase, "profile"), &k->arena, &k->prefill, &k->decode) &&
           dryrun_init(&k->run, &k->arena, &k->config, &setup, &d) == ST_OK;
}

static bool dryrun_case_run(struct dryrun_case *k, const cJSON *kase)
{
    const cJSON *start = golden_get(kase, "start"), *item;
    int64_t replicas[N_SIDES] = {(int64_t)element(start, 0), (int64_t)element(start, 1)};
    struct diag d;

    diag_init(&d);
    cJSON_ArrayForEach(item, golden_get(kase, "warmup_intervals"))
    {
        struct trace_window w = {.n_requests = element(item, 0),
                                 .isl_tok = element(item, 1),
                                 .osl_tok = element(item, 2)};
        if (dryrun_warm_up(&k->run, &w, 1, &d))
            return false;
    }
    return dryrun_run(&k->run, k->windows, k->n, replicas, k->rows, &d) == ST_OK;
}

static void compare_count(struct verdict *v, const char *where, int64_t got, double want)
{
    if (got >= 0)
        golden_equal(v, where, (double)got, want);
}

/* Replicas for the recorded forecasts, and what is said about each row's own traffic. */
static void given_forecasts(struct dryrun_case *k, const cJSON *kase, struct verdict *v,
                            struct near_intervals *near)
{
    (void)near;
    const cJSON *row;
    char where[WHERE_SIZE];
    size_t i = 0;

    cJSON_ArrayForEach(row, golden_get(kase, "rows"))
    {
        struct traffic_forecast next = {cell(kase, row, "est_rr"), cell(kase, row, "est_isl"),
                                        cell(kase, row, "est_osl")};
        int64_t replicas[N_SIDES];
        snprintf(where, sizeof where, "%s row %zu", golden_text(kase, "id"), i);
        const struct dryrun_row *got = &k->rows[i];
        golden_close(v, where, got->load_tok[SIDE_PREFILL], cell(kase, row, "p_thpt"), 1e-12, 1);
        golden_close(v, where, got->load_tok[SIDE_DECODE], cell(kase, row, "d_thpt"), 1e-12, 1);
        if (i++ == 0)
            continue;
        if (!dryrun_replicas(&k->run, &next, replicas)) {
            golden_fail(v, where);
            continue;
        }
        compare_count(v, where, replicas[SIDE_PREFILL], cell(kase, row, "num_p"));
        compare_count(v, where, replicas[SIDE_DECODE], cell(kase, row, "num_d"));
    }
}

static void own_forecasts(struct dryrun_case *k, const cJSON *kase, struct verdict *v,
                          struct near_intervals *near)
{
    const cJSON *row;
    char where[WHERE_SIZE];
    size_t i = 0;

    cJSON_ArrayForEach(row, golden_get(kase, "rows"))
    {
        const struct dryrun_row *got = &k->rows[i];
        snprintf(where, sizeof where, "%s row %zu", golden_text(kase, "id"), i++);
        const double want[N_SIDES] = {cell(kase, row, "num_p"), cell(kase, row, "num_d")};
        const double safe[N_SIDES] = {cell(kase, row, "safe_p_thpt"),
                                      cell(kase, row, "safe_d_thpt")};
        bool equal = true;
        for (int side = 0; side < N_SIDES; side++) {
            if (got->replicas[side] < 0)
                continue;
            equal &= compare_own(v, where, &k->config, (double)got->replicas[side], want[side]);
            /* The safe throughput is in proportion to the replicas. */
            if ((double)got->replicas[side] == want[side])
                golden_close(v, where, got->safe_tok[side], safe[side], 2e-6, 1);
        }
        count_interval(near, &k->config, equal);
    }
}

static void each_dryrun(const cJSON *file, struct verdict *v, struct near_intervals *near,
                        void (*compare)(struct dryrun_case *, const cJSON *, struct verdict *,
                                        struct near_intervals *))
{
    const cJSON *kase;

    cJSON_ArrayForEach(kase, golden_get(file, "cases"))
    {
        struct dryrun_case k = {.n = 0};
        if (dryrun_case_init(&k, file, kase) && dryrun_case_run(&k, kase))
            compare(&k, kase, v, near);
        else
            golden_fail(v, golden_text(kase, "id"));
        dryrun_release(&k.run);
        arena_release(&k.arena);
    }
}

static void run_dryrun_given(const cJSON *file, struct verdict *v)
{
    each_dryrun(file, v, NULL, given_forecasts);
    golden_judge(v, "replicas exact, loads 1e-12");
}

static void run_dryrun_own(const cJSON *file, struct verdict *v)
{
    struct near_intervals near = {0, 0};

    each_dryrun(file, v, &near, own_forecasts);
    judge_own(v, &near);
}

static void run_extraction(const cJSON *file, struct verdict *v)
{
    const cJSON *kase, *item;
    struct diag d;

    diag_init(&d);
    cJSON_ArrayForEach(kase, golden_get(file, "extraction"))
    {
        struct trace_windows w;
        size_t i = 0;
        trace_windows_init(&w, golden_int(kase, "interval_s"));
        cJSON_ArrayForEach(item, golden_get(kase, "records"))
        {
            (void)trace_windows_add(&w, element(item, 0), element(item, 1), element(item, 2), &d);
        }
        (void)trace_windows_finish(&w, false, &d);
        golden_equal(v, "extraction", (double)w.n, cJSON_GetArraySize(golden_get(kase, "metrics")));
        cJSON_ArrayForEach(item, golden_get(kase, "metrics"))
        {
            if (i == w.n)
                break;
            const struct trace_window *row = &w.rows[i++];
            golden_equal(v, "extraction start", (double)row->start_s,
                         golden_at(item, "interval_start"));
            golden_equal(v, "extraction count", row->n_requests, golden_at(item, "request_count"));
            golden_close(v, "extraction isl", row->isl_tok, golden_at(item, "avg_isl"), 1e-12, 1);
            golden_close(v, "extraction osl", row->osl_tok, golden_at(item, "avg_osl"), 1e-12, 1);
        }
        trace_windows_release(&w);
    }
    golden_judge(v, "exact, means 1e-12");
}

struct live_case {
    struct arena arena;
    struct planner_config config;
    struct prefill_model prefill;
    struct decode_model decode;
    struct planner_core core;
};

static bool live_case_init(struct live_case *k, const cJSON *file, const cJSON *kase)
{
    const cJSON *config = golden_get(kase, "config");
    struct planner_setup setup = {.prefill = &k->prefill, .decode = &k->decode};
    struct diag d;

    diag_init(&d);
    arena_init(&k->arena);
    setup.gpus[SIDE_PREFILL] = golden_int(config, "prefill_engine_num_gpu");
    setup.gpus[SIDE_DECODE] = golden_int(config, "decode_engine_num_gpu");
    return golden_config(kase, &k->config) &&
           golden_models(file, golden_text(kase, "profile"), &k->arena, &k->prefill, &k->decode) &&
           planner_core_init(&k->core, &k->arena, &k->config, &setup, &d) == ST_OK;
}

static struct traffic_means observed(const cJSON *tick)
{
    const cJSON *o = golden_get(tick, "observed");

    return (struct traffic_means){1000 * golden_at(o, "ttft_s"), 1000 * golden_at(o, "itl_s"),
                                  golden_at(o, "num_req"),       golden_at(o, "request_duration_s"),
                                  golden_at(o, "isl"),           golden_at(o, "osl")};
}

static const char *const side_keys[N_SIDES] = {"prefill", "decode"};
static const char *const correction_keys[N_SIDES] = {"p_correction", "d_correction"};

static void compare_correction(struct verdict *v, const char *where, const cJSON *tick, int side,
                               double got)
{
    if (golden_has(tick, correction_keys[side]))
        golden_close(v, where, got, golden_at(tick, correction_keys[side]),
                     side == SIDE_PREFILL ? 1e-9 : 2e-6, 1e-9);
}

static void live_given(struct live_case *k, const cJSON *tick, struct verdict *v, const char *where,
                       struct near_intervals *near)
{
    struct traffic_means seen = observed(tick);

    (void)near;

    for (int side = 0; side < N_SIDES; side++) {
        const cJSON *p = golden_get(tick, "predicted");
        if (side == SIDE_DECODE && golden_has(tick, "predicted_decode"))
            p = golden_get(tick, "predicted_decode");
        struct traffic_forecast next = {element(p, 0), element(p, 1), element(p, 2)};
        if (!golden_get(tick, side_keys[side]))
            continue;
        struct side_plan plan = planner_core_plan_for(&k->core, (enum planner_side)side, &seen,
                                                      golden_int(tick, "num_d"), p ? &next : NULL);
        golden_equal(v, where, plan.state == PLAN_READY ? (double)plan.replicas : NAN,
                     golden_at(tick, side_keys[side]));
        compare_correction(v, where, tick, side, plan.correction);
    }
}

static void live_own(struct live_case *k, const cJSON *tick, struct verdict *v, const char *where,
                     struct near_intervals *near)
{
    struct traffic_means seen = observed(tick);
    int64_t n_workers[N_SIDES] = {golden_int(tick, "num_p"), golden_int(tick, "num_d")};
    const cJSON *applied = golden_get(tick, "applied");
    struct throughput_outcome o;
    bool equal = true;

    BUG_IF(planner_core_throughput(&k->core, &seen, n_workers, &o, NULL));

    golden_equal(v, where, o.request, applied != NULL);
    for (int side = 0; side < N_SIDES; side++) {
        if (golden_get(tick, side_keys[side])) {
            bool ready = o.plan[side].state == PLAN_READY;
            equal &= compare_own(v, where, &k->config, ready ? (double)o.plan[side].replicas : NAN,
                                 golden_at(tick, side_keys[side]));
            compare_correction(v, where, tick, side, o.plan[side].correction);
        }
        if (o.request && golden_has(applied, side_keys[side]))
            equal &= compare_own(v, where, &k->config, (double)o.target[side],
                                 golden_at(applied, side_keys[side]));
    }
    count_interval(near, &k->config, equal);
}

static void each_live(const cJSON *file, struct verdict *v, struct near_intervals *near,
                      void (*compare)(struct live_case *, const cJSON *, struct verdict *,
                                      const char *, struct near_intervals *))
{
    const cJSON *kase, *tick;
    char where[WHERE_SIZE];

    cJSON_ArrayForEach(kase, golden_get(file, "cases"))
    {
        struct live_case k = {.config = {.mode = NULL}};
        bool ready = live_case_init(&k, file, kase);
        if (!ready)
            golden_fail(v, golden_text(kase, "id"));
        cJSON_ArrayForEach(tick, golden_get(kase, "ticks"))
        {
            snprintf(where, sizeof where, "%s t=%g", golden_text(kase, "id"), golden_at(tick, "t"));
            if (ready)
                compare(&k, tick, v, where, near);
        }
        planner_core_release(&k.core);
        arena_release(&k.arena);
    }
}

static void run_live_given(const cJSON *file, struct verdict *v)
{
    each_live(file, v, NULL, live_given);
    golden_judge(v, "replicas exact; corrections 1e-9 (prefill), 2e-6 (decode)");
}

static void run_live_own(const cJSON *file, struct verdict *v)
{
    struct near_intervals near = {0, 0};

    each_live(file, v, &near, live_own);
    judge_own(v, &near);
}

const struct family family_e2e[] = {
    {"e2e_dryrun", "trace extraction", run_extraction},
    {"e2e_dryrun", "dry run, recorded forecasts", run_dryrun_given},
    {"e2e_dryrun", "dry run, own forecasts", run_dryrun_own},
    {"e2e_live", "throughput loop, recorded forecasts", run_live_given},
    {"e2e_live", "throughput loop, own forecasts", run_live_own},
    {NULL, NULL, NULL},
};
