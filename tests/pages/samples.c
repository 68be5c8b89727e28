/* Writes every kind of chart, of usual and of extreme data, as DIR/NAME.svg and, for people, all of
 * them as DIR/samples.html. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pages/svg/charts.h"

/* What `<` and a torn UTF-8 do in names is a part of every sample. */
static const char *const nasty = "a</text><script>\"'&\xff\x01";

enum kind_of_data { USUAL, NONE, ONE, NOT_NUMBERS, EQUAL, HUGE_ONES, KINDS_OF_DATA };
static const char *const data_names[] = {"usual", "none", "one", "not-numbers", "equal", "huge"};

static double figure(enum kind_of_data kind, size_t i)
{
    switch (kind) {
    case NOT_NUMBERS:
        return i % 2 ? NAN : INFINITY;
    case EQUAL:
        return 7;
    case HUGE_ONES:
        return i % 2 ? 1e300 : i % 4 ? -DBL_MAX : DBL_MIN;
    default:
        return 100 + 900 * pow(sin(0.37 * (double)(i + 1)), 2) * (1 + 0.1 * (double)(i % 7));
    }
}

static size_t count(enum kind_of_data kind, size_t usual)
{
    return kind == NONE ? 0 : kind == ONE ? 1 : usual;
}

static struct svg_frame frame(const char *id)
{
    return (struct svg_frame){id, nasty, 0, 0};
}

static void write_cdf(FILE *out, const char *id, enum kind_of_data kind)
{
    static struct svg_point points[4][40];
    struct svg_series series[4];
    static const char *const names[] = {"TTFT", "E2E of long prompts", "without load", nasty};

    for (unsigned k = 0; k < 4; k++) {
        size_t n = count(kind, 30);
        for (size_t i = 0; i < n; i++) {
            double y = (double)(i + 1) / (double)n;
            double x = kind == USUAL ? (20 << k) * exp(3 * y * y) : figure(kind, i);
            points[k][i] = (struct svg_point){x, y, NAN, NAN, NULL};
        }
        series[k] = (struct svg_series){names[k], k, n, points[k]};
    }
    const struct svg_cdf chart = {frame(id),
                                  {"time (ms)", SVG_LOG, false},
                                  4,
                                  series,
                                  {kind == USUAL ? 500 : figure(kind, 0), "SLA 500 ms"}};
    svg_cdf(out, &chart);
}

static void write_lines(FILE *out, const char *id, enum kind_of_data kind)
{
    static struct svg_point points[8][8];
    struct svg_series series[8];
    static const char *const names[] = {"one",  "two", "three", "four",
                                        "five", "six", "seven", nasty};
    static const char *const labels[] = {"least_loaded", "round_robin", "kv",
                                         "p2c",          nasty,         "prefix"};

    for (unsigned k = 0; k < 8; k++) {
        size_t n = count(kind, 6);
        for (size_t i = 0; i < n; i++) {
            double y = figure(kind, i + 3 * k) + (kind == USUAL ? 300.0 * k : 0);
            points[k][i] = (struct svg_point){(double)i, y, 0.9 * y, 1.2 * y, NULL};
        }
        series[k] = (struct svg_series){names[k], k, n, points[k]};
    }
    const struct svg_lines chart = {.frame = frame(id),
                                    .x = {"workers", SVG_LINEAR, false},
                                    .y = {"cost per day (USD)", SVG_LINEAR, true},
                                    .n = 8,
                                    .series = series,
                                    .level = {kind == USUAL ? 2000 : NAN, "budget"}};
    struct svg_lines named = chart;
    named.frame.id = "named";
    named.n_labels = 6;
    named.labels = labels;
    named.x.label = "router";
    named.n = 2;
    svg_lines(out, kind == EQUAL ? &named : &chart);
}

static const struct svg_part parts[] = {
    {"queued behind prompts", 0}, {"worker starting", 1}, {"KV transfer", 2}, {"prefill", 3},
    {"waited for KV room", 4},    {"preempted", 5},       {"lost work", 6},   {nasty, 7}};

static void write_stacked_bars(FILE *out, const char *id, enum kind_of_data kind)
{
    enum { MOST = 900 };
    static double values[MOST * 8];
    size_t n = count(kind, kind == USUAL ? MOST : 24);

    for (size_t i = 0; i < 8 * n; i++)
        values[i] = figure(kind, i);
    const struct svg_stacked_bars chart = {.frame = frame(id),
                                           .x = {"time (h:mm)", SVG_TIME, false},
                                           .y = {"requests that missed the SLA", SVG_LINEAR, true},
                                           .n_parts = 8,
                                           .parts = parts,
                                           .n_bars = n,
                                           .step = 60,
                                           .values = values};
    svg_stacked_bars(out, &chart);
}

static void write_total_bar(FILE *out, const char *id, enum kind_of_data kind)
{
    double values[8];

    for (size_t i = 0; i < 8; i++)
        values[i] = i < count(kind, 8) ? figure(kind, i) : 0;
    const struct svg_total_bar chart = {frame(id), 8, parts, values, "requests"};
    svg_total_bar(out, &chart);
}

static void write_bars(FILE *out, const char *id, enum kind_of_data kind)
{
    struct svg_bar bars[8];
    size_t n = count(kind, 8);

    for (size_t i = 0; i < n; i++) {
        double value = figure(kind, i);
        bars[i] = (struct svg_bar){parts[i].name, value,          0.8 * value,
                                   1.1 * value,   i == 0 ? 2 : 0, i == 0 ? "cheapest" : NULL,
                                   NULL};
    }
    const struct svg_bars chart = {frame(id),
                                   {"cost per day (USD)", SVG_LINEAR, true},
                                   n,
                                   bars,
                                   {kind == USUAL ? 600 : NAN, "budget"}};
    svg_bars_with_intervals(out, &chart);
}

static void write_lanes(FILE *out, const char *id, enum kind_of_data kind)
{
    enum { MOST = 1000 };
    static const struct svg_part states[] = {{"serving", 0}, {"starting", 1}, {"draining", 4}};
    static struct svg_lane lanes[MOST];
    static struct svg_span spans[MOST][3];
    size_t n = count(kind, kind == HUGE_ONES ? MOST : 40);

    for (size_t i = 0; i < n; i++) {
        double at = kind == NOT_NUMBERS ? NAN : 37 * (double)(i % 40), end = at + 900;
        spans[i][0] = (struct svg_span){at, at + 100, 1};
        spans[i][1] = (struct svg_span){at + 100, end, 0};
        spans[i][2] = (struct svg_span){end, end + 60, 2};
        lanes[i] = (struct svg_lane){i % 3 ? "worker" : nasty, i < n / 2 ? "prefill" : "decode", 3,
                                     spans[i], i % 9 == 8 ? at + 600 : NAN};
    }
    const struct svg_lanes chart = {
        frame(id), {"time (h:mm)", SVG_TIME, false}, 0, 2500, 3, states, n, lanes};
    svg_lanes(out, &chart);
}

static void write_heat_map(FILE *out, const char *id, enum kind_of_data kind)
{
    enum { SIDE = 9 };
    static const char *const x[] = {"1", "2", "4", "8", "16", "32", "64", "128", "a long name"};
    static const char *const y[] = {"0.5", "0.6", "0.7", "0.8", "0.9", "1", "1.1", "1.2", nasty};
    static double values[SIDE * SIDE];
    size_t n = count(kind, SIDE);

    for (size_t i = 0; i < n * n; i++)
        values[i] =
            kind == USUAL && i % 11 == 10 ? NAN : figure(kind, i) / (kind == USUAL ? 1700 : 1);
    const struct svg_heat_map chart = {frame(id),
                                       "policy.max_workers",
                                       "policy.target",
                                       "attainment.overall",
                                       kind == USUAL,
                                       n,
                                       n,
                                       x,
                                       y,
                                       values,
                                       NULL};
    svg_heat_map(out, &chart);
}

static void write_scatter(FILE *out, const char *id, enum kind_of_data kind)
{
    enum { MOST = 2000, FRONT = 12 };
    static struct svg_dot dots[MOST];
    size_t n = count(kind, MOST);

    for (size_t i = 0; i < n; i++) {
        double x = kind == USUAL ? 5 + fmod(0.618034 * (double)i, 1) * 40 : figure(kind, i);
        double y =
            kind == USUAL ? 1 - 3 / x - 0.3 * fmod(0.414 * (double)i, 1) : figure(kind, i + 1);
        dots[i] = (struct svg_dot){x, NAN, NAN, y, NAN, NAN, SVG_DOT_OTHER, NULL};
        if (i >= FRONT)
            continue;
        dots[i].kind = i == 4 ? SVG_DOT_RECOMMENDED : i == 5 ? SVG_DOT_DEFAULT : SVG_DOT_FRONT;
        if (kind != USUAL)
            continue;
        dots[i].x = x = 5 + 3 * (double)i;
        dots[i].y = y = i == 5 ? 0.6 : 1 - 3 / x;
        dots[i].x_low = 0.9 * x;
        dots[i].x_high = 1.05 * x;
        dots[i].y_low = y - 0.03;
        dots[i].y_high = fmin(1, y + 0.03);
        dots[i].title = nasty;
    }
    const struct svg_scatter chart = {.frame = frame(id),
                                      .x = {"GPU-hours", SVG_LINEAR, false},
                                      .y = {"attainment.overall", SVG_PERCENT, false},
                                      .n = n,
                                      .dots = dots,
                                      .x_limit = {NAN, NULL},
                                      .y_limit = {kind == USUAL ? 0.9 : NAN, "at least 90 %"}};
    svg_scatter_front(out, &chart);
}

static const struct {
    const char *name;
    void (*write)(FILE *out, const char *id, enum kind_of_data kind);
} charts[] = {{"cdf", write_cdf},
              {"lines", write_lines},
              {"stacked-bars", write_stacked_bars},
              {"total-bar", write_total_bar},
              {"bars", write_bars},
              {"lanes", write_lanes},
              {"heat-map", write_heat_map},
              {"scatter", write_scatter}};

static FILE *create(const char *dir, const char *name)
{
    char path[4096];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "w");
    if (!f) {
        perror(path);
        exit(1);
    }
    return f;
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    FILE *all = create(argv[1], "samples.html");
    fputs("<!doctype html><meta charset=utf-8><link rel=stylesheet href=charts.css>\n"
          "<style>:root { color-scheme: light dark }</style>\n",
          all);
    for (size_t i = 0; i < sizeof charts / sizeof *charts; i++) {
        for (enum kind_of_data kind = USUAL; kind < KINDS_OF_DATA; kind++) {
            char id[64], name[80];
            snprintf(id, sizeof id, "%s-%s", charts[i].name, data_names[kind]);
            snprintf(name, sizeof name, "%s.svg", id);
            FILE *f = create(argv[1], name);
            charts[i].write(f, id, kind);
            charts[i].write(all, id, kind);
            if (fclose(f))
                return 1;
        }
    }
    return fclose(all) ? 1 : 0;
}
