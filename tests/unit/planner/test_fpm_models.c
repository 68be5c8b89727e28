#include <criterion/criterion.h>
#include <math.h>

#include "planner/fpm/engine_rate.h"
#include "planner/fpm/gpu_band.h"
#include "planner/fpm/record_cache.h"

static struct arena arena;

static struct iteration_model make(enum iteration_kind kind, int64_t max_samples, int64_t buckets)
{
    struct iteration_model_config config = {max_samples, buckets, 3};
    struct iteration_model m;
    struct diag d;

    arena_init(&arena);
    diag_init(&d);
    cr_assert_eq(iteration_model_init(&m, &arena, kind, &config, &d), ST_OK);
    return m;
}

/* A prefill iteration costs 10 ms and 0.1 ms per token. */
static void add_prefill(struct iteration_model *m, double tok)
{
    struct fpm_record r = {.wall_s = 0.01 + 1e-4 * tok, .n_prefill = 1, .prefill_tok = tok};

    iteration_model_add(m, &r);
}

Test(fpm_models, the_fullest_bucket_loses_its_first)
{
    struct iteration_model m = make(ITERATION_PREFILL, 4, 2);
    const double tok[] = {0, 100, 10, 90, 20};

    for (size_t i = 0; i < 5; i++)
        add_prefill(&m, tok[i]);
    cr_assert_eq(m.samples.n, 4);
    cr_assert_eq(m.samples.rows[0].x[0], 10);
    cr_assert_eq(m.samples.lo[0], 0, "bounds are never narrowed");
    arena_release(&arena);
}

Test(fpm_models, a_heartbeat_counts_in_the_means_of_prefill_alone)
{
    struct iteration_model prefill = make(ITERATION_PREFILL, 8, 4);
    struct iteration_model agg = make(ITERATION_AGG, 8, 4);
    struct fpm_record busy = {.wall_s = 0.1, .n_prefill = 2, .prefill_tok = 400}, idle = {0};

    iteration_model_add(&prefill, &busy);
    iteration_model_add(&prefill, &idle);
    iteration_model_add(&agg, &busy);
    iteration_model_add(&agg, &idle);
    cr_assert_eq(moving_mean_value(&prefill.isl_tok), 100);
    cr_assert_eq(moving_mean_value(&agg.isl_tok), 200);
    cr_assert_eq(prefill.samples.n, 1);
    arena_release(&arena);
}

Test(fpm_models, the_intercept_is_paid_in_every_chunk)
{
    struct iteration_model m = make(ITERATION_PREFILL, 8, 4);

    for (int i = 1; i <= 4; i++)
        add_prefill(&m, 100);
    cr_assert(isnan(estimate_ttft_s(&m, 0, 0, 0, NAN)), "nobody knows the size of a chunk");
    add_prefill(&m, 200);
    add_prefill(&m, 0);
    double mean = moving_mean_value(&m.isl_tok);
    double expected = 3 * 0.01 + 1e-4 * (1000 - 400 + mean);
    cr_assert_float_eq(estimate_ttft_s(&m, 600, 256, 0, NAN), expected, 1e-9);
    cr_assert_float_eq(prefill_rate(&m, 500, 256).requests_per_s, 1 / (2 * 0.01 + 0.05), 1e-9);
    arena_release(&arena);
}

Test(fpm_models, a_cost_that_falls_with_load_is_no_model)
{
    struct iteration_model m = make(ITERATION_PREFILL, 8, 4);

    for (int i = 1; i <= 4; i++) {
        struct fpm_record r = {.wall_s = 1.0 / i, .n_prefill = 1, .prefill_tok = 100.0 * i};
        iteration_model_add(&m, &r);
    }
    cr_assert(iteration_model_has_samples(&m));
    cr_assert_not(iteration_model_fit(&m));
    cr_assert_eq(prefill_rate(&m, 500, 0).requests_per_s, 0);
    arena_release(&arena);
}

Test(fpm_models, the_cache_hides_no_more_than_95_percent)
{
    cr_assert_eq(uncached_share(NAN), 1);
    cr_assert_eq(uncached_share(-0.2), 1);
    cr_assert_float_eq(uncached_share(1), 0.05, 1e-12);
}

Test(fpm_models, a_band_may_be_missed_by_one_worker_below)
{
    const struct gpu_band pinned = {9, 9, {1, 1}, 0};
    int64_t prefill = 1, decode = 1;

    band_joint(&pinned, &prefill, 2, &decode, 4);
    cr_assert_eq(prefill, 1);
    cr_assert_eq(decode, 1, "6 is within 4 of 9");
    cr_assert_eq(band_single(&pinned, SIDE_DECODE, 8, 2), 4, "above the ceiling");
    cr_assert_eq(band_single(&pinned, SIDE_DECODE, 3, 2), 5,
                 "filled past the ceiling, as in the reference");
    const struct gpu_band tiny = {-1, 3, {2, 2}, 0};
    cr_assert_eq(band_single(&tiny, SIDE_DECODE, 8, 2), 0);
}

Test(fpm_models, the_cache_drops_the_highest_worker)
{
    const struct fpm_record window[] = {{.worker_id = 7}, {.worker_id = 3}, {.worker_id = 7}};
    struct record_cache cache = {0};

    cr_assert(record_is_passed(3, window, 0));
    cr_assert_not(record_is_passed(3, window, 1));
    cr_assert_eq(record_cache_update(&cache, 3, window, 1), ST_OK);
    cr_assert_eq(cache.n, 1);
    cr_assert_eq(cache.records[0].worker_id, 3);
    record_cache_release(&cache);
}
