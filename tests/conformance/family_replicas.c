#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tests/conformance/golden.h"

enum { WHERE_SIZE = 64 };

static struct replica_rule rule_of(const cJSON *kase)
{
    return (struct replica_rule){.interval_s = golden_at(kase, "interval_s"),
                                 .min_endpoint = golden_int(kase, "min_endpoint"),
                                 .gpus_per_engine = golden_int(kase, "engine_num_gpu"),
                                 .itl_ms = golden_at(kase, "itl_sla_ms")};
}

/* null in the file is a NaN here: no plan. */
static double count_or_none(bool counted, int64_t n)
{
    return counted ? (double)n : NAN;
}

static void single(const cJSON *kase, struct verdict *v, const char *where, enum planner_side side,
                   const struct prefill_model *prefill, const struct decode_model *decode)
{
    struct replica_rule rule = rule_of(kase);
    struct traffic_forecast next = {golden_at(kase, "next_num_req"), golden_at(kase, "next_isl"),
                                    golden_at(kase, "next_osl")};
    int64_t n = 0;
    bool counted = side == SIDE_PREFILL
                       ? prefill_replicas(prefill, &rule, &next,
                                          golden_at(kase, "p_correction_factor"), &n, NULL)
                       : decode_replicas(decode, &rule, &next,
                                         golden_at(kase, "d_correction_factor"), &n, NULL);

    golden_equal(v, where, count_or_none(counted, n), golden_at(kase, "replicas"));
}

static void one_plan(const cJSON *kase, struct verdict *v, const char *where,
                     enum planner_side side, const struct prefill_model *prefill,
                     const struct decode_model *decode)
{
    const cJSON *m = golden_get(kase, "metrics"), *predicted = golden_get(kase, "predicted");
    const cJSON *want = golden_get(kase, side == SIDE_PREFILL ? "prefill" : "decode");
    struct traffic_means seen = {golden_at(m, "ttft"),    golden_at(m, "itl"),
                                 golden_at(m, "num_req"), golden_at(m, "request_duration"),
                                 golden_at(m, "isl"),     golden_at(m, "osl")};
    struct traffic_forecast next = {golden_number(cJSON_GetArrayItem(predicted, 0)),
                                    golden_number(cJSON_GetArrayItem(predicted, 1)),
                                    golden_number(cJSON_GetArrayItem(predicted, 2))};
    struct planner_config config;
    struct planner_core core = {
        .config = &config,
        .prefill = prefill,
        .decode = decode,
        .gpus = {golden_int(kase, "engine_num_gpu"), golden_int(kase, "engine_num_gpu")},
        .correction = {1, 1}};

    key_presets(planner_keys, &config);
    config.throughput_adjustment_interval_s = golden_int(kase, "interval_s");
    config.itl_ms = golden_at(kase, "itl_sla_ms");
    config.min_endpoint = golden_int(kase, "min_endpoint");
    config.no_correction = cJSON_IsTrue(golden_get(kase, "no_correction"));
    struct side_plan plan =
        planner_core_plan_for(&core, side, &seen, golden_int(kase, "num_d_workers"),
                              isnan(next.n_requests) ? NULL : &next);
    golden_equal(v, where, count_or_none(plan.state == PLAN_READY, plan.replicas),
                 golden_at(want, "replicas"));
    golden_close(v, where, core.correction[SIDE_PREFILL], golden_at(want, "p_correction_factor"),
                 1e-9, 1e-9);
    golden_close(v, where, core.correction[SIDE_DECODE], golden_at(want, "d_correction_factor"),
                 2e-6, 1e-9);
}

typedef void compare(const cJSON *kase, struct verdict *v, const char *where,
                     enum planner_side side, const struct prefill_model *prefill,
                     const struct decode_model *decode);

/* Building a profile's grids for every line would take most of the time: models are kept by name.
 */
enum { MAX_MODELS = 32 };
struct models {
    struct arena arena;
    size_t n;
    const char *name[MAX_MODELS];
    struct prefill_model prefill[MAX_MODELS];
    struct decode_model decode[MAX_MODELS];
};

static bool find_models(struct models *m, const cJSON *file, const char *name, size_t *at)
{
    for (*at = 0; *at < m->n; (*at)++) {
        if (strcmp(m->name[*at], name) == 0)
            return true;
    }
    if (m->n == MAX_MODELS ||
        !golden_models(file, name, &m->arena, &m->prefill[*at], &m->decode[*at]))
        return false;
    m->name[m->n++] = name;
    return true;
}

static void each(const cJSON *file, struct verdict *v, const char *list, enum planner_side side,
                 compare *run)
{
    const cJSON *kase;
    char where[WHERE_SIZE];
    size_t i = 0, at;
    struct models models;

    models.n = 0;
    arena_init(&models.arena);
    cJSON_ArrayForEach(kase, golden_get(file, list))
    {
        snprintf(where, sizeof where, "%s[%zu]", list, i++);
        if (find_models(&models, file, golden_text(kase, "profile"), &at))
            run(kase, v, where, side, &models.prefill[at], &models.decode[at]);
        else
            golden_fail(v, where);
    }
    arena_release(&models.arena);
}

static void run_counts(const cJSON *file, struct verdict *v)
{
    each(file, v, "prefill", SIDE_PREFILL, single);
    each(file, v, "decode", SIDE_DECODE, single);
    golden_judge(v, "exact");
}

static void run_plans(const cJSON *file, struct verdict *v)
{
    each(file, v, "plan_adjustment", SIDE_PREFILL, one_plan);
    each(file, v, "plan_adjustment", SIDE_DECODE, one_plan);
    golden_judge(v, "counts exact; corrections 1e-9 (prefill), 2e-6 (decode)");
}

static void run_budgets(const cJSON *file, struct verdict *v)
{
    const cJSON *kase;

    cJSON_ArrayForEach(kase, golden_get(file, "global_budget"))
    {
        struct gpu_budget b = {.max_gpus = golden_int(kase, "max_gpu_budget"),
                               .min_endpoint = golden_int(kase, "min_endpoint")};
        int64_t p = golden_int(kase, "want_p"), q = golden_int(kase, "want_d");
        budget_joint(&b, &p, golden_int(kase, "prefill_engine_num_gpu"), &q,
                     golden_int(kase, "decode_engine_num_gpu"));
        golden_equal(v, "global_budget p", (double)p, golden_at(kase, "p"));
        golden_equal(v, "global_budget d", (double)q, golden_at(kase, "d"));
    }
    cJSON_ArrayForEach(kase, golden_get(file, "component_budget"))
    {
        struct gpu_budget b = {.max_gpus = golden_int(kase, "max_gpu_budget"),
                               .min_endpoint = golden_int(kase, "min_endpoint")};
        int64_t n =
            budget_component(&b, golden_int(kase, "want"), golden_int(kase, "engine_num_gpu"));
        golden_equal(v, "component_budget", (double)n, golden_at(kase, "replicas"));
    }
    golden_judge(v, "exact");
}

const struct family family_replicas[] = {
    {"replicas", "replica counts", run_counts},
    {"replicas", "plans with correction", run_plans},
    {"replicas", "GPU budgets", run_budgets},
    {NULL, NULL, NULL},
};
