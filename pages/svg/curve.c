#include "pages/svg/curve.h"

#include <math.h>
#include <string.h>

#include "pages/svg/markup.h"

void curve_legend(struct plot *p, const struct svg_series *series, size_t n,
                  const struct svg_mark *mark)
{
    enum { MOST = 32 };
    struct legend_item items[MOST + 1];
    size_t n_items = 0;

    for (; n_items < n && n_items < MOST; n_items++)
        items[n_items] =
            (struct legend_item){LEGEND_LINE, series[n_items].colour, series[n_items].name};
    if (isfinite(mark->at) && mark->name)
        items[n_items++] = (struct legend_item){LEGEND_LIMIT, 0, mark->name};
    plot_legend(p, items, n_items);
}

static bool shown(const struct plot *p, const struct svg_point *point)
{
    return extent_shows(p->x.scale, point->x) && extent_shows(p->y.scale, point->y);
}

static void draw_points(const struct plot *p, const struct svg_series *series)
{
    unsigned colour = series->colour % SVG_COLOURS;
    char class[32], made[256], x[MARKUP_NUMBER_SIZE], y[MARKUP_NUMBER_SIZE];

    snprintf(class, sizeof class, "dot s%u", colour);
    for (size_t i = 0; i < series->n; i++) {
        const struct svg_point *point = &series->points[i];
        if (!shown(p, point))
            continue;
        snprintf(made, sizeof made, "%.100s: %s at %s", series->name,
                 markup_value(y, p->y.scale, point->y), markup_value(x, p->x.scale, point->x));
        plot_marker(p, class, colour, plot_place(&p->x, point->x), plot_place(&p->y, point->y), 3,
                    point->title ? point->title : made);
    }
}

void curve_draw(const struct plot *p, const struct svg_series *series)
{
    enum { FEW = 32 };
    bool open = false;

    if (series->n == 0)
        return;
    fprintf(p->out, "<path class=\"curve s%u\"", series->colour % SVG_COLOURS);
    if (*plot_dashes(series->colour))
        fprintf(p->out, " stroke-dasharray=\"%s\"", plot_dashes(series->colour));
    fputs(" d=\"M", p->out);
    bool any = false;
    for (size_t i = 0; i < series->n; i++) {
        const struct svg_point *point = &series->points[i];
        if (!shown(p, point)) {
            open = false;
            continue;
        }
        if (any && !open)
            fputs(" M", p->out);
        plot_xy(p, plot_place(&p->x, point->x), plot_place(&p->y, point->y));
        any = open = true;
    }
    if (!any)
        plot_xy(p, p->left, p->bottom);
    fputs("\"><title>", p->out);
    markup_text(p->out, series->name);
    fputs("</title></path>\n", p->out);
    if (series->n <= FEW)
        draw_points(p, series);
}
