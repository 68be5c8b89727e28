#include <math.h>
#include <string.h>

#include "studies/compare/compare_internal.h"
#include "util/units.h"

struct sums { /* of a window */
    double ttft_ms, tpot_ms;
    uint64_t n_ttft, n_tpot;
    double workers[POLICY_MAX_POOLS];
    uint64_t n_samples[POLICY_MAX_POOLS];
};

static size_t count_windows(const struct recorded *r, int64_t window_ns)
{
    int64_t last_ns = 0;

    for (size_t i = 0; i < r->n_requests; i++)
        last_ns = r->requests[i].arrival_ns > last_ns ? r->requests[i].arrival_ns : last_ns;
    return r->n_requests ? (size_t)(last_ns / window_ns) + 1 : 0;
}

static void add_request(struct compare_window *w, struct sums *sums,
                        const struct recorded_request *q)
{
    w->n_offered++;
    w->n_good += q->good;
    if (q->outcome != OUTCOME_COMPLETED)
        return;
    if (q->ttft_ns >= 0) {
        sums->ttft_ms += ms_from_ns(q->ttft_ns);
        sums->n_ttft++;
    }
    if (q->tpot_ns >= 0) {
        sums->tpot_ms += ms_from_ns(q->tpot_ns);
        sums->n_tpot++;
    }
}

static double mean(double sum, uint64_t n)
{
    return n ? sum / (double)n : NAN;
}

static void finish(struct compare_window *w, const struct sums *sums)
{
    w->ttft_ms = mean(sums->ttft_ms, sums->n_ttft);
    w->tpot_ms = mean(sums->tpot_ms, sums->n_tpot);
    for (size_t p = 0; p < POLICY_MAX_POOLS; p++)
        w->workers[p] = mean(sums->workers[p], sums->n_samples[p]);
}

enum status compare_cut_windows(struct compare_run *run, struct arena *arena, int64_t window_ns,
                                struct diag *d)
{
    const struct recorded *r = &run->recorded;
    size_t n = count_windows(r, window_ns);
    struct compare_window *windows = ARENA_NEW(arena, n, struct compare_window);
    struct sums *sums = ARENA_NEW(arena, n, struct sums);

    if (!windows || !sums)
        return diag_nomem(d, "windows");
    for (size_t i = 0; i < r->n_requests; i++) {
        size_t w = (size_t)(r->requests[i].arrival_ns / window_ns);
        if (r->requests[i].measured)
            add_request(&windows[w], &sums[w], &r->requests[i]);
    }
    for (size_t i = 0; i < r->n_samples; i++) {
        const struct recorded_sample *sample = &r->samples[i];
        size_t w = (size_t)(sample->at_ns / window_ns);
        if (w >= n)
            break;
        sums[w].workers[sample->pool] += (double)sample->ready;
        sums[w].n_samples[sample->pool]++;
    }
    for (size_t w = 0; w < n; w++)
        finish(&windows[w], &sums[w]);
    run->windows = windows;
    run->n_windows = n;
    return ST_OK;
}

static bool differ(double a, double b)
{
    return isnan(a) != isnan(b) || (!isnan(a) && a != b);
}

bool compare_window_differs(const struct compare_window *a, const struct compare_window *b,
                            size_t n_pools)
{
    bool other = a->n_offered != b->n_offered || a->n_good != b->n_good ||
                 differ(a->ttft_ms, b->ttft_ms) || differ(a->tpot_ms, b->tpot_ms);

    for (size_t p = 0; p < n_pools && !other; p++)
        other = differ(a->workers[p], b->workers[p]);
    return other;
}

/* Requests that b missed more than a. */
static int64_t more_missed(const struct compare_window *a, const struct compare_window *b)
{
    return (int64_t)(b->n_offered - b->n_good) - (int64_t)(a->n_offered - a->n_good);
}

/* Of as many, the window whose requests wait longer. */
static bool worse(const struct compare_pair *pair, size_t i, size_t j)
{
    const struct compare_window *a = pair->a->windows, *b = pair->b->windows;
    int64_t of_i = more_missed(&a[i], &b[i]), of_j = more_missed(&a[j], &b[j]);

    if (of_i != of_j)
        return of_i > of_j;
    return b[i].ttft_ms - a[i].ttft_ms > b[j].ttft_ms - a[j].ttft_ms;
}

/* Keeps the worst windows in order, the earlier of two alike first. */
static void keep_if_worst(struct compare_pair *pair, size_t w)
{
    size_t at = pair->n_worst;

    while (at > 0 && worse(pair, w, pair->worst[at - 1]))
        at--;
    if (at == COMPARE_MAX_WORST)
        return;
    if (pair->n_worst < COMPARE_MAX_WORST)
        pair->n_worst++;
    memmove(&pair->worst[at + 1], &pair->worst[at], (pair->n_worst - 1 - at) * sizeof *pair->worst);
    pair->worst[at] = w;
}

void compare_windows(struct compare_pair *pair)
{
    const struct compare_window *a = pair->a->windows, *b = pair->b->windows;
    size_t n_pools = pair->same_pools ? pair->a->recorded.n_pools : 0;
    size_t n_a = pair->a->n_windows, n_b = pair->b->n_windows;

    pair->n_windows = n_a < n_b ? n_a : n_b;
    for (size_t w = 0; w < pair->n_windows; w++) {
        if (!compare_window_differs(&a[w], &b[w], n_pools))
            continue;
        if (pair->n_differing++ == 0)
            pair->first_differing = w;
        if (more_missed(&a[w], &b[w]) > 0 || b[w].ttft_ms > a[w].ttft_ms)
            keep_if_worst(pair, w);
    }
}
