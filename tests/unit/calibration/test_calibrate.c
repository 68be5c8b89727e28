#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "calibration/calibrate.h"

#define PROFILE "h200_sxm/vllm/Llama-3.1-8B-FP8/TP1-estimate"

static const char *const dirs[] = {PROJECT_DIR "/engines/data", NULL};
static const struct profile_search search = {dirs};

static struct measured measured;
static struct calibration calibration;
static struct run_resources *resources;
static struct arena arena;
static struct diag d;

static void setup(void)
{
    arena_init(&arena);
    diag_init(&d);
    memset(&measured, 0, sizeof measured);
    cr_assert_eq(run_resources_create(&resources, &search, &d), ST_OK, "%s", d.text);
}

static void teardown(void)
{
    run_resources_free(resources);
    arena_release(&arena);
}

TestSuite(calibrate, .init = setup, .fini = teardown);

static enum status try_calibrate(const struct scenario_override *overrides, size_t n_overrides)
{
    const struct calibration_options options = {.profile = PROFILE,
                                                .n_overrides = n_overrides,
                                                .overrides = overrides,
                                                .resources = resources,
                                                .n_threads = 2};

    return calibrate(&calibration, &arena, &measured, &options, &d);
}

/* Points of so many clients each, which some engine is yet to be measured at. */
static void plan_points(const char *rows)
{
    const char *text = arena_printf(
        &arena, "concurrency,isl_tok,osl_tok,requests,mean_ttft_ms,mean_tpot_ms\n%s", rows);
    const struct measured_options options = {0};

    memset(&measured, 0, sizeof measured);
    cr_assert_eq(measured_read_memory(&measured, &arena, "m.csv", text, strlen(text), &options, &d),
                 ST_OK, "%s", d.text);
}

/* Measures the points on a simulated engine with these overheads. */
static void measure(double step_factor, double frontend_ms, double host_us_per_seq)
{
    static const struct scenario_override bare = {"", "engine.overheads=none"};
    struct point_run runs[64];
    struct scenario scenario;
    static const char text[] = "traffic: {clients: 1, requests: 1, isl_tok: 1, osl_tok: 1}\n"
                               "engine: {profile: " PROFILE "}\n"
                               "pools: {agg: {replicas: 1}}\n"
                               "output: {sample_s: 0}\n";

    cr_assert_eq(
        scenario_parse(&scenario, &arena, "s.yaml", text, sizeof text - 1, &bare, 1, NULL, &d),
        ST_OK, "%s", d.text);
    for (size_t i = 0; i < measured.n_points; i++) {
        runs[i] = (struct point_run){.point = &measured.point[i],
                                     .scenario = &scenario,
                                     .engine = scenario.pools[POOL_AGG].engine};
        runs[i].engine.step_factor = step_factor;
        runs[i].engine.frontend_ms = frontend_ms;
        runs[i].engine.host_us_per_seq = host_us_per_seq;
    }
    struct point_runs all = {
        .n = measured.n_points, .run = runs, .resources = resources, .n_threads = 2};
    cr_assert_eq(point_runs_do(&all, &d), ST_OK, "%s", d.text);
    for (size_t i = 0; i < measured.n_points; i++) {
        measured.point[i].ttft_ms = runs[i].figures.ttft_ms;
        measured.point[i].tpot_ms = runs[i].figures.tpot_ms;
    }
}

static const struct calibration_param *param(const char *name)
{
    for (size_t i = 0; i < calibration.n_params; i++) {
        if (strcmp(calibration.param[i].name, name) == 0)
            return &calibration.param[i];
    }
    cr_assert_fail("no parameter %s", name);
    return NULL;
}

static void check_recovered(const char *name, double truth)
{
    const struct calibration_param *p = param(name);

    cr_assert_eq(p->state, CALIBRATION_FITTED, "%s", name);
    cr_assert(fabs(p->value - truth) < 2 * p->deviation, "%s: %g +- %g, not %g", name, p->value,
              p->deviation, truth);
}

#define LOADS "1,900,80,20,1,1\n8,900,80,80,1,1\n32,900,80,160,1,1\n96,900,80,288,1,1\n"
#define LONGER "2,3000,40,20,1,1\n16,3000,40,80,1,1\n48,3000,40,144,1,1\n"
#define UNSEEN "4,1500,60,40,1,1\n24,1500,60,96,1,1\n64,1500,60,192,1,1\n"

Test(calibrate, what_was_put_in_comes_out)
{
    plan_points(LOADS LONGER);
    measure(1.15, 12, 30);
    cr_assert_eq(try_calibrate(NULL, 0), ST_OK, "%s", d.text);
    check_recovered("step_factor", 1.15);
    check_recovered("frontend_ms", 12);
    check_recovered("host_us_per_seq", 30);
    cr_assert(calibration_errors(&calibration, CALIBRATION_BEFORE).tpot > 0.1);
    cr_assert(calibration_errors(&calibration, CALIBRATION_AFTER).tpot < 0.01);
    cr_assert(calibration_errors(&calibration, CALIBRATION_HELD_OUT).tpot < 0.02);

    /* Loads and lengths that it has not seen. */
    double step_factor = param("step_factor")->value, frontend_ms = param("frontend_ms")->value;
    double host_us_per_seq = param("host_us_per_seq")->value;
    struct measured_point truth[3];
    plan_points(UNSEEN);
    measure(1.15, 12, 30);
    memcpy(truth, measured.point, sizeof truth);
    measure(step_factor, frontend_ms, host_us_per_seq);
    for (size_t i = 0; i < 3; i++) {
        cr_assert(fabs(measured.point[i].tpot_ms / truth[i].tpot_ms - 1) < 0.02);
        cr_assert(fabs(measured.point[i].ttft_ms / truth[i].ttft_ms - 1) < 0.02, "%g %g",
                  measured.point[i].ttft_ms, truth[i].ttft_ms);
    }
}

Test(calibrate, nothing_is_made_up)
{
    plan_points(LOADS);
    measure(1, 0, 0);
    cr_assert_eq(try_calibrate(NULL, 0), ST_OK, "%s", d.text);
    for (size_t i = 0; i < calibration.n_params; i++)
        cr_assert_eq(calibration.param[i].state, CALIBRATION_NOT_TOLD);
}

Test(calibrate, one_load_does_not_tell_two_apart)
{
    plan_points("16,900,80,80,1,1\n16,1200,80,80,1,1\n");
    measure(1.3, 0, 0);
    cr_assert_eq(try_calibrate(NULL, 0), ST_OK, "%s", d.text);
    cr_assert_eq(param("host_ms_per_step")->state, CALIBRATION_NOT_TOLD);
    cr_assert_str_eq(param("host_ms_per_step")->why,
                     "points of one load only: step_factor and host_ms_per_step cannot be told "
                     "apart; host_ms_per_step kept at its start");
}

Test(calibrate, one_point)
{
    plan_points("16,900,80,80,1,1\n");
    measure(1.3, 0, 0);
    cr_assert_eq(try_calibrate(NULL, 0), ST_OK, "%s", d.text);
    cr_assert_eq(calibration.n_folds, 0);
    cr_assert(isnan(calibration_errors(&calibration, CALIBRATION_HELD_OUT).ttft));
    cr_assert(calibration_errors(&calibration, CALIBRATION_AFTER).tpot < 0.02);
}

Test(calibrate, what_is_set_is_not_fitted)
{
    static const struct scenario_override set = {"--set engine.step_factor=1.15",
                                                 "engine.step_factor=1.15"};

    plan_points(LOADS);
    measure(1.15, 12, 0);
    cr_assert_eq(try_calibrate(&set, 1), ST_OK, "%s", d.text);
    cr_assert_eq(param("step_factor")->state, CALIBRATION_SET);
    cr_assert_eq(param("step_factor")->value, 1.15);
    check_recovered("frontend_ms", 12);
}

Test(calibrate, threads_change_nothing)
{
    struct calibration one;

    plan_points(LOADS);
    measure(1.15, 12, 30);
    const struct calibration_options options = {
        .profile = PROFILE, .resources = resources, .n_threads = 1};
    cr_assert_eq(calibrate(&one, &arena, &measured, &options, &d), ST_OK, "%s", d.text);
    cr_assert_eq(try_calibrate(NULL, 0), ST_OK, "%s", d.text);
    for (size_t i = 0; i < one.n_params; i++)
        cr_assert_eq(one.param[i].value, calibration.param[i].value);
}

Test(calibrate, keys_of_one_engine_only)
{
    static const struct scenario_override set = {"--set seed=3", "seed=3"};

    plan_points(LOADS);
    cr_assert_eq(try_calibrate(&set, 1), ST_INPUT);
    cr_assert_str_eq(d.text, "--set seed=3: a calibration is of one engine; expected a key of "
                             "engine other than its profile");
}
