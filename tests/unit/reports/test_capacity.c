/* Windows of 10 s from second 10 on, targets of 50 ms per token. A worker makes 100 tokens per
 * second. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "reports/capacity.h"
#include "util/units.h"

#define MS(x) ((int64_t)(x)*NS_PER_MS)

static const char *const pool_names[] = {"prefill", "decode"};

static double tok_per_s(const void *engine, double context_tok, double tpot_ms)
{
    cr_expect_float_eq(tpot_ms, 50, 0);
    cr_expect_geq(context_tok, 1000);
    return *(const double *)engine;
}

struct run {
    struct capacity *capacity;
    struct capacity_summary summary;
};

static void setup(struct run *r, size_t n_pools)
{
    static const double rate = 100;
    const struct capacity_worker w = {.n_ranks = 1, .tok_per_s = tok_per_s, .engine = &rate};
    const struct capacity_rules rules = {.window_ns = MS(10000),
                                         .from_ns = MS(10000),
                                         .tpot_target_ns = MS(50),
                                         .n_pools = n_pools,
                                         .gpus_per_worker = {1, 2},
                                         .workers = {w, w}};
    r->capacity = capacity_new(&rules);
    cr_assert(r->capacity);
}

static void worker(struct run *r, size_t pool, int64_t ready_ms, int64_t drain_ms, int64_t end_ms)
{
    const struct worker_record w = {.pool = pool,
                                    .ready_ns = ready_ms < 0 ? -1 : MS(ready_ms),
                                    .drain_ns = drain_ms < 0 ? -1 : MS(drain_ms),
                                    .end_ns = MS(end_ms)};
    cr_assert_eq(capacity_add_worker(r->capacity, &w, NULL), ST_OK);
}

/* Comes to the first pool, has its prompt after so much work, and its tokens until last_ms. */
static void served(struct run *r, int64_t arrival_ms, int64_t work_ms, int64_t done_ms,
                   uint32_t n_tok, int64_t last_ms)
{
    struct request_parts parts = {.waits = {pool_wait_none, pool_wait_none}};
    const struct request_record q = {.outcome = OUTCOME_COMPLETED,
                                     .isl_tok = 1000,
                                     .osl_tok = n_tok,
                                     .n_output_tok = n_tok,
                                     .arrival_ns = MS(arrival_ms),
                                     .prefill_done_ns = MS(done_ms),
                                     .first_token_ns = MS(done_ms),
                                     .last_token_ns = MS(last_ms),
                                     .end_ns = MS(last_ms),
                                     .parts = &parts};

    parts.waits[0].from_ns = MS(arrival_ms);
    parts.e2e_ns[PART_PREFILL] = MS(work_ms);
    cr_assert_eq(capacity_add_request(r->capacity, &q, NULL), ST_OK);
}

/* Its prompt was never computed. */
static void given_up(struct run *r, int64_t arrival_ms, uint32_t isl_tok, int64_t end_ms,
                     enum outcome outcome)
{
    struct request_parts parts = {.waits = {pool_wait_none, pool_wait_none}};
    const struct request_record q = {.outcome = outcome,
                                     .isl_tok = isl_tok,
                                     .osl_tok = 100,
                                     .arrival_ns = MS(arrival_ms),
                                     .prefill_done_ns = -1,
                                     .first_token_ns = -1,
                                     .last_token_ns = -1,
                                     .end_ns = MS(end_ms),
                                     .parts = &parts};

    parts.waits[0].from_ns = MS(arrival_ms);
    cr_assert_eq(capacity_add_request(r->capacity, &q, NULL), ST_OK);
}

static void finish(struct run *r, int64_t end_ms)
{
    cr_assert_eq(capacity_finish(r->capacity, MS(end_ms), &r->summary, NULL), ST_OK);
}

static void check(const struct run *r, size_t pool, size_t i, struct capacity_window is)
{
    const struct capacity_window w = capacity_window(r->capacity, pool, i);

    cr_expect_float_eq(w.ready, is.ready, 1e-9, "%zu: ready %g", i, w.ready);
    cr_expect_float_eq(w.demand, is.demand, 1e-9, "%zu: demand %g", i, w.demand);
    cr_expect_float_eq(w.short_of, is.short_of, 1e-9, "%zu: short %g", i, w.short_of);
    cr_expect_float_eq(w.idle, is.idle, 1e-9, "%zu: idle %g", i, w.idle);
    cr_expect_float_eq(w.left, is.left, 1e-9, "%zu: left %g", i, w.left);
}

static void teardown(struct run *r)
{
    capacity_free(r->capacity);
}

Test(capacity, workers_count_from_ready_to_drain_and_only_in_the_measured_span)
{
    struct run r;
    setup(&r, 2);
    worker(&r, 0, 0, -1, 35000);
    worker(&r, 0, 14000, 32000, 35000);
    worker(&r, 0, -1, -1, 35000); /* never ready */
    worker(&r, 0, 2000, -1, 9000);
    finish(&r, 35000);
    cr_expect_eq(r.summary.n_windows, 3);
    check(&r, 0, 0, (struct capacity_window){16, 0, 0, 16, 0});
    check(&r, 0, 1, (struct capacity_window){20, 0, 0, 20, 0});
    check(&r, 0, 2, (struct capacity_window){7, 0, 0, 7, 0});
    check(&r, 1, 0, (struct capacity_window){0, 0, 0, 0, 0});
    cr_expect_float_eq(r.summary.pools[0].idle_worker_s, 43, 1e-9);
    cr_expect_float_eq(r.summary.pools[0].idle_gpu_hours, 43 / 3600., 1e-12);
    teardown(&r);
}

/* 14 s of work in a window of 10, which the next one does beside its own 3. */
Test(capacity, what_is_left_over_is_not_short_again_and_takes_from_what_is_idle)
{
    struct run r;
    setup(&r, 2);
    worker(&r, 0, 0, -1, 30000);
    served(&r, 11000, 9000, 20000, 1, 20000);
    served(&r, 12000, 5000, 25000, 1, 25000);
    served(&r, 20000, 3000, 28000, 1, 28000);
    served(&r, 9000, 4000, 13000, 1, 13000); /* before the span */
    finish(&r, 30000);
    check(&r, 0, 0, (struct capacity_window){10, 14, 4, 0, 4});
    check(&r, 0, 1, (struct capacity_window){10, 3, 0, 3, 0});
    cr_expect_float_eq(r.summary.pools[0].short_worker_s, 4, 1e-9);
    cr_expect_float_eq(r.summary.pools[0].short_windows, 1, 0);
    cr_expect_float_eq(r.summary.pools[0].max_short_workers, 0.4, 1e-9);
    teardown(&r);
}

/* Computed prompts take 2 ms per token. 3000 tokens wait over the end of the first window, and
 * leave in the second; who was rejected asked for nothing. */
Test(capacity, prompts_that_were_never_computed_count_as_others_do_until_they_leave)
{
    struct run r;
    setup(&r, 2);
    worker(&r, 0, 0, 14000, 40000);
    served(&r, 11000, 2000, 13000, 1, 13000);
    given_up(&r, 14000, 3000, 25000, OUTCOME_TIMED_OUT);
    given_up(&r, 15000, 9000, 15000, OUTCOME_REJECTED);
    finish(&r, 40000);
    check(&r, 0, 0, (struct capacity_window){4, 8, 4, 0, 4});
    check(&r, 0, 1, (struct capacity_window){0, 0, 0, 0, 0});
    teardown(&r);
}

/* 100 tokens from 18 to 22 s; 100 tokens from 25 s on, which took 20 s and were due in 5. */
Test(capacity, tokens_are_asked_for_as_they_came_or_as_they_were_due)
{
    struct run r;
    setup(&r, 2);
    worker(&r, 1, 0, -1, 50000);
    served(&r, 17000, 10, 18000, 101, 22000);
    finish(&r, 50000);
    check(&r, 1, 0, (struct capacity_window){10, 0.5, 0, 9.5, 0});
    check(&r, 1, 1, (struct capacity_window){10, 0.5, 0, 9.5, 0});
    cr_expect_float_eq(r.summary.pools[1].rated_tok_per_s, 100, 1e-9);
    cr_expect_float_eq(r.summary.pools[1].idle_gpu_hours, 2 * 39 / 3600., 1e-12);
    cr_expect(isnan(r.summary.pools[0].rated_tok_per_s));
    teardown(&r);
    setup(&r, 2);
    served(&r, 17000, 10, 25000, 101, 45000);
    finish(&r, 50000);
    check(&r, 1, 0, (struct capacity_window){0, 0, 0, 0, 0});
    check(&r, 1, 1, (struct capacity_window){0, 1, 1, 0, 1});
    check(&r, 1, 2, (struct capacity_window){0, 0, 0, 0, 1});
    teardown(&r);
}

Test(capacity, an_aggregated_pool_has_prompts_and_tokens)
{
    struct run r;
    setup(&r, 1);
    worker(&r, 0, 0, -1, 20000);
    served(&r, 11000, 1500, 13000, 201, 19000);
    finish(&r, 20000);
    check(&r, 0, 0, (struct capacity_window){10, 3.5, 0, 6.5, 0});
    teardown(&r);
}

Test(capacity, figures_under_keys)
{
    struct run r;
    double value;
    setup(&r, 2);
    worker(&r, 1, 0, -1, 20000);
    finish(&r, 20000);
    cr_assert(capacity_lookup(&r.summary, "capacity.decode.idle_worker_s", 2, pool_names, &value));
    cr_expect_float_eq(value, 10, 1e-9);
    static const char *const wrong[] = {
        "capacity.",        "capacity.decode",      "capacity.agg.x",
        "capacity.decode.", "capacity.decode.idle", "causes.x.y"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        cr_expect_not(capacity_lookup(&r.summary, wrong[i], 2, pool_names, &value), "%s", wrong[i]);
    r.summary.kept = false;
    cr_assert(capacity_lookup(&r.summary, "capacity.decode.idle_worker_s", 2, pool_names, &value));
    cr_expect(isnan(value));
    teardown(&r);
}

Test(capacity, in_a_sentence)
{
    char text[CAPACITY_SENTENCE_SIZE];
    struct capacity_total t = {.idle_gpu_hours = 1.884};

    cr_expect_str_eq(capacity_sentence(text, &t, "prefill"),
                     "prefill never short, 1.88 GPU-hours beyond the load");
    t.short_worker_s = 1233.2;
    t.short_windows = 3;
    cr_expect_str_eq(capacity_sentence(text, &t, "prefill"),
                     "prefill short of 1,234 worker-seconds in 3 windows, 1.88 GPU-hours beyond "
                     "the load");
}
