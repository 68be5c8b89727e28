#include <math.h>

#include "engines/latency/curve.h"
#include "engines/latency/latency.h"
#include "tests/unit/engines/test_profile_fixture.h"

TestSuite(latency_steps, .init = fixture_begin, .fini = fixture_end);

#define MIXED_AND_SKEW PROFILES "RTX4090__vllm__Llama-3.1-8B-BF16__TP1.h5"

#define RANKS_DIFFER PROJECT_DIR "/engines/data/rtxpro6000/vllm/Qwen3-30B-A3B-BF16/DP2EP2.npz"

static const char *const bundled[] = {PROJECT_DIR "/engines/data", NULL};
static const struct profile_search search = {bundled};

static const struct latency_model_ops *model(void)
{
    return latency_model_find("steps");
}

static void *create(const struct profile *p, struct latency_config config)
{
    void *state = NULL;
    cr_assert_eq(model()->create(&state, &arena, p, &config, &diag), ST_OK, "%s", diag.text);
    return state;
}

static double decode_ms(const void *state, uint32_t n, double mean_tok, double max_tok)
{
    struct engine_step step = {
        .n_decode = n, .decode_context_mean_tok = mean_tok, .decode_context_max_tok = max_tok};
    return model()->step_ms(state, &step);
}

static double chunks_ms(const void *state, const struct step_chunk *chunks, uint32_t n)
{
    struct engine_step step = {.chunks = chunks, .n_chunks = n};
    return model()->step_ms(state, &step);
}

static double chunk_ms(const void *state, uint32_t prefix_tok, uint32_t new_tok)
{
    struct step_chunk chunk = {prefix_tok, new_tok};
    return chunks_ms(state, &chunk, 1);
}

static double part(const struct profile_curve *curve, double tokens)
{
    return curve_at(curve->x, curve->value, curve->n, tokens);
}

static double other(const struct profile *p, double tokens)
{
    return part(&p->step_other_ms, tokens);
}

static double cell(const struct profile_grid *grid, size_t ix, size_t iy)
{
    return grid->value[ix * grid->n_y + iy];
}

Test(latency_steps, a_decode_step_on_the_grid_is_other_plus_attention)
{
    struct profile p = load(ESTIMATE_8B, 0);
    void *state = create(&p, (struct latency_config){LATENCY_BARE, .max_num_seqs = 1024});
    const struct profile_grid *attn = &p.decode_attn_ms;
    unsigned met = 0;
    for (size_t b = 0; b < attn->n_x; b++) {
        for (size_t t = 0; t < p.step_other_ms.n; t++) {
            if (p.step_other_ms.x[t] != attn->x[b])
                continue;
            for (size_t c = 0; c < attn->n_y; c++) {
                double sum = p.step_other_ms.value[t] + cell(attn, b, c);
                cr_expect_float_eq(decode_ms(state, (uint32_t)attn->x[b], attn->y[c], attn->y[c]),
                                   sum, 1e-9);
                met++;
            }
        }
    }
    cr_expect_gt(met, 150);
}

Test(latency_steps, a_chunk_on_the_grid_is_other_plus_attention)
{
    struct profile p = load(ESTIMATE_8B, 0);
    void *state = create(&p, (struct latency_config){LATENCY_BARE, .max_num_seqs = 1});
    const struct profile_grid *attn = &p.chunk_attn_ms;
    for (size_t i = 0; i < attn->n_x; i++)
        for (size_t k = 0; k < attn->n_y; k++)
            cr_expect_float_eq(chunk_ms(state, (uint32_t)attn->x[i], (uint32_t)attn->y[k]),
                               other(&p, attn->y[k]) + cell(attn, i, k), 1e-9);
    /* By hand, from the file: 1,024 new tokens, nothing before them. */
    cr_expect_float_eq(chunk_ms(state, 0, 1024), 18.82098622 + 1.42472537, 1e-7);
}

Test(latency_steps, a_mixed_step_is_read_at_all_its_tokens)
{
    struct profile p = load(ESTIMATE_8B, 0);
    void *state = create(&p, (struct latency_config){LATENCY_BARE, .max_num_seqs = 64});
    cr_assert_eq(p.decode_attn_mixed_ms.n_x, 0);
    struct step_chunk chunk = {1024, 480};
    struct engine_step step = {.chunks = &chunk,
                               .n_chunks = 1,
                               .n_decode = 32,
                               .decode_context_mean_tok = 2048,
                               .decode_context_max_tok = 2048};
    double sum = other(&p, 512) + grid_bilinear(&p.chunk_attn_ms, 1024, 480) +
                 grid_bilinear(&p.decode_attn_ms, 32, 2048);
    cr_expect_float_eq(model()->step_ms(state, &step), sum, 1e-9);
}

Test(latency_steps, a_step_beyond_the_cuda_graphs_takes_longer)
{
    struct profile p = load(ESTIMATE_8B, 0);
    struct latency_config config = {LATENCY_BARE, .max_num_seqs = 64, .graph_tokens = 48};
    void *bare = create(&p, config);
    config.eager_step_ms = 1.5;
    void *state = create(&p, config);
    cr_expect_float_eq(chunk_ms(state, 0, 48), chunk_ms(bare, 0, 48), 1e-9);
    cr_expect_float_eq(chunk_ms(state, 0, 49), chunk_ms(bare, 0, 49) + 1.5, 1e-9);
    cr_expect_float_eq(decode_ms(state, 48, 512, 512), decode_ms(bare, 48, 512, 512), 1e-9);
    cr_expect_float_eq(decode_ms(state, 49, 512, 512), decode_ms(bare, 49, 512, 512) + 1.5, 1e-9);
    cr_expect_float_eq(model()->decode_curve(state, 49)->ms[3],
                       model()->decode_curve(bare, 49)->ms[3] + 1.5, 1e-9);
}

Test(latency_steps, each_factor_is_of_its_part)
{
    struct profile p = load(ESTIMATE_8B, 0);
    void *state = create(&p, (struct latency_config){.max_num_seqs = 64,
                                                     .host_ms_per_step = 0.5,
                                                     .step_factor = 2,
                                                     .fixed_factor = 3,
                                                     .token_factor = 5,
                                                     .decode_attention_factor = 7,
                                                     .prefill_attention_factor = 11});
    struct step_chunk chunk = {1024, 480};
    struct engine_step step = {.chunks = &chunk,
                               .n_chunks = 1,
                               .n_decode = 32,
                               .decode_context_mean_tok = 2048,
                               .decode_context_max_tok = 2048};
    double fixed = p.step_other_ms.value[0];
    double sum = 3 * fixed + 5 * (other(&p, 512) - fixed) +
                 11 * grid_bilinear(&p.chunk_attn_ms, 1024, 480) +
                 7 * grid_bilinear(&p.decode_attn_ms, 32, 2048);
    cr_expect_float_eq(model()->step_ms(state, &step), 2 * sum + 0.5, 1e-9);
}

Test(latency_steps, a_captured_graph_computes_its_size)
{
    static const double sizes[][2] = {{1, 1},     {2, 2},     {3, 4},     {4, 4},     {5, 8},
                                      {8, 8},     {9, 16},    {250, 256}, {256, 256}, {257, 272},
                                      {300, 304}, {311, 312}, {312, 312}, {313, 313}};
    struct profile p = load(ESTIMATE_8B, 0);
    void *state = create(
        &p, (struct latency_config){LATENCY_BARE, .max_num_seqs = 320, .padded_tokens = 312});
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        double n = sizes[i][0],
               sum = other(&p, sizes[i][1]) + grid_bilinear(&p.decode_attn_ms, n, 2048);
        cr_expect_float_eq(decode_ms(state, (uint32_t)n, 2048, 2048), sum, 1e-9, "%g", n);
        const struct decode_curve *c = model()->decode_curve(state, (uint32_t)n);
        cr_expect_float_eq(curve_at(c->context_tok, c->ms, c->n, 2048), sum, 1e-9, "%g", n);
    }
}

Test(latency_steps, ranks_share_the_work_of_experts_and_wait_for_the_most_tokens)
{
    struct profile p = load(RANKS_DIFFER, 0);
    void *state =
        create(&p, (struct latency_config){LATENCY_BARE, .max_num_seqs = 64, .padded_tokens = 128});
    struct engine_step step = {
        .n_decode = 32, .decode_context_mean_tok = 2048, .decode_context_max_tok = 2048};
    double attention = grid_bilinear(&p.decode_attn_ms, 2 * 32, 2048);
    /* The other rank has a chunk beside as many sequences: too many tokens for a graph. */
    step.rank_tok_max = 1536, step.rank_tok_mean = 784;
    double ms = other(&p, 32) + part(&p.step_experts_ms, 784) - part(&p.step_experts_ms, 32) +
                part(&p.step_comm_ms, 1536) - part(&p.step_comm_ms, 32);
    cr_expect_float_eq(model()->step_ms(state, &step), ms + attention, 1e-9);
    /* It has a few more sequences: a graph, as large on both. */
    step.rank_tok_max = 61, step.rank_tok_mean = 46.5;
    cr_expect_float_eq(model()->step_ms(state, &step), other(&p, 64) + attention, 1e-9);
    /* It has as many. */
    step.rank_tok_max = step.rank_tok_mean = 32;
    cr_expect_eq(model()->step_ms(state, &step), decode_ms(state, 32, 2048, 2048));
}

Test(latency_steps, the_fixed_cost_of_chunk_attention_is_paid_once)
{
    struct profile p = load(ESTIMATE_8B, 0);
    void *state = create(&p, (struct latency_config){LATENCY_BARE, .max_num_seqs = 1});
    struct step_chunk chunks[] = {{0, 256}, {512, 128}, {0, 128}};
    double fixed = cell(&p.chunk_attn_ms, 0, 0);
    double sum = other(&p, 512) + grid_bilinear(&p.chunk_attn_ms, 0, 256) +
                 grid_bilinear(&p.chunk_attn_ms, 512, 128) - fixed +
                 grid_bilinear(&p.chunk_attn_ms, 0, 128) - fixed;
    cr_expect_gt(fixed, 0.3);
    cr_expect_float_eq(chunks_ms(state, chunks, 3), sum, 1e-9);
}

Test(latency_steps, chunks_smaller_than_the_smallest_cost_what_it_costs)
{
    struct profile p = load(ESTIMATE_8B, 0);
    void *state = create(&p, (struct latency_config){LATENCY_BARE, .max_num_seqs = 1});
    const struct profile_grid *attn = &p.chunk_attn_ms;
    cr_assert_eq(attn->y[0], 16);
    for (size_t i = 0; i < attn->n_x; i++)
        cr_expect_float_eq(chunk_ms(state, (uint32_t)attn->x[i], 3),
                           other(&p, 3) + cell(attn, i, 0), 1e-9);
}

Test(latency_steps, the_decode_curve_is_the_step_of_equal_lengths)
{
    static const char *const paths[] = {ESTIMATE_8B, MIXED_AND_SKEW, MOE_DP2};
    for (size_t k = 0; k < 3; k++) {
        struct profile p = load(paths[k], 0);
        void *state =
            create(&p, (struct latency_config){LATENCY_BARE, .max_num_seqs = 300,
                                               .host_ms_per_step = 0.5, .host_us_per_seq = 21});
        for (uint32_t n = 1; n <= 300; n += 13) {
            const struct decode_curve *c = model()->decode_curve(state, n);
            for (double context = 1; context < 200000; context *= 1.7)
                cr_expect_float_eq(curve_at(c->context_tok, c->ms, c->n, context),
                                   decode_ms(state, n, context, context), 1e-9, "%s %u x %g",
                                   paths[k], n, context);
        }
    }
}

Test(latency_steps, unequal_lengths_cost_alpha_of_the_way_to_the_longest)
{
    struct profile p = load(MIXED_AND_SKEW, 0);
    void *state = create(&p, (struct latency_config){LATENCY_BARE, .max_num_seqs = 64});
    double alpha = p.attn_skew_alpha[0];
    cr_expect(alpha > 0 && alpha < 0.2);
    cr_expect_eq(model()->skew_alpha(state), alpha);
    double at_mean = grid_bilinear(&p.decode_attn_ms, 32, 1024);
    double at_max = grid_bilinear(&p.decode_attn_ms, 32, 8192);
    cr_expect_float_eq(decode_ms(state, 32, 1024, 8192),
                       other(&p, 32) + at_mean + alpha * (at_max - at_mean), 1e-9);
    /* What a worker that sums steps of the curve takes it for. */
    cr_expect_float_eq(decode_ms(state, 32, 1024, 8192),
                       (1 - alpha) * decode_ms(state, 32, 1024, 1024) +
                           alpha * decode_ms(state, 32, 8192, 8192),
                       1e-9);
}

Test(latency_steps, a_profile_without_skew_looks_at_the_mean_alone)
{
    struct profile p = load(ESTIMATE_8B, 0);
    void *state = create(&p, (struct latency_config){LATENCY_BARE, .max_num_seqs = 64});
    cr_expect_eq(model()->skew_alpha(state), 0);
    cr_expect_eq(decode_ms(state, 32, 1024, 8192), decode_ms(state, 32, 1024, 0));
}

Test(latency_steps, running_sequences_cost_more_beside_a_chunk)
{
    struct profile p = load(MIXED_AND_SKEW, 0);
    void *state = create(&p, (struct latency_config){LATENCY_BARE, .max_num_seqs = 64});
    struct step_chunk chunk = {0, 480};
    struct engine_step step = {.chunks = &chunk,
                               .n_chunks = 1,
                               .n_decode = 32,
                               .decode_context_mean_tok = 1024,
                               .decode_context_max_tok = 4096};
    double alpha = p.attn_skew_alpha[1];
    cr_assert_gt(alpha, 0);
    double at_mean = grid_bilinear(&p.decode_attn_mixed_ms, 32, 1024);
    double at_max = grid_bilinear(&p.decode_attn_mixed_ms, 32, 4096);
    double sum = other(&p, 512) + grid_bilinear(&p.chunk_attn_ms, 0, 480) + at_mean +
                 alpha * (at_max - at_mean);
    cr_expect_float_eq(model()->step_ms(state, &step), sum, 1e-9);
    cr_expect_gt(at_mean, 1.5 * grid_bilinear(&p.decode_attn_ms, 32, 1024));
}

Test(latency_steps, a_step_of_one_rank_is_read_at_the_sequences_of_all)
{
    struct profile p = load(MOE_DP2, 0);
    cr_assert_eq(p.dp, 2);
    void *state = create(&p, (struct latency_config){LATENCY_BARE, .max_num_seqs = 64});
    cr_expect_float_eq(decode_ms(state, 32, 1024, 1024),
                       other(&p, 32) + grid_bilinear(&p.decode_attn_ms, 64, 1024), 1e-9);
}

Test(latency_steps, host_overhead_is_added_once)
{
    struct profile p = load(MIXED_AND_SKEW, 0);
    void *bare = create(&p, (struct latency_config){LATENCY_BARE, .max_num_seqs = 64});
    void *host = create(&p, (struct latency_config){LATENCY_BARE, .max_num_seqs = 64,
                                                    .host_ms_per_step = 2, .host_us_per_seq = 21});
    cr_expect_float_eq(decode_ms(host, 40, 1000, 3000) - decode_ms(bare, 40, 1000, 3000),
                       2 + 40 * 0.021, 1e-9);
    struct step_chunk chunks[] = {{0, 256}, {512, 128}};
    cr_expect_float_eq(chunks_ms(host, chunks, 2) - chunks_ms(bare, chunks, 2), 2 + 2 * 0.021,
                       1e-9);
}

Test(latency_steps, needs_its_tables)
{
    struct profile p = load(MEASURED_8B, 0);
    void *state;
    struct latency_config config = {LATENCY_BARE, .max_num_seqs = 1};
    fails_with(ST_INPUT, model()->create(&state, &arena, &p, &config, &diag),
               "profile '%s' has no tables for latency model 'steps' (step_other_ms, "
               "chunk_attn_ms, decode_attn_ms); use 'table'",
               MEASURED_8B);
}

/* Every bundled profile that has the tables, and beyond what it tabulates: contexts up to 130,000,
 * up to 1,024 sequences. */
Test(latency_steps, is_positive_and_never_falls)
{
    const char *const *names;
    size_t n, checked = 0;
    cr_assert_eq(profile_list(&search, &arena, &names, &n, &diag), ST_OK, "%s", diag.text);
    for (size_t k = 0; k < n; k++) {
        struct profile p;
        cr_assert_eq(profile_load(&p, &arena, &search, names[k], 0, &diag), ST_OK);
        if (p.step_other_ms.n == 0)
            continue;
        checked++;
        void *state = create(&p, (struct latency_config){LATENCY_BARE, .max_num_seqs = 1024});
        double cheapest = p.step_other_ms.value[0], fewer[60] = {0};
        for (uint32_t b = 1; b <= 1024; b += 1 + b / 5) {
            double shorter = cheapest;
            for (size_t c = 0; c < 60; c++) {
                double ms = decode_ms(state, b, pow(130000, (double)c / 59), 0);
                cr_assert_geq(ms, shorter * (1 - 1e-9), "%s %u #%zu", p.name, b, c);
                /* Below the first tabulated context the slope of the batch may turn. */
                cr_assert_geq(ms, fewer[c] * 0.99, "%s %u #%zu", p.name, b, c);
                shorter = fewer[c] = ms;
            }
        }
        for (uint32_t prefix = 0; prefix <= 130000; prefix += 10000) {
            double shorter = cheapest;
            for (uint32_t new_tok = 1; new_tok <= 32768; new_tok *= 2) {
                double ms = chunk_ms(state, prefix, new_tok);
                cr_assert_geq(ms, shorter * (1 - 1e-9), "%s %u + %u", p.name, prefix, new_tok);
                shorter = ms;
            }
        }
    }
    cr_expect_eq(checked, 612); /* 607 estimated and 5 summed from measured layers */
}

Test(latency_steps, goes_on_without_wild_slopes)
{
    struct profile p = load(MIXED_AND_SKEW, 0);
    void *state = create(&p, (struct latency_config){LATENCY_BARE, .max_num_seqs = 1024});
    /* 256 sequences of 16,384 tokens read 16 times what 256 of 1,024 do; twice the context, twice
     * the attention. */
    double at_16k = grid_bilinear(&p.decode_attn_ms, 256, 16384);
    double at_64k = grid_bilinear(&p.decode_attn_ms, 256, 65536);
    cr_expect(at_64k > 3 * at_16k && at_64k < 5 * at_16k);
    double at_256 = decode_ms(state, 256, 4096, 4096), at_1024 = decode_ms(state, 1024, 4096, 4096);
    cr_expect(at_1024 > 2 * at_256 && at_1024 < 5 * at_256);
}
