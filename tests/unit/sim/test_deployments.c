/* Two deployments on one clock and one cluster, beside each of them alone. */
#include "together_fixture.h"

enum { N_REQUESTS = 60, N = 2 };

static const char *const names[N] = {"left", "right"};

/* `left` hands prompts over, behind routers with state; `right` loses workers. */
static void init(struct fixture *f, int which)
{
    fixture_init(f, which == 0, 2);
    f->deployment.name = names[which];
    f->config.seed = 5;
    f->config.sample_ns = 100 * NS_PER_MS;
    f->config.window_ns = 300 * NS_PER_MS;
    f->want_log = true;
    f->model.seq_ms = which ? 0.7 : 1.3;
    f->deployment.kv_latency_ns = 3 * NS_PER_MS;
    f->deployment.kv_bandwidth_bytes_per_s = 1e6; /* transfers that end at one instant go by slot */
    f->deployment.retry_lost = true;
    f->deployment.timeout_ns = 900 * NS_PER_MS + 7;
    f->deployment.worker_mtbf_s = which ? 1.5 : 0;
    f->deployment.scrape_interval_ns = which ? 70 * NS_PER_MS : 0;
    f->deployment.view_interval_ns = which ? 50 * NS_PER_MS + 3 : 0;
    for (size_t p = 0; p < f->deployment.n_pools; p++) {
        struct pool_config *pool = &f->deployment.pools[p];
        pool->router = router_find(which ? "power_of_two" : "kv_aware");
        pool->startup_phase_ns[0] = 60 * NS_PER_MS;
        pool->startup_cv = 0.4;
        pool->engine.prefix_cache = true;
        pool->engine.eviction = kv_eviction_find("lru");
        pool->engine.kv_blocks = 60;
        pool->engine.step_noise = which ? 0.2 : 0;
    }
    fixture_scale_at(f, 0.3, 3, 1);
    fixture_scale_at(f, 0.7 + 0.2 * which, 1, 3);
    fixture_scale_at(f, 1.4, 2, 2);
}

static struct trace_text traffic(int which)
{
    struct trace_text t = {0};
    struct pcg64 rng;
    double at_ms = 0;
    pcg64_stream(&rng, 11, names[which], 0);
    for (unsigned i = 0; i < N_REQUESTS; i++) {
        unsigned n_ids = 1 + (unsigned)pcg64_below(&rng, 8), ids[8];
        for (unsigned b = 0; b < n_ids; b++)
            ids[b] = b < n_ids / 2 ? 1 + i % 3 : 100 + i;
        trace_text_add_ids(&t, at_ms, 32 * n_ids - (unsigned)pcg64_below(&rng, 32),
                           1 + (unsigned)pcg64_below(&rng, 60), ids, n_ids);
        at_ms += pcg64_exponential(&rng, which ? 25 : 15);
    }
    return t;
}

static void expect_same_request(const struct request_record *a, const struct request_record *b)
{
    cr_expect_eq(a->index, b->index);
    cr_expect_eq(a->outcome, b->outcome, "request %zu", (size_t)a->index);
    cr_expect_eq(a->n_output_tok, b->n_output_tok, "request %zu", (size_t)a->index);
    cr_expect_eq(a->n_attempts, b->n_attempts);
    cr_expect_eq(a->n_preemptions, b->n_preemptions);
    cr_expect_eq(a->cached_tok, b->cached_tok);
    cr_expect_eq(a->prefill_worker, b->prefill_worker);
    cr_expect_eq(a->worker, b->worker);
    cr_expect_eq(a->arrival_ns, b->arrival_ns);
    cr_expect_eq(a->scheduled_ns, b->scheduled_ns);
    cr_expect_eq(a->prefill_done_ns, b->prefill_done_ns);
    cr_expect_eq(a->first_token_ns, b->first_token_ns);
    cr_expect_eq(a->second_token_ns, b->second_token_ns);
    cr_expect_eq(a->last_token_ns, b->last_token_ns, "request %zu", (size_t)a->index);
    cr_expect_eq(a->end_ns, b->end_ns);
}

static void expect_same_traffic(const struct traffic_window *a, const struct traffic_window *b)
{
    cr_expect_eq(a->n_arrived, b->n_arrived);
    cr_expect_eq(a->n_requests, b->n_requests);
    cr_expect_eq(a->ttft_sum_s, b->ttft_sum_s);
    cr_expect_eq(a->itl_sum_s, b->itl_sum_s);
    cr_expect_eq(a->n_itl, b->n_itl);
}

/* All requests; and whatever else was told until the run alone was over. */
static void expect_same(const struct fixture *alone, const struct fixture *together)
{
    int64_t end_ns = alone->result->end_ns;
    cr_expect_eq(alone->n_records, N_REQUESTS);
    cr_expect_eq(together->n_records, N_REQUESTS);
    for (size_t i = 0; i < N_REQUESTS; i++)
        expect_same_request(&alone->records[i], &together->records[i]);
    cr_expect_leq(alone->log_used, together->log_used);
    size_t at = 0;
    while (at < alone->log_used && alone->log[at] == together->log[at])
        at++;
    cr_expect_eq(at, alone->log_used, "alone: %.200s\ntogether: %.200s", alone->log + at,
                 together->log + at);
    size_t n = 0;
    for (size_t i = 0; i < alone->n_samples && alone->samples[i].at_ns < end_ns; i++, n++) {
        const struct sample_record *a = &alone->samples[i], *b = &together->samples[i];
        cr_assert_lt(i, together->n_samples);
        cr_expect_eq(a->at_ns, b->at_ns);
        cr_expect_eq(a->pool, b->pool);
        cr_expect_eq(a->ready, b->ready);
        cr_expect_eq(a->starting, b->starting);
        cr_expect_eq(a->n_waiting, b->n_waiting);
        cr_expect_eq(a->n_running, b->n_running);
        cr_expect_eq(a->kv_utilization, b->kv_utilization);
        expect_same_traffic(&a->traffic, &b->traffic);
    }
    cr_expect_gt(n, 10);
    n = 0;
    for (size_t i = 0; i < alone->n_windows && alone->windows[i].end_ns < end_ns; i++, n++)
        expect_same_traffic(&alone->windows[i].traffic, &together->windows[i].traffic);
    cr_expect_gt(n, 2);
    cr_expect_leq(alone->n_decisions, together->n_decisions);
    for (size_t i = 0; i < alone->n_decisions; i++) {
        cr_expect_eq(alone->decisions[i].at_ns, together->decisions[i].at_ns);
        cr_expect(memcmp(alone->decisions[i].counts, together->decisions[i].counts,
                         alone->deployment.n_pools * sizeof *alone->decisions[i].counts) == 0);
    }
}

static void compare(int64_t drain_ns, bool swapped)
{
    struct fixture alone[N], together[N];
    struct trace_text text[N];
    for (int i = 0; i < N; i++) {
        int which = swapped ? 1 - i : i;
        text[i] = traffic(which);
        init(&alone[i], which);
        init(&together[i], which);
        alone[i].config.drain_ns = together[i].config.drain_ns = drain_ns;
        fixture_run(&alone[i], text[i].text);
    }
    run_together((struct fixture *[]){&together[0], &together[1]}, N, text, NULL);
    for (int i = 0; i < N; i++) {
        expect_same(&alone[i], &together[i]);
        cr_expect_eq(alone[i].n_outcome[OUTCOME_UNFINISHED] > 0, drain_ns < TIME_NEVER);
        free(text[i].text);
        fixture_release(&alone[i]);
        fixture_release(&together[i]);
    }
}

Test(deployments, each_runs_as_it_does_alone)
{
    compare(TIME_NEVER, false);
}

Test(deployments, streams_are_by_name_and_not_by_place)
{
    compare(TIME_NEVER, true);
}

/* One's time is up while the other goes on. */
Test(deployments, each_ends_as_it_does_alone)
{
    compare(30 * NS_PER_MS, false);
    compare(30 * NS_PER_MS, true);
}

/* Three GPUs: `right` wants a second one at 1 s, and has it when `left` gives one back at 2 s. */
Test(deployments, share_the_gpus_of_one_cluster)
{
    struct fixture f[N];
    struct trace_text text[N] = {{0}};
    for (int i = 0; i < N; i++) {
        fixture_init(&f[i], false, 2 - i);
        f[i].deployment.name = names[i];
        f[i].config.cluster.n_nodes = 3;
        f[i].want_log = true;
        for (int k = 0; k < 30; k++)
            trace_text_add(&text[i], 100 * k + i, 16, 2);
    }
    fixture_scale_at(&f[0], 2, 1, 0);
    fixture_scale_at(&f[1], 1, 2, 0);
    run_together((struct fixture *[]){&f[0], &f[1]}, N, text, NULL);
    cr_expect(strstr(f[1].log, "1000.000 worker_pending agg/1"));
    cr_expect(strstr(f[0].log, "2000.000 worker_stop agg/1"));
    cr_expect(strstr(f[1].log, "2000.000 worker_start agg/1"));
    cr_expect_eq(f[0].result->peak_gpus, 2);
    cr_expect_eq(f[1].result->peak_gpus, 2);
    cr_expect_eq(f[1].result->peak_pending, 1);
    for (int i = 0; i < N; i++) {
        cr_expect_eq(f[i].n_outcome[OUTCOME_COMPLETED], 30);
        free(text[i].text);
        fixture_release(&f[i]);
    }
}
