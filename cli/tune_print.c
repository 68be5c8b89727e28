#include "cli/tune_print.h"

#include <math.h>
#include <string.h>

#include "cli/table.h"

/* ---- settings ---- */

static enum status print_settings(const struct tune_result *r, const struct terminal *terminal,
                                  struct arena *arena, struct diag *d)
{
    const struct space *space = r->options->space;
    struct table t;

    table_init(&t, arena, 4);
    t.right[2] = t.right[3] = true;
    table_add(&t, "Knob");
    table_add(&t, "range");
    table_add(&t, "own");
    table_add(&t, "recommended");
    for (size_t k = 0; k < space->n; k++) {
        table_add(&t, space->knobs[k].key);
        table_printf(&t, "%.24s", space->knobs[k].spec);
        table_add(&t, r->found.standing.values[k]);
        table_add(&t, r->found.recommended.values[k]);
    }
    return table_print(&t, terminal->out) ? ST_OK : diag_nomem(d, "table");
}

/* ---- figures ---- */

/* A value with as many decimals as its uncertainty has: so many digits of that. */
static const char *with_margin(char text[64], int digits, const char *sign, double value,
                               double margin)
{
    int decimals = margin > 0 ? (int)ceil(digits - 1 - log10(margin)) : 0;

    decimals = decimals < 0 ? 0 : decimals > 6 ? 6 : decimals;
    if (margin > 0)
        snprintf(text, 64, *sign ? "%+.*f +- %.*f" : "%.*f +- %.*f", decimals, value, decimals,
                 margin);
    else
        snprintf(text, 64, "%.4g", value);
    return text;
}

static void add_figure(struct table *t, const struct tune_figure *f)
{
    char text[64];

    table_add(t, isnan(f->mean) ? NULL : with_margin(text, 2, "", f->mean, (f->high - f->low) / 2));
}

static enum status print_part(const struct tune_result *r, const struct tune_trial_of_part *part,
                              const char *what, const struct terminal *terminal,
                              struct arena *arena, struct diag *d)
{
    struct table t;
    char text[64];

    fputc('\n', terminal->out);
    table_init(&t, arena, 4);
    t.right[1] = t.right[2] = t.right[3] = true;
    if (part->whole)
        table_add(&t, what);
    else
        table_printf(&t, "%s, %.0f to %.0f s", what, part->part.from_s, part->part.to_s);
    table_add(&t, "own settings");
    table_add(&t, "recommended");
    table_add(&t, "difference");
    for (size_t k = 0; k < r->n_keys; k++) {
        const struct paired *p = &part->differences[k];
        table_add(&t, r->keys[k]);
        add_figure(&t, &part->standing.figures[k]);
        add_figure(&t, &part->recommended.figures[k]);
        if (p->n == 0 || isnan(p->mean) || p->at.low == p->at.high)
            table_add(&t, NULL);
        else
            table_printf(&t, "%s%s",
                         with_margin(text, 2, "+", p->mean, (p->at.high - p->at.low) / 2),
                         p->told_apart ? "" : " ?");
    }
    if (r->options->n_constraints) {
        table_add(&t, "bounds are kept in");
        table_printf(&t, "%.0f %%", 100 * part->standing.holds);
        table_printf(&t, "%.0f %%", 100 * part->recommended.holds);
        table_add(&t, NULL);
    }
    return table_print(&t, terminal->out) ? ST_OK : diag_nomem(d, "table");
}

/* ---- which knob matters ---- */

static void add_effect(struct table *t, const struct effect *e)
{
    char text[64];

    if (e->nothing)
        table_add(t, "nothing");
    else
        table_printf(t, "%3.0f %%  %s", 100 * e->total,
                     with_margin(text, 1, "", e->range, 1.96 * e->range_deviation));
}

/* The pair that does most together, if that is a tenth and more. */
static enum status print_pair(const struct tune_result *r, const struct terminal *terminal,
                              struct arena *arena, struct diag *d)
{
    static const double least = 0.1;
    const struct space *space = r->options->space;

    for (size_t i = 0; i < r->n_effects; i++) {
        const struct effects *e = r->effects[i];
        size_t best_a = 0, best_b = 0;
        double most = least;
        for (size_t a = 0; a < space->n; a++) {
            for (size_t b = a + 1; b < space->n; b++) {
                bool counts = !e->of[a].nothing && !e->of[b].nothing;
                if (counts && e->pairs[a * space->n + b] > most) {
                    most = e->pairs[a * space->n + b];
                    best_a = a;
                    best_b = b;
                }
            }
        }
        if (most <= least)
            continue;
        const char *text = arena_printf(arena, "%s and %s act together on %s: %.0f %% more.",
                                        space->knobs[best_a].key, space->knobs[best_b].key,
                                        tune_effects_key(r, i), 100 * most);
        if (!text)
            return diag_nomem(d, "effects");
        terminal_wrap(terminal->out, text, 0, 0);
    }
    return ST_OK;
}

/* How many figures from the i-th on have room beside each other. */
static size_t room_for(const struct tune_result *r, size_t i, size_t n)
{
    enum { WIDTH = 80, FIRST = 31, CELL = 20 };
    size_t width = FIRST, fits = 0;

    for (size_t k = 0; k < r->options->space->n; k++) {
        size_t key = strlen(r->options->space->knobs[k].key);
        width = key > width ? key : width;
    }
    for (; i + fits < n; fits++) {
        size_t key = strlen(tune_effects_key(r, i + fits));
        width += 2 + (key > CELL ? key : CELL);
        if (width > WIDTH && fits > 0)
            break;
    }
    return fits;
}

static bool print_effects_of(const struct tune_result *r, size_t from, size_t n,
                             const struct terminal *terminal, struct arena *arena)
{
    const struct space *space = r->options->space;
    struct table t;

    fputc('\n', terminal->out);
    table_init(&t, arena, n + 1);
    table_add(&t, "What a knob does over its range");
    for (size_t i = 0; i < n; i++) {
        t.right[i + 1] = true;
        table_add(&t, tune_effects_key(r, from + i));
    }
    for (size_t k = 0; k < space->n; k++) {
        table_add(&t, space->knobs[k].key);
        for (size_t i = 0; i < n; i++)
            add_effect(&t, &r->effects[from + i]->of[k]);
    }
    return table_print(&t, terminal->out);
}

static enum status print_effects(const struct tune_result *r, const struct terminal *terminal,
                                 struct arena *arena, struct diag *d)
{
    enum { MAX_SHOWN = 3 };
    size_t n = r->n_effects < MAX_SHOWN ? r->n_effects : MAX_SHOWN;
    bool printed = true;

    for (size_t i = 0, beside; i < n; i += beside) {
        beside = room_for(r, i, n);
        printed = print_effects_of(r, i, beside, terminal, arena) && printed;
    }
    fputs("Share of the variance between settings, and from its lowest to its highest mean.\n",
          terminal->out);
    return printed ? print_pair(r, terminal, arena, d) : diag_nomem(d, "table");
}

/* ---- front ---- */

static enum status print_front(const struct tune_result *r, const struct terminal *terminal,
                               struct arena *arena, struct diag *d)
{
    const struct space *space = r->options->space;
    size_t n_figures = r->trials->problem->n_goals;
    struct table t;

    fputs("\nNone of these is better than another in everything (runs, figures, settings):\n",
          terminal->out);
    table_init(&t, arena, n_figures + 2);
    for (size_t i = 0; i <= n_figures; i++)
        t.right[i] = true;
    table_add(&t, "runs");
    for (size_t i = 0; i < n_figures; i++)
        table_add(&t, tune_effects_key(r, i));
    table_add(&t, "settings, in the order above");
    for (size_t i = 0; i < r->n_front; i++) {
        const struct tune_setting *s = &r->front[i];
        const char *values = "";
        table_printf(&t, "%zu", s->n_replicates);
        for (size_t g = 0; g < n_figures; g++)
            add_figure(&t, &s->figures[r->trials->problem->goals[g].figure]);
        for (size_t k = 0; k < space->n && values; k++)
            values = arena_printf(arena, "%s%s%s", values, k ? ", " : "", s->values[k]);
        table_add(&t, values);
    }
    return table_print(&t, terminal->out) ? ST_OK : diag_nomem(d, "table");
}

enum status tune_print(const struct tune_result *r, const struct terminal *terminal,
                       struct arena *arena, struct diag *d)
{
    const struct tune_options *o = r->options;
    FILE *out = terminal->out;

    char head[160];
    snprintf(head, sizeof head,
             "%zu runs of %zu settings, %zu replicates each where it counts   %s", r->n_runs,
             r->n_settings, o->n_replicates, o->explorer->name);
    terminal_heading(out, o->scenario->name, head);
    for (size_t i = 0; i < o->n_objectives; i++)
        fprintf(out, "  %s %s\n", o->objectives[i].maximise ? "maximise" : "minimise",
                o->objectives[i].key);
    for (size_t i = 0; i < o->n_constraints; i++)
        fprintf(out, "  keep %s in %.0f %% of fresh traffic\n", o->constraints[i].text,
                100 * o->confidence);
    fputc('\n', out);
    enum status s = print_settings(r, terminal, arena, d);
    if (!s)
        s = print_part(r, &r->found, "Found", terminal, arena, d);
    if (!s)
        s = print_part(r, &r->judged, "Judged", terminal, arena, d);
    fputs("+-: 95 % interval of the mean; ?: it may as well be none\n", out);
    if (!s)
        s = print_effects(r, terminal, arena, d);
    if (!s)
        s = print_front(r, terminal, arena, d);
    fputc('\n', out);
    for (size_t i = 0; i < r->n_sentences; i++)
        terminal_wrap(out, r->sentences[i], 0, 0);
    return s;
}
