#include <math.h>

#include "pages/html/page.h"
#include "pages/run/run_page_internal.h"
#include "pages/svg/charts.h"
#include "util/sort_uint64.h"
#include "util/units.h"

/* ---- distributions ---- */

struct latency {
    const char *id, *label, *axis;
    enum run_latency_of of;
    int64_t target_ns; /* -1 = none */
};

static void draw_latency(const struct run_view *v, const struct latency *l, uint64_t *values)
{
    const struct run_requests *r = v->requests;
    struct svg_point points[RUN_N_QUANTILES];
    size_t n = 0;

    for (size_t i = 0; i < r->n_kept; i++) {
        int64_t ns = r->kept[i].ns[l->of];
        if (ns >= 0)
            values[n++] = (uint64_t)ns;
    }
    if (n == 0)
        return;
    const uint64_t *sorted = sort_uint64(values, n);
    for (size_t i = 0; i < RUN_N_QUANTILES; i++) {
        double share = (double)i / (RUN_N_QUANTILES - 1);
        int64_t ns = (int64_t)sorted[(size_t)llround(share * (double)(n - 1))];
        points[i] = (struct svg_point){.x = ms_from_ns(ns), .y = share, .low = NAN, .high = NAN};
    }
    points[RUN_N_QUANTILES - 1].x = ms_from_ns(r->max_ns[l->of]);
    const struct svg_series series = {l->axis, 0, RUN_N_QUANTILES, points};
    const struct svg_cdf chart = {
        .frame = {.id = l->id, .label = l->label},
        .x = {.label = l->axis, .scale = SVG_LOG},
        .n = 1,
        .series = &series,
        .limit = {l->target_ns < 0 ? NAN : ms_from_ns(l->target_ns), "SLA"},
    };
    page_figure_begin(v->out);
    svg_cdf(v->out, &chart);
    page_figure_end(v->out);
}

enum status run_page_distributions(const struct run_view *v)
{
    const struct latency all[] = {
        {"cdf-ttft", "Share of requests whose first token came within so many ms", "TTFT, ms",
         RUN_TTFT, v->run->ttft_target_ns},
        {"cdf-tpot", "Share of requests whose mean time per token is at most so many ms",
         "TPOT, ms", RUN_TPOT, v->run->tpot_target_ns},
        {"cdf-e2e", "Share of requests that were complete within so many ms", "E2E, ms", RUN_E2E,
         -1}};
    uint64_t *values = ARENA_NEW(v->arena, 2 * v->requests->n_kept, uint64_t);

    if (!values)
        return diag_nomem(v->d, "latencies");
    fprintf(v->out,
            "<h2 id=\"latencies\">Latencies</h2>\n<p>Share of requests (up) that took at most so "
            "long (across), at %d quantiles%s.</p>\n<div class=\"charts\">\n",
            RUN_N_QUANTILES, v->sampled);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        draw_latency(v, &all[i], values);
    fputs("</div>\n", v->out);
    return ST_OK;
}

/* ---- GPUs ---- */

void run_page_gpu_hours(const struct run_view *v)
{
    static const struct svg_part parts[] = {
        {"busy", 2}, {"idle", 7}, {"starting", 4}, {"draining", 1}};
    const double values[] = {recorded_figure(v->run, "gpu_hours.busy"),
                             recorded_figure(v->run, "gpu_hours.idle"),
                             recorded_figure(v->run, "gpu_hours.starting"),
                             recorded_figure(v->run, "gpu_hours.draining")};
    const struct svg_total_bar chart = {
        .frame = {.id = "gpu-hours", .label = "GPU-hours by what the GPUs did", .width = 960},
        .n_parts = sizeof parts / sizeof *parts,
        .parts = parts,
        .values = values,
        .unit = "GPU-hours"};

    fputs("<h2 id=\"gpus\">GPU-hours</h2>\n", v->out);
    page_figure_begin(v->out);
    svg_total_bar(v->out, &chart);
    page_figure_end(v->out);
}

/* ---- workers ---- */

enum { LANE_SERVING, LANE_PENDING, LANE_STARTING, LANE_DRAINING, N_LANE_PARTS };
static const struct svg_part lane_parts[N_LANE_PARTS] = {[LANE_SERVING] = {"serving", 0},
                                                         [LANE_PENDING] = {"waits for GPUs", 7},
                                                         [LANE_STARTING] = {"starting", 4},
                                                         [LANE_DRAINING] = {"draining", 1}};

static bool was_lost(enum worker_end end)
{
    return end == WORKER_END_KILLED || end == WORKER_END_FAILED || end == WORKER_END_NODE;
}

/* Up to N_LANE_PARTS spans; returns how many. */
static size_t spans_of(struct svg_span *spans, const struct worker_record *w)
{
    int64_t end = w->end_ns;
    int64_t start = w->start_ns < 0 ? end : w->start_ns;
    int64_t ready = w->ready_ns < 0 ? end : w->ready_ns;
    int64_t drain = w->drain_ns < 0 ? end : w->drain_ns;
    const struct {
        int64_t from, to;
        size_t part;
    } all[] = {{w->wanted_ns, start, LANE_PENDING},
               {start, ready < drain ? ready : drain, LANE_STARTING},
               {ready, drain, LANE_SERVING},
               {drain, end, LANE_DRAINING}};
    size_t n = 0;

    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (all[i].from < all[i].to)
            spans[n++] =
                (struct svg_span){s_from_ns(all[i].from), s_from_ns(all[i].to), all[i].part};
    }
    return n;
}

static enum status draw_lanes(const struct run_view *v)
{
    const struct recorded *run = v->run;
    struct svg_lane *lanes = ARENA_NEW(v->arena, run->n_workers, struct svg_lane);
    struct svg_span *spans = ARENA_NEW(v->arena, N_LANE_PARTS * run->n_workers, struct svg_span);
    double end_s = v->end_s;

    if (!lanes || !spans)
        return diag_nomem(v->d, "lanes");
    for (size_t i = 0; i < run->n_workers; i++) {
        const struct worker_record *w = &run->workers[i];
        const char *name = arena_printf(v->arena, "%s %u", run->pools[w->pool], w->id);
        if (!name)
            return diag_nomem(v->d, "lanes");
        lanes[i] = (struct svg_lane){.name = name,
                                     .group = run->pools[w->pool],
                                     .n = spans_of(spans + N_LANE_PARTS * i, w),
                                     .spans = spans + N_LANE_PARTS * i,
                                     .lost = was_lost(w->end) ? s_from_ns(w->end_ns) : NAN};
        end_s = fmax(end_s, s_from_ns(w->end_ns));
    }
    const struct svg_lanes chart = {
        .frame = {.id = "lanes", .label = "What each worker did over time", .width = 960},
        .x = {.label = "time, h:mm", .scale = SVG_TIME},
        .to = end_s,
        .n_parts = N_LANE_PARTS,
        .parts = lane_parts,
        .n = run->n_workers,
        .lanes = lanes};
    page_figure_begin(v->out);
    svg_lanes(v->out, &chart);
    page_figure_end(v->out);
    return ST_OK;
}

enum status run_page_workers(const struct run_view *v)
{
    fputs("<h2 id=\"workers\">Workers</h2>\n", v->out);
    if (v->run->n_workers)
        return draw_lanes(v);
    page_note(v->out, "The run has no workers.csv: it is of an earlier version.");
    return ST_OK;
}
