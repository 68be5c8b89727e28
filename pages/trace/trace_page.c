#include "pages/trace/trace_page.h"

#include <inttypes.h>
#include <math.h>

#include "pages/html/page.h"
#include "pages/html/table.h"
#include "pages/svg/charts.h"
#include "pages/svg/markup.h"
#include "util/text.h"
#include "util/units.h"

enum { N_PARTS = 180, N_QUANTILES = 201, WIDTH = 960 }; /* as many bars as are told apart */

struct trace_view {
    const struct trace_page *page;
    const struct trace_stats *stats;
    FILE *out;
    struct arena *arena;
    struct diag *d;
};

/* ---- figures ---- */

static void row(FILE *out, const char *name, const char *text)
{
    html_row_begin(out);
    html_row_name(out, name);
    html_cell(out, text);
    html_row_end(out);
}

static void write_rates(const struct trace_view *v)
{
    const struct trace_stats *s = v->stats;
    double span_s = s_from_ns(s->last_ns);
    char text[160], number[TEXT_FIGURE_SIZE];

    row(v->out, "span", text_duration(number, span_s));
    if (!(span_s > 0))
        return;
    snprintf(text, sizeof text, "%.3f requests/s", (double)s->n_requests / span_s);
    row(v->out, "rate", text);
    snprintf(text, sizeof text, "%s requests (%.3f/s), from minute %" PRId64 " on",
             text_grouped(number, s->peak_requests), (double)s->peak_requests / 60, s->peak_minute);
    row(v->out, "peak minute", text);
    for (size_t i = 0; i < TRACE_N_WINDOWS; i++) {
        double dispersion = trace_stats_dispersion(s, i);
        char name[64];
        if (isnan(dispersion))
            break;
        snprintf(name, sizeof name, "dispersion in windows of %" PRId64 " s", trace_window_s[i]);
        row(v->out, name, text_number(number, 3, dispersion));
    }
}

static void write_figures(const struct trace_view *v)
{
    static const char *const heads[] = {"figure", "value", NULL};
    const struct trace_stats *s = v->stats;
    double reuse = trace_stats_reuse(s);
    char text[160], number[TEXT_FIGURE_SIZE], other[TEXT_FIGURE_SIZE];

    html_table_begin(v->out, "Figures of the trace", heads);
    if (v->page->format)
        row(v->out, "format", v->page->format);
    row(v->out, "requests", text_grouped(number, s->n_requests));
    write_rates(v);
    snprintf(text, sizeof text, "%s in, %s out", text_grouped(number, (uint64_t)s->isl_tok.sum),
             text_grouped(other, (uint64_t)s->osl_tok.sum));
    row(v->out, "tokens", text);
    if (isnan(reuse))
        snprintf(text, sizeof text, "%s", text_grouped(number, s->n_blocks));
    else
        snprintf(text, sizeof text, "%s, %.1f %% of them seen before",
                 text_grouped(number, s->n_blocks), 100 * reuse);
    row(v->out, "prefix blocks", text);
    snprintf(text, sizeof text, "%016" PRIx64, v->page->digest);
    row(v->out, "digest", text);
    html_table_end(v->out);
}

/* ---- over time ---- */

static void draw_rate(const struct trace_view *v)
{
    static const struct svg_part part = {"requests/s", 0};
    double rate[N_PARTS], span_s = s_from_ns(v->stats->last_ns);

    trace_stats_rate(v->stats, N_PARTS, rate);
    const struct svg_stacked_bars chart = {
        .frame = {.id = "rate",
                  .label = "Requests per second over the time of the trace",
                  .width = WIDTH},
        .x = {.label = "time since the first request", .scale = SVG_TIME},
        .y = {.label = "requests/s", .from_zero = true},
        .n_parts = 1,
        .parts = &part,
        .n_bars = N_PARTS,
        .step = span_s / N_PARTS,
        .values = rate,
    };
    page_figure_begin(v->out);
    svg_stacked_bars(v->out, &chart);
    page_figure_end(v->out);
}

static void draw_blocks(const struct trace_view *v)
{
    static const struct svg_part parts[] = {{"seen before", 2}, {"new", 7}};
    double values[2 * N_PARTS], seen[N_PARTS], fresh[N_PARTS];
    double span_s = s_from_ns(v->stats->last_ns);

    trace_stats_blocks_over_time(v->stats, N_PARTS, seen, fresh);
    for (size_t i = 0; i < N_PARTS; i++) {
        values[2 * i] = seen[i] / (span_s / N_PARTS);
        values[2 * i + 1] = fresh[i] / (span_s / N_PARTS);
    }
    const struct svg_stacked_bars chart = {
        .frame = {.id = "blocks",
                  .label = "Prompt blocks per second over time: seen before in the trace, and new",
                  .width = WIDTH},
        .x = {.label = "time since the first request", .scale = SVG_TIME},
        .y = {.label = "blocks/s", .from_zero = true},
        .n_parts = 2,
        .parts = parts,
        .n_bars = N_PARTS,
        .step = span_s / N_PARTS,
        .values = values,
    };
    page_figure_begin(v->out);
    svg_stacked_bars(v->out, &chart);
    page_figure_end(v->out);
}

/* ---- distributions ---- */

struct distribution {
    const char *id, *label, *axis, *name;
    const struct histogram *h;
    double unit;
};

static enum status draw_distribution(const struct trace_view *v, const struct distribution *c)
{
    struct svg_point *points = ARENA_NEW(v->arena, N_QUANTILES, struct svg_point);

    if (!points)
        return diag_nomem(v->d, "quantiles");
    for (size_t i = 0; i < N_QUANTILES; i++) {
        double share = (double)i / (N_QUANTILES - 1);
        points[i] = (struct svg_point){
            .x = histogram_quantile(c->h, share) / c->unit, .y = share, .low = NAN, .high = NAN};
    }
    const struct svg_series series = {c->name, 0, N_QUANTILES, points};
    const struct svg_cdf chart = {
        .frame = {.id = c->id, .label = c->label},
        .x = {.label = c->axis, .scale = c->h->min > 0 ? SVG_LOG : SVG_LINEAR, .from_zero = true},
        .n = 1,
        .series = &series,
        .limit = {.at = NAN},
    };
    page_figure_begin(v->out);
    svg_cdf(v->out, &chart);
    page_figure_end(v->out);
    return ST_OK;
}

static void write_quantiles(const struct trace_view *v, const struct distribution *all, size_t n)
{
    static const double shares[] = {0.5, 0.9, 0.99};
    static const char *const heads[] = {"", "#mean", "#min", "#p50", "#p90", "#p99", "#max", NULL};

    html_table_begin(v->out, "Lengths and gaps", heads);
    for (size_t i = 0; i < n; i++) {
        const struct histogram *h = all[i].h;
        if (h->n == 0)
            continue;
        html_row_begin(v->out);
        html_row_name(v->out, all[i].name);
        html_cell_number(v->out, 5, h->sum / (double)h->n / all[i].unit);
        html_cell_number(v->out, 5, (double)h->min / all[i].unit);
        for (size_t k = 0; k < sizeof shares / sizeof *shares; k++)
            html_cell_number(v->out, 5, histogram_quantile(h, shares[k]) / all[i].unit);
        html_cell_number(v->out, 5, (double)h->max / all[i].unit);
        html_row_end(v->out);
    }
    html_table_end(v->out);
}

static enum status write_distributions(const struct trace_view *v)
{
    const struct trace_stats *s = v->stats;
    const struct distribution all[] = {
        {"isl", "Share of requests with at most so many input tokens", "input tokens",
         "input tokens", &s->isl_tok, 1},
        {"osl", "Share of requests with at most so many output tokens", "output tokens",
         "output tokens", &s->osl_tok, 1},
        {"gaps", "Share of arrivals at most so long after the one before", "between arrivals, ms",
         "between, ms", &s->gap_ns, (double)NS_PER_MS},
        {"prefix", "Share of prompts of which at most so many blocks came before",
         "blocks from the beginning that came before", "prefix seen, blocks", &s->prefix_blocks, 1},
    };
    enum { N = sizeof all / sizeof *all };
    enum status status = ST_OK;

    write_quantiles(v, all, N);
    fputs("<div class=\"charts\">\n", v->out);
    for (size_t i = 0; i < N && !status; i++) {
        if (all[i].h->n)
            status = draw_distribution(v, &all[i]);
    }
    fputs("</div>\n", v->out);
    return status;
}

/* Of prompts: those of sessions go on from one that was sent before. */
static void write_reuse(const struct trace_view *v)
{
    const struct histogram *h = &v->stats->prefix_blocks;
    uint64_t n_none = 0, n_one = 0, n;
    unsigned bucket = 0;
    double value, all = (double)h->n;
    char text[TEXT_FIGURE_SIZE];

    while (histogram_next(h, &bucket, &value, &n)) {
        n_none += value < 1 ? n : 0;
        n_one += value < 2 ? n : 0;
    }
    fprintf(v->out,
            "<p>Of %s prompts, %.1f %% begin with a block that came before in the trace, and "
            "%.1f %% with two or more; %.1f blocks on average. This is what a prefix cache without "
            "end could keep.",
            text_grouped(text, h->n), 100 * (1 - (double)n_none / all),
            100 * (1 - (double)n_one / all), histogram_mean(h));
    if (v->stats->sampled_mask)
        fprintf(v->out,
                " There are more different blocks than are kept: one in %" PRIu64
                " is looked at, so that a prefix may be up to %" PRIu64 " blocks shorter.",
                v->stats->sampled_mask + 1, v->stats->sampled_mask);
    fputs("</p>\n", v->out);
}

enum status trace_page_write(const struct trace_page *page, FILE *out, struct arena *arena,
                             struct diag *d)
{
    const struct trace_view v = {page, page->stats, out, arena, d};
    bool has_span = page->stats->last_ns > 0;

    page_begin(out, "headroom trace info", page->name);
    page_heading(out, page->name, "headroom trace info");
    write_figures(&v);
    if (has_span) {
        fputs("<h2>Over time</h2>\n", out);
        draw_rate(&v);
    }
    fputs("<h2>Lengths and gaps</h2>\n", out);
    enum status s = write_distributions(&v);
    if (page->stats->n_blocks) {
        fputs("<h2>Prefixes that come again</h2>\n", out);
        write_reuse(&v);
        if (has_span)
            draw_blocks(&v);
    }
    page_end(out);
    return s;
}
