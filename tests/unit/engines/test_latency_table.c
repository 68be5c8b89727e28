#include <math.h>

#include "engines/latency/latency.h"
#include "tests/unit/engines/test_profile_fixture.h"

TestSuite(latency_table, .init = fixture_begin, .fini = fixture_end);

static const char *const bundled[] = {PROJECT_DIR "/engines/data", NULL};
static const struct profile_search search = {bundled};

static const char *const measured[] = {
    "h200_sxm/vllm/Llama-3.1-8B-FP8/TP1", "h100_sxm/vllm/Llama-3.3-70B-FP8/TP2",
    "h100_sxm/vllm/Llama-3.3-70B-FP8/TP4", "h100_sxm/vllm/Llama-3.3-70B-FP8/TP8"};
enum { N_MEASURED = sizeof measured / sizeof measured[0] };

/* Sequences and context of the samples between and beyond the points. */
static const uint32_t batches[] = {1,  2,   3,   5,   8,   13,  21,  34,  51,  64,
                                   89, 128, 144, 233, 256, 377, 512, 610, 830, 1024};
enum { N_BATCHES = sizeof batches / sizeof batches[0], N_CONTEXTS = 131 };

static double context_at(unsigned k)
{
    return pow(130000, (double)k / (N_CONTEXTS - 1));
}

static const struct latency_model_ops *model(void)
{
    return latency_model_find("table");
}

static void *create(const struct profile *p, struct latency_config config)
{
    void *state = NULL;
    cr_assert_eq(model()->create(&state, &arena, p, &config, &diag), ST_OK, "%s", diag.text);
    return state;
}

static struct profile bundled_profile(const char *name)
{
    struct profile p;
    cr_assert_eq(profile_load(&p, &arena, &search, name, 0, &diag), ST_OK, "%s", diag.text);
    return p;
}

static double decode_ms(const void *state, uint32_t n, double context_tok)
{
    struct engine_step step = {.n_decode = n,
                               .decode_context_mean_tok = context_tok,
                               .decode_context_max_tok = context_tok};
    return model()->step_ms(state, &step);
}

static double prefill_ms(const void *state, uint32_t prefix_tok, uint32_t new_tok)
{
    struct step_chunk chunk = {prefix_tok, new_tok};
    struct engine_step step = {.chunks = &chunk, .n_chunks = 1};
    return model()->step_ms(state, &step);
}

static double curve_ms(const void *state, uint32_t n, double context_tok)
{
    const struct decode_curve *c = model()->decode_curve(state, n);
    size_t i = 0;
    while (i + 2 < c->n && c->context_tok[i + 1] <= context_tok)
        i++;
    double share = (context_tok - c->context_tok[i]) / (c->context_tok[i + 1] - c->context_tok[i]);
    return c->ms[i] + share * (c->ms[i + 1] - c->ms[i]);
}

Test(latency_table, meets_every_measured_decode_point)
{
    for (size_t k = 0; k < N_MEASURED; k++) {
        struct profile p = bundled_profile(measured[k]);
        void *state = create(&p, (struct latency_config){LATENCY_BARE, .max_num_seqs = 2048});
        for (size_t i = 0; i < p.n_decode; i++) {
            double context = p.decode_context[i];
            double batch = p.decode_kv_usage[i] * (double)p.max_kv_tokens / context;
            uint32_t n = (uint32_t)lround(batch);
            cr_assert_float_eq(batch, n, 1e-6, "%s point %zu", p.name, i);
            cr_expect_float_eq(decode_ms(state, n, context), p.decode_itl_ms[i], 1e-9, "%s %u x %g",
                               p.name, n, context);
            cr_expect_float_eq(curve_ms(state, n, context), p.decode_itl_ms[i], 1e-9, "%s %u x %g",
                               p.name, n, context);
        }
    }
}

Test(latency_table, meets_every_measured_ttft)
{
    for (size_t k = 0; k < N_MEASURED; k++) {
        struct profile p = bundled_profile(measured[k]);
        void *state = create(&p, (struct latency_config){LATENCY_BARE, .max_num_seqs = 1});
        for (size_t i = 0; i < p.prefill_ttft_ms.n; i++)
            cr_expect_float_eq(prefill_ms(state, 0, (uint32_t)p.prefill_ttft_ms.x[i]),
                               p.prefill_ttft_ms.value[i], 1e-9);
    }
}

Test(latency_table, reads_between_points_along_the_batch_then_the_context)
{
    struct profile p = bundled_profile(measured[0]);
    void *state = create(&p, (struct latency_config){LATENCY_BARE, .max_num_seqs = 64});
    /* Batches 1 and 49 at context 2997, 1 and 27 at 5644. */
    double at_2997 = 4.427375 + 24.0 / 48 * (p.decode_itl_ms[8] - 4.427375);
    double at_5644 = 4.510708 + 24.0 / 26 * (p.decode_itl_ms[15] - 4.510708);
    cr_expect_float_eq(decode_ms(state, 25, 2997), at_2997, 1e-6);
    cr_expect_float_eq(decode_ms(state, 25, 4320.5), (at_2997 + at_5644) / 2, 1e-6);
}

/* Every bundled estimate at every sample; measured points do fall here and there. Lines of one
 * context that were sampled at other batches than their neighbours do not interpolate to quite the
 * same figure: the slack. Contexts below the shortest measured one follow from the slopes between
 * two such lines, so more sequences may look cheaper there; the next test bounds them. */
Test(latency_table, never_falls_with_batch_or_context)
{
    const char *const *names;
    size_t n;
    cr_assert_eq(profile_list(&search, &arena, &names, &n, &diag), ST_OK, "%s", diag.text);
    cr_assert_geq(n, 77);
    for (size_t k = 0; k < n; k++) {
        struct profile p = bundled_profile(names[k]);
        if (strncmp(p.source, "measured", 8) == 0)
            continue;
        void *state = create(&p, (struct latency_config){LATENCY_BARE, .max_num_seqs = 1024});
        double fewer[N_CONTEXTS] = {0}, shortest = p.decode_context[0];
        for (size_t i = 1; i < p.n_decode; i++)
            shortest = fmin(shortest, p.decode_context[i]);
        for (size_t b = 0; b < N_BATCHES; b++) {
            double shorter = 0;
            for (unsigned c = 0; c < N_CONTEXTS; c++) {
                double ms = decode_ms(state, batches[b], context_at(c));
                cr_assert_gt(ms, shorter * 0.975, "%s %u x %g", p.name, batches[b], context_at(c));
                if (context_at(c) >= shortest)
                    cr_assert_gt(ms, fewer[c] * 0.995, "%s %u x %g", p.name, batches[b],
                                 context_at(c));
                shorter = fewer[c] = ms;
            }
        }
    }
}

Test(latency_table, starts_no_lower_than_the_cheapest_step_measured)
{
    const char *const *names;
    size_t n;
    cr_assert_eq(profile_list(&search, &arena, &names, &n, &diag), ST_OK, "%s", diag.text);
    for (size_t k = 0; k < n; k++) {
        struct profile p = bundled_profile(names[k]);
        void *state = create(&p, (struct latency_config){LATENCY_BARE, .max_num_seqs = 1024});
        double cheapest = p.decode_itl_ms[0];
        for (size_t i = 1; i < p.n_decode; i++)
            cheapest = fmin(cheapest, p.decode_itl_ms[i]);
        for (size_t b = 0; b < N_BATCHES; b++)
            cr_assert_geq(decode_ms(state, batches[b], 0), cheapest - 1e-9, "%s %u", p.name,
                          batches[b]);
    }
}

/* Far outside what was measured, a sequence or a token may cost more than anywhere inside, but not
 * without bound: what is allowed is 3 times the steepest piece found inside. */
Test(latency_table, goes_on_without_wild_slopes)
{
    for (size_t k = 0; k < N_MEASURED; k++) {
        struct profile p = bundled_profile(measured[k]);
        void *state = create(&p, (struct latency_config){LATENCY_BARE, .max_num_seqs = 1024});
        double steepest = 0; /* ms per sequence and context token */
        for (size_t i = 0; i < p.n_decode; i++)
            steepest = fmax(steepest, (p.decode_itl_ms[i] - 4) /
                                          (p.decode_kv_usage[i] * (double)p.max_kv_tokens));
        for (unsigned c = 0; c < N_CONTEXTS; c++) {
            double context = fmax(350, context_at(c));
            double per_sequence =
                (decode_ms(state, 1024, context) - decode_ms(state, 1, context)) / 1023;
            cr_expect_lt(per_sequence, 3 * steepest * context, "%s %g", p.name, context);
        }
    }
}

Test(latency_table, gives_a_lone_point_of_a_long_context_the_slope_of_the_line_before)
{
    struct profile p = bundled_profile(measured[1]);
    void *state = create(&p, (struct latency_config){LATENCY_BARE, .max_num_seqs = 8});
    /* 98,276 tokens: 23.644203 alone, 58.999287 for two. 114,597 was measured alone. */
    double slope = (58.999287 - 23.644203) * 114597 / 98276;
    cr_expect_float_eq(decode_ms(state, 1, 114597), 24.540374, 1e-9);
    cr_expect_float_eq(decode_ms(state, 2, 114597), 24.540374 + slope, 1e-6);
    cr_expect_float_eq(decode_ms(state, 3, 114597), 24.540374 + 2 * slope, 1e-6);
}

Test(latency_table, prefill_goes_on_beyond_both_ends)
{
    for (size_t k = 0; k < N_MEASURED; k++) {
        struct profile p = bundled_profile(measured[k]);
        void *state = create(&p, (struct latency_config){LATENCY_BARE, .max_num_seqs = 1});
        cr_expect_gt(prefill_ms(state, 0, 1), 0.7 * p.prefill_ttft_ms.value[0], "%s", p.name);
        size_t last = p.prefill_ttft_ms.n - 1;
        double longest = p.prefill_ttft_ms.x[last], shorter = p.prefill_ttft_ms.value[last];
        double per_token = shorter / longest, growth = 0;
        for (uint32_t isl = 17000; isl <= 130000; isl += 1000) {
            double ms = prefill_ms(state, 0, isl);
            /* Every thousand tokens cost more than those before them, as attention has it. */
            cr_expect(ms > shorter && ms - shorter >= growth - 1e-9, "%s %u", p.name, isl);
            cr_expect_lt(ms, per_token * isl * isl / longest, "%s %u", p.name, isl);
            if (isl > 17000)
                growth = ms - shorter;
            shorter = ms;
        }
    }
}

/* The estimate of the same engine sums kernels up to 131k tokens: 6.75 s for a prompt of 100k in
 * chunks of 8192. */
Test(latency_table, a_prompt_of_100k_tokens_takes_about_what_the_kernels_of_the_estimate_add_up_to)
{
    struct profile p = bundled_profile(measured[0]);
    void *state = create(&p, (struct latency_config){LATENCY_BARE, .max_num_seqs = 1});
    cr_expect_float_eq(prefill_ms(state, 0, 100000), 6751, 0.15 * 6751);
}

Test(latency_table, chunks_of_a_prompt_cost_no_less_than_the_whole)
{
    struct profile p = bundled_profile(measured[0]);
    void *state = create(&p, (struct latency_config){LATENCY_BARE, .max_num_seqs = 1});
    double whole = prefill_ms(state, 0, 16000), chunks = 0;
    for (uint32_t done = 0; done < 16000; done += 2000)
        chunks += prefill_ms(state, done, 2000);
    cr_expect_geq(chunks, whole);
    cr_expect_lt(chunks, 1.3 * whole);
}

Test(latency_table, a_mixed_step_adds_what_the_sequences_cost_beyond_one_pass)
{
    struct profile p = bundled_profile(measured[0]);
    void *state = create(&p, (struct latency_config){LATENCY_BARE, .max_num_seqs = 64});
    struct step_chunk chunk = {0, 1117};
    struct engine_step step = {
        .chunks = &chunk, .n_chunks = 1, .n_decode = 49, .decode_context_mean_tok = 2997};
    double cheapest = 4.379871; /* one sequence of 350 tokens */
    cr_expect_float_eq(model()->step_ms(state, &step), 38.494131 + p.decode_itl_ms[8] - cheapest,
                       1e-6);
}

Test(latency_table, host_overhead_is_added_once)
{
    struct profile p = bundled_profile(measured[0]);
    void *bare = create(&p, (struct latency_config){LATENCY_BARE, .max_num_seqs = 64});
    void *host = create(&p, (struct latency_config){LATENCY_BARE, .max_num_seqs = 64,
                                                    .host_ms_per_step = 2, .host_us_per_seq = 21});
    cr_expect_float_eq(decode_ms(host, 49, 2997) - decode_ms(bare, 49, 2997), 2 + 49 * 0.021, 1e-9);
    cr_expect_float_eq(curve_ms(host, 49, 2997) - curve_ms(bare, 49, 2997), 2 + 49 * 0.021, 1e-9);
    cr_expect_float_eq(prefill_ms(host, 0, 1117) - prefill_ms(bare, 0, 1117), 2 + 0.021, 1e-9);
    struct step_chunk chunk = {0, 1117};
    struct engine_step step = {
        .chunks = &chunk, .n_chunks = 1, .n_decode = 49, .decode_context_mean_tok = 2997};
    cr_expect_float_eq(model()->step_ms(host, &step) - model()->step_ms(bare, &step),
                       2 + 50 * 0.021, 1e-9);
}

Test(latency_table, a_step_of_one_rank_is_read_at_the_sequences_of_all)
{
    struct profile p = bundled_profile("h200_sxm/trtllm/DeepSeek-V3-FP8/DP8EP8");
    cr_assert_eq(p.dp, 8);
    void *state = create(&p, (struct latency_config){LATENCY_BARE, .max_num_seqs = 256});
    unsigned met = 0;
    for (size_t i = 0; i < p.n_decode; i++) {
        double batch = p.decode_kv_usage[i] * (double)p.max_kv_tokens / p.decode_context[i];
        uint32_t n = (uint32_t)lround(batch / 8);
        if (n < 1 || n > 256 || fabs(batch / 8 - n) > 1e-6)
            continue;
        cr_expect_float_eq(decode_ms(state, n, p.decode_context[i]), p.decode_itl_ms[i], 1e-9);
        met++;
    }
    cr_expect_gt(met, 20);
}
