#include <math.h>

#include "engines/latency/latency_scaled.h"
#include "tests/unit/engines/test_profile_fixture.h"

TestSuite(latency_scaled, .init = fixture_begin, .fini = fixture_end);

enum { MAX_SEQS = 64 };
#define PROMPT_FACTOR 1.5
#define DECODE_FACTOR 0.75

static const struct step_chunk chunks[] = {{0, 700}, {512, 100}};

static void check_model(const struct latency_model_ops *model, const struct profile *profile)
{
    const struct latency_config config = {LATENCY_BARE, .max_num_seqs = MAX_SEQS,
                                          .host_ms_per_step = 2, .host_us_per_seq = 30};
    const struct engine_step decode = {.n_decode = 20,
                                       .decode_context_mean_tok = 900,
                                       .decode_context_max_tok = 1800},
                             prompts = {.chunks = chunks, .n_chunks = 2};
    struct engine_step mixed = decode;
    const void *scaled;
    void *bare;

    mixed.chunks = chunks;
    mixed.n_chunks = 2;
    cr_assert_eq(model->create(&bare, &arena, profile, &config, &diag), ST_OK, "%s", diag.text);
    cr_assert_eq(latency_scaled_create(&scaled, &arena, model, bare, MAX_SEQS, PROMPT_FACTOR,
                                       DECODE_FACTOR, &diag),
                 ST_OK);
    double decode_ms = model->step_ms(bare, &decode), mixed_ms = model->step_ms(bare, &mixed);
    cr_expect_float_eq(latency_scaled.step_ms(scaled, &decode), DECODE_FACTOR * decode_ms, 1e-12);
    cr_expect_float_eq(latency_scaled.step_ms(scaled, &prompts),
                       PROMPT_FACTOR * model->step_ms(bare, &prompts), 1e-12);
    cr_expect_float_eq(latency_scaled.step_ms(scaled, &mixed),
                       DECODE_FACTOR * decode_ms + PROMPT_FACTOR * (mixed_ms - decode_ms), 1e-12);
    for (uint32_t n = 1; n <= MAX_SEQS; n += 21) {
        const struct decode_curve *a = model->decode_curve(bare, n),
                                  *b = latency_scaled.decode_curve(scaled, n);
        cr_assert_eq(a->n, b->n);
        for (uint32_t i = 0; i < a->n; i++) {
            cr_expect_eq(a->context_tok[i], b->context_tok[i]);
            cr_expect_float_eq(b->ms[i], DECODE_FACTOR * a->ms[i], 1e-12);
        }
    }
    cr_expect_eq(latency_scaled.skew_alpha(scaled),
                 model->skew_alpha ? model->skew_alpha(bare) : 0);
}

Test(latency_scaled, factors_are_of_prompts_and_of_running_sequences_in_every_model)
{
    struct profile p = load(ESTIMATE_8B, 0);

    for (size_t i = 0; latency_models[i]; i++)
        check_model(latency_models[i], &p);
}
