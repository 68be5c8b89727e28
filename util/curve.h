/* A number over time, told by points: straight between them, a jump where two have the same time,
 * level before the first and after the last. */
#ifndef UTIL_CURVE_H
#define UTIL_CURVE_H

#include <stddef.h>

struct curve_point {
    double at_s, value;
};

/* Times never decrease, all numbers are finite and values not below 0. */
struct curve {
    size_t n; /* 0: no curve */
    const struct curve_point *point;
};

/* At a jump the value behind it. n > 0. */
double curve_value(const struct curve *c, double at_s);
/* Under it, from its first point to its last. */
double curve_area(const struct curve *c);
/* Up to where the area from the first point is `area`, which is not above the whole: the first
 * such moment. */
double curve_when(const struct curve *c, double area);

#endif
