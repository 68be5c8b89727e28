#include "cli/check_print.h"

#include <math.h>
#include <string.h>

#include "cli/table.h"
#include "util/terminal.h"
#include "util/text.h"

/* ---- verdicts ---- */

static void print_verdict(const struct gate_result *r, FILE *out)
{
    const char *name = r->of->scenario->name;

    if (gate_failed(r))
        terminal_line(out, "FAILED  %s", name);
    else if (r->n_missed)
        terminal_line(out, "MISSED  %-40s  %zu of %zu", name, r->n_missed, r->n_checks);
    else
        terminal_line(out, "held    %-40s  %zu", name, r->n_checks);
}

static void print_total(const struct gate_report *report, FILE *out)
{
    size_t n_failed = gate_count(report, ST_INPUT);

    fprintf(out, "\n%zu %s: %zu held, %zu missed", report->n,
            report->n == 1 ? "scenario" : "scenarios", gate_count(report, ST_OK),
            gate_count(report, ST_MISSED));
    if (n_failed)
        fprintf(out, ", %zu failed", n_failed);
    fputc('\n', out);
}

static void print_notes(const struct gate_report *report, FILE *out)
{
    for (size_t i = 0; i < report->n; i++) {
        const struct gate_result *r = &report->results[i];
        for (size_t k = 0; k < r->n_notes; k++)
            terminal_line(out, "note: %s: %s", r->of->scenario->name, r->notes[k]);
    }
}

/* ---- what moved ---- */

enum { MOVES_COLUMNS = 6 };

static void begin_moves(struct table *t, struct arena *arena, const char *title)
{
    table_init(t, arena, MOVES_COLUMNS);
    for (size_t i = 1; i < 4; i++)
        t->right[i] = true;
    table_add(t, title);
    table_add(t, "before");
    table_add(t, "now");
    table_add(t, "change");
    table_add(t, "how sure");
    table_add(t, " ");
}

static void add_scenario(struct table *t, const struct gate_result *r)
{
    table_add(t, r->of->scenario->name);
    for (size_t i = 1; i < MOVES_COLUMNS; i++)
        table_add(t, " ");
}

static void add_move(struct table *t, const struct gate_check *c)
{
    char text[GATE_SURE_SIZE];

    table_printf(t, "  %s", c->key);
    table_add(t, gate_figure(text, c->before));
    table_add(t, gate_figure(text, c->now));
    if (isnan(c->change))
        table_add(t, NULL);
    else
        table_printf(t, "%+.4g", c->change);
    table_add(t, gate_sure(text, c));
    table_add(t, c->missed ? "MISSED" : "held");
}

static enum status end_moves(struct table *t, FILE *out, struct diag *d)
{
    if (t->n_cells == MOVES_COLUMNS)
        return ST_OK;
    fputc('\n', out);
    return table_print(t, out) ? ST_OK : diag_nomem(d, "table");
}

static enum status print_moves(const struct gate_report *report, FILE *out, struct arena *arena,
                               struct diag *d)
{
    struct table t;

    begin_moves(&t, arena, "What moved");
    for (size_t i = 0; i < report->n; i++) {
        const struct gate_result *r = &report->results[i];
        bool first = true;
        for (size_t k = 0; k < r->n_checks; k++) {
            if (!gate_has_moved(r, k))
                continue;
            if (first)
                add_scenario(&t, r);
            first = false;
            add_move(&t, &r->checks[k]);
        }
    }
    return end_moves(&t, out, d);
}

enum status check_print(const struct gate_report *report, FILE *out, struct arena *arena,
                        struct diag *d)
{
    for (size_t i = 0; i < report->n; i++)
        print_verdict(&report->results[i], out);
    print_total(report, out);
    print_notes(report, out);
    return print_moves(report, out, arena, d);
}

void check_print_misses(const struct gate_report *report, FILE *out)
{
    for (size_t i = 0; i < report->n; i++) {
        const struct gate_result *r = &report->results[i];
        if (gate_failed(r))
            terminal_line(out, "headroom: error: scenario '%s': %s", r->of->scenario->name,
                          r->message);
        for (size_t k = 0; k < r->n_checks; k++) {
            const struct gate_check *c = &r->checks[k];
            if (!c->missed)
                continue;
            char line[TEXT_FIGURE_SIZE] = "";
            if (gate_line(r, c))
                snprintf(line, sizeof line, ":%lu", gate_line(r, c));
            terminal_line(out, "headroom: missed: %s%s: expected %s, but %s", r->of->path, line,
                          c->text, c->found);
        }
    }
}

/* ---- --update ---- */

static bool same(double a, double b)
{
    return isnan(a) ? isnan(b) : !(a < b) && !(a > b) && !isnan(b);
}

static bool figure_changed(const struct baseline_figure *before, const struct baseline_figure *now)
{
    bool changed = !before || !same(before->value, now->value) || before->n != now->n;

    for (size_t i = 0; !changed && i < now->n; i++)
        changed = !same(before->replicates[i], now->replicates[i]);
    return changed;
}

static void add_update(struct table *t, const struct baseline_figure *before,
                       const struct baseline_figure *now)
{
    char text[GATE_FIGURE_SIZE];

    table_printf(t, "  %s", now->key);
    table_add(t, before ? gate_figure(text, before->value) : NULL);
    table_add(t, gate_figure(text, now->value));
    if (before && !isnan(now->value - before->value))
        table_printf(t, "%+.4g", now->value - before->value);
    else
        table_add(t, NULL);
    if (now->n)
        table_printf(t, "%zu replicates", now->n);
    else
        table_add(t, "one run");
    table_add(t, before ? " " : "new");
}

/* Figures that it had and are wanted no more are gone without a word: nothing is compared with
 * them. */
static size_t add_updates(struct table *t, const struct gate_result *r,
                          const struct baseline_entry *before)
{
    size_t n = 0;

    for (size_t i = 0; i < r->entry.n_figures; i++) {
        const struct baseline_figure *now = &r->entry.figures[i];
        const struct baseline_figure *old = before ? baseline_figure(before, now->key) : NULL;
        if (!figure_changed(old, now))
            continue;
        if (n++ == 0)
            add_scenario(t, r);
        add_update(t, old, now);
    }
    return n;
}

enum status check_print_update(const struct gate_report *report, const struct baseline *before,
                               const char *path, FILE *out, struct arena *arena, struct diag *d)
{
    size_t n_new = 0, n_changed = 0;
    struct table t;

    begin_moves(&t, arena, "What --update changed");
    for (size_t i = 0; i < report->n; i++) {
        const struct gate_result *r = &report->results[i];
        const struct baseline_entry *old = baseline_find(before, r->of->scenario->name);
        bool changed = add_updates(&t, r, old) > 0;
        n_new += !old;
        n_changed += old && changed;
    }
    enum status s = end_moves(&t, out, d);
    fputc('\n', out);
    terminal_line(out, "%s: %zu new, %zu changed, %zu as before", path, n_new, n_changed,
                  report->n - n_new - n_changed);
    return s;
}
