#include <math.h>

#include "pages/html/page.h"
#include "pages/run/run_page_internal.h"
#include "pages/svg/charts.h"
#include "util/units.h"

/* Parts that have the same remedy are shown as one. */
enum group {
    GROUP_PREFILL,
    GROUP_SHARED,
    GROUP_QUEUE,
    GROUP_WORKERS,
    GROUP_ROOM,
    GROUP_TRANSFER,
    GROUP_DECODE,
    GROUP_OTHER,
    N_GROUPS
};
static const struct svg_part groups[N_GROUPS] = {
    [GROUP_PREFILL] = {"own prefill", 0},
    [GROUP_SHARED] = {"prefill of others in the same steps", 5},
    [GROUP_QUEUE] = {"in line behind other prompts", 1},
    [GROUP_WORKERS] = {"no worker, or it was starting", 4},
    [GROUP_ROOM] = {"no KV room or place in the batch", 3},
    [GROUP_TRANSFER] = {"KV transfer and its link", 6},
    [GROUP_DECODE] = {"decode", 2},
    [GROUP_OTHER] = {"front end, router, sent again", 7}};
static const enum group group_of[N_REQUEST_PARTS] = {
    [PART_FRONTEND] = GROUP_OTHER,        [PART_ROUTER] = GROUP_OTHER,
    [PART_NO_WORKER] = GROUP_WORKERS,     [PART_STARTUP] = GROUP_WORKERS,
    [PART_GPUS] = GROUP_WORKERS,          [PART_QUEUE] = GROUP_QUEUE,
    [PART_KV_ROOM] = GROUP_ROOM,          [PART_BATCH_FULL] = GROUP_ROOM,
    [PART_PREFILL] = GROUP_PREFILL,       [PART_PREFILL_SHARED] = GROUP_SHARED,
    [PART_DECODE_ROOM] = GROUP_ROOM,      [PART_LINK] = GROUP_TRANSFER,
    [PART_TRANSFER] = GROUP_TRANSFER,     [PART_DECODE] = GROUP_DECODE,
    [PART_DECODE_PROMPTS] = GROUP_DECODE, [PART_DECODE_RANKS] = GROUP_DECODE,
    [PART_PREEMPTED] = GROUP_ROOM,        [PART_STREAM] = GROUP_OTHER,
    [PART_BACKOFF] = GROUP_OTHER,         [PART_LOST] = GROUP_OTHER};

/* Seconds of TTFT of the requests that missed, by the window that they came in; how many. */
static size_t add_up(const struct run_view *v, double *by_window, double total[N_GROUPS])
{
    size_t n = 0;

    for (size_t i = 0; i < v->run->n_requests; i++) {
        const struct recorded_request *q = &v->run->requests[i];
        size_t w = (size_t)fmin(s_from_ns(q->arrival_ns) / v->window_s, (double)v->n_windows - 1);
        if (q->good || q->ttft_ns < 0)
            continue;
        n++;
        for (int part = 0; part < N_REQUEST_PARTS; part++) {
            double s = s_from_ns(v->run->parts[i].ttft_ns[part]);
            by_window[w * N_GROUPS + group_of[part]] += s;
            total[group_of[part]] += s;
        }
    }
    return n;
}

static void draw(const struct run_view *v, const double *by_window, const double total[N_GROUPS])
{
    const struct svg_total_bar bar = {
        .frame = {.id = "parts-total",
                  .label = "Where the TTFT of the requests that missed went, in all",
                  .width = 960},
        .n_parts = N_GROUPS,
        .parts = groups,
        .values = total,
        .unit = "s"};
    const struct svg_stacked_bars bars = {
        .frame = {.id = "parts",
                  .label = "Where the TTFT of the requests that missed went, by when they came",
                  .width = 960},
        .x = {.label = "time of arrival", .scale = SVG_TIME},
        .y = {.label = "TTFT, s, summed", .from_zero = true},
        .n_parts = N_GROUPS,
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
    double *by_window, total[N_GROUPS] = {0};

    fputs("<h2 id=\"parts-of-ttft\">Where the time went</h2>\n", v->out);
    if (!v->run->parts) {
        page_note(v->out, "The run kept no parts of its requests' time.");
        return ST_OK;
    }
    by_window = ARENA_NEW(v->arena, v->n_windows * N_GROUPS, double);
    if (!by_window)
        return diag_nomem(v->d, "parts");
    for (size_t i = 0; i < v->n_windows * N_GROUPS; i++)
        by_window[i] = 0;
    size_t n = add_up(v, by_window, total);
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

const char *run_main_part(const struct run_view *v, size_t request)
{
    const int64_t *ns;
    int most = 0;

    if (!v->run->parts || v->run->requests[request].ttft_ns < 0)
        return NULL;
    ns = v->run->parts[request].ttft_ns;
    for (int part = 1; part < N_REQUEST_PARTS; part++)
        most = ns[part] > ns[most] ? part : most;
    return request_part_name((enum request_part)most);
}
