/* What a knob does to a figure, as a small chart of a page. */
#ifndef PAGES_EFFECT_H
#define PAGES_EFFECT_H

#include "pages/figure.h"
#include "studies/statistics.h"

struct page_effect {
    const char *id, *caption, *label; /* label: for those who do not see the chart */
    const char *knob;
    enum svg_scale scale; /* of the knob */
    const struct page_figure *figure;
    struct range range; /* of the figure, the same for all knobs, so that they can be compared */
    size_t n;
    const struct svg_point *points;
    const char *const *labels; /* of the points, in place of numbers; NULL = none */
};

void page_effect(FILE *out, const struct page_effect *effect);

#endif
