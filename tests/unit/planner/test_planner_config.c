#include <criterion/criterion.h>
#include <string.h>

#include "planner/dynamo1/config.h"
#include "planner/fixes.h"
#include "planner/forecast/predictor.h"

static const struct source_pos at = {"planner.yaml", 3, 7};

static struct planner_config planner(void)
{
    struct planner_config c;

    key_presets(planner_keys, &c);
    return c;
}

static void check_fails(struct planner_config *c, const char *message)
{
    struct diag d;

    diag_init(&d);
    cr_assert_eq(planner_config_check(c, at, &d), ST_INPUT);
    cr_assert_str_eq(d.text, message);
}

static void check_passes(struct planner_config *c)
{
    struct diag d;

    diag_init(&d);
    cr_assert_eq(planner_config_check(c, at, &d), ST_OK, "%s", d.text);
}

Test(planner_config, defaults_are_the_references)
{
    struct planner_config c = planner();

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

Test(planner_config, every_key_has_a_word_about_it_and_a_preset_in_range)
{
    for (const struct key *k = planner_keys; k->name; k++) {
        bool chosen = !k->preset_text || k->type != KEY_ENUM;
        cr_assert(*k->doc, "%s", k->name);
        cr_assert_eq(key_find(planner_keys, k->name), k, "%s is there twice", k->name);
        if ((k->type == KEY_INT || k->type == KEY_NUMBER) && !k->unset)
            cr_assert(k->preset >= k->min && k->preset <= k->max, "%s", k->name);
        for (size_t i = 0; k->type == KEY_ENUM && key_choice(k, i); i++)
            chosen = chosen || strcmp(key_choice(k, i), k->preset_text) == 0;
        cr_assert(chosen, "%s: the preset is none of the choices", k->name);
    }
}

Test(planner_config, the_choices_of_a_predictor_are_its_registry)
{
    const struct key *k = key_find(planner_keys, "load_predictor");

    for (size_t i = 0; key_choice(k, i) || predictors[i]; i++)
        cr_assert_str_eq(key_choice(k, i), predictors[i]->name);
}

Test(planner_config, every_fix_is_on_with_compat_fixed)
{
    struct planner_config c = planner();

    c.compat = "fixed";
    check_passes(&c);
    cr_assert_eq(c.fixes, planner_fixes_of("1.0.2"));
    cr_assert_eq(__builtin_popcount(c.fixes), 23);
}

Test(planner_config, rules_across_fields_are_the_references)
{
    struct planner_config c = planner();

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

Test(planner_config, load_scaling_turns_the_correction_off)
{
    struct planner_config c = planner();

    c.no_correction = false;
    check_passes(&c);
    cr_assert_not(c.no_correction);
    c.enable_load_scaling = true;
    check_passes(&c);
    cr_assert(c.no_correction);
}
