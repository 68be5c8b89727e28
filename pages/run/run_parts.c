#include "pages/html/page.h"
#include "pages/run/run_page_internal.h"
#include "pages/svg/charts.h"

static const struct svg_part groups[N_RUN_PARTS] = {
    [RUN_PART_PREFILL] = {"own prefill", 0},
    [RUN_PART_SHARED] = {"prefill of others in the same steps", 5},
    [RUN_PART_QUEUE] = {"in line behind other prompts", 1},
    [RUN_PART_WORKERS] = {"no worker, or it was starting", 4},
    [RUN_PART_ROOM] = {"no KV room or place in the batch", 3},
    [RUN_PART_TRANSFER] = {"KV transfer and its link", 6},
    [RUN_PART_DECODE] = {"decode", 2},
    [RUN_PART_OTHER] = {"front end, router, sent again", 7}};
static const enum run_part part_of[N_REQUEST_PARTS] = {
    [PART_FRONTEND] = RUN_PART_OTHER,        [PART_ROUTER] = RUN_PART_OTHER,
    [PART_NO_WORKER] = RUN_PART_WORKERS,     [PART_STARTUP] = RUN_PART_WORKERS,
    [PART_GPUS] = RUN_PART_WORKERS,          [PART_QUEUE] = RUN_PART_QUEUE,
    [PART_KV_ROOM] = RUN_PART_ROOM,          [PART_BATCH_FULL] = RUN_PART_ROOM,
    [PART_PREFILL] = RUN_PART_PREFILL,       [PART_PREFILL_SHARED] = RUN_PART_SHARED,
    [PART_DECODE_ROOM] = RUN_PART_ROOM,      [PART_LINK] = RUN_PART_TRANSFER,
    [PART_TRANSFER] = RUN_PART_TRANSFER,     [PART_DECODE] = RUN_PART_DECODE,
    [PART_DECODE_PROMPTS] = RUN_PART_DECODE, [PART_DECODE_RANKS] = RUN_PART_DECODE,
    [PART_PREEMPTED] = RUN_PART_ROOM,        [PART_STREAM] = RUN_PART_OTHER,
    [PART_BACKOFF] = RUN_PART_OTHER,         [PART_LOST] = RUN_PART_OTHER};

enum run_part run_part_of(enum request_part part)
{
    return part_of[part];
}

/* Seconds of TTFT of the requests that missed, by the window that they came in; how many. */
static uint64_t add_up(const struct run_view *v, double *by_window, double total[N_RUN_PARTS])
{
    uint64_t n = 0;

    for (size_t i = 0; i < v->requests->n_stretches; i++) {
        const struct run_stretch *stretch = &v->requests->stretches[i];
        double *to = by_window + run_window_of(v, i) * N_RUN_PARTS;
        n += stretch->n_late;
        for (int part = 0; part < N_RUN_PARTS; part++) {
            to[part] += stretch->part_ns[part] / 1e9;
            total[part] += stretch->part_ns[part] / 1e9;
        }
    }
    return n;
}

static void draw(const struct run_view *v, const double *by_window, const double total[N_RUN_PARTS])
{
    const struct svg_total_bar bar = {
        .frame = {.id = "parts-total",
                  .label = "Where the TTFT of the requests that missed went, in all",
                  .width = 960},
        .n_parts = N_RUN_PARTS,
        .parts = groups,
        .values = total,
        .unit = "s"};
    const struct svg_stacked_bars bars = {
        .frame = {.id = "parts",
                  .label = "Where the TTFT of the requests that missed went, by when they came",
                  .width = 960},
        .x = {.label = "time of arrival", .scale = SVG_TIME},
        .y = {.label = "TTFT, s, summed", .from_zero = true},
        .n_parts = N_RUN_PARTS,
        .parts = groups,
        .n_bars = v->n_windows,
        .step = v->window_s,
        .values = by_window};

    page_figure_begin(v->out);
    svg_total_bar(v->out, &bar);
    page_figure_end(v->out);
    page_figure_begin(v->out);
    svg_stacked_bars(v->out, &bars);
    page_figure_end(v->out);
}

enum status run_page_parts(const struct run_view *v)
{
    double *by_window, total[N_RUN_PARTS] = {0};

    fputs("<h2 id=\"parts-of-ttft\">Where the time went</h2>\n", v->out);
    if (!v->requests->has_parts) {
        page_note(v->out, "The run kept no parts of its requests' time.");
        return ST_OK;
    }
    by_window = ARENA_NEW(v->arena, v->n_windows * N_RUN_PARTS, double);
    if (!by_window)
        return diag_nomem(v->d, "parts");
    for (size_t i = 0; i < v->n_windows * N_RUN_PARTS; i++)
        by_window[i] = 0;
    uint64_t n = add_up(v, by_window, total);
    if (n == 0) {
        fputs("<p>No request that had its first token missed.</p>\n", v->out);
        return ST_OK;
    }
    fprintf(v->out,
            "<p>The time to first token of %s that missed, added up; docs/report.md says which of "
            "the columns ttft_part_*_ms are in which part.</p>\n",
            n == 1 ? "the one request" : "all requests");
    draw(v, by_window, total);
    return ST_OK;
}
