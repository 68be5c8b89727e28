/* Scenarios small enough to be computed by hand. */
#include "sim_fixture.h"

Test(sim_small, five_requests_give_the_hand_computed_event_log)
{
    struct fixture f;
    fixture_init(&f, false, 1);
    f.want_log = true;
    struct engine_config *engine = &f.deployment.pools[0].engine;
    engine->kv_blocks = 20;
    engine->max_num_seqs = 2;
    engine->max_num_batched_tokens = 100;
    struct trace_text t = {0};
    trace_text_add(&t, 0, 80, 3);
    trace_text_add(&t, 5, 150, 2);
    trace_text_add(&t, 6, 40, 1);
    trace_text_add(&t, 20, 400, 1); /* 25 blocks never fit 20 */
    trace_text_add(&t, 300, 10, 2);
    fixture_run(&f, t.text);
    cr_assert_str_eq(
        f.log,
        "0.000 worker_start agg/0\n"
        "0.000 worker_ready agg/0\n"
        "0.000 arrive r0\n"
        "0.000 route r0 agg/0\n"
        "0.000 admit r0 agg/0\n"
        "5.000 arrive r1\n"
        "5.000 route r1 agg/0\n"
        "6.000 arrive r2\n"
        "6.000 route r2 agg/0\n"
        "18.000 prefill_done r0 agg/0\n" /* 10 + 80 * 0.1 */
        "18.000 first_token r0 agg/0\n"
        "18.000 admit r1 agg/0\n" /* 99 of its 150 tokens; two sequences are the limit */
        "20.000 arrive r3\n"
        "20.000 reject r3\n"
        "55.000 finish r0 agg/0\n" /* 18 + (10 + 9.9 + 1) + (10 + 5.1 + 1) */
        "55.000 prefill_done r1 agg/0\n"
        "55.000 first_token r1 agg/0\n"
        "55.000 admit r2 agg/0\n"
        "70.000 finish r1 agg/0\n" /* 55 + 10 + 4 + 1 */
        "70.000 prefill_done r2 agg/0\n"
        "70.000 first_token r2 agg/0\n"
        "70.000 finish r2 agg/0\n"
        "300.000 arrive r4\n"
        "300.000 route r4 agg/0\n"
        "300.000 admit r4 agg/0\n"
        "311.000 prefill_done r4 agg/0\n"
        "311.000 first_token r4 agg/0\n"
        "322.000 finish r4 agg/0\n",
        "%s", f.log);
    cr_assert_eq(f.records[0].second_token_ns, 38900 * NS_PER_US);
    cr_assert_eq(f.records[0].last_token_ns, 55 * NS_PER_MS);
    cr_assert_eq(f.records[4].second_token_ns, 322 * NS_PER_MS);
    cr_assert_eq(f.n_outcome[OUTCOME_REJECTED], 1);
    cr_assert_eq(f.result->end_ns, 322 * NS_PER_MS);
    /* Gaps: r0 20.9 and 16.1, r1 15, r4 11. */
    cr_assert_eq(f.result->itl.n, 4);
    cr_assert_float_eq(f.result->itl.sum, (20.9 + 16.1 + 15 + 11) * 1e6, 1);
    /* Busy 0 to 70 and 300 to 322 ms. */
    cr_assert_float_eq(f.result->pools[0].gpu_s[GPU_BUSY], 0.092, 1e-12);
    cr_assert_float_eq(f.result->pools[0].gpu_s[GPU_IDLE], 0.230, 1e-12);
    free(t.text);
    fixture_release(&f);
}

Test(sim_small, a_prompt_crosses_from_prefill_to_decode_with_its_transfer_time)
{
    struct fixture f;
    fixture_init(&f, true, 1);
    f.want_log = true;
    f.deployment.kv_bytes_per_token = 1000;
    f.deployment.kv_bandwidth_bytes_per_s = 1e6; /* 1 ms per token */
    f.deployment.kv_latency_ns = 2 * NS_PER_MS;
    struct trace_text t = {0};
    trace_text_add(&t, 0, 100, 3);
    fixture_run(&f, t.text);
    cr_assert_str_eq(f.log,
                     "0.000 worker_start prefill/0\n"
                     "0.000 worker_ready prefill/0\n"
                     "0.000 worker_start decode/0\n"
                     "0.000 worker_ready decode/0\n"
                     "0.000 arrive r0\n"
                     "0.000 route r0 prefill/0\n"
                     "0.000 admit r0 prefill/0\n"
                     "20.000 prefill_done r0 prefill/0\n"
                     "20.000 route r0 decode/0\n"
                     "20.000 transfer_start r0 decode/0\n"
                     "122.000 transfer_done r0 decode/0\n"
                     "122.000 admit r0 decode/0\n"
                     "133.000 first_token r0 decode/0\n" /* 10 + 1 */
                     "155.000 finish r0 decode/0\n",
                     "%s", f.log);
    cr_assert_eq(f.records[0].second_token_ns, 144 * NS_PER_MS);
    cr_assert_eq(f.records[0].n_output_tok, 3);
    free(t.text);
    fixture_release(&f);
}

Test(sim_small, requests_wait_for_a_worker_and_are_unfinished_when_none_comes)
{
    struct fixture f;
    fixture_init(&f, false, 0);
    struct trace_text t = {0};
    trace_text_add(&t, 0, 10, 2);
    fixture_run(&f, t.text);
    cr_assert_eq(f.n_outcome[OUTCOME_UNFINISHED], 1);
    fixture_release(&f);

    fixture_init(&f, false, 0);
    f.deployment.pools[0].startup_phase_ns[0] = 5 * NS_PER_S;
    fixture_scale_at(&f, 1, 1, 0);
    fixture_run(&f, t.text);
    cr_assert_eq(f.n_outcome[OUTCOME_COMPLETED], 1);
    cr_assert_eq(f.records[0].scheduled_ns, 6 * NS_PER_S);
    free(t.text);
    fixture_release(&f);
}

Test(sim_small, the_run_stops_when_its_drain_time_is_over)
{
    struct fixture f;
    fixture_init(&f, false, 1);
    f.model = (struct linear_model){.base_ms = 1000};
    f.config.drain_ns = 5500 * NS_PER_MS;
    struct trace_text t = {0};
    trace_text_add(&t, 0, 10, 100);
    fixture_run(&f, t.text);
    cr_assert_eq(f.n_outcome[OUTCOME_UNFINISHED], 1);
    cr_assert_eq(f.records[0].n_output_tok, 5);
    cr_assert_eq(f.result->end_ns, 5500 * NS_PER_MS);
    free(t.text);
    fixture_release(&f);
}

Test(sim_small, warmup_is_simulated_but_not_measured)
{
    struct fixture f;
    fixture_init(&f, false, 1);
    f.config.warmup_ns = 10 * NS_PER_S;
    f.config.duration_ns = 10 * NS_PER_S;
    f.config.window_ns = 4 * NS_PER_S;
    struct trace_text t = {0};
    trace_text_add(&t, 0, 10, 2);
    trace_text_add(&t, 10e3, 10, 3);
    trace_text_add(&t, 20e3, 10, 2); /* after the span: not offered */
    fixture_run(&f, t.text);
    cr_assert_eq(f.n_records, 2);
    cr_assert_not(f.records[0].measured);
    cr_assert(f.records[1].measured);
    cr_assert_eq(f.result->itl.n, 2);
    cr_assert_eq(f.window_itl_n, 2);
    cr_assert_float_eq(f.result->pools[0].gpu_s[GPU_BUSY], 0.033, 1e-12);
    cr_assert_float_eq(f.result->pools[0].gpu_s[GPU_IDLE], 0, 1e-12);
    free(t.text);
    fixture_release(&f);
}

Test(sim_small, no_output_tokens_means_done_with_the_prompt)
{
    struct fixture f;
    fixture_init(&f, true, 1);
    struct trace_text t = {0};
    trace_text_add(&t, 0, 50, 0);
    fixture_run(&f, t.text);
    cr_assert_eq(f.n_outcome[OUTCOME_COMPLETED], 1);
    cr_assert_eq(f.records[0].first_token_ns, -1);
    cr_assert_eq(f.records[0].prefill_done_ns, 15 * NS_PER_MS);
    free(t.text);
    fixture_release(&f);
}

Test(sim_small, least_loaded_takes_the_emptier_worker)
{
    struct fixture f;
    fixture_init(&f, false, 2);
    f.deployment.pools[0].router = router_find("least_loaded");
    struct trace_text t = {0};
    trace_text_add(&t, 0, 10, 100);
    trace_text_add(&t, 1, 10, 2);
    trace_text_add(&t, 500, 10, 2);
    trace_text_add(&t, 501, 10, 2);
    fixture_run(&f, t.text);
    cr_assert_eq(f.records[0].worker, 0);
    cr_assert_eq(f.records[1].worker, 1);
    cr_assert_eq(f.records[2].worker, 1);
    cr_assert_eq(f.records[3].worker, 0); /* one each: the lower id */
    free(t.text);
    fixture_release(&f);
}

/* A policy that is called every 100 ms and asks for the traffic of the last second every tenth
 * time. */
struct window_policy {
    int n_calls;
    double n_arrived, n_completed, n_ttft, n_windows;
    double last_ttft_s[2];
};

static enum status window_tick(void *state, const struct policy_input *input,
                               struct policy_effects *effects, struct diag *d)
{
    struct window_policy *p = state;
    if (input->has_traffic) {
        cr_assert_float_eq(input->traffic.length_s, 1, 1e-12);
        p->n_arrived += input->traffic.n_arrived;
        p->n_completed += input->traffic.n_requests;
        p->n_ttft += input->traffic.n_ttft;
        p->n_windows++;
    }
    for (size_t i = 0; i < input->n_gauges; i++)
        if (input->gauges[i].last_ttft_s >= 0)
            p->last_ttft_s[input->gauges[i].role == POOL_DECODE] = input->gauges[i].last_ttft_s;
    p->n_calls++;
    effects->next_ns = input->now_ns + 100 * NS_PER_MS;
    effects->next_needs =
        (unsigned)NEED_GAUGES | (p->n_calls % 10 == 9 ? (unsigned)NEED_TRAFFIC : 0u);
    effects->window_ns = NS_PER_S;
    (void)d;
    return ST_OK;
}

Test(sim_small, windows_and_gauges_reach_the_policy)
{
    static const struct policy_ops ops = {.name = "windows", .tick = window_tick};
    struct fixture f;
    fixture_init(&f, true, 1);
    f.deployment.any_router_publishes = true;
    struct window_policy policy = {.last_ttft_s = {-1, -1}};
    struct trace_text t = {0};
    for (int i = 0; i < 50; i++)
        trace_text_add(&t, i * 100 + 1, 100, 3);
    trace_text_add(&t, 5500, 100, 3); /* lets the run go on to the sixth call for traffic */
    trace_text_add(&t, 7500, 100, 3);
    fixture_run_policy(&f, t.text, &ops, &policy, 100 * NS_PER_MS);
    cr_assert_eq(policy.n_arrived, 51);
    cr_assert_eq(policy.n_completed, 51);
    cr_assert_eq(policy.n_ttft, 51);
    cr_assert_geq(policy.n_windows, 6);
    /* 20 ms of prefill, a first decode step of 11 ms: seen at the prefill worker. */
    cr_assert_float_eq(policy.last_ttft_s[0], 0.031, 1e-6);
    cr_assert_eq(policy.last_ttft_s[1], -1);
    free(t.text);
    fixture_release(&f);
}

Test(sim_small, clients_that_give_up_leave_at_once_and_count_as_timed_out)
{
    struct fixture f;
    fixture_init(&f, false, 1);
    f.deployment.pools[0].engine.max_num_seqs = 1;
    f.deployment.timeout_ns = 50 * NS_PER_MS;
    f.deployment.first_token_timeout_ns = 30 * NS_PER_MS;
    struct trace_text t = {0};
    trace_text_add(&t, 0, 100, 100); /* first token at 20 ms, given up at 50 */
    trace_text_add(&t, 5, 100, 1);   /* no token by 35 */
    trace_text_add(&t, 40, 100, 1);  /* starts with the step after the one at 50: 53 to 73 */
    trace_text_add(&t, 60, 100, 2);
    fixture_run(&f, t.text);
    cr_assert_eq(f.records[0].outcome, OUTCOME_TIMED_OUT);
    cr_assert_eq(f.records[0].end_ns, 50 * NS_PER_MS);
    cr_assert_eq(f.records[0].n_output_tok, 3);
    cr_assert_eq(f.records[1].outcome, OUTCOME_TIMED_OUT);
    cr_assert_eq(f.records[1].end_ns, 35 * NS_PER_MS);
    cr_assert_eq(f.records[2].outcome,
                 OUTCOME_TIMED_OUT); /* its token would come at 73, its client waits to 70 */
    cr_assert_eq(f.records[3].outcome, OUTCOME_TIMED_OUT);
    free(t.text);
    fixture_release(&f);
}

/* Two prompts done at 20 ms on two workers, 100 ms each to send: over links of their own, or one
 * after the other. */
Test(sim_small, transfers_over_the_links_of_a_node_go_one_after_another)
{
    /* Two workers on a node with no limit, one link or two; or each on a node of its own. */
    static const struct {
        uint32_t gpus_per_node, links_per_node;
        bool wait;
    } cases[] = {{2, 0, false}, {2, 1, true}, {2, 2, false}, {1, 1, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fixture f;
        fixture_init(&f, true, 2);
        f.config.cluster.gpus_per_node = cases[i].gpus_per_node;
        f.config.cluster.links_per_node = cases[i].links_per_node;
        f.deployment.kv_bytes_per_token = 1000;
        f.deployment.kv_bandwidth_bytes_per_s = 1e6; /* 1 ms per token */
        f.deployment.kv_latency_ns = 3 * NS_PER_MS;
        struct trace_text t = {0};
        trace_text_add(&t, 0, 100, 1);
        trace_text_add(&t, 0, 100, 1);
        fixture_run(&f, t.text);
        cr_assert_eq(f.records[0].first_token_ns, (20 + 100 + 3 + 11) * NS_PER_MS);
        cr_assert_eq(f.records[1].first_token_ns,
                     (20 + (cases[i].wait ? 200 : 100) + 3 + 11) * NS_PER_MS, "case %zu", i);
        free(t.text);
        fixture_release(&f);
    }
}

/* Prefill 10 + 0.1 a token, decode 10 + 1. */
Test(sim_small, the_front_end_is_before_the_worker_and_in_the_latencies)
{
    struct fixture f;
    fixture_init(&f, false, 1);
    f.want_log = true;
    f.deployment.frontend_ns = 4 * NS_PER_MS;
    f.deployment.frontend_ns_per_tok = 50e3;
    struct trace_text t = {0};
    trace_text_add(&t, 0, 80, 2);
    fixture_run(&f, t.text);
    cr_assert_str_eq(f.log,
                     "0.000 worker_start agg/0\n"
                     "0.000 worker_ready agg/0\n"
                     "0.000 arrive r0\n"
                     "8.000 route r0 agg/0\n" /* 4 + 80 * 0.05 */
                     "8.000 admit r0 agg/0\n"
                     "26.000 prefill_done r0 agg/0\n"
                     "26.000 first_token r0 agg/0\n"
                     "37.000 finish r0 agg/0\n",
                     "%s", f.log);
    cr_assert_eq(f.records[0].arrival_ns, 0);
    cr_assert_eq(f.records[0].first_token_ns, 26 * NS_PER_MS);
    fixture_release(&f);
}

Test(sim_small, who_gives_up_in_the_front_end_never_reaches_a_worker)
{
    struct fixture f;
    fixture_init(&f, false, 1);
    f.deployment.frontend_ns = 4 * NS_PER_MS;
    f.deployment.timeout_ns = 3 * NS_PER_MS;
    struct trace_text t = {0};
    trace_text_add(&t, 0, 80, 2);
    fixture_run(&f, t.text);
    cr_assert_eq(f.n_outcome[OUTCOME_TIMED_OUT], 1);
    cr_assert_eq(f.records[0].end_ns, 3 * NS_PER_MS);
    cr_assert_float_eq(f.result->pools[0].gpu_s[GPU_BUSY], 0, 1e-12);
    fixture_release(&f);
}

Test(sim_small, tokens_reach_the_client_an_interval_at_a_time)
{
    static const struct {
        uint32_t interval_tok;
        int64_t first_ms, second_ms;
    } cases[] = {{1, 18, 29}, {3, 40, 40}, {5, 62, 62}, {9, 62, 62}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fixture f;
        fixture_init(&f, false, 1);
        f.deployment.stream_interval_tok = cases[i].interval_tok;
        struct trace_text t = {0};
        trace_text_add(&t, 0, 80, 5);
        fixture_run(&f, t.text);
        cr_expect_eq(f.records[0].first_token_ns, cases[i].first_ms * NS_PER_MS);
        cr_expect_eq(f.records[0].second_token_ns, cases[i].second_ms * NS_PER_MS);
        cr_expect_eq(f.records[0].last_token_ns, 62 * NS_PER_MS);
        fixture_release(&f);
    }
}
