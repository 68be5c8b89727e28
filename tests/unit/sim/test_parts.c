/* Where the time of requests went (record/parts.h), each part in a deployment small enough to be
 * computed by hand. Times are in ms. A step takes 10, 0.1 for each new token of its prompts, and 1
 * for each sequence that decodes: a prompt of 100 tokens alone takes 20, a decode step alone 11. */
#include <stdarg.h>

#include "sim_fixture.h"

struct arrival {
    double at_ms;
    unsigned isl_tok, osl_tok;
};

struct told {
    char text[2048];
    size_t used;
};

__attribute__((format(printf, 2, 3))) static void tell(struct told *t, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    int n = vsnprintf(t->text + t->used, sizeof t->text - t->used, format, values);
    va_end(values);
    cr_assert(n >= 0 && t->used + (size_t)n < sizeof t->text);
    t->used += (size_t)n;
}

/* Three decimals at most. */
static void tell_ms(struct told *t, int64_t ns)
{
    tell(t, " %.10g", round(ms_from_ns(ns) * 1000) / 1000);
}

static void tell_parts(struct told *t, const int64_t *ns)
{
    for (int i = 0; i < N_REQUEST_PARTS; i++)
        if (ns[i]) {
            tell(t, " %s", request_part_name((enum request_part)i));
            tell_ms(t, ns[i]);
        }
}

static void run(struct fixture *f, const struct arrival *arrivals, size_t n)
{
    struct trace_text t = {0};
    for (size_t i = 0; i < n; i++)
        trace_text_add(&t, arrivals[i].at_ms, arrivals[i].isl_tok, arrivals[i].osl_tok);
    f->want_parts = true;
    fixture_run(f, t.text);
    free(t.text);
}

static void check_parts(const struct fixture *f, const char *expected)
{
    struct told t = {.text = ""};
    for (size_t i = 0; i < f->n_records; i++) {
        tell(&t, "r%zu ttft:", i);
        tell_parts(&t, f->parts[i].ttft_ns);
        tell(&t, "; e2e:");
        tell_parts(&t, f->parts[i].e2e_ns);
        tell(&t, "\n");
    }
    cr_assert_str_eq(t.text, expected, "told:\n%sexpected:\n%s", t.text, expected);
}

/* Those that waited at all: from .. to, the backlog, what was ahead. */
static void check_waits(const struct fixture *f, const char *expected)
{
    struct told t = {.text = ""};
    for (size_t i = 0; i < f->n_records; i++)
        for (size_t p = 0; p < f->deployment.n_pools; p++) {
            const struct pool_wait *wait = &f->parts[i].waits[p];
            if (wait->from_ns < 0 || wait->to_ns == wait->from_ns)
                continue;
            tell(&t, "r%zu %s", i, f->deployment.pools[p].name);
            tell_ms(&t, wait->from_ns);
            tell(&t, " to");
            tell_ms(&t, wait->to_ns);
            if (wait->backlog_ns >= 0) {
                tell(&t, ", backlog since");
                tell_ms(&t, wait->backlog_ns);
            }
            if (wait->ahead_request != UINT64_MAX) {
                tell(&t, ", r%d of %u tokens ahead", (int)wait->ahead_request, wait->ahead_tok);
                tell_ms(&t, wait->ahead_ns);
            }
            tell(&t, "\n");
        }
    cr_assert_str_eq(t.text, expected, "told:\n%sexpected:\n%s", t.text, expected);
}

#define RUN(f, ...)                                                                                \
    run(&(f), (const struct arrival[]){__VA_ARGS__},                                               \
        sizeof((const struct arrival[]){__VA_ARGS__}) / sizeof(struct arrival))

/* ---- before a worker ---- */

Test(parts, frontend_comes_before_the_prompt)
{
    struct fixture f;
    fixture_init(&f, false, 1);
    f.deployment.frontend_ns = 5 * NS_PER_MS;
    RUN(f, {0, 100, 3});
    check_parts(&f, "r0 ttft: frontend 5 prefill 20; e2e: frontend 5 prefill 20 decode 22\n");
    fixture_release(&f);
}

/* 51 tokens pending are too many: r1 is held until r0's prompt is done. */
Test(parts, router_holds_back_what_the_workers_have_too_much_of)
{
    struct fixture f;
    fixture_init(&f, false, 1);
    f.deployment.holds_requests = true;
    f.deployment.hold_threshold = 0.1;
    RUN(f, {0, 100, 1}, {5, 100, 1});
    check_parts(&f, "r0 ttft: prefill 20; e2e: prefill 20\n"
                    "r1 ttft: router 15 prefill 20; e2e: router 15 prefill 20\n");
    fixture_release(&f);
}

/* None from 100 on; one is asked for at 500 and ready at 800. */
Test(parts, no_worker_until_one_is_asked_for_then_startup_until_it_is_ready)
{
    struct fixture f;
    fixture_init(&f, false, 1);
    f.deployment.pools[0].startup_phase_ns[0] = 300 * NS_PER_MS;
    fixture_scale_at(&f, 0.1, 0, 0);
    fixture_scale_at(&f, 0.5, 1, 0);
    RUN(f, {0, 100, 1}, {200, 100, 1});
    check_parts(&f, "r0 ttft: prefill 20; e2e: prefill 20\n"
                    "r1 ttft: no_worker 300 startup 300 prefill 20; "
                    "e2e: no_worker 300 startup 300 prefill 20\n");
    check_waits(&f, "r1 agg 200 to 800, backlog since 200\n");
    fixture_release(&f);
}

/* There never was one. */
Test(parts, no_worker_from_the_beginning)
{
    struct fixture f;
    fixture_init(&f, false, 1);
    f.deployment.pools[0].replicas = 0;
    f.deployment.pools[0].startup_phase_ns[0] = 100 * NS_PER_MS;
    fixture_scale_at(&f, 0.3, 1, 0);
    RUN(f, {0, 100, 1});
    check_parts(&f, "r0 ttft: no_worker 300 startup 100 prefill 20; "
                    "e2e: no_worker 300 startup 100 prefill 20\n");
    fixture_release(&f);
}

/* ---- in line on a worker ---- */

/* r0's step is from 0 to 50. r1 is in line from 5 on; a second worker starts from 10 to 30. */
Test(parts, startup_is_what_a_request_in_line_waits_for_too)
{
    struct fixture f;
    fixture_init(&f, false, 1);
    f.deployment.pools[0].startup_phase_ns[0] = 20 * NS_PER_MS;
    fixture_scale_at(&f, 0.01, 2, 0);
    RUN(f, {0, 400, 1}, {5, 100, 1});
    check_parts(&f,
                "r0 ttft: prefill 50; e2e: prefill 50\n"
                "r1 ttft: startup 20 queue 25 prefill 20; e2e: startup 20 queue 25 prefill 20\n");
    fixture_release(&f);
}

/* r0's prompt is done at 20, and no decode worker is there before 30: the backlog began at 20. */
Test(parts, the_first_in_a_pool_without_workers_is_its_backlog)
{
    struct fixture f;
    fixture_init(&f, true, 1);
    f.deployment.pools[1].replicas = 0;
    f.deployment.pools[1].startup_phase_ns[0] = 20 * NS_PER_MS;
    fixture_scale_at(&f, 0.01, 1, 1);
    RUN(f, {0, 100, 2});
    check_waits(&f, "r0 decode 20 to 30, backlog since 20\n");
    fixture_release(&f);
}

/* The same with one node of one GPU, which is taken: wanted from 10 to 30, it never starts. */
Test(parts, gpus_are_what_it_waits_for_when_the_node_is_full)
{
    struct fixture f;
    fixture_init(&f, false, 1);
    f.config.cluster.n_nodes = 1;
    fixture_scale_at(&f, 0.01, 2, 0);
    fixture_scale_at(&f, 0.03, 1, 0);
    RUN(f, {0, 400, 1}, {5, 100, 1});
    check_parts(&f, "r0 ttft: prefill 50; e2e: prefill 50\n"
                    "r1 ttft: gpus 20 queue 25 prefill 20; e2e: gpus 20 queue 25 prefill 20\n");
    fixture_release(&f);
}

/* r0 from 0 to 50; then r1 and r2 in one step of 10 + 10 + 5, by their tokens 2 to 1. */
Test(parts, queue_behind_a_prompt_then_prefill_shared_by_two)
{
    struct fixture f;
    fixture_init(&f, false, 1);
    RUN(f, {0, 400, 1}, {5, 100, 1}, {10, 50, 1});
    check_parts(&f, "r0 ttft: prefill 50; e2e: prefill 50\n"
                    "r1 ttft: queue 45 prefill 16.667 prefill_shared 8.333; "
                    "e2e: queue 45 prefill 16.667 prefill_shared 8.333\n"
                    "r2 ttft: queue 40 prefill 8.333 prefill_shared 16.667; "
                    "e2e: queue 40 prefill 8.333 prefill_shared 16.667\n");
    /* With r2 more wait than there are workers; when r1 has gone they are no more. */
    check_waits(&f, "r1 agg 5 to 50, backlog since 10, r0 of 400 tokens ahead 45\n"
                    "r2 agg 10 to 50, r0 of 400 tokens ahead 40\n");
    fixture_release(&f);
}

/* One at a time: r0 from 0 to 20, r1 to 70, r2 to 100. Ahead of r3, which comes at 15, r1 took
 * most: 50 of the 85. */
Test(parts, the_longest_prompt_ahead_is_told)
{
    struct fixture f;
    fixture_init(&f, false, 1);
    f.deployment.pools[0].engine.max_num_batched_tokens = 400;
    RUN(f, {0, 100, 1}, {5, 400, 1}, {6, 200, 1}, {15, 300, 1});
    check_waits(&f, "r1 agg 5 to 20, backlog since 6, r0 of 100 tokens ahead 15\n"
                    "r2 agg 6 to 70, backlog since 6, r1 of 400 tokens ahead 50\n"
                    "r3 agg 15 to 70, r1 of 400 tokens ahead 50\n");
    fixture_release(&f);
}

/* r0 in chunks, from 0 to 50, to 100, and the rest in one step with r1, to 140. */
Test(parts, the_prompt_whose_last_chunk_it_shares_was_ahead)
{
    struct fixture f;
    fixture_init(&f, false, 1);
    f.deployment.pools[0].engine.max_num_batched_tokens = 400;
    RUN(f, {0, 1000, 1}, {5, 100, 1});
    check_waits(&f, "r1 agg 5 to 100, r0 of 1000 tokens ahead 95\n");
    fixture_release(&f);
}

/* 20 blocks of 16. r0 (10 blocks, 11 in the end) from 0 to 26 and then four steps of 11, to 70. r1
 * needs 13: the worker sees at 26 that they are not there. */
Test(parts, kv_room_once_the_next_prompt_does_not_fit)
{
    struct fixture f;
    fixture_init(&f, false, 1);
    f.deployment.pools[0].engine.kv_blocks = 20;
    RUN(f, {0, 160, 5}, {5, 200, 1});
    check_parts(&f,
                "r0 ttft: prefill 26; e2e: prefill 26 decode 44\n"
                "r1 ttft: queue 21 kv_room 44 prefill 30; e2e: queue 21 kv_room 44 prefill 30\n");
    fixture_release(&f);
}

/* One place, taken until 70. */
Test(parts, batch_full_while_there_is_no_place_in_it)
{
    struct fixture f;
    fixture_init(&f, false, 1);
    f.deployment.pools[0].engine.max_num_seqs = 1;
    RUN(f, {0, 160, 5}, {5, 200, 1});
    check_parts(&f, "r0 ttft: prefill 26; e2e: prefill 26 decode 44\n"
                    "r1 ttft: batch_full 65 prefill 30; e2e: batch_full 65 prefill 30\n");
    fixture_release(&f);
}

/* ---- from prefill to decode ---- */

/* r0 prefill 0 to 20, decode 20 to 53; r1 20 to 40, and then no place beside r0 until 53. */
Test(parts, decode_room_until_the_decode_worker_has_a_place)
{
    struct fixture f;
    fixture_init(&f, true, 1);
    f.deployment.pools[1].engine.max_num_seqs = 1;
    RUN(f, {0, 100, 3}, {1, 100, 3});
    check_parts(&f, "r0 ttft: prefill 20 decode 11; e2e: prefill 20 decode 33\n"
                    "r1 ttft: queue 19 prefill 20 decode_room 13 decode 11; "
                    "e2e: queue 19 prefill 20 decode_room 13 decode 33\n");
    check_waits(&f, "r1 prefill 1 to 20, r0 of 100 tokens ahead 19\n"
                    "r1 decode 40 to 53\n");
    fixture_release(&f);
}

/* 1 ms a token, 2 ms of latency; two prefill workers, and one link into the node of the decode
 * worker: r0's KV is on it from 20 to 120, r1's from 120 to 220. The decode step of r0 from 122 to
 * 133 is over when r1 is there at 222. */
Test(parts, transfer_and_link_which_another_transfer_has)
{
    struct fixture f;
    fixture_init(&f, true, 1);
    f.deployment.pools[0].replicas = 2;
    f.config.cluster.links_per_node = 1;
    f.deployment.kv_bytes_per_token = 1000;
    f.deployment.kv_bandwidth_bytes_per_s = 1e6;
    f.deployment.kv_latency_ns = 2 * NS_PER_MS;
    RUN(f, {0, 100, 1}, {0, 100, 1});
    check_parts(&f, "r0 ttft: prefill 20 transfer 102 decode 11; "
                    "e2e: prefill 20 transfer 102 decode 11\n"
                    "r1 ttft: prefill 20 link 100 transfer 102 decode 11; "
                    "e2e: prefill 20 link 100 transfer 102 decode 11\n");
    fixture_release(&f);
}

/* ---- decoding ---- */

/* r0's prompt to 20, a step to 31; r1, there since 25, is in the step from 31 to 52, which without
 * its prompt takes 11. Of its 21, r1 has 100 tokens of 101. Then r0 alone to 63. */
Test(parts, decode_prompts_in_a_mixed_step)
{
    struct fixture f;
    fixture_init(&f, false, 1);
    RUN(f, {0, 100, 4}, {25, 100, 1});
    check_parts(&f, "r0 ttft: prefill 20; e2e: prefill 20 decode 33 decode_prompts 10\n"
                    "r1 ttft: queue 6 prefill 20.792 prefill_shared 0.208; "
                    "e2e: queue 6 prefill 20.792 prefill_shared 0.208\n");
    fixture_release(&f);
}

/* The same, but r1's prompt has the step from 31 to 51 for itself, and r0 waits for it. */
Test(parts, decode_prompts_that_go_first)
{
    struct fixture f;
    fixture_init(&f, false, 1);
    f.deployment.pools[0].engine.prefill_first = true;
    RUN(f, {0, 100, 4}, {25, 100, 1});
    check_parts(&f, "r0 ttft: prefill 20; e2e: prefill 20 decode 33 decode_prompts 20\n"
                    "r1 ttft: queue 6 prefill 20; e2e: queue 6 prefill 20\n");
    fixture_release(&f);
}

/* The same on two ranks: in the step from 31 on r0's rank takes 11 and r1's 20, which both wait
 * for. */
Test(parts, decode_ranks_waits_for_the_prompt_of_another_rank)
{
    struct fixture f;
    fixture_init(&f, false, 1);
    f.deployment.pools[0].engine.n_ranks = 2;
    RUN(f, {0, 100, 4}, {25, 100, 1});
    check_parts(&f, "r0 ttft: prefill 20; e2e: prefill 20 decode 33 decode_ranks 9\n"
                    "r1 ttft: queue 6 prefill 20; e2e: queue 6 prefill 20\n");
    fixture_release(&f);
}

/* 5 blocks of 16. Both prompts in one step to 16.3; one decode step of both to 28.3, where r1 has
 * to go. r0 alone for 16 steps to 204.3; then r1's 33 tokens again, in 13.3, and 15 steps alone. */
Test(parts, preempted_until_its_prompt_is_computed_again)
{
    struct fixture f;
    fixture_init(&f, false, 1);
    f.deployment.pools[0].engine.kv_blocks = 5;
    RUN(f, {0, 32, 18}, {0, 31, 18});
    check_parts(&f, "r0 ttft: prefill 8.279 prefill_shared 8.021; "
                    "e2e: prefill 8.279 prefill_shared 8.021 decode 188\n"
                    "r1 ttft: prefill 8.021 prefill_shared 8.279; "
                    "e2e: prefill 8.021 prefill_shared 8.279 decode 177 preempted 189.3\n");
    /* Two sequences for 12, then one. */
    cr_assert_float_eq(f.parts[0].decode_batch, (2 * 12 + 176) / 188.0, 1e-9);
    cr_assert_float_eq(f.parts[1].decode_batch, (2 * 12 + 165) / 177.0, 1e-9);
    fixture_release(&f);
}

Test(parts, decode_batch_of_one_alone_and_of_one_that_did_not_decode)
{
    struct fixture f;
    fixture_init(&f, false, 1);
    RUN(f, {0, 100, 4}, {100, 100, 1});
    cr_assert_eq(f.parts[0].decode_batch, 1);
    cr_assert_eq(f.parts[1].decode_batch, 0);
    fixture_release(&f);
}

/* ---- at the client ---- */

/* The first token, made at 20, is sent with the second at 31. */
Test(parts, stream_holds_the_first_token_back)
{
    struct fixture f;
    fixture_init(&f, false, 1);
    f.deployment.stream_interval_tok = 2;
    RUN(f, {0, 100, 4});
    check_parts(&f, "r0 ttft: prefill 20 stream 11; e2e: prefill 20 decode 33\n");
    fixture_release(&f);
}

/* r1's worker goes at 30 with all it had; its client sends it again at 80. */
Test(parts, lost_attempts_and_backoff_before_the_next)
{
    struct fixture f;
    fixture_init(&f, false, 2);
    f.deployment.scale_down = SCALE_DOWN_TERMINATE;
    f.deployment.retry_lost = true;
    f.deployment.backoff_ns = 50 * NS_PER_MS;
    fixture_scale_at(&f, 0.03, 1, 0);
    RUN(f, {0, 100, 1}, {0, 100, 10});
    check_parts(&f, "r0 ttft: prefill 20; e2e: prefill 20\n"
                    "r1 ttft: prefill 20 backoff 50 lost 30; "
                    "e2e: prefill 20 decode 99 backoff 50 lost 30\n");
    fixture_release(&f);
}
