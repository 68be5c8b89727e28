#include "pages/html/value.h"

#include <math.h>

#include "pages/html/table.h"
#include "pages/svg/markup.h"

const char *value_text(char out[VALUE_TEXT_SIZE], enum svg_scale scale, const struct page_value *v)
{
    enum { MOST_DECIMALS = 6 };
    double times = scale == SVG_PERCENT ? 100 : 1, half = times * (v->high - v->low) / 2;
    char mean[MARKUP_NUMBER_SIZE];

    if (!isfinite(v->mean)) {
        snprintf(out, VALUE_TEXT_SIZE, "-");
    } else if (!isfinite(half) || half <= 0) {
        snprintf(out, VALUE_TEXT_SIZE, "%s", markup_value(mean, scale, v->mean));
    } else if (fabs(v->mean * times) >= 1e6 || half < 1e-5) {
        char near[MARKUP_NUMBER_SIZE];
        snprintf(out, VALUE_TEXT_SIZE, "%s \xc2\xb1 %s", markup_value(mean, scale, v->mean),
                 markup_value(near, scale, half / times));
    } else {
        int decimals = (int)fmax(0, fmin(MOST_DECIMALS, 1 - floor(log10(half))));
        snprintf(out, VALUE_TEXT_SIZE, "%.*f \xc2\xb1 %.*f%s", decimals, times * v->mean, decimals,
                 half, scale == SVG_PERCENT ? " %" : "");
    }
    return out;
}

void html_cell_value(FILE *out, enum svg_scale scale, const struct page_value *v)
{
    char text[VALUE_TEXT_SIZE];

    html_cell_sorted(out, v->mean, value_text(text, scale, v));
}

void html_cell_difference(FILE *out, enum svg_scale scale, const struct page_value *v)
{
    char text[VALUE_TEXT_SIZE + 1] = "+";

    value_text(text + 1, scale, v);
    html_cell_sorted(out, v->mean, v->mean > 0 ? text : text + 1);
}
