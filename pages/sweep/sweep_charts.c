#include "pages/sweep/sweep_charts.h"

#include <inttypes.h>
#include <math.h>

#include "pages/effect.h"
#include "pages/html/page.h"
#include "pages/html/table.h"
#include "pages/svg/charts.h"
#include "studies/statistics.h"
#include "util/text.h"

enum { MOST_ROWS = 24, MOST_EFFECTS = 8 };

/* So that the page stays small: a dot says its whole setting. */
static size_t most_dots(const struct settings *st)
{
    enum { BYTES = 250000, DOT = 150, KNOB = 50 };

    return BYTES / (DOT + KNOB * st->sweep.space.n);
}

/* ---- front ---- */

static const char *dot_title(const struct settings *st, const struct setting *of,
                             struct arena *arena)
{
    const char *text = settings_text(st, of->variant, arena);
    char x[VALUE_TEXT_SIZE], y[VALUE_TEXT_SIZE];

    if (!text)
        return NULL;
    return arena_printf(arena, "setting %" PRIu64 "\n%s\n%s: %s\n%s: %s", of->variant, text,
                        st->figures[0].key, value_text(y, st->figures[0].scale, &of->figures[0]),
                        st->figures[1].key, value_text(x, st->figures[1].scale, &of->figures[1]));
}

static enum status draw_front(FILE *out, const struct settings *st, struct arena *arena,
                              struct diag *d)
{
    struct svg_dot *dots = ARENA_NEW(arena, st->n, struct svg_dot);
    size_t every = 1 + st->n / most_dots(st), n = 0;

    if (!dots)
        return diag_nomem(d, "chart");
    for (size_t i = 0; i < st->n; i++) {
        const struct setting *of = &st->of[i];
        const struct page_value *x = &of->figures[1], *y = &of->figures[0];
        if (!of->front && i % every)
            continue;
        dots[n] = (struct svg_dot){x->mean,
                                   x->low,
                                   x->high,
                                   y->mean,
                                   y->low,
                                   y->high,
                                   of->front ? SVG_DOT_FRONT : SVG_DOT_OTHER,
                                   dot_title(st, of, arena)};
        if (!dots[n++].title)
            return diag_nomem(d, "chart");
    }
    const struct svg_scatter chart = {
        .frame = {"front", "Settings by two figures, those that no other is better than joined",
                  760, 420},
        .x = {st->figures[1].name, st->figures[1].scale, false},
        .y = {st->figures[0].name, st->figures[0].scale, false},
        .n = n,
        .dots = dots,
        .names = {[SVG_DOT_FRONT] = "no other is better in both"},
        .x_limit = {NAN, NULL},
        .y_limit = {NAN, NULL}};
    page_figure_begin(out);
    svg_scatter_front(out, &chart);
    page_figure_end(out);
    if (every > 1)
        page_text(out, "p", "Of the settings that are not on the front one in %zu is drawn.",
                  every);
    return ST_OK;
}

static enum status begin_table(FILE *out, const struct settings *st, struct arena *arena,
                               struct diag *d)
{
    size_t n = 0;
    const char **heads = ARENA_NEW(arena, st->n_figures + st->sweep.space.n + 3, const char *);

    if (!heads)
        return diag_nomem(d, "table");
    heads[n++] = "setting";
    for (size_t k = 0; k < st->sweep.space.n; k++)
        heads[n++] = st->sweep.space.knobs[k].key;
    enum status s = page_figure_heads(heads, &n, st->figures, st->n_figures, arena, d);
    if (s)
        return s;
    heads[n] = "#alike";
    html_table_begin(out, "Settings of the front", heads);
    return ST_OK;
}

static enum status write_row(FILE *out, const struct settings *st, const struct setting *of,
                             struct arena *arena, struct diag *d)
{
    char number[TEXT_FIGURE_SIZE];

    snprintf(number, sizeof number, "%" PRIu64, of->variant);
    html_row_begin(out);
    html_row_name(out, number);
    for (size_t k = 0; k < st->sweep.space.n; k++) {
        const char *text = settings_knob_text(st, of->variant, k, arena);
        if (!text)
            return diag_nomem(d, "table");
        html_cell(out, text);
    }
    for (size_t i = 0; i < st->n_figures; i++)
        html_cell_value(out, st->figures[i].scale, &of->figures[i]);
    snprintf(number, sizeof number, "%zu more", of->n_same);
    html_cell_sorted(out, (double)of->n_same, of->n_same ? number : "");
    html_row_end(out);
    return ST_OK;
}

static int by_second(const struct setting *a, const struct setting *b)
{
    double x = a->figures[1].mean, y = b->figures[1].mean;

    return x < y || (x == y && a->variant < b->variant);
}

/* The front by its second figure, at most MOST_ROWS of it evenly. */
static enum status write_front_table(FILE *out, const struct settings *st, size_t n_front,
                                     struct arena *arena, struct diag *d)
{
    const struct setting **rows = ARENA_NEW(arena, n_front, const struct setting *);
    size_t n = 0;
    enum status s = ST_OK;

    if (!rows)
        return diag_nomem(d, "table");
    for (size_t i = 0; i < st->n; i++) {
        if (!st->of[i].front)
            continue;
        size_t at = n++;
        for (; at > 0 && by_second(&st->of[i], rows[at - 1]); at--)
            rows[at] = rows[at - 1];
        rows[at] = &st->of[i];
    }
    s = begin_table(out, st, arena, d);
    size_t n_shown = n < MOST_ROWS ? n : MOST_ROWS;
    for (size_t i = 0; i < n_shown && !s; i++)
        s = write_row(out, st, rows[n_shown > 1 ? i * (n - 1) / (n_shown - 1) : 0], arena, d);
    html_table_end(out);
    if (n > n_shown)
        page_text(out, "p", "%zu of the %zu settings of the front are shown.", n_shown, n);
    return s;
}

enum status sweep_chart_front(FILE *out, const struct settings *st, struct arena *arena,
                              struct diag *d)
{
    size_t n_front = 0;

    for (size_t i = 0; i < st->n; i++)
        n_front += st->of[i].front;
    if (n_front == 0)
        return ST_OK;
    page_text(out, "h2", "The best settings");
    page_text(out, "p",
              "%zu setting%s: each other is worse in %s or in %s than one of these, and better in "
              "neither.",
              n_front, n_front > 1 ? "s" : "", st->figures[0].key, st->figures[1].key);
    if (st->n_blocks > 1)
        page_text(
            out, "p",
            "By means over %zu runs; bars and \xc2\xb1: 95 %% interval of the mean. All settings "
            "have the same replicates and seeds, so a difference of two is surer than their "
            "bars.",
            st->n_blocks);
    else
        page_text(out, "p",
                  "One run each: what is best may be luck. --replicates R says how far runs of a "
                  "setting are apart.");
    enum status s = draw_front(out, st, arena, d);
    if (!s)
        s = write_front_table(out, st, n_front, arena, d);
    return s;
}

/* ---- effects ---- */

/* The same for all knobs, so that their effects can be compared by eye. */
static struct range effect_range(const struct settings *st, size_t figure)
{
    struct range all = {INFINITY, -INFINITY};

    for (size_t e = 0; e < st->n_effects; e++) {
        for (size_t i = 0; i < st->effects[e].n; i++) {
            const struct page_value *v = &st->effects[e].levels[i].figures[figure];
            const double ends[] = {v->mean, v->low, v->high};
            for (size_t k = 0; k < 3; k++) {
                all.low = isfinite(ends[k]) ? fmin(all.low, ends[k]) : all.low;
                all.high = isfinite(ends[k]) ? fmax(all.high, ends[k]) : all.high;
            }
        }
    }
    return all;
}

static enum status draw_effect(FILE *out, const struct settings *st,
                               const struct settings_effect *effect, size_t figure,
                               struct arena *arena, struct diag *d)
{
    struct svg_point points[SETTINGS_MAX_LEVELS];
    const char *labels[SETTINGS_MAX_LEVELS];
    char text[VALUE_TEXT_SIZE];
    const struct page_figure *f = &st->figures[figure];
    const char *id = arena_printf(arena, "effect-%zu-%zu", effect->knob, figure);
    const char *caption =
        arena_printf(arena, "%s by %s: %.0f %%", f->key, effect->key, 100 * effect->share[figure]);
    const char *label = arena_printf(arena, "Mean %s at values of %s", f->key, effect->key);

    for (size_t i = 0; i < effect->n; i++) {
        const struct page_value *v = &effect->levels[i].figures[figure];
        points[i] = (struct svg_point){(double)i, v->mean, v->low, v->high, NULL};
        points[i].title = arena_printf(arena, "%s\n%s: %s", effect->levels[i].label, f->key,
                                       value_text(text, f->scale, v));
        labels[i] = effect->levels[i].label;
        if (!points[i].title)
            return diag_nomem(d, "chart");
    }
    if (!id || !caption || !label)
        return diag_nomem(d, "chart");
    page_effect(out, &(struct page_effect){.id = id,
                                           .caption = caption,
                                           .label = label,
                                           .knob = effect->key,
                                           .scale = SVG_LINEAR,
                                           .figure = f,
                                           .range = effect_range(st, figure),
                                           .n = effect->n,
                                           .points = points,
                                           .labels = labels});
    return ST_OK;
}

enum status sweep_chart_effects(FILE *out, const struct settings *st, struct arena *arena,
                                struct diag *d)
{
    size_t n = st->n_effects < MOST_EFFECTS ? st->n_effects : MOST_EFFECTS;
    enum status s = ST_OK;

    if (n == 0 || st->n_figures == 0)
        return ST_OK;
    page_text(out, "h2", "What each knob does");
    page_text(
        out, "p",
        "Mean over all runs with that value, whatever the other knobs%s. Per cent: how much of "
        "the variance between settings goes with this knob alone; what is left is done by "
        "others, or by several together.",
        st->n_blocks > 1 ? "; bars: 95 % interval of how far it is from the mean of all, on the "
                           "same replicates and seeds"
                         : "");
    page_charts_begin(out);
    for (size_t e = 0; e < n && !s; e++) {
        for (size_t i = 0; i < 2 && i < st->n_figures && !s; i++)
            s = draw_effect(out, st, &st->effects[e], i, arena, d);
    }
    page_charts_end(out);
    if (st->n_effects > n)
        page_text(out, "p", "The %zu knobs that do least are left out.", st->n_effects - n);
    return s;
}

/* ---- two knobs ---- */

static enum status draw_heat_map(FILE *out, const struct settings *st, size_t figure,
                                 struct arena *arena, struct diag *d)
{
    const struct settings_effect *x = &st->effects[0], *y = &st->effects[1];
    const struct page_figure *f = &st->figures[figure];
    double values[SETTINGS_MAX_LEVELS * SETTINGS_MAX_LEVELS] = {0};
    size_t n[SETTINGS_MAX_LEVELS * SETTINGS_MAX_LEVELS] = {0};
    const char *x_labels[SETTINGS_MAX_LEVELS], *y_labels[SETTINGS_MAX_LEVELS];
    const char *id = arena_printf(arena, "heat-%zu", figure);
    const char *label = arena_printf(arena, "%s by %s and %s", f->key, x->key, y->key);

    if (!id || !label)
        return diag_nomem(d, "chart");
    for (size_t i = 0; i < st->n; i++) {
        size_t cell = settings_level_of(st, y, st->of[i].variant) * x->n +
                      settings_level_of(st, x, st->of[i].variant);
        if (!isfinite(st->of[i].figures[figure].mean))
            continue;
        values[cell] += st->of[i].figures[figure].mean;
        n[cell]++;
    }
    for (size_t i = 0; i < x->n * y->n; i++)
        values[i] = n[i] ? values[i] / (double)n[i] : NAN;
    for (size_t i = 0; i < x->n; i++)
        x_labels[i] = x->levels[i].label;
    for (size_t i = 0; i < y->n; i++)
        y_labels[i] = y->levels[i].label;
    const struct svg_heat_map chart = {.frame = {id, label, 0, 0},
                                       .x_label = x->key,
                                       .y_label = y->key,
                                       .value_label = f->name,
                                       .percent = f->scale == SVG_PERCENT,
                                       .n_x = x->n,
                                       .n_y = y->n,
                                       .x = x_labels,
                                       .y = y_labels,
                                       .values = values};
    page_chart_begin(out, f->key);
    svg_heat_map(out, &chart);
    page_chart_end(out);
    return ST_OK;
}

enum status sweep_chart_heat_maps(FILE *out, const struct settings *st, struct arena *arena,
                                  struct diag *d)
{
    enum status s = ST_OK;

    if (st->n_effects < 2 || st->n_figures == 0)
        return ST_OK;
    page_text(out, "h2", "Two knobs together");
    page_text(out, "p",
              "%s and %s, which do most to %s; each cell is the mean over all settings there.",
              st->effects[0].key, st->effects[1].key, st->figures[0].key);
    page_charts_begin(out);
    for (size_t i = 0; i < 2 && i < st->n_figures && !s; i++)
        s = draw_heat_map(out, st, i, arena, d);
    page_charts_end(out);
    return s;
}
