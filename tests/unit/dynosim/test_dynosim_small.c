/* Small cases worked out by hand. f(n) = n / 100 ms; g(S, m) = 1 + S / 1000 + m / 100 ms, or 5 ms
 * where only counts of passes matter. */
#include "dynosim_fixture.h"

static const double at[] = {0, 1000}, prefill[] = {0, 10}, decode[] = {1, 11, 2, 12},
                    constant[] = {5, 5, 5, 5};

static void small_init(struct dyno_fixture *f, bool constant_decode)
{
    dyno_fixture_init(f);
    f->latency = (struct dynosim_latency){{2, at, prefill},
                                          {2, 2, at, at, constant_decode ? constant : decode}};
}

static void expect_ms(int64_t ns, double ms, const char *what, size_t request)
{
    cr_expect_eq(ns, llrint(ms * 1e6), "%s of request %zu: %f ms, not %f ms", what, request,
                 (double)ns / 1e6, ms);
}

static void expect_times(const struct dyno_fixture *f, size_t i, double first_ms, double last_ms)
{
    expect_ms(f->records[i].first_token_ns, first_ms, "first token", i);
    expect_ms(f->records[i].last_token_ns, last_ms, "last token", i);
}

/* 3 blocks of 128 hold 300 tokens and the two that are computed after them. */
Test(dynosim_small, one_request)
{
    struct dyno_fixture f;
    small_init(&f, false);
    dyno_fixture_agg(&f, 1);
    dyno_fixture_run_text(
        &f, "{\"timestamp\": 0, \"input_length\": 300, \"output_length\": 3, \"hash_ids\": [1]}\n");
    expect_times(&f, 0, 3 + 4.384, 3 + 4.384 + 4.394 + 4.404);
    expect_ms(f.records[0].second_token_ns, 3 + 4.384 + 4.394, "second token", 0);
    cr_expect_eq(f.result->pools[0].n_steps, 3);
    dyno_fixture_release(&f);
}

/* The second hits what the first is about to compute, but its last token is not a hit: 15 of 16
 * blocks. */
Test(dynosim_small, a_twin_in_the_same_pass_hits)
{
    struct dyno_fixture f;
    small_init(&f, false);
    dyno_fixture_agg(&f, 1);
    const char *twins = "{\"timestamp\": 5, \"input_length\": 2048, \"output_length\": 1, "
                        "\"hash_ids\": [1, 2, 3, 4]}\n"
                        "{\"timestamp\": 5, \"input_length\": 2048, \"output_length\": 1, "
                        "\"hash_ids\": [1, 2, 3, 4]}\n";
    dyno_fixture_run_text(&f, twins);
    cr_expect_eq(f.records[0].cached_tok, 0);
    cr_expect_eq(f.records[1].cached_tok, 1920);
    double step_ms = 21.76 + 1 + 17 * 0.128 + 20.48;
    expect_times(&f, 0, step_ms, step_ms);
    expect_times(&f, 1, step_ms, step_ms);

    f.config.semantics.hits_before_computed = false;
    dyno_fixture_run_text(&f, twins);
    cr_expect_eq(f.records[1].cached_tok, 0);
    step_ms = 40.96 + 1 + 32 * 0.128 + 20.48;
    expect_times(&f, 1, step_ms, step_ms);
    dyno_fixture_release(&f);
}

static const char two_prompts[] =
    "{\"timestamp\": 0, \"input_length\": 600, \"output_length\": 2, \"hash_ids\": [1, 2]}\n"
    "{\"timestamp\": 0, \"input_length\": 700, \"output_length\": 1, \"hash_ids\": [3, 4]}\n";

/* 600 + 400 tokens, then 1 + 300. Mean length 650.5 counts as 650. */
Test(dynosim_small, the_budget_cuts_the_last_prompt)
{
    struct dyno_fixture f;
    small_init(&f, false);
    dyno_fixture_agg(&f, 1);
    f.config.pools[0].max_num_batched_tokens = 1000;
    dyno_fixture_run_text(&f, two_prompts);
    double first_ms = 10 + 1 + 9 * 0.128 + 6, second_ms = first_ms + 3 + 1 + 11 * 0.128 + 6.5;
    expect_times(&f, 0, first_ms, second_ms);
    expect_times(&f, 1, second_ms, second_ms);
    expect_ms(f.records[1].scheduled_ns, 0, "schedule", 1);
    dyno_fixture_release(&f);
}

Test(dynosim_small, without_chunking_a_prompt_waits_for_room_in_the_budget)
{
    struct dyno_fixture f;
    small_init(&f, false);
    dyno_fixture_agg(&f, 1);
    f.config.pools[0].max_num_batched_tokens = 1000;
    f.config.pools[0].chunked_prefill = false;
    dyno_fixture_run_text(&f, two_prompts);
    double first_ms = 6 + 1 + 5 * 0.128 + 6, second_ms = first_ms + 7 + 1 + 11 * 0.128 + 6.5;
    expect_times(&f, 0, first_ms, second_ms);
    expect_ms(f.records[1].scheduled_ns, first_ms, "schedule", 1);
    expect_times(&f, 1, second_ms, second_ms);

    f.config.pools[0].max_num_batched_tokens = 650;
    cr_expect_eq(dyno_fixture_try(&f, dyno_fixture_text(&f, two_prompts)), ST_INPUT);
    cr_expect_neq(strstr(f.diag.text, "dead end: request 1 (700 tokens"), NULL, "%s", f.diag.text);
    dyno_fixture_release(&f);
}

/* Four blocks, two each. At 257 tokens the older request takes the newer one's tail block; its
 * prompt block stays and is hit when it comes back. Only the prompt is charged, generated tokens
 * are computed again for nothing. */
Test(dynosim_small, the_newest_is_preempted_and_comes_back)
{
    struct dyno_fixture f;
    small_init(&f, true);
    dyno_fixture_agg(&f, 1);
    f.config.pools[0].kv_blocks = 4;
    const char *lines =
        "{\"timestamp\": 0, \"input_length\": 200, \"output_length\": 100, \"hash_ids\": [1]}\n"
        "{\"timestamp\": 0, \"input_length\": 200, \"output_length\": 100, \"hash_ids\": [2]}\n";
    dyno_fixture_run_text(&f, lines);
    expect_times(&f, 0, 9, 9 + 99 * 5);
    expect_times(&f, 1, 9, 504 + 0.72 + 43 * 5);
    cr_expect_eq(f.records[1].n_preemptions, 1);
    cr_expect_eq(f.records[1].cached_tok, 128);
    cr_expect_eq(f.result->pools[0].n_preemptions, 1);
    cr_expect_eq(f.result->pools[0].peak_kv_utilization, 1);

    f.config.semantics.free_recompute = false;
    dyno_fixture_run_text(&f, lines);
    expect_times(&f, 1, 9, 504 + 1.29 + 43 * 5);

    f.config.semantics.free_recompute = true;
    f.config.pools[0].victim = DYNOSIM_FIFO;
    dyno_fixture_run_text(&f, lines);
    cr_expect_eq(f.records[0].n_preemptions, 1);
    cr_expect_eq(f.records[1].n_preemptions, 0);
    dyno_fixture_release(&f);
}

Test(dynosim_small, a_request_that_outgrows_its_worker_ends_the_run)
{
    struct dyno_fixture f;
    small_init(&f, true);
    dyno_fixture_agg(&f, 1);
    f.config.pools[0].kv_blocks = 2;
    const char *line =
        "{\"timestamp\": 0, \"input_length\": 200, \"output_length\": 58, \"hash_ids\": [1]}\n";
    cr_expect_eq(dyno_fixture_try(&f, dyno_fixture_text(&f, line)), ST_INPUT);
    cr_expect_neq(strstr(f.diag.text, "dead end: request 0 (257 tokens"), NULL, "%s", f.diag.text);
    dyno_fixture_release(&f);
}

Test(dynosim_small, a_prompt_beyond_the_pool_is_rejected_at_the_head)
{
    struct dyno_fixture f;
    small_init(&f, true);
    dyno_fixture_agg(&f, 1);
    f.config.pools[0].kv_blocks = 4;
    dyno_fixture_run_text(
        &f,
        "{\"timestamp\": 0, \"input_length\": 513, \"output_length\": 1, \"hash_ids\": [1, 2]}\n"
        "{\"timestamp\": 0, \"input_length\": 512, \"output_length\": 1, \"hash_ids\": [3]}\n");
    cr_expect_eq(f.records[0].outcome, OUTCOME_REJECTED);
    expect_times(&f, 1, 10.12, 10.12);
    f.config.pools[0].max_model_len = 512;
    dyno_fixture_run_text(
        &f,
        "{\"timestamp\": 0, \"input_length\": 512, \"output_length\": 1, \"hash_ids\": [3]}\n"
        "{\"timestamp\": 0, \"input_length\": 500, \"output_length\": 100, \"hash_ids\": [3]}\n");
    cr_expect_eq(f.records[0].outcome, OUTCOME_REJECTED);
    cr_expect_eq(f.records[1].n_output_tok, 12);
    dyno_fixture_release(&f);
}

/* It leaves with its prompt, and neither its length nor its blocks count in the decode step. */
Test(dynosim_small, an_output_of_no_tokens)
{
    struct dyno_fixture f;
    small_init(&f, false);
    dyno_fixture_agg(&f, 1);
    dyno_fixture_run_text(
        &f, "{\"timestamp\": 0, \"input_length\": 256, \"output_length\": 0, \"hash_ids\": [1]}\n"
            "{\"timestamp\": 0, \"input_length\": 128, \"output_length\": 1, \"hash_ids\": [2]}\n");
    double step_ms = 3.84 + 1 + 0.128 + 1.28;
    expect_times(&f, 1, step_ms, step_ms);
    cr_expect_eq(f.records[0].outcome, OUTCOME_COMPLETED);
    cr_expect_eq(f.records[0].first_token_ns, -1);
    expect_ms(f.records[0].end_ns, step_ms, "end", 0);
    dyno_fixture_release(&f);
}

/* Five blocks of 100 lie in the first 512 tokens; the sixth holds tokens of two ids. */
Test(dynosim_small, blocks_that_do_not_divide_the_traces)
{
    struct dyno_fixture f;
    small_init(&f, true);
    dyno_fixture_agg(&f, 1);
    f.config.pools[0].block_size_tok = 100;
    dyno_fixture_run_text(
        &f,
        "{\"timestamp\": 0, \"input_length\": 1024, \"output_length\": 1, \"hash_ids\": [1, 2]}\n"
        "{\"timestamp\": 100, \"input_length\": 1024, \"output_length\": 1, \"hash_ids\": [1, 3]}\n"
        "{\"timestamp\": 200, \"input_length\": 1000, \"output_length\": 1, \"hash_ids\": [1, 2]}\n"
        "{\"timestamp\": 300, \"input_length\": 1536, \"output_length\": 1, \"hash_ids\": [1, "
        "2]}\n");
    cr_expect_eq(f.records[1].cached_tok, 500);
    cr_expect_eq(f.records[2].cached_tok, 900);
    /* Cut to the capacity of its two ids. */
    cr_expect_eq(f.records[3].isl_tok, 1024);
    cr_expect_eq(f.records[3].cached_tok, 1000);
    dyno_fixture_release(&f);
}

Test(dynosim_small, caching_off_shares_nothing)
{
    struct dyno_fixture f;
    small_init(&f, true);
    dyno_fixture_agg(&f, 1);
    f.config.pools[0].prefix_caching = false;
    dyno_fixture_run_text(
        &f,
        "{\"timestamp\": 0, \"input_length\": 1024, \"output_length\": 1, \"hash_ids\": [1, 2]}\n"
        "{\"timestamp\": 100, \"input_length\": 1024, \"output_length\": 1, \"hash_ids\": [1, "
        "2]}\n");
    cr_expect_eq(f.records[1].cached_tok, 0);
    expect_times(&f, 1, 115.24, 115.24);
    dyno_fixture_release(&f);
}

/* ---- hand-off ---- */

static const char one_request[] =
    "{\"timestamp\": 0, \"input_length\": 300, \"output_length\": 3, \"hash_ids\": [1]}\n";

Test(dynosim_small, handing_over_takes_no_time_unless_both_figures_are_set)
{
    struct dyno_fixture f;
    small_init(&f, false);
    dyno_fixture_disagg(&f, 1, 1);
    dyno_fixture_run_text(&f, one_request);
    expect_times(&f, 0, 3 + 4.384, 3 + 4.384 + 4.394 + 4.404);
    cr_expect_eq(f.records[0].prefill_worker, 0);
    expect_ms(f.records[0].prefill_done_ns, 3, "prompt", 0);

    f.config.kv_bytes_per_token = 1000;
    dyno_fixture_run_text(&f, one_request);
    expect_times(&f, 0, 3 + 4.384, 3 + 4.384 + 4.394 + 4.404);

    f.config.kv_bandwidth_bytes_per_s = 1e8;
    dyno_fixture_run_text(&f, one_request);
    expect_ms(f.records[0].first_token_ns, 3 + 3 + 4.384, "first token", 0);

    f.config.transfer = DYNOSIM_DESTINATION_MISSING;
    dyno_fixture_run_text(&f, one_request);
    expect_ms(f.records[0].first_token_ns, 3 + 3.84 + 4.384, "first token", 0);

    f.config.kv_bandwidth_bytes_per_s = 0;
    f.config.semantics.free_transfer = false;
    f.config.fallback_kv_bytes_per_token = 1000;
    f.config.fallback_kv_bandwidth_bytes_per_s = 1e8;
    dyno_fixture_run_text(&f, one_request);
    expect_ms(f.records[0].first_token_ns, 3 + 3.84 + 4.384, "first token", 0);
    dyno_fixture_release(&f);
}

/* The second prompt keeps the prefill worker busy from 3 to 7 ms, and with it the first request,
 * which has nine tokens to go. The second is done with that pass; the first goes on in passes of no
 * length, and its hand-off comes after the decode worker has started. */
Test(dynosim_small, a_prefill_worker_makes_the_whole_output)
{
    struct dyno_fixture f;
    small_init(&f, false);
    dyno_fixture_disagg(&f, 1, 1);
    const char *lines =
        "{\"timestamp\": 0, \"input_length\": 300, \"output_length\": 10, \"hash_ids\": [1]}\n"
        "{\"timestamp\": 1, \"input_length\": 400, \"output_length\": 1, \"hash_ids\": [2]}\n";
    dyno_fixture_run_text(&f, lines);
    expect_ms(f.records[1].first_token_ns, 7 + 5.512, "first token", 1);
    expect_ms(f.records[0].first_token_ns, 7 + 5.512 + 4.384, "first token", 0);

    f.config.semantics.prefill_full_output = false;
    dyno_fixture_run_text(&f, lines);
    expect_ms(f.records[0].first_token_ns, 3 + 4.384, "first token", 0);
    dyno_fixture_release(&f);
}

/* Room for one prompt on the decode worker: the second waits there, its KV on the prefill worker,
 * which has no room for the third meanwhile. */
Test(dynosim_small, a_full_decode_worker_pushes_back)
{
    struct dyno_fixture f;
    small_init(&f, true);
    dyno_fixture_disagg(&f, 1, 1);
    f.config.semantics.prefill_full_output = false;
    f.config.pools[0].kv_blocks = 2;
    f.config.pools[1].kv_blocks = 2;
    dyno_fixture_run_text(
        &f, "{\"timestamp\": 0, \"input_length\": 200, \"output_length\": 4, \"hash_ids\": [1]}\n"
            "{\"timestamp\": 0, \"input_length\": 200, \"output_length\": 4, \"hash_ids\": [2]}\n"
            "{\"timestamp\": 0, \"input_length\": 200, \"output_length\": 4, \"hash_ids\": [3]}\n");
    expect_times(&f, 0, 2 + 5, 2 + 20);
    expect_ms(f.records[1].scheduled_ns, 2, "schedule", 1);
    expect_times(&f, 1, 22 + 5, 22 + 20);
    expect_ms(f.records[2].scheduled_ns, 22, "schedule", 2);
    expect_times(&f, 2, 42 + 5, 42 + 20);

    f.config.pools[1].kv_blocks = 1;
    dyno_fixture_run_text(&f, one_request);
    cr_expect_eq(f.records[0].outcome, OUTCOME_REJECTED);
    f.config.pools[0].kv_blocks = 3;
    cr_expect_eq(dyno_fixture_try(&f, dyno_fixture_text(&f, one_request)), ST_INPUT);
    cr_expect_str_eq(f.diag.text,
                     "request 0 has 3 KV blocks of prompt, but a decode worker holds only 1");
    dyno_fixture_release(&f);
}

/* With a delay, one try per end of a pass and one per activation. All prompts are done at 6 ms, so
 * the first reservation is granted on arrival, as are the others while nothing runs. */
Test(dynosim_small, links_that_are_shared_send_one_after_the_other)
{
    struct dyno_fixture f;
    small_init(&f, true);
    dyno_fixture_disagg(&f, 1, 1);
    f.config.kv_bytes_per_token = 1000;
    f.config.kv_bandwidth_bytes_per_s = 1e8;
    const char *lines =
        "{\"timestamp\": 0, \"input_length\": 300, \"output_length\": 1, \"hash_ids\": [1]}\n"
        "{\"timestamp\": 0, \"input_length\": 300, \"output_length\": 1, \"hash_ids\": [2]}\n";
    dyno_fixture_run_text(&f, lines);
    expect_times(&f, 0, 6 + 3 + 5, 14);
    expect_times(&f, 1, 6 + 3 + 5, 14);
    f.config.semantics.uncontended_links = false;
    dyno_fixture_run_text(&f, lines);
    expect_times(&f, 0, 14, 14);
    expect_times(&f, 1, 6 + 6 + 2 + 5, 19);
    dyno_fixture_release(&f);
}

/* ---- where the time went ---- */

struct part_ms {
    enum request_part part;
    double ms;
};

static void expect_parts(const struct dyno_fixture *f, size_t i, const struct part_ms *expected,
                         size_t n)
{
    struct request_parts rest = f->parts[i];
    for (size_t k = 0; k < n; k++) {
        expect_ms(rest.e2e_ns[expected[k].part], expected[k].ms,
                  request_part_name(expected[k].part), i);
        rest.e2e_ns[expected[k].part] = 0;
    }
    for (int k = 0; k < N_REQUEST_PARTS; k++)
        cr_expect_eq(rest.e2e_ns[k], 0, "request %zu: %s", i,
                     request_part_name((enum request_part)k));
}
#define EXPECT_PARTS(f, i, ...)                                                                    \
    expect_parts(f, i, (const struct part_ms[]){__VA_ARGS__},                                      \
                 sizeof((const struct part_ms[]){__VA_ARGS__}) / sizeof(struct part_ms))

/* One pass of 6 ms for both prompts; the second waits 3 ms for the link, and when its KV is there
 * at 12, for the pass from 9 to 14. */
Test(dynosim_small, parts_of_prompts_handed_over)
{
    struct dyno_fixture f;
    small_init(&f, true);
    dyno_fixture_disagg(&f, 1, 1);
    f.want_parts = true;
    f.config.kv_bytes_per_token = 1000;
    f.config.kv_bandwidth_bytes_per_s = 1e8;
    f.config.semantics.uncontended_links = false;
    dyno_fixture_run_text(
        &f, "{\"timestamp\": 0, \"input_length\": 300, \"output_length\": 1, \"hash_ids\": [1]}\n"
            "{\"timestamp\": 0, \"input_length\": 300, \"output_length\": 1, \"hash_ids\": [2]}\n");
    EXPECT_PARTS(&f, 0, {PART_PREFILL, 3}, {PART_PREFILL_SHARED, 3}, {PART_TRANSFER, 3},
                 {PART_DECODE, 5});
    EXPECT_PARTS(&f, 1, {PART_PREFILL, 3}, {PART_PREFILL_SHARED, 3}, {PART_LINK, 3},
                 {PART_TRANSFER, 3}, {PART_DECODE_ROOM, 2}, {PART_DECODE, 5});
    dyno_fixture_release(&f);
}

/* One at a time: 3 + 5 ms for a prompt and its first token, 5 for the next. Or both, and blocks for
 * one. */
Test(dynosim_small, parts_of_prompts_in_line)
{
    static const char lines[] =
        "{\"timestamp\": 0, \"input_length\": 300, \"output_length\": 2, \"hash_ids\": [1]}\n"
        "{\"timestamp\": 0, \"input_length\": 300, \"output_length\": 1, \"hash_ids\": [2]}\n";
    for (int no_room = 0; no_room < 2; no_room++) {
        struct dyno_fixture f;
        small_init(&f, true);
        dyno_fixture_agg(&f, 1);
        f.want_parts = true;
        f.config.pools[0].max_num_seqs = no_room ? 2 : 1;
        f.config.pools[0].kv_blocks = no_room ? 4 : 7000;
        dyno_fixture_run_text(&f, lines);
        EXPECT_PARTS(&f, 0, {PART_PREFILL, 8}, {PART_DECODE, 5});
        EXPECT_PARTS(&f, 1, {no_room ? PART_KV_ROOM : PART_BATCH_FULL, 13}, {PART_PREFILL, 8});
        dyno_fixture_release(&f);
    }
}

/* ---- routing ---- */

/* B = 128, prompts of 10 blocks. The twin of the same instant finds nothing resident: 20 + 10
 * blocks beside the first, 10 + 10 elsewhere. The third has hits on both and nothing is active: a
 * tie. The fourth comes while the third is active: its blocks count once there (10 - 10 + 10
 * against 10 - 10 + 10), and pending load decides. */
Test(dynosim_small, kv_router_costs)
{
    struct dyno_fixture f;
    small_init(&f, true);
    dyno_fixture_agg(&f, 2);
    f.config.pools[0].routing = DYNOSIM_KV_ROUTER;
    struct dynosim_follow_check check = {0};
    const uint32_t workers[] = {1, 0, 1, 0};
    f.config.follow = (struct dynosim_follow){.n = 4, .worker = workers, .check = &check};
    dyno_fixture_run_text(&f, "{\"timestamp\": 0, \"input_length\": 1280, \"output_length\": 2, "
                              "\"hash_ids\": [1, 2, 3]}\n"
                              "{\"timestamp\": 0, \"input_length\": 1280, \"output_length\": 2, "
                              "\"hash_ids\": [1, 2, 3]}\n"
                              "{\"timestamp\": 100, \"input_length\": 1280, \"output_length\": 40, "
                              "\"hash_ids\": [1, 2, 3]}\n"
                              "{\"timestamp\": 200, \"input_length\": 1280, \"output_length\": 2, "
                              "\"hash_ids\": [4, 5, 6]}\n");
    cr_expect_eq(check.n_choices, 4);
    cr_expect_eq(check.n_tied, 2);
    cr_expect_eq(check.n_not_lowest, 0);
    cr_expect_eq(f.records[2].cached_tok, 1152);

    const uint32_t wrong[] = {1, 1, 1, 1};
    check = (struct dynosim_follow_check){0};
    f.config.follow.worker = wrong;
    dyno_fixture_run_text(&f, "{\"timestamp\": 0, \"input_length\": 1280, \"output_length\": 2, "
                              "\"hash_ids\": [1, 2, 3]}\n"
                              "{\"timestamp\": 0, \"input_length\": 1280, \"output_length\": 2, "
                              "\"hash_ids\": [1, 2, 3]}\n");
    cr_expect_eq(check.n_not_lowest, 1);
    /* 20 pending and 10 active against 10 and 10. */
    cr_expect_eq(check.worst_excess, 10);

    const uint32_t nowhere[] = {7};
    f.config.follow.worker = nowhere;
    f.config.follow.n = 1;
    cr_expect_eq(dyno_fixture_try(&f, dyno_fixture_text(&f, one_request)), ST_INPUT);
    cr_expect_str_eq(f.diag.text,
                     "request 0 was placed on worker 7 of pool 'agg', which is not ready");
    dyno_fixture_release(&f);
}

Test(dynosim_small, temperature_spreads_choices)
{
    struct dyno_fixture f;
    small_init(&f, true);
    dyno_fixture_agg(&f, 2);
    f.config.pools[0].routing = DYNOSIM_KV_ROUTER;
    f.config.router.temperature = 1;
    char lines[4096] = "";
    size_t used = 0;
    for (int i = 0; i < 40; i++)
        used += (size_t)snprintf(
            lines + used, sizeof lines - used,
            "{\"timestamp\": %d, \"input_length\": 128, \"output_length\": 1, \"hash_ids\": [1]}\n",
            100 * i);
    int n[2] = {0};
    dyno_fixture_run_text(&f, lines);
    for (int i = 0; i < 40; i++)
        n[f.records[i].worker]++;
    /* Weights 1 and exp(-1) once one of them has the block. */
    cr_expect_gt(n[0], 4);
    cr_expect_gt(n[1], 4);
    f.config.router.temperature = 0;
    dyno_fixture_run_text(&f, lines);
    for (int i = 1; i < 40; i++)
        cr_expect_eq(f.records[i].worker, f.records[0].worker);
    dyno_fixture_release(&f);
}

/* ---- switches ---- */

Test(dynosim_small, switches_by_name)
{
    struct dynosim_semantics semantics = dynosim_reference;
    for (size_t i = 0; i < N_DYNOSIM_SEMANTICS; i++) {
        bool *on = dynosim_semantic_find(&semantics, dynosim_semantics[i].name);
        cr_assert_neq(on, NULL);
        cr_expect(*on);
        *on = false;
    }
    cr_expect_eq(semantics.mixed_sum || semantics.last_pass_gauges, false);
    cr_expect_eq(dynosim_semantic_find(&semantics, "nothing"), NULL);
}

/* The first pass: f(300) and, read by blocks, by tokens, or not at all, one decode step. */
Test(dynosim_small, switches_of_the_pass_time)
{
    struct dyno_fixture f;
    small_init(&f, false);
    dyno_fixture_agg(&f, 1);
    f.config.semantics.kv_load_by_blocks = false;
    dyno_fixture_run_text(&f, one_request);
    expect_ms(f.records[0].first_token_ns, 3 + 1 + 0.3 + 3, "first token", 0);
    f.config.semantics = dynosim_reference;
    f.config.semantics.first_token_pays_decode = false;
    dyno_fixture_run_text(&f, one_request);
    expect_ms(f.records[0].first_token_ns, 3, "first token", 0);
    f.config.semantics = dynosim_reference;
    f.config.semantics.mixed_sum = false;
    dyno_fixture_run_text(&f, one_request);
    expect_ms(f.records[0].first_token_ns, 3 + 4.384 - 4, "first token", 0);
    dyno_fixture_release(&f);
}

Test(dynosim_small, speed_divisors_and_arrivals)
{
    struct dyno_fixture f;
    small_init(&f, false);
    dyno_fixture_agg(&f, 1);
    f.config.pools[0].speedup = 2;
    f.config.pools[0].decode_speedup = 4;
    f.config.speedup = 10;
    f.config.arrival_round_ns = NS_PER_MS;
    dyno_fixture_run_text(
        &f,
        "{\"timestamp\": 0, \"input_length\": 300, \"output_length\": 1, \"hash_ids\": [1]}\n"
        "{\"timestamp\": 1000.5, \"input_length\": 300, \"output_length\": 1, \"hash_ids\": [2]}\n"
        "{\"timestamp\": 1001.5, \"input_length\": 300, \"output_length\": 1, \"hash_ids\": "
        "[3]}\n");
    expect_ms(f.records[0].first_token_ns, 1.5 + 0.548, "first token", 0);
    expect_ms(f.records[1].arrival_ns, 100, "arrival", 1);
    expect_ms(f.records[2].arrival_ns, 100.2, "arrival", 2);
    dyno_fixture_release(&f);
}

/* At 7.56 the first has one token out and needs a second block, but all four are taken or reserved:
 * it makes room by its own preemption, and that is no pass, so the third is granted only when the
 * second is activated at 11.4 (its own transfer then ends during a pass). All times are the
 * reference's. */
Test(dynosim_small, making_room_alone_is_no_pass)
{
    struct dyno_fixture f;
    small_init(&f, true);
    dyno_fixture_disagg(&f, 4, 1);
    f.config.pools[1].kv_blocks = 4;
    f.config.kv_bytes_per_token = 1000;
    f.config.kv_bandwidth_bytes_per_s = 1e8;
    dyno_fixture_run_text(
        &f, "{\"timestamp\": 0, \"input_length\": 128, \"output_length\": 3, \"hash_ids\": [1]}\n"
            "{\"timestamp\": 0, \"input_length\": 384, \"output_length\": 1, \"hash_ids\": [2]}\n"
            "{\"timestamp\": 4, \"input_length\": 128, \"output_length\": 2, \"hash_ids\": [3]}\n"
            "{\"timestamp\": 5, \"input_length\": 128, \"output_length\": 1, \"hash_ids\": [4]}\n");
    expect_times(&f, 0, 7.56, 26.4);
    expect_times(&f, 1, 16.4, 16.4);
    expect_times(&f, 2, 21.4, 31.4);
    expect_times(&f, 3, 31.4, 31.4);
    cr_expect_gt(f.result->pools[1].n_preemptions, 0);
    dyno_fixture_release(&f);
}

/* The last token of a prompt is computed again only where it is to make another. */
Test(dynosim_small, a_silent_request_hits_its_whole_prompt)
{
    struct dyno_fixture f;
    small_init(&f, true);
    dyno_fixture_agg(&f, 1);
    dyno_fixture_run_text(
        &f,
        "{\"timestamp\": 0, \"input_length\": 512, \"output_length\": 1, \"hash_ids\": [1]}\n"
        "{\"timestamp\": 100, \"input_length\": 512, \"output_length\": 1, \"hash_ids\": [1]}\n"
        "{\"timestamp\": 200, \"input_length\": 512, \"output_length\": 0, \"hash_ids\": [1]}\n");
    cr_expect_eq(f.records[1].cached_tok, 384);
    cr_expect_eq(f.records[2].cached_tok, 512);
    expect_ms(f.records[2].end_ns, 200, "end", 2);
    dyno_fixture_release(&f);
}

/* Both are computed in one pass; the second, which makes no token, is handed over first. */
Test(dynosim_small, silent_requests_leave_a_pass_first)
{
    struct dyno_fixture f;
    small_init(&f, true);
    dyno_fixture_disagg(&f, 1, 2);
    dyno_fixture_run_text(
        &f, "{\"timestamp\": 0, \"input_length\": 128, \"output_length\": 1, \"hash_ids\": [1]}\n"
            "{\"timestamp\": 0, \"input_length\": 128, \"output_length\": 0, \"hash_ids\": [2]}\n");
    cr_expect_eq(f.records[0].worker, 1);
    cr_expect_eq(f.records[1].worker, 0);
    dyno_fixture_release(&f);
}

/* All are handed over before the next arrives, but their KV stays until the slow transfers end, and
 * until then they count as requests of their prefill worker. */
Test(dynosim_small, a_prefill_worker_has_its_requests_until_their_KV_is_away)
{
    struct dyno_fixture f;
    char lines[2000];
    size_t n = 0;
    small_init(&f, true);
    dyno_fixture_disagg(&f, 2, 1);
    f.config.pools[0].routing = f.config.pools[1].routing = DYNOSIM_KV_ROUTER;
    f.config.router.request_weight = 10;
    f.config.kv_bytes_per_token = 1000;
    f.config.kv_bandwidth_bytes_per_s = 128e3;
    for (int i = 0; i < 16; i++)
        n += (size_t)snprintf(lines + n, sizeof lines - n,
                              "{\"timestamp\": %d, \"input_length\": 128, \"output_length\": 1, "
                              "\"hash_ids\": [%d]}\n",
                              i * 10, i);
    dyno_fixture_run_text(&f, lines);
    for (int i = 0; i < 16; i += 2)
        cr_expect_neq(f.records[i].prefill_worker, f.records[i + 1].prefill_worker, "%d", i);
    dyno_fixture_release(&f);
}

/* A prompt that can never start is rejected at the head, and counts as prompt tokens to come until
 * the pass that rejected it ends: all that arrive before go to the other worker. */
Test(dynosim_small, a_rejected_prompt_counts_until_its_pass_ends)
{
    struct dyno_fixture f;
    char lines[2000];
    size_t n = 0;
    small_init(&f, true);
    dyno_fixture_agg(&f, 2);
    f.config.pools[0].routing = DYNOSIM_KV_ROUTER;
    f.config.pools[0].kv_blocks = 20;
    for (int i = 0; i < 10; i++)
        n += (size_t)snprintf(lines + n, sizeof lines - n,
                              "{\"timestamp\": %d, \"input_length\": %d, \"output_length\": 1, "
                              "\"hash_ids\": []}\n",
                              i < 3 ? 0 : 1,
                              i < 2    ? 500
                              : i == 2 ? 2600
                                       : 100);
    dyno_fixture_run_text(&f, lines);
    cr_assert_eq(f.records[2].outcome, OUTCOME_REJECTED);
    expect_ms(f.records[2].end_ns, 10, "end", 2);
    for (int i = 3; i < 10; i++)
        cr_expect_neq(f.records[i].worker, f.records[2].worker, "%d", i);
    dyno_fixture_release(&f);
}
