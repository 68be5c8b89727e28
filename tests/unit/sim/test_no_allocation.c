/* A load that repeats stops allocating once everything has been as large as it gets. Linked with
 * the allocator wrapped. */
#include "sim_fixture.h"

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__real_aligned_alloc(size_t alignment, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
void *__wrap_aligned_alloc(size_t alignment, size_t n);

static size_t n_allocations;

void *__wrap_malloc(size_t n)
{
    n_allocations++;
    return __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
    n_allocations++;
    return __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n)
{
    n_allocations++;
    return __real_realloc(p, n);
}

void *__wrap_aligned_alloc(size_t alignment, size_t n)
{
    n_allocations++;
    return __real_aligned_alloc(alignment, n);
}

enum {
    ROUNDS = 60,
    SESSIONS = 40,
    TURNS = 4,
    PER_ROUND = SESSIONS * TURNS,
    N = ROUNDS * PER_ROUND
};

/* Allocations up to the middle of the run, and up to the last request. */
struct counts {
    size_t n_done, half_way, last;
};

static enum status count_request(void *context, const struct request_record *r, struct diag *d)
{
    struct counts *c = context;
    (void)d;
    cr_assert_eq(r->outcome, OUTCOME_COMPLETED);
    c->n_done++;
    if (c->n_done == N / 2)
        c->half_way = n_allocations;
    c->last = n_allocations;
    return ST_OK;
}

/* Sessions whose turns begin with what was said before; every round is the last one with prompts of
 * its own. */
static void conversations(struct trace_text *t)
{
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned i = 0; i < PER_ROUND; i++) {
            unsigned ids[4 + 3 * TURNS] = {1, 2}, session = i % SESSIONS, turn = i / SESSIONS,
                                 n = 2;
            for (unsigned k = 0; k < 2 + 3 * turn + session % 3; k++)
                ids[n++] = 100 + (round * SESSIONS + session) * 100 + k;
            trace_text_add_ids(t, (round * PER_ROUND + i) * 30.0, n * 32 - session % 32,
                               10 + i * 7 % 90, ids, n);
        }
    }
}

static void run(bool disagg, void (*settle)(struct fixture *f))
{
    struct fixture f;
    struct trace_text t = {0};
    struct counts counts = {0};
    struct trace_reader *trace;
    fixture_init(&f, disagg, 4);
    for (size_t p = 0; p < f.deployment.n_pools; p++) {
        struct pool_config *pool = &f.deployment.pools[p];
        pool->router = router_find("kv_aware");
        pool->engine.prefix_cache = true;
        pool->engine.eviction = kv_eviction_find("lru");
        pool->engine.kv_blocks = 200;
        pool->engine.max_num_seqs = 32;
    }
    settle(&f);
    policy_effects_clear(&f.deployment.policy_first, f.deployment.n_pools);
    f.deployment.policy_first.next_ns = TIME_NEVER;
    f.deployment.policy_state = &f.schedule;
    fixture_latency(&f);
    conversations(&t);
    struct trace_options options = {
        .format = "auto", .speedup = 1, .block_size_tok = f.deployment.trace_block_tok};
    cr_assert_eq(trace_open_memory(&trace, "test", t.text, strlen(t.text), &options, &f.diag),
                 ST_OK);
    struct observer observer = {.context = &counts, .request = count_request};
    const struct request_source source = trace_reader_source(trace);
    cr_assert_eq(sim_run(&f.config, &source, &observer, f.result, &f.diag), ST_OK, "%s",
                 f.diag.text);
    trace_close(trace);
    cr_assert_eq(counts.n_done, N);
    cr_assert_gt(counts.half_way, 0);
    cr_expect_eq(counts.last - counts.half_way, 0, "%zu allocations",
                 counts.last - counts.half_way);
    cr_expect_gt(f.result->cached_tok, f.result->prompt_tok / 10);
    free(t.text);
    fixture_release(&f);
}

static void plain(struct fixture *f)
{
    (void)f;
}

/* Everything that may need memory of its own. */
static void with_all(struct fixture *f)
{
    f->config.sample_ns = NS_PER_S;
    f->deployment.timeout_ns = 60 * NS_PER_S; /* whose events stay queued so long */
    f->config.cluster.links_per_node = 2;
    f->deployment.kv_router.temperature = 0.1;
    f->deployment.view_interval_ns = 100 * NS_PER_MS;
    for (size_t p = 0; p < f->deployment.n_pools; p++) {
        struct engine_config *engine = &f->deployment.pools[p].engine;
        engine->host_kv_blocks = 300;
        engine->host_bandwidth_bytes_per_s = 1e9;
        engine->kv_bytes_per_token = 10;
        engine->async_scheduling = true;
        engine->n_ranks = 2;
        engine->block_size_tok = 24; /* spans parts of two of the trace's */
        engine->kv_blocks = 300;
    }
}

Test(no_allocation, aggregated)
{
    run(false, plain);
}

Test(no_allocation, disaggregated)
{
    run(true, plain);
}

Test(no_allocation, with_all)
{
    run(true, with_all);
}
