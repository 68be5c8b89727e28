/* An engine in steps small enough to be computed by hand. */
#include "sim_fixture.h"

/* Two requests whose outputs do not fit together: the newer one is preempted, computed again and
 * finishes. */
Test(engine_small, the_newest_is_preempted_when_blocks_run_out_and_its_prompt_is_paid_again)
{
    struct fixture f;
    fixture_init(&f, false, 1);
    f.want_log = true;
    f.deployment.pools[0].engine.kv_blocks = 5;
    struct trace_text t = {0};
    trace_text_add(&t, 0, 32, 18); /* 2 blocks, 4 in the end */
    trace_text_add(&t, 0, 31, 18); /* 2 blocks, 3 in the end */
    fixture_run(&f, t.text);
    /* Both prompts in one step: 10 + 6.3 = 16.3. Decoding at 12 ms a step: r0 takes its third block
     * with the first step, r1 its third with the second: 5 + 1 > 5, so r1 goes after one decode
     * step with two tokens out. */
    cr_assert_eq(f.records[1].n_preemptions, 1);
    cr_assert_eq(f.records[0].n_preemptions, 0);
    cr_assert_eq(f.records[1].second_token_ns, 28300 * NS_PER_US);
    /* r0: one step with company, then 16 alone at 11 ms: tokens 3 .. 18. */
    cr_assert_eq(f.records[0].last_token_ns, (28300 + 16 * 11000) * NS_PER_US);
    /* r1 computes its 31 + 2 tokens again (3 blocks, once r0 has left or has room beside it). */
    cr_assert(strstr(f.log, "28.300 preempt r1 agg/0\n") != NULL, "%s", f.log);
    cr_assert_eq(f.n_outcome[OUTCOME_COMPLETED], 2);
    cr_assert_eq(f.records[1].n_output_tok, 18);
    cr_assert_eq(f.result->itl.n, 34);
    cr_assert_eq(f.result->pools[0].n_preemptions, 1);
    free(t.text);
    fixture_release(&f);
}

Test(engine_small, prompts_wait_whole_without_chunking)
{
    struct fixture f;
    fixture_init(&f, false, 1);
    f.deployment.pools[0].engine.chunked_prefill = false;
    f.deployment.pools[0].engine.max_num_batched_tokens = 100;
    struct trace_text t = {0};
    trace_text_add(&t, 0, 60, 1);
    trace_text_add(&t, 0, 60, 1);
    trace_text_add(&t, 0, 101, 1); /* can never start */
    fixture_run(&f, t.text);
    cr_assert_eq(f.records[0].first_token_ns, 16 * NS_PER_MS);
    cr_assert_eq(f.records[1].scheduled_ns, 16 * NS_PER_MS);
    cr_assert_eq(f.records[1].first_token_ns, 32 * NS_PER_MS);
    cr_assert_eq(f.records[2].outcome, OUTCOME_REJECTED);
    free(t.text);
    fixture_release(&f);
}

Test(engine_small, a_cold_engine_takes_longer_for_its_first_step)
{
    struct fixture f;
    fixture_init(&f, false, 1);
    f.deployment.pools[0].engine.cold_start_ns = 80 * NS_PER_MS;
    struct trace_text t = {0};
    trace_text_add(&t, 0, 10, 2);
    fixture_run(&f, t.text);
    cr_assert_eq(f.records[0].first_token_ns, 91 * NS_PER_MS);
    cr_assert_eq(f.records[0].last_token_ns, 102 * NS_PER_MS);
    free(t.text);
    fixture_release(&f);
}

/* Two requests, the second arriving in the middle of a step: with async scheduling it waits one
 * step more. */
Test(engine_small, async_scheduling_costs_an_arrival_one_step_and_hides_nothing_else)
{
    for (int async = 0; async < 2; async++) {
        struct fixture f;
        fixture_init(&f, false, 1);
        f.deployment.pools[0].engine.async_scheduling = async;
        struct trace_text t = {0};
        trace_text_add(&t, 0, 100, 6);
        trace_text_add(&t, 25, 100, 2);
        fixture_run(&f, t.text);
        /* Prefill 0 to 20, decode steps of 11. */
        cr_assert_eq(f.records[0].first_token_ns, 20 * NS_PER_MS);
        cr_assert_eq(f.records[0].second_token_ns, 31 * NS_PER_MS);
        /* The second prompt joins the step at 31, or the one at 42: 10 + 10 + 1 ms. */
        int64_t starts_ms = async ? 42 : 31;
        cr_assert_eq(f.records[1].first_token_ns, (starts_ms + 21) * NS_PER_MS);
        cr_assert_eq(f.records[1].second_token_ns, (starts_ms + 21 + 12) * NS_PER_MS);
        free(t.text);
        fixture_release(&f);
    }
}

/* Prefill 0 to 20, decode steps of 11 from there. The engine looks at its queue at 20, when it has
 * had prompts, and then once in so many steps, whenever a prompt has come. */
Test(engine_small, a_queue_that_is_looked_at_now_and_then_keeps_prompts_waiting)
{
    static const struct {
        uint32_t steps;
        int arrives_ms, starts_ms;
    } cases[] = {{1, 25, 31}, {4, 25, 64}, {4, 55, 64}, {4, 65, 108}, {4, 12, 20}, {20, 25, 240}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fixture f;
        fixture_init(&f, false, 1);
        f.deployment.pools[0].engine.queue_look_steps = cases[i].steps;
        struct trace_text t = {0};
        trace_text_add(&t, 0, 100, 30);
        trace_text_add(&t, cases[i].arrives_ms, 100, 1);
        fixture_run(&f, t.text);
        cr_expect_eq(f.records[1].scheduled_ns, cases[i].starts_ms * NS_PER_MS, "%zu", i);
        fixture_release(&f);
    }
}

/* They wait until a step is worth it, or for so long; never for an engine that is idle. */
Test(engine_small, prompts_wait_for_others_to_fill_a_step)
{
    static const struct {
        double share;
        int second_tok, starts_ms;
    } cases[] = {{0.01, 10, 31}, {0.5, 10, 75}, {0.5, 400, 42}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fixture f;
        fixture_init(&f, false, 1);
        struct engine_config *engine = &f.deployment.pools[0].engine;
        engine->max_num_batched_tokens = 1000;
        engine->batch_wait_steps = 4;
        engine->batch_wait_share = cases[i].share;
        struct trace_text t = {0};
        trace_text_add(&t, 0, 100, 30);
        trace_text_add(&t, 25, 200, 1);
        trace_text_add(&t, 37, cases[i].second_tok, 1);
        fixture_run(&f, t.text);
        cr_expect_eq(f.records[0].scheduled_ns, 0);
        cr_expect_eq(f.records[1].scheduled_ns, cases[i].starts_ms * NS_PER_MS, "%zu: %lld", i,
                     (long long)f.records[1].scheduled_ns);
        fixture_release(&f);
    }
}

Test(engine_small, a_step_with_prompts_takes_no_less_than_launching_it)
{
    struct fixture f;
    fixture_init(&f, false, 1);
    f.deployment.pools[0].engine.prompt_step_least_ms = 50;
    struct trace_text t = {0};
    trace_text_add(&t, 0, 100, 3);
    trace_text_add(&t, 500, 450, 2);
    fixture_run(&f, t.text);
    cr_expect_eq(f.records[0].first_token_ns, 50 * NS_PER_MS);
    cr_expect_eq(f.records[0].second_token_ns, 61 * NS_PER_MS);
    cr_expect_eq(f.records[1].first_token_ns, 555 * NS_PER_MS);
    fixture_release(&f);
}

Test(engine_small, an_idle_engine_starts_at_once_with_async_scheduling_too)
{
    struct fixture f;
    fixture_init(&f, false, 1);
    f.deployment.pools[0].engine.async_scheduling = true;
    f.deployment.pools[0].engine.max_num_batched_tokens = 64;
    struct trace_text t = {0};
    trace_text_add(&t, 0, 100, 1);
    trace_text_add(&t, 500, 100, 1);
    fixture_run(&f, t.text);
    /* Chunks of 64 and 36 back to back: 16.4 + 13.6. */
    cr_assert_eq(f.records[0].first_token_ns, 30 * NS_PER_MS);
    cr_assert_eq(f.records[1].first_token_ns, 530 * NS_PER_MS);
    free(t.text);
    fixture_release(&f);
}

/* Two ranks: each takes a request, and both step as long as the slower one. */
Test(engine_small, data_parallel_ranks_step_together)
{
    struct fixture f;
    fixture_init(&f, false, 1);
    f.deployment.pools[0].engine.n_ranks = 2;
    struct trace_text t = {0};
    trace_text_add(&t, 0, 300, 2); /* rank 0: 10 + 30 = 40 ms */
    trace_text_add(&t, 0, 50, 3);  /* rank 1: 15 ms, but the step takes 40 */
    fixture_run(&f, t.text);
    cr_assert_eq(f.records[0].first_token_ns, 40 * NS_PER_MS);
    cr_assert_eq(f.records[1].first_token_ns, 40 * NS_PER_MS);
    cr_assert_eq(f.records[0].last_token_ns, 51 * NS_PER_MS);
    cr_assert_eq(f.records[1].last_token_ns, 62 * NS_PER_MS);
    cr_assert_eq(f.records[0].worker, 0);
    cr_assert_eq(f.records[1].worker, 0);
    cr_assert_float_eq(f.result->pools[0].gpu_s[GPU_BUSY], 0.062, 1e-12);
    free(t.text);
    fixture_release(&f);
}

/* While their batches stay as they are, all their steps are one event. */
Test(engine_small, ranks_that_only_decode_make_no_events)
{
    struct fixture f;
    fixture_init(&f, false, 1);
    f.model = (struct linear_model){.base_ms = 10, .seq_ms = 1, .context_ms = 0.01};
    f.deployment.pools[0].engine.n_ranks = 2;
    struct trace_text t = {0};
    trace_text_add(&t, 0, 300, 500);
    trace_text_add(&t, 0, 50, 500);
    trace_text_add(&t, 0, 300, 500);
    fixture_run(&f, t.text);
    cr_assert_lt(f.result->n_events, 20);
    cr_assert_eq(f.result->itl.n, 3 * 499);
    free(t.text);
    fixture_release(&f);
}

/* Steps of two sequences on one rank, 12 ms, and of one on the other, 11 ms by itself. */
Test(engine_small, a_rank_that_decodes_waits_for_the_slower_one)
{
    struct fixture f;
    fixture_init(&f, false, 1);
    f.deployment.pools[0].engine.n_ranks = 2;
    f.want_parts = true;
    struct trace_text t = {0};
    trace_text_add(&t, 0, 100, 101);
    trace_text_add(&t, 0, 100, 101);
    trace_text_add(&t, 0, 100, 101);
    fixture_run(&f, t.text);
    cr_assert_eq(f.parts[0].e2e_ns[PART_DECODE_RANKS], 0);
    cr_assert_eq(f.parts[1].e2e_ns[PART_DECODE_RANKS], 100 * NS_PER_MS);
    cr_assert_eq(f.parts[2].e2e_ns[PART_DECODE_RANKS], 0);
    cr_assert_eq(f.parts[1].e2e_ns[PART_DECODE], 1100 * NS_PER_MS);
    free(t.text);
    fixture_release(&f);
}

static double rank_tokens_ms(const void *state, const struct engine_step *step)
{
    (void)state;
    return step->rank_tok_max + 1000 * step->rank_tok_mean;
}

/* Each rank is told what all of them have in the step; one without work runs along with a token. */
Test(engine_small, a_step_knows_the_tokens_of_all_ranks)
{
    struct latency_model_ops told = latency_linear;
    told.step_ms = rank_tokens_ms;
    struct fixture f;
    fixture_init(&f, false, 1);
    f.deployment.pools[0].engine.n_ranks = 2;
    fixture_latency(&f);
    f.deployment.pools[0].engine.latency = &told;
    struct trace_text t = {0};
    trace_text_add(&t, 0, 300, 2); /* rank 0: 300 tokens, then 1 */
    trace_text_add(&t, 0, 50, 3);  /* rank 1: 50, then 1, then 1 beside none */
    fixture_run(&f, t.text);
    cr_assert_eq(f.records[0].first_token_ns, (300 + 1000 * 175) * NS_PER_MS);
    cr_assert_eq(f.records[0].last_token_ns, (301 + 1000 * 176) * NS_PER_MS);
    cr_assert_eq(f.records[1].last_token_ns, (302 + 1000 * 177) * NS_PER_MS);
    free(t.text);
    fixture_release(&f);
}

Test(engine_small, prefill_first_lets_the_sequences_wait_for_a_prompt)
{
    for (int prefill_first = 0; prefill_first < 2; prefill_first++) {
        struct fixture f;
        fixture_init(&f, false, 1);
        f.deployment.pools[0].engine.prefill_first = prefill_first;
        struct trace_text t = {0};
        trace_text_add(&t, 0, 100, 4);
        trace_text_add(&t, 25, 100, 2);
        fixture_run(&f, t.text);
        /* Prompt 0 to 20, one step to 31; then the second prompt: beside the sequence (21 ms), or
         * alone (20 ms). */
        cr_assert_eq(f.records[1].first_token_ns, (prefill_first ? 51 : 52) * NS_PER_MS);
        /* Third token of the first: with that step, or with the next, of two sequences. */
        cr_assert_eq(f.records[0].last_token_ns,
                     (prefill_first ? 51 + 12 + 11 : 52 + 12) * NS_PER_MS);
        cr_assert_eq(f.result->itl.n, 4);
        cr_assert_float_eq(f.result->itl.sum,
                           (prefill_first ? 11 + 32 + 11 + 12 : 11 + 21 + 12 + 12) * 1e6, 1);
        free(t.text);
        fixture_release(&f);
    }
}

Test(engine_small, the_more_urgent_request_goes_first)
{
    struct fixture f;
    fixture_init(&f, false, 1);
    f.deployment.pools[0].engine.by_priority = true;
    f.deployment.pools[0].engine.max_num_seqs = 1;
    struct trace_text t = {0};
    trace_text_add(&t, 0, 100, 1);
    trace_text_priority(&t, 5);
    trace_text_add(&t, 1, 100, 1);
    trace_text_priority(&t, 3);
    trace_text_add(&t, 2, 100, 1);
    trace_text_priority(&t, 2);
    trace_text_add(&t, 3, 100, 1);
    trace_text_priority(&t, 2);
    fixture_run(&f, t.text);
    cr_assert_eq(f.records[0].first_token_ns, 20 * NS_PER_MS); /* running: not pushed aside */
    cr_assert_eq(f.records[2].first_token_ns, 40 * NS_PER_MS);
    cr_assert_eq(f.records[3].first_token_ns, 60 * NS_PER_MS);
    cr_assert_eq(f.records[1].first_token_ns, 80 * NS_PER_MS);
    free(t.text);
    fixture_release(&f);
}

Test(engine_small, drafts_that_are_always_accepted_come_with_their_step)
{
    struct fixture f;
    fixture_init(&f, false, 1);
    struct engine_config *engine = &f.deployment.pools[0].engine;
    engine->n_draft_tok = 2;
    engine->draft_acceptance = 1;
    engine->draft_ms = 0.5;
    struct trace_text t = {0};
    trace_text_add(&t, 0, 100, 8);
    fixture_run(&f, t.text);
    /* Prompt 20 ms and a token; then steps of 10 + 3 * 1 + 2 * 0.5 = 14 ms for three tokens: 3 + 3
     * + 1. */
    cr_assert_eq(f.records[0].second_token_ns, 34 * NS_PER_MS);
    cr_assert_eq(f.records[0].last_token_ns, (20 + 3 * 14) * NS_PER_MS);
    cr_assert_eq(f.result->itl.n, 7);
    cr_assert_float_eq(f.result->itl.sum, 42e6, 1);
    free(t.text);
    fixture_release(&f);
}

Test(engine_small, step_noise_keeps_the_mean_and_repeats_with_the_seed)
{
    int64_t last_ns[3];
    for (int i = 0; i < 3; i++) {
        struct fixture f;
        fixture_init(&f, false, 1);
        f.config.seed = i < 2 ? 1 : 2;
        f.deployment.pools[0].engine.step_noise = 0.2;
        struct trace_text t = {0};
        trace_text_add(&t, 0, 100, 5001);
        fixture_run(&f, t.text);
        last_ns[i] = f.records[0].last_token_ns;
        cr_assert_float_eq(f.result->itl.sum / f.result->itl.n, 11e6, 0.01 * 11e6);
        free(t.text);
        fixture_release(&f);
    }
    cr_assert_eq(last_ns[0], last_ns[1]);
    cr_assert_neq(last_ns[0], last_ns[2]);
}

/* Three prompts that do not fit together: the first comes back from host memory, 4 of its 5 blocks
 * of 16 tokens. */
Test(engine_small, host_memory_gives_back_what_the_gpu_had_to_drop)
{
    for (int host = 0; host < 2; host++) {
        struct fixture f;
        fixture_init(&f, false, 1);
        struct engine_config *engine = &f.deployment.pools[0].engine;
        f.deployment.trace_block_tok = 16;
        engine->kv_blocks = 6;
        engine->prefix_cache = true;
        engine->eviction = kv_eviction_find("lru");
        engine->host_kv_blocks = host ? 100 : 0;
        engine->host_bandwidth_bytes_per_s = 64e3;
        engine->kv_bytes_per_token =
            1; /* 1 ms per block of 16 tokens at 16 B a ms: 64 tokens in 1 ms */
        static const unsigned first[] = {1, 2, 3, 4, 5}, other[] = {6, 7, 8, 9, 10};
        struct trace_text t = {0};
        trace_text_add_ids(&t, 0, 80, 1, first, 5);
        trace_text_add_ids(&t, 100, 80, 1, other, 5);
        trace_text_add_ids(&t, 200, 80, 1, first, 5);
        fixture_run(&f, t.text);
        cr_assert_eq(f.records[0].first_token_ns, 18 * NS_PER_MS);
        /* Without: one block survives (6 - 5) and is the first; 64 tokens to compute. With: 16 to
         * compute, 3 blocks more to read. */
        cr_assert_eq(f.records[2].cached_tok, host ? 64 : 16);
        int64_t want_ns = host ? 200 * NS_PER_MS + 11600 * NS_PER_US + 750 * NS_PER_US
                               : 200 * NS_PER_MS + 16400 * NS_PER_US;
        cr_assert_eq(f.records[2].first_token_ns, want_ns, "%lld",
                     (long long)f.records[2].first_token_ns);
        free(t.text);
        fixture_release(&f);
    }
}
