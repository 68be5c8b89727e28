#include <math.h>

#include "pages/bars.h"
#include "pages/compare/compare_page_internal.h"
#include "pages/html/page.h"
#include "pages/html/table.h"
#include "pages/svg/charts.h"
#include "pages/svg/markup.h"
#include "util/text.h"

enum { DIGITS = 5, CHANGE_DIGITS = 3 };
/* What is more than this times as much as before would leave no room for the other bars. */
static const double most_change = 2;

/* By verdict: blue is good, vermilion is bad, grey neither. */
static const unsigned colours[] = {[COMPARE_UNSURE] = 7,
                                   [COMPARE_SAME] = 7,
                                   [COMPARE_BETTER] = 0,
                                   [COMPARE_WORSE] = 1,
                                   [COMPARE_CHANGED] = 5};

static bool is_there(const struct compare_difference *c)
{
    return !isnan(c->a) || !isnan(c->b);
}

/* Of a change, in the unit of A's figure. */
static double relative(double change, double a)
{
    return fmax(-most_change, fmin(most_change, change / fabs(a)));
}

/* A figure of 0 has no change in per cent. */
static bool has_bar(const struct compare_difference *c)
{
    return isfinite(c->difference) && c->difference != 0 && c->a != 0;
}

/* NULL = nothing to say. */
static enum status note_of(const char **note, const struct compare_difference *c, bool is_sure,
                           const struct compare_view *v)
{
    bool is_cut = fabs(c->difference) > most_change * fabs(c->a);
    const char *verdict = is_sure ? compare_verdict_names[c->verdict] : NULL;

    *note = is_cut ? "and more" : verdict;
    if (is_cut && verdict && !(*note = arena_printf(v->arena, "and more, %s", verdict)))
        return diag_nomem(v->d, "bars");
    return ST_OK;
}

static enum status make_bar(struct svg_bar *bar, const struct compare_difference *c, bool is_sure,
                            const struct compare_view *v)
{
    *bar = (struct svg_bar){
        .name = compare_label(c->key),
        .value = relative(c->difference, c->a),
        .low = relative(c->at.low, c->a),
        .high = relative(c->at.high, c->a),
        .colour = is_sure ? colours[c->verdict] : 0,
    };
    return note_of(&bar->note, c, is_sure, v);
}

static enum status draw_bars(const struct compare_view *v, const struct compare_pair *pair)
{
    const struct compare_result *r = v->result;
    struct svg_bar *bars = ARENA_NEW(v->arena, r->n_keys, struct svg_bar);
    const char of_b = compare_letter(pair->b, r), of_a = compare_letter(pair->a, r);
    const char *id = arena_printf(v->arena, "%schange-%c", v->id_prefix, of_b);
    const char *label = arena_printf(v->arena, "Change of each figure from %c to %c", of_a, of_b);
    enum status s = bars && id && label ? ST_OK : diag_nomem(v->d, "bars");
    size_t n = 0;

    for (size_t k = 0; k < r->n_keys && !s; k++) {
        if (has_bar(&pair->differences[k]))
            s = make_bar(&bars[n++], &pair->differences[k], pair->n_replicates > 0, v);
    }
    if (s)
        return s;
    const struct svg_frame frame = {.id = id, .label = label, .width = 960};
    const struct svg_axis x = {
        .label = "change, of the figure before", .scale = SVG_PERCENT, .from_zero = true};
    page_bars(v->out, &frame, &x, n, bars);
    return ST_OK;
}

/* ---- table ---- */

static void write_row(const struct compare_difference *c, bool is_sure, FILE *out)
{
    char low[TEXT_FIGURE_SIZE], high[TEXT_FIGURE_SIZE], text[2 * TEXT_FIGURE_SIZE];

    html_row_begin(out);
    html_row_name(out, compare_label(c->key));
    html_cell_number(out, DIGITS, c->a);
    html_cell_number(out, DIGITS, c->b);
    html_cell_change(out, CHANGE_DIGITS, c->difference);
    if (is_sure) {
        snprintf(text, sizeof text, "%s to %s", text_change(low, CHANGE_DIGITS, c->at.low),
                 text_change(high, CHANGE_DIGITS, c->at.high));
        html_cell_sorted(out, c->at.low, isnan(c->at.low) ? "-" : text);
        html_cell(out, compare_verdict_names[c->verdict]);
    }
    html_row_end(out);
}

static enum status write_table(const struct compare_view *v, const struct compare_pair *pair)
{
    const struct compare_result *r = v->result;
    char of_a = compare_letter(pair->a, r), of_b = compare_letter(pair->b, r);
    bool is_sure = pair->n_replicates > 0;
    const char *const heads[] = {
        is_sure ? "mean of replicates" : "figure",
        arena_printf(v->arena, "#%c", of_a),
        arena_printf(v->arena, "#%c", of_b),
        arena_printf(v->arena, "#%c - %c", of_b, of_a),
        is_sure ? arena_printf(v->arena, "#%g %% interval", 100 * r->options->level) : NULL,
        "verdict",
        NULL,
    };

    if (!heads[1] || !heads[2] || !heads[3] || (is_sure && !heads[4]))
        return diag_nomem(v->d, "table");
    html_table_begin(v->out, "Figures of both, and their difference", heads);
    for (size_t k = 0; k < r->n_keys; k++) {
        if (is_there(&pair->differences[k]))
            write_row(&pair->differences[k], is_sure, v->out);
    }
    html_table_end(v->out);
    return ST_OK;
}

/* ---- the section ---- */

static size_t count(const struct compare_pair *pair, size_t n_keys, enum compare_verdict verdict)
{
    size_t n = 0;

    for (size_t k = 0; k < n_keys; k++)
        n += is_there(&pair->differences[k]) && pair->differences[k].verdict == verdict;
    return n;
}

static void write_counts(const struct compare_view *v, const struct compare_pair *pair)
{
    static const struct {
        enum compare_verdict verdict;
        const char *text;
    } parts[] = {{COMPARE_WORSE, "worse"},
                 {COMPARE_BETTER, "better"},
                 {COMPARE_CHANGED, "changed"},
                 {COMPARE_SAME, "the same"},
                 {COMPARE_UNSURE, "not to be told apart"}};
    const char *before = " ";

    fprintf(v->out, "Figures of %c:", compare_letter(pair->b, v->result));
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        size_t n = count(pair, v->result->n_keys, parts[i].verdict);
        if (n == 0)
            continue;
        fprintf(v->out, "%s%zu %s", before, n, parts[i].text);
        before = ", ";
    }
}

static void write_verdict(const struct compare_view *v, const struct compare_pair *pair)
{
    size_t n_worse = count(pair, v->result->n_keys, COMPARE_WORSE);
    size_t n_better = count(pair, v->result->n_keys, COMPARE_BETTER);

    page_verdict_begin(v->out, n_worse ? PAGE_MISSED : n_better ? PAGE_HELD : PAGE_NEITHER);
    if (pair->n_replicates == 0) {
        fputs(
            "A run of each: what of these differences is chance cannot be told. With scenarios in "
            "place of folders it can.</p>\n",
            v->out);
        return;
    }
    write_counts(v, pair);
    if (*v->id_prefix) {
        fputs(".</p>\n", v->out);
        return;
    }
    fprintf(
        v->out,
        ".</p>\n<p>From %zu pairs of runs, each on the same course of the traffic; all "
        "intervals hold at once, with %g %%. What follows is of the scenarios as they stand.</p>\n",
        pair->n_replicates, 100 * v->result->options->level);
}

enum status compare_page_figures(const struct compare_view *v, const struct compare_pair *pair)
{
    if (pair->n_replicates || !*v->id_prefix) /* it is said once */
        write_verdict(v, pair);
    for (size_t i = 0; i < pair->n_notes; i++)
        page_note(v->out, pair->notes[i]);
    enum status s = draw_bars(v, pair);
    return s ? s : write_table(v, pair);
}
