#include "planner/fpm/config.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "planner/fixes.h"
#include "planner/forecast/predictor.h"
#include "planner/mode.h"

int64_t fpm_min_endpoint(const struct fpm_config *config, enum planner_side side)
{
    int64_t own = config->side_min_endpoint[side];

    return own >= 0 ? own : config->min_endpoint;
}

KEY_CHOICE(predictor_choice, predictors)

static const char *const modes[] = {"disagg", "prefill", "decode", "agg", NULL};
static const char *const targets[] = {"throughput", "latency", "load", "sla", NULL};
static const char *const sweep_modes[] = {"rapid", "thorough", "none", NULL};
static const char *const environments[] = {"kubernetes", "virtual", "global-planner", NULL};
static const char *const metric_sources[] = {"frontend", "router", NULL};
static const char *const compat_levels[] = {"faithful", "fixed", NULL};

#define OURS(field, kind, member)                                                                  \
    .section = "policy", .name = field, .type = kind, .place = PLACE_POLICY,                       \
    .offset = offsetof(struct fpm_config, member)
#define FIELD(field, kind, member) OURS(field, kind, member), .in_own_file = true
#define BOOL_FIELD(field, member, value, ...)                                                      \
    {                                                                                              \
        FIELD(field, KEY_BOOL, member), .preset = value, .doc = __VA_ARGS__                        \
    }
#define INT_FIELD(field, member, lo, hi, value, ...)                                               \
    {                                                                                              \
        FIELD(field, KEY_INT, member), .min = lo, .max = hi, .preset = value, .doc = __VA_ARGS__   \
    }
#define NUMBER_FIELD(field, member, lo, hi, value, ...)                                            \
    {                                                                                              \
        FIELD(field, KEY_NUMBER, member), .min = lo, .max = hi, .preset = value,                   \
                                          .doc = __VA_ARGS__                                       \
    }
#define ENUM_FIELD(field, member, list, value, ...)                                                \
    {                                                                                              \
        FIELD(field, KEY_ENUM, member), .choices = list, .preset_text = value, .doc = __VA_ARGS__  \
    }

#define SLA "policy.optimization_target=sla"
#define TARGET_LOAD_ONLY "policy.optimization_target=load"
#define THROUGHPUT SLA " & policy.enable_throughput_scaling=true"
#define KALMAN "policy.load_predictor=kalman"

#define YEAR_S 31536000
#define MANY 1000000

const struct key fpm_keys[] = {
    INT_FIELD("speculative_nextn", speculative_nextn, 0, 1000, 0,
              "tokens drafted per decode step, where accept lengths are observed"),
    BOOL_FIELD("enable_power_awareness", enable_power_awareness, false,
               "hold the watts of all GPUs, too"),
    INT_FIELD("total_gpu_power_limit", total_gpu_power_limit_w, -1, 1000000000, -1,
              "to so many; negative = unset"),

    INT_FIELD("prefill_min_endpoint", side_min_endpoint[SIDE_PREFILL], -1, MANY, -1,
              "fewest replicas of the prefill pool; negative = as `min_endpoint`",
              .when = "pools=disagg"),
    INT_FIELD("decode_min_endpoint", side_min_endpoint[SIDE_DECODE], -1, MANY, -1,
              "fewest replicas of the decode pool; negative = as `min_endpoint`",
              .when = "pools=disagg"),
    INT_FIELD("max_throughput_scaling_replicas", max_throughput_scaling_replicas, 1, MANY, 8,
              "replicas of a pool that one throughput plan adds or takes away, at most",
              .when = THROUGHPUT),
    INT_FIELD("kalman_min_points", kalman_min_points, 1, MANY, 5,
              "values before Kalman forecasts; before that the last one is the forecast",
              .when = THROUGHPUT " & " KALMAN),

    ENUM_FIELD("environment", environment, environments, "kubernetes",
               "how requests reach the deployment, and when they are dropped"),
    {FIELD("global_planner_namespace", KEY_TEXT, global_planner_namespace), .unset = "unset",
     .when = "policy.environment=global-planner",
     .doc = "required with environment global-planner"},
    ENUM_FIELD("mode", mode, modes, "disagg", "which pools the planner steers"),
    ENUM_FIELD("optimization_target", optimization_target, targets, "throughput",
               "throughput, latency: by fixed thresholds of the load; load: by thresholds of its "
               "own; sla: by the latencies that a model of the engine expects. Only sla looks at "
               "ttft_ms and itl_ms"),
    BOOL_FIELD("enable_throughput_scaling", enable_throughput_scaling, true,
               "plan from the traffic forecast and the model", .when = SLA),
    BOOL_FIELD("enable_load_scaling", enable_load_scaling, false,
               "react to the workers' forward passes; other targets do so always", .when = SLA),
    INT_FIELD("throughput_adjustment_interval_seconds", throughput_interval_s, 1, YEAR_S, 180,
              "seconds between two throughput plans", .when = THROUGHPUT),
    INT_FIELD("throughput_adjustment_interval", throughput_interval_s, 1, YEAR_S, 180,
              "its old name", .when = THROUGHPUT,
              .same_as = "throughput_adjustment_interval_seconds"),
    INT_FIELD("load_adjustment_interval_seconds", load_interval_s, 1, YEAR_S, 5,
              "seconds between two load decisions; forward passes are read as often"),
    INT_FIELD("load_adjustment_interval", load_interval_s, 1, YEAR_S, 5, "its old name",
              .same_as = "load_adjustment_interval_seconds"),
    {FIELD("ttft_ms", KEY_NUMBER, ttft_ms), .min = 0, .max = 1e9, .preset = 500, .when = SLA,
     .unset = "as `sla.ttft_ms`", .unset_as = "sla.ttft_ms",
     .doc = "target of the time to first token, ms"},
    NUMBER_FIELD("ttft", ttft_ms, 0, 1e9, 500, "its old name", .when = SLA, .same_as = "ttft_ms"),
    {FIELD("itl_ms", KEY_NUMBER, itl_ms), .min = 0, .max = 1e9, .preset = 50, .when = SLA,
     .unset = "as `sla.tpot_ms`", .unset_as = "sla.tpot_ms",
     .doc = "target of the inter-token latency, ms"},
    NUMBER_FIELD("itl", itl_ms, 0, 1e9, 50, "its old name", .when = SLA, .same_as = "itl_ms"),
    INT_FIELD("min_endpoint", min_endpoint, 0, MANY, 1, "fewest replicas of a pool"),
    INT_FIELD("max_gpu_budget", max_gpu_budget, -MANY, MANY, 8, "GPUs in all; negative = no limit"),
    INT_FIELD("min_gpu_budget", min_gpu_budget, -MANY, MANY, -1,
              "GPUs that are used at least; negative = no such bound"),
    {FIELD("prefill_engine_num_gpu", KEY_INT, prefill_engine_num_gpu), .min = 1, .max = MANY,
     .unset = "unset", .when = "pools=disagg",
     .doc = "GPUs of one prefill worker; unset = as deployed"},
    {FIELD("decode_engine_num_gpu", KEY_INT, decode_engine_num_gpu), .min = 1, .max = MANY,
     .unset = "unset", .doc = "GPUs of one decode worker; unset = as deployed"},
    {FIELD("prefill_scale_up_queue_tokens", KEY_NUMBER, prefill_up_tok), .min = 0, .max = 1e12,
     .preset = NAN, .unset = "unset", .when = "pools=disagg & " TARGET_LOAD_ONLY,
     .doc = "prompt tokens queued on one prefill rank above which a worker is added; required with "
            "a prefill pool"},
    {FIELD("prefill_scale_down_queue_tokens", KEY_NUMBER, prefill_down_tok), .min = 0, .max = 1e12,
     .preset = NAN, .unset = "unset", .when = "pools=disagg & " TARGET_LOAD_ONLY,
     .doc = "and down to which on all of them one is taken away"},
    {FIELD("decode_scale_up_kv_rate", KEY_NUMBER, decode_up_percent), .min = 0, .max = 1e6,
     .preset = NAN, .unset = "unset", .when = TARGET_LOAD_ONLY,
     .doc = "percent of the KV cache in use or queued for on one decode (agg) rank from which a "
            "worker is added; required"},
    {FIELD("decode_scale_down_kv_rate", KEY_NUMBER, decode_down_percent), .min = 0, .max = 1e6,
     .preset = NAN, .unset = "unset", .when = TARGET_LOAD_ONLY,
     .doc = "and down to which on all of them one is taken away"},
    INT_FIELD("load_scaling_down_sensitivity", load_scaling_down_sensitivity, 0, 1000, 80,
              "percent of the target that fewer workers have to stay within",
              .when = SLA " & policy.enable_load_scaling=true"),
    INT_FIELD("load_min_observations", load_min_observations, 1, MANY, 5,
              "forward passes before the model answers", .when = SLA),
    INT_FIELD("max_num_fpm_samples", max_num_fpm_samples, 1, MANY, 64,
              "forward passes that the model keeps", .when = SLA),
    INT_FIELD("fpm_sample_bucket_size", fpm_sample_bucket_size, 0, MANY, 16,
              "buckets over which they are spread, a perfect square", .when = SLA),
    {FIELD("pre_deployment_sweeping_mode", KEY_ENUM, pre_deployment_sweeping_mode),
     .choices = sweep_modes, .preset_text = "rapid", .own_file_null = "none", .when = SLA,
     .doc = "rapid, thorough: the model begins with the points of the engine profile; none: with "
            "nothing"},
    ENUM_FIELD("throughput_metrics_source", throughput_metrics_source, metric_sources, "frontend",
               "whose counters the traffic is read from; only the router's know the KV hit rate",
               .when = SLA),
    {FIELD("load_predictor", KEY_ENUM, load_predictor), .choice = predictor_choice,
     .preset_text = "arima", .when = THROUGHPUT, .doc = "forecast of the traffic"},
    BOOL_FIELD("load_predictor_log1p", load_predictor_log1p, false,
               "forecast log(1 + value) instead of the value",
               .when = "policy.load_predictor=kalman,arima,prophet"),
    INT_FIELD("prophet_window_size", prophet_window_size, 1, MANY, 50,
              "values Prophet is fitted on", .when = "policy.load_predictor=prophet"),
    {FIELD("load_predictor_warmup_trace", KEY_PATH, load_predictor_warmup_trace), .unset = "unset",
     .when = THROUGHPUT, .doc = "trace whose windows are fed to the predictors before the start"},
    NUMBER_FIELD("kalman_q_level", kalman_q_level, 0, 1e12, 1, "process noise of the level",
                 .when = KALMAN),
    NUMBER_FIELD("kalman_q_trend", kalman_q_trend, 0, 1e12, 0.1, "process noise of the trend",
                 .when = KALMAN),
    NUMBER_FIELD("kalman_r", kalman_r, 0, 1e12, 10, "measurement noise", .when = KALMAN),
    BOOL_FIELD("advisory", advisory, false, "decide and report, but ask for nothing"),
    {OURS("compat", KEY_ENUM, compat), .choices = compat_levels, .preset_text = "faithful",
     .doc = "faithful: the reference's quirks and all; fixed: every fix on"},
    {OURS("fixes", KEY_NAMES, fixes), .choice = planner_fix_choice,
     .choice_when = planner_fix_when_later, .when = "policy.compat=faithful",
     .doc = "quirks to repair, by name (`headroom list fixes`; docs/planner.md)"},
    {OURS("start_delay_s", KEY_NUMBER, start_delay_s), .min = 0, .max = YEAR_S, .preset = 0,
     .unit = "s", .doc = "the planner starts that long after the run"},
    {.name = NULL},
};

static enum status check_sla(const struct fpm_config *c, struct source_pos at, struct diag *d)
{
    if (!c->enable_throughput_scaling && !c->enable_load_scaling)
        return diag_fail_at(d, ST_INPUT, at,
                            "at least one of 'enable_throughput_scaling' and 'enable_load_scaling' "
                            "must be on with optimization_target 'sla'");
    if (c->generation == FPM_1_2_1 && c->enable_throughput_scaling &&
        strcmp(c->pre_deployment_sweeping_mode, "none") == 0)
        return diag_fail_at(d, ST_INPUT, at,
                            "throughput scaling needs a profile: 'pre_deployment_sweeping_mode' "
                            "must not be 'none'");
    if (c->enable_throughput_scaling && c->enable_load_scaling &&
        c->load_interval_s >= c->throughput_interval_s)
        return diag_fail_at(d, ST_INPUT, at,
                            "'load_adjustment_interval_seconds' is %lld, expected less than "
                            "'throughput_adjustment_interval_seconds' (%lld) when both kinds of "
                            "scaling are on",
                            (long long)c->load_interval_s, (long long)c->throughput_interval_s);
    return ST_OK;
}

/* Both set, and up above down. */
static bool ordered(double up, double down)
{
    return up > down;
}

static enum status check_load(const struct fpm_config *c, struct source_pos at, struct diag *d)
{
    if (strcmp(c->mode, "disagg") == 0 || strcmp(c->mode, "prefill") == 0) {
        if (!ordered(c->prefill_up_tok, c->prefill_down_tok))
            return diag_fail_at(d, ST_INPUT, at,
                                "optimization_target 'load' needs 'prefill_scale_up_queue_tokens' "
                                "above 'prefill_scale_down_queue_tokens'");
    }
    if (strcmp(c->mode, "prefill") != 0 && !ordered(c->decode_up_percent, c->decode_down_percent))
        return diag_fail_at(d, ST_INPUT, at,
                            "optimization_target 'load' needs 'decode_scale_up_kv_rate' above "
                            "'decode_scale_down_kv_rate'");
    return ST_OK;
}

/* Floors of a side that the mode does not have. */
static enum status check_side_floors(const struct fpm_config *c, struct source_pos at,
                                     struct diag *d)
{
    static const char *const fields[] = {"prefill_min_endpoint", "decode_min_endpoint"};
    static const char *const sides[] = {"prefill", "decode"};

    for (int side = 0; side < N_SIDES; side++) {
        if (c->side_min_endpoint[side] < 0)
            continue;
        if (c->side_min_endpoint[side] == 0)
            return diag_fail_at(d, ST_INPUT, at, "'%s' is 0, expected at least 1", fields[side]);
        if (strcmp(c->mode, "disagg") != 0 && strcmp(c->mode, sides[side]) != 0)
            return diag_fail_at(d, ST_INPUT, at, "'%s' means nothing in mode '%s'%s", fields[side],
                                c->mode, strcmp(c->mode, "agg") == 0 ? "; use 'min_endpoint'" : "");
    }
    return ST_OK;
}

static enum status check_power(const struct fpm_config *c, struct source_pos at, struct diag *d)
{
    if (!c->enable_power_awareness)
        return ST_OK;
    if (c->total_gpu_power_limit_w < 1)
        return diag_fail_at(d, ST_INPUT, at,
                            "'enable_power_awareness' needs a 'total_gpu_power_limit' in watts");
    if (strcmp(c->mode, "agg") == 0)
        return diag_fail_at(d, ST_INPUT, at,
                            "'enable_power_awareness' is not supported in mode 'agg'");
    return ST_OK;
}

/* What 1.6.1 brought, which older generations do not know, and what it refuses. */
static enum status check_guarded(const struct fpm_config *c, struct source_pos at, struct diag *d)
{
    const char *later = NULL;

    if (c->generation >= FPM_1_6_1) {
        if (c->load_scaling_down_sensitivity > 100)
            return diag_fail_at(d, ST_INPUT, at,
                                "'load_scaling_down_sensitivity' is %lld, expected 0 to 100",
                                (long long)c->load_scaling_down_sensitivity);
        enum status s = check_side_floors(c, at, d);
        return s ? s : check_power(c, at, d);
    }
    if (c->side_min_endpoint[SIDE_PREFILL] >= 0)
        later = "prefill_min_endpoint";
    else if (c->side_min_endpoint[SIDE_DECODE] >= 0)
        later = "decode_min_endpoint";
    else if (c->enable_power_awareness)
        later = "enable_power_awareness";
    if (later)
        return diag_fail_at(d, ST_INPUT, at, "'%s' needs generation 1.6.1, not %s", later,
                            fpm_generations[c->generation].name);
    return ST_OK;
}

enum status fpm_config_check(struct fpm_config *config, struct source_pos at, struct diag *d)
{
    struct fpm_config *c = config;
    int64_t side = (int64_t)sqrt((double)c->fpm_sample_bucket_size);

    if (strcmp(c->compat, "fixed") == 0)
        c->fixes = planner_fixes_of(fpm_generations[c->generation].name);
    if (!(c->ttft_ms > 0))
        return diag_fail_at(d, ST_INPUT, at, "'ttft_ms' is %g, expected more than 0", c->ttft_ms);
    if (side * side != c->fpm_sample_bucket_size)
        return diag_fail_at(d, ST_INPUT, at,
                            "'fpm_sample_bucket_size' is %lld, expected a perfect square",
                            (long long)c->fpm_sample_bucket_size);
    if (strcmp(c->environment, "global-planner") == 0 && !c->global_planner_namespace)
        return diag_fail_at(
            d, ST_INPUT, at,
            "'global_planner_namespace' is required with environment 'global-planner'");
    enum status s = check_guarded(c, at, d);
    if (s)
        return s;
    if (strcmp(c->optimization_target, "sla") == 0)
        return check_sla(c, at, d);
    c->enable_load_scaling = true;
    c->enable_throughput_scaling = false;
    return strcmp(c->optimization_target, "load") == 0 ? check_load(c, at, d) : ST_OK;
}
