#include <math.h>
#include <string.h>

#include "pages/bars.h"
#include "pages/html/page.h"
#include "pages/html/table.h"
#include "pages/html/value.h"
#include "pages/size/size_view.h"
#include "pages/svg/charts.h"
#include "pages/svg/markup.h"

enum { MOST_BARS = 20, MOST_ROWS = 100 };

/* "9 to none": more of a range has no end than is a number. */
static const char *range_text(const struct size_view *v, const struct yaml_node *choice)
{
    char low_text[MARKUP_NUMBER_SIZE], high_text[MARKUP_NUMBER_SIZE];
    double low = json_number_of(choice, "gpus_low"), high = json_number_of(choice, "gpus_high");

    if (!isfinite(low))
        return "-";
    return arena_printf(v->arena, "%s to %s", markup_figure(low_text, low),
                        isfinite(high) ? markup_figure(high_text, high) : "none");
}

/* Where a range has no end the bar of error has none upwards; the note says so. */
static enum status make_bar(struct svg_bar *bar, const struct size_view *v,
                            const struct size_view_choice *c, struct diag *d)
{
    double cost = json_number_of(c->node, "cost_per_day");
    double low = json_number_of(c->node, "cost_per_day_low");
    double high = json_number_of(c->node, "cost_per_day_high");
    bool open = isfinite(low) && !isfinite(high), tie = json_flag_of(c->node, "ties_with_cheapest");
    const char *gpus = size_view_gpus(v, json_number_of(c->node, "gpus"));
    char figure[MARKUP_NUMBER_SIZE];

    *bar = (struct svg_bar){c->name, cost, low, open ? cost : high, tie ? 2 : 0, NULL, NULL};
    bar->note = gpus ? arena_printf(v->arena, "%s%s%s", gpus, open ? ", range has no end" : "",
                                    tie ? " ~" : "")
                     : NULL;
    bar->title = gpus ? arena_printf(v->arena, "%s\n%s workers, %s\n%s %s a day", c->name,
                                     c->workers, gpus, markup_figure(figure, cost), v->currency)
                      : NULL;
    return bar->note && bar->title ? ST_OK : diag_nomem(d, "chart");
}

static enum status draw_costs(FILE *out, const struct size_view *v, size_t load, struct diag *d)
{
    struct svg_bar bars[MOST_BARS];
    size_t n = 0, n_all = 0;
    enum status s = ST_OK;
    const char *id = arena_printf(v->arena, "cost-%zu", load);
    const char *label = arena_printf(v->arena, "Cost a day at %g times the load", v->loads[load]);
    const char *axis = arena_printf(v->arena, "%s a day", v->currency);

    if (!id || !label || !axis)
        return diag_nomem(d, "chart");
    for (size_t i = 0; i < v->n && !s; i++) {
        const struct size_view_choice *c = &v->choices[i];
        if (!c->reached || c->load != v->loads[load] ||
            !isfinite(json_number_of(c->node, "cost_per_day")))
            continue;
        if (n_all++ < MOST_BARS)
            s = make_bar(&bars[n++], v, c, d);
    }
    if (s || n == 0)
        return s;
    const struct svg_frame frame = {id, label, 1000, 0};
    const struct svg_axis x = {axis, SVG_LINEAR, true};
    page_bars(out, &frame, &x, n, bars);
    if (n_all > n)
        page_text(out, "p", "The %zu cheapest of %zu.", n, n_all);
    return ST_OK;
}

static void write_share(FILE *out, double share)
{
    char text[MARKUP_NUMBER_SIZE] = "-";

    if (isfinite(share))
        snprintf(text, sizeof text, share >= 1 ? "%.0f %% and more" : "%.0f %%", 100 * share);
    html_cell_sorted(out, share, text);
}

static void write_row(FILE *out, const struct size_view *v, const struct size_view_choice *c)
{
    const struct yaml_node *node = c->node;
    double courses = json_number_of(node, "courses");
    const struct yaml_node *less = yaml_node_child(node, "one_less");
    double cost = json_number_of(node, "cost_per_day");
    char met[64] = "-", figure[MARKUP_NUMBER_SIZE];

    if (isfinite(courses))
        snprintf(met, sizeof met, "%.0f of %.0f%s%s", json_number_of(node, "courses_met"), courses,
                 json_flag_of(node, "trace_long_enough") ? "" : ", trace too short",
                 less && !json_flag_of(less, "misses_for_certain") ? ", one less may do" : "");
    html_row_begin(out);
    html_row_name(out, c->name);
    html_cell_sorted(out, cost, markup_figure(figure, cost));
    html_cell(out, !c->reached ? "missed" : json_flag_of(node, "ties_with_cheapest") ? "~" : "");
    html_cell_number(out, 9, json_number_of(node, "gpus"));
    html_cell_sorted(out, json_number_of(node, "gpus_low"), range_text(v, node));
    html_cell_sorted(out, NAN, c->workers);
    write_share(out, json_number_of(node, "load_headroom"));
    html_cell_number(out, 4, json_number_of(node, "value"));
    html_cell(out, json_text_of(node, "limited_by"));
    html_cell(out, met);
    html_row_end(out);
}

enum status size_page_load(FILE *out, const struct size_view *v, size_t load, struct diag *d)
{
    static const char *const heads[] = {"choice",     "#a day",        "",       "#GPUs",
                                        "#range",     "#workers",      "#spare", "#reached",
                                        "limited by", "other courses", NULL};

    size_t n = 0;

    page_text(out, "h2", "At %g times the load", v->loads[load]);
    enum status s = draw_costs(out, v, load, d);
    html_table_begin(out, "The smallest fleet of each choice; what missed the target comes closest",
                     heads);
    for (size_t i = 0; i < v->n; i++) {
        if (v->choices[i].load == v->loads[load] && n++ < MOST_ROWS)
            write_row(out, v, &v->choices[i]);
    }
    html_table_end(out);
    if (n > MOST_ROWS)
        page_text(out, "p", "%d of %zu choices are shown; all are in the file of --json.",
                  MOST_ROWS, n);
    return s;
}
