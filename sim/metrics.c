/* What can be seen from outside: traffic counters by window, and per-worker gauges. */
#include "sim/metrics.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "sim/routing/router.h"
#include "sim/worker/decode_set.h"
#include "sim/worker/worker_kv.h"
#include "util/array.h"

void metrics_release(struct metrics *m)
{
    free(m->history);
    free(m->gauges);
    free(m->passes);
}

struct traffic_window traffic_since(const struct traffic_counters *now,
                                    const struct traffic_counters *start)
{
    return traffic_between(&start->total, &now->total, s_from_ns(now->at_ns - start->at_ns));
}

enum status metrics_sync(struct deployment *d)
{
    for (uint32_t i = 0; i < d->n_workers; i++) {
        enum status s = worker_sync(d->sim, d->workers[i]);
        if (s)
            return s;
    }
    d->traffic.at_ns = d->sim->now_ns;
    return ST_OK;
}

struct traffic_counters metrics_look(const struct deployment *d)
{
    struct traffic_counters now = d->traffic;
    now.at_ns = d->sim->now_ns;
    for (uint32_t i = 0; i < d->n_workers; i++) {
        struct decode_due due = worker_due(d->sim, d->workers[i]);
        now.total.itl_sum_s += due.itl_sum_s;
        now.total.n_itl += due.n_itl;
    }
    return now;
}

bool metrics_out(const struct deployment *d)
{
    int64_t since_ns = d->sim->now_ns - d->config->outage_at_ns;
    return since_ns >= 0 && since_ns < d->config->outage_ns;
}

/* Snapshots are taken at every policy call and where its window begins, or at every scrape. Those
 * older than the window the policy asks for are dropped, but the newest of them stays: the window
 * may begin between two. */
enum status metrics_snapshot(struct deployment *d)
{
    int64_t keep_from_ns = d->sim->now_ns - d->effects.window_ns;
    while (d->metrics->first_history + 1 < d->metrics->n_history &&
           d->metrics->history[d->metrics->first_history + 1].at_ns <= keep_from_ns)
        d->metrics->first_history++;
    if (2 * d->metrics->first_history > d->metrics->n_history) {
        d->metrics->n_history -= d->metrics->first_history;
        memmove(d->metrics->history, d->metrics->history + d->metrics->first_history,
                d->metrics->n_history * sizeof *d->metrics->history);
        d->metrics->first_history = 0;
    }
    enum status s = ARRAY_RESERVE(d->metrics->history, d->metrics->n_history,
                                  d->metrics->history_capacity, 1, "metric windows", d->sim->diag);
    if (!s)
        d->metrics->history[d->metrics->n_history++] = d->traffic;
    return s;
}

/* ---- scrapes ---- */

enum status metrics_begin(struct deployment *d)
{
    int64_t interval_ns = d->config->scrape_interval_ns;
    if (interval_ns == 0)
        return metrics_snapshot(d);
    if (d->effects.next_ns >= TIME_NEVER)
        return ST_OK; /* nobody will look */
    struct pcg64 rng;
    deployment_stream(d, &rng, "scrape", 0);
    int64_t phase_ns = (int64_t)pcg64_below(&rng, (uint64_t)interval_ns);
    return event_queue_push(&d->sim->queue,
                            event_make(phase_ns, EVENT_CLASS_SCRAPE, d->index, 0, 0), d->sim->diag);
}

enum status metrics_expect_call(struct deployment *d)
{
    const struct policy_effects *e = &d->effects;
    int64_t start_ns = e->next_ns - e->window_ns;
    if (d->config->scrape_interval_ns || !(e->next_needs & NEED_TRAFFIC) ||
        start_ns <= d->sim->now_ns)
        return ST_OK;
    return event_queue_push(&d->sim->queue,
                            event_make(start_ns, EVENT_CLASS_SCRAPE, d->index, 0, 0), d->sim->diag);
}

enum status metrics_scrape(struct deployment *d)
{
    int64_t interval_ns = d->config->scrape_interval_ns;
    enum status s = ST_OK;
    if (interval_ns == 0 || !metrics_out(d)) {
        s = metrics_sync(d);
        if (!s)
            s = metrics_snapshot(d);
    }
    if (s || interval_ns == 0)
        return s;
    return event_queue_push(
        &d->sim->queue,
        event_make(d->sim->now_ns + interval_ns, EVENT_CLASS_SCRAPE, d->index, 0, 0), d->sim->diag);
}

/* The counters of one series: a sum and the number of its observations, or the latter alone. */
struct series {
    size_t n_at, sum_at; /* in struct traffic_window */
};
#define SERIES(n, sum)                                                                             \
    {                                                                                              \
        offsetof(struct traffic_window, n), offsetof(struct traffic_window, sum)                   \
    }
static const struct series histograms[] = {SERIES(n_ttft, ttft_sum_s),
                                           SERIES(n_itl, itl_sum_s),
                                           SERIES(n_duration, duration_sum_s),
                                           SERIES(n_isl, isl_sum_tok),
                                           SERIES(n_osl, osl_sum_tok),
                                           SERIES(n_hit_rate, hit_rate_sum)},
                           counters[] = {SERIES(n_requests, n_requests),
                                         SERIES(n_arrived, n_arrived)};
#undef SERIES

static double *counter(const struct traffic_window *w, size_t at)
{
    return (double *)((char *)w + at);
}

/* The scrapes of a window, its start left out, from the first that knows the series on. */
struct sampling {
    uint32_t n;
    const struct traffic_window *first, *last;
    double sampled_s, to_start_s, to_end_s;
};

static struct sampling find_samples(const struct deployment *d, int64_t window_ns,
                                    const struct series *series)
{
    int64_t start_ns = d->sim->now_ns - window_ns;
    for (uint32_t i = d->metrics->first_history; i < d->metrics->n_history; i++) {
        const struct traffic_counters *first = &d->metrics->history[i],
                                      *last = &d->metrics->history[d->metrics->n_history - 1];
        if (first->at_ns > start_ns && *counter(&first->total, series->n_at) > 0)
            return (struct sampling){.n = d->metrics->n_history - i,
                                     .first = &first->total,
                                     .last = &last->total,
                                     .sampled_s = s_from_ns(last->at_ns - first->at_ns),
                                     .to_start_s = s_from_ns(first->at_ns - start_ns),
                                     .to_end_s = s_from_ns(d->sim->now_ns - last->at_ns)};
    }
    return (struct sampling){.n = 0};
}

/* Prometheus' increase() of one counter (Prometheus 3, extrapolatedRate of promql/functions.go;
 * docs/planner.md, section 2). */
static double increase(const struct sampling *g, size_t at)
{
    double first = *counter(g->first, at), grown = *counter(g->last, at) - first;
    double gap_s = g->sampled_s / (g->n - 1);
    double to_start_s = g->to_start_s < 1.1 * gap_s ? g->to_start_s : gap_s / 2;
    double to_end_s = g->to_end_s < 1.1 * gap_s ? g->to_end_s : gap_s / 2;
    if (grown > 0)
        to_start_s = fmin(to_start_s, g->sampled_s * (first / grown)); /* where it was 0 */
    return grown * ((g->sampled_s + to_start_s + to_end_s) / g->sampled_s);
}

/* Nothing can be said of a series with less than two samples. */
static void fill_series(const struct deployment *d, int64_t window_ns, struct traffic_window *w,
                        const struct series *series, double nothing)
{
    struct sampling g = find_samples(d, window_ns, series);
    *counter(w, series->n_at) = g.n > 1 ? increase(&g, series->n_at) : nothing;
    *counter(w, series->sum_at) = g.n > 1 ? increase(&g, series->sum_at) : nothing;
}

static struct traffic_window scraped_window(const struct deployment *d, int64_t window_ns)
{
    struct traffic_window w = {.length_s = s_from_ns(window_ns)};
    for (size_t i = 0; i < sizeof counters / sizeof *counters; i++)
        fill_series(d, window_ns, &w, &counters[i], 0);
    for (size_t i = 0; i < sizeof histograms / sizeof *histograms; i++)
        fill_series(d, window_ns, &w, &histograms[i], NAN);
    return w;
}

static struct traffic_window exact_window(const struct deployment *d, int64_t window_ns)
{
    uint32_t i = d->metrics->first_history;
    while (i + 1 < d->metrics->n_history &&
           d->metrics->history[i + 1].at_ns <= d->sim->now_ns - window_ns)
        i++;
    struct traffic_window w = traffic_since(&d->traffic, &d->metrics->history[i]);
    traffic_mark_missing(&w, &d->traffic.total);
    return w;
}

struct traffic_window metrics_window(const struct deployment *d, int64_t window_ns)
{
    return d->config->scrape_interval_ns ? scraped_window(d, window_ns)
                                         : exact_window(d, window_ns);
}

/* ---- gauges ---- */

/* A router knows the load of what it has sent somewhere: a worker's gauges appear with its first
 * request, and stay as they were left until it goes. */
static bool publishes(const struct deployment *d, const struct worker *w)
{
    const struct deployment_config *config = d->config;
    return (w->state == WORKER_READY || w->state == WORKER_DRAINING) &&
           (w->pool->config->router->publishes_load || config->any_router_publishes) &&
           (w->had_request || config->idle_workers_publish);
}

static int by_pool_then_id(const void *a, const void *b)
{
    const struct worker_gauges *x = a, *y = b;
    if (x->role != y->role)
        return x->role < y->role ? -1 : 1;
    return (x->worker_id > y->worker_id) - (x->worker_id < y->worker_id);
}

enum status metrics_gauges(struct deployment *d, size_t *n)
{
    *n = 0;
    enum status s = ARRAY_RESERVE(d->metrics->gauges, 0, d->metrics->gauges_capacity, d->n_workers,
                                  "worker gauges", d->sim->diag);
    if (s)
        return s;
    for (uint32_t i = 0; i < d->n_workers; i++) {
        const struct worker *w = d->workers[i];
        if (!publishes(d, w))
            continue;
        d->metrics->gauges[(*n)++] = (struct worker_gauges){
            .role = w->pool->config->role,
            .worker_id = w->id,
            .active_prefill_tok = worker_rank_load(w)->prompt_tok,
            .active_decode_blocks = worker_kv_used(w),
            .last_ttft_s = w->last_ttft_s,
            .last_isl_tok = w->last_isl_tok,
            .last_itl_s = w->last_itl_s,
        };
    }
    if (*n)
        qsort(d->metrics->gauges, *n, sizeof *d->metrics->gauges, by_pool_then_id);
    return ST_OK;
}

/* ---- forward passes ---- */

/* A worker that is not ready is not registered. Pools have their ready workers by id. */
enum status metrics_passes(struct deployment *d, struct policy_input *input)
{
    struct metrics *m = d->metrics;
    enum status s = ARRAY_RESERVE(m->passes, 0, m->passes_capacity, d->n_workers, "forward passes",
                                  d->sim->diag);
    uint32_t n = 0;
    for (size_t p = 0; !s && p < d->config->n_pools; p++) {
        const struct pool *pool = &d->pools[p];
        uint32_t n_ranks = pool->config->engine.n_ranks;
        input->passes[p] = &m->passes[n];
        input->n_passes[p] = (size_t)pool->n_routable * n_ranks;
        for (uint32_t k = 0; k < pool->n_routable * n_ranks; k++) {
            struct worker *w = d->workers[pool->routable_ranks[k]];
            passes_catch_up(d->sim, w);
            m->passes[n++] = passes_newest(d->sim, w, k % n_ranks);
        }
    }
    input->has_passes = s == ST_OK;
    return s;
}
