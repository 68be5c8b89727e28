#include "util/curve.h"

#include <math.h>

static double piece_s(const struct curve_point *a)
{
    return a[1].at_s - a[0].at_s;
}

static double piece_area(const struct curve_point *a)
{
    return (a[0].value + a[1].value) / 2 * piece_s(a);
}

double curve_value(const struct curve *c, double at_s)
{
    size_t i = c->n;

    while (i > 0 && c->point[i - 1].at_s > at_s)
        i--;
    if (i == 0)
        return c->point[0].value;
    const struct curve_point *a = &c->point[i - 1];
    if (i == c->n)
        return a->value;
    return a[0].value + (a[1].value - a[0].value) * ((at_s - a[0].at_s) / piece_s(a));
}

double curve_area(const struct curve *c)
{
    double area = 0;

    for (size_t i = 0; i + 1 < c->n; i++)
        area += piece_area(&c->point[i]);
    return area;
}

double curve_when(const struct curve *c, double area)
{
    size_t i = 0;

    while (i + 1 < c->n && area > piece_area(&c->point[i]))
        area -= piece_area(&c->point[i++]);
    const struct curve_point *a = &c->point[i];
    if (i + 1 >= c->n || !(area > 0))
        return a->at_s;
    /* The smaller root of area = value x + slope x^2 / 2, in the form that loses no digits. */
    double slope = (a[1].value - a[0].value) / piece_s(a);
    double x = 2 * area / (a[0].value + sqrt(fmax(0, a[0].value * a[0].value + 2 * slope * area)));
    return fmin(a[0].at_s + x, a[1].at_s);
}
