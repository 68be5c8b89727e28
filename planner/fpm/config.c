#include "planner/fpm/config.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "planner/mode.h"

int64_t fpm_min_endpoint(const struct fpm_config *config, enum planner_side side)
{
    int64_t own = config->side_min_endpoint[side];

    return own >= 0 ? own : config->min_endpoint;
}

static const char *const modes[] = {"disagg", "prefill", "decode", "agg", NULL};
static const char *const targets[] = {"throughput", "latency", "load", "sla", NULL};
static const char *const sweep_modes[] = {"rapid", "thorough", "none", NULL};
static const char *const environments[] = {"kubernetes", "virtual", "global-planner", NULL};

#define FIELD(field, kind, member)                                                                 \
    .section = "policy", .name = field, .type = kind, .place = PLACE_POLICY,                       \
    .offset = offsetof(struct fpm_config, member), .in_own_file = true
#define BOOL_FIELD(field, member, value)                                                           \
    {                                                                                              \
        FIELD(field, KEY_BOOL, member), .preset = value                                            \
    }
#define INT_FIELD(field, member, lo, hi, value)                                                    \
    {                                                                                              \
        FIELD(field, KEY_INT, member), .min = lo, .max = hi, .preset = value                       \
    }
#define NUMBER_FIELD(field, member, lo, hi, value)                                                 \
    {                                                                                              \
        FIELD(field, KEY_NUMBER, member), .min = lo, .max = hi, .preset = value                    \
    }
#define ENUM_FIELD(field, member, list, value)                                                     \
    {                                                                                              \
        FIELD(field, KEY_ENUM, member), .choices = list, .preset_text = value                      \
    }

#define YEAR_S 31536000
#define MANY 1000000

const struct key fpm_keys[] = {
    ENUM_FIELD("mode", mode, modes, "disagg"),
    ENUM_FIELD("optimization_target", optimization_target, targets, "throughput"),
    ENUM_FIELD("environment", environment, environments, "kubernetes"),
    {FIELD("global_planner_namespace", KEY_TEXT, global_planner_namespace), .unset = "unset"},
    BOOL_FIELD("enable_throughput_scaling", enable_throughput_scaling, true),
    BOOL_FIELD("enable_load_scaling", enable_load_scaling, false),
    INT_FIELD("throughput_adjustment_interval_seconds", throughput_interval_s, 1, YEAR_S, 180),
    INT_FIELD("load_adjustment_interval_seconds", load_interval_s, 1, YEAR_S, 5),
    NUMBER_FIELD("ttft_ms", ttft_ms, 0, 1e9, 500),
    NUMBER_FIELD("itl_ms", itl_ms, 0, 1e9, 50),
    INT_FIELD("throughput_adjustment_interval", throughput_interval_s, 1, YEAR_S, 180),
    INT_FIELD("load_adjustment_interval", load_interval_s, 1, YEAR_S, 5),
    NUMBER_FIELD("ttft", ttft_ms, 0, 1e9, 500),
    NUMBER_FIELD("itl", itl_ms, 0, 1e9, 50),
    INT_FIELD("min_endpoint", min_endpoint, 0, MANY, 1),
    INT_FIELD("prefill_min_endpoint", side_min_endpoint[SIDE_PREFILL], -1, MANY, -1),
    INT_FIELD("decode_min_endpoint", side_min_endpoint[SIDE_DECODE], -1, MANY, -1),
    INT_FIELD("max_throughput_scaling_replicas", max_throughput_scaling_replicas, 1, MANY, 8),
    INT_FIELD("max_gpu_budget", max_gpu_budget, -MANY, MANY, 8),
    INT_FIELD("min_gpu_budget", min_gpu_budget, -MANY, MANY, -1),
    BOOL_FIELD("enable_power_awareness", enable_power_awareness, false),
    INT_FIELD("total_gpu_power_limit", total_gpu_power_limit_w, -1, 1000000000, -1),
    INT_FIELD("load_scaling_down_sensitivity", load_scaling_down_sensitivity, 0, 1000, 80),
    INT_FIELD("speculative_nextn", speculative_nextn, 0, 1000, 0),
    INT_FIELD("load_min_observations", load_min_observations, 1, MANY, 5),
    INT_FIELD("max_num_fpm_samples", max_num_fpm_samples, 1, MANY, 64),
    INT_FIELD("fpm_sample_bucket_size", fpm_sample_bucket_size, 0, MANY, 16),
    ENUM_FIELD("pre_deployment_sweeping_mode", pre_deployment_sweeping_mode, sweep_modes, "rapid"),
    NUMBER_FIELD("prefill_scale_up_queue_tokens", prefill_up_tok, 0, 1e12, NAN),
    NUMBER_FIELD("prefill_scale_down_queue_tokens", prefill_down_tok, 0, 1e12, NAN),
    NUMBER_FIELD("decode_scale_up_kv_rate", decode_up_percent, 0, 1e6, NAN),
    NUMBER_FIELD("decode_scale_down_kv_rate", decode_down_percent, 0, 1e6, NAN),
    {FIELD("load_predictor", KEY_TEXT, load_predictor), .preset_text = "arima"},
    BOOL_FIELD("load_predictor_log1p", load_predictor_log1p, false),
    INT_FIELD("prophet_window_size", prophet_window_size, 1, MANY, 50),
    NUMBER_FIELD("kalman_q_level", kalman_q_level, 0, 1e12, 1),
    NUMBER_FIELD("kalman_q_trend", kalman_q_trend, 0, 1e12, 0.1),
    NUMBER_FIELD("kalman_r", kalman_r, 0, 1e12, 10),
    INT_FIELD("kalman_min_points", kalman_min_points, 1, MANY, 5),
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
