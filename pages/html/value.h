/* A mean with its interval, in words and in cells. */
#ifndef PAGES_HTML_VALUE_H
#define PAGES_HTML_VALUE_H

#include <stdio.h>

#include "pages/svg/charts.h"

struct page_value {
    double mean, low, high; /* low and high equal or NaN = no interval */
};

/* "0.869 +- 0.005" with the digits that the interval leaves, shares in per cent; "-" of NaN. */
enum { VALUE_TEXT_SIZE = 80 };
const char *value_text(char out[VALUE_TEXT_SIZE], enum svg_scale scale,
                       const struct page_value *value);
/* In a table, sorted by the mean; a difference has a sign. */
void html_cell_value(FILE *out, enum svg_scale scale, const struct page_value *value);
void html_cell_difference(FILE *out, enum svg_scale scale, const struct page_value *value);

#endif
