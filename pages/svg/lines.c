#include <math.h>

#include "pages/svg/curve.h"

static bool has_interval(const struct svg_point *point)
{
    return isfinite(point->low) && isfinite(point->high) && point->low < point->high;
}

/* A bar from low to high, with feet. */
static void draw_intervals(const struct plot *p, const struct svg_series *series)
{
    for (size_t i = 0; i < series->n; i++) {
        const struct svg_point *point = &series->points[i];
        if (!has_interval(point) || !extent_shows(p->x.scale, point->x) ||
            !extent_shows(p->y.scale, point->low))
            continue;
        double x = plot_place(&p->x, point->x);
        double low = plot_place(&p->y, point->low), high = plot_place(&p->y, point->high);
        char class[32];
        snprintf(class, sizeof class, "interval s%u", series->colour % SVG_COLOURS);
        plot_line(p, class, x, low, x, high);
        plot_line(p, class, x - 4, low, x + 4, low);
        plot_line(p, class, x - 4, high, x + 4, high);
    }
}

void svg_lines(FILE *out, const struct svg_lines *chart)
{
    struct extent x = EXTENT_NONE, y = EXTENT_NONE;
    struct plot p;

    for (size_t i = 0; i < chart->n; i++) {
        for (size_t k = 0; k < chart->series[i].n; k++) {
            const struct svg_point *point = &chart->series[i].points[k];
            extent_add(&x, chart->x.scale, point->x);
            extent_add(&y, chart->y.scale, point->y);
            if (has_interval(point)) {
                extent_add(&y, chart->y.scale, point->low);
                extent_add(&y, chart->y.scale, point->high);
            }
        }
    }
    bool empty = !(y.low <= y.high);
    extent_add(&y, chart->y.scale, chart->level.at);
    if (chart->y_low < chart->y_high) {
        extent_add(&y, chart->y.scale, chart->y_low);
        extent_add(&y, chart->y.scale, chart->y_high);
    }
    if (chart->n_labels)
        x = (struct extent){-0.5, (double)chart->n_labels - 0.5};
    plot_begin(&p, out, &chart->frame, 560, 320);
    if (chart->n > 1 || isfinite(chart->level.at))
        curve_legend(&p, chart->series, chart->n, &chart->level);
    plot_axes(&p, &chart->x, x, &chart->y, y, 0);
    if (chart->n_labels) /* names stand in equal parts */
        plot_exact_x(&p, x);
    else if (chart->x.scale != SVG_LOG && x.low < x.high)
        plot_exact_x(
            &p, (struct extent){x.low - 0.02 * (x.high - x.low), x.high + 0.02 * (x.high - x.low)});
    plot_draw_axes(&p, &chart->x, &chart->y, chart->n_labels, chart->labels);
    plot_limit(&p, &p.y, &chart->level);
    if (empty)
        plot_nothing(&p);
    for (size_t i = 0; i < chart->n; i++) {
        draw_intervals(&p, &chart->series[i]);
        curve_draw(&p, &chart->series[i]);
    }
    plot_end(&p);
}
