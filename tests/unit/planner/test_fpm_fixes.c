/* The fixes of the planner on forward-pass metrics, one test each: the decision as the reference
 * takes it, and with the fix. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "fpm_core_fixture.h"

static void settings(enum fpm_generation generation, const char *mode, const char *target,
                     unsigned fixes)
{
    key_presets(fpm_keys, &config);
    config.generation = generation;
    config.mode = mode;
    config.optimization_target = target;
    config.load_predictor = "constant";
    config.fixes = fixes;
}

static void start(void)
{
    start_core(1e6);
}

/* Engines whose passes take 10 ms, 20 us a prompt token and 1 us a token of context. */
static void learn(void)
{
    for (int i = 1; i <= 12; i++) {
        struct fpm_record prompt = {
            .wall_s = 0.01 + 20e-6 * 500 * i, .n_prefill = 1, .prefill_tok = 500 * i};
        struct fpm_record decode = {
            .wall_s = 0.01 + 1e-6 * 10000 * i, .n_decode = i % 4 + 1, .decode_kv_tok = 10000 * i};
        fpm_core_learn(&core, SIDE_PREFILL, &prompt);
        fpm_core_learn(&core, SIDE_DECODE, &decode);
    }
}

/* A tick with these records, one of each worker, of each side; pending ones of decode start. */
struct told {
    size_t n[N_SIDES];
    struct fpm_record prefill[4], decode[4];
    int64_t pending;
    const struct fpm_traffic *traffic;
};

static struct fpm_output tick(struct told *t)
{
    struct fpm_output out;
    struct fpm_input input = {.now_s = core.due.at_s,
                              .has_counts = true,
                              .ready = {(double)t->n[0], (double)t->n[1]},
                              .expected = {(double)t->n[0], (double)t->n[1] + (double)t->pending},
                              .in_progress = {t->pending > 0, t->pending > 0},
                              .pending = {0, t->pending},
                              .traffic = t->traffic,
                              .has_records = true,
                              .n_records = {t->n[0], t->n[1]},
                              .records = {t->prefill, t->decode}};

    for (uint32_t i = 0; i < 4; i++)
        t->prefill[i].worker_id = t->decode[i].worker_id = i;
    cr_assert_eq(fpm_core_tick(&core, &input, &out), ST_OK);
    return out;
}

/* What is asked for of a side; -1 = nothing. */
static int64_t asked(const struct fpm_output *out, enum planner_side side)
{
    return out->scale ? out->target[side] : -1;
}

Test(fpm_fixes, consolidation_check_keeps_a_worker_that_would_be_asked_for_at_once)
{
    for (unsigned fix = 0; fix < 2; fix++) {
        settings(FPM_1_4_2, "agg", "throughput", fix * FIX_CONSOLIDATION_CHECK);
        start();
        struct told t = {.n = {0, 2},
                         .decode = {{.decode_kv_tok = 550000}, {.decode_kv_tok = 550000}}};
        struct fpm_output out = tick(&t);
        cr_expect_eq(asked(&out, SIDE_DECODE), fix ? -1 : 1);
        stop();
    }
}

Test(fpm_fixes, keep_starting_waits_for_workers_that_start)
{
    for (unsigned fix = 0; fix < 2; fix++) {
        settings(FPM_1_6_1, "agg", "throughput", fix * FIX_KEEP_STARTING);
        start();
        struct told t = {.n = {0, 2}, .pending = 2};
        tick(&t);
        struct fpm_output out = tick(&t);
        cr_expect_eq(asked(&out, SIDE_DECODE), fix ? -1 : 1);
        cr_expect_eq(out.load.all, fix ? FPM_IN_PROGRESS : FPM_SCALE_DOWN);
        stop();
    }
}

Test(fpm_fixes, queue_in_passes_does_not_depend_on_the_longest_prompt)
{
    for (unsigned fix = 0; fix < 2; fix++) {
        settings(FPM_1_6_1, "prefill", "latency", fix * FIX_QUEUE_IN_PASSES);
        start();
        struct told t = {.n = {1, 0}, .prefill = {{.queued_prefill_tok = 2000}}};
        struct fpm_output out = tick(&t);
        cr_expect_eq(asked(&out, SIDE_PREFILL), fix ? 2 : -1);
        core.limits[SIDE_PREFILL].context_tok = 0;
        out = tick(&t);
        cr_expect_eq(out.load.all, fix ? FPM_SCALE_UP : FPM_INSUFFICIENT_DATA);
        stop();
    }
}

Test(fpm_fixes, one_overloaded_up_does_not_wait_for_the_others)
{
    for (unsigned fix = 0; fix < 2; fix++) {
        settings(FPM_1_4_2, "decode", "sla", fix * FIX_ONE_OVERLOADED_UP);
        config.enable_load_scaling = true;
        config.enable_throughput_scaling = false;
        start();
        learn();
        struct told t = {.n = {0, 2},
                         .decode = {{.wall_s = 0.09, .n_decode = 8, .decode_kv_tok = 80000},
                                    {.wall_s = 0.011, .n_decode = 1, .decode_kv_tok = 1000}}};
        struct fpm_output out = tick(&t);
        cr_expect_eq(asked(&out, SIDE_DECODE), fix ? 3 : -1);
        stop();
    }
}

Test(fpm_fixes, unreachable_up_asks_for_more_and_not_for_few)
{
    int64_t n[2];

    for (unsigned fix = 0; fix < 2; fix++) {
        settings(FPM_1_6_1, "decode", "sla", fix * FIX_UNREACHABLE_UP);
        config.itl_ms = 5; /* a pass takes 10 ms */
        config.max_gpu_budget = -1;
        config.max_throughput_scaling_replicas = 1000;
        start();
        learn();
        struct fpm_traffic traffic = {180, 1800, 1000, 100, NAN, NAN};
        core.due.throughput = true;
        struct told t = {.n = {0, 1}, .traffic = &traffic};
        struct fpm_output out = tick(&t);
        n[fix] = asked(&out, SIDE_DECODE);
        stop();
    }
    cr_expect(n[0] > 1 && n[1] > n[0], "%lld, %lld", (long long)n[0], (long long)n[1]);
    /* 10 requests/s of 100 tokens that take 10 ms and the context's 1.05 ms each. */
    cr_expect_eq(n[1], 12);
}

Test(fpm_fixes, ttft_target_leaves_prefill_idle_enough_for_its_queue)
{
    for (unsigned fix = 0; fix < 2; fix++) {
        settings(FPM_1_4_2, "prefill", "sla", fix * FIX_TTFT_TARGET);
        config.ttft_ms = 260;
        config.max_gpu_budget = -1;
        start();
        learn();
        /* A prompt takes 10 + 160 ms; with 90 ms to wait half of the time: 180 / (180 + 170). */
        struct fpm_traffic traffic = {180, 1800, 8000, 100, NAN, NAN};
        core.due.throughput = true;
        struct told t = {.n = {1, 0}, .traffic = &traffic};
        struct fpm_output out = tick(&t);
        cr_expect_eq(asked(&out, SIDE_PREFILL), fix ? 4 : 2, "%lld",
                     (long long)asked(&out, SIDE_PREFILL));
        stop();
    }
}

Test(fpm_fixes, floors_act_alone_does_not_wait_for_a_wish)
{
    for (unsigned fix = 0; fix < 2; fix++) {
        settings(FPM_1_4_2, "decode", "sla", fix * FIX_FLOORS_ACT_ALONE);
        config.enable_load_scaling = true;
        start();
        learn();
        core.floor[SIDE_DECODE] = 3;
        struct told t = {.n = {0, 1},
                         .decode = {{.wall_s = 0.011, .n_decode = 1, .decode_kv_tok = 1000}}};
        struct fpm_output out = tick(&t);
        cr_expect_eq(asked(&out, SIDE_DECODE), fix ? 3 : -1);
        stop();
    }
}

/* ---- Budgets ---- */

Test(fpm_fixes, budget_hold_leaves_a_deployment_alone_that_does_not_fit)
{
    for (unsigned i = 0; i < 4; i++) {
        bool fix = i % 2;
        settings(i / 2 ? FPM_1_6_1 : FPM_1_4_2, "disagg", "latency", fix ? FIX_BUDGET_HOLD : 0);
        config.max_gpu_budget = 1;
        start();
        struct told t = {.n = {2, 2}, .decode = {{.decode_kv_tok = 9e5}}};
        struct fpm_output out = tick(&t);
        cr_expect_eq(asked(&out, SIDE_PREFILL), fix ? -1 : 0);
        cr_expect_eq(asked(&out, SIDE_DECODE), fix ? -1 : 0);
        stop();
    }
}

static void expect_joint(const struct gpu_band *b, const int64_t gpus[N_SIDES],
                         const int64_t wanted[N_SIDES], const int64_t expected[N_SIDES])
{
    int64_t n[N_SIDES] = {wanted[0], wanted[1]};

    band_joint(b, &n[0], gpus[0], &n[1], gpus[1]);
    cr_expect_eq(n[0], expected[0], "prefill %lld", (long long)n[0]);
    cr_expect_eq(n[1], expected[1], "decode %lld", (long long)n[1]);
}

static const int64_t one_each[] = {1, 1}, wide_prefill[] = {4, 1}, two_and_one[] = {2, 1};

Test(fpm_fixes, cap_decode_gives_decode_no_more_than_it_wants)
{
    struct gpu_band band = {-1, 8, {1, 1}, 0};
    const int64_t wanted[] = {2, 1};

    expect_joint(&band, wide_prefill, wanted, (int64_t[]){1, 4});
    band.fixes = FIX_CAP_DECODE;
    expect_joint(&band, wide_prefill, wanted, (int64_t[]){1, 1});
}

Test(fpm_fixes, floor_keeps_decode_takes_nothing_from_decode)
{
    struct gpu_band band = {7, -1, {1, 1}, 0};
    const int64_t wanted[] = {1, 4};

    expect_joint(&band, two_and_one, wanted, (int64_t[]){2, 3});
    band.fixes = FIX_FLOOR_KEEPS_DECODE;
    expect_joint(&band, two_and_one, wanted, (int64_t[]){2, 4});
}

Test(fpm_fixes, exact_floor_is_not_missed_by_a_worker)
{
    struct gpu_band band = {6, 32, {1, 1}, 0};

    expect_joint(&band, one_each, (int64_t[]){2, 3}, (int64_t[]){2, 3});
    cr_expect_eq(band_single(&band, SIDE_DECODE, 5, 1), 5);
    band.fixes = FIX_EXACT_FLOOR;
    expect_joint(&band, one_each, (int64_t[]){2, 3}, (int64_t[]){3, 3});
    cr_expect_eq(band_single(&band, SIDE_DECODE, 5, 1), 6);
}

/* ---- Models ---- */

static void see(struct pass_engine *e, const struct fpm_record *r)
{
    pass_engine_meet(e, r);
    pass_engine_learn(e, r);
}

/* An engine of prefill passes of 10 ms, 20 us a token and 1 ns for each pair
 * of tokens. */
static void learn_attention(struct pass_engine *e, unsigned fixes)
{
    const struct pass_model_config of_model = {64, 16, 5};
    struct diag d;

    diag_init(&d);
    arena_init(&arena);
    cr_assert_eq(pass_engine_init(e, &arena, &pass_by_attention, PASS_PREFILL, &of_model, &d),
                 ST_OK);
    e->fixes = fixes;
    for (int i = 1; i <= 16; i++) {
        double tok = 500 * i, context_tok = i % 3 * 8000;
        struct fpm_record r = {.n_prefill = 1, .prefill_tok = tok, .prefill_kv_tok = context_tok};
        r.wall_s = 0.01 + 20e-6 * tok + 1e-9 * (context_tok * (tok + 1) + tok * (tok + 1) / 2);
        see(e, &r);
    }
}

Test(fpm_fixes, chunk_context_pays_for_what_comes_before)
{
    const struct pass_demand demand = {16384, 1, NAN, NAN, NAN, 1};
    const struct fpm_limits limits = {.max_batched_tok = 8192};
    double seconds[2];

    for (unsigned fix = 0; fix < 2; fix++) {
        struct pass_engine e;
        learn_attention(&e, fix * FIX_CHUNK_CONTEXT);
        seconds[fix] = 1 / pass_rate(&e, &demand, &limits).requests_per_s;
        arena_release(&arena);
    }
    cr_expect_float_eq(seconds[1] - seconds[0], 1e-9 * 8192 * 8193, 1e-9);
}

Test(fpm_fixes, mean_prompt_is_that_of_passes_with_prompts)
{
    const struct fpm_record idle = {.wall_s = 0};
    const struct pass_question own = {.queue_scale = 0, .decode_scale = 1};
    double seconds[2];

    for (unsigned fix = 0; fix < 2; fix++) {
        struct pass_engine e;
        learn_attention(&e, fix * FIX_MEAN_PROMPT);
        for (int i = 0; i < 16; i++)
            see(&e, &idle);
        cr_expect_float_eq(moving_mean_value(&e.isl_tok), fix ? 4250 : 2125, 1e-9);
        seconds[fix] = pass_ttft_s(&e, &idle, &own, 8192, NAN);
        arena_release(&arena);
    }
    cr_expect_gt(seconds[1], seconds[0] + 0.04);
}

/* ---- Forecasts ---- */

static double kalman_after(const double *values, size_t n, unsigned fixes)
{
    double forecast;

    settings(FPM_1_4_2, "disagg", "sla", fixes);
    config.load_predictor = "kalman";
    start();
    for (size_t i = 0; i < n; i++)
        cr_assert_eq(fpm_core_warm(&core, values[i], 1000, 100), ST_OK);
    cr_assert(predictor_predict(&core.series[SERIES_REQUESTS], &forecast));
    stop();
    return forecast;
}

Test(fpm_fixes, forecasts_of_kalman_begin_later_and_are_not_negative)
{
    const double falling[] = {1000, 800, 600, 400, 200, 1, 0, 0};

    cr_expect_lt(kalman_after(falling, 8, 0), 0);
    cr_expect_eq(kalman_after(falling, 8, FIX_CLAMP_FORECAST), 0);
    cr_expect_neq(kalman_after(falling, 3, 0), 600);
    cr_expect_eq(kalman_after(falling, 3, FIX_KALMAN_MIN_POINTS), 600);
}

Test(fpm_fixes, prophet_is_never_negative)
{
    double forecast;

    settings(FPM_1_4_2, "disagg", "sla", 0);
    config.load_predictor = "prophet";
    start();
    for (int i = 0; i < 12; i++)
        cr_assert_eq(fpm_core_warm(&core, 1000 - 90 * i, 1000, 100), ST_OK);
    cr_assert(predictor_predict(&core.series[SERIES_REQUESTS], &forecast));
    cr_expect_eq(forecast, 0);
    stop();
}

/* ---- All at once ---- */

Test(fpm_fixes, compat_fixed_is_all_that_the_generation_has)
{
    settings(FPM_1_4_2, "disagg", "latency", 0);
    config.compat = "fixed";
    start();
    cr_expect_eq(config.fixes, planner_fixes_of("1.4.2"));
    cr_expect_not(fpm_has_fix(&core, FIX_KEEP_STARTING));
    cr_expect(fpm_has_fix(&core, FIX_CONSOLIDATION_CHECK));
    stop();
    settings(FPM_1_6_1, "disagg", "latency", 0);
    config.compat = "fixed";
    start();
    cr_expect(fpm_has_fix(&core, FIX_KEEP_STARTING));
    cr_expect_not(fpm_has_fix(&core, FIX_CONSOLIDATION_CHECK));
    stop();
}
