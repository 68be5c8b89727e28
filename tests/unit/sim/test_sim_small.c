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

/* Two requests whose outputs do not fit together: the newer one is preempted, computed again and
 * finishes. */
Test(sim_small, the_newest_is_preempted_when_blocks_run_out_and_its_prompt_is_paid_again)
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

/* One worker of 2 GPUs from 0; a second asked for at 100 s is ready at 130 s; back to one at 200 s,
 * when the second has a request until 230 s. */
static void run_schedule(struct fixture *f, enum scale_down_mode mode, int64_t grace_ns, bool retry)
{
    fixture_init(f, false, 1);
    f->deployment.pools[0].gpus_per_worker = 2;
    f->deployment.pools[0].startup_phase_ns[0] = 30 * NS_PER_S;
    f->deployment.scale_down = mode;
    f->deployment.drain_grace_ns = grace_ns;
    f->deployment.retry_lost = retry;
    f->model = (struct linear_model){.base_ms = 1000};
    fixture_scale_at(f, 100, 2, 0);
    fixture_scale_at(f, 200, 1, 0);
    struct trace_text t = {0};
    trace_text_add(&t, 0, 10, 10);      /* worker 0, 0 to 10 s */
    trace_text_add(&t, 140e3, 10, 90);  /* turn 1 of 2: worker 1, 140 to 230 s */
    trace_text_add(&t, 160e3, 10, 100); /* worker 0, 160 to 260 s */
    fixture_run(f, t.text);
    free(t.text);
}

Test(sim_small, gpu_hours_follow_the_schedule_with_startup_and_drain)
{
    struct fixture f;
    run_schedule(&f, SCALE_DOWN_DRAIN, TIME_NEVER, false);
    const double *gpu_s = f.result->pools[0].gpu_s;
    cr_assert_eq(f.n_outcome[OUTCOME_COMPLETED], 3);
    cr_assert_float_eq(gpu_s[GPU_STARTING], 2 * 30, 1e-9);
    cr_assert_float_eq(gpu_s[GPU_BUSY], 2 * (10 + 60 + 100), 1e-9);
    cr_assert_float_eq(gpu_s[GPU_DRAINING], 2 * 30, 1e-9);
    cr_assert_float_eq(gpu_s[GPU_IDLE], 2 * (150 + 10), 1e-9);
    cr_assert_eq(f.result->end_ns, 260 * NS_PER_S);
    cr_assert_eq(f.result->peak_gpus, 4);
    cr_assert_eq(f.n_decisions, 2);
    cr_assert_eq(f.decisions[0].started[0], 1);
    cr_assert_eq(f.decisions[1].drained[0], 1);
    cr_assert_eq(f.result->n_scale_events, 2);
    fixture_release(&f);
}

Test(sim_small, a_drain_is_cut_by_its_grace_period)
{
    struct fixture f;
    run_schedule(&f, SCALE_DOWN_DRAIN, 10 * NS_PER_S, false);
    cr_assert_eq(f.n_outcome[OUTCOME_LOST], 1);
    cr_assert_eq(f.records[1].outcome, OUTCOME_LOST);
    cr_assert_eq(f.records[1].end_ns, 210 * NS_PER_S);
    cr_assert_eq(f.records[1].n_output_tok, 70);
    cr_assert_float_eq(f.result->pools[0].gpu_s[GPU_DRAINING], 2 * 10, 1e-9);
    cr_assert_float_eq(f.result->pools[0].wasted_gpu_s, 2 * 70, 1e-9);
    fixture_release(&f);
}

Test(sim_small, terminate_loses_what_is_in_flight)
{
    struct fixture f;
    run_schedule(&f, SCALE_DOWN_TERMINATE, TIME_NEVER, false);
    cr_assert_eq(f.n_outcome[OUTCOME_LOST], 1);
    cr_assert_eq(f.records[1].end_ns, 200 * NS_PER_S);
    cr_assert_eq(f.records[1].n_output_tok, 60);
    cr_assert_eq(f.decisions[1].terminated[0], 1);
    cr_assert_float_eq(f.result->pools[0].gpu_s[GPU_DRAINING], 0, 1e-9);
    cr_assert_float_eq(f.result->pools[0].wasted_gpu_s, 2 * 60, 1e-9); /* 140 to 200 s */
    fixture_release(&f);
}

Test(sim_small, a_lost_request_is_sent_again_when_the_client_retries)
{
    struct fixture f;
    run_schedule(&f, SCALE_DOWN_TERMINATE, TIME_NEVER, true);
    cr_assert_eq(f.n_outcome[OUTCOME_COMPLETED], 3);
    cr_assert_eq(f.records[1].n_attempts, 2);
    cr_assert_eq(f.result->n_retries, 1);
    /* Joins worker 0 with its next step, 200 to 201 s, and takes 90 steps of a second. */
    cr_assert_eq(f.records[1].first_token_ns, 201 * NS_PER_S);
    cr_assert_eq(f.records[1].last_token_ns, 290 * NS_PER_S);
    cr_assert_eq(f.records[1].arrival_ns, 140 * NS_PER_S);
    cr_assert_float_eq(f.result->pools[0].wasted_gpu_s, 2 * 60, 1e-9); /* the first attempt */
    fixture_release(&f);
}

/* The prefill worker goes while a prompt's KV is on its way: the request is lost with it. */
Test(sim_small, a_transfer_dies_with_its_source)
{
    struct fixture f;
    fixture_init(&f, true, 1);
    f.deployment.scale_down = SCALE_DOWN_TERMINATE;
    f.deployment.kv_latency_ns = 50 * NS_PER_MS;
    fixture_scale_at(&f, 0.030, 0, 1);
    struct trace_text t = {0};
    trace_text_add(&t, 0, 100, 3); /* prompt done at 20 ms, would arrive at 70 ms */
    fixture_run(&f, t.text);
    cr_assert_eq(f.records[0].outcome, OUTCOME_LOST);
    cr_assert_eq(f.records[0].end_ns, 30 * NS_PER_MS);
    cr_assert_eq(f.records[0].prefill_done_ns, 20 * NS_PER_MS);
    cr_assert_eq(f.records[0].n_output_tok, 0);
    /* The prompt's step was for nothing. */
    cr_assert_float_eq(f.result->pools[0].wasted_gpu_s + f.result->pools[1].wasted_gpu_s, 0.020,
                       1e-12);
    free(t.text);
    fixture_release(&f);
}

/* The same with a drain: the source stays until the KV has arrived, the request is served. */
Test(sim_small, a_draining_source_stays_until_its_transfer_is_over)
{
    struct fixture f;
    fixture_init(&f, true, 1);
    f.deployment.kv_latency_ns = 50 * NS_PER_MS;
    fixture_scale_at(&f, 0.030, 0, 1);
    struct trace_text t = {0};
    trace_text_add(&t, 0, 100,
                   3); /* prompt done at 20 ms, KV there at 70 ms, three steps of 11 ms */
    fixture_run(&f, t.text);
    cr_assert_eq(f.records[0].outcome, OUTCOME_COMPLETED);
    cr_assert_eq(f.records[0].last_token_ns, 103 * NS_PER_MS);
    cr_assert_float_eq(f.result->pools[0].gpu_s[GPU_DRAINING], 0.040, 1e-9); /* 30 to 70 ms */
    cr_assert_float_eq(f.result->pools[0].wasted_gpu_s + f.result->pools[1].wasted_gpu_s, 0, 1e-12);
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

Test(sim_small, prompts_wait_whole_without_chunking)
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

Test(sim_small, a_cold_engine_takes_longer_for_its_first_step)
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

/* Two requests, the second arriving in the middle of a step: with async scheduling it waits one
 * step more. */
Test(sim_small, async_scheduling_costs_an_arrival_one_step_and_hides_nothing_else)
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
Test(sim_small, a_queue_that_is_looked_at_now_and_then_keeps_prompts_waiting)
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
Test(sim_small, prompts_wait_for_others_to_fill_a_step)
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

Test(sim_small, a_step_with_prompts_takes_no_less_than_launching_it)
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

Test(sim_small, an_idle_engine_starts_at_once_with_async_scheduling_too)
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
Test(sim_small, data_parallel_ranks_step_together)
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
Test(sim_small, ranks_that_only_decode_make_no_events)
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
Test(sim_small, a_rank_that_decodes_waits_for_the_slower_one)
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
Test(sim_small, a_step_knows_the_tokens_of_all_ranks)
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

Test(sim_small, prefill_first_lets_the_sequences_wait_for_a_prompt)
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

Test(sim_small, the_more_urgent_request_goes_first)
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

Test(sim_small, drafts_that_are_always_accepted_come_with_their_step)
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

Test(sim_small, step_noise_keeps_the_mean_and_repeats_with_the_seed)
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
Test(sim_small, host_memory_gives_back_what_the_gpu_had_to_drop)
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

Test(sim_small, a_lost_request_comes_again_after_its_back_off_and_gives_up_at_last)
{
    struct fixture f;
    fixture_init(&f, false, 1);
    f.model = (struct linear_model){.base_ms = 1000};
    f.deployment.scale_down = SCALE_DOWN_TERMINATE;
    f.deployment.retry_lost = true;
    f.deployment.backoff_ns = 2 * NS_PER_S;
    f.deployment.max_attempts = 3;
    fixture_scale_at(&f, 1.5, 0, 0); /* lost at 1.5 s, again at 3.5 */
    fixture_scale_at(&f, 3, 1, 0);
    fixture_scale_at(&f, 4, 0, 0); /* lost at 4, again at 8 */
    fixture_scale_at(&f, 5, 1, 0);
    fixture_scale_at(&f, 9.5, 0, 0); /* lost for good */
    struct trace_text t = {0};
    trace_text_add(&t, 0, 10, 100);
    fixture_run(&f, t.text);
    cr_assert_eq(f.records[0].outcome, OUTCOME_LOST);
    cr_assert_eq(f.records[0].n_attempts, 3);
    cr_assert_eq(f.records[0].scheduled_ns, 8 * NS_PER_S);
    cr_assert_eq(f.records[0].end_ns, 9500 * NS_PER_MS);
    cr_assert_eq(f.result->n_retries, 2);
    free(t.text);
    fixture_release(&f);
}

/* Worker 0 has a long request, worker 1 nothing since 12 s, worker 2 nothing since 1 s. */
Test(sim_small, the_victim_is_chosen_as_asked)
{
    static const uint32_t want[] = {
        [VICTIM_NEWEST] = 2, [VICTIM_LEAST_LOADED] = 2, [VICTIM_MOST_IDLE] = 2};
    static const uint32_t want_swapped[] = {
        [VICTIM_NEWEST] = 2, [VICTIM_LEAST_LOADED] = 1, [VICTIM_MOST_IDLE] = 1};
    for (int swapped = 0; swapped < 2; swapped++) {
        for (int victim = 0; victim < 3; victim++) {
            struct fixture f;
            fixture_init(&f, false, 3);
            f.want_log = true;
            f.model = (struct linear_model){.base_ms = 1000};
            f.deployment.victim = (enum scale_down_victim)victim;
            fixture_scale_at(&f, 20, 2, 0);
            struct trace_text t = {0};
            trace_text_add(&t, 0, 10, 40);
            trace_text_add(&t, 0, 10, swapped ? 1 : 12);
            trace_text_add(&t, 0, 10, swapped ? 30 : 1);
            fixture_run(&f, t.text);
            char line[64];
            snprintf(line, sizeof line, "20000.000 worker_drain agg/%u\n",
                     swapped ? want_swapped[victim] : want[victim]);
            cr_assert(strstr(f.log, line) != NULL, "%s not in\n%s", line, f.log);
            free(t.text);
            fixture_release(&f);
        }
    }
}

Test(sim_small, a_draining_worker_is_called_back_before_a_new_one_starts)
{
    for (int call_back = 0; call_back < 2; call_back++) {
        struct fixture f;
        fixture_init(&f, false, 1);
        f.model = (struct linear_model){.base_ms = 1000};
        f.deployment.pools[0].startup_phase_ns[0] = 30 * NS_PER_S;
        f.deployment.drain_grace_ns = 15 * NS_PER_S;
        f.deployment.call_back = call_back;
        fixture_scale_at(&f, 5, 0, 0);
        fixture_scale_at(&f, 10, 1, 0);
        struct trace_text t = {0};
        trace_text_add(&t, 0, 10, 40);
        trace_text_add(&t, 12000, 10, 1);
        fixture_run(&f, t.text);
        /* Called back: the grace period no longer counts, and the second request joins at once. */
        cr_assert_eq(f.records[0].outcome, call_back ? OUTCOME_COMPLETED : OUTCOME_LOST);
        cr_assert_eq(f.records[1].scheduled_ns, (call_back ? 12 : 40) * NS_PER_S);
        cr_assert_eq(f.result->peak_workers, call_back ? 1 : 2);
        free(t.text);
        fixture_release(&f);
    }
}

Test(sim_small, workers_fail_at_their_rate_and_are_replaced)
{
    struct fixture f;
    fixture_init(&f, false, 10);
    f.model = (struct linear_model){.base_ms = 100};
    f.deployment.worker_mtbf_s = 100;
    f.deployment.pools[0].startup_phase_ns[0] = 2 * NS_PER_S;
    f.deployment.retry_lost = true;
    struct trace_text t = {0};
    for (int i = 0; i < 4000; i++)
        trace_text_add(&t, i * 500.0, 10, 2);
    fixture_run(&f, t.text);
    /* 10 workers over 2000 s at one failure per 100 s of worker time: 200, give or take. */
    cr_assert_geq(f.result->pools[0].n_failed, 160);
    cr_assert_leq(f.result->pools[0].n_failed, 240);
    cr_assert_eq(f.n_outcome[OUTCOME_COMPLETED], 4000);
    free(t.text);
    fixture_release(&f);
}

Test(sim_small, a_start_is_the_sum_of_its_phases_and_may_have_to_begin_again)
{
    struct fixture f;
    fixture_init(&f, false, 0);
    f.deployment.pools[0].startup_phase_ns[1] = 2 * NS_PER_S;
    f.deployment.pools[0].startup_phase_ns[3] = 5 * NS_PER_S;
    fixture_scale_at(&f, 1, 1, 0);
    struct trace_text t = {0};
    trace_text_add(&t, 0, 10, 1);
    fixture_run(&f, t.text);
    cr_assert_eq(f.records[0].scheduled_ns, 8 * NS_PER_S);
    fixture_release(&f);

    double sum_s = 0;
    uint64_t failed = 0;
    enum { N = 400 };
    for (int seed = 0; seed < N; seed++) {
        fixture_init(&f, false, 0);
        f.config.seed = (uint64_t)seed;
        f.deployment.pools[0].startup_phase_ns[0] = 10 * NS_PER_S;
        f.deployment.pools[0].startup_cv = 0.5;
        f.deployment.pools[0].startup_failure = 0.25;
        fixture_scale_at(&f, 1, 1, 0);
        fixture_run(&f, t.text);
        sum_s += s_from_ns(f.records[0].scheduled_ns) - 1;
        failed += f.result->pools[0].n_failed_starts;
        fixture_release(&f);
    }
    /* 1 / (1 - 0.25) tries of 10 s on average, a third of a failure each. */
    cr_assert_float_eq(sum_s / N, 10 / 0.75, 1.2);
    cr_assert_float_eq((double)failed / N, 1 / 3.0, 0.1);
    free(t.text);
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
