#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "pages/compare/compare_page_internal.h"
#include "pages/html/table.h"
#include "pages/svg/markup.h"
#include "util/text.h"
#include "util/units.h"

enum { MAX_ROWS = 200 };

/* ---- the first that differs ---- */

static void write_reason(char of, const struct recorded_decision *c, FILE *out)
{
    if (!c || !c->reason || !*c->reason)
        return;
    fprintf(out, "<p class=\"reason\"><b>%c</b> ", of);
    markup_text(out, c->reason);
    fputs("</p>\n", out);
}

static enum status write_first(const struct compare_view *v, const struct compare_pair *pair)
{
    const struct compare_decision *c = &pair->decision;
    char of_a = compare_letter(pair->a, v->result), of_b = compare_letter(pair->b, v->result);
    const char a[] = {of_a, '\0'}, b[] = {of_b, '\0'}, *const heads[] = {"decision", a, b, NULL};
    const struct compare_line *lines;
    size_t n;

    enum status s = compare_decision_lines(&lines, &n, pair, v->arena, v->d);
    if (s)
        return s;
    fprintf(v->out, "<p>The first that differs is at %.9g s: ", s_from_ns(c->at_ns));
    markup_text(v->out, compare_input_texts[c->input]);
    fputs(".</p>\n", v->out);
    html_table_begin(v->out, "What the first decision that differs rests on", heads);
    for (size_t i = 0; i < n; i++) {
        html_row_begin(v->out);
        html_row_name(v->out, lines[i].what);
        html_cell(v->out, lines[i].a);
        html_cell(v->out, lines[i].b);
        html_row_end(v->out);
    }
    html_table_end(v->out);
    write_reason(of_a, c->a, v->out);
    write_reason(of_b, c->b, v->out);
    return ST_OK;
}

/* ---- all that do ---- */

static void add_reason(FILE *out, const struct recorded_decision *c)
{
    html_cell(out, !c ? "no decision" : c->reason ? c->reason : NULL);
}

static enum status write_all(const struct compare_view *v, const struct compare_pair *pair)
{
    const struct recorded *run = &pair->a->recorded;
    char of_a = compare_letter(pair->a, v->result), of_b = compare_letter(pair->b, v->result);
    const char *heads[2 * POLICY_MAX_POOLS + 4];
    size_t n = 0, n_rows = pair->n_apart < MAX_ROWS ? pair->n_apart : MAX_ROWS;

    heads[n++] = "#at, s";
    for (size_t p = 0; p < run->n_pools; p++) {
        heads[n++] = arena_printf(v->arena, "#%s %c", run->pools[p], of_a);
        heads[n++] = arena_printf(v->arena, "#%s %c", run->pools[p], of_b);
    }
    heads[n++] = arena_printf(v->arena, "reason of %c", of_a);
    heads[n++] = arena_printf(v->arena, "reason of %c", of_b);
    for (size_t i = 0; i < n; i++) {
        if (!heads[i])
            return diag_nomem(v->d, "table");
    }
    heads[n] = NULL;
    html_table_begin(v->out, "Decisions after which the policies want other fleets", heads);
    for (size_t i = 0; i < n_rows; i++) {
        const struct compare_apart *at = &pair->apart[i];
        html_row_begin(v->out);
        html_cell_number(v->out, 9, s_from_ns(at->at_ns));
        for (size_t p = 0; p < run->n_pools; p++) {
            html_cell_number(v->out, 9, (double)at->to_a[p]);
            html_cell_number(v->out, 9, (double)at->to_b[p]);
        }
        add_reason(v->out, at->a);
        add_reason(v->out, at->b);
        html_row_end(v->out);
    }
    html_table_end(v->out);
    return ST_OK;
}

enum status compare_page_decisions(const struct compare_view *v, const struct compare_pair *pair)
{
    char shown[TEXT_FIGURE_SIZE], n[TEXT_FIGURE_SIZE];

    if (!pair->same_pools) {
        fputs(
            "<p>The runs have other pools: their decisions are not held against each other.</p>\n",
            v->out);
        return ST_OK;
    }
    if (!pair->decision.found) {
        fputs("<p>Both want the same fleet at all times.</p>\n", v->out);
        return ST_OK;
    }
    enum status s = write_first(v, pair);
    if (s || pair->n_apart == 0)
        return s;
    fprintf(v->out, "<details><summary>All decisions after which they want other fleets: %s",
            text_grouped(n, pair->n_apart));
    if (pair->n_apart > MAX_ROWS)
        fprintf(v->out, ", the first %s of them", text_grouped(shown, MAX_ROWS));
    fputs("</summary>\n", v->out);
    s = write_all(v, pair);
    fputs("</details>\n", v->out);
    return s;
}
