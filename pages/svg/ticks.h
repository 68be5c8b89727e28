/* Round numbers along an axis. */
#ifndef PAGES_SVG_TICKS_H
#define PAGES_SVG_TICKS_H

#include "pages/svg/charts.h"

/* From the least to the greatest of what an axis shows: starts as {INFINITY, -INFINITY}. */
struct extent {
    double low, high;
};
#define EXTENT_NONE ((struct extent){INFINITY, -INFINITY})

/* Is it a number that this axis can show? What is beyond 1e300 cannot be told from it. */
bool extent_shows(enum svg_scale scale, double value);
void extent_add(struct extent *e, enum svg_scale scale, double value);

enum { TICKS_MAX = 16, TICK_LABEL_SIZE = 32 };
struct ticks {
    size_t n;
    double at[TICKS_MAX];
    char label[TICKS_MAX][TICK_LABEL_SIZE];
};

/* Where the axis begins and ends: a little more than `e`, which may be empty or a single value, at
 * round numbers on a linear axis; low < high. */
struct extent axis_extent(const struct svg_axis *axis, struct extent e, size_t about);

/* At most `about` (2 to TICKS_MAX) of them, fewer where labels have little room; all between low
 * and high. */
void ticks_find(struct ticks *ticks, enum svg_scale scale, struct extent e, size_t about);

#endif
