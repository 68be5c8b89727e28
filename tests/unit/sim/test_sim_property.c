/* Thousands of small random deployments. Worker invariants are checked inside the run (checked
 * builds); here: requests and GPU time are conserved, times are in order, and the closed form of
 * decode runs gives what stepping token by token gives. A failure prints the seed, the smallest
 * number of requests that still fails, and what has to be random for it: everything else is
 * switched off. HEADROOM_SEED=n runs that seed alone. */
#include <signal.h>
#include <unistd.h>

#include "sim_fixture.h"

enum { N_SEEDS = 2500, MAX_REQUESTS = 60, TRACE_BLOCK = 16 };

static volatile sig_atomic_t current_seed;

static void name_seed(int signal_number)
{
    char text[64];
    int n = snprintf(text, sizeof text, "aborted with HEADROOM_SEED=%d\n", (int)current_seed);
    if (write(STDERR_FILENO, text, (size_t)n) < 0)
        _exit(3);
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

static unsigned draw(struct pcg64 *rng, unsigned low, unsigned high)
{
    return low + (unsigned)pcg64_below(rng, high - low + 1);
}

static void random_nodes(struct fixture *f, struct pcg64 *rng)
{
    struct cluster_config *cluster = &f->config.cluster;
    uint32_t size = draw(rng, 1, 6), needed = 0;
    for (size_t p = 0; p < f->deployment.n_pools; p++) {
        struct pool_config *pool = &f->deployment.pools[p];
        if (pool->gpus_per_worker > (int)size && pool->gpus_per_worker % (int)size)
            pool->gpus_per_worker = (int)size;
        needed += (uint32_t)pool->replicas * ((uint32_t)pool->gpus_per_worker / size + 1);
        pool->startup_phase_ns[STARTUP_IMAGE_PULL] =
            draw(rng, 0, 1) * draw(rng, 0, 300) * NS_PER_MS;
        pool->startup_phase_ns[STARTUP_WEIGHTS] = draw(rng, 0, 1) * draw(rng, 0, 300) * NS_PER_MS;
        pool->image_cached_ns = draw(rng, 0, 20) * NS_PER_MS;
        if (draw(rng, 0, 1))
            pool->weights_cached_ns = draw(rng, 0, 200) * NS_PER_MS;
        if (draw(rng, 0, 1))
            pool->weights_peer_ns = draw(rng, 0, 200) * NS_PER_MS;
        pool->startup_retry_ns = draw(rng, 0, 1) * draw(rng, 1, 100) * NS_PER_MS;
    }
    cluster->gpus_per_node = size;
    cluster->n_nodes = draw(rng, 0, 1) ? 0 : needed + draw(rng, 4, 6);
    cluster->placement = draw(rng, 0, 1) ? PLACE_PACK : PLACE_SPREAD;
    cluster->links_per_node = draw(rng, 0, 1) * draw(rng, 1, 2);
    f->deployment.kv_local_bandwidth_bytes_per_s =
        draw(rng, 0, 1) ? 1e5 : f->deployment.kv_bandwidth_bytes_per_s;
    f->config.node_mtbf_s = draw(rng, 0, 3) ? 0 : 0.5 + 6 * pcg64_double(rng);
    f->config.node_repair_ns = draw(rng, 0, 3) ? draw(rng, 0, 1000) * NS_PER_MS : TIME_NEVER;
    f->config.spot_mtbf_s = draw(rng, 0, 3) ? 0 : 0.5 + 6 * pcg64_double(rng);
    f->config.spot_notice_ns = draw(rng, 0, 1) * draw(rng, 1, 400) * NS_PER_MS;
    f->config.spot_return_ns = draw(rng, 0, 3) ? draw(rng, 0, 1000) * NS_PER_MS : TIME_NEVER;
    if (f->config.drain_ns == TIME_NEVER) /* nodes may go faster than workers start, for an hour */
        f->config.drain_ns = 20 * NS_PER_S;
}

/* What a failing case is tried without. */
static void without_failures(struct fixture *f)
{
    f->deployment.worker_mtbf_s = 0;
    for (size_t p = 0; p < f->deployment.n_pools; p++)
        f->deployment.pools[p].startup_failure = 0;
}
static void without_node_failures(struct fixture *f)
{
    f->config.node_mtbf_s = f->config.spot_mtbf_s = 0;
}
static void without_limits_of_nodes(struct fixture *f)
{
    f->config.cluster.n_nodes = f->config.cluster.links_per_node = 0;
}
static void without_scaling(struct fixture *f)
{
    f->schedule.n = 0;
}
static void without_time_outs(struct fixture *f)
{
    f->deployment.timeout_ns = f->deployment.first_token_timeout_ns = TIME_NEVER;
}
static void without_retries(struct fixture *f)
{
    f->deployment.retry_lost = false;
}
static void without_prefix_cache(struct fixture *f)
{
    for (size_t p = 0; p < f->deployment.n_pools; p++)
        f->deployment.pools[p].engine.prefix_cache = false;
}
static void without_ranks(struct fixture *f)
{
    for (size_t p = 0; p < f->deployment.n_pools; p++)
        f->deployment.pools[p].engine.n_ranks = 1;
}
static void without_engine_options(struct fixture *f)
{
    for (size_t p = 0; p < f->deployment.n_pools; p++) {
        struct engine_config *engine = &f->deployment.pools[p].engine;
        engine->async_scheduling = engine->prefill_first = engine->by_priority = false;
        engine->step_noise = 0;
        engine->n_draft_tok = engine->host_kv_blocks = engine->watermark_blocks = 0;
        engine->cold_start_ns = 0;
        engine->queue_look_steps = engine->batch_wait_steps = 0;
        engine->prompt_step_least_ms = 0;
    }
}
static void without_routers(struct fixture *f)
{
    for (size_t p = 0; p < f->deployment.n_pools; p++)
        f->deployment.pools[p].router = router_find("round_robin");
}

static const struct {
    const char *name;
    void (*leave_out)(struct fixture *);
} parts[] = {
    {"failures of workers", without_failures},
    {"failures of nodes", without_node_failures},
    {"limits of nodes", without_limits_of_nodes},
    {"scaling", without_scaling},
    {"time-outs", without_time_outs},
    {"retries", without_retries},
    {"prefix cache", without_prefix_cache},
    {"ranks", without_ranks},
    {"engine options", without_engine_options},
    {"routers", without_routers},
};
enum { N_PARTS = sizeof parts / sizeof *parts };

static void random_deployment(struct fixture *f, struct pcg64 *rng)
{
    bool disagg = draw(rng, 0, 1);
    fixture_init(f, disagg, 1);
    f->model = (struct linear_model){.base_ms = 1 + 10 * pcg64_double(rng),
                                     .new_ms = 0.3 * pcg64_double(rng),
                                     .seq_ms = pcg64_double(rng),
                                     .context_ms = 0.01 * pcg64_double(rng)};
    for (size_t p = 0; p < f->deployment.n_pools; p++) {
        struct pool_config *pool = &f->deployment.pools[p];
        pool->replicas = (int)draw(rng, draw(rng, 0, 3) ? 1 : 0, 3);
        pool->gpus_per_worker = (int)draw(rng, 1, 4);
        pool->startup_phase_ns[0] = draw(rng, 0, 3) * 100 * NS_PER_MS;
        pool->startup_cv = draw(rng, 0, 2) ? 0 : 0.5;
        pool->startup_failure = draw(rng, 0, 3) ? 0 : 0.4;
        pool->router = routers[draw(rng, 0, 4)];
        pool->engine.block_size_tok = draw(rng, 1, 40);
        pool->engine.kv_blocks = 1 + draw(rng, 50, 900) / pool->engine.block_size_tok;
        pool->engine.max_num_seqs = draw(rng, 1, 12);
        pool->engine.max_num_batched_tokens = draw(rng, 12, 200);
        pool->engine.chunked_prefill = draw(rng, 0, 4) != 0;
        pool->engine.prefix_cache = draw(rng, 0, 2) != 0;
        pool->engine.eviction = kv_evictions[draw(rng, 0, 2)];
        pool->engine.host_kv_blocks = draw(rng, 0, 2) ? 0 : draw(rng, 1, 60);
        pool->engine.host_bandwidth_bytes_per_s = 1e6;
        pool->engine.kv_bytes_per_token = 10;
        pool->engine.watermark_blocks = draw(rng, 0, 3) ? 0 : 1;
        pool->engine.async_scheduling = draw(rng, 0, 2) == 0;
        pool->engine.prefill_first = !pool->engine.async_scheduling && draw(rng, 0, 3) == 0;
        pool->engine.by_priority = draw(rng, 0, 2) == 0;
        pool->engine.step_noise = draw(rng, 0, 5) ? 0 : 0.3;
        if (draw(rng, 0, 5) == 0) {
            pool->engine.n_draft_tok = draw(rng, 1, 3);
            pool->engine.draft_acceptance = pcg64_double(rng);
            pool->engine.draft_ms = pcg64_double(rng);
        }
        if (draw(rng, 0, 3) == 0 && pool->engine.kv_blocks > 8)
            pool->engine.n_ranks = draw(rng, 2, 8);
        pool->engine.cold_start_ns = draw(rng, 0, 1) * 20 * NS_PER_MS;
        pool->engine.queue_look_steps = draw(rng, 0, 2) ? 0 : draw(rng, 1, 9);
        pool->engine.batch_wait_steps = draw(rng, 0, 2) ? 0 : draw(rng, 1, 9);
        pool->engine.batch_wait_share = pcg64_double(rng);
        pool->engine.prompt_step_least_ms = draw(rng, 0, 2) ? 0 : 50 * pcg64_double(rng);
    }
    f->deployment.frontend_ns = draw(rng, 0, 2) ? 0 : draw(rng, 0, 40) * NS_PER_MS + 7;
    f->deployment.frontend_ns_per_tok = draw(rng, 0, 2) ? 0 : 1e5 * pcg64_double(rng);
    f->deployment.kv_latency_ns = draw(rng, 0, 1) * draw(rng, 0, 50) * NS_PER_MS;
    f->deployment.kv_bandwidth_bytes_per_s = draw(rng, 0, 1) ? 1e4 : 1e15;
    f->deployment.scale_down = draw(rng, 0, 1) ? SCALE_DOWN_DRAIN : SCALE_DOWN_TERMINATE;
    f->deployment.drain_grace_ns = draw(rng, 0, 1) ? TIME_NEVER : draw(rng, 0, 500) * NS_PER_MS;
    f->deployment.retry_lost = draw(rng, 0, 1);
    f->deployment.max_attempts = draw(rng, 0, 1) * draw(rng, 1, 4);
    f->deployment.backoff_ns = draw(rng, 0, 1) * draw(rng, 1, 200) * NS_PER_MS;
    f->deployment.worker_mtbf_s = draw(rng, 0, 3) ? 0 : 0.5 + 3 * pcg64_double(rng);
    f->deployment.victim = (enum scale_down_victim)draw(rng, 0, 2);
    f->deployment.call_back = draw(rng, 0, 1);
    f->deployment.trace_block_tok = TRACE_BLOCK;
    f->deployment.holds_requests = draw(rng, 0, 2) == 0;
    f->deployment.hold_threshold = draw(rng, 0, 3) ? 2 * pcg64_double(rng) : 0;
    f->deployment.hold_order = (enum hold_order)draw(rng, 0, 2);
    f->deployment.local_prefill_max_tok = draw(rng, 0, 2) ? 0 : draw(rng, 1, 200);
    f->deployment.max_prefill_queue = draw(rng, 0, 2) ? 0 : draw(rng, 1, 8);
    f->deployment.view_interval_ns = draw(rng, 0, 2) ? 0 : draw(rng, 10, 800) * NS_PER_MS + 321;
    f->deployment.view_counts_own = draw(rng, 0, 1);
    f->deployment.kv_router =
        (struct kv_router_weights){.overlap = draw(rng, 0, 2) ? 1 : 3 * pcg64_double(rng),
                                   .prefill = draw(rng, 0, 2) ? 1 : 3 * pcg64_double(rng),
                                   .request = draw(rng, 0, 2) ? 0 : 3 * pcg64_double(rng),
                                   .temperature = draw(rng, 0, 3) ? 0 : pcg64_double(rng)};
    if (draw(rng, 0, 3) == 0)
        f->deployment.timeout_ns = draw(rng, 50, 3000) * NS_PER_MS + 123;
    if (draw(rng, 0, 3) == 0)
        f->deployment.first_token_timeout_ns = draw(rng, 20, 1000) * NS_PER_MS + 77;
    f->config.sample_ns = draw(rng, 0, 1) * 37 * NS_PER_MS;
    f->config.window_ns = draw(rng, 50, 500) * NS_PER_MS;
    f->deployment.idle_workers_publish = draw(rng, 0, 1);
    f->deployment.any_router_publishes = draw(rng, 0, 1);
    f->deployment.scrape_interval_ns = draw(rng, 0, 1) * draw(rng, 1, 200) * NS_PER_MS;
    f->deployment.outage_at_ns = draw(rng, 0, 500) * NS_PER_MS;
    f->deployment.outage_ns = draw(rng, 0, 1) * draw(rng, 0, 800) * NS_PER_MS;
    f->config.warmup_ns = draw(rng, 0, 3) ? 0 : 200 * NS_PER_MS;
    if (draw(rng, 0, 3) == 0)
        f->config.drain_ns = draw(rng, 0, 1000) * NS_PER_MS;
    unsigned n_scalings = draw(rng, 0, 8);
    double at_s = 0;
    for (unsigned i = 0; i < n_scalings; i++) {
        at_s += 0.001 + 0.4 * pcg64_double(rng);
        fixture_scale_at(f, at_s, (int)draw(rng, 0, 4), (int)draw(rng, 0, 4));
    }
    random_nodes(f, rng);
    f->model.rank_tok_ms = draw(rng, 0, 1) * 0.2 * pcg64_double(rng);
    f->model.skew_alpha = draw(rng, 0, 1) * pcg64_double(rng);
    f->model.bend_tok = draw(rng, 0, 1) * draw(rng, 1, 300);
    f->model.bend = 4 * pcg64_double(rng) - 1;
    f->deployment.stream_interval_tok = draw(rng, 0, 3) ? 0 : draw(rng, 1, 20);
}

/* A case: a seed, how many of its requests, the parts (a bit each) that are left out, and by which
 * share its steps are longer. */
struct property_case {
    unsigned seed, n_requests, without;
    double longer;
};

static void run_case(struct fixture *f, const struct property_case *c, bool exact)
{
    struct pcg64 rng;
    pcg64_stream(&rng, c->seed, "deployment", 0);
    random_deployment(f, &rng);
    for (int i = 0; i < N_PARTS; i++)
        if (c->without >> i & 1)
            parts[i].leave_out(f);
    f->model.base_ms *= 1 + c->longer;
    f->config.exact_stepper = exact;
    f->want_gpu_time = f->want_parts = true;
    pcg64_stream(&rng, c->seed, "requests", 0);
    double gap_ms = 100 * pcg64_double(&rng) * pcg64_double(&rng), at_ms = 0;
    unsigned longest = draw(&rng, 2, 300);
    struct trace_text t = {0};
    for (unsigned i = 0; i < c->n_requests; i++) {
        unsigned isl_tok = draw(&rng, 1, longest),
                 n_ids = (isl_tok + TRACE_BLOCK - 1) / TRACE_BLOCK;
        unsigned ids[64], same = draw(&rng, 0, n_ids), family = draw(&rng, 1, 3);
        for (unsigned b = 0; b < n_ids; b++)
            ids[b] = b < same ? family : 100 + i;
        trace_text_add_ids(&t, at_ms, isl_tok, draw(&rng, 0, 60), ids,
                           draw(&rng, 0, 5) ? n_ids : 0);
        if (draw(&rng, 0, 2) == 0)
            trace_text_priority(&t, draw(&rng, 0, 3));
        at_ms += draw(&rng, 0, 3) ? pcg64_exponential(&rng, gap_ms) : 0;
    }
    fixture_run(f, t.text);
    free(t.text);
}

static bool in_order(const struct request_record *r)
{
    int64_t last = r->arrival_ns;
    const int64_t times[] = {r->scheduled_ns,    r->prefill_done_ns, r->first_token_ns,
                             r->second_token_ns, r->last_token_ns,   r->end_ns};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        if (times[i] < 0)
            continue;
        if (times[i] < last)
            return false;
        last = times[i];
    }
    return true;
}

static bool life_in_order(const struct worker_record *w)
{
    if (w->wanted_ns < 0 || (w->ready_ns >= 0 && w->start_ns < 0) ||
        (w->drain_ns >= 0 && w->ready_ns < 0))
        return false;
    int64_t last = 0;
    const int64_t times[] = {w->wanted_ns, w->start_ns, w->ready_ns, w->drain_ns, w->end_ns};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        if (times[i] >= 0 && times[i] < last)
            return false;
        last = times[i] < 0 ? last : times[i];
    }
    return true;
}

static const char *why_life_broken(const struct fixture *f, const struct worker_record *w)
{
    int64_t ready_ns = w->ready_ns < 0 ? 0 : w->end_ns - w->ready_ns;
    if (!life_in_order(w))
        return "a worker's times out of order";
    if (w->busy_ns < 0 || w->busy_ns > ready_ns)
        return "a worker is busy for longer than it was ready";
    if (w->busy_ns != (w->id < f->n_stepped[w->pool] ? f->stepped[w->pool][w->id].busy_ns : 0))
        return "a worker was not busy for as long as its steps ran";
    if (w->busy_ns == 0 && w->n_finished)
        return "a worker did nothing and finished something";
    if ((w->node == NO_NODE) != (w->start_ns < 0))
        return "a worker has GPUs without a node, or a node without GPUs";
    if (w->end == WORKER_END_RUN && w->end_ns != f->result->end_ns)
        return "a worker ended with the run before its end";
    if ((w->end == WORKER_END_CANCELLED && w->ready_ns >= 0) ||
        (w->end == WORKER_END_DRAINED && w->drain_ns < 0))
        return "a worker ended in a way it cannot have";
    return NULL;
}

static int by_pool_and_id(const void *a, const void *b)
{
    const struct worker_record *v = a, *w = b;
    if (v->pool != w->pool)
        return v->pool < w->pool ? -1 : 1;
    return (v->id > w->id) - (v->id < w->id);
}

/* What the workers had together is what the requests and the GPU time say. */
static const char *why_sums_broken(const struct fixture *f, unsigned n_requests)
{
    uint64_t n_lost = 0, n_finished = 0, lost = 0, finished = 0;
    double held_s[POLICY_MAX_POOLS] = {0}, starting_s[POLICY_MAX_POOLS] = {0};
    size_t last_pool = f->deployment.n_pools - 1;
    for (size_t i = 0; i < f->n_workers; i++) {
        const struct worker_record *w = &f->workers[i];
        n_lost += w->n_lost;
        n_finished += w->pool == last_pool ? w->n_finished : 0;
        if (w->start_ns < 0)
            continue;
        held_s[w->pool] += fixture_held_s(f, w->pool, w->start_ns, w->end_ns);
        starting_s[w->pool] +=
            fixture_held_s(f, w->pool, w->start_ns, w->ready_ns < 0 ? w->end_ns : w->ready_ns);
    }
    for (unsigned i = 0; i < n_requests; i++) {
        const struct request_record *r = &f->records[i];
        lost += r->n_attempts - 1 + (r->outcome == OUTCOME_LOST);
        finished += r->outcome == OUTCOME_COMPLETED && r->worker != NO_WORKER;
    }
    if (n_lost != lost)
        return "workers lost other requests than were lost";
    if (n_finished != finished)
        return "workers finished other requests than were completed";
    for (size_t p = 0; p <= last_pool; p++) {
        if (fabs(held_s[p] - fixture_gpu_s(f, p)) > 1e-9 * (1 + held_s[p]))
            return "GPU time is not that of the workers' lives";
        if (fabs(starting_s[p] - f->result->pools[p].gpu_s[GPU_STARTING]) >
            1e-9 * (1 + starting_s[p]))
            return "GPU time of starts is not that of the workers' lives";
    }
    return NULL;
}

static const char *why_workers_broken(struct fixture *f, unsigned n_requests)
{
    size_t n_over = 0;
    while (n_over < f->n_workers && f->workers[n_over].end != WORKER_END_RUN)
        n_over++;
    for (size_t i = 0; i < f->n_workers; i++) {
        const char *why = why_life_broken(f, &f->workers[i]);
        if (why)
            return why;
        if (i > n_over && (f->workers[i].end != WORKER_END_RUN ||
                           by_pool_and_id(&f->workers[i - 1], &f->workers[i]) >= 0))
            return "workers that outlive the run are not last, by pool and id";
    }
    const char *why = why_sums_broken(f, n_requests);
    if (f->n_workers)
        qsort(f->workers, f->n_workers, sizeof *f->workers, by_pool_and_id);
    for (size_t i = 0; !why && i < f->n_workers; i++) {
        const struct worker_record *w = &f->workers[i];
        bool first = i == 0 || w[-1].pool != w->pool;
        if (w->id != (first ? 0 : w[-1].id + 1))
            why = "a worker has no record, or two";
    }
    return why;
}

/* Where nothing was computed twice and nothing is left over: each token of a decode pool comes out
 * of a step, and all but the first of an aggregated one. */
static bool steps_make_tokens(const struct fixture *f, unsigned n_requests)
{
    double tokens = 0;
    for (size_t p = 0; p < f->deployment.n_pools; p++)
        if (f->deployment.pools[p].engine.n_draft_tok)
            return true;
    for (unsigned i = 0; i < n_requests; i++) {
        const struct request_record *r = &f->records[i];
        if (r->outcome != OUTCOME_COMPLETED || r->n_attempts > 1 || r->n_preemptions)
            return true;
        tokens += r->n_output_tok;
        tokens -= r->n_output_tok > 0 && r->prefill_worker == NO_WORKER;
    }
    return f->step_tok == tokens;
}

static int64_t sum_of_parts(const int64_t *ns)
{
    int64_t sum = 0;
    for (int i = 0; i < N_REQUEST_PARTS; i++)
        sum += ns[i] < 0 ? INT64_MIN / 2 : ns[i];
    return sum;
}

static const char *why_parts_broken(const struct fixture *f, unsigned n_requests)
{
    for (unsigned i = 0; i < n_requests; i++) {
        const struct request_record *r = &f->records[i];
        const struct request_parts *p = &f->parts[i];
        int64_t end_ns =
            r->outcome == OUTCOME_COMPLETED && r->osl_tok ? r->last_token_ns : r->end_ns;
        if (sum_of_parts(p->e2e_ns) != end_ns - r->arrival_ns)
            return "parts do not sum to the E2E";
        if (sum_of_parts(p->ttft_ns) !=
            (r->first_token_ns < 0 ? 0 : r->first_token_ns - r->arrival_ns))
            return "parts do not sum to the TTFT";
        for (int k = 0; k < N_REQUEST_PARTS; k++)
            if (p->ttft_ns[k] > p->e2e_ns[k] && k != PART_STREAM)
                return "more of a part before the first token than in all";
        for (size_t k = 0; k < f->deployment.n_pools; k++) {
            const struct pool_wait *w = &p->waits[k];
            if (w->to_ns >= 0 && (w->from_ns < r->arrival_ns || w->to_ns < w->from_ns))
                return "a wait that is none";
            if (w->ahead_ns < 0 || (w->to_ns >= 0 && w->ahead_ns > w->to_ns - w->from_ns))
                return "a prompt ahead for longer than the wait";
        }
    }
    return NULL;
}

static const char *why_broken(struct fixture *f, unsigned n_requests)
{
    if (f->n_records != n_requests)
        return "a request has no record, or two";
    double gpu_s = 0;
    for (size_t i = 0; i < n_requests; i++) {
        const struct request_record *r = &f->records[i];
        if (r->index != i)
            return "a request has no record, or two";
        if (!in_order(r))
            return "times out of order";
        if (r->outcome == OUTCOME_COMPLETED &&
            (r->n_output_tok != r->osl_tok || r->prefill_done_ns < 0))
            return "completed without all its tokens";
        if (r->outcome == OUTCOME_COMPLETED && (r->first_token_ns >= 0) != (r->osl_tok > 0))
            return "first token missing";
        if (r->n_output_tok > r->osl_tok)
            return "too many tokens";
        if (r->cached_tok >= r->isl_tok)
            return "a prompt found all of itself";
    }
    if (f->deployment.timeout_ns >= TIME_NEVER &&
        f->deployment.first_token_timeout_ns >= TIME_NEVER && f->n_outcome[OUTCOME_TIMED_OUT])
        return "timed out without a time-out";
    if (f->deployment.retry_lost && f->deployment.max_attempts == 0 && f->n_outcome[OUTCOME_LOST])
        return "lost although retried";
    for (size_t p = 0; p < f->deployment.n_pools; p++) {
        double pool_s = 0, held_s = fixture_gpu_s(f, p);
        for (int s = 0; s < N_GPU_STATES; s++)
            pool_s += f->result->pools[p].gpu_s[s];
        if (fabs(pool_s - held_s) > 1e-9 * (1 + held_s))
            return "GPU time by state is not that from starts to stops";
        gpu_s += pool_s;
    }
    double most = f->result->peak_gpus * s_from_ns(f->result->end_ns);
    if (gpu_s < 0 || gpu_s > most * (1 + 1e-9))
        return "GPU time is not conserved";
    if (f->steps_broken)
        return "steps of a worker overlap, or hold nothing";
    if (!steps_make_tokens(f, n_requests))
        return "steps make other tokens than the requests got";
    const char *why = why_parts_broken(f, n_requests);
    return why ? why : why_workers_broken(f, n_requests);
}

static bool close_ns(int64_t a, int64_t b)
{
    return llabs(a - b) <= NS_PER_US;
}

/* A prompt that may not be cut can lack tokens and blocks at once: which of them it lacks is known
 * when its worker looks, and step by step it looks more often. */
static bool same_parts(const struct fixture *f, const int64_t *a, const int64_t *b)
{
    bool cut = true;
    for (size_t p = 0; p < f->deployment.n_pools; p++)
        cut &= f->deployment.pools[p].engine.chunked_prefill;
    for (int k = 0; k < N_REQUEST_PARTS; k++) {
        int64_t difference_ns = a[k] - b[k];
        if (!cut && k == PART_QUEUE)
            difference_ns += a[PART_KV_ROOM] - b[PART_KV_ROOM];
        if (llabs(difference_ns) > 10 * NS_PER_US && (cut || k != PART_KV_ROOM))
            return false;
    }
    return true;
}

static bool same_pass(const struct fpm_record *a, const struct fpm_record *b)
{
    return a->worker_id == b->worker_id && a->dp_rank == b->dp_rank &&
           fabs(a->wall_s - b->wall_s) <= 1e-6 && a->n_prefill == b->n_prefill &&
           a->prefill_tok == b->prefill_tok && a->n_decode == b->n_decode &&
           a->decode_kv_tok == b->decode_kv_tok && a->queued_prefill_tok == b->queued_prefill_tok &&
           a->queued_decode_kv_tok == b->queued_decode_kv_tok &&
           a->prefill_kv_tok == b->prefill_kv_tok && a->n_queued_prefill == b->n_queued_prefill &&
           a->n_queued_decode == b->n_queued_decode;
}

static const char *why_passes_differ(const struct fixture *a, const struct fixture *b)
{
    if (a->schedule.n_passes != b->schedule.n_passes)
        return "other workers publish than step by step";
    for (size_t i = 0; i < a->schedule.n_passes; i++)
        if (!same_pass(&a->schedule.passes[i], &b->schedule.passes[i]))
            return "other forward passes than step by step";
    return NULL;
}

static const char *why_different(const struct fixture *a, const struct fixture *b,
                                 unsigned n_requests)
{
    for (size_t i = 0; i < n_requests; i++) {
        const struct request_record *r = &a->records[i], *q = &b->records[i];
        if (r->outcome != q->outcome || r->n_output_tok != q->n_output_tok ||
            r->worker != q->worker || r->n_preemptions != q->n_preemptions)
            return "another outcome than step by step";
        if (!close_ns(r->scheduled_ns, q->scheduled_ns) ||
            !close_ns(r->first_token_ns, q->first_token_ns) ||
            !close_ns(r->second_token_ns, q->second_token_ns) ||
            !close_ns(r->last_token_ns, q->last_token_ns))
            return "other times than step by step";
        if (!same_parts(a, a->parts[i].e2e_ns, b->parts[i].e2e_ns) ||
            !same_parts(a, a->parts[i].ttft_ns, b->parts[i].ttft_ns))
            return "other parts than step by step";
    }
    if (a->result->itl.n != b->result->itl.n)
        return "other gaps than step by step";
    if (fabs(a->result->itl.sum - b->result->itl.sum) > 1e-6 * b->result->itl.sum)
        return "other gap lengths than step by step";
    for (size_t p = 0; p < a->deployment.n_pools; p++)
        if (fabs(a->result->pools[p].gpu_s[GPU_BUSY] - b->result->pools[p].gpu_s[GPU_BUSY]) > 1e-5)
            return "another busy time than step by step";
    if (a->n_workers != b->n_workers)
        return "other workers than step by step";
    for (size_t i = 0; i < a->n_workers; i++) { /* by pool and id, once found whole */
        const struct worker_record *v = &a->workers[i], *w = &b->workers[i];
        if (v->end != w->end || v->n_finished != w->n_finished || v->n_lost != w->n_lost ||
            llabs(v->busy_ns - w->busy_ns) > 10 * NS_PER_US)
            return "another life of a worker than step by step";
    }
    return NULL;
}

/* *only_different: every invariant holds. */
static const char *try_once(const struct property_case *c, bool *only_different)
{
    struct fixture closed, exact;
    run_case(&closed, c, false);
    run_case(&exact, c, true);
    const char *why = why_broken(&closed, c->n_requests);
    if (!why)
        why = why_broken(&exact, c->n_requests);
    *only_different = !why;
    if (!why)
        why = why_different(&closed, &exact, c->n_requests);
    if (!why)
        why = why_passes_differ(&closed, &exact);
    fixture_release(&closed);
    fixture_release(&exact);
    return why;
}

/* The end of a run of steps is rounded once, step by step each: where a worker fails on the very
 * nanosecond of one, they may differ by that step. Not with steps that are longer, or shorter, by a
 * ten-millionth. */
static const char *try_case(struct property_case c)
{
    bool only_different, unused;
    const char *why = try_once(&c, &only_different);
    if (!why || !only_different)
        return why;
    struct property_case longer = c, shorter = c;
    longer.longer = 1e-7;
    shorter.longer = -1e-7;
    return try_once(&longer, &unused) || try_once(&shorter, &unused) ? why : NULL;
}

static void check_seed(unsigned seed)
{
    current_seed = (sig_atomic_t)seed;
    struct property_case c = {seed, MAX_REQUESTS, 0, 0};
    const char *why = try_case(c);
    if (!why)
        return;
    char needs[512] = "";
    for (unsigned i = 0; i < N_PARTS; i++) {
        struct property_case less = {seed, c.n_requests, c.without | 1u << i, 0};
        if (try_case(less))
            c = less;
        else
            snprintf(needs + strlen(needs), sizeof needs - strlen(needs), "%s%s",
                     *needs ? ", " : "", parts[i].name);
    }
    while (c.n_requests > 1 &&
           try_case((struct property_case){seed, c.n_requests - 1, c.without, 0}))
        c.n_requests--;
    cr_assert_fail("HEADROOM_SEED=%u, %u requests, with %s: %s", seed, c.n_requests,
                   *needs ? needs : "nothing special", why);
}

static void check_seeds(unsigned from, unsigned to)
{
    signal(SIGABRT, name_seed);
    const char *only = getenv("HEADROOM_SEED");
    if (only) {
        check_seed((unsigned)atoi(only));
        return;
    }
    for (unsigned seed = from; seed < to; seed++)
        check_seed(seed);
}

/* Found far beyond the others: a prompt that goes before those in line on a decode worker lets one
 * in that was to come there; a node that fails at the very moment at which a step ends. */
Test(sim_property, deployments_that_once_broke_one)
{
    static const unsigned seeds[] = {203183, 251839, 108273, 23195};
    for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++)
        check_seeds(seeds[i], seeds[i] + 1);
}

Test(sim_property, random_deployments_keep_every_invariant)
{
    check_seeds(0, N_SEEDS);
}

Test(sim_property, random_deployments_keep_every_invariant_more)
{
    check_seeds(N_SEEDS, 2 * N_SEEDS);
}
