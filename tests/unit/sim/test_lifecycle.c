/* Workers over time, worked out by hand: phases, GPUs by node, starts and nodes that fail, spot
 * reclaim. */
#include "sim_fixture.h"

static void assert_gpu_s(const struct fixture *f, size_t pool, double starting, double idle,
                         double busy, double draining)
{
    const double want[N_GPU_STATES] = {starting, idle, busy, draining};
    for (int s = 0; s < N_GPU_STATES; s++)
        cr_assert_float_eq(f->result->pools[pool].gpu_s[s], want[s], 1e-9, "%s: %.9f, not %.9f\n%s",
                           gpu_state_names[s], f->result->pools[pool].gpu_s[s], want[s], f->log);
}

static void assert_log_has(const struct fixture *f, const char *line)
{
    cr_assert_not_null(strstr(f->log, line), "'%s' not in\n%s", line, f->log);
}

/* The i-th worker whose life ended: seconds when it was wanted, had its GPUs, was ready, drained
 * and was gone (-1: did not happen); busy; requests finished and lost; how it ended. */
static void assert_life(const struct fixture *f, size_t i, const char *want)
{
    char found[160];
    size_t used = 0;
    cr_assert_lt(i, f->n_workers);
    const struct worker_record *w = &f->workers[i];
    const int64_t times[] = {w->wanted_ns, w->start_ns, w->ready_ns,
                             w->drain_ns,  w->end_ns,   w->busy_ns};
    used +=
        (size_t)snprintf(found, sizeof found, "%s/%u", f->deployment.pools[w->pool].name, w->id);
    for (size_t k = 0; k < 6; k++)
        used += (size_t)snprintf(found + used, sizeof found - used, "%s%.4g", k == 5 ? ", " : " ",
                                 times[k] < 0 ? -1 : s_from_ns(times[k]));
    snprintf(found + used, sizeof found - used, ", %llu %llu %s", (unsigned long long)w->n_finished,
             (unsigned long long)w->n_lost, worker_end_name(w->end));
    cr_assert_str_eq(found, want, "%s, not %s\n%s", found, want, f->log);
}

/* One node of four GPUs, workers of two; a step takes 1 s, a prompt is one step and a token.
 *
 *   0 s   worker 0 ready; request 0 (20 tokens) runs on it until 20
 *   1 s   scale to 3: worker 1 gets the other two GPUs, worker 2 waits
 *         worker 1: schedule 1 + image 0 (its node has it) + weights 4 + warm-up 2 = 7 s; its first
 * start fails at 8 8 s   begins again after 3 s: 11 to 18 s; ready at 18 20 s  request 1 (30
 * tokens) arrives: least loaded, worker 0 25 s  scale to 1: worker 2, which waits, goes; worker 1
 * (idle) is drained, and gone at once 30 s  scale to 2: worker 3 on the GPUs of worker 1; it starts
 * for 7 s and is ready at 37 40 s  request 2 (100 tokens): least loaded, worker 3 41 s  scale to 1:
 * worker 3, the newest, drains with 5 s of grace: killed at 46, request 2 is lost 50 s  request 1
 * is done, and with it the run
 *
 * Seconds by worker (two GPUs each):
 *   0: busy 0-20 and 20-50
 *   1: starting 1-18, idle 18-25
 *   3: starting 30-37, idle 37-40, busy 40-41, draining 41-46 */
Test(lifecycle, gpu_time_by_state_of_a_schedule_worked_out_by_hand)
{
    struct fixture f;
    fixture_init(&f, false, 1);
    struct pool_config *pool = &f.deployment.pools[0];
    f.want_log = true;
    f.model = (struct linear_model){.base_ms = 1000};
    f.config.cluster = (struct cluster_config){.n_nodes = 1, .gpus_per_node = 4};
    f.deployment.drain_grace_ns = 5 * NS_PER_S;
    pool->router = router_find("least_loaded");
    pool->gpus_per_worker = 2;
    pool->startup_phase_ns[STARTUP_SCHEDULE] = 1 * NS_PER_S;
    pool->startup_phase_ns[STARTUP_IMAGE_PULL] = 60 * NS_PER_S;
    pool->startup_phase_ns[STARTUP_WEIGHTS] = 4 * NS_PER_S;
    pool->startup_phase_ns[STARTUP_WARMUP] = 2 * NS_PER_S;
    pool->startup_retry_ns = 3 * NS_PER_S;
    pool->startup_failure = 0.5;
    for (f.config.seed = 1;; f.config.seed++) { /* worker 1 fails once, worker 3 does not */
        struct pcg64 rng;
        pcg64_stream(&rng, f.config.seed, "startup", 3);
        if (pcg64_double(&rng) < 0.5)
            continue;
        pcg64_stream(&rng, f.config.seed, "startup", 1);
        if (pcg64_double(&rng) < 0.5 && pcg64_double(&rng) >= 0.5)
            break;
    }
    fixture_scale_at(&f, 1, 3, 0);
    fixture_scale_at(&f, 25, 1, 0);
    fixture_scale_at(&f, 30, 2, 0);
    fixture_scale_at(&f, 41, 1, 0);
    struct trace_text t = {0};
    trace_text_add(&t, 0, 10, 20);
    trace_text_add(&t, 20000, 10, 30);
    trace_text_add(&t, 40000, 10, 100);
    fixture_run(&f, t.text);
    assert_log_has(&f, "1000.000 worker_start agg/1\n1000.000 worker_pending agg/2\n");
    assert_log_has(&f, "8000.000 worker_fail agg/1\n");
    assert_log_has(&f, "18000.000 worker_ready agg/1\n");
    assert_log_has(
        &f,
        "25000.000 worker_stop agg/2\n25000.000 worker_drain agg/1\n25000.000 worker_stop agg/1\n");
    assert_log_has(&f, "30000.000 worker_start agg/3\n");
    assert_log_has(&f, "37000.000 worker_ready agg/3\n");
    assert_log_has(&f, "46000.000 worker_stop agg/3\n46000.000 lose r2\n");
    cr_assert_eq(f.result->end_ns, 50 * NS_PER_S);
    cr_assert_eq(f.n_workers, 4);
    assert_life(&f, 0, "agg/2 1 -1 -1 -1 25, 0, 0 0 cancelled");
    assert_life(&f, 1, "agg/1 1 1 18 25 25, 0, 0 0 drained");
    assert_life(&f, 2, "agg/3 30 30 37 41 46, 6, 0 1 killed");
    assert_life(&f, 3, "agg/0 0 0 0 -1 50, 50, 2 0 run");
    assert_gpu_s(&f, 0, 2 * (17 + 7), 2 * (7 + 3), 2 * (50 + 1), 2 * 5);
    cr_assert_eq(f.result->pools[0].n_failed_starts, 1);
    cr_assert_eq(f.result->peak_pending, 1);
    cr_assert_eq(f.result->peak_workers, 2);
    cr_assert_eq(f.result->peak_gpus, 4);
    cr_assert_eq(f.records[2].outcome, OUTCOME_LOST);
    cr_assert_float_eq(f.result->pools[0].wasted_gpu_s, 2 * 6, 1e-9); /* 40 to 46 on two GPUs */
    free(t.text);
    fixture_release(&f);
}

/* The same worker crashes: found in the failure stream, so the time is not chosen but read. */
Test(lifecycle, a_crash_ends_gpu_time_at_once_and_another_worker_starts)
{
    struct fixture f;
    fixture_init(&f, false, 1);
    f.want_log = true;
    f.model = (struct linear_model){.base_ms = 1000};
    f.deployment.pools[0].startup_phase_ns[STARTUP_DELAY] = 5 * NS_PER_S;
    f.deployment.worker_mtbf_s = 50;
    double fails_s[2];
    for (f.config.seed = 1;;
         f.config.seed++) { /* worker 0 between 10 and 40 s, the next long after */
        for (uint32_t id = 0; id < 2; id++) {
            struct pcg64 rng;
            pcg64_stream(&rng, f.config.seed, "failure", id);
            fails_s[id] = pcg64_exponential(&rng, 50);
        }
        if (fails_s[0] > 10 && fails_s[0] < 40 && fails_s[1] > 200)
            break;
    }
    struct trace_text t = {0};
    trace_text_add(&t, 0, 10, 100);
    trace_text_add(&t, 100000, 10, 1);
    fixture_run(&f, t.text);
    cr_assert_eq(f.records[0].outcome, OUTCOME_LOST);
    cr_assert_float_eq(s_from_ns(f.records[0].end_ns), fails_s[0], 1e-8);
    char life[160];
    snprintf(life, sizeof life, "agg/0 0 0 0 -1 %.4g, %.4g, 0 1 failed", fails_s[0], fails_s[0]);
    assert_life(&f, 0, life);
    snprintf(life, sizeof life, "agg/1 %.4g %.4g %.4g -1 101, 1, 1 0 run", fails_s[0], fails_s[0],
             fails_s[0] + 5);
    assert_life(&f, 1, life);
    /* Worker 0 busy until it fails; worker 1 starts for 5 s, waits for request 1 and computes it
     * for 1 s. */
    assert_gpu_s(&f, 0, 5, 100 - fails_s[0] - 5, fails_s[0] + 1, 0);
    cr_assert_eq(f.result->pools[0].n_failed, 1);
    free(t.text);
    fixture_release(&f);
}

Test(lifecycle, the_second_start_on_a_node_finds_the_image_and_the_weights)
{
    struct fixture f;
    fixture_init(&f, false, 0);
    f.want_log = f.want_nodes = true;
    struct pool_config *pool = &f.deployment.pools[0];
    f.config.cluster.gpus_per_node = 2;
    pool->startup_phase_ns[STARTUP_IMAGE_PULL] = 60 * NS_PER_S;
    pool->startup_phase_ns[STARTUP_WEIGHTS] = 20 * NS_PER_S;
    pool->startup_phase_ns[STARTUP_WARMUP] = 5 * NS_PER_S;
    pool->image_cached_ns = 1 * NS_PER_S;
    pool->weights_cached_ns = 4 * NS_PER_S;
    fixture_scale_at(&f, 1, 1, 0);
    fixture_scale_at(&f, 10, 2, 0); /* beside the first, which is not done: nothing is there yet */
    fixture_scale_at(&f, 100, 1, 0);
    fixture_scale_at(&f, 101, 3, 0); /* worker 2 beside worker 0; worker 3 on a fresh node */
    struct trace_text t = {0};
    trace_text_add(&t, 0, 10, 1);
    trace_text_add(&t, 300000, 10, 1);
    fixture_run(&f, t.text);
    assert_log_has(&f, "1000.000 worker_start agg/0 node 0\n");
    assert_log_has(&f, "86000.000 worker_ready agg/0\n");
    assert_log_has(&f, "10000.000 worker_start agg/1 node 0\n");
    assert_log_has(&f, "95000.000 worker_ready agg/1\n");
    assert_log_has(&f,
                   "101000.000 worker_start agg/2 node 0\n101000.000 worker_start agg/3 node 1\n");
    assert_log_has(&f, "111000.000 worker_ready agg/2\n"); /* 1 + 4 + 5 */
    assert_log_has(&f, "186000.000 worker_ready agg/3\n"); /* 60 + 20 + 5 */
    fixture_release(&f);

    /* From a ready worker elsewhere: 60 + 8 + 5. Where the node has them, that is still faster. */
    fixture_init(&f, false, 1);
    f.want_log = true;
    pool->startup_phase_ns[STARTUP_IMAGE_PULL] = 60 * NS_PER_S;
    pool->startup_phase_ns[STARTUP_WEIGHTS] = 20 * NS_PER_S;
    pool->startup_phase_ns[STARTUP_WARMUP] = 5 * NS_PER_S;
    pool->weights_peer_ns = 8 * NS_PER_S;
    fixture_scale_at(&f, 1, 2, 0);
    fixture_run(&f, t.text);
    assert_log_has(&f, "74000.000 worker_ready agg/1\n");
    free(t.text);
    fixture_release(&f);
}

Test(lifecycle, retries_of_a_start_wait_twice_as_long_each_time)
{
    struct fixture f;
    fixture_init(&f, false, 0);
    f.want_log = true;
    f.deployment.pools[0].startup_phase_ns[STARTUP_DELAY] = 5 * NS_PER_S;
    f.deployment.pools[0].startup_retry_ns = 100 * NS_PER_S;
    f.deployment.pools[0].startup_failure = 0.99;
    fixture_scale_at(&f, 1, 1, 0);
    fixture_scale_at(&f, 1020, 0, 0);
    for (f.config.seed = 1;; f.config.seed++) { /* four failures in a row */
        struct pcg64 rng;
        int n = 0;
        pcg64_stream(&rng, f.config.seed, "startup", 0);
        while (n < 4 && pcg64_double(&rng) < 0.99)
            n++;
        if (n == 4)
            break;
    }
    struct trace_text t = {0};
    trace_text_add(&t, 0, 10, 1);
    f.config.drain_ns = 1010 * NS_PER_S;
    fixture_run(&f, t.text);
    assert_log_has(&f, "6000.000 worker_fail");
    assert_log_has(&f, "111000.000 worker_fail"); /* 100 + 5 later */
    assert_log_has(&f, "316000.000 worker_fail"); /* 200 + 5 */
    assert_log_has(&f, "621000.000 worker_fail"); /* 300, not 400 */
    assert_gpu_s(&f, 0, 1009, 0, 0, 0);
    free(t.text);
    fixture_release(&f);
}

Test(lifecycle, workers_that_wait_get_gpus_in_the_order_they_were_asked_for_unless_they_do_not_fit)
{
    struct fixture f;
    fixture_init(&f, true, 1);
    f.want_log = f.want_nodes = true;
    f.model = (struct linear_model){.base_ms = 1000};
    f.config.cluster = (struct cluster_config){.n_nodes = 1, .gpus_per_node = 6};
    f.deployment.pools[0].gpus_per_worker = 1;
    f.deployment.pools[1].gpus_per_worker = 4;
    /* One GPU is free. Prefill +3: one starts, two wait. Decode +1: waits. */
    fixture_scale_at(&f, 1, 4, 2);
    fixture_scale_at(&f, 10, 4, 1); /* the decode worker that waits is given up */
    fixture_scale_at(&f, 20, 4, 2); /* and comes again, behind the two */
    fixture_scale_at(&f, 30, 2, 2); /* the two that wait go first */
    fixture_scale_at(&f, 40, 3, 2); /* a prefill worker, behind the decode worker */
    fixture_scale_at(&f, 50, 3, 1); /* the newest decode worker: the one that waits */
    fixture_scale_at(&f, 60, 3, 0); /* now four GPUs: for the prefill worker */
    struct trace_text t = {0};
    trace_text_add(&t, 0, 10, 2);
    trace_text_add(&t, 5000, 10, 2);
    trace_text_add(&t, 100000, 10, 0);
    fixture_run(&f, t.text);
    assert_log_has(&f, "1000.000 worker_start prefill/1 node 0\n1000.000 worker_pending prefill/2\n"
                       "1000.000 worker_pending prefill/3\n1000.000 worker_pending decode/1\n"
                       "1000.000 worker_ready prefill/1\n");
    assert_log_has(&f, "10000.000 worker_stop decode/1\n");
    assert_log_has(&f, "20000.000 worker_pending decode/2\n");
    assert_log_has(&f, "30000.000 worker_stop prefill/3\n30000.000 worker_stop prefill/2\n");
    assert_log_has(&f, "40000.000 worker_pending prefill/4\n");
    assert_log_has(&f, "50000.000 worker_stop decode/2\n");
    assert_log_has(&f, "60000.000 worker_stop decode/0\n60000.000 worker_start prefill/4 node 0\n");
    cr_assert_eq(f.result->peak_pending, 3);
    free(t.text);
    fixture_release(&f);
}

/* First failure or notice of a node, as its stream says. */
static double node_time_s(uint64_t seed, const char *purpose, uint32_t node, uint32_t generation,
                          double mean_s)
{
    struct pcg64 rng;
    pcg64_stream(&rng, seed, purpose, (uint64_t)node << 32 | generation);
    return pcg64_exponential(&rng, mean_s);
}

Test(lifecycle, a_node_that_fails_takes_all_its_workers_and_is_back_after_its_repair)
{
    struct fixture f;
    fixture_init(&f, false, 3);
    f.want_log = f.want_nodes = true;
    f.model = (struct linear_model){.base_ms = 1000};
    f.config.cluster =
        (struct cluster_config){.n_nodes = 2, .gpus_per_node = 2}; /* workers 0 and 1; worker 2 */
    f.deployment.pools[0].startup_phase_ns[STARTUP_DELAY] = 2 * NS_PER_S;
    f.config.node_mtbf_s = 1000;
    f.config.node_repair_ns = 30 * NS_PER_S;
    f.deployment.retry_lost = true;
    double at_s;
    for (f.config.seed = 1;; f.config.seed++) {
        at_s = node_time_s(f.config.seed, "node-failure", 0, 0, 1000);
        if (at_s > 5 && at_s < 20 && node_time_s(f.config.seed, "node-failure", 1, 0, 1000) > 500 &&
            node_time_s(f.config.seed, "node-failure", 0, 2, 1000) > 500)
            break;
    }
    struct trace_text t = {0};
    for (int i = 0; i < 3; i++)
        trace_text_add(&t, 0, 10, 60); /* one on each worker, until 60 s */
    trace_text_add(&t, 90000, 10, 1);
    fixture_run(&f, t.text);
    /* Requests 0 and 1 begin again on worker 2, the only one left. Of the two that are started at
     * once, the free GPU of node 1 is for worker 3; worker 4 waits for node 0. */
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(f.records[i].outcome, OUTCOME_COMPLETED);
        cr_assert_eq(f.records[i].worker, 2);
        cr_assert_eq(f.records[i].n_attempts, 2);
    }
    cr_assert_eq(f.records[2].n_attempts, 1);
    char line[128];
    snprintf(line, sizeof line, "%.3f worker_start agg/3 node 1\n%.3f worker_pending agg/4\n",
             at_s * 1e3, at_s * 1e3);
    assert_log_has(&f, line);
    snprintf(line, sizeof line, "%.3f node_back node 0\n%.3f worker_start agg/4 node 0\n",
             (at_s + 30) * 1e3, (at_s + 30) * 1e3);
    assert_log_has(&f, line);
    cr_assert_eq(f.result->n_node_failures, 1);
    cr_assert_eq(f.result->pools[0].n_lost_nodes, 2);
    cr_assert_float_eq(f.result->pools[0].wasted_gpu_s, 2 * at_s, 1e-6);
    free(t.text);
    fixture_release(&f);
}

/* A notice of 10 s: requests that end in time are kept, others are lost; replacements are up before
 * it ends. */
Test(lifecycle, a_reclaimed_node_drains_for_as_long_as_its_notice)
{
    struct fixture f;
    fixture_init(&f, false, 2);
    f.want_log = f.want_nodes = true;
    f.model = (struct linear_model){.base_ms = 1000};
    f.config.cluster = (struct cluster_config){.n_nodes = 2, .gpus_per_node = 2};
    f.deployment.pools[0].startup_phase_ns[STARTUP_DELAY] = 4 * NS_PER_S;
    f.config.spot_mtbf_s = 1000;
    f.config.spot_notice_ns = 10 * NS_PER_S;
    f.config.spot_return_ns = 40 * NS_PER_S;
    double at_s;
    for (f.config.seed = 1;; f.config.seed++) {
        at_s = node_time_s(f.config.seed, "node-reclaim", 0, 0, 1000);
        if (at_s > 5 && at_s < 8 && node_time_s(f.config.seed, "node-reclaim", 1, 0, 1000) > 500 &&
            node_time_s(f.config.seed, "node-reclaim", 0, 3, 1000) > 500)
            break;
    }
    struct trace_text t = {0};
    trace_text_add(&t, 0, 10, 12);               /* worker 0: done at 12 s */
    trace_text_add(&t, 0, 10, 100);              /* worker 1: cut off at the end of the notice */
    trace_text_add(&t, (at_s + 5) * 1e3, 10, 1); /* the replacements are ready: none waits */
    trace_text_add(&t, 90000, 10, 1);
    fixture_run(&f, t.text);
    char line[160];
    snprintf(line, sizeof line,
             "%.3f node_notice node 0\n%.3f worker_drain agg/0\n%.3f worker_drain agg/1\n",
             at_s * 1e3, at_s * 1e3, at_s * 1e3);
    assert_log_has(&f, line);
    assert_log_has(&f, "12000.000 worker_stop agg/0\n");
    cr_assert_eq(f.records[0].outcome, OUTCOME_COMPLETED);
    cr_assert_eq(f.records[1].outcome, OUTCOME_LOST);
    cr_assert_float_eq(s_from_ns(f.records[1].end_ns), at_s + 10, 1e-8);
    cr_assert_geq(f.records[2].worker, 2);
    cr_assert_eq(f.records[2].scheduled_ns, f.records[2].arrival_ns);
    snprintf(line, sizeof line, "%.3f node_back node 0\n", (at_s + 50) * 1e3);
    assert_log_has(&f, line);
    cr_assert_eq(f.n_workers, 4);
    snprintf(line, sizeof line, "agg/0 0 0 0 %.4g 12, 12, 1 0 drained", at_s);
    assert_life(&f, 0, line);
    snprintf(line, sizeof line, "agg/1 0 0 0 %.4g %.4g, %.4g, 0 1 node", at_s, at_s + 10,
             at_s + 10);
    assert_life(&f, 1, line);
    cr_assert_eq(f.workers[0].node, 0);
    cr_assert_eq(f.workers[2].node, 1);
    cr_assert_eq(f.workers[2].end, WORKER_END_RUN);
    cr_assert_eq(f.result->n_reclaims, 1);
    cr_assert_eq(f.result->pools[0].n_lost_nodes, 2);
    assert_gpu_s(&f, 0, 2 * 4, 2 * (91 - at_s - 4) - 2, 2 * at_s + 2, 12 - at_s + 10);
    free(t.text);
    fixture_release(&f);
}

/* Prompts that are done on a prefill worker and wait there for room on the decode worker go with
 * it. */
Test(lifecycle, a_shrinking_prefill_pool_loses_the_decode_requests_that_wait_for_its_kv)
{
    for (int retry = 0; retry < 2; retry++) {
        struct fixture f;
        fixture_init(&f, true, 1);
        f.deployment.pools[0].replicas = 2;
        f.model = (struct linear_model){.base_ms = 1000};
        f.deployment.scale_down = SCALE_DOWN_TERMINATE;
        f.deployment.retry_lost = retry;
        f.deployment.kv_bytes_per_token = 1e6;
        f.deployment.kv_bandwidth_bytes_per_s = 1e7; /* 10 tokens: 1 s */
        f.deployment.pools[1].engine.kv_blocks =
            2; /* of 16 tokens: one request of 10 + 11 at a time, or two short ones */
        fixture_scale_at(&f, 2.5, 1, 1);
        struct trace_text t = {0};
        trace_text_add(&t, 0, 10,
                       20); /* prefill 0, 0 to 1 s; transfer to 2 s; decodes until 22 s */
        trace_text_add(&t, 0, 30,
                       2); /* prefill 1, 0 to 1 s; two blocks: no room on the decode worker */
        fixture_run(&f, t.text);
        cr_assert_eq(f.records[0].outcome, OUTCOME_COMPLETED);
        cr_assert_eq(f.records[0].last_token_ns, 22 * NS_PER_S);
        cr_assert_eq(f.records[1].outcome, retry ? OUTCOME_COMPLETED : OUTCOME_LOST);
        cr_assert_float_eq(f.result->pools[1].wasted_gpu_s + f.result->pools[0].wasted_gpu_s, 1,
                           1e-9);
        if (retry) {
            /* Again at 2.5 s on prefill 0, done at 3.5; room at 22, transfer of 30 tokens 3 s, two
             * steps. */
            cr_assert_eq(f.records[1].prefill_done_ns, 3500 * NS_PER_MS);
            cr_assert_eq(f.records[1].last_token_ns, 27 * NS_PER_S);
            cr_assert_eq(f.records[1].arrival_ns, 0); /* latencies count from the first attempt */
        } else {
            cr_assert_eq(f.records[1].end_ns, 2500 * NS_PER_MS);
        }
        free(t.text);
        fixture_release(&f);
    }
}
