/* Curves through points, of the charts that have some. */
#ifndef PAGES_SVG_CURVE_H
#define PAGES_SVG_CURVE_H

#include "pages/svg/plot.h"

/* A line for each series, and one for the mark if it is a number. */
void curve_legend(struct plot *p, const struct svg_series *series, size_t n,
                  const struct svg_mark *mark);
/* The curve, broken where a point cannot be shown, and marks with titles where there are few. */
void curve_draw(const struct plot *p, const struct svg_series *series);

#endif
