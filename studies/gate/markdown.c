/* A summary for people, as GITHUB_STEP_SUMMARY and comments of merge requests show it. */
#include <string.h>

#include "studies/gate/report.h"

/* In a cell of a table: nothing of it is markup, and it stays on its line. */
static void cell(FILE *out, const char *text)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '<')
            fputs("&lt;", out);
        else if (c == '&')
            fputs("&amp;", out);
        else if (strchr("|\\`*_[]{}~#@!$", c))
            fprintf(out, "\\%c", c);
        else
            fputc(c < 0x20 || c == 0x7f ? ' ' : c, out);
    }
}

static void begin_row(FILE *out, const struct gate_result *r)
{
    fputs("| ", out);
    cell(out, r->of->scenario->name);
    fputs(" | ", out);
}

static void write_verdicts(const struct gate_report *report, FILE *out)
{
    fputs("\n| scenario | verdict | of |\n|---|---|---|\n", out);
    for (size_t i = 0; i < report->n; i++) {
        const struct gate_result *r = &report->results[i];
        begin_row(out, r);
        if (gate_failed(r))
            fputs("**failed** | ", out), cell(out, r->message), fputs(" |\n", out);
        else if (r->n_missed)
            fprintf(out, "**missed** | %zu of %zu |\n", r->n_missed, r->n_checks);
        else
            fprintf(out, "held | %zu |\n", r->n_checks);
    }
}

static void write_misses(const struct gate_report *report, FILE *out)
{
    if (gate_count(report, ST_MISSED) == 0)
        return;
    fputs("\n#### Missed\n\n| scenario | expected | but | at |\n|---|---|---|---|\n", out);
    for (size_t i = 0; i < report->n; i++) {
        const struct gate_result *r = &report->results[i];
        for (size_t k = 0; k < r->n_checks; k++) {
            const struct gate_check *c = &r->checks[k];
            if (!c->missed)
                continue;
            begin_row(out, r);
            cell(out, c->text);
            fputs(" | ", out);
            cell(out, c->found);
            fputs(" | ", out);
            cell(out, r->of->path);
            if (gate_line(r, c))
                fprintf(out, ":%lu", gate_line(r, c));
            fputs(" |\n", out);
        }
    }
}

static void write_move(const struct gate_result *r, const struct gate_check *c, FILE *out)
{
    char before[GATE_FIGURE_SIZE], now[GATE_FIGURE_SIZE], change[GATE_FIGURE_SIZE],
        sure[GATE_SURE_SIZE];

    begin_row(out, r);
    cell(out, c->key);
    fprintf(out, " | %s | %s | %s | %s | %s |\n", gate_figure(before, c->before),
            gate_figure(now, c->now), gate_figure(change, c->change), gate_sure(sure, c),
            c->missed ? "**missed**" : "held");
}

static void write_moves(const struct gate_report *report, FILE *out)
{
    bool any = false;

    for (size_t i = 0; i < report->n; i++) {
        const struct gate_result *r = &report->results[i];
        for (size_t k = 0; k < r->n_checks; k++) {
            if (!gate_has_moved(r, k))
                continue;
            if (!any)
                fputs(
                    "\n#### What moved\n\n| scenario | figure | baseline | now | change | how sure "
                    "| |\n|---|---|---|---|---|---|---|\n",
                    out);
            any = true;
            write_move(r, &r->checks[k], out);
        }
    }
}

static void write_notes(const struct gate_report *report, FILE *out)
{
    for (size_t i = 0; i < report->n; i++) {
        const struct gate_result *r = &report->results[i];
        for (size_t k = 0; k < r->n_notes; k++) {
            fputs("\n", out);
            cell(out, r->of->scenario->name);
            fputs(": ", out);
            cell(out, r->notes[k]);
            fputs("\n", out);
        }
    }
}

static const char mark[] = "<!-- headroom check -->";

static void write(const struct gate_report *report, FILE *out)
{
    fprintf(out, "%s\n### headroom check: %zu held, %zu missed, %zu failed\n", mark,
            gate_count(report, ST_OK), gate_count(report, ST_MISSED), gate_count(report, ST_INPUT));
    write_verdicts(report, out);
    write_misses(report, out);
    write_moves(report, out);
    write_notes(report, out);
}

const struct gate_format gate_markdown = {
    .option = "markdown",
    .mark = mark,
    .write = write,
};
