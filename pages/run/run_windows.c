#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pages/run/run_page_internal.h"
#include "util/units.h"

/* One latency of a request, and the window that it counts in. */
struct sighting {
    size_t window;
    double ms;
};

static int by_window_and_ms(const void *a, const void *b)
{
    const struct sighting *p = a, *q = b;

    if (p->window != q->window)
        return p->window < q->window ? -1 : 1;
    return (p->ms > q->ms) - (p->ms < q->ms);
}

static double quantile(const struct sighting *sorted, size_t n, double share)
{
    double place = share * (double)(n - 1);
    size_t below = (size_t)place;

    if (below + 1 >= n)
        return sorted[n - 1].ms;
    return sorted[below].ms + (place - (double)below) * (sorted[below + 1].ms - sorted[below].ms);
}

static struct run_latency latency_of(const struct sighting *sorted, size_t n)
{
    double sum = 0;

    if (n == 0)
        return (struct run_latency){NAN, NAN, NAN};
    for (size_t i = 0; i < n; i++)
        sum += sorted[i].ms;
    return (struct run_latency){sum / (double)n, quantile(sorted, n, 0.5),
                                quantile(sorted, n, 0.95)};
}

static size_t window_at(const struct run_view *v, int64_t at_ns)
{
    double place = s_from_ns(at_ns) / v->window_s;

    return place < (double)v->n_windows ? (size_t)place : v->n_windows - 1;
}

/* Of TTFT, or of TPOT. */
static void fill(struct run_window *windows, const struct run_view *v, struct sighting *sightings,
                 bool of_tpot)
{
    size_t n = 0;

    for (size_t i = 0; i < v->run->n_requests; i++) {
        const struct recorded_request *q = &v->run->requests[i];
        int64_t ns = of_tpot ? q->tpot_ns : q->ttft_ns, after = of_tpot ? q->e2e_ns : q->ttft_ns;
        if (ns >= 0 && after >= 0)
            sightings[n++] = (struct sighting){window_at(v, q->arrival_ns + after), ms_from_ns(ns)};
    }
    if (n)
        qsort(sightings, n, sizeof *sightings, by_window_and_ms);
    for (size_t w = 0, from = 0, to = 0; w < v->n_windows; w++, from = to) {
        while (to < n && sightings[to].window == w)
            to++;
        *(of_tpot ? &windows[w].tpot : &windows[w].ttft) = latency_of(sightings + from, to - from);
    }
}

static double end_of(const struct recorded *run)
{
    int64_t end = NS_PER_S;

    for (size_t i = 0; i < run->n_requests; i++) {
        const struct recorded_request *q = &run->requests[i];
        int64_t at = q->arrival_ns + (q->e2e_ns > 0 ? q->e2e_ns : 0);
        end = at > end ? at : end;
    }
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

static enum status find_causes(struct run_window *windows, const struct run_view *v,
                               const struct causes *causes)
{
    size_t *counts = ARENA_NEW(v->arena, v->n_windows * N_CAUSES, size_t);

    if (!counts)
        return diag_nomem(v->d, "windows");
    memset(counts, 0, v->n_windows * N_CAUSES * sizeof *counts);
    for (size_t i = 0; i < causes_n_missed(causes); i++) {
        const struct cause_verdict miss = causes_missed(causes, i);
        counts[window_at(v, miss.arrival_ns) * N_CAUSES + miss.cause]++;
    }
    for (size_t w = 0; w < v->n_windows; w++) {
        const size_t *of = counts + w * N_CAUSES;
        int most = 0;
        for (int c = 1; c < N_CAUSES; c++)
            most = of[c] > of[most] ? c : most;
        if (of[most])
            windows[w].cause = cause_phrase((enum cause)most);
    }
    return ST_OK;
}

enum status run_page_windows(struct run_view *v, const struct causes *causes)
{
    v->end_s = end_of(v->run);
    v->window_s = round_window(v->end_s);
    v->n_windows = (size_t)ceil(v->end_s / v->window_s);
    struct run_window *windows = ARENA_NEW(v->arena, v->n_windows, struct run_window);
    struct sighting *sightings = ARENA_NEW(v->arena, v->run->n_requests, struct sighting);

    if (!windows || !sightings)
        return diag_nomem(v->d, "windows");
    for (size_t w = 0; w < v->n_windows; w++)
        windows[w] = (struct run_window){.n_offered = 0};
    fill(windows, v, sightings, false);
    fill(windows, v, sightings, true);
    for (size_t i = 0; i < v->run->n_requests; i++) {
        const struct recorded_request *q = &v->run->requests[i];
        struct run_window *w = &windows[window_at(v, q->arrival_ns)];
        w->n_offered++;
        w->n_missed += !q->good;
    }
    v->windows = windows;
    return causes ? find_causes(windows, v, causes) : ST_OK;
}

bool run_window_missed(const struct run_view *v, const struct run_window *w)
{
    return w->ttft.mean_ms > ms_from_ns(v->run->ttft_target_ns) ||
           w->tpot.mean_ms > ms_from_ns(v->run->tpot_target_ns) ||
           (w->n_missed && isnan(w->ttft.mean_ms));
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
