/* What the page of a run keeps of its requests. */
#include <criterion/criterion.h>
#include <string.h>

#include "pages/run/run_requests.h"
#include "util/units.h"

static struct run_requests requests;
static struct diag diag;

static void setup(void)
{
    requests = (struct run_requests){0};
    diag_init(&diag);
}

static void teardown(void)
{
    run_requests_release(&requests);
}

TestSuite(run_requests, .init = setup, .fini = teardown);

/* Request i comes at second i, has its first token after 1 + i % 1000 ms and its end a second after
 * it came. Every tenth misses. */
static struct recorded_request request_of(uint64_t i)
{
    return (struct recorded_request){.index = i,
                                     .arrival_ns = (int64_t)i * NS_PER_S,
                                     .ttft_ns = (1 + (int64_t)(i % 1000)) * NS_PER_MS,
                                     .tpot_ns = 20 * NS_PER_MS,
                                     .e2e_ns = NS_PER_S,
                                     .good = i % 10 != 0};
}

static void add(struct run_requests *to, uint64_t i, const struct request_parts *parts)
{
    const struct recorded_request q = request_of(i);

    cr_assert_eq(run_requests_add(to, &q, parts, &diag), ST_OK);
}

static bool has(const struct run_requests *r, uint64_t index)
{
    for (size_t i = 0; i < r->n_kept; i++)
        if (r->kept[i].index == index)
            return true;
    return false;
}

/* Any part of the trace has its share, and the order in which requests end does not matter. */
Test(run_requests, of_many_an_even_share_is_kept)
{
    enum { N = 10000, KEPT = 1000, PART = 1000 };
    struct run_requests backwards = {.max_kept = KEPT};

    requests.max_kept = KEPT;
    for (uint64_t i = 0; i < N; i++) {
        add(&requests, i, NULL);
        add(&backwards, N - 1 - i, NULL);
    }
    cr_assert_eq(requests.thinned, 4);
    cr_assert(requests.n_kept > KEPT / 2 && requests.n_kept <= KEPT, "%zu", requests.n_kept);
    cr_assert_eq(backwards.n_kept, requests.n_kept);
    for (size_t i = 0; i < requests.n_kept; i++)
        cr_assert(has(&backwards, requests.kept[i].index));
    for (uint64_t from = 0; from < N; from += PART) {
        int n = 0;
        for (size_t i = 0; i < requests.n_kept; i++)
            n += requests.kept[i].index / PART == from / PART;
        cr_assert(n >= PART / 16 - 2 && n <= PART / 16 + 2, "%d", n);
    }
    run_requests_release(&backwards);
}

/* Whatever is kept of single ones: counts, sums, the largest, the slowest are of all. */
Test(run_requests, sums_are_of_all)
{
    struct request_parts parts = {.ttft_ns = {0}};

    requests.max_kept = 3;
    parts.ttft_ns[PART_QUEUE] = 5;
    parts.ttft_ns[PART_KV_ROOM] = parts.ttft_ns[PART_BATCH_FULL] = 4;
    for (uint64_t i = 0; i < 2000; i++)
        add(&requests, i, &parts);
    cr_assert_eq(requests.n, 2000);
    cr_assert(requests.has_parts);
    cr_assert_eq(requests.n_stretches, 2001);
    cr_assert_eq(run_requests_step_s(&requests), 1);
    const struct run_stretch *at = &requests.stretches[20];
    cr_assert_eq(at->n_offered, 1);
    cr_assert_eq(at->n_missed, 1);
    cr_assert_eq(at->n_late, 1);
    cr_assert_eq(at->part_ns[RUN_PART_QUEUE], 5);
    cr_assert_eq(at->part_ns[RUN_PART_ROOM], 8);
    cr_assert_eq(at->n_ttft, 1);
    cr_assert_eq(at->ttft_ns, 21e6);
    cr_assert_eq(at->n_tpot, 1); /* of the one before */
    cr_assert_eq(requests.max_ns[RUN_TTFT], NS_PER_S);
    cr_assert_eq(requests.end_ns, 2000 * NS_PER_S);
    cr_assert_eq(requests.n_slowest, RUN_N_SLOWEST);
    cr_assert_eq(requests.slowest[0].request.index, 999);
    cr_assert_eq(requests.slowest[1].request.index, 1999);
    cr_assert_eq(requests.slowest[2].request.index, 998);
    cr_assert_str_eq(requests.slowest[0].main_part, "queue");
}

/* Those without a first token come last, and have no part that it was spent in. */
Test(run_requests, without_a_first_token)
{
    const struct recorded_request none = {
        .index = 0, .arrival_ns = 3 * NS_PER_S, .ttft_ns = -1, .tpot_ns = -1, .e2e_ns = -1};
    const struct request_parts parts = {.ttft_ns = {1}};

    cr_assert_eq(run_requests_add(&requests, &none, &parts, &diag), ST_OK);
    add(&requests, 1, &parts);
    cr_assert_eq(requests.slowest[0].request.index, 1);
    cr_assert_null(requests.slowest[1].main_part);
    cr_assert_eq(requests.max_ns[RUN_TTFT], 2 * NS_PER_MS);
    cr_assert_eq(requests.stretches[3].n_missed, 1);
    cr_assert_eq(requests.stretches[3].n_late, 0);
    cr_assert_eq(requests.stretches[3].n_ttft, 0);
}

/* Eleven days of one request a second: stretches get longer, and nothing is lost. */
Test(run_requests, of_a_long_run_stretches_are_longer)
{
    enum { N = 1000000 };
    uint64_t n_offered = 0, n_missed = 0, n_tpot = 0;
    double ttft_ns = 0, expected_ns = 0;

    requests.max_kept = 100;
    for (uint64_t i = 0; i < N; i++) {
        add(&requests, i, NULL);
        expected_ns += (double)request_of(i).ttft_ns;
    }
    cr_assert_eq(run_requests_step_s(&requests), 60);
    for (size_t i = 0; i < requests.n_stretches; i++) {
        n_offered += requests.stretches[i].n_offered;
        n_missed += requests.stretches[i].n_missed;
        n_tpot += requests.stretches[i].n_tpot;
        ttft_ns += requests.stretches[i].ttft_ns;
    }
    cr_assert_eq(requests.n_stretches, N / 60 + 1);
    cr_assert_eq(requests.stretches[5].n_offered, 60);
    cr_assert_eq(n_offered, N);
    cr_assert_eq(n_missed, N / 10);
    cr_assert_eq(n_tpot, N);
    cr_assert_eq(ttft_ns, expected_ns);
}
