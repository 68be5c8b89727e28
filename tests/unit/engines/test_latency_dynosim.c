#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "engines/latency/curve.h"
#include "engines/latency/latency.h"
#include "engines/latency/latency_dynosim.h"
#include "engines/profile/npz.h"

struct fixture {
    struct arena arena;
    struct diag diag;
    struct profile profile;
    struct dynosim_latency latency;
};

static void setup_profile(struct fixture *f, const char *name)
{
    static const char *const dirs[] = {PROJECT_DIR "/engines/data", NULL};
    struct profile_search search = {dirs};
    *f = (struct fixture){0};
    arena_init(&f->arena);
    diag_init(&f->diag);
    enum status s = profile_load(&f->profile, &f->arena, &search, name, 0, &f->diag);
    if (!s)
        s = dynosim_latency_fit(&f->latency, &f->arena, &f->profile, &f->diag);
    cr_assert_eq(s, ST_OK, "%s", f->diag.text);
}

static void setup(struct fixture *f)
{
    setup_profile(f, "h200_sxm/vllm/Llama-3.1-8B-FP8/TP1");
}

/* The coefficients the reference prints for this profile. */
Test(latency_dynosim, lines_of_the_sample_profile)
{
    struct fixture f;
    setup(&f);
    const double *x = f.latency.prefill_ms.x, *value = f.latency.prefill_ms.value;
    cr_assert_eq(f.latency.prefill_ms.n, 100);
    cr_expect_eq(x[0], 100);
    cr_expect_eq(x[99], 16372);
    for (size_t i = 0; i < 100; i++)
        cr_expect_float_eq(value[i], 0.022118130615323812 * x[i] - 1.6052173948657709, 1e-9);
    const struct profile_grid *grid = &f.latency.decode_ms;
    cr_assert_eq(grid->n_x, 100);
    cr_assert_eq(grid->n_y, 100);
    cr_expect_float_eq(grid->x[1], 9193.8888, 0.001);
    cr_expect_float_eq(grid->x[99], 910195, 1e-6);
    cr_expect_float_eq(grid->y[1] - grid->y[0], 137.2121, 0.0001);
    cr_expect_eq(grid->y[0], 1);
    cr_expect_eq(grid->y[99], 13585);
    for (size_t i = 0; i < 100; i++)
        for (size_t j = 0; j < 100; j++) {
            double expected = 6.090435271812518 +
                              0.020327275573131735 * fmax(1, grid->x[i] / grid->y[j]) +
                              2.934045471325319e-05 * grid->x[i];
            cr_expect_float_eq(grid->value[i * 100 + j], expected, 1e-10 * expected);
        }
    arena_release(&f.arena);
}

/* As the reference prints them; its prefill line is below zero up to 427 tokens. */
Test(latency_dynosim, fitted_times_are_no_less_than_a_microsecond)
{
    struct fixture f;
    setup_profile(&f, "h100_sxm/vllm/Llama-3.3-70B-FP8/TP4");
    const double *x = f.latency.prefill_ms.x, *value = f.latency.prefill_ms.value;
    cr_expect_lt(x[1], 427);
    for (size_t i = 0; i < 100; i++)
        cr_expect_float_eq(value[i], fmax(0.001, 0.0675180217854218 * x[i] - 28.842985956320067),
                           1e-9);
    cr_expect_float_eq(dynosim_prefill_ms(&f.latency, 20), 0.001, 1e-12);
    const struct profile_grid *grid = &f.latency.decode_ms;
    cr_expect_eq(grid->x[99], 200052);
    cr_expect_eq(grid->y[99], 114597);
    for (size_t i = 0; i < 100; i++)
        for (size_t j = 0; j < 100; j++) {
            double expected = 10.005634314022174 +
                              0.05962550742176974 * fmax(1, grid->x[i] / grid->y[j]) +
                              0.00010962719711209451 * grid->x[i];
            cr_expect_float_eq(grid->value[i * 100 + j], expected, 1e-10 * expected);
        }
    arena_release(&f.arena);
}

/* What a planner's profiler may measure, and what the reference's regression makes of it. */
static enum status fit_points(struct fixture *f, const double *isl, const double *ttft_ms,
                              size_t n_prefill, const double *usage, const double *context,
                              const double *itl_ms, size_t n_decode)
{
    diag_init(&f->diag);
    f->profile.prefill_ttft_ms = (struct profile_curve){n_prefill, isl, ttft_ms};
    f->profile.max_kv_tokens = 1000;
    f->profile.decode_kv_usage = usage;
    f->profile.decode_context = context;
    f->profile.decode_itl_ms = itl_ms;
    f->profile.n_decode = n_decode;
    return dynosim_latency_fit(&f->latency, &f->arena, &f->profile, &f->diag);
}

Test(latency_dynosim, points_are_whole_tokens_and_sequences)
{
    struct fixture f;
    setup(&f);
    const double isl[] = {10.9, 20.9}, ttft[] = {1, 2};
    /* 400.4 tokens of 3 sequences (133.3 each, said to be 150), 800 of 1, 600 of 6, 2 of none. */
    const double usage[] = {0.4004, 0.8, 0.6, 0.002}, context[] = {150, 900, 100, 500},
                 itl[] = {1 + 3 + 4, 1 + 1 + 8, 1 + 6 + 6, 1 + 1 + 0.02};
    cr_assert_eq(fit_points(&f, isl, ttft, 2, usage, context, itl, 4), ST_OK, "%s", f.diag.text);
    cr_expect_float_eq(dynosim_prefill_ms(&f.latency, 15), 1.5, 1e-12);
    const struct profile_grid *grid = &f.latency.decode_ms;
    cr_expect_eq(grid->x[99], 800);
    cr_expect_eq(grid->y[99], 800);
    cr_expect_float_eq(grid->value[0], 2, 1e-9);
    cr_expect_float_eq(grid->value[99 * 100], 1 + 800 + 8, 1e-9);
    arena_release(&f.arena);
}

Test(latency_dynosim, a_batch_that_costs_less_costs_nothing_and_a_KV_token_may_not)
{
    struct fixture f;
    setup(&f);
    const double isl[] = {10, 20}, ttft[] = {1, 2}, falling[] = {2, 1};
    const double usage[] = {0.4, 0.8, 0.6, 0.2}, context[] = {200, 800, 100, 100};
    double itl[4];
    const double batch[] = {2, 1, 6, 2}, kv[] = {400, 800, 600, 200};
    for (int i = 0; i < 4; i++)
        itl[i] = 9 - 0.5 * batch[i] + 0.01 * kv[i];
    cr_assert_eq(fit_points(&f, isl, ttft, 2, usage, context, itl, 4), ST_OK, "%s", f.diag.text);
    const struct profile_grid *grid = &f.latency.decode_ms;
    cr_expect_float_eq(grid->value[0], 9, 1e-9);
    cr_expect_float_eq(grid->value[99 * 100], 17, 1e-9);
    for (int i = 0; i < 4; i++)
        itl[i] = 9 - 0.0005 * batch[i] + 0.01 * kv[i];
    cr_assert_eq(fit_points(&f, isl, ttft, 2, usage, context, itl, 4), ST_OK, "%s", f.diag.text);
    cr_expect_float_eq(grid->value[0], 9 - 0.0005, 1e-9, "within its tolerance");
    for (int i = 0; i < 4; i++)
        itl[i] = 9 + 0.5 * batch[i] - 0.001 * kv[i];
    cr_expect_eq(fit_points(&f, isl, ttft, 2, usage, context, itl, 4), ST_INPUT);
    cr_expect(strstr(f.diag.text, "a decode step takes less time the more KV it reads"), "%s",
              f.diag.text);
    for (int i = 0; i < 4; i++)
        itl[i] = 9 + 0.5 * batch[i] + 0.001 * kv[i];
    cr_expect_eq(fit_points(&f, isl, falling, 2, usage, context, itl, 4), ST_INPUT);
    cr_expect(strstr(f.diag.text, "prefill takes less time the longer the prompt"), "%s",
              f.diag.text);
    arena_release(&f.arena);
}

Test(latency_dynosim, lines_go_on_and_are_cut_at_nothing)
{
    struct fixture f;
    setup(&f);
    cr_expect_eq(dynosim_prefill_ms(&f.latency, 72), 0);
    cr_expect_gt(dynosim_prefill_ms(&f.latency, 73), 0);
    cr_expect_float_eq(dynosim_prefill_ms(&f.latency, 100), 0.6066, 0.0001);
    cr_expect_float_eq(dynosim_prefill_ms(&f.latency, 20000), 0.0221181306 * 20000 - 1.6052174,
                       1e-4);
    /* One sequence: 6.11 ms and the reading of its context. */
    cr_expect_float_eq(dynosim_decode_ms(&f.latency, 0, 1000, 1), 6.1107625, 1e-6);
    /* Beyond the last column and row. */
    double inside = dynosim_decode_ms(&f.latency, 900000, 13000, 1);
    double outside = dynosim_decode_ms(&f.latency, 1000000, 14000, 1);
    cr_expect_float_eq(outside - inside,
                       100000 * 2.934e-5 + 0.0203 * (1000000. / 14000 - 900000. / 13000), 0.01);
    arena_release(&f.arena);
}

Test(latency_dynosim, default_polynomials)
{
    struct dynosim_latency none = {0};
    cr_expect_float_eq(dynosim_prefill_ms(&none, 1000), 0.4209989 + 15.18344 + 16.50142, 1e-9);
    cr_expect_float_eq(dynosim_decode_ms(&none, 0, 10, 1000), 5.74, 1e-12);
    cr_expect_float_eq(dynosim_decode_ms(&none, 500, 10, 1000), -25.74 / 4 + 54.01 / 2 + 5.74,
                       1e-12);
    cr_expect_float_eq(dynosim_decode_ms(&none, 3000, 10, 1000), -25.74 + 54.01 + 5.74, 1e-12);
}

Test(latency_dynosim, a_step_takes_at_least_one_ms)
{
    const double x[] = {0, 10}, y[] = {0, 10}, fast[] = {0.1, 0.1, 0.2, 0.2}, prefill[] = {-5, 5};
    struct dynosim_latency latency = {{2, x, prefill}, {2, 2, x, y, fast}};
    cr_expect_eq(dynosim_decode_ms(&latency, 5, 5, 1), 1);
    cr_expect_eq(dynosim_prefill_ms(&latency, 2), 0);
    cr_expect_eq(dynosim_prefill_ms(&latency, 8), 3);
}

static struct profile_array numbers(const char *key, size_t rows, size_t columns,
                                    const double *values)
{
    return (struct profile_array){.key = key,
                                  .kind = PROFILE_F64,
                                  .n_dims = columns ? 2 : 1,
                                  .dims = {rows, columns ? columns : 1},
                                  .n = rows * (columns ? columns : 1),
                                  .f64 = values};
}

Test(latency_dynosim, grids_of_the_references_own_npz)
{
    const double isl[] = {100, 200}, ttft[] = {10, 30}, kv[] = {0, 1000}, context[] = {1, 101, 201};
    const double itl[] = {1, 2, 3, 11, 22, 33};
    struct profile_array arrays[] = {
        numbers("prefill_isl", 2, 0, isl), numbers("prefill_ttft_ms", 2, 0, ttft),
        numbers("decode_active_kv_tokens", 2, 0, kv),
        numbers("decode_context_length", 3, 0, context), numbers("decode_itl", 2, 3, itl)};
    struct profile_file file = {5, arrays};
    struct dynosim_latency latency;
    struct diag d;
    diag_init(&d);
    cr_assert_eq(dynosim_latency_grids(&latency, &file, "a.npz", &d), ST_OK, "%s", d.text);
    cr_expect_float_eq(dynosim_prefill_ms(&latency, 300), 50, 1e-12);
    cr_expect_float_eq(dynosim_decode_ms(&latency, 500, 151, 1), 0.5 * 2.5 + 0.5 * 27.5, 1e-12);

    file.n_arrays = 4;
    cr_expect_eq(dynosim_latency_grids(&latency, &file, "a.npz", &d), ST_INPUT);
    cr_expect_str_eq(d.text, "a.npz: key 'decode_itl' is missing");
    diag_init(&d);
    arrays[4] = numbers("decode_itl", 3, 2, itl);
    file.n_arrays = 5;
    cr_expect_eq(dynosim_latency_grids(&latency, &file, "a.npz", &d), ST_INPUT);
    diag_init(&d);
    arrays[4] = numbers("decode_itl", 2, 3, itl);
    arrays[2] = numbers("decode_active_kv_tokens", 2, 0, (const double[]){5, 5});
    cr_expect_eq(dynosim_latency_grids(&latency, &file, "a.npz", &d), ST_INPUT);
    cr_expect_str_eq(d.text, "a.npz: 'decode_active_kv_tokens' must increase");
}

Test(latency_dynosim, points_that_determine_nothing_are_refused)
{
    struct fixture f;
    setup(&f);
    const double isl[] = {10, 20}, ttft[] = {1, 2}, itl[] = {1, 2, 3};
    /* One sequence each: nothing tells sequences from their KV. */
    const double usage[] = {0.1, 0.2, 0.3}, context[] = {100, 200, 300};
    cr_expect_eq(fit_points(&f, isl, ttft, 2, usage, context, itl, 3), ST_INPUT);
    cr_expect(strstr(f.diag.text, "the decode points do not determine a plane"), "%s", f.diag.text);
    const double same[] = {10.1, 10.7};
    cr_expect_eq(fit_points(&f, same, ttft, 2, usage, context, itl, 3), ST_INPUT);
    cr_expect(strstr(f.diag.text, "the prefill points do not determine a line"), "%s", f.diag.text);
    arena_release(&f.arena);
}

static double decode_only(const struct latency_model_ops *model, const void *state, uint32_t n,
                          double context)
{
    struct engine_step step = {.n_decode = n, .decode_context_mean_tok = context};
    return model->step_ms(state, &step);
}

Test(latency_dynosim, model_behind_the_native_interface)
{
    struct fixture f;
    setup(&f);
    const struct latency_model_ops *model = latency_model_find("dynosim");
    struct latency_config config = {LATENCY_BARE, .max_num_seqs = 256};
    void *state;
    cr_assert_eq(model->create(&state, &f.arena, &f.profile, &config, &f.diag), ST_OK);
    const uint32_t batches[] = {1, 7, 64, 256};
    for (size_t b = 0; b < 4; b++)
        for (double context = 1; context < 14000; context = context * 1.37 + 0.3) {
            double exact = dynosim_decode_ms(&f.latency, batches[b] * context, context, 1);
            cr_expect_float_eq(decode_only(model, state, batches[b], context), exact, 2e-4 * exact,
                               "%u sequences of %f tokens", batches[b], context);
        }
    struct step_chunk chunk = {500, 1000};
    struct engine_step mixed = {
        .chunks = &chunk, .n_chunks = 1, .n_decode = 7, .decode_context_mean_tok = 900};
    cr_expect_float_eq(model->step_ms(state, &mixed),
                       dynosim_prefill_ms(&f.latency, 1000) + decode_only(model, state, 7, 900),
                       1e-12);
    arena_release(&f.arena);
}

Test(latency_polynomial, decode_follows_the_share_of_kv_in_use)
{
    struct fixture f;
    setup(&f);
    const struct latency_model_ops *model = latency_model_find("polynomial");
    struct latency_config config = {LATENCY_BARE, .max_num_seqs = 64, .host_ms_per_step = 0.5,
                                    .host_us_per_seq = 10};
    void *state;
    cr_assert_eq(model->create(&state, &f.arena, &f.profile, &config, &f.diag), ST_OK);
    double capacity = (double)f.profile.max_kv_tokens;
    for (uint32_t n = 1; n <= 64; n += 9)
        for (double share = 0.0003; share < 1.4; share = share * 1.1 + 1e-4) {
            double exact = dynosim_polynomial_decode_ms(share) + 0.5 + 0.01 * n;
            cr_expect_float_eq(decode_only(model, state, n, share * capacity / n), exact,
                               1e-4 * exact, "%u sequences, share %f", n, share);
        }
    arena_release(&f.arena);
}

Test(latency_polynomial, chunks_cost_what_the_whole_prompt_costs_but_for_the_fixed_part)
{
    struct fixture f;
    setup(&f);
    const struct latency_model_ops *model = latency_model_find("polynomial");
    struct latency_config config = {LATENCY_BARE, .max_num_seqs = 4};
    void *state;
    cr_assert_eq(model->create(&state, &f.arena, &f.profile, &config, &f.diag), ST_OK);
    struct step_chunk whole = {0, 8000}, first = {0, 5000}, second = {5000, 3000};
    struct engine_step a = {.chunks = &whole, .n_chunks = 1}, b = {.chunks = &first, .n_chunks = 1},
                       c = {.chunks = &second, .n_chunks = 1};
    double fixed = dynosim_polynomial_prefill_ms(0);
    cr_expect_float_eq(model->step_ms(state, &a), dynosim_polynomial_prefill_ms(8000), 1e-9);
    cr_expect_float_eq(model->step_ms(state, &b) + model->step_ms(state, &c),
                       model->step_ms(state, &a) + fixed, 1e-9);
    /* One pass over the weights serves both. */
    a.n_decode = 1;
    a.decode_context_mean_tok = 1;
    cr_expect_float_eq(model->step_ms(state, &a), dynosim_polynomial_prefill_ms(8000), 1e-3);
    arena_release(&f.arena);
}
