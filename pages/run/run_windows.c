#include <math.h>
#include <string.h>

#include "pages/run/run_page_internal.h"
#include "util/sort_uint64.h"
#include "util/units.h"

/* A latency as a number that is in order of windows first. */
enum { NS_BITS = 56 };
static const int64_t max_ns = (INT64_C(1) << NS_BITS) - 1;

static double ms_of(uint64_t sighting)
{
    return ms_from_ns((int64_t)sighting & max_ns);
}

static double quantile(const uint64_t *sorted, size_t n, double share)
{
    double place = share * (double)(n - 1);
    size_t below = (size_t)place;

    if (n == 0)
        return NAN;
    if (below + 1 >= n)
        return ms_of(sorted[n - 1]);
    return ms_of(sorted[below]) +
           (place - (double)below) * (ms_of(sorted[below + 1]) - ms_of(sorted[below]));
}

static size_t window_at(const struct run_view *v, int64_t at_ns)
{
    double place = s_from_ns(at_ns) / v->window_s;

    return place < (double)v->n_windows ? (size_t)place : v->n_windows - 1;
}

size_t run_window_of(const struct run_view *v, size_t stretch)
{
    size_t window = stretch / (size_t)(v->window_s / run_requests_step_s(v->requests));

    return window < v->n_windows ? window : v->n_windows - 1;
}

/* p50 and p95 of TTFT, or of TPOT. */
static void find_quantiles(struct run_window *windows, const struct run_view *v,
                           uint64_t *sightings, enum run_latency_of of)
{
    enum run_latency_of until = of == RUN_TTFT ? RUN_TTFT : RUN_E2E;
    size_t n = 0;

    for (size_t i = 0; i < v->requests->n_kept; i++) {
        const struct run_request *q = &v->requests->kept[i];
        int64_t ns = q->ns[of], after = q->ns[until];
        if (ns >= 0 && after >= 0)
            sightings[n++] = (uint64_t)window_at(v, q->arrival_ns + after) << NS_BITS |
                             (uint64_t)(ns < max_ns ? ns : max_ns);
    }
    const uint64_t *sorted = sort_uint64(sightings, n);
    for (size_t w = 0, from = 0, to = 0; w < v->n_windows; w++, from = to) {
        struct run_latency *latency = of == RUN_TTFT ? &windows[w].ttft : &windows[w].tpot;
        while (to < n && sorted[to] >> NS_BITS == w)
            to++;
        latency->p50_ms = quantile(sorted + from, to - from, 0.5);
        latency->p95_ms = quantile(sorted + from, to - from, 0.95);
    }
}

/* Counts and means. */
static void add_up(struct run_window *windows, const struct run_view *v)
{
    for (size_t i = 0; i < v->requests->n_stretches; i++) {
        const struct run_stretch *stretch = &v->requests->stretches[i];
        struct run_window *w = &windows[run_window_of(v, i)];
        w->n_offered += stretch->n_offered;
        w->n_missed += stretch->n_missed;
        w->ttft.n += stretch->n_ttft;
        w->tpot.n += stretch->n_tpot;
        w->ttft.mean_ms += stretch->ttft_ns / 1e6;
        w->tpot.mean_ms += stretch->tpot_ns / 1e6;
    }
    for (size_t i = 0; i < v->n_windows; i++) {
        struct run_window *w = &windows[i];
        w->ttft.mean_ms = w->ttft.n ? w->ttft.mean_ms / (double)w->ttft.n : NAN;
        w->tpot.mean_ms = w->tpot.n ? w->tpot.mean_ms / (double)w->tpot.n : NAN;
    }
}

double run_page_end_s(const struct run_view *v)
{
    const struct recorded *run = v->run;
    int64_t end = v->requests->end_ns > NS_PER_S ? v->requests->end_ns : NS_PER_S;

    if (run->n_samples && run->samples[run->n_samples - 1].at_ns > end)
        end = run->samples[run->n_samples - 1].at_ns;
    return s_from_ns(end);
}

static double round_window(double end_s)
{
    static const double round_s[] = {1,   2,   5,   10,   15,   30,    60,
                                     120, 300, 600, 1800, 3600, 10800, 21600};
    enum { N = sizeof round_s / sizeof *round_s };

    for (size_t i = 0; i < N; i++) {
        if (end_s / round_s[i] <= RUN_MAX_WINDOWS)
            return round_s[i];
    }
    return ceil(end_s / RUN_MAX_WINDOWS / round_s[N - 1]) * round_s[N - 1];
}

static enum cause most_of(const uint32_t by_cause[N_CAUSES])
{
    int most = 0;

    for (int c = 1; c < N_CAUSES; c++)
        most = by_cause[c] > by_cause[most] ? c : most;
    return by_cause[most] ? (enum cause)most : N_CAUSES;
}

/* Counts of a window: by a verdict on this latency, and by one on the other. */
enum { SAME, OTHER, N_VERDICTS };
typedef uint32_t window_causes[N_VERDICTS][N_CAUSES];

/* Of those whose first token came too late in a window, or whose last one too slowly. Who missed
 * both has one verdict, on the one that was worse. */
static void find_latency_causes(struct run_window *windows, const struct run_view *v,
                                const struct causes *causes, window_causes *counts,
                                enum run_latency_of of)
{
    enum miss_kind kind = of == RUN_TTFT ? MISSED_TTFT : MISSED_TPOT;

    memset(counts, 0, v->n_windows * sizeof *counts);
    for (size_t i = 0; causes && i < causes_n_missed(causes); i++) {
        const struct cause_verdict miss = causes_missed(causes, i);
        int64_t at_ns = of == RUN_TTFT ? miss.late_first_ns : miss.slow_last_ns;
        if (at_ns < 0)
            continue;
        size_t w = window_at(v, at_ns);
        counts[w][miss.kind == kind ? SAME : OTHER][miss.cause]++;
        (of == RUN_TTFT ? &windows[w].ttft : &windows[w].tpot)->n_above++;
    }
    for (size_t w = 0; w < v->n_windows; w++) {
        struct run_latency *l = of == RUN_TTFT ? &windows[w].ttft : &windows[w].tpot;
        l->cause = most_of(counts[w][SAME]);
        if (l->cause == N_CAUSES)
            l->cause = most_of(counts[w][OTHER]);
    }
}

static enum status find_causes(struct run_window *windows, const struct run_view *v,
                               const struct causes *causes)
{
    window_causes *counts = arena_alloc(v->arena, v->n_windows, sizeof *counts);

    if (!counts)
        return diag_nomem(v->d, "windows");
    find_latency_causes(windows, v, causes, counts, RUN_TTFT);
    find_latency_causes(windows, v, causes, counts, RUN_TPOT);
    for (size_t i = 0; causes && i < causes_n_missed(causes); i++) {
        const struct cause_verdict miss = causes_missed(causes, i);
        windows[window_at(v, miss.arrival_ns)].by_cause[miss.cause]++;
    }
    for (size_t w = 0; w < v->n_windows; w++)
        windows[w].cause = most_of(windows[w].by_cause);
    return ST_OK;
}

enum status run_page_windows(struct run_view *v, const struct causes *causes)
{
    v->end_s = fmax(v->end_s, run_page_end_s(v));
    v->window_s = round_window(v->end_s);
    v->n_windows = (size_t)ceil(v->end_s / v->window_s);
    v->sampled = v->requests->thinned
                     ? arena_printf(v->arena, " of one in %llu requests, evenly out of the trace",
                                    1ULL << v->requests->thinned)
                     : "";
    struct run_window *windows = ARENA_NEW(v->arena, v->n_windows, struct run_window);
    uint64_t *sightings = ARENA_NEW(v->arena, 2 * v->requests->n_kept, uint64_t);

    if (!windows || !sightings || !v->sampled)
        return diag_nomem(v->d, "windows");
    add_up(windows, v);
    find_quantiles(windows, v, sightings, RUN_TTFT);
    find_quantiles(windows, v, sightings, RUN_TPOT);
    v->windows = windows;
    return find_causes(windows, v, causes);
}

bool run_window_starved(const struct run_window *w)
{
    return w->n_missed && w->ttft.n == 0;
}

const struct recorded_sample *run_sample_at(const struct recorded *run, size_t pool, int64_t at_ns)
{
    const struct recorded_sample *last = NULL;

    for (size_t i = 0; i < run->n_samples && run->samples[i].at_ns <= at_ns; i++) {
        if (run->samples[i].pool == pool)
            last = &run->samples[i];
    }
    return last;
}
