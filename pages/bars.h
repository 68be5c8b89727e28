/* Bars as a figure of a page. */
#ifndef PAGES_BARS_H
#define PAGES_BARS_H

#include "pages/svg/charts.h"

/* Without a limit; nothing where there are no bars. */
void page_bars(FILE *out, const struct svg_frame *frame, const struct svg_axis *x, size_t n,
               const struct svg_bar *bars);

#endif
