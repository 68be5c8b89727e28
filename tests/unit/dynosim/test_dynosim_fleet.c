/* Workers over time, what a policy is told, and runs of random deployments. */
#include "dynosim_fixture.h"
#include "util/pcg.h"

static const double at[] = {0, 1000}, prefill[] = {0, 10}, constant[] = {5, 5, 5, 5};

/* Targets by time; keeps what it was told. */
struct schedule {
    int n, next;
    int64_t at_ns[8];
    int target[8][POLICY_MAX_POOLS];
    struct policy_input seen[8];
    struct worker_gauges gauges[8][4];
};

static void plan_next(const struct schedule *s, struct policy_effects *effects)
{
    effects->next_ns = s->next < s->n ? s->at_ns[s->next] : TIME_NEVER;
    effects->next_needs = NEED_TRAFFIC | NEED_GAUGES;
}

static enum status schedule_tick(void *state, const struct policy_input *input,
                                 struct policy_effects *effects, struct diag *d)
{
    struct schedule *s = state;
    s->seen[s->next] = *input;
    cr_assert_leq(input->n_gauges, 4);
    for (size_t i = 0; i < input->n_gauges; i++)
        s->gauges[s->next][i] = input->gauges[i];
    effects->scale = true;
    memcpy(effects->target, s->target[s->next], sizeof effects->target);
    s->next++;
    plan_next(s, effects);
    (void)d;
    return ST_OK;
}

static const struct policy_ops scheduled = {.name = "test", .tick = schedule_tick};

static void init(struct dyno_fixture *f, struct schedule *s)
{
    dyno_fixture_init(f);
    f->latency = (struct dynosim_latency){{2, at, prefill}, {2, 2, at, at, constant}};
    f->config.policy = &scheduled;
    f->config.policy_state = s;
    policy_effects_clear(&f->config.policy_first, 1);
    plan_next(s, &f->config.policy_first);
}

static char *steady(double every_ms, int n, int osl)
{
    char *lines = malloc((size_t)n * 128);
    size_t used = 0;
    for (int i = 0; i < n; i++)
        used += (size_t)snprintf(lines + used, 128,
                                 "{\"timestamp\": %g, \"input_length\": 100, \"output_length\": "
                                 "%d, \"hash_ids\": [%d]}\n",
                                 every_ms * i, osl, i);
    return lines;
}

/* One worker; a second is asked for at 1 s and ready at 3 s; at 4 s it drains with a request of 500
 * passes on it; at 5 s a third is asked for while the second still drains. */
Test(dynosim_fleet, workers_start_late_and_drain_for_ever)
{
    struct dyno_fixture f;
    struct schedule s = {
        .n = 3, .at_ns = {NS_PER_S, 4 * NS_PER_S, 5 * NS_PER_S}, .target = {{2}, {1}, {2}}};
    init(&f, &s);
    dyno_fixture_agg(&f, 1);
    f.config.pools[0].startup_ns = 2 * NS_PER_S;
    char *lines = steady(1000, 9, 500);
    dyno_fixture_run_text(&f, lines);
    free(lines);
    const uint32_t workers[] = {0, 0, 0, 1, 0, 0, 0, 2, 0};
    for (size_t i = 0; i < 9; i++)
        cr_expect_eq(f.records[i].worker, workers[i], "request %zu: %u", i, f.records[i].worker);
    cr_expect_eq(s.seen[1].pools[0].ready, 2);
    cr_expect_eq(s.seen[2].pools[0].ready, 1);
    cr_expect_eq(s.seen[2].pools[0].draining, 1);
    cr_expect_eq(f.result->pools[0].n_up, 2);
    cr_expect_eq(f.result->pools[0].n_down, 1);
    cr_expect_eq(f.result->peak_workers, 3);
    const double *gpu_s = f.result->pools[0].gpu_s;
    cr_expect_float_eq(gpu_s[GPU_STARTING], 4, 1e-9);
    /* The request of 3 s: f(100) = 1 ms and 500 passes of 5 ms, from 4 s on while draining. */
    cr_expect_float_eq(gpu_s[GPU_DRAINING], 1.501, 1e-9);
    double end_s = s_from_ns(f.result->end_ns);
    cr_expect_float_eq(gpu_s[GPU_IDLE] + gpu_s[GPU_BUSY] + gpu_s[GPU_STARTING] +
                           gpu_s[GPU_DRAINING],
                       end_s + (5.501 - 1) + (end_s - 5), 1e-9);
    const struct worker_record *drained = &f.workers[0], *kept = &f.workers[1];
    cr_assert_eq(f.n_workers, 3);
    cr_expect(drained->id == 1 && drained->end == WORKER_END_DRAINED);
    cr_expect(drained->wanted_ns == NS_PER_S && drained->start_ns == NS_PER_S);
    cr_expect(drained->ready_ns == 3 * NS_PER_S && drained->drain_ns == 4 * NS_PER_S);
    cr_expect_eq(drained->end_ns, 5501 * NS_PER_MS);
    cr_expect_eq(drained->busy_ns, 2501 * NS_PER_MS);
    cr_expect(drained->n_finished == 1 && drained->n_lost == 0);
    cr_expect(kept->id == 0 && kept->end == WORKER_END_RUN && kept->n_finished == 7);
    cr_expect(kept->end_ns == f.result->end_ns && kept->drain_ns == -1);
    cr_expect_eq(f.workers[2].id, 2);
    dyno_fixture_release(&f);
}

Test(dynosim_fleet, a_starting_worker_is_cancelled_first)
{
    struct dyno_fixture f;
    struct schedule s = {.n = 2, .at_ns = {NS_PER_S, 2 * NS_PER_S}, .target = {{3}, {2}}};
    init(&f, &s);
    dyno_fixture_agg(&f, 1);
    f.config.pools[0].startup_ns = 5 * NS_PER_S;
    char *lines = steady(1000, 9, 2);
    dyno_fixture_run_text(&f, lines);
    free(lines);
    const uint32_t workers[] = {0, 0, 0, 0, 0, 0, 1, 0, 1};
    for (size_t i = 0; i < 9; i++)
        cr_expect_eq(f.records[i].worker, workers[i], "request %zu: %u", i, f.records[i].worker);
    cr_expect_float_eq(f.result->pools[0].gpu_s[GPU_STARTING], 6, 1e-9);
    cr_expect_eq(f.result->pools[0].gpu_s[GPU_DRAINING], 0);
    cr_assert_eq(f.n_workers, 3);
    cr_expect(f.workers[0].id == 2 && f.workers[0].end == WORKER_END_CANCELLED);
    cr_expect(f.workers[0].ready_ns == -1 && f.workers[0].end_ns == 2 * NS_PER_S);
    dyno_fixture_release(&f);
}

/* Three workers, then two from 1.5 s on: the turn after the third's is the fourth, which wraps to
 * the second of two. */
Test(dynosim_fleet, round_robin_goes_on_from_the_last_place)
{
    struct dyno_fixture f;
    struct schedule s = {.n = 1, .at_ns = {1500 * NS_PER_MS}, .target = {{2}}};
    init(&f, &s);
    dyno_fixture_agg(&f, 3);
    char *lines = steady(600, 7, 2);
    dyno_fixture_run_text(&f, lines);
    free(lines);
    const uint32_t workers[] = {0, 1, 2, 1, 0, 1, 0};
    for (size_t i = 0; i < 7; i++)
        cr_expect_eq(f.records[i].worker, workers[i], "request %zu: %u", i, f.records[i].worker);
    dyno_fixture_release(&f);
}

/* A request of 10 passes takes 51 ms. At 250 ms: six offered, four of them completed; then
 * what came since that call. */
Test(dynosim_fleet, a_policy_sees_what_was_offered_and_the_means_of_what_completed)
{
    struct dyno_fixture f;
    struct schedule s = {.n = 2, .at_ns = {250 * NS_PER_MS, 450 * NS_PER_MS}, .target = {{1}, {1}}};
    init(&f, &s);
    dyno_fixture_agg(&f, 1);
    char *lines = steady(50, 12, 10);
    f.config.pools[0].max_num_seqs = 1;
    dyno_fixture_run_text(&f, lines);
    const struct traffic_window *t = &s.seen[0].traffic;
    cr_expect_eq(t->n_requests, 6);
    cr_expect_eq(t->n_ttft, 4);
    cr_expect_float_eq(t->isl_sum_tok / t->n_isl, 100, 1e-12);
    cr_expect_float_eq(t->osl_sum_tok / t->n_osl, 10, 1e-12);
    cr_expect_float_eq(t->itl_sum_s / t->n_itl, 0.005, 1e-12);
    cr_expect_float_eq(t->ttft_sum_s, 4 * 0.006 + 0.001 + 0.002 + 0.003, 1e-12);
    cr_expect_eq(s.seen[1].traffic.n_requests, 4);
    cr_expect_float_eq(s.seen[1].traffic.length_s, 0.2, 1e-12);
    /* The last pass: one sequence, and the prompts that wait, whole. At 250 ms a pass starts, at
     * 450 ms one has been running since before the last arrival. */
    cr_expect_eq(s.seen[0].n_gauges, 1);
    cr_expect_eq(s.gauges[0][0].active_decode_blocks, 1);
    cr_expect_eq(s.gauges[0][0].active_prefill_tok, 100);
    cr_expect_eq(s.gauges[1][0].active_prefill_tok, 0);
    cr_expect_eq(s.gauges[0][0].last_isl_tok, 100);

    s.next = 0;
    f.config.semantics.offered_traffic = false;
    dyno_fixture_run_text(&f, lines);
    cr_expect_eq(s.seen[0].traffic.n_requests, 4);
    free(lines);
    dyno_fixture_release(&f);
}

Test(dynosim_fleet, without_workers_requests_wait_for_one)
{
    struct dyno_fixture f;
    struct schedule s = {.n = 1, .at_ns = {NS_PER_S}, .target = {{1}}};
    init(&f, &s);
    dyno_fixture_agg(&f, 0);
    f.config.pools[0].startup_ns = NS_PER_S;
    char *lines = steady(10, 2, 1);
    dyno_fixture_run_text(&f, lines);
    cr_expect_eq(f.records[0].first_token_ns, 2007 * NS_PER_MS);

    s = (struct schedule){.n = 0};
    plan_next(&s, &f.config.policy_first);
    dyno_fixture_run_text(&f, lines);
    cr_expect_eq(f.n_outcome[OUTCOME_UNFINISHED], 2);
    free(lines);
    dyno_fixture_release(&f);
}

/* ---- random deployments: every invariant is checked inside in checked builds ---- */

static uint32_t among(struct pcg64 *rng, const uint32_t *choices, uint64_t n)
{
    return choices[pcg64_below(rng, n)];
}

static char *random_trace(struct pcg64 *rng, int n, uint32_t max_isl)
{
    char *lines = malloc((size_t)n * 256);
    size_t used = 0;
    uint64_t at_ms = 0;
    for (int i = 0; i < n; i++) {
        uint32_t isl = 1 + (uint32_t)pcg64_below(rng, max_isl), n_ids = (isl + 511) / 512;
        if (i && pcg64_below(rng, 3))
            at_ms += pcg64_below(rng, 60);
        used += (size_t)snprintf(
            lines + used, 256,
            "{\"timestamp\": %llu, \"input_length\": %u, \"output_length\": %u, \"hash_ids\": [",
            (unsigned long long)at_ms, isl, (unsigned)pcg64_below(rng, 150));
        for (uint32_t k = 0; k < n_ids; k++) {
            uint64_t id = pcg64_below(rng, 3) ? 10 + k : 1000 + pcg64_below(rng, 1000000);
            used +=
                (size_t)snprintf(lines + used, 32, "%s%llu", k ? ", " : "", (unsigned long long)id);
        }
        used += (size_t)snprintf(lines + used, 8, "]}\n");
    }
    return lines;
}

static void random_config(struct dyno_fixture *f, struct pcg64 *rng)
{
    int a = 1 + (int)pcg64_below(rng, 3), b = 1 + (int)pcg64_below(rng, 3);
    if (pcg64_below(rng, 2))
        dyno_fixture_agg(f, a);
    else
        dyno_fixture_disagg(f, a, b);
    uint32_t block_tok = among(rng, (const uint32_t[]){16, 64, 100, 128}, 4);
    for (size_t p = 0; p < f->config.n_pools; p++) {
        struct dynosim_pool *pool = &f->config.pools[p];
        pool->block_size_tok = block_tok;
        pool->kv_blocks = among(rng, (const uint32_t[]){2000, 3000, 8000}, 3) / block_tok + 1;
        pool->max_num_seqs = among(rng, (const uint32_t[]){2, 8, 40}, 3);
        pool->max_num_batched_tokens = among(rng, (const uint32_t[]){128, 1000, 8192}, 3);
        pool->prefix_caching = pcg64_below(rng, 8) > 0;
        pool->victim = pcg64_below(rng, 4) ? DYNOSIM_LIFO : DYNOSIM_FIFO;
        pool->routing = pcg64_below(rng, 2) ? DYNOSIM_KV_ROUTER : DYNOSIM_ROUND_ROBIN;
    }
    if (pcg64_below(rng, 2)) {
        f->config.kv_bytes_per_token = 131072;
        f->config.kv_bandwidth_bytes_per_s = 1e9;
    }
    f->config.transfer = pcg64_below(rng, 2) ? DYNOSIM_WHOLE_PROMPT : DYNOSIM_DESTINATION_MISSING;
    for (size_t i = 0; i < N_DYNOSIM_SEMANTICS; i++)
        if (i != DYNOSIM_SEMANTIC_straight_line_tables && i != DYNOSIM_SEMANTIC_free_transfer)
            *dynosim_semantic_find(&f->config.semantics, dynosim_semantics[i].name) =
                pcg64_below(rng, 4) > 0;
}

/* As many as there are, by pool and id, none busy for longer than it was there. */
static void check_workers(const struct dyno_fixture *f)
{
    uint64_t n_finished = 0;
    size_t n = 0;
    for (size_t p = 0; p < f->config.n_pools; p++) {
        double busy_s = 0;
        for (uint32_t id = 0; id < (uint32_t)f->config.pools[p].replicas; id++) {
            const struct worker_record *w = &f->workers[n++];
            cr_assert(w->pool == p && w->id == id && w->end == WORKER_END_RUN);
            cr_assert(w->busy_ns >= 0 && w->busy_ns <= w->end_ns);
            busy_s += s_from_ns(w->busy_ns);
            n_finished += w->n_finished;
        }
        cr_assert_float_eq(busy_s, f->result->pools[p].gpu_s[GPU_BUSY], 1e-9 * (1 + busy_s));
    }
    cr_assert_eq(f->n_workers, n);
    cr_assert_eq(n_finished, 60 * f->config.n_pools);
}

Test(dynosim_fleet, random_deployments_keep_every_request)
{
    size_t n_preempted = 0, n_dead_ends = 0;
    for (uint64_t seed = 0; seed < 400; seed++) {
        struct dyno_fixture f;
        struct pcg64 rng;
        pcg64_seed(&rng, seed, 11);
        dyno_fixture_init(&f);
        f.latency = (struct dynosim_latency){{2, at, prefill}, {2, 2, at, at, constant}};
        random_config(&f, &rng);
        f.config.sample_ns = f.config.window_ns = 37 * NS_PER_MS;
        f.want_parts = true;
        char *lines = random_trace(&rng, 60, 1700);
        enum status s = dyno_fixture_try(&f, dyno_fixture_text(&f, lines));
        free(lines);
        if (s == ST_INPUT && strncmp(f.diag.text, "dead end", 8) == 0) {
            /* A preempted request at the head of a decode worker shuts out those whose KV fills the
             * worker. */
            cr_assert_eq(f.config.n_pools, 2, "seed %llu: %s", (unsigned long long)seed,
                         f.diag.text);
            n_dead_ends++;
        } else {
            cr_assert_eq(s, ST_OK, "seed %llu: %s", (unsigned long long)seed, f.diag.text);
            cr_assert_eq(f.n_records, 60, "seed %llu", (unsigned long long)seed);
            cr_assert_eq(f.n_outcome[OUTCOME_COMPLETED], 60, "seed %llu", (unsigned long long)seed);
            double there_s = 0;
            for (size_t i = 0; i < 60; i++) {
                there_s += s_from_ns(f.records[i].end_ns - f.records[i].arrival_ns);
                n_preempted += f.records[i].n_preemptions;
                cr_assert_eq(f.records[i].n_output_tok, f.records[i].osl_tok);
            }
            cr_assert_float_eq(f.sampled_s, there_s, 1e-9 * there_s, "seed %llu: %.12g, %.12g",
                               (unsigned long long)seed, f.sampled_s, there_s);
            cr_assert_eq(f.n_sampled_arrivals, 60);
            cr_assert_eq(f.n_first_tokens, 60);
            check_workers(&f);
        }
        dyno_fixture_release(&f);
    }
    cr_expect_lt(n_dead_ends, 100, "%zu", n_dead_ends);
    cr_expect_gt(n_preempted, 1000, "%zu", n_preempted);
}
