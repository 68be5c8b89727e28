#include "pages/check/check_page.h"

#include <math.h>
#include <string.h>

#include "pages/bars.h"
#include "pages/html/page.h"
#include "pages/html/table.h"
#include "pages/svg/charts.h"
#include "pages/svg/markup.h"

/* What is more than this times as much as before would leave no room for the other bars. */
static const double most_change = 2;

struct check_view {
    const struct gate_report *report;
    FILE *out;
    struct arena *arena;
    struct diag *d;
};

static const char *verdict_of(const struct gate_result *r)
{
    return gate_failed(r) ? "failed" : r->n_missed ? "missed" : "held";
}

/* ---- verdicts ---- */

static void write_head(const struct check_view *v)
{
    const struct gate_report *g = v->report;
    size_t n_missed = gate_count(g, ST_MISSED), n_failed = gate_count(g, ST_INPUT);

    page_verdict_begin(v->out, n_missed || n_failed ? PAGE_MISSED : PAGE_HELD);
    fprintf(v->out, "%zu of %zu %s held, %zu missed, %zu failed</p>\n", gate_count(g, ST_OK), g->n,
            g->n == 1 ? "scenario" : "scenarios", n_missed, n_failed);
}

static void write_verdicts(const struct check_view *v)
{
    static const char *const heads[] = {"scenario", "verdict", "#checks",
                                        "#missed",  "#moved",  NULL};

    html_table_begin(v->out, "Verdicts by scenario", heads);
    for (size_t i = 0; i < v->report->n; i++) {
        const struct gate_result *r = &v->report->results[i];
        size_t n_moved = 0;
        for (size_t k = 0; k < r->n_checks; k++)
            n_moved += gate_has_moved(r, k);
        html_row_begin(v->out);
        html_row_name(v->out, r->of->scenario->name);
        html_cell(v->out, verdict_of(r));
        html_cell_number(v->out, 9, (double)r->n_checks);
        html_cell_number(v->out, 9, (double)r->n_missed);
        html_cell_number(v->out, 9, (double)n_moved);
        html_row_end(v->out);
    }
    html_table_end(v->out);
}

static enum status write_misses(const struct check_view *v)
{
    static const char *const heads[] = {"scenario", "expected", "but", "at", NULL};

    html_table_begin(v->out, "What was missed", heads);
    for (size_t i = 0; i < v->report->n; i++) {
        const struct gate_result *r = &v->report->results[i];
        if (gate_failed(r)) {
            html_row_begin(v->out);
            html_row_name(v->out, r->of->scenario->name);
            html_cell(v->out, "a run");
            html_cell(v->out, r->message);
            html_cell(v->out, r->of->path);
            html_row_end(v->out);
        }
        for (size_t k = 0; k < r->n_checks; k++) {
            const struct gate_check *c = &r->checks[k];
            if (!c->missed)
                continue;
            unsigned long line = gate_line(r, c);
            const char *at =
                line ? arena_printf(v->arena, "%s:%lu", r->of->path, line) : r->of->path;
            if (!at)
                return diag_nomem(v->d, "table");
            html_row_begin(v->out);
            html_row_name(v->out, r->of->scenario->name);
            html_cell(v->out, c->text);
            html_cell(v->out, c->found);
            html_cell(v->out, at);
            html_row_end(v->out);
        }
    }
    html_table_end(v->out);
    return ST_OK;
}

/* ---- what moved ---- */

static bool any_moved(const struct gate_report *report)
{
    for (size_t i = 0; i < report->n; i++) {
        for (size_t k = 0; k < report->results[i].n_checks; k++) {
            if (gate_has_moved(&report->results[i], k))
                return true;
        }
    }
    return false;
}

static double relative(double change, double before)
{
    return fmax(-most_change, fmin(most_change, change / fabs(before)));
}

static enum status draw_moves(const struct check_view *v, size_t scenario)
{
    const struct gate_result *r = &v->report->results[scenario];
    struct svg_bar *bars = ARENA_NEW(v->arena, r->n_checks, struct svg_bar);
    const char *id = arena_printf(v->arena, "moves-%zu", scenario + 1);
    const char *label = arena_printf(v->arena, "What moved in %s", r->of->scenario->name);
    size_t n = 0;

    if (!bars || !id || !label)
        return diag_nomem(v->d, "bars");
    for (size_t k = 0; k < r->n_checks; k++) {
        const struct gate_check *c = &r->checks[k];
        if (!gate_has_moved(r, k) || !isfinite(c->change) || c->before == 0)
            continue;
        bool is_sure = c->n_pairs > 1, is_cut = fabs(c->change) > most_change * fabs(c->before);
        const char *note = arena_printf(v->arena, "%s%s", is_cut ? "and more, " : "",
                                        c->missed ? "missed" : "held");
        if (!note)
            return diag_nomem(v->d, "bars");
        bars[n++] = (struct svg_bar){
            .name = c->key,
            .value = relative(c->change, c->before),
            .low = is_sure ? relative(c->interval.low, c->before) : NAN,
            .high = is_sure ? relative(c->interval.high, c->before) : NAN,
            .colour = c->missed ? 1 : 0,
            .note = note,
        };
    }
    const struct svg_frame frame = {.id = id, .label = label, .width = 960};
    const struct svg_axis x = {
        .label = "change, of the baseline's figure", .scale = SVG_PERCENT, .from_zero = true};
    page_bars(v->out, &frame, &x, n, bars);
    return ST_OK;
}

static void write_moves(const struct check_view *v, const struct gate_result *r)
{
    static const char *const heads[] = {"figure",   "#baseline", "#now",    "#change",
                                        "how sure", "allowed",   "verdict", NULL};
    char sure[GATE_SURE_SIZE];

    html_table_begin(v->out, "What moved against the baseline", heads);
    for (size_t k = 0; k < r->n_checks; k++) {
        const struct gate_check *c = &r->checks[k];
        if (!gate_has_moved(r, k))
            continue;
        html_row_begin(v->out);
        html_row_name(v->out, c->key);
        html_cell_number(v->out, 6, c->before);
        html_cell_number(v->out, 6, c->now);
        html_cell_change(v->out, 4, c->change);
        html_cell(v->out, gate_sure(sure, c));
        html_cell(v->out, c->text);
        html_cell(v->out, c->missed ? "missed" : "held");
        html_row_end(v->out);
    }
    html_table_end(v->out);
}

static enum status write_scenario(const struct check_view *v, size_t scenario)
{
    const struct gate_result *r = &v->report->results[scenario];
    bool moved = false;

    for (size_t k = 0; k < r->n_checks && !moved; k++)
        moved = gate_has_moved(r, k);
    if (!moved && r->n_notes == 0)
        return ST_OK;
    fputs("<h3>", v->out);
    markup_text(v->out, r->of->scenario->name);
    fputs("</h3>\n", v->out);
    for (size_t k = 0; k < r->n_notes; k++)
        page_note(v->out, r->notes[k]);
    if (!moved)
        return ST_OK;
    enum status s = draw_moves(v, scenario);
    write_moves(v, r);
    return s;
}

enum status check_page_write(const struct gate_report *report, FILE *out, struct arena *arena,
                             struct diag *d)
{
    const struct check_view v = {report, out, arena, d};
    size_t n_missed = report->n - gate_count(report, ST_OK);
    enum status s = ST_OK;

    page_begin(out, "headroom check", "headroom check");
    page_heading(out, "headroom check", NULL);
    write_head(&v);
    if (n_missed) {
        fputs("<h2>Missed</h2>\n", out);
        s = write_misses(&v);
    }
    fputs("<h2>Scenarios</h2>\n", out);
    write_verdicts(&v);
    fputs("<h2>What moved</h2>\n", out);
    if (!any_moved(report))
        fputs("<p>Nothing that a baseline has.</p>\n", out);
    for (size_t i = 0; i < report->n && !s; i++)
        s = write_scenario(&v, i);
    page_end(out);
    return s;
}
