#include <math.h>

#include "pages/svg/curve.h"

void svg_cdf(FILE *out, const struct svg_cdf *chart)
{
    static const struct svg_axis share = {"share of requests", SVG_PERCENT, true};
    struct extent x = EXTENT_NONE, y = {0, 1};
    struct plot p;

    for (size_t i = 0; i < chart->n; i++) {
        for (size_t k = 0; k < chart->series[i].n; k++)
            extent_add(&x, chart->x.scale, chart->series[i].points[k].x);
    }
    extent_add(&x, chart->x.scale, chart->limit.at);
    plot_begin(&p, out, &chart->frame, 560, 320);
    curve_legend(&p, chart->series, chart->n, &chart->limit);
    plot_axes(&p, &chart->x, x, &share, y, 0);
    plot_draw_axes(&p, &chart->x, &share, 0, NULL);
    plot_limit(&p, &p.x, &chart->limit);
    if (!(x.low <= x.high))
        plot_nothing(&p);
    for (size_t i = 0; i < chart->n; i++)
        curve_draw(&p, &chart->series[i]);
    plot_end(&p);
}
