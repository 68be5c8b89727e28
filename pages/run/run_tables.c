#include <math.h>

#include "pages/html/page.h"
#include "pages/html/table.h"
#include "pages/run/run_page_internal.h"
#include "pages/svg/markup.h"
#include "util/text.h"
#include "util/units.h"

void run_cell_time(FILE *out, int64_t at_ns)
{
    char text[TEXT_FIGURE_SIZE];
    int64_t s = at_ns / NS_PER_S;

    snprintf(text, sizeof text, "%lld:%02d:%02d", (long long)(s / 3600), (int)(s / 60 % 60),
             (int)(s % 60));
    html_cell_sorted(out, s_from_ns(at_ns), text);
}

/* ---- decisions ---- */

enum { MOST_DECISIONS = 200 };

static void write_pool(FILE *out, const struct recorded_pool_decision *p)
{
    char text[TEXT_FIGURE_SIZE];

    if (!run_pool_moves(p))
        snprintf(text, sizeof text, "%lld", (long long)p->target);
    else
        snprintf(text, sizeof text, "%lld \xe2\x86\x92 %.0f", (long long)p->target, p->applied);
    html_cell_sorted(out, isnan(p->applied) ? (double)p->target : p->applied, text);
}

static void write_decision(const struct run_view *v, const struct recorded_decision *c)
{
    html_row_begin(v->out);
    run_cell_time(v->out, c->at_ns);
    html_cell(v->out, c->kind);
    html_cell_number(v->out, 5, c->seen.n_requests);
    html_cell_number(v->out, 5, c->predicted.n_requests);
    for (size_t i = 0; i < v->run->n_pools; i++)
        write_pool(v->out, &c->pools[i]);
    html_cell(v->out, c->reason);
    html_row_end(v->out);
}

static void write_decision_rows(const struct run_view *v, bool all)
{
    const char *heads[7 + POLICY_MAX_POOLS] = {"#time", "kind", "#seen", "#forecast"};
    size_t n = 4, n_rows = 0;
    char names[POLICY_MAX_POOLS][TEXT_FIGURE_SIZE];

    for (size_t i = 0; i < v->run->n_pools; i++) {
        snprintf(names[i], sizeof names[i], "#%.60s", v->run->pools[i]);
        heads[n++] = names[i];
    }
    heads[n++] = "reason";
    heads[n] = NULL;
    html_table_begin(v->out, "Requests seen and forecast, targets before and after, and why",
                     heads);
    for (size_t i = 0; i < v->run->n_decisions && n_rows < MOST_DECISIONS; i++) {
        if (!all && !run_decision_moves(v, &v->run->decisions[i]))
            continue;
        write_decision(v, &v->run->decisions[i]);
        n_rows++;
    }
    html_table_end(v->out);
}

void run_page_decisions(const struct run_view *v)
{
    size_t n_moves = 0, n = v->run->n_decisions;
    bool all = n <= MOST_DECISIONS;

    for (size_t i = 0; i < n; i++)
        n_moves += run_decision_moves(v, &v->run->decisions[i]);
    fprintf(v->out, "<h2 id=\"decisions\">Decisions</h2>\n<p>%zu, of which %zu changed a target.",
            n, n_moves);
    if (!all)
        fprintf(v->out, " Here are %s%d of those; decisions.jsonl has all.",
                n_moves > MOST_DECISIONS ? "the first " : "the ",
                n_moves > MOST_DECISIONS ? MOST_DECISIONS : (int)n_moves);
    fputs("</p>\n", v->out);
    if (all ? n : n_moves)
        write_decision_rows(v, all);
}

/* ---- requests ---- */

static void cell_ms(FILE *out, int64_t ns)
{
    html_cell_number(out, 5, ns < 0 ? NAN : ms_from_ns(ns));
}

void run_page_slowest(const struct run_view *v)
{
    static const char *const heads[] = {
        "#request",  "#arrival",  "#input tokens", "#output tokens", "outcome",
        "#TTFT, ms", "#TPOT, ms", "#E2E, ms",      "TTFT mostly",    NULL};

    fprintf(v->out,
            "<h2 id=\"slowest\">Slowest requests</h2>\n<p>The %zu that waited longest for their "
            "first token; requests.csv has all.</p>\n",
            v->requests->n_slowest);
    html_table_begin(v->out, "The slowest requests by TTFT", heads);
    for (size_t i = 0; i < v->requests->n_slowest; i++) {
        const struct recorded_request *q = &v->requests->slowest[i].request;
        html_row_begin(v->out);
        html_cell_number(v->out, 12, (double)q->index);
        run_cell_time(v->out, q->arrival_ns);
        html_cell_number(v->out, 9, q->input_tok);
        html_cell_number(v->out, 9, q->output_tok);
        html_cell(v->out, outcome_name(q->outcome));
        cell_ms(v->out, q->ttft_ns);
        cell_ms(v->out, q->tpot_ns);
        cell_ms(v->out, q->e2e_ns);
        html_cell(v->out, v->requests->slowest[i].main_part);
        html_row_end(v->out);
    }
    html_table_end(v->out);
}
