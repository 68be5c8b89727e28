#include "planner_fixture.h"

#include <math.h>

static struct traffic_means traffic(double n_requests)
{
    return (struct traffic_means){.ttft_ms = 100,
                                  .itl_ms = 20,
                                  .n_requests = n_requests,
                                  .duration_s = 5,
                                  .isl_tok = 1000,
                                  .osl_tok = 100};
}

static const struct traffic_means idle = {NAN, NAN, 0, NAN, NAN, NAN};
static const int64_t one_each[N_SIDES] = {1, 1};

static struct throughput_outcome plan(struct fixture *f, const struct traffic_means *seen,
                                      const int64_t n_workers[N_SIDES])
{
    struct throughput_outcome o;

    cr_assert_eq(planner_core_throughput(&f->core, seen, n_workers, &o, &f->d), ST_OK);
    return o;
}

static struct load_outcome judge(struct fixture *f, const int64_t n_workers[N_SIDES], bool stable)
{
    struct load_outcome o;

    cr_assert_eq(planner_core_load(&f->core, n_workers, stable, &o, &f->d), ST_OK);
    return o;
}

Test(planner_core, throughput_tick_plans_both_sides_within_the_budget)
{
    struct fixture f;
    struct traffic_means seen = traffic(4000);

    fixture_init(&f);
    f.config.max_gpu_budget = 8;
    fixture_start(&f, 1, 1);
    struct throughput_outcome o = plan(&f, &seen, one_each);
    cr_assert(o.complete && o.request);
    cr_assert_eq(o.plan[SIDE_PREFILL].replicas, 4);
    cr_assert_gt(o.plan[SIDE_DECODE].replicas, 4);
    int64_t p = o.plan[SIDE_PREFILL].replicas, q = o.plan[SIDE_DECODE].replicas;
    const struct gpu_budget budget = {.max_gpus = 8, .min_endpoint = 1};
    budget_joint(&budget, &p, 1, &q, 1);
    cr_assert_eq(o.target[SIDE_PREFILL], p);
    cr_assert_eq(o.target[SIDE_DECODE], q);
    fixture_release(&f);
}

static enum status observe_without_memory(void *state, double value)
{
    (void)state;
    (void)value;
    return ST_NOMEM;
}

Test(planner_core, a_forecast_that_is_out_of_memory_ends_the_tick)
{
    const struct predictor_ops full = {.name = "full", .observe = observe_without_memory};
    struct traffic_means seen = traffic(4000);
    struct throughput_outcome o;
    struct fixture f;

    fixture_init(&f);
    fixture_start(&f, 1, 1);
    struct predictor *p = &f.core.forecasters[SIDE_DECODE].osl_tok;
    const struct predictor_ops *whole = p->ops;
    p->ops = &full;
    cr_assert_eq(planner_core_throughput(&f.core, &seen, one_each, &o, &f.d), ST_NOMEM);
    cr_assert_eq(f.d.status, ST_NOMEM);
    p->ops = whole;
    fixture_release(&f);
}

Test(planner_core, an_idle_interval_is_fed_but_not_planned)
{
    struct fixture f;
    struct traffic_means seen = traffic(4000);
    struct traffic_forecast next;

    fixture_init(&f);
    fixture_start(&f, 1, 1);
    plan(&f, &seen, one_each);
    struct throughput_outcome o = plan(&f, &idle, one_each);
    cr_assert_not(o.complete || o.request);
    cr_assert_eq(o.plan[SIDE_PREFILL].state, PLAN_INVALID_TRAFFIC);
    cr_assert(planner_core_forecast(&f.core, SIDE_DECODE, &next));
    cr_assert_eq(next.n_requests, 0);
    cr_assert_eq(next.isl_tok, 0, "lengths are pulled down too");
    fixture_release(&f);
}

Test(planner_core, idle_lengths_fix_keeps_lengths_out_of_idle_intervals)
{
    struct fixture f;
    struct traffic_means seen = traffic(4000);
    struct traffic_forecast next;

    fixture_init(&f);
    f.config.fixes = FIX_IDLE_LENGTHS;
    fixture_start(&f, 1, 1);
    plan(&f, &seen, one_each);
    plan(&f, &idle, one_each);
    cr_assert(planner_core_forecast(&f.core, SIDE_DECODE, &next));
    cr_assert_eq(next.n_requests, 0);
    cr_assert_eq(next.isl_tok, 1000);
    cr_assert_eq(next.osl_tok, 100);
    fixture_release(&f);
}

Test(planner_core, corrections_persist_and_skip_a_pool_without_workers)
{
    struct fixture f;
    struct traffic_means seen = traffic(4000);
    const int64_t no_decode[N_SIDES] = {1, 0};

    fixture_init(&f);
    f.config.no_correction = false;
    fixture_start(&f, 1, 1);
    seen.ttft_ms = 50;
    struct throughput_outcome o = plan(&f, &seen, no_decode);
    cr_assert_float_eq(o.plan[SIDE_PREFILL].correction, 0.5, 1e-9);
    cr_assert_eq(o.plan[SIDE_DECODE].correction, 1);
    cr_assert(o.complete);
    cr_assert_eq(o.plan[SIDE_PREFILL].replicas, 2);
    plan(&f, &idle, one_each);
    cr_assert_float_eq(f.core.correction[SIDE_PREFILL], 0.5, 1e-9, "kept over an idle interval");
    fixture_release(&f);
}

Test(planner_core, budget_below_min_endpoint_asks_for_none_or_with_the_fix_for_nothing)
{
    for (int fixed = 0; fixed < 2; fixed++) {
        struct fixture f;
        struct traffic_means seen = traffic(4000);
        fixture_init(&f);
        f.config.max_gpu_budget = 3;
        f.config.fixes = fixed ? FIX_BUDGET_HOLD : 0;
        fixture_start(&f, 2, 2);
        struct throughput_outcome o = plan(&f, &seen, one_each);
        cr_assert_eq(o.request, !fixed);
        cr_assert_eq(o.held, fixed);
        if (!fixed) {
            cr_assert_eq(o.target[SIDE_PREFILL], 0);
            cr_assert_eq(o.target[SIDE_DECODE], 0);
        }
        fixture_release(&f);
    }
}

/* Load scaling with a line y = x for both latencies, learnt from five pages. */
static void learn(struct fixture *f, const char *mode, bool floors)
{
    f->config.mode = mode;
    f->config.enable_load_scaling = true;
    f->config.enable_throughput_scaling = floors;
    f->config.ttft_ms = 1000;
    f->config.itl_ms = 100;
    fixture_start(f, 1, 1);
    for (int i = 1; i <= 5; i++) {
        regression_add(&f->core.ttft, 100 * i, 100 * i);
        regression_add(&f->core.itl, 10 * i, 10 * i);
    }
}

/* Latencies are left out, so that pages teach nothing new. */
static void page(struct fixture *f, int n_prefill, double prefill_tok, int n_decode, double blocks)
{
    struct gauge_page p = {.n = 0};

    for (int i = 0; i < n_prefill; i++)
        gauge_page_set(&p, WORKER_PREFILL, (uint64_t)i, GAUGE_PREFILL_TOKENS, prefill_tok);
    for (int i = 0; i < n_decode; i++) {
        gauge_page_set(&p, WORKER_DECODE, 100 + (uint64_t)i, GAUGE_DECODE_BLOCKS, blocks);
        gauge_page_set(&p, WORKER_DECODE, 100 + (uint64_t)i, GAUGE_PREFILL_TOKENS, prefill_tok);
    }
    planner_core_sample(&f->core, &p);
    gauge_page_release(&p);
}

static struct load_outcome round_of(struct fixture *f, int64_t n_prefill, int64_t n_decode)
{
    const int64_t n[N_SIDES] = {n_prefill, n_decode};

    return judge(f, n, true);
}

Test(planner_core, load_round_moves_each_pool_by_one)
{
    struct fixture f;

    fixture_init(&f);
    learn(&f, "disagg", false);
    page(&f, 2, 1500, 3, 10);
    struct load_outcome o = round_of(&f, 2, 3);
    cr_assert_eq(o.state, LOAD_REQUEST);
    cr_assert_eq(o.target[SIDE_PREFILL], 3);
    cr_assert_eq(o.target[SIDE_DECODE], 2);
    page(&f, 2, 500, 3, 90);
    o = round_of(&f, 2, 3);
    cr_assert_eq(o.state, LOAD_NO_CHANGE);
    fixture_release(&f);
}

Test(planner_core, counts_must_match_for_every_pool_of_the_mode)
{
    struct fixture f;

    fixture_init(&f);
    learn(&f, "disagg", false);
    page(&f, 2, 1500, 3, 10);
    cr_assert_eq(round_of(&f, 2, 4).state, LOAD_COUNT_MISMATCH);
    cr_assert_eq(round_of(&f, 1, 3).state, LOAD_COUNT_MISMATCH);
    cr_assert_eq(round_of(&f, 2, 3).state, LOAD_REQUEST);
    fixture_release(&f);
}

Test(planner_core, agg_workers_are_judged_by_both_rules_on_the_decode_side)
{
    struct fixture f;

    fixture_init(&f);
    learn(&f, "agg", false);
    page(&f, 0, 1500, 2, 10);
    struct load_outcome o = round_of(&f, 0, 2);
    cr_assert_eq(o.state, LOAD_REQUEST);
    cr_assert_eq(o.target[SIDE_DECODE], 3, "up on either");
    cr_assert_eq(o.target[SIDE_PREFILL], -1);
    page(&f, 0, 500, 2, 10);
    cr_assert_eq(round_of(&f, 0, 2).state, LOAD_NO_CHANGE, "down on one only");
    page(&f, 0, 10, 2, 10);
    o = round_of(&f, 0, 2);
    cr_assert_eq(o.target[SIDE_DECODE], 1);
    fixture_release(&f);
}

Test(planner_core, floors_do_not_act_alone_but_turn_a_wish_down_into_a_jump_up)
{
    struct fixture f;

    fixture_init(&f);
    learn(&f, "disagg", true);
    f.core.floor[SIDE_PREFILL] = 6;
    page(&f, 2, 900, 3, 90);
    cr_assert_eq(round_of(&f, 2, 3).state, LOAD_NO_CHANGE);
    page(&f, 2, 900, 3, 10);
    struct load_outcome o = round_of(&f, 2, 3);
    cr_assert_eq(o.target[SIDE_PREFILL], 6);
    cr_assert_eq(o.target[SIDE_DECODE], 2);
    f.config.fixes = FIX_FLOORS_ACT_ALONE;
    page(&f, 2, 900, 3, 90);
    o = round_of(&f, 2, 3);
    cr_assert_eq(o.state, LOAD_REQUEST);
    cr_assert_eq(o.target[SIDE_PREFILL], 6);
    cr_assert_eq(o.target[SIDE_DECODE], 3);
    fixture_release(&f);
}

Test(planner_core, min_endpoint_holds_for_load_decisions_only_in_agg_or_with_the_fix)
{
    for (int fixed = 0; fixed < 2; fixed++) {
        struct fixture f;
        fixture_init(&f);
        f.config.min_endpoint = 3;
        f.config.fixes = fixed ? FIX_MIN_ENDPOINT_LOAD : 0;
        learn(&f, "decode", false);
        page(&f, 0, 0, 3, 10);
        struct load_outcome o = round_of(&f, 0, 3);
        cr_assert_eq(o.state, fixed ? LOAD_NO_CHANGE : LOAD_REQUEST);
        if (!fixed)
            cr_assert_eq(o.target[SIDE_DECODE], 2);
        fixture_release(&f);
    }
    struct fixture f;
    fixture_init(&f);
    f.config.min_endpoint = 3;
    learn(&f, "agg", false);
    page(&f, 0, 10, 3, 10);
    struct load_outcome o = round_of(&f, 0, 3);
    cr_assert_eq(o.target[SIDE_DECODE], 3, "a request for the current count");
    fixture_release(&f);
}

Test(planner_core, stale_gauges_stay_in_use_unless_fixed)
{
    for (int fixed = 0; fixed < 2; fixed++) {
        struct fixture f;
        fixture_init(&f);
        f.config.fixes = fixed ? FIX_STALE_METRICS : 0;
        learn(&f, "decode", false);
        page(&f, 0, 0, 2, 500);
        for (int i = 0; i < 20; i++)
            page(&f, 0, 0, 0, 0);
        struct load_outcome o = round_of(&f, 0, 2);
        cr_assert_eq(o.state, fixed ? LOAD_COUNT_MISMATCH : LOAD_REQUEST);
        cr_assert_eq(round_of(&f, 0, 0).state, fixed ? LOAD_NO_CHANGE : LOAD_COUNT_MISMATCH,
                     "after scaling to none, only the fix gets on");
        fixture_release(&f);
    }
}

Test(planner_core, a_rollout_is_waited_for_only_with_the_fix)
{
    for (int fixed = 0; fixed < 2; fixed++) {
        struct fixture f;
        const int64_t n[N_SIDES] = {0, 2};
        fixture_init(&f);
        f.config.fixes = fixed ? FIX_WAIT_STABLE : 0;
        learn(&f, "decode", false);
        page(&f, 0, 0, 2, 500);
        cr_assert_eq(judge(&f, n, false).state, fixed ? LOAD_UNSTABLE : LOAD_REQUEST);
        fixture_release(&f);
    }
}

Test(planner_core, regression_fixes_reach_the_load_rule)
{
    for (int fixed = 0; fixed < 2; fixed++) {
        struct fixture f;
        fixture_init(&f);
        f.config.fixes = fixed ? FIX_UNREACHABLE_UP | FIX_FALLBACK_LARGEST : 0;
        learn(&f, "decode", false);
        cr_assert_eq(f.core.itl.largest_fallback, fixed);
        f.config.itl_ms = 0;
        page(&f, 0, 0, 2, 500);
        cr_assert_eq(round_of(&f, 0, 2).state, fixed ? LOAD_REQUEST : LOAD_NO_CHANGE);
        fixture_release(&f);
    }
}

Test(planner_core, both_loops_keep_floors_without_budget)
{
    struct fixture f;
    struct traffic_means seen = traffic(4000);

    fixture_init(&f);
    f.config.max_gpu_budget = 2;
    learn(&f, "disagg", true);
    struct throughput_outcome o = plan(&f, &seen, one_each);
    cr_assert(o.as_floor);
    cr_assert_not(o.request);
    cr_assert_eq(f.core.floor[SIDE_PREFILL], 4);
    plan(&f, &idle, one_each);
    cr_assert_eq(f.core.floor[SIDE_PREFILL], 4, "a skipped tick keeps them");
    fixture_release(&f);
}

Test(planner_core, reasons_name_the_cause)
{
    struct fixture f;
    struct traffic_means seen = traffic(2500);
    char text[256];

    fixture_init(&f);
    f.config.mode = "prefill";
    f.config.max_gpu_budget = 2;
    fixture_start(&f, 1, 1);
    struct throughput_outcome o = plan(&f, &seen, one_each);
    throughput_reason(text, sizeof text, &f.core, &o, one_each);
    cr_assert_str_eq(text,
                     "prefill 1 -> 3: 25 req/s x 1000 tok / (10000 tok/s x 1 gpu) = 2.5; budget "
                     "2 GPUs turns 3 into 2");
    o = plan(&f, &idle, one_each);
    throughput_reason(text, sizeof text, &f.core, &o, one_each);
    cr_assert_str_eq(text, "no plan: ttft is NaN (idle)");
    fixture_release(&f);

    fixture_init(&f);
    f.config.mode = "prefill";
    f.config.min_endpoint = 4;
    fixture_start(&f, 1, 1);
    o = plan(&f, &seen, one_each);
    throughput_reason(text, sizeof text, &f.core, &o, one_each);
    cr_assert_str_eq(
        text, "prefill 1 -> 4: 25 req/s x 1000 tok / (10000 tok/s x 1 gpu) = 2.5, min_endpoint 4");
    f.config.enable_load_scaling = true;
    o = plan(&f, &seen, one_each);
    throughput_reason(text, sizeof text, &f.core, &o, one_each);
    cr_assert_str_eq(
        text, "prefill floor 4: 25 req/s x 1000 tok / (10000 tok/s x 1 gpu) = 2.5, min_endpoint 4");
    fixture_release(&f);

    fixture_init(&f);
    learn(&f, "disagg", false);
    page(&f, 2, 1500, 3, 10);
    struct load_outcome l = round_of(&f, 2, 3);
    load_reason(text, sizeof text, &f.core, &l);
    cr_assert_str_eq(text,
                     "prefill 2 -> 3: at 1500 tok, all above 1000; decode 3 -> 2: at 10 blocks, "
                     "all below 53");
    l = round_of(&f, 2, 4);
    load_reason(text, sizeof text, &f.core, &l);
    cr_assert_str_eq(text, "skipped, worker counts differ: prefill 2 ready and 2 on the page, "
                           "decode 4 ready and 3 on the page");
    fixture_release(&f);

    fixture_init(&f);
    learn(&f, "agg", false);
    page(&f, 0, 1500, 2, 10);
    l = round_of(&f, 0, 2);
    load_reason(text, sizeof text, &f.core, &l);
    cr_assert_str_eq(text, "agg 2 -> 3: prefill at 1500 tok, all above 1000; decode at 10 blocks, "
                           "all below 40");
    fixture_release(&f);
}
