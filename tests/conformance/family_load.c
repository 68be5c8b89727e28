#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/conformance/golden.h"
#include "util/bug.h"

enum { WHERE_SIZE = 160 };

static double element(const cJSON *list, int i)
{
    return golden_number(cJSON_GetArrayItem(list, i));
}

/* All x equal, but not to the bit in the reference's centred sums: the recorded slope is rounding
 * noise. */
static bool slope_is_noise(const struct regression *r)
{
    for (size_t i = 1; i < r->n; i++) {
        if (r->x[i] != r->x[0])
            return false;
    }
    return r->n > 0 && r->x[0] != floor(r->x[0]);
}

static double largest(const double *values, size_t n)
{
    double best = 0;

    for (size_t i = 0; i < n; i++)
        best = fmax(best, fabs(values[i]));
    return best;
}

static void compare_line(struct verdict *v, const char *where, const struct regression *r,
                         double want_slope, double want_intercept)
{
    double slope = NAN, intercept = NAN;
    bool fitted = regression_fit(r, &slope, &intercept);
    double y = largest(r->y, r->n), x = largest(r->x, r->n);

    if (fitted && slope_is_noise(r)) {
        golden_close(v, where, slope * x + intercept, want_slope * x + want_intercept, 1e-9, y);
        return;
    }
    golden_close(v, where, slope, want_slope, 1e-9, x > 0 ? y / x : y);
    golden_close(v, where, intercept, want_intercept, 1e-9, y);
}

static void compare_inverse(struct verdict *v, const char *where, const struct regression *r,
                            double target, double want, double want_slope)
{
    double x = NAN;

    if (slope_is_noise(r) && want_slope > 0)
        return;
    (void)regression_inverse(r, target, &x);
    golden_close(v, where, x, want, 1e-7, 1);
}

static void one_series(const cJSON *kase, struct verdict *v)
{
    const cJSON *x = golden_get(kase, "x"), *y = golden_get(kase, "y"), *step;
    const cJSON *targets = golden_get(kase, "targets");
    struct arena arena;
    struct regression r;
    struct diag d;
    char where[WHERE_SIZE];
    int i = 0;

    diag_init(&d);
    arena_init(&arena);
    if (regression_init(&r, &arena, (size_t)golden_int(kase, "window"),
                        (size_t)golden_int(kase, "min_observations"), &d)) {
        golden_fail(v, golden_text(kase, "id"));
        arena_release(&arena);
        return;
    }
    cJSON_ArrayForEach(step, golden_get(kase, "steps"))
    {
        regression_add(&r, element(x, i), element(y, i));
        snprintf(where, sizeof where, "%s step %d", golden_text(kase, "id"), i++);
        golden_equal(v, where, (double)r.n, element(step, 0));
        compare_line(v, where, &r, element(step, 1), element(step, 2));
        for (int t = 0; t < cJSON_GetArraySize(targets); t++)
            compare_inverse(v, where, &r, element(targets, t), element(step, 3 + t),
                            element(step, 1));
    }
    arena_release(&arena);
}

static void run_regression(const cJSON *file, struct verdict *v)
{
    const cJSON *kase;

    cJSON_ArrayForEach(kase, golden_get(file, "cases"))
    {
        one_series(kase, v);
    }
    golden_judge(v, "line 1e-9, inverse 1e-7; slopes of equal x not compared (noise)");
}

/* One recorded planner: its core, and how much of the record is fed. */
struct replay {
    struct planner_core core;
    struct planner_config config;
    struct prefill_model prefill;
    struct decode_model decode;
    struct arena arena;
    struct gauge_page page;
    const cJSON *columns, *next_sample;
    int n_samples;
};

static enum gauge gauge_of(const char *column)
{
    static const char *const names[N_GAUGES] = {[GAUGE_PREFILL_TOKENS] = "active_prefill_tokens",
                                                [GAUGE_DECODE_BLOCKS] = "active_decode_blocks",
                                                [GAUGE_TTFT_S] = "last_ttft",
                                                [GAUGE_ISL_TOK] = "last_isl",
                                                [GAUGE_ITL_S] = "last_itl"};

    for (int g = 0; g < N_GAUGES; g++) {
        if (strcmp(column, names[g]) == 0)
            return (enum gauge)g;
    }
    return N_GAUGES;
}

static void add_row(struct replay *r, const cJSON *row)
{
    const char *type = cJSON_GetArrayItem(row, 0)->valuestring;
    const char *id = cJSON_GetArrayItem(row, 1)->valuestring;
    struct worker_sample *w =
        gauge_page_worker(&r->page, strcmp(type, "prefill") == 0 ? WORKER_PREFILL : WORKER_DECODE,
                          strtoull(id, NULL, 10));

    for (int i = 2; w && i < cJSON_GetArraySize(r->columns); i++) {
        enum gauge g = gauge_of(cJSON_GetArrayItem(r->columns, i)->valuestring);
        if (g != N_GAUGES && !isnan(element(row, i)))
            w->gauge[g] = element(row, i);
    }
}

static void feed_samples(struct replay *r, int upto)
{
    for (; r->n_samples < upto && r->next_sample; r->n_samples++) {
        const cJSON *row;
        cJSON_ArrayForEach(row, cJSON_GetArrayItem(r->next_sample, 1))
        {
            add_row(r, row);
        }
        planner_core_sample(&r->core, &r->page);
        r->next_sample = r->next_sample->next;
    }
}

static void compare_rule(struct verdict *v, const char *where, const struct replay *r,
                         const struct load_outcome *o, enum planner_side side, const cJSON *want)
{
    static const char *const words[] = {[LOAD_KEEP] = "", [LOAD_UP] = "up", [LOAD_DOWN] = "down"};
    const struct regression *line = side == SIDE_PREFILL ? &r->core.ttft : &r->core.itl;
    enum planner_side metrics_of = r->core.mode == MODE_AGG ? SIDE_DECODE : side;

    golden_equal(v, where, (double)line->n, golden_at(want, "n"));
    compare_line(v, where, line, golden_at(want, "slope"), golden_at(want, "intercept"));
    double target = side == SIDE_PREFILL ? r->config.ttft_ms : r->config.itl_ms;
    compare_inverse(v, where, line, target, golden_at(want, "x_sla"), golden_at(want, "slope"));
    if (golden_has(want, "avg_isl"))
        golden_close(v, where, r->core.metrics[metrics_of].cluster[GAUGE_ISL_TOK],
                     golden_at(want, "avg_isl"), 1e-12, 1e-9);
    if (o->state == LOAD_COUNT_MISMATCH)
        return;
    if (golden_get(want, "desired"))
        golden_equal(v, where, o->desired[side] < 0 ? NAN : (double)o->desired[side],
                     golden_at(want, "desired"));
    if (golden_get(want, "decision"))
        golden_equal(v, where, strcmp(words[o->verdict[side].wish], golden_text(want, "decision")),
                     0);
}

static void load_tick(struct replay *r, const cJSON *tick, struct verdict *v, const char *where)
{
    static const char *const names[N_SIDES] = {"prefill", "decode"};
    const cJSON *applied = golden_get(tick, "applied"),
                *recent = golden_get(tick, "workers_in_recent");
    const char *skipped = golden_text(tick, "skipped");
    int64_t n_workers[N_SIDES] = {golden_int(tick, "num_p"), golden_int(tick, "num_d")};

    feed_samples(r, (int)golden_int(tick, "samples_seen"));
    if (!recent)
        return;
    struct load_outcome o;
    BUG_IF(planner_core_load(&r->core, n_workers, true, &o, NULL));
    for (int side = 0; side < N_SIDES; side++) {
        if (golden_has(recent, names[side]))
            golden_equal(v, where, (double)o.n_recent[side], golden_at(recent, names[side]));
        if (golden_has(tick, names[side]))
            compare_rule(v, where, r, &o, (enum planner_side)side, golden_get(tick, names[side]));
        golden_equal(v, where,
                     o.state == LOAD_REQUEST && o.target[side] >= 0 ? (double)o.target[side] : NAN,
                     applied ? golden_at(applied, names[side]) : NAN);
    }
    golden_equal(v, where, o.state == LOAD_COUNT_MISMATCH, strcmp(skipped, "count_mismatch") == 0);
    golden_equal(v, where, o.state == LOAD_NO_CHANGE, strcmp(skipped, "no_change") == 0);
}

static void throughput_tick(struct replay *r, const cJSON *tick, struct verdict *v,
                            const char *where)
{
    static const char *const names[N_SIDES] = {"prefill", "decode"};
    const cJSON *seen = golden_get(tick, "observed"), *before = golden_get(tick, "bound_before");
    int64_t n_workers[N_SIDES] = {golden_int(tick, "num_p"), golden_int(tick, "num_d")};
    struct traffic_means means = {
        1000 * golden_at(seen, "ttft_s"), 1000 * golden_at(seen, "itl_s"),
        golden_at(seen, "num_req"),       golden_at(seen, "request_duration_s"),
        golden_at(seen, "isl"),           golden_at(seen, "osl")};

    for (int side = 0; side < N_SIDES; side++)
        golden_equal(v, where, (double)r->core.floor[side], element(before, side));
    struct throughput_outcome o;
    BUG_IF(planner_core_throughput(&r->core, &means, n_workers, &o, NULL));
    for (int side = 0; side < N_SIDES; side++) {
        if (golden_get(tick, names[side]))
            golden_equal(v, where,
                         o.plan[side].state == PLAN_READY ? (double)o.plan[side].replicas : NAN,
                         golden_at(tick, names[side]));
    }
}

static bool replay_start(struct replay *r, const cJSON *file, const cJSON *kase)
{
    struct planner_setup setup = {.prefill = &r->prefill, .decode = &r->decode};
    const cJSON *config = golden_get(kase, "config");
    struct diag d;

    diag_init(&d);
    setup.gpus[SIDE_PREFILL] = golden_int(config, "prefill_engine_num_gpu");
    setup.gpus[SIDE_DECODE] = golden_int(config, "decode_engine_num_gpu");
    r->columns = golden_get(file, "sample_columns");
    const cJSON *samples = golden_get(kase, "samples");
    r->next_sample = samples ? samples->child : NULL;
    if (!golden_config(kase, &r->config))
        return false;
    r->config.enable_load_scaling = true;
    if (r->config.enable_throughput_scaling &&
        !golden_models(file, golden_text(kase, "profile"), &r->arena, &r->prefill, &r->decode))
        return false;
    return planner_core_init(&r->core, &r->arena, &r->config, &setup, &d) == ST_OK;
}

/* Both lists of ticks in order of time; at one instant the throughput tick comes first. */
static void one_loop(const cJSON *file, const cJSON *kase, struct verdict *v)
{
    struct replay r = {.n_samples = 0};
    const cJSON *load = golden_get(kase, "load_ticks")->child;
    const cJSON *throughput = golden_get(kase, "throughput_ticks")->child;
    char where[WHERE_SIZE];

    arena_init(&r.arena);
    if (!replay_start(&r, file, kase)) {
        golden_fail(v, golden_text(kase, "id"));
        load = throughput = NULL;
    }
    while (load || throughput) {
        bool planning = throughput && (!load || golden_at(throughput, "t") <= golden_at(load, "t"));
        const cJSON *tick = planning ? throughput : load;
        snprintf(where, sizeof where, "%s t=%g", golden_text(kase, "id"), golden_at(tick, "t"));
        if (planning) {
            throughput_tick(&r, tick, v, where);
            throughput = throughput->next;
        } else {
            load_tick(&r, tick, v, where);
            load = load->next;
        }
    }
    const cJSON *bounds = golden_get(kase, "final_bounds");
    for (int side = 0; bounds && side < N_SIDES; side++)
        golden_equal(v, golden_text(kase, "id"), (double)r.core.floor[side], element(bounds, side));
    planner_core_release(&r.core);
    gauge_page_release(&r.page);
    arena_release(&r.arena);
}

static void run_loops(const cJSON *file, struct verdict *v)
{
    const cJSON *kase;

    cJSON_ArrayForEach(kase, golden_get(file, "cases"))
    {
        one_loop(file, kase, v);
    }
    golden_judge(v, "decisions exact; lines 1e-9, inverse 1e-7");
}

const struct family family_load[] = {
    {"load_regression", "sliding regression", run_regression},
    {"load_loop", "load and throughput loops", run_loops},
    {NULL, NULL, NULL},
};
