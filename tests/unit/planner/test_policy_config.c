#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "planner/fixes.h"
#include "planner/policy_config.h"

static const struct source_pos at = {"planner.yaml", 3, 7};

static struct policy_config planner(void)
{
    struct policy_config c;

    policy_config_defaults(&c, "planner");
    return c;
}

static struct policy_value text(const char *s)
{
    return (struct policy_value){.kind = POLICY_STRING, .s = s};
}
static struct policy_value integer(int64_t i)
{
    return (struct policy_value){.kind = POLICY_INT, .i = i};
}
static struct policy_value real(double d)
{
    return (struct policy_value){.kind = POLICY_DOUBLE, .d = d};
}
static struct policy_value boolean(bool b)
{
    return (struct policy_value){.kind = POLICY_BOOL, .b = b};
}

static void set(struct policy_config *c, const char *name, struct policy_value v)
{
    struct diag d;

    diag_init(&d);
    cr_assert_eq(policy_config_set(c, name, &v, true, at, &d), ST_OK, "%s", d.text);
}

static void refused(const char *name, struct policy_value v, const char *message)
{
    struct policy_config c = planner();
    struct diag d;

    diag_init(&d);
    cr_assert_eq(policy_config_set(&c, name, &v, true, at, &d), ST_INPUT);
    cr_assert_str_eq(d.text, message);
}

static void check_fails(struct policy_config *c, const char *message)
{
    struct diag d;

    diag_init(&d);
    cr_assert_eq(policy_config_check(c, at, &d), ST_INPUT);
    cr_assert_str_eq(d.text, message);
}

static void check_passes(struct policy_config *c)
{
    struct diag d;

    diag_init(&d);
    cr_assert_eq(policy_config_check(c, at, &d), ST_OK, "%s", d.text);
}

Test(policy_config, defaults_are_the_references)
{
    struct policy_config c = planner();

    cr_assert_str_eq(c.environment, "kubernetes");
    cr_assert_str_eq(c.mode, "disagg");
    cr_assert_eq(c.throughput_adjustment_interval_s, 180);
    cr_assert_eq(c.max_gpu_budget, 8);
    cr_assert_eq(c.min_endpoint, 1);
    cr_assert_eq(c.prefill_engine_num_gpu, 0);
    cr_assert_eq(c.ttft_ms, 500);
    cr_assert_eq(c.itl_ms, 50);
    cr_assert(c.enable_throughput_scaling);
    cr_assert_not(c.enable_load_scaling);
    cr_assert_eq(c.load_metric_samples, 10);
    cr_assert_eq(c.load_min_observations, 5);
    cr_assert_str_eq(c.load_predictor, "arima");
    cr_assert_not(c.load_predictor_log1p);
    cr_assert_eq(c.prophet_window_size, 50);
    cr_assert_eq(c.kalman_q_level, 1);
    cr_assert_eq(c.kalman_q_trend, 0.1);
    cr_assert_eq(c.kalman_r, 10);
    cr_assert_eq(c.kalman_min_points, 5);
    cr_assert(c.no_correction);
    cr_assert_str_eq(c.throughput_metrics_source, "frontend");
    cr_assert_eq(c.load_adjustment_interval_s, 5);
    cr_assert_eq(c.load_learning_window, 50);
    cr_assert_eq(c.load_scaling_down_sensitivity, 80);
    cr_assert_null(c.load_predictor_warmup_trace);
    cr_assert_eq(c.fixes, 0);
    check_passes(&c);
}

Test(policy_config, every_field_has_a_word_about_it_and_a_default_in_range)
{
    for (const struct policy_field *f = policy_fields; f->name; f++) {
        struct policy_config c = planner();
        struct diag d;
        diag_init(&d);
        cr_assert(*f->doc && f->policies[0], "%s", f->name);
        cr_assert_eq(policy_field_find(f->name), f, "%s is there twice", f->name);
        if (f->preset.kind != POLICY_NULL)
            cr_assert_eq(policy_config_set(&c, f->name, &f->preset, false, at, &d), ST_OK, "%s",
                         d.text);
    }
}

Test(policy_config, scalars_of_each_type_are_taken)
{
    struct policy_config c = planner();

    set(&c, "throughput_adjustment_interval", integer(60));
    set(&c, "max_gpu_budget", integer(-1));
    set(&c, "ttft", integer(250));
    set(&c, "itl", real(12.5));
    set(&c, "load_metric_samples", real(20));
    set(&c, "no_correction", boolean(false));
    set(&c, "load_predictor", text("kalman"));
    set(&c, "decode_engine_num_gpu", integer(4));
    set(&c, "decode_engine_num_gpu", (struct policy_value){.kind = POLICY_NULL});
    cr_assert_eq(c.throughput_adjustment_interval_s, 60);
    cr_assert_eq(c.max_gpu_budget, -1);
    cr_assert_eq(c.ttft_ms, 250);
    cr_assert_eq(c.itl_ms, 12.5);
    cr_assert_eq(c.load_metric_samples, 20);
    cr_assert_not(c.no_correction);
    cr_assert_str_eq(c.load_predictor, "kalman");
    cr_assert_eq(c.decode_engine_num_gpu, 0);
}

Test(policy_config, wrong_values_say_where_and_what_was_expected)
{
    refused("throughput_adjustment_interval", text("3m"),
            "planner.yaml:3:7: 'throughput_adjustment_interval' is a text, expected an integer");
    refused("throughput_adjustment_interval", real(1.5),
            "planner.yaml:3:7: 'throughput_adjustment_interval' is a number, expected an integer");
    refused("throughput_adjustment_interval", integer(0),
            "planner.yaml:3:7: 'throughput_adjustment_interval' is 0, expected 1 to 31536000");
    refused("min_endpoint", integer(-1),
            "planner.yaml:3:7: 'min_endpoint' is -1, expected 0 to 1000000");
    refused("ttft", real(NAN), "planner.yaml:3:7: 'ttft' is nan, expected 0 to 1000000000");
    refused("mode", text("both"),
            "planner.yaml:3:7: 'mode' is 'both', expected one of disagg, prefill, decode, agg");
    refused("no_correction", integer(1),
            "planner.yaml:3:7: 'no_correction' is an integer, expected true or false");
    refused("itl", (struct policy_value){.kind = POLICY_NULL},
            "planner.yaml:3:7: 'itl' is null, expected a number");
}

Test(policy_config, unknown_fields_name_the_near_ones)
{
    struct policy_config c;
    struct diag d;
    struct policy_value v = integer(1);

    refused("adjustment_interval", integer(1),
            "planner.yaml:3:7: policy 'planner' has no field 'adjustment_interval'; near: "
            "throughput_adjustment_interval, load_adjustment_interval");
    refused("min_endpiont", integer(1),
            "planner.yaml:3:7: policy 'planner' has no field 'min_endpiont'; near: min_endpoint");
    policy_config_defaults(&c, "static");
    diag_init(&d);
    cr_assert_eq(policy_config_set(&c, "ttft", &v, false, at, &d), ST_INPUT);
    cr_assert_str_eq(d.text, "planner.yaml:3:7: policy 'static' has no field 'ttft'; it has none");
    c = planner();
    diag_init(&d);
    cr_assert_eq(policy_config_set(&c, "start_delay_s", &v, true, at, &d), ST_INPUT,
                 "not in Dynamo's own file");
    diag_init(&d);
    cr_assert_eq(policy_config_set(&c, "start_delay_s", &v, false, at, &d), ST_OK);
}

Test(policy_config, fixes_are_a_set_of_names)
{
    struct policy_config c = planner();
    struct policy_value one = text("prophet-time"), more = text("negative-cells, ttft-target"),
                        bad = text("ttft-target,speed");
    struct diag d;

    diag_init(&d);
    cr_assert_eq(policy_config_set(&c, "fixes", &one, false, at, &d), ST_OK);
    cr_assert_eq(policy_config_set(&c, "fixes", &more, false, at, &d), ST_OK);
    cr_assert_eq(c.fixes, FIX_PROPHET_TIME | FIX_NEGATIVE_CELLS | FIX_TTFT_TARGET);
    cr_assert_eq(policy_config_set(&c, "fixes", &bad, false, at, &d), ST_INPUT);
    cr_assert(
        strncmp(d.text, "planner.yaml:3:7: unknown fix 'speed'; there are prophet-time, ", 60) == 0,
        "%s", d.text);
    c = planner();
    c.compat = "fixed";
    check_passes(&c);
    cr_assert_eq(__builtin_popcount(c.fixes), N_PLANNER_FIXES);
}

Test(policy_config, rules_across_fields_are_the_references)
{
    struct policy_config c = planner();

    c.environment = "global-planner";
    check_fails(&c, "planner.yaml:3:7: 'global_planner_namespace' is required with environment "
                    "'global-planner'");
    c.global_planner_namespace = "ns";
    check_passes(&c);

    c = planner();
    c.enable_throughput_scaling = false;
    check_fails(&c, "planner.yaml:3:7: at least one of 'enable_throughput_scaling' and "
                    "'enable_load_scaling' must be on");

    c = planner();
    c.pre_deployment_sweeping_mode = "none";
    check_fails(&c, "planner.yaml:3:7: throughput scaling needs a profile: "
                    "'pre_deployment_sweeping_mode' must not be 'none'");

    c = planner();
    c.enable_load_scaling = true;
    c.environment = "virtual";
    check_fails(&c, "planner.yaml:3:7: 'load_router_metrics_url' is required for load scaling with "
                    "environment 'virtual'");
    c.load_router_metrics_url = "http://router";
    check_passes(&c);

    c = planner();
    c.enable_load_scaling = true;
    c.load_adjustment_interval_s = 180;
    check_fails(&c, "planner.yaml:3:7: 'load_adjustment_interval' is 180 s, expected less than "
                    "'throughput_adjustment_interval' (180 s) when both kinds of scaling are on");
    c.enable_throughput_scaling = false;
    check_passes(&c);

    c = planner();
    c.mode = "agg";
    check_fails(&c, "planner.yaml:3:7: mode 'agg' needs 'enable_throughput_scaling: false' and "
                    "'enable_load_scaling: true'");
}

Test(policy_config, load_scaling_turns_the_correction_off)
{
    struct policy_config c = planner();

    c.no_correction = false;
    check_passes(&c);
    cr_assert_not(c.no_correction);
    c.enable_load_scaling = true;
    check_passes(&c);
    cr_assert(c.no_correction);
}
