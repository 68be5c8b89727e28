#include <math.h>
#include <string.h>

#include "pages/html/page.h"
#include "pages/html/table.h"
#include "pages/html/value.h"
#include "pages/size/size_view.h"
#include "pages/svg/charts.h"
#include "pages/svg/markup.h"

/* Lines of the choices that are cheapest; more would not be told apart. */
enum { MOST_LINES = 6, MOST_MONTHS = 128 };

/* Names of the cheapest at each load, then of the next; each once. */
static size_t choose_lines(const char *names[MOST_LINES], const struct size_view *v)
{
    size_t n = 0;

    for (size_t rank = 0; rank < v->n && n < MOST_LINES; rank++) {
        for (size_t l = 0; l < v->n_loads && n < MOST_LINES; l++) {
            size_t seen = 0, k = 0;
            const struct size_view_choice *c = NULL;
            for (size_t i = 0; i < v->n && !c; i++) {
                if (v->choices[i].reached && v->choices[i].load == v->loads[l] && seen++ == rank)
                    c = &v->choices[i];
            }
            while (c && k < n && strcmp(names[k], c->name) != 0)
                k++;
            if (c && k == n)
                names[n++] = c->name;
        }
    }
    return n;
}

enum status size_page_what_if(FILE *out, const struct size_view *v, struct diag *d)
{
    const char *names[MOST_LINES];
    struct svg_point points[MOST_LINES][SIZE_VIEW_MAX_LOADS];
    struct svg_series series[MOST_LINES];
    size_t n = choose_lines(names, v);
    const char *axis = arena_printf(v->arena, "%s a day", v->currency);

    if (!axis)
        return diag_nomem(d, "chart");
    if (v->n_loads < 2 || n == 0)
        return ST_OK;
    for (size_t k = 0; k < n; k++) {
        size_t n_points = 0;
        for (size_t l = 0; l < v->n_loads; l++) {
            const struct size_view_choice *c = size_view_at(v, names[k], v->loads[l]);
            if (c)
                points[k][n_points++] =
                    (struct svg_point){v->loads[l], json_number_of(c->node, "cost_per_day"),
                                       json_number_of(c->node, "cost_per_day_low"),
                                       json_number_of(c->node, "cost_per_day_high"),
                                       arena_printf(v->arena, "%s\n%g times the load: %s workers",
                                                    names[k], v->loads[l], c->workers)};
        }
        series[k] = (struct svg_series){names[k], (unsigned)k, n_points, points[k]};
    }
    const struct svg_lines chart = {.frame = {"what-if", "Cost a day over the load", 760, 420},
                                    .x = {"times the load", SVG_LINEAR, false},
                                    .y = {axis, SVG_LINEAR, true},
                                    .n = n,
                                    .series = series,
                                    .level = {NAN, NULL}};
    page_text(out, "h2", "What if the load were another");
    page_text(out, "p",
              "The choices that are cheapest at some load; bars: the range, where it has "
              "both ends.");
    page_figure_begin(out);
    svg_lines(out, &chart);
    page_figure_end(out);
    return ST_OK;
}

/* ---- growth ---- */

static size_t months_of(struct svg_point *points, const struct size_view *v,
                        const struct size_view_choice *c)
{
    size_t n = 0;

    for (const struct yaml_node *m = json_items_of(c->node, "growth"); m; m = m->next) {
        double gpus = json_number_of(m, "gpus"), month = json_number_of(m, "month");
        if (n == MOST_MONTHS)
            break;
        points[n++] =
            (struct svg_point){month, gpus, NAN, NAN,
                               arena_printf(v->arena, "%s\nmonth %g, %.2f times the load: %g GPUs",
                                            c->name, month, json_number_of(m, "scale_load"), gpus)};
    }
    return n;
}

static void write_growth_row(FILE *out, const struct size_view_choice *c)
{
    double from = json_number_of(c->node, "too_small_from_month");
    char text[48];

    snprintf(text, sizeof text, "%.0f", from);
    html_row_begin(out);
    html_row_name(out, c->name);
    html_cell_number(out, 9, json_number_of(c->node, "gpus"));
    html_cell_sorted(out, from, isfinite(from) ? text : "not in these months");
    html_cell_number(out, 9, json_number_of(c->node, "cost_month_by_month"));
    html_cell_number(out, 9, json_number_of(c->node, "cost_at_once"));
    html_row_end(out);
}

enum status size_page_growth(FILE *out, const struct size_view *v, struct diag *d)
{
    static const char *const heads[] = {"choice",
                                        "#GPUs today",
                                        "#too small from month",
                                        "#cost, bought month by month",
                                        "#cost, all at once",
                                        NULL};
    double rate = json_number_of(v->root, "growth_per_month");
    struct svg_point(*points)[MOST_MONTHS] = arena_alloc(v->arena, MOST_LINES, sizeof *points);
    struct svg_series series[MOST_LINES];
    size_t n = 0;

    if (!points)
        return diag_nomem(d, "chart");
    for (size_t i = 0; i < v->n && n < MOST_LINES; i++) {
        const struct size_view_choice *c = &v->choices[i];
        if (!c->reached || c->load != v->loads[0] || !json_items_of(c->node, "growth"))
            continue;
        size_t n_months = months_of(points[n], v, c);
        series[n] = (struct svg_series){c->name, (unsigned)n, n_months, points[n]};
        n++;
    }
    if (n == 0)
        return ST_OK;
    const struct svg_lines chart = {.frame = {"growth", "GPUs over the months to come", 760, 420},
                                    .x = {"months from now", SVG_LINEAR, false},
                                    .y = {"GPUs", SVG_LINEAR, true},
                                    .n = n,
                                    .series = series,
                                    .level = {NAN, NULL}};
    page_text(out, "h2", "A load that grows");
    page_text(out, "p", "%.3g %% a month from %g times the load: the smallest fleet of each month.",
              100 * rate, v->loads[0]);
    page_figure_begin(out);
    svg_lines(out, &chart);
    page_figure_end(out);
    html_table_begin(out, "When the fleet of today is too small, and what the months cost", heads);
    for (size_t i = 0; i < v->n; i++) {
        const struct size_view_choice *c = &v->choices[i];
        if (c->reached && c->load == v->loads[0] && json_items_of(c->node, "growth"))
            write_growth_row(out, c);
    }
    html_table_end(out);
    return ST_OK;
}

/* ---- a policy ---- */

static struct page_value of_policy(const struct yaml_node *a, const char *mean, const char *low,
                                   const char *high)
{
    return (struct page_value){json_number_of(a, mean), json_number_of(a, low),
                               json_number_of(a, high)};
}

static void write_policy_row(FILE *out, const struct size_view_choice *c)
{
    const struct yaml_node *a = yaml_node_child(c->node, "autoscaled");
    const char *message = json_text_of(a, "message"), *verdict = "missed";
    struct page_value value = of_policy(a, "value", "value_low", "value_high");

    if (json_flag_of(a, "meets_target"))
        verdict = "met";
    html_row_begin(out);
    html_row_name(out, c->name);
    html_cell_number(out, 6, c->load);
    html_cell_number(out, 7, json_number_of(c->node, "cost_per_day"));
    html_cell_number(out, 7, json_number_of(a, "cost_per_day"));
    html_cell_number(out, 9, json_number_of(c->node, "gpus"));
    html_cell_number(out, 5, json_number_of(a, "mean_gpus"));
    html_cell_number(out, 9, json_number_of(a, "peak_gpus"));
    html_cell_value(out, SVG_LINEAR, &value);
    html_cell(out, message                                ? message
                   : json_flag_of(a, "certain")           ? verdict
                   : *verdict == 'm' && verdict[1] == 'e' ? "met, or not"
                                                          : "missed, or not");
    html_row_end(out);
}

void size_page_autoscaled(FILE *out, const struct size_view *v)
{
    static const char *const heads[] = {"choice",         "#times the load",
                                        "#static, a day", "#autoscaled, a day",
                                        "#static GPUs",   "#autoscaled, mean",
                                        "#at most",       "#autoscaled reached",
                                        "target",         NULL};
    bool any = false;

    for (size_t i = 0; i < v->n; i++) {
        const struct size_view_choice *c = &v->choices[i];
        if (!json_text_of(yaml_node_child(c->node, "autoscaled"), "policy"))
            continue;
        if (!any) {
            page_text(out, "h2", "A policy in the loop instead");
            html_table_begin(
                out, "Means over other courses of the traffic; \xc2\xb1: 95 % interval", heads);
        }
        any = true;
        write_policy_row(out, c);
    }
    if (any)
        html_table_end(out);
}

/* ---- what is dearer for certain ---- */

static enum status write_bound(FILE *out, const struct size_view *v, const struct yaml_node *c,
                               struct diag *d)
{
    double cost = json_number_of(c, "cost_per_day_low");
    const char *name = size_view_name(v, c);
    char text[MARKUP_NUMBER_SIZE];

    if (!name)
        return diag_nomem(d, "table");
    html_row_begin(out);
    html_row_name(out, name);
    html_cell_number(out, 6, json_number_of(c, "scale_load"));
    html_cell_sorted(out, cost, isfinite(cost) ? markup_figure(text, cost) : "-");
    html_cell_number(out, 9, json_number_of(c, "gpus_low"));
    html_row_end(out);
    return ST_OK;
}

enum status size_page_bounded(FILE *out, const struct size_view *v, struct diag *d)
{
    enum { MOST = 20 };
    static const char *const heads[] = {"choice", "#times the load", "#at least, a day",
                                        "#GPUs at least", NULL};
    const struct yaml_node *list = yaml_node_child(v->root, "bounded");
    const struct yaml_node *c = json_items_of(v->root, "bounded");
    enum status s = ST_OK;

    if (!c)
        return ST_OK;
    page_text(out, "h2", "What costs more");
    page_text(
        out, "p",
        "%zu further choices are not among the cheapest (--top), so their fleets were not looked "
        "for: each costs at least what is said here, and may have no fleet at all.%s",
        list->n, list->n > MOST ? " The first are shown; all are in the file of --json." : "");
    html_table_begin(out, "What the fleet of a choice costs at least", heads);
    for (size_t n = 0; c && n < MOST && !s; c = c->next, n++)
        s = write_bound(out, v, c, d);
    html_table_end(out);
    return s;
}

/* ---- engines ---- */

/* Did a choice before this one have the same engine? */
static bool was_told(const struct size_view *v, size_t i)
{
    const char *profile = json_text_of(v->choices[i].node, "profile");

    for (size_t k = 0; k < i && profile; k++) {
        const char *other = json_text_of(v->choices[k].node, "profile");
        if (other && strcmp(other, profile) == 0)
            return true;
    }
    return false;
}

void size_page_trust(FILE *out, const struct size_view *v)
{
    static const char *const heads[] = {"engine", "trust", NULL};

    page_text(out, "h2", "How far to trust it");
    html_table_begin(out, "Whether an engine was measured, and the error to expect of it", heads);
    for (size_t i = 0; i < v->n; i++) {
        if (was_told(v, i))
            continue;
        html_row_begin(out);
        html_row_name(out, json_text_of(v->choices[i].node, "profile"));
        html_cell(out, json_text_of(v->choices[i].node, "trust"));
        html_row_end(out);
    }
    html_table_end(out);
}

/* ---- what cannot be run ---- */

void size_page_left_out(FILE *out, const struct size_view *v)
{
    static const char *const heads[] = {"engine", "topology", "why", NULL};
    const struct yaml_node *c = json_items_of(v->root, "left_out");

    if (!c)
        return;
    page_text(out, "h2", "What could not be run");
    html_table_begin(out, "Choices that were left out", heads);
    for (; c; c = c->next) {
        html_row_begin(out);
        html_row_name(out, json_text_of(c, "profile"));
        html_cell(out, json_text_of(c, "topology"));
        html_cell(out, json_text_of(c, "message"));
        html_row_end(out);
    }
    html_table_end(out);
}
