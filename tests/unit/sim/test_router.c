/* Which worker gets a request, and when: choices that can be computed by hand. */
#include "sim_fixture.h"

#include "sim/worker/worker.h"

/* r0, 20 blocks of prompt, decodes on one worker. r1 begins with the same 16 blocks and has 21. Did
 * it follow? */
static bool follows_its_prefix(struct kv_router_weights weights)
{
    struct fixture f;
    fixture_init(&f, false, 2);
    f.deployment.kv_router = weights;
    f.deployment.pools[0].router = router_find("kv_aware");
    f.deployment.pools[0].engine.prefix_cache = true;
    f.deployment.pools[0].engine.eviction = kv_eviction_find("lru");
    struct trace_text t = {0};
    trace_text_add_ids(&t, 0, 320, 100, (unsigned[]){1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, 10);
    trace_text_add_ids(&t, 500, 336, 1, (unsigned[]){1, 2, 3, 4, 5, 6, 7, 8, 20, 21, 22}, 11);
    fixture_run(&f, t.text);
    bool follows = f.records[0].worker == f.records[1].worker;
    cr_assert_eq(f.records[1].cached_tok, follows ? 256 : 0);
    free(t.text);
    fixture_release(&f);
    return follows;
}

/* There it saves 16 blocks and finds 20 and a request in use. */
Test(router, kv_aware_weighs_cached_blocks_against_load)
{
    cr_expect_not(follows_its_prefix((struct kv_router_weights){.overlap = 1, .prefill = 1}));
    cr_expect(follows_its_prefix(
        (struct kv_router_weights){.overlap = 1.3, .prefill = 1})); /* 20.8 > 20 */
    cr_expect(follows_its_prefix((struct kv_router_weights){.overlap = 1, .prefill = 1.3}));
    cr_expect_not(follows_its_prefix((struct kv_router_weights){.overlap = 0, .prefill = 9}));
    cr_expect(follows_its_prefix(
        (struct kv_router_weights){.overlap = 1, .prefill = 2, .request = 11})); /* 32 > 31 */
    cr_expect_not(
        follows_its_prefix((struct kv_router_weights){.overlap = 1, .prefill = 2, .request = 13}));
    /* No more than the prompt's 21 blocks are saved. */
    cr_expect(follows_its_prefix(
        (struct kv_router_weights){.overlap = 100, .prefill = 1, .request = 0.5}));
    cr_expect_not(
        follows_its_prefix((struct kv_router_weights){.overlap = 100, .prefill = 1, .request = 2}));
}

/* Share of many small requests that went to the worker where another decodes all the time. */
static double share_of_the_costlier(double temperature)
{
    enum { N = 4000 };
    struct fixture f;
    fixture_init(&f, false, 2);
    f.deployment.kv_router.temperature = temperature;
    f.deployment.pools[0].router = router_find("kv_aware");
    f.deployment.pools[0].engine.kv_blocks = 10000;
    struct trace_text t = {0};
    trace_text_add(&t, 0, 160, 60000);
    for (int i = 1; i <= N; i++)
        trace_text_add(&t, 50 * i, 16, 1);
    fixture_run(&f, t.text);
    int n = 0;
    for (int i = 1; i <= N; i++)
        n += f.records[i].worker == f.records[0].worker;
    free(t.text);
    fixture_release(&f);
    return (double)n / N;
}

Test(router, kv_aware_draws_by_a_softmax_over_the_range_of_the_costs)
{
    cr_expect_eq(share_of_the_costlier(0), 0);
    /* exp(-1 / T) against 1; four standard deviations of 4000 draws. */
    cr_expect_float_eq(share_of_the_costlier(1), exp(-1) / (1 + exp(-1)), 0.028);
    cr_expect_float_eq(share_of_the_costlier(0.5), exp(-2) / (1 + exp(-2)), 0.021);
}

/* One digit per request: the worker that made its tokens. */
static void expect_workers(const struct fixture *f, const char *workers)
{
    for (size_t i = 0; workers[i]; i++)
        cr_expect_eq(f->records[i].worker, (uint32_t)(workers[i] - '0'),
                     "request %zu on worker %u, not of %s", i, f->records[i].worker, workers);
}

/* r1 is done after 12 ms, the others go on for seconds; the workers publish at 1 s. */
static void expect_view(int64_t interval_ns, bool counts_own, const char *workers)
{
    struct fixture f;
    fixture_init(&f, false, 2);
    f.deployment.pools[0].router = router_find("least_loaded");
    f.deployment.view_interval_ns = interval_ns;
    f.deployment.view_counts_own = counts_own;
    struct trace_text t = {0};
    trace_text_add(&t, 0, 16, 300);
    trace_text_add(&t, 20, 16, 1);
    trace_text_add(&t, 40, 16, 300);
    trace_text_add(&t, 1010, 16, 300);
    trace_text_add(&t, 1020, 16, 300);
    trace_text_add(&t, 1030, 16, 300);
    fixture_run(&f, t.text);
    expect_workers(&f, workers);
    free(t.text);
    fixture_release(&f);
}

Test(router, a_stale_view_shows_loads_as_they_were_published)
{
    expect_view(0, true, "011010");
    expect_view(NS_PER_S, true,
                "010110"); /* r1 is not known to have left; at 1 s there are 2 and 0 */
    expect_view(NS_PER_S, false, "000111");
}

Test(router, a_fresh_worker_has_published_that_it_is_empty)
{
    struct fixture f;
    fixture_init(&f, false, 1);
    f.deployment.pools[0].router = router_find("least_loaded");
    f.deployment.pools[0].startup_phase_ns[0] = 50 * NS_PER_MS;
    f.deployment.view_interval_ns = NS_PER_S;
    fixture_scale_at(&f, 1.1, 2, 0);
    struct trace_text t = {0};
    trace_text_add(&t, 0, 16, 300);
    trace_text_add(&t, 1120, 16, 300); /* it is ready at 1150 */
    trace_text_add(&t, 1160, 16, 300);
    trace_text_add(&t, 1170, 16, 300);
    fixture_run(&f, t.text);
    expect_workers(&f, "0011");
    free(t.text);
    fixture_release(&f);
}

Test(router, a_short_prompt_is_prefilled_on_its_decode_worker)
{
    struct fixture f;
    fixture_init(&f, true, 1);
    f.want_log = true;
    f.deployment.local_prefill_max_tok = 50;
    struct trace_text t = {0};
    trace_text_add(&t, 0, 50, 3);
    trace_text_add(&t, 100, 51, 2);
    fixture_run(&f, t.text);
    cr_assert_str_eq(f.log,
                     "0.000 worker_start prefill/0\n"
                     "0.000 worker_ready prefill/0\n"
                     "0.000 worker_start decode/0\n"
                     "0.000 worker_ready decode/0\n"
                     "0.000 arrive r0\n"
                     "0.000 route r0 decode/0\n"
                     "0.000 admit r0 decode/0\n"
                     "15.000 prefill_done r0 decode/0\n" /* 10 + 50 * 0.1 */
                     "15.000 first_token r0 decode/0\n"
                     "37.000 finish r0 decode/0\n"
                     "100.000 arrive r1\n"
                     "100.000 route r1 prefill/0\n"
                     "100.000 admit r1 prefill/0\n"
                     "115.100 prefill_done r1 prefill/0\n"
                     "115.100 route r1 decode/0\n"
                     "115.100 transfer_start r1 decode/0\n"
                     "115.100 transfer_done r1 decode/0\n"
                     "115.100 admit r1 decode/0\n"
                     "126.100 first_token r1 decode/0\n"
                     "137.100 finish r1 decode/0\n",
                     "%s", f.log);
    cr_assert_eq(f.records[0].prefill_worker, NO_WORKER);
    cr_assert_float_eq(f.result->pools[0].gpu_s[GPU_BUSY], 0.0151, 1e-12);
    cr_assert_float_eq(f.result->pools[1].gpu_s[GPU_BUSY], 0.037 + 0.022, 1e-12);
    free(t.text);
    fixture_release(&f);
}

Test(router, what_the_decode_worker_has_cached_makes_a_prompt_short)
{
    for (uint64_t seed = 0; seed < 8; seed++) {
        struct fixture f;
        fixture_init(&f, true, 2);
        f.config.seed = seed;
        f.deployment.local_prefill_max_tok = 40;
        for (int p = 0; p < 2; p++) {
            f.deployment.pools[p].engine.prefix_cache = true;
            f.deployment.pools[p].engine.eviction = kv_eviction_find("lru");
            f.deployment.pools[p].router = router_find("kv_aware");
        }
        struct trace_text t = {0};
        trace_text_add_ids(&t, 0, 64, 2, (unsigned[]){1, 2}, 2);
        trace_text_add_ids(&t, 200, 96, 1, (unsigned[]){1, 2, 3}, 3); /* 32 tokens are new */
        trace_text_add_ids(&t, 400, 96, 1, (unsigned[]){7, 8, 9}, 3);
        fixture_run(&f, t.text);
        cr_expect_neq(f.records[0].prefill_worker, NO_WORKER);
        cr_expect_eq(f.records[1].prefill_worker, NO_WORKER);
        cr_expect_neq(f.records[2].prefill_worker, NO_WORKER);
        cr_expect_eq(f.records[1].worker, f.records[0].worker);
        cr_expect_eq(f.records[1].cached_tok, 64);
        cr_expect_eq(f.records[1].first_token_ns, 213200 * NS_PER_US); /* 10 + 32 * 0.1 */
        free(t.text);
        fixture_release(&f);
    }
}

Test(router, prompts_stay_on_the_decode_pool_while_the_prefill_queue_is_long)
{
    struct fixture f;
    fixture_init(&f, true, 1);
    f.deployment.max_prefill_queue = 2;
    struct trace_text t = {0};
    for (int i = 0; i < 5; i++) /* r0 and r1 wait for the step that starts now */
        trace_text_add(&t, 0, 100, 1);
    for (int i = 5; i < 8; i++) /* they run until 30 ms, r5 and r6 wait */
        trace_text_add(&t, i, 100, 1);
    fixture_run(&f, t.text);
    for (int i = 0; i < 8; i++)
        cr_expect_eq(f.records[i].prefill_worker == NO_WORKER, (i >= 2 && i <= 4) || i == 7,
                     "request %d", i);
    free(t.text);
    fixture_release(&f);
}

Test(router, a_prompt_from_the_prefill_pool_does_not_starve_behind_local_ones)
{
    struct fixture f;
    fixture_init(&f, true, 1);
    f.deployment.local_prefill_max_tok = 40;
    f.deployment.pools[1].engine.kv_blocks = 10;
    struct trace_text t = {0};
    trace_text_add(&t, 0, 96, 20);  /* 6 to 8 blocks until 19.6 + 20 * 11 = 239.6 */
    trace_text_add(&t, 50, 96, 1);  /* waits for 6 */
    trace_text_add(&t, 100, 16, 1); /* would fit, but came later */
    fixture_run(&f, t.text);
    cr_expect_eq(f.records[0].last_token_ns, 239600 * NS_PER_US);
    cr_expect_eq(f.records[2].scheduled_ns, 239600 * NS_PER_US);
    /* Both in one step: 10 + 1.6 + 1. */
    cr_expect_eq(f.records[1].first_token_ns, 252200 * NS_PER_US);
    cr_expect_eq(f.records[2].first_token_ns, 252200 * NS_PER_US);
    free(t.text);
    fixture_release(&f);
}

/* One worker (at first) with 100 tokens a step, held back above 100 pending. */
static void holding_init(struct fixture *f)
{
    fixture_init(f, false, 1);
    f->want_log = true;
    f->deployment.pools[0].router = router_find("least_loaded");
    f->deployment.pools[0].engine.max_num_batched_tokens = 100;
    f->deployment.holds_requests = true;
    f->deployment.hold_threshold = 1;
}

static void expect_holding(enum hold_order order, const char *routes)
{
    struct fixture f;
    holding_init(&f);
    f.deployment.hold_order = order;
    struct trace_text t = {0};
    trace_text_add(&t, 0, 150, 1); /* 20 ms for 100 tokens, 15 for the rest */
    trace_text_add(&t, 1, 90, 1);
    trace_text_priority(&t, 2);
    trace_text_add(&t, 2, 30, 1);
    trace_text_priority(&t, 3);
    trace_text_add(&t, 3, 60, 1);
    trace_text_priority(&t, 1);
    fixture_run(&f, t.text);
    char found[256] = "";
    for (const char *line = f.log; *line; line = strchr(line, '\n') + 1) {
        char at[16], kind[32], request[16];
        cr_assert_eq(sscanf(line, "%15s %31s %15s", at, kind, request), 3);
        if (strcmp(kind, "route") == 0)
            sprintf(found + strlen(found), "%s %s, ", at, request);
    }
    cr_expect_str_eq(found, routes);
    free(t.text);
    fixture_release(&f);
}

Test(router, held_requests_go_in_their_order_when_a_worker_has_less_to_do)
{
    /* At 35 ms nothing is pending; requests follow until more than 100 is. */
    expect_holding(HOLD_FCFS, "0.000 r0, 35.000 r1, 35.000 r2, 55.000 r3, ");
    expect_holding(HOLD_SHORTEST, "0.000 r0, 35.000 r2, 35.000 r3, 35.000 r1, ");
    expect_holding(HOLD_PRIORITY, "0.000 r0, 35.000 r3, 35.000 r1, 55.000 r2, ");
}

Test(router, a_held_request_goes_to_the_worker_that_is_free_first)
{
    struct fixture f;
    holding_init(&f);
    f.deployment.hold_threshold = 0;
    f.deployment.pools[0].replicas = 2;
    struct trace_text t = {0};
    trace_text_add(&t, 0, 100, 1); /* until 20 */
    trace_text_add(&t, 1, 40, 1);  /* until 15 */
    trace_text_add(&t, 2, 50, 1);
    fixture_run(&f, t.text);
    cr_assert(strstr(f.log, "15.000 route r2 agg/1\n"), "%s", f.log);
    cr_expect_eq(f.records[2].first_token_ns, 30 * NS_PER_MS);
    free(t.text);
    fixture_release(&f);
}

Test(router, a_fresh_worker_and_a_client_that_gives_up_let_held_requests_go)
{
    struct fixture f;
    holding_init(&f);
    f.deployment.pools[0].startup_phase_ns[0] = 10 * NS_PER_MS;
    f.deployment.first_token_timeout_ns = 30 * NS_PER_MS;
    f.config.sample_ns = 4 * NS_PER_MS;
    fixture_scale_at(&f, 0.005, 2, 0);
    struct trace_text t = {0};
    trace_text_add(&t, 0, 150, 1); /* would be out at 35 */
    trace_text_add(&t, 3, 150, 1); /* held until 15, then would be out at 50 */
    trace_text_add(&t, 25, 10,
                   1); /* held until r0 leaves, in the middle of a step; then one token */
    fixture_run(&f, t.text);
    cr_assert(strstr(f.log, "15.000 route r1 agg/1\n"), "%s", f.log);
    cr_assert(strstr(f.log, "30.000 timeout r0\n30.000 route r2 agg/0\n"), "%s", f.log);
    cr_expect_eq(f.n_outcome[OUTCOME_TIMED_OUT], 2);
    cr_expect_eq(f.records[2].first_token_ns, 46 * NS_PER_MS); /* the step ends at 35 */
    cr_expect_eq(f.samples[0].n_waiting, 0);
    cr_expect_eq(f.samples[1].n_waiting, 0.25); /* the last of its 4 ms */
    cr_expect_eq(f.samples[2].n_waiting, 1);
    free(t.text);
    fixture_release(&f);
}

Test(router, with_a_stale_view_held_requests_wait_for_the_next_publication)
{
    struct fixture f;
    holding_init(&f);
    f.deployment.view_interval_ns = 100 * NS_PER_MS;
    f.deployment.view_counts_own = true;
    struct trace_text t = {0};
    trace_text_add(&t, 0, 150, 1); /* out at 35 */
    trace_text_add(&t, 50, 10, 1);
    fixture_run(&f, t.text);
    cr_assert(strstr(f.log, "100.000 route r1 agg/0\n"), "%s", f.log);
    cr_expect_eq(f.n_outcome[OUTCOME_COMPLETED], 2);
    free(t.text);
    fixture_release(&f);
}

Test(router, kv_aware_draws_among_equals_evenly)
{
    enum { N_WORKERS = 5, N = 5000 };
    struct fixture f;
    fixture_init(&f, false, N_WORKERS);
    f.deployment.pools[0].router = router_find("kv_aware");
    struct trace_text t = {0};
    for (int i = 0; i < N; i++)
        trace_text_add(&t, 50 * i, 16, 1);
    fixture_run(&f, t.text);
    int n[N_WORKERS] = {0}, repeats = 0;
    for (int i = 0; i < N; i++) {
        n[f.records[i].worker]++;
        repeats += i > 0 && f.records[i].worker == f.records[i - 1].worker;
    }
    /* Within four standard deviations of a fifth of the draws. */
    for (int i = 0; i < N_WORKERS; i++)
        cr_expect_float_eq(n[i], N / N_WORKERS, 113);
    cr_expect_float_eq(repeats, N / N_WORKERS, 113);
    free(t.text);
    fixture_release(&f);
}

/* r0 leaves ten blocks on a worker. r1 shares two of them, goes there, and by its 248th token has
 * pushed out the other eight (20 blocks in all): r2, the same prompt as r0, finds 8 blocks to
 * compute and 4 in use there, 10 and 0 elsewhere. With the eight it would have found 0 and 4. */
Test(router, kv_aware_knows_what_a_run_of_decode_steps_has_pushed_out)
{
    struct fixture f;
    fixture_init(&f, false, 2);
    f.deployment.pools[0].router = router_find("kv_aware");
    f.deployment.pools[0].engine.prefix_cache = true;
    f.deployment.pools[0].engine.eviction = kv_eviction_find("lru");
    f.deployment.pools[0].engine.kv_blocks = 20;
    struct trace_text t = {0};
    trace_text_add_ids(&t, 0, 160, 1, (unsigned[]){1, 2, 3, 4, 5}, 5);
    trace_text_add_ids(&t, 100, 64, 256, (unsigned[]){1, 9}, 2);
    trace_text_add_ids(&t, 2850, 160, 1, (unsigned[]){1, 2, 3, 4, 5}, 5);
    fixture_run(&f, t.text);
    cr_expect_eq(f.records[1].worker, f.records[0].worker);
    cr_expect_eq(f.records[1].cached_tok, 32);
    cr_expect_neq(f.records[2].worker, f.records[0].worker);
    cr_expect_eq(f.records[2].cached_tok, 0);
    cr_expect_gt(f.records[1].last_token_ns, f.records[2].arrival_ns);
    free(t.text);
    fixture_release(&f);
}

/* A router with state of its own, which notes what it is told. */
struct watch {
    int n_peeks, n_commits, n_joined, n_left;
    int fails_at; /* this peek; 0 = none */
    bool released;
};

static struct watch watched;

static enum status watch_create(void **state, const struct pool *pool)
{
    (void)pool;
    *state = &watched;
    return ST_OK;
}

static void watch_release(void *state)
{
    ((struct watch *)state)->released = true;
}

static enum status watch_peek(void *state, struct pool *pool, const struct request *request,
                              uint32_t *place)
{
    struct watch *w = state;
    (void)request;
    *place = 0;
    return ++w->n_peeks == w->fails_at ? diag_nomem(pool->deployment->sim->diag, "watch") : ST_OK;
}

static void watch_commit(void *state, const struct pool *pool, uint32_t place)
{
    (void)pool;
    cr_expect_eq(place, 0);
    ((struct watch *)state)->n_commits++;
}

static enum status watch_joined(void *state, const struct pool *pool, const struct worker *leader)
{
    bool found = false;
    for (uint32_t i = 0; i < pool->n_routable; i++)
        found |= pool->routable[i] == leader->slot;
    cr_expect(found);
    ((struct watch *)state)->n_joined++;
    return ST_OK;
}

static void watch_left(void *state, const struct pool *pool, const struct worker *leader)
{
    for (uint32_t i = 0; i < pool->n_routable; i++)
        cr_expect_neq(pool->routable[i], leader->slot);
    ((struct watch *)state)->n_left++;
}

static void watch_load(void *state, const struct pool *pool, uint32_t slot)
{
    (void)pool;
    (void)slot;
    cr_expect_gt(((struct watch *)state)->n_joined, 0);
}

static const struct router_ops router_watch = {
    .name = "watch",
    .create = watch_create,
    .release = watch_release,
    .peek = watch_peek,
    .commit = watch_commit,
    .joined = watch_joined,
    .left = watch_left,
    .load_changed = watch_load,
};

Test(router, a_choice_that_cannot_be_made_ends_the_run)
{
    struct fixture f;
    fixture_init(&f, false, 2);
    watched = (struct watch){.fails_at = 3};
    f.deployment.pools[0].router = &router_watch;
    struct trace_text t = {0};
    for (int i = 0; i < 5; i++)
        trace_text_add(&t, 10 * i, 16, 3);
    cr_expect_eq(fixture_try_run(&f, t.text), ST_NOMEM);
    cr_expect_eq(watched.n_peeks, 3);
    cr_expect_eq(watched.n_commits, 2);
    cr_expect(watched.released);
    free(t.text);
    fixture_release(&f);
}

Test(router, a_peek_that_nobody_follows_is_no_choice)
{
    enum { N = 20 };
    struct fixture f;
    fixture_init(&f, true, 2);
    watched = (struct watch){0};
    f.deployment.pools[1].router = &router_watch;
    f.deployment.local_prefill_max_tok = 100;
    struct trace_text t = {0};
    for (int i = 0; i < N; i++)
        trace_text_add(&t, 100 * i, i % 4 ? 64 : 160, 3);
    fixture_run(&f, t.text);
    cr_expect_eq(watched.n_commits, N);       /* each decodes */
    cr_expect_eq(watched.n_peeks, N + N / 4); /* the long ones are handed over, chosen for anew */
    free(t.text);
    fixture_release(&f);
}

Test(router, hears_of_workers_that_join_and_leave)
{
    struct fixture f;
    fixture_init(&f, false, 2);
    watched = (struct watch){0};
    f.deployment.pools[0].router = &router_watch;
    f.deployment.call_back = true;
    fixture_scale_at(&f, 1, 5, 0);
    fixture_scale_at(&f, 2, 1, 0);
    fixture_scale_at(&f, 3, 3, 0);
    struct trace_text t = {0};
    for (int i = 0; i < 400; i++)
        trace_text_add(&t, 10 * i, 16, 40);
    fixture_run(&f, t.text);
    cr_expect_eq(watched.n_joined, 2 + 3 + 2);
    cr_expect_eq(watched.n_left, 4);
    free(t.text);
    fixture_release(&f);
}
