#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "studies/compare/compare_internal.h"
#include "tests/unit/arena_fixture.h"

TestSuite(compare, .init = setup, .fini = teardown);

#define MS INT64_C(1000000)
#define S INT64_C(1000000000)

static struct compare_run run_of(const struct recorded_request *requests, size_t n_requests,
                                 const struct recorded_sample *samples, size_t n_samples,
                                 const struct recorded_decision *decisions, size_t n_decisions)
{
    struct compare_run run = {.recorded = {.ttft_target_ns = 100 * MS,
                                           .tpot_target_ns = 10 * MS,
                                           .n_pools = 1,
                                           .pools = {"agg"},
                                           .n_requests = n_requests,
                                           .requests = requests,
                                           .n_samples = n_samples,
                                           .samples = samples,
                                           .n_decisions = n_decisions,
                                           .decisions = decisions}};

    cr_assert_eq(compare_cut_windows(&run, &arena, 10 * S, &diag), ST_OK);
    return run;
}

/* Completed. */
static struct recorded_request request(uint64_t index, int64_t arrival_ns, int64_t ttft_ms,
                                       int64_t tpot_ms)
{
    return (struct recorded_request){.index = index,
                                     .arrival_ns = arrival_ns,
                                     .ttft_ns = ttft_ms * MS,
                                     .tpot_ns = tpot_ms < 0 ? -1 : tpot_ms * MS,
                                     .input_tok = 7,
                                     .output_tok = 3,
                                     .outcome = OUTCOME_COMPLETED,
                                     .measured = true,
                                     .good = ttft_ms <= 100 && tpot_ms <= 10};
}

static struct recorded_request lost(uint64_t index, int64_t arrival_ns)
{
    struct recorded_request q = request(index, arrival_ns, 0, -1);

    q.outcome = OUTCOME_LOST;
    q.ttft_ns = -1;
    q.good = false;
    return q;
}

Test(compare, windows_hold_what_arrived_in_them)
{
    const struct recorded_request requests[] = {request(0, 0, 50, 5), request(1, 9 * S, 150, 5),
                                                lost(2, 10 * S), request(3, 31 * S, 20, -1)};
    const struct recorded_sample samples[] = {{0, 0, 2, 1, 1, 0, 0, 0, 0, 0, 0},
                                              {5 * S, 0, 2, 2, 0, 0, 0, 0, 0, 0, 0},
                                              {10 * S, 0, 2, 2, 0, 0, 0, 0, 0, 0, 0},
                                              {40 * S, 0, 9, 9, 0, 0, 0, 0, 0, 0, 0}};
    const struct compare_run run = run_of(requests, 4, samples, 4, NULL, 0);

    cr_assert_eq(run.n_windows, 4);
    cr_expect_eq(run.windows[0].n_offered, 2);
    cr_expect_eq(run.windows[0].n_good, 1);
    cr_expect_float_eq(run.windows[0].ttft_ms, 100, 1e-9);
    cr_expect_float_eq(run.windows[0].tpot_ms, 5, 1e-9);
    cr_expect_float_eq(run.windows[0].workers[0], 1.5, 1e-9);
    cr_expect_eq(run.windows[1].n_offered, 1);
    cr_expect(isnan(run.windows[1].ttft_ms));
    cr_expect_eq(run.windows[2].n_offered, 0);
    cr_expect(isnan(run.windows[2].workers[0]));
    cr_expect(isnan(run.windows[3].tpot_ms));
}

static struct compare_pair pair_of(const struct compare_run *a, const struct compare_run *b)
{
    return (struct compare_pair){.a = a, .b = b, .same_pools = true};
}

/* Seven windows of a request each: the third and the later ones differ. */
Test(compare, the_worst_windows_come_first)
{
    struct recorded_request before[7], after[7];

    for (uint64_t i = 0; i < 7; i++)
        before[i] = after[i] = request(i, (int64_t)i * 10 * S, 50, 5);
    after[2] = request(2, 20 * S, 60, 5);  /* later, but good */
    after[3] = request(3, 30 * S, 500, 5); /* missed */
    after[4] = request(4, 40 * S, 900, 5); /* missed by more */
    after[5] = request(5, 50 * S, 40, 5);  /* better */
    after[6] = lost(6, 60 * S);            /* missed, and no time to compare */
    const struct compare_run a = run_of(before, 7, NULL, 0, NULL, 0);
    const struct compare_run b = run_of(after, 7, NULL, 0, NULL, 0);
    struct compare_pair pair = pair_of(&a, &b);

    compare_windows(&pair);
    cr_expect_eq(pair.n_windows, 7);
    cr_expect_eq(pair.n_differing, 5);
    cr_expect_eq(pair.first_differing, 2);
    cr_assert_eq(pair.n_worst, 4);
    cr_expect_eq(pair.worst[0], 4);
    cr_expect_eq(pair.worst[1], 3);
    cr_expect_eq(pair.worst[2], 6);
    cr_expect_eq(pair.worst[3], 2);
}

Test(compare, requests_are_matched_by_their_row)
{
    const struct recorded_request before[] = {
        request(0, 0, 50, 5),  request(1, 0, 50, 5),   request(2, 0, 50, 5), request(3, 0, 50, 5),
        request(4, 0, 200, 5), request(5, 0, 200, 20), request(7, 0, 50, 5)};
    const struct recorded_request after[] = {request(0, 0, 60, 5),  request(1, 0, 101, 5),
                                             request(2, 0, 50, 11), request(3, 0, 300, 11),
                                             request(4, 0, 100, 5), request(5, 0, 210, 20),
                                             request(6, 0, 500, 5), lost(7, 0)};
    const struct compare_run a = run_of(before, 7, NULL, 0, NULL, 0);
    const struct compare_run b = run_of(after, 8, NULL, 0, NULL, 0);
    struct compare_pair pair = pair_of(&a, &b);

    compare_requests(&pair);
    const struct compare_requests *r = &pair.requests;
    cr_assert(r->matched);
    cr_expect_eq(r->n, 7);
    cr_expect_eq(r->n_good, 1);
    cr_expect_eq(r->n_missed, 1);
    cr_expect_eq(r->n_better, 1);
    cr_expect_eq(r->better_by[MISS_TTFT], 1);
    cr_expect_eq(r->n_worse, 4);
    cr_expect_eq(r->worse_by[MISS_TTFT], 1);
    cr_expect_eq(r->worse_by[MISS_TPOT], 1);
    cr_expect_eq(r->worse_by[MISS_BOTH], 1);
    cr_expect_eq(r->worse_by[MISS_OUTCOME + OUTCOME_LOST], 1);
    cr_expect_str_eq(compare_miss_name(MISS_OUTCOME + OUTCOME_LOST), "lost");
    cr_assert_eq(r->n_worst, 4);
    cr_expect_eq(r->worst[0].b->index, 7);
    cr_expect_eq(r->worst[1].b->index, 3);
    cr_expect_eq(r->worst[2].b->index, 1);
    cr_expect_eq(r->worst[3].b->index, 2);
}

Test(compare, other_requests_are_not_matched)
{
    struct recorded_request before[] = {request(0, 0, 50, 5), request(1, 0, 50, 5)};
    struct recorded_request after[] = {request(0, 0, 50, 5), request(1, 0, 50, 5)};

    after[1].input_tok++;
    const struct compare_run a = run_of(before, 2, NULL, 0, NULL, 0);
    const struct compare_run b = run_of(after, 2, NULL, 0, NULL, 0);
    struct compare_pair pair = pair_of(&a, &b);
    compare_requests(&pair);
    cr_expect_not(pair.requests.matched);
}

/* From `target` to `applied` workers (NaN: left). */
static struct recorded_decision decision(int64_t at_ns, int64_t target, double applied, double seen,
                                         double predicted)
{
    return (struct recorded_decision){
        .at_ns = at_ns,
        .seen = {seen, NAN, NAN},
        .predicted = {predicted, NAN, NAN},
        .seen_ttft_ms = NAN,
        .seen_itl_ms = NAN,
        .pools = {{.target = target,
                   .ready = target,
                   .correction = NAN,
                   .wanted = NAN,
                   .applied = applied}},
    };
}

static struct compare_pair parted(const struct recorded_decision *a, size_t n_a,
                                  const struct recorded_decision *b, size_t n_b)
{
    static const struct recorded_sample start[] = {{0, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0}};
    struct compare_run runs[] = {run_of(NULL, 0, start, 1, a, n_a),
                                 run_of(NULL, 0, start, 1, b, n_b)};
    struct compare_pair pair = pair_of(&runs[0], &runs[1]);

    cr_assert_eq(compare_decisions(&pair, &arena, &diag), ST_OK);
    return pair;
}

static struct compare_decision first_of(const struct recorded_decision *a, size_t n_a,
                                        const struct recorded_decision *b, size_t n_b)
{
    return parted(a, n_a, b, n_b).decision;
}

Test(compare, the_first_other_fleet_is_found_with_what_it_rests_on)
{
    const struct recorded_decision a[] = {
        decision(10 * S, 3, NAN, 5, 6), decision(20 * S, 3, 4, 8, 9), decision(30 * S, 4, 5, 9, 9)};
    struct recorded_decision b[] = {decision(10 * S, 3, 3, 5, 6), decision(20 * S, 3, 4, 8, 9),
                                    decision(30 * S, 4, NAN, 9, 9)};

    struct compare_decision c = first_of(a, 3, b, 3);
    cr_assert(c.found);
    cr_expect_eq(c.at_ns, 30 * S);
    cr_expect_eq(c.input, COMPARE_SETTINGS);
    cr_expect_eq(c.from_a[0], 4);
    cr_expect_eq(c.to_a[0], 5);
    cr_expect_eq(c.to_b[0], 4);
    b[2].predicted.n_requests = 7;
    cr_expect_eq(first_of(a, 3, b, 3).input, COMPARE_PREDICTED);
    b[2].seen.n_requests = 7;
    cr_expect_eq(first_of(a, 3, b, 3).input, COMPARE_SEEN);
    b[2].pools[0].draining = 1;
    cr_expect_eq(first_of(a, 3, b, 3).input, COMPARE_WORKERS);
    cr_expect_not(first_of(a, 3, a, 3).found);
}

Test(compare, policies_may_decide_at_other_times)
{
    const struct recorded_decision a[] = {decision(10 * S, 3, 3, 5, 6),
                                          decision(20 * S, 3, 4, 8, 9)};
    const struct recorded_decision b[] = {decision(15 * S, 3, 3, 5, 6),
                                          decision(25 * S, 3, 4, 8, 9)};
    const struct recorded_decision other[] = {decision(10 * S, 2, 3, 5, 6)};

    struct compare_decision c = first_of(a, 2, b, 2);
    cr_assert(c.found);
    cr_expect_eq(c.at_ns, 20 * S);
    cr_expect_eq(c.input, COMPARE_TICKS);
    cr_expect_eq(c.b, &b[0]);
    c = first_of(a, 2, NULL, 0); /* a static policy */
    cr_expect_eq(c.at_ns, 20 * S);
    cr_expect_null(c.b);
    cr_expect_eq(c.to_b[0], 3);
    c = first_of(a, 2, other, 1);
    cr_expect_eq(c.at_ns, 0);
    cr_expect_eq(c.input, COMPARE_FLEETS);
    cr_expect_not(first_of(NULL, 0, NULL, 0).found);
}

Test(compare, moments_of_other_fleets_are_all_kept)
{
    const struct recorded_decision a[] = {
        decision(10 * S, 3, 3, 5, 6), decision(20 * S, 3, 4, 8, 9), decision(30 * S, 4, 6, 8, 9)};
    const struct recorded_decision b[] = {
        decision(15 * S, 3, 3, 5, 6), decision(25 * S, 3, 4, 8, 9), decision(30 * S, 4, 5, 8, 9)};

    struct compare_pair pair = parted(a, 3, b, 3);
    cr_assert_eq(pair.n_apart, 2);
    cr_expect_eq(pair.apart[0].at_ns, 20 * S);
    cr_expect_eq(pair.apart[0].a, &a[1]);
    cr_expect_null(pair.apart[0].b);
    cr_expect_eq(pair.apart[0].to_a[0], 4);
    cr_expect_eq(pair.apart[0].to_b[0], 3);
    cr_expect_eq(pair.apart[1].at_ns, 30 * S); /* at 25 s they were of one mind */
    cr_expect_eq(pair.apart[1].b, &b[2]);
}

static const struct compare_line *line_of(const char *what, const struct recorded_decision *a,
                                          const struct recorded_decision *b)
{
    const struct compare_run run = {.recorded = {.n_pools = 1, .pools = {"agg"}}};
    const struct compare_pair pair = {.a = &run, .b = &run, .decision = {.a = a, .b = b}};
    const struct compare_line *lines;
    size_t n;

    cr_assert_eq(compare_decision_lines(&lines, &n, &pair, &arena, &diag), ST_OK);
    for (size_t i = 0; i < n; i++)
        if (strcmp(lines[i].what, what) == 0)
            return &lines[i];
    return NULL;
}

Test(compare, a_decision_says_which_workers_start_or_drain)
{
    struct recorded_decision a = decision(10 * S, 3, 4, 5, 6), b = decision(10 * S, 3, 2, 5, 6);

    cr_expect_null(line_of("agg had", &a, &b)); /* nothing moves */
    b.pools[0].ready = 1;
    b.pools[0].starting = 2;
    b.pools[0].draining = 1;
    const struct compare_line *line = line_of("agg had", &a, &b);
    cr_assert(line);
    cr_expect_str_eq(line->a, "3 ready");
    cr_expect_str_eq(line->b, "1 ready, 2 starting, 1 draining");
    line = line_of("agg had", NULL, &b);
    cr_assert(line);
    cr_expect_null(line->a);
}

/* t(0.975; 3) = 3.182446305284263, t(0.9875; 3) = 4.176534846025558. */
Test(compare, differences_are_of_pairs_and_hold_at_once)
{
    static const char *const keys[] = {"attainment.overall", "gpu_hours.total", "cost.total"};
    const double of_a[] = {0.5, 1, NAN, 0.6, 2, NAN, 0.7, 3, NAN, 0.8, 4, NAN};
    const double of_b[] = {0.6, 1, NAN, 0.8, 2, NAN, 0.8, 3, NAN, 1.0, 4, NAN};
    const struct compare_run a = {.n_rows = 4, .figures = of_a}, b = {.n_rows = 4, .figures = of_b};
    const struct compare_result result = {.n_keys = 3, .keys = keys, .level_each = 0.975};
    struct compare_pair pair = {.a = &a, .b = &b, .n_replicates = 4};

    cr_assert_eq(compare_figures(&pair, &arena, &result, &diag), ST_OK);
    const struct compare_difference *c = pair.differences;
    double margin = 4.176534846025558 * sqrt(0.01 / 3 / 4);
    cr_expect_float_eq(c[0].a, 0.65, 1e-12);
    cr_expect_float_eq(c[0].b, 0.8, 1e-12);
    cr_expect_float_eq(c[0].difference, 0.15, 1e-12);
    cr_expect_float_eq(c[0].at.low, 0.15 - margin, 1e-9);
    cr_expect_float_eq(c[0].at.high, 0.15 + margin, 1e-9);
    cr_expect_eq(c[0].verdict, COMPARE_BETTER);
    cr_expect_eq(c[1].verdict, COMPARE_SAME);
    cr_expect(isnan(c[2].difference) && isnan(c[2].at.low));
    cr_expect_eq(c[2].verdict, COMPARE_UNSURE);
}
