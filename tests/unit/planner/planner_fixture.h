/* A small made-up engine, simple enough to do sums by hand:
 * prefill does 10,000 tokens/s (TTFT = ISL / 10 ms); decode has ITL = 10 + 40 x kv usage ms at any
 * context and 1,000 x kv usage tokens/s. */
#ifndef TESTS_UNIT_PLANNER_FIXTURE_H
#define TESTS_UNIT_PLANNER_FIXTURE_H

#include <criterion/criterion.h>
#include <string.h>

#include "engines/profile/profile.h"
#include "planner/dynamo1/planner_core.h"
#include "planner/fixes.h"

enum { FIXTURE_KV_TOKENS = 100000 };

static const double fixture_isl[] = {100, 1000, 2000, 4000, 8000};
static const double fixture_ttft[] = {10, 100, 200, 400, 800};
static const double fixture_prefill_thpt[] = {10000, 10000, 10000, 10000, 10000};

/* Four contexts by five usages; slightly skewed, so that no four points are on one circle. */
static const double fixture_kv[] = {0,   0.25, 0.5,  0.75, 1,   0.0, 0.26, 0.51, 0.76, 1.0,
                                    0.0, 0.27, 0.52, 0.77, 1.0, 0.0, 0.28, 0.53, 0.78, 1.0};
static const double fixture_context[] = {100,  100,  100,  100,  100,  2100, 2100,
                                         2100, 2100, 2100, 4400, 4400, 4400, 4400,
                                         4400, 8000, 8000, 8000, 8000, 8000};

static struct profile fixture_profile(void)
{
    static double itl[20], thpt[20];

    for (int i = 0; i < 20; i++) {
        itl[i] = 10 + 40 * fixture_kv[i];
        thpt[i] = 1000 * fixture_kv[i];
    }
    return (struct profile){.name = "made-up",
                            .gpu_count = 1,
                            .max_kv_tokens = FIXTURE_KV_TOKENS,
                            .prefill_ttft_ms = {5, fixture_isl, fixture_ttft},
                            .prefill_thpt_per_gpu = fixture_prefill_thpt,
                            .n_decode = 20,
                            .decode_kv_usage = fixture_kv,
                            .decode_context = fixture_context,
                            .decode_itl_ms = itl,
                            .decode_thpt_per_gpu = thpt};
}

/* n requests of 1,000 tokens in and 100 out in 100 s: TTFT 100 ms, ITL 20 ms, E2E 5 s. */
static inline struct traffic_window fixture_traffic(double n)
{
    return (struct traffic_window){.length_s = 100,
                                   .n_requests = n,
                                   .ttft_sum_s = n / 10,
                                   .n_ttft = n,
                                   .itl_sum_s = n,
                                   .n_itl = 50 * n,
                                   .duration_sum_s = 5 * n,
                                   .n_duration = n,
                                   .isl_sum_tok = 1000 * n,
                                   .n_isl = n,
                                   .osl_sum_tok = 100 * n,
                                   .n_osl = n};
}

struct fixture {
    struct arena arena;
    struct diag d;
    struct planner_config config;
    struct prefill_model prefill;
    struct decode_model decode;
    struct planner_core core;
};

/* Throughput scaling with the constant predictor, interval 100 s, no budget. */
static inline void fixture_init(struct fixture *f)
{
    struct profile profile = fixture_profile();

    memset(f, 0, sizeof *f);
    arena_init(&f->arena);
    diag_init(&f->d);
    key_presets(planner_keys, &f->config);
    f->config.load_predictor = "constant";
    f->config.throughput_adjustment_interval_s = 100;
    f->config.max_gpu_budget = -1;
    f->config.ttft_ms = 500;
    f->config.itl_ms = 30;
    cr_assert_eq(prefill_model_load(&f->prefill, &f->arena, &profile, &f->d), ST_OK, "%s",
                 f->d.text);
    cr_assert_eq(decode_model_load(&f->decode, &f->arena, &profile, &f->d), ST_OK, "%s", f->d.text);
}

/* Call when the configuration is as the test wants it. */
static inline void fixture_start(struct fixture *f, int64_t prefill_gpus, int64_t decode_gpus)
{
    struct planner_setup setup = {
        .prefill = &f->prefill, .decode = &f->decode, .gpus = {prefill_gpus, decode_gpus}};

    cr_assert_eq(planner_core_init(&f->core, &f->arena, &f->config, &setup, &f->d), ST_OK, "%s",
                 f->d.text);
}

static inline void fixture_release(struct fixture *f)
{
    planner_core_release(&f->core);
    arena_release(&f->arena);
}

#endif
