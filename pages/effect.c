#include "pages/effect.h"

#include <math.h>

#include "pages/html/page.h"

void page_effect(FILE *out, const struct page_effect *e)
{
    const struct svg_series series = {e->figure->key, 0, e->n, e->points};
    const struct svg_lines chart = {.frame = {e->id, e->label, 500, 250},
                                    .x = {e->knob, e->scale, false},
                                    .y = {e->figure->name, e->figure->scale, false},
                                    .y_low = e->range.low,
                                    .y_high = e->range.high,
                                    .n_labels = e->labels ? e->n : 0,
                                    .labels = e->labels,
                                    .n = 1,
                                    .series = &series,
                                    .level = {NAN, NULL}};

    page_chart_begin(out, e->caption);
    svg_lines(out, &chart);
    page_chart_end(out);
}
