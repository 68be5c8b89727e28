#include <criterion/criterion.h>
#include <math.h>

#include "planner/dynamo1/load_scaling.h"

/* A line y = x (ms per token or block), and two workers. */
struct scene {
    struct arena arena;
    struct regression line;
    struct load_metrics m;
};

static void scene_init(struct scene *s, double load_a, double load_b, enum gauge g)
{
    struct diag d;

    *s = (struct scene){.m = {.n_seen = NULL}};
    arena_init(&s->arena);
    diag_init(&d);
    cr_assert_eq(regression_init(&s->line, &s->arena, 10, 2, &d), ST_OK);
    regression_add(&s->line, 0, 0);
    regression_add(&s->line, 1000, 1000);
    for (int i = 0; i < N_GAUGES; i++)
        s->m.cluster[i] = NAN;
    gauge_page_set(&s->m.recent, WORKER_DECODE, 1, g, load_a);
    gauge_page_set(&s->m.recent, WORKER_DECODE, 2, g, load_b);
}

static void scene_release(struct scene *s)
{
    load_metrics_release(&s->m);
    arena_release(&s->arena);
}

static struct load_rule rule(double target_ms, int64_t n)
{
    return (struct load_rule){.target_ms = target_ms, .n_workers = n, .sensitivity = 0.8};
}

static struct load_verdict judge_two(double a, double b, double target_ms)
{
    struct scene s;
    struct load_rule r = rule(target_ms, 2);

    scene_init(&s, a, b, GAUGE_DECODE_BLOCKS);
    struct load_verdict v = load_judge_decode(&s.line, &s.m, &r);
    scene_release(&s);
    return v;
}

Test(load_scaling, up_needs_every_worker_above_the_target)
{
    cr_assert_eq(judge_two(501, 600, 500).wish, LOAD_UP);
    cr_assert_eq(judge_two(500, 600, 500).wish, LOAD_KEEP, "strictly above");
    cr_assert_eq(judge_two(501, 600, 500).cause, LOAD_ALL_ABOVE);
}

Test(load_scaling, down_needs_every_worker_below_what_one_worker_less_would_leave)
{
    /* 500 * 1/2 * 0.8 = 200 */
    cr_assert_eq(judge_two(199, 0, 500).wish, LOAD_DOWN);
    cr_assert_eq(judge_two(200, 0, 500).wish, LOAD_KEEP, "strictly below");
    cr_assert_eq(judge_two(199, 0, 500).boundary, 200);
}

Test(load_scaling, the_last_worker_never_goes)
{
    struct scene s;
    struct load_rule one = rule(500, 1), none = rule(500, 0);

    scene_init(&s, 0, 0, GAUGE_DECODE_BLOCKS);
    cr_assert_eq(load_judge_decode(&s.line, &s.m, &one).wish, LOAD_KEEP);
    cr_assert_eq(load_judge_decode(&s.line, &s.m, &none).cause, LOAD_NO_METRICS);
    scene_release(&s);
}

Test(load_scaling, prefill_takes_the_mean_prompt_off_the_target)
{
    struct scene s;
    struct load_rule r = rule(500, 2);

    scene_init(&s, 350, 360, GAUGE_PREFILL_TOKENS);
    s.m.cluster[GAUGE_ISL_TOK] = 200;
    struct load_verdict v = load_judge_prefill(&s.line, &s.m, &r);
    cr_assert_eq(v.x_sla, 500);
    cr_assert_eq(v.limit, 300);
    cr_assert_eq(v.wish, LOAD_UP);
    scene_release(&s);
}

Test(load_scaling, an_unreachable_target_does_nothing_unless_fixed)
{
    struct scene s;
    struct load_rule r = rule(500, 2);

    scene_init(&s, 5000, 5000, GAUGE_PREFILL_TOKENS);
    s.m.cluster[GAUGE_ISL_TOK] = 500;
    struct load_verdict v = load_judge_prefill(&s.line, &s.m, &r);
    cr_assert_eq(v.wish, LOAD_KEEP);
    cr_assert_eq(v.cause, LOAD_UNREACHABLE);
    r.unreachable_up = true;
    cr_assert_eq(load_judge_prefill(&s.line, &s.m, &r).wish, LOAD_UP);
    scene_release(&s);
}

Test(load_scaling, observations_leave_out_workers_without_latency_or_load)
{
    struct scene s;
    struct gauge_page p = {.n = 0};

    scene_init(&s, 0, 0, GAUGE_DECODE_BLOCKS);
    s.line.n = s.line.next = 0;
    gauge_page_set(&p, WORKER_PREFILL, 1, GAUGE_TTFT_S, 0.5);
    gauge_page_set(&p, WORKER_PREFILL, 2, GAUGE_ISL_TOK, 100);
    gauge_page_set(&p, WORKER_PREFILL, 3, GAUGE_TTFT_S, 0.25);
    gauge_page_set(&p, WORKER_PREFILL, 3, GAUGE_ISL_TOK, 100);
    load_observe_prefill(&s.line, &p);
    cr_assert_eq(s.line.n, 1);
    cr_assert_eq(s.line.x[0], 100, "absent active tokens count as 0");
    cr_assert_eq(s.line.y[0], 250);
    gauge_page_set(&p, WORKER_PREFILL, 1, GAUGE_ITL_S, 0.02);
    gauge_page_set(&p, WORKER_PREFILL, 2, GAUGE_DECODE_BLOCKS, 7);
    gauge_page_set(&p, WORKER_PREFILL, 3, GAUGE_ITL_S, 0.03);
    gauge_page_set(&p, WORKER_PREFILL, 3, GAUGE_DECODE_BLOCKS, 8);
    load_observe_decode(&s.line, &p);
    cr_assert_eq(s.line.n, 2);
    cr_assert_eq(s.line.x[1], 8);
    gauge_page_release(&p);
    scene_release(&s);
}

Test(load_scaling, aggregated_workers_go_up_on_either_and_down_on_both)
{
    cr_assert_eq(load_combine(LOAD_UP, LOAD_DOWN), LOAD_UP);
    cr_assert_eq(load_combine(LOAD_KEEP, LOAD_UP), LOAD_UP);
    cr_assert_eq(load_combine(LOAD_DOWN, LOAD_KEEP), LOAD_KEEP);
    cr_assert_eq(load_combine(LOAD_DOWN, LOAD_DOWN), LOAD_DOWN);
}
