#include "planner/policy_config.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "planner/fixes.h"
#include "util/bug.h"

static const char *const for_planner[] = {"planner", NULL};

static const char *const modes[] = {"disagg", "prefill", "decode", "agg", NULL};
static const char *const environments[] = {"kubernetes", "virtual", "global-planner", NULL};
static const char *const backends[] = {"vllm", "sglang", "trtllm", "mocker", NULL};
static const char *const sweep_modes[] = {"rapid", "thorough", "none", NULL};
static const char *const metric_sources[] = {"frontend", "router", NULL};
static const char *const predictor_names[] = {"constant", "arima", "kalman", "prophet", NULL};
static const char *const compat_levels[] = {"faithful", "fixed", NULL};

#define AT(member) .offset = offsetof(struct policy_config, member)
#define BOOL_FIELD(field, member, value, text)                                                     \
    {                                                                                              \
        .name = field, .type = POLICY_FIELD_BOOL, AT(member),                                      \
        .preset = {.kind = POLICY_BOOL, .b = value}, .dynamo = true, .policies = for_planner,      \
        .doc = text                                                                                \
    }
#define INT_FIELD(field, member, lo, hi, value, text)                                              \
    {                                                                                              \
        .name = field, .type = POLICY_FIELD_INT, AT(member), .min = lo, .max = hi,                 \
        .preset = {.kind = POLICY_INT, .i = value}, .dynamo = true, .policies = for_planner,       \
        .doc = text                                                                                \
    }
#define DOUBLE_FIELD(field, member, lo, hi, value, text)                                           \
    {                                                                                              \
        .name = field, .type = POLICY_FIELD_DOUBLE, AT(member), .min = lo, .max = hi,              \
        .preset = {.kind = POLICY_DOUBLE, .d = value}, .dynamo = true, .policies = for_planner,    \
        .doc = text                                                                                \
    }
#define ENUM_FIELD(field, member, list, value, text)                                               \
    {                                                                                              \
        .name = field, .type = POLICY_FIELD_ENUM, AT(member), .choices = list,                     \
        .preset = {.kind = POLICY_STRING, .s = value}, .dynamo = true, .policies = for_planner,    \
        .doc = text                                                                                \
    }
#define TEXT_FIELD(field, member, text)                                                            \
    {                                                                                              \
        .name = field, .type = POLICY_FIELD_STRING, AT(member), .nullable = true, .dynamo = true,  \
        .policies = for_planner, .doc = text                                                       \
    }

/* Longest interval, a year; more GPUs or replicas than this are a slip of the hand. */
#define YEAR_S 31536000
#define MANY 1000000

const struct policy_field policy_fields[] = {
    ENUM_FIELD("environment", environment, environments, "kubernetes",
               "how requests reach the deployment, and when they count as done"),
    ENUM_FIELD("mode", mode, modes, "disagg", "which pools the planner steers"),
    BOOL_FIELD("enable_throughput_scaling", enable_throughput_scaling, true,
               "plan from the traffic forecast and the engine profile"),
    BOOL_FIELD("enable_load_scaling", enable_load_scaling, false,
               "react to the workers' own gauges"),
    INT_FIELD("throughput_adjustment_interval", throughput_adjustment_interval_s, 1, YEAR_S, 180,
              "seconds between two throughput plans"),
    INT_FIELD("max_gpu_budget", max_gpu_budget, -MANY, MANY, 8, "GPUs in all; negative = no limit"),
    INT_FIELD("min_endpoint", min_endpoint, 0, MANY, 1, "fewest replicas of a pool"),
    {.name = "prefill_engine_num_gpu",
     .type = POLICY_FIELD_INT,
     AT(prefill_engine_num_gpu),
     .min = 1,
     .max = MANY,
     .nullable = true,
     .dynamo = true,
     .policies = for_planner,
     .doc = "GPUs of one prefill worker; unset = as deployed"},
    {.name = "decode_engine_num_gpu",
     .type = POLICY_FIELD_INT,
     AT(decode_engine_num_gpu),
     .min = 1,
     .max = MANY,
     .nullable = true,
     .dynamo = true,
     .policies = for_planner,
     .doc = "GPUs of one decode worker; unset = as deployed"},
    DOUBLE_FIELD("ttft", ttft_ms, 0, 1e9, 500, "target of the time to first token, ms"),
    DOUBLE_FIELD("itl", itl_ms, 0, 1e9, 50, "target of the inter-token latency, ms"),
    ENUM_FIELD("load_predictor", load_predictor, predictor_names, "arima",
               "forecast of the traffic"),
    BOOL_FIELD("load_predictor_log1p", load_predictor_log1p, false,
               "forecast log(1 + value) instead of the value"),
    INT_FIELD("prophet_window_size", prophet_window_size, 1, MANY, 50,
              "values Prophet is fitted on"),
    TEXT_FIELD("load_predictor_warmup_trace", load_predictor_warmup_trace,
               "trace whose windows are fed to the predictors before the start"),
    DOUBLE_FIELD("kalman_q_level", kalman_q_level, 0, 1e12, 1, "process noise of the level"),
    DOUBLE_FIELD("kalman_q_trend", kalman_q_trend, 0, 1e12, 0.1, "process noise of the trend"),
    DOUBLE_FIELD("kalman_r", kalman_r, 0, 1e12, 10, "measurement noise"),
    INT_FIELD("kalman_min_points", kalman_min_points, 0, MANY, 5,
              "values before Kalman forecasts; without effect unless fixed"),
    BOOL_FIELD("no_correction", no_correction, true,
               "leave out the correction of the profile by measured latencies"),
    ENUM_FIELD("throughput_metrics_source", throughput_metrics_source, metric_sources, "frontend",
               "whose counters the traffic is read from"),
    INT_FIELD("load_adjustment_interval", load_adjustment_interval_s, 1, YEAR_S, 5,
              "seconds between two load decisions"),
    INT_FIELD("load_learning_window", load_learning_window, 1, MANY, 50,
              "observations the load regression keeps"),
    INT_FIELD("load_scaling_down_sensitivity", load_scaling_down_sensitivity, 0, 1000, 80,
              "percent of the per-worker target below which a worker may go"),
    INT_FIELD("load_metric_samples", load_metric_samples, 1, 1000, 10,
              "scrapes of the gauges per load interval"),
    INT_FIELD("load_min_observations", load_min_observations, 1, MANY, 5,
              "observations before the load regression answers"),
    BOOL_FIELD("no_operation", no_operation, false, "plan and report, but ask for nothing"),
    ENUM_FIELD("pre_deployment_sweeping_mode", pre_deployment_sweeping_mode, sweep_modes, "rapid",
               "where the engine profile comes from; none forbids throughput scaling"),
    TEXT_FIELD("load_router_metrics_url", load_router_metrics_url,
               "router whose gauges are read; required for load scaling outside kubernetes"),
    TEXT_FIELD("global_planner_namespace", global_planner_namespace,
               "required with environment global-planner"),
    TEXT_FIELD("namespace", namespace_name, "of the live deployment; without effect here"),
    ENUM_FIELD("backend", backend, backends, "vllm", "of the live deployment; without effect here"),
    TEXT_FIELD("log_dir", log_dir, "of the live planner; without effect here"),
    TEXT_FIELD("profile_results_dir", profile_results_dir,
               "of the live planner; the profile is chosen by engine.profile"),
    TEXT_FIELD("model_name", model_name, "of the live deployment; without effect here"),
    TEXT_FIELD("metric_pulling_prometheus_endpoint", metric_pulling_prometheus_endpoint,
               "of the live planner; without effect here"),
    INT_FIELD("metric_reporting_prometheus_port", metric_reporting_prometheus_port, 0, 65535, 0,
              "of the live planner; without effect here"),
    {.name = "compat",
     .type = POLICY_FIELD_ENUM,
     AT(compat),
     .choices = compat_levels,
     .preset = {.kind = POLICY_STRING, .s = "faithful"},
     .policies = for_planner,
     .doc = "faithful: the reference's quirks and all; fixed: every fix on"},
    {.name = "fixes",
     .type = POLICY_FIELD_FIXES,
     AT(fixes),
     .policies = for_planner,
     .doc = "quirks to repair, by name"},
    {.name = "start_delay_s",
     .type = POLICY_FIELD_DOUBLE,
     AT(start_delay_s),
     .min = 0,
     .max = YEAR_S,
     .preset = {.kind = POLICY_NULL, .d = NAN},
     .nullable = true,
     .policies = for_planner,
     .doc = "the planner's loops start that long after the run, as the live process waits"},
    {.name = NULL},
};

const struct policy_field *policy_field_find(const char *name)
{
    for (const struct policy_field *f = policy_fields; f->name; f++) {
        if (strcmp(f->name, name) == 0)
            return f;
    }
    return NULL;
}

static bool listed(const char *const *list, const char *word)
{
    for (; *list; list++) {
        if (strcmp(*list, word) == 0)
            return true;
    }
    return false;
}

/* Unchecked: the value fits the field. */
static void store(struct policy_config *config, const struct policy_field *f,
                  const struct policy_value *v)
{
    void *to = (char *)config + f->offset;

    switch (f->type) {
    case POLICY_FIELD_BOOL:
        *(bool *)to = v->b;
        break;
    case POLICY_FIELD_INT:
        *(int64_t *)to = v->i;
        break;
    case POLICY_FIELD_DOUBLE:
        *(double *)to = v->d;
        break;
    case POLICY_FIELD_ENUM:
    case POLICY_FIELD_STRING:
        *(const char **)to = v->s;
        break;
    case POLICY_FIELD_FIXES:
        *(unsigned *)to = (unsigned)v->i;
        break;
    }
}

void policy_config_defaults(struct policy_config *config, const char *type)
{
    *config = (struct policy_config){.type = type};
    for (const struct policy_field *f = policy_fields; f->name; f++)
        store(config, f, &f->preset);
}

enum { LIST_SIZE = 512, NAME_MAX_CHARS = 64, NEAR_DISTANCE = 3 };

static void list_add(char *list, const char *word)
{
    size_t used = strlen(list);

    snprintf(list + used, LIST_SIZE - used, "%s%s", used ? ", " : "", word);
}

/* Levenshtein distance; words beyond NAME_MAX_CHARS are far from everything. */
static size_t distance(const char *a, const char *b)
{
    size_t n = strlen(b), row[NAME_MAX_CHARS + 1];

    if (n > NAME_MAX_CHARS || strlen(a) > NAME_MAX_CHARS)
        return NAME_MAX_CHARS;
    for (size_t j = 0; j <= n; j++)
        row[j] = j;
    for (size_t i = 0; a[i]; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < n; j++) {
            size_t best = diagonal + (a[i] != b[j]);
            diagonal = row[j + 1];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (diagonal + 1 < best)
                best = diagonal + 1;
            row[j + 1] = best;
        }
    }
    return row[n];
}

static bool field_applies(const struct policy_field *f, const char *type, bool dynamo_only)
{
    return listed(f->policies, type) && (f->dynamo || !dynamo_only);
}

static bool is_near(const char *typed, const char *name)
{
    return distance(typed, name) <= NEAR_DISTANCE || strstr(name, typed) || strstr(typed, name);
}

static enum status unknown_field(const struct policy_config *config, const char *name,
                                 bool dynamo_only, struct source_pos at, struct diag *d)
{
    char near[LIST_SIZE] = "", all[LIST_SIZE] = "";

    for (const struct policy_field *f = policy_fields; f->name; f++) {
        if (!field_applies(f, config->type, dynamo_only))
            continue;
        list_add(all, f->name);
        if (*name && is_near(name, f->name))
            list_add(near, f->name);
    }
    if (*near)
        return diag_fail_at(d, ST_INPUT, at, "policy '%s' has no field '%s'; near: %s",
                            config->type, name, near);
    if (*all)
        return diag_fail_at(d, ST_INPUT, at, "policy '%s' has no field '%s'; it has %s",
                            config->type, name, all);
    return diag_fail_at(d, ST_INPUT, at, "policy '%s' has no field '%s'; it has none", config->type,
                        name);
}

static enum status unknown_fix(const char *word, size_t length, struct source_pos at,
                               struct diag *d)
{
    char all[LIST_SIZE] = "";

    for (size_t i = 0; i < N_PLANNER_FIXES; i++)
        list_add(all, planner_fixes[i].name);
    return diag_fail_at(d, ST_INPUT, at, "unknown fix '%.*s'; there are %s", (int)length, word,
                        all);
}

static enum status add_fixes(unsigned *fixes, const char *words, struct source_pos at,
                             struct diag *d)
{
    for (;;) {
        words += strspn(words, " ,");
        size_t n = strcspn(words, " ,");
        if (n == 0)
            return ST_OK;
        unsigned bit = 0;
        char word[NAME_MAX_CHARS];
        if (n < sizeof word) {
            memcpy(word, words, n);
            word[n] = '\0';
            bit = planner_fix_find(word);
        }
        if (!bit)
            return unknown_fix(words, n, at, d);
        *fixes |= bit;
        words += n;
    }
}

static enum status bad_choice(const struct policy_field *f, const char *word, struct source_pos at,
                              struct diag *d)
{
    char all[LIST_SIZE] = "";

    for (const char *const *c = f->choices; *c; c++)
        list_add(all, *c);
    return diag_fail_at(d, ST_INPUT, at, "'%s' is '%s', expected one of %s", f->name, word, all);
}

static enum status wrong_type(const struct policy_field *f, const struct policy_value *v,
                              struct source_pos at, struct diag *d)
{
    static const char *const wanted[] = {
        [POLICY_FIELD_BOOL] = "true or false", [POLICY_FIELD_INT] = "an integer",
        [POLICY_FIELD_DOUBLE] = "a number",    [POLICY_FIELD_ENUM] = "a word",
        [POLICY_FIELD_STRING] = "a text",      [POLICY_FIELD_FIXES] = "names of fixes"};
    static const char *const got[] = {[POLICY_NULL] = "null",
                                      [POLICY_BOOL] = "true or false",
                                      [POLICY_INT] = "an integer",
                                      [POLICY_DOUBLE] = "a number",
                                      [POLICY_STRING] = "a text"};

    return diag_fail_at(d, ST_INPUT, at, "'%s' is %s, expected %s", f->name, got[v->kind],
                        wanted[f->type]);
}

static enum status check_range(const struct policy_field *f, double value, struct source_pos at,
                               struct diag *d)
{
    if (value >= f->min && value <= f->max)
        return ST_OK;
    return diag_fail_at(d, ST_INPUT, at, "'%s' is %g, expected %.12g to %.12g", f->name, value,
                        f->min, f->max);
}

/* The value as the field holds it. */
static enum status convert(const struct policy_field *f, struct policy_value *v,
                           struct source_pos at, struct diag *d)
{
    if (v->kind == POLICY_NULL) {
        if (!f->nullable)
            return wrong_type(f, v, at, d);
        *v = f->preset;
        return ST_OK;
    }
    switch (f->type) {
    case POLICY_FIELD_BOOL:
        return v->kind == POLICY_BOOL ? ST_OK : wrong_type(f, v, at, d);
    case POLICY_FIELD_INT:
        if (v->kind == POLICY_DOUBLE && v->d == floor(v->d) && fabs(v->d) < 1e15)
            *v = (struct policy_value){.kind = POLICY_INT, .i = (int64_t)v->d};
        return v->kind == POLICY_INT ? check_range(f, (double)v->i, at, d)
                                     : wrong_type(f, v, at, d);
    case POLICY_FIELD_DOUBLE:
        if (v->kind == POLICY_INT)
            *v = (struct policy_value){.kind = POLICY_DOUBLE, .d = (double)v->i};
        return v->kind == POLICY_DOUBLE ? check_range(f, v->d, at, d) : wrong_type(f, v, at, d);
    case POLICY_FIELD_ENUM:
        if (v->kind != POLICY_STRING)
            return wrong_type(f, v, at, d);
        return listed(f->choices, v->s) ? ST_OK : bad_choice(f, v->s, at, d);
    case POLICY_FIELD_STRING:
    case POLICY_FIELD_FIXES:
        return v->kind == POLICY_STRING ? ST_OK : wrong_type(f, v, at, d);
    }
    BUG("field %s has no type", f->name);
}

enum status policy_config_set(struct policy_config *config, const char *name,
                              const struct policy_value *value, bool dynamo_only,
                              struct source_pos at, struct diag *d)
{
    const struct policy_field *f = policy_field_find(name);
    struct policy_value v = *value;

    if (!f || !field_applies(f, config->type, dynamo_only))
        return unknown_field(config, name, dynamo_only, at, d);
    enum status s = convert(f, &v, at, d);
    if (s)
        return s;
    if (f->type == POLICY_FIELD_FIXES)
        return add_fixes(&config->fixes, v.s, at, d);
    store(config, f, &v);
    return ST_OK;
}

static enum status check_load_scaling(const struct policy_config *c, struct source_pos at,
                                      struct diag *d)
{
    if (!c->load_router_metrics_url && strcmp(c->environment, "kubernetes") != 0)
        return diag_fail_at(
            d, ST_INPUT, at,
            "'load_router_metrics_url' is required for load scaling with environment '%s'",
            c->environment);
    if (c->enable_throughput_scaling &&
        c->load_adjustment_interval_s >= c->throughput_adjustment_interval_s)
        return diag_fail_at(
            d, ST_INPUT, at,
            "'load_adjustment_interval' is %lld s, expected less than "
            "'throughput_adjustment_interval' (%lld s) when both kinds of scaling are on",
            (long long)c->load_adjustment_interval_s,
            (long long)c->throughput_adjustment_interval_s);
    return ST_OK;
}

enum status policy_config_check(struct policy_config *config, struct source_pos at, struct diag *d)
{
    struct policy_config *c = config;

    if (strcmp(c->type, "planner") != 0)
        return ST_OK;
    if (strcmp(c->compat, "fixed") == 0)
        c->fixes = N_PLANNER_FIXES < 32 ? (1u << N_PLANNER_FIXES) - 1 : ~0u;
    if (strcmp(c->environment, "global-planner") == 0 && !c->global_planner_namespace)
        return diag_fail_at(
            d, ST_INPUT, at,
            "'global_planner_namespace' is required with environment 'global-planner'");
    if (!c->enable_throughput_scaling && !c->enable_load_scaling)
        return diag_fail_at(d, ST_INPUT, at,
                            "at least one of 'enable_throughput_scaling' and 'enable_load_scaling' "
                            "must be on");
    if (c->enable_throughput_scaling && strcmp(c->pre_deployment_sweeping_mode, "none") == 0)
        return diag_fail_at(d, ST_INPUT, at,
                            "throughput scaling needs a profile: 'pre_deployment_sweeping_mode' "
                            "must not be 'none'");
    if (strcmp(c->mode, "agg") == 0 && (c->enable_throughput_scaling || !c->enable_load_scaling))
        return diag_fail_at(d, ST_INPUT, at,
                            "mode 'agg' needs 'enable_throughput_scaling: false' and "
                            "'enable_load_scaling: true'");
    if (c->enable_load_scaling) {
        enum status s = check_load_scaling(c, at, d);
        if (s)
            return s;
        c->no_correction = true;
    }
    return ST_OK;
}
