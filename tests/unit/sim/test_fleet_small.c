/* Workers that start, go and fail, in runs small enough to be computed by hand. */
#include "sim_fixture.h"

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

Test(fleet_small, gpu_hours_follow_the_schedule_with_startup_and_drain)
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

Test(fleet_small, a_drain_is_cut_by_its_grace_period)
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

Test(fleet_small, terminate_loses_what_is_in_flight)
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

Test(fleet_small, a_lost_request_is_sent_again_when_the_client_retries)
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
Test(fleet_small, a_transfer_dies_with_its_source)
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
Test(fleet_small, a_draining_source_stays_until_its_transfer_is_over)
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

Test(fleet_small, a_lost_request_comes_again_after_its_back_off_and_gives_up_at_last)
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
Test(fleet_small, the_victim_is_chosen_as_asked)
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

Test(fleet_small, a_draining_worker_is_called_back_before_a_new_one_starts)
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

Test(fleet_small, workers_fail_at_their_rate_and_are_replaced)
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

Test(fleet_small, a_start_is_the_sum_of_its_phases_and_may_have_to_begin_again)
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
