#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pages/effect.h"
#include "pages/html/page.h"
#include "pages/html/table.h"
#include "pages/tune/tune_view.h"
#include "studies/results_reader.h"
#include "util/array.h"
#include "util/text.h"

/* ---- the front ---- */

struct dots {
    struct svg_dot *of;
    size_t n, capacity;
};

/* The two figures that are held against each other: the first to make small, then another goal. */
static bool find_axes(const struct tune_view *v, size_t *x, size_t *y)
{
    if (v->n_goals == 0)
        return false;
    *x = v->goals[0].figure;
    for (size_t i = 1; i < v->n_goals; i++) {
        *y = v->goals[i].figure;
        if (*y != *x)
            return true;
    }
    return false;
}

static struct svg_mark bound_of(const struct tune_view *v, size_t figure)
{
    for (size_t i = 0; i < v->n_goals; i++) {
        if (v->goals[i].figure == figure && v->goals[i].bound)
            return (struct svg_mark){v->goals[i].at, v->goals[i].bound};
    }
    return (struct svg_mark){NAN, NULL};
}

static enum status add_dot(struct dots *dots, struct svg_dot dot, struct diag *d)
{
    enum status s = ARRAY_RESERVE(dots->of, dots->n, dots->capacity, 1, "chart", d);

    if (!s)
        dots->of[dots->n++] = dot;
    return s;
}

static enum status add_setting(struct dots *dots, const struct tune_view *v,
                               const struct yaml_node *setting, enum svg_dot_kind kind, size_t x,
                               size_t y, struct diag *d)
{
    static const char *const names[SVG_DOT_KINDS] = {"", "front", "the scenario's own",
                                                     "recommended"};
    struct page_value a = tune_view_value(v, setting, x), b = tune_view_value(v, setting, y);
    char first[VALUE_TEXT_SIZE], second[VALUE_TEXT_SIZE];
    const char *text = tune_view_text(v, setting);
    const char *title =
        text ? arena_printf(v->arena, "%s\n%s\n%s: %s\n%s: %s", names[kind], text,
                            v->figures[y].key, value_text(second, v->figures[y].scale, &b),
                            v->figures[x].key, value_text(first, v->figures[x].scale, &a))
             : NULL;

    if (!title)
        return diag_nomem(d, "chart");
    return add_dot(dots,
                   (struct svg_dot){a.mean, a.low, a.high, b.mean, b.low, b.high, kind, title}, d);
}

/* Means over the replicates that each setting had, out of trials.csv. */
static enum status add_trials(struct dots *dots, const struct tune_view *v, size_t x, size_t y,
                              struct diag *d)
{
    const char *path = arena_printf(v->arena, "%s/trials.csv", v->dir);
    struct results_reader *csv;
    double sum_x = 0, sum_y = 0, n = 0, last = -1;

    enum status s = path ? results_open(&csv, path, d) : diag_nomem(d, "path");
    if (s)
        return s;
    int setting = results_column(csv, "setting"), at_x = results_column(csv, v->figures[x].key),
        at_y = results_column(csv, v->figures[y].key);
    if (setting < 0 || at_x < 0 || at_y < 0)
        s = diag_fail_at(d, ST_INPUT, (struct source_pos){.file = path},
                         "no columns of the figures; expected trials.csv of the tune");
    while (!s) {
        s = results_next(csv, d);
        double own = s ? -1 : results_number(csv, setting);
        if (own != last && n > 0) {
            enum status added = add_dot(
                dots,
                (struct svg_dot){sum_x / n, NAN, NAN, sum_y / n, NAN, NAN, SVG_DOT_OTHER, NULL}, d);
            s = added ? added : s;
            sum_x = sum_y = n = 0;
        }
        last = own;
        if (s)
            break;
        sum_x += results_number(csv, at_x);
        sum_y += results_number(csv, at_y);
        n++;
    }
    results_close(csv);
    return s == ST_END ? ST_OK : s;
}

/* So that the page stays small; how many in one dot. */
static size_t thin(struct dots *dots)
{
    enum { MOST = 1500 };
    size_t every = 1 + dots->n / MOST, n = 0;

    for (size_t i = 0; i < dots->n; i += every)
        dots->of[n++] = dots->of[i];
    dots->n = n;
    return every;
}

static enum status collect(struct dots *dots, size_t *every, const struct tune_view *v, size_t x,
                           size_t y, struct diag *d)
{
    const struct yaml_node *found = yaml_node_child(v->root, "found_on");
    const struct yaml_node *recommended = yaml_node_child(found, "recommended");
    const struct yaml_node *standing = yaml_node_child(found, "default");

    enum status s = add_trials(dots, v, x, y, d);
    *every = thin(dots);
    for (const struct yaml_node *of = json_items_of(v->root, "front"); of && !s; of = of->next) {
        if (!tune_view_same(v, of, recommended) && !tune_view_same(v, of, standing))
            s = add_setting(dots, v, of, SVG_DOT_FRONT, x, y, d);
    }
    if (!s && !tune_view_same(v, recommended, standing))
        s = add_setting(dots, v, standing, SVG_DOT_DEFAULT, x, y, d);
    return s ? s : add_setting(dots, v, recommended, SVG_DOT_RECOMMENDED, x, y, d);
}

static enum status write_front(FILE *out, const struct tune_view *v, struct diag *d)
{
    const char **heads = ARENA_NEW(v->arena, v->n_knobs + v->n_figures + 2, const char *);
    size_t n = 0;

    if (!heads)
        return diag_nomem(d, "table");
    for (size_t k = 0; k < v->n_knobs; k++)
        heads[n++] = v->knobs[k];
    enum status s = page_figure_heads(heads, &n, v->figures, v->n_figures, v->arena, d);
    if (s)
        return s;
    heads[n] = "#runs";
    html_table_begin(out, "None of these is better than another in everything", heads);
    for (const struct yaml_node *of = json_items_of(v->root, "front"); of; of = of->next) {
        html_row_begin(out);
        for (size_t k = 0; k < v->n_knobs; k++)
            (k ? html_cell : html_row_name)(out, tune_view_knob(v, of, k));
        for (size_t i = 0; i < v->n_figures; i++) {
            struct page_value value = tune_view_value(v, of, i);
            html_cell_value(out, v->figures[i].scale, &value);
        }
        html_cell_number(out, 9, json_number_of(of, "replicates"));
        html_row_end(out);
    }
    html_table_end(out);
    return ST_OK;
}

enum status tune_chart_front(FILE *out, const struct tune_view *v, struct diag *d)
{
    struct dots dots = {0};
    size_t x, y, every = 1;
    enum status s = ST_OK;

    page_text(out, "h2", "The front");
    if (find_axes(v, &x, &y)) {
        page_text(out, "p",
                  "On the part it was found on; bars: 95 %% interval of the mean. Other "
                  "settings are means over the few runs that the search gave them.");
        s = collect(&dots, &every, v, x, y, d);
        const struct svg_scatter chart = {
            .frame = {"front", "Settings of the search by two figures", 760, 420},
            .x = {v->figures[x].name, v->figures[x].scale, false},
            .y = {v->figures[y].name, v->figures[y].scale, false},
            .n = dots.n,
            .dots = dots.of,
            .names = {[SVG_DOT_DEFAULT] = "the scenario's own"},
            .x_limit = bound_of(v, x),
            .y_limit = bound_of(v, y)};
        page_figure_begin(out);
        svg_scatter_front(out, &chart);
        page_figure_end(out);
        if (every > 1)
            page_text(out, "p", "Of the other settings one in %zu is drawn.", every);
    }
    free(dots.of);
    return s ? s : write_front(out, v, d);
}

/* ---- knobs ---- */

static const struct yaml_node *effect_of(const struct tune_view *v, const struct yaml_node *knob,
                                         size_t figure)
{
    return yaml_node_child(yaml_node_child(knob, "figures"), v->figures[figure].key);
}

/* A figure that effects are known of. */
static bool has_effects(const struct tune_view *v, size_t figure)
{
    const struct yaml_node *knob = json_items_of(v->root, "sensitivity");

    return knob && effect_of(v, knob, figure);
}

static struct svg_point point_of(const struct yaml_node *node)
{
    double mean = json_number_of(node, "mean"), off = 1.96 * json_number_of(node, "deviation");

    return (struct svg_point){json_number_of(node, "value"), mean, mean - off, mean + off, NULL};
}

/* What curves of a figure show, the same for all knobs. */
static struct range range_of(const struct tune_view *v, size_t figure)
{
    struct range all = {INFINITY, -INFINITY};

    for (const struct yaml_node *k = json_items_of(v->root, "sensitivity"); k; k = k->next) {
        const struct yaml_node *node = json_items_of(effect_of(v, k, figure), "curve");
        for (; node; node = node->next) {
            struct svg_point p = point_of(node);
            all.low = fmin(all.low, p.low);
            all.high = fmax(all.high, p.high);
        }
    }
    if (v->figures[figure].scale == SVG_PERCENT)
        all = (struct range){fmax(0, all.low), fmin(1, all.high)};
    return all;
}

static bool is_log(const struct tune_view *v, const char *key)
{
    for (const struct yaml_node *k = json_items_of(v->root, "vary"); k; k = k->next) {
        const char *own = json_text_of(k, "key"), *spec = json_text_of(k, "spec");
        if (own && spec && strcmp(own, key) == 0)
            return strstr(spec, ":log") != NULL;
    }
    return false;
}

static enum status draw_curve(FILE *out, const struct tune_view *v, const struct yaml_node *knob,
                              size_t number, size_t figure, struct diag *d)
{
    const struct yaml_node *effect = effect_of(v, knob, figure);
    const struct yaml_node *curve = yaml_node_child(effect, "curve");
    const char *key = json_text_of(knob, "key");
    const struct page_figure *f = &v->figures[figure];

    if (!key || !curve || curve->kind != NODE_LIST || curve->n == 0)
        return ST_OK;
    const char *id = arena_printf(v->arena, "effect-%zu-%zu", number, figure);
    const char *caption = json_flag_of(effect, "nothing")
                              ? arena_printf(v->arena, "%s by %s: nothing", f->key, key)
                              : arena_printf(v->arena, "%s by %s: %.0f %%", f->key, key,
                                             100 * json_number_of(effect, "total"));
    struct svg_point *points = ARENA_NEW(v->arena, curve->n, struct svg_point);
    const char **labels = ARENA_NEW(v->arena, curve->n, const char *);
    size_t n = 0, n_numbers = 0;
    if (!id || !caption || !points || !labels)
        return diag_nomem(d, "chart");
    for (const struct yaml_node *node = curve->first; node; node = node->next) {
        const struct yaml_node *value = yaml_node_child(node, "value");
        points[n] = point_of(node);
        n_numbers += isfinite(points[n].x) ? 1 : 0;
        labels[n++] = value && value->text ? value->text : "-";
    }
    bool named = n_numbers < n;
    for (size_t i = 0; i < n && named; i++)
        points[i].x = (double)i;
    page_effect(out, &(struct page_effect){.id = id,
                                           .caption = caption,
                                           .label = caption,
                                           .knob = key,
                                           .scale = is_log(v, key) && !named ? SVG_LOG : SVG_LINEAR,
                                           .figure = f,
                                           .range = range_of(v, figure),
                                           .n = n,
                                           .points = points,
                                           .labels = named ? labels : NULL});
    return ST_OK;
}

static void write_effects(FILE *out, const struct tune_view *v)
{
    static const char *const heads[] = {"knob",
                                        "figure",
                                        "#share of the variance",
                                        "#alone",
                                        "#from its lowest to its highest mean",
                                        NULL};

    html_table_begin(out, "What a knob does over its range", heads);
    for (const struct yaml_node *k = json_items_of(v->root, "sensitivity"); k; k = k->next) {
        for (size_t i = 0; i < v->n_figures; i++) {
            const struct yaml_node *effect = effect_of(v, k, i);
            double range = json_number_of(effect, "range");
            double off = 1.96 * json_number_of(effect, "range_deviation");
            struct page_value value = {range, range - off, range + off};
            if (!effect)
                continue;
            html_row_begin(out);
            html_row_name(out, json_text_of(k, "key"));
            html_cell(out, v->figures[i].key);
            if (json_flag_of(effect, "nothing")) {
                html_cell_sorted(out, 0, "nothing");
                html_cell_sorted(out, 0, "-");
                html_cell_sorted(out, 0, "-");
            } else {
                char text[TEXT_FIGURE_SIZE];
                double total = json_number_of(effect, "total");
                double alone = json_number_of(effect, "first_order");
                snprintf(text, sizeof text, "%.0f %%", 100 * total);
                html_cell_sorted(out, total, text);
                snprintf(text, sizeof text, "%.0f %%", 100 * alone);
                html_cell_sorted(out, alone, text);
                html_cell_value(out, v->figures[i].scale, &value);
            }
            html_row_end(out);
        }
    }
    html_table_end(out);
}

enum status tune_chart_knobs(FILE *out, const struct tune_view *v, struct diag *d)
{
    enum { MOST_CHARTS = 24 };
    size_t number = 0, n = 0;
    enum status s = ST_OK;

    if (!json_items_of(v->root, "sensitivity"))
        return ST_OK;
    page_text(out, "h2", "What each knob does");
    page_text(out, "p",
              "By a model of all runs of the search: the figure with the knob at a value and "
              "the others anywhere; bars: 95 %% of what the runs leave open. Nothing: it "
              "cannot be told from noise.");
    page_charts_begin(out);
    for (const struct yaml_node *k = json_items_of(v->root, "sensitivity"); k && !s; k = k->next) {
        for (size_t i = 0; i < v->n_figures && !s; i++) {
            if (has_effects(v, i) && n++ < MOST_CHARTS)
                s = draw_curve(out, v, k, number, i, d);
        }
        number++;
    }
    page_charts_end(out);
    if (n > MOST_CHARTS)
        page_text(out, "p", "%zu more curves are in tune.json.", n - MOST_CHARTS);
    if (!s)
        write_effects(out, v);
    return s;
}
