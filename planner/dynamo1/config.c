#include "planner/dynamo1/config.h"

#include <math.h>
#include <string.h>

#include "planner/fixes.h"
#include "planner/forecast/predictor.h"

KEY_CHOICE(predictor_choice, predictors)

static const char *const modes[] = {"disagg", "prefill", "decode", "agg", NULL};
static const char *const environments[] = {"kubernetes", "virtual", "global-planner", NULL};
static const char *const sweep_modes[] = {"rapid", "thorough", "none", NULL};
static const char *const metric_sources[] = {"frontend", "router", NULL};
static const char *const compat_levels[] = {"faithful", "fixed", NULL};

#define OURS(field, kind, member)                                                                  \
    .section = "policy", .name = field, .type = kind, .place = PLACE_POLICY,                       \
    .offset = offsetof(struct planner_config, member)
#define DYNAMO(field, kind, member) OURS(field, kind, member), .in_own_file = true
#define BOOL_FIELD(field, member, value, ...)                                                      \
    {                                                                                              \
        DYNAMO(field, KEY_BOOL, member), .preset = value, .doc = __VA_ARGS__                       \
    }
#define INT_FIELD(field, member, lo, hi, value, ...)                                               \
    {                                                                                              \
        DYNAMO(field, KEY_INT, member), .min = lo, .max = hi, .preset = value, .doc = __VA_ARGS__  \
    }
#define DOUBLE_FIELD(field, member, lo, hi, value, ...)                                            \
    {                                                                                              \
        DYNAMO(field, KEY_NUMBER, member), .min = lo, .max = hi, .preset = value,                  \
                                           .doc = __VA_ARGS__                                      \
    }
#define ENUM_FIELD(field, member, list, value, ...)                                                \
    {                                                                                              \
        DYNAMO(field, KEY_ENUM, member), .choices = list, .preset_text = value, .doc = __VA_ARGS__ \
    }
#define TEXT_FIELD(field, member, ...)                                                             \
    {                                                                                              \
        DYNAMO(field, KEY_TEXT, member), .unset = "unset", .doc = __VA_ARGS__                      \
    }

#define THROUGHPUT "policy.enable_throughput_scaling=true"
#define LOAD "policy.enable_load_scaling=true"

/* Longest interval, a year; more GPUs or replicas than this are a slip of the hand. */
#define YEAR_S 31536000
#define MANY 1000000

const struct key planner_keys[] = {
    ENUM_FIELD("environment", environment, environments, "kubernetes",
               "how requests reach the deployment, and when they count as done"),
    ENUM_FIELD("mode", mode, modes, "disagg", "which pools the planner steers"),
    BOOL_FIELD("enable_throughput_scaling", enable_throughput_scaling, true,
               "plan from the traffic forecast and the engine profile"),
    BOOL_FIELD("enable_load_scaling", enable_load_scaling, false,
               "react to the workers' own gauges"),
    INT_FIELD("throughput_adjustment_interval", throughput_adjustment_interval_s, 1, YEAR_S, 180,
              "seconds between two throughput plans", .when = THROUGHPUT),
    INT_FIELD("max_gpu_budget", max_gpu_budget, -MANY, MANY, 8, "GPUs in all; negative = no limit"),
    INT_FIELD("min_endpoint", min_endpoint, 0, MANY, 1, "fewest replicas of a pool"),
    {DYNAMO("prefill_engine_num_gpu", KEY_INT, prefill_engine_num_gpu), .min = 1, .max = MANY,
     .unset = "unset", .when = "pools=disagg",
     .doc = "GPUs of one prefill worker; unset = as deployed"},
    {DYNAMO("decode_engine_num_gpu", KEY_INT, decode_engine_num_gpu), .min = 1, .max = MANY,
     .unset = "unset", .doc = "GPUs of one decode worker; unset = as deployed"},
    {DYNAMO("ttft", KEY_NUMBER, ttft_ms), .min = 0, .max = 1e9, .preset = 500,
     .unset = "as `sla.ttft_ms`", .unset_as = "sla.ttft_ms",
     .doc = "target of the time to first token, ms"},
    {DYNAMO("itl", KEY_NUMBER, itl_ms), .min = 0, .max = 1e9, .preset = 50,
     .unset = "as `sla.tpot_ms`", .unset_as = "sla.tpot_ms",
     .doc = "target of the inter-token latency, ms"},
    {DYNAMO("load_predictor", KEY_ENUM, load_predictor), .choice = predictor_choice,
     .preset_text = "arima", .when = THROUGHPUT, .doc = "forecast of the traffic"},
    BOOL_FIELD("load_predictor_log1p", load_predictor_log1p, false,
               "forecast log(1 + value) instead of the value",
               .when = "policy.load_predictor=kalman,arima,prophet"),
    INT_FIELD("prophet_window_size", prophet_window_size, 1, MANY, 50,
              "values Prophet is fitted on", .when = "policy.load_predictor=prophet"),
    {DYNAMO("load_predictor_warmup_trace", KEY_PATH, load_predictor_warmup_trace), .unset = "unset",
     .when = THROUGHPUT, .doc = "trace whose windows are fed to the predictors before the start"},
    DOUBLE_FIELD("kalman_q_level", kalman_q_level, 0, 1e12, 1, "process noise of the level",
                 .when = "policy.load_predictor=kalman"),
    DOUBLE_FIELD("kalman_q_trend", kalman_q_trend, 0, 1e12, 0.1, "process noise of the trend",
                 .when = "policy.load_predictor=kalman"),
    DOUBLE_FIELD("kalman_r", kalman_r, 0, 1e12, 10, "measurement noise",
                 .when = "policy.load_predictor=kalman"),
    INT_FIELD(
        "kalman_min_points", kalman_min_points, 0, MANY, 5,
        "values before Kalman forecasts; without effect unless fixed",
        .when =
            "policy.load_predictor=kalman & policy.fixes=kalman-min-points | policy.compat=fixed"),
    BOOL_FIELD("no_correction", no_correction, true,
               "leave out the correction of the profile by measured latencies",
               .when = THROUGHPUT " & policy.enable_load_scaling=false"),
    ENUM_FIELD("throughput_metrics_source", throughput_metrics_source, metric_sources, "frontend",
               "whose counters the traffic is read from", .when = THROUGHPUT),
    INT_FIELD("load_adjustment_interval", load_adjustment_interval_s, 1, YEAR_S, 5,
              "seconds between two load decisions", .when = LOAD),
    INT_FIELD("load_learning_window", load_learning_window, 1, MANY, 50,
              "observations the load regression keeps", .when = LOAD),
    INT_FIELD("load_scaling_down_sensitivity", load_scaling_down_sensitivity, 0, 1000, 80,
              "percent of the per-worker target below which a worker may go", .when = LOAD),
    INT_FIELD("load_metric_samples", load_metric_samples, 1, 1000, 10,
              "scrapes of the gauges per load interval", .when = LOAD),
    INT_FIELD("load_min_observations", load_min_observations, 1, MANY, 5,
              "observations before the load regression answers", .when = LOAD),
    BOOL_FIELD("no_operation", no_operation, false, "plan and report, but ask for nothing"),
    {DYNAMO("pre_deployment_sweeping_mode", KEY_ENUM, pre_deployment_sweeping_mode),
     .choices = sweep_modes, .preset_text = "rapid", .own_file_null = "none",
     .doc = "where the engine profile comes from; none forbids throughput scaling"},
    TEXT_FIELD("load_router_metrics_url", load_router_metrics_url,
               "router whose gauges are read; required for load scaling outside kubernetes",
               .when = LOAD " & policy.environment!=kubernetes"),
    TEXT_FIELD("global_planner_namespace", global_planner_namespace,
               "required with environment global-planner",
               .when = "policy.environment=global-planner"),
    {OURS("compat", KEY_ENUM, compat), .choices = compat_levels, .preset_text = "faithful",
     .doc = "faithful: the reference's quirks and all; fixed: every fix on"},
    {OURS("fixes", KEY_NAMES, fixes), .choice = planner_fix_choice,
     .choice_when = planner_fix_when_first, .when = "policy.compat=faithful",
     .doc = "quirks to repair, by name (`headroom list fixes`; docs/planner.md)"},
    {OURS("start_delay_s", KEY_NUMBER, start_delay_s), .min = 0, .max = YEAR_S, .preset = NAN,
     .unset = "30; with compat dynosim, 0",
     .doc = "the planner's loops start that long after the run, as the live process waits"},
    {.name = NULL},
};

static enum status check_load_scaling(const struct planner_config *c, struct source_pos at,
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

enum status planner_config_check(struct planner_config *config, struct source_pos at,
                                 struct diag *d)
{
    struct planner_config *c = config;

    if (strcmp(c->compat, "fixed") == 0)
        c->fixes = planner_fixes_of("1.0.2");
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
