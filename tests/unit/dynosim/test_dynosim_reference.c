/* Recorded runs of the reference, row by row. */
#include "dynosim_fixture.h"

#define CONVERSATION PROJECT_DIR "/traces/data/mooncake_conversation.jsonl.gz"
#define REFERENCE TEST_DATA_DIR "/dynosim/"

static void assert_equal_rows(const struct dyno_fixture *f, const char *path)
{
    struct reference_row *rows;
    size_t n = read_reference(&rows, path);
    cr_assert_eq(f->n_records, n);
    struct comparison c = compare(f, rows, n);
    cr_log_info("%zu rows, worst difference %.6f ms\n", n, c.worst_ms);
    cr_expect_eq(c.n_different, 0, "%zu rows differ, the first is %zu", c.n_different, c.first);
    /* The records are rounded to 0.0001 ms. */
    cr_expect_lt(c.worst_ms, 0.000151, "%f ms, first row beyond 0.001 ms: %zu", c.worst_ms,
                 c.first);
    free(rows);
}

Test(dynosim_reference, conversation_on_four_workers_by_round_robin)
{
    struct dyno_fixture f;
    dyno_fixture_init(&f);
    dyno_fixture_profile(&f);
    dyno_fixture_agg(&f, 4);
    dyno_fixture_run(&f, CONVERSATION);
    assert_equal_rows(&f, REFERENCE "agg-conv-4-rr.csv.gz");
    struct means m = means_of(&f);
    cr_expect_float_eq(m.ttft_ms, 548.7828, 0.0001);
    cr_expect_float_eq(m.itl_ms, 9.582916, 0.000001);
    cr_expect_float_eq(m.reuse, 0.075368, 0.000001);
    cr_expect_float_eq(ms_from_ns(f.result->end_ns), 3543849.628, 0.001);
    double gpu_s = 0;
    for (int i = 0; i < N_GPU_STATES; i++)
        gpu_s += f.result->pools[0].gpu_s[i];
    cr_expect_float_eq(gpu_s / 3600, 3.937611, 0.000001);
    dyno_fixture_release(&f);
}

Test(dynosim_reference, azure_conversation_on_two_prefill_and_two_decode_workers)
{
    struct dyno_fixture f;
    dyno_fixture_init(&f);
    dyno_fixture_profile(&f);
    dyno_fixture_disagg(&f, 2, 2);
    f.config.arrival_round_ns = NS_PER_MS;
    dyno_fixture_run(&f, REFERENCE "azure_llm_2023_conv.csv.gz");
    assert_equal_rows(&f, REFERENCE "disagg-azconv-2P2D-rr.csv.gz");
    struct means m = means_of(&f);
    cr_expect_float_eq(m.ttft_ms, 34.4177, 0.0001);
    cr_expect_float_eq(m.itl_ms, 6.368737, 0.000001);
    dyno_fixture_release(&f);
}

/* A profile whose prefill line is below zero up to 427 tokens; 43 preemptions. */
Test(dynosim_reference, a_line_below_zero)
{
    struct dyno_fixture f;
    dyno_fixture_init(&f);
    f.latency = dyno_fixture_fit(&f, "h100_sxm/vllm/Llama-3.3-70B-FP8/TP4");
    dyno_fixture_agg(&f, 2);
    f.config.speedup = 4;
    f.config.pools[0].block_size_tok = 64;
    f.config.pools[0].kv_blocks = 150;
    f.config.pools[0].max_num_seqs = 16;
    dyno_fixture_run(&f, REFERENCE "agg-azconv250-2-tp4.jsonl.gz");
    assert_equal_rows(&f, REFERENCE "agg-azconv250-2-tp4.csv.gz");
    cr_expect_eq(f.result->pools[0].n_preemptions, 43);
    dyno_fixture_release(&f);
}

/* Preempted requests wait on a decode worker while transfers are reserved and under way. */
Test(dynosim_reference, preemptions_between_slow_transfers)
{
    struct dyno_fixture f;
    dyno_fixture_init(&f);
    dyno_fixture_profile(&f);
    dyno_fixture_disagg(&f, 2, 1);
    f.config.speedup = 4;
    f.config.pools[0].kv_blocks = 200;
    f.config.pools[1].kv_blocks = 79;
    f.config.pools[0].max_num_seqs = f.config.pools[1].max_num_seqs = 1;
    f.config.kv_bytes_per_token = 131072;
    f.config.kv_bandwidth_bytes_per_s = 1e9;
    f.config.transfer = DYNOSIM_DESTINATION_MISSING;
    dyno_fixture_run(&f, REFERENCE "disagg-azconv200-preempted.jsonl.gz");
    assert_equal_rows(&f, REFERENCE "disagg-azconv200-preempted.csv.gz");
    cr_expect_eq(f.result->pools[0].n_preemptions + f.result->pools[1].n_preemptions, 33);
    dyno_fixture_release(&f);
}

/* Shared beginnings, prompts that end with a block, 16 that make no token, whole prompts only, and
 * another profile in each pool. */
Test(dynosim_reference, silent_requests_and_whole_prompts)
{
    struct dyno_fixture f;
    dyno_fixture_init(&f);
    dyno_fixture_profile(&f);
    dyno_fixture_disagg(&f, 2, 2);
    f.config.pools[0].latency = dyno_fixture_fit(&f, "h100_sxm/vllm/Llama-3.3-70B-FP8/TP4");
    f.config.pools[0].kv_blocks = 400;
    f.config.pools[1].kv_blocks = 220;
    f.config.pools[1].max_num_seqs = 16;
    for (size_t p = 0; p < 2; p++) {
        f.config.pools[p].block_size_tok = 100;
        f.config.pools[p].max_num_batched_tokens = 40000;
        f.config.pools[p].chunked_prefill = false;
    }
    dyno_fixture_run(&f, REFERENCE "disagg-made-up200-silent.jsonl.gz");
    assert_equal_rows(&f, REFERENCE "disagg-made-up200-silent.csv.gz");
    dyno_fixture_release(&f);
}

Test(dynosim_reference, prefill_workers_that_stop_after_one_token)
{
    struct dyno_fixture f;
    dyno_fixture_init(&f);
    dyno_fixture_profile(&f);
    dyno_fixture_disagg(&f, 2, 2);
    f.config.arrival_round_ns = NS_PER_MS;
    f.config.semantics.prefill_full_output = false;
    dyno_fixture_run(&f, REFERENCE "azure_llm_2023_conv.csv.gz");
    struct means m = means_of(&f);
    cr_expect_float_eq(m.ttft_ms, 33.911, 0.0005, "%f", m.ttft_ms);
    dyno_fixture_release(&f);
}

Test(dynosim_reference, kv_router_along_the_recorded_placements)
{
    struct dyno_fixture f;
    struct reference_row *rows;
    size_t n = read_reference(&rows, REFERENCE "agg-conv-4-kv.csv.gz");
    uint32_t *workers = malloc(n * sizeof *workers);
    for (size_t i = 0; i < n; i++)
        workers[i] = (uint32_t)rows[i].worker;
    free(rows);
    dyno_fixture_init(&f);
    dyno_fixture_profile(&f);
    dyno_fixture_agg(&f, 4);
    struct dynosim_follow_check check = {0};
    f.config.pools[0].routing = DYNOSIM_KV_ROUTER;
    f.config.follow = (struct dynosim_follow){.n = n, .worker = workers, .check = &check};
    dyno_fixture_run(&f, CONVERSATION);
    assert_equal_rows(&f, REFERENCE "agg-conv-4-kv.csv.gz");
    cr_expect_eq(check.n_choices, n);
    cr_expect_eq(check.n_not_lowest, 0, "%lu, up to %f blocks", (unsigned long)check.n_not_lowest,
                 check.worst_excess);
    cr_expect_eq(check.n_tied, 386, "%lu", (unsigned long)check.n_tied);
    free(workers);
    dyno_fixture_release(&f);
}

static struct means run_freely(struct dyno_fixture *f, int workers, uint64_t seed)
{
    dyno_fixture_init(f);
    dyno_fixture_profile(f);
    dyno_fixture_agg(f, workers);
    f->config.pools[0].routing = DYNOSIM_KV_ROUTER;
    f->config.seed = seed;
    dyno_fixture_run(f, CONVERSATION);
    return means_of(f);
}

/* Member by member: what is between them is anything. */
static bool same_record(const struct request_record *a, const struct request_record *b)
{
    return a->index == b->index && a->outcome == b->outcome && a->n_output_tok == b->n_output_tok &&
           a->n_preemptions == b->n_preemptions && a->cached_tok == b->cached_tok &&
           a->prefill_worker == b->prefill_worker && a->worker == b->worker &&
           a->arrival_ns == b->arrival_ns && a->scheduled_ns == b->scheduled_ns &&
           a->prefill_done_ns == b->prefill_done_ns && a->first_token_ns == b->first_token_ns &&
           a->second_token_ns == b->second_token_ns && a->last_token_ns == b->last_token_ns &&
           a->end_ns == b->end_ns;
}

static void assert_same_records(const struct dyno_fixture *a, const struct dyno_fixture *b)
{
    cr_assert_eq(a->n_records, b->n_records);
    for (size_t i = 0; i < a->n_records; i++)
        cr_assert(same_record(&a->records[i], &b->records[i]), "request %zu", i);
}

Test(dynosim_reference, kv_router_choosing_freely_has_the_recorded_distributions_and_repeats)
{
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct dyno_fixture f, again;
        struct means four = run_freely(&f, 4, seed);
        if (seed == 1) {
            run_freely(&again, 4, seed);
            assert_same_records(&f, &again);
            dyno_fixture_release(&again);
        }
        dyno_fixture_release(&f);
        struct means eight = run_freely(&f, 8, seed);
        dyno_fixture_release(&f);
        cr_log_info("TTFT %.2f %.2f ms, ITL %.4f %.4f ms, reuse %.4f %.4f\n", four.ttft_ms,
                    eight.ttft_ms, four.itl_ms, eight.itl_ms, four.reuse, eight.reuse);
        cr_expect_float_eq(four.ttft_ms, 488.9, 0.02 * 488.9, "%f", four.ttft_ms);
        cr_expect_float_eq(eight.ttft_ms, 298.7, 0.02 * 298.7, "%f", eight.ttft_ms);
        cr_expect_float_eq(four.itl_ms, 9.31, 0.0931, "%f", four.itl_ms);
        cr_expect_float_eq(eight.itl_ms, 7.19, 0.0719, "%f", eight.itl_ms);
        cr_expect_float_eq(four.reuse, 0.119, 0.01, "%f", four.reuse);
        cr_expect_float_eq(eight.reuse, 0.187, 0.01, "%f", eight.reuse);
    }
}
