#include "pages/bars.h"

#include <math.h>

#include "pages/html/page.h"

void page_bars(FILE *out, const struct svg_frame *frame, const struct svg_axis *x, size_t n,
               const struct svg_bar *bars)
{
    const struct svg_bars chart = {
        .frame = *frame, .x = *x, .n = n, .bars = bars, .limit = {.at = NAN}};

    if (n == 0)
        return;
    page_figure_begin(out);
    svg_bars_with_intervals(out, &chart);
    page_figure_end(out);
}
