/* Charts as SVG, written straight into a page.
 *
 * Each is one <svg> that scales, with role="img", a name for those who do not see it, and <title>
 * texts where the mouse rests. There are no inline styles: elements have classes, and
 * pages/html/assets/charts.css gives these their colours in the light, in the dark and on paper.
 * What differs by colour also differs by dashes, marks or hatching. Numbers that are not finite
 * (and what is not above 0 on a logarithmic axis) are left out; nothing to show is said in words.
 * What is given is borrowed, names and titles are escaped. The caller checks `out` for errors. */
#ifndef PAGES_SVG_CHARTS_H
#define PAGES_SVG_CHARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum svg_scale {
    SVG_LINEAR,
    SVG_LOG,
    SVG_TIME,   /* seconds, shown as h:mm or m:ss */
    SVG_PERCENT /* linear, 1 is shown as 100 % */
};

struct svg_axis {
    const char *label; /* what, and its unit */
    enum svg_scale scale;
    bool from_zero; /* reaches 0, unless it is logarithmic */
};

struct svg_frame {
    const char *id;       /* no two alike in a page: letters, digits, '-' */
    const char *label;    /* what the chart shows, for those who do not see it */
    double width, height; /* in pixels where there is room; 0 = the usual */
};

/* Colours of series are 0 to SVG_COLOURS - 1, and go round. */
enum { SVG_COLOURS = 8 };

/* Of a tile of 6 by 6, drawn over a colour for those who do not see it: what goes into the `d` of a
 * path; "" for one of them. */
const char *svg_hatch(unsigned colour);
/* A small box with colour and hatching, for a legend in words; `id` as of a frame. */
void svg_swatch(FILE *out, const char *id, unsigned colour);

/* ---- curves ---- */

struct svg_point {
    double x, y;
    double low, high;  /* of y; equal or NaN = no interval */
    const char *title; /* NULL = the figures */
};

struct svg_series {
    const char *name;
    unsigned colour;
    size_t n;
    const struct svg_point *points; /* by x */
};

/* A straight line across, such as a target. */
struct svg_mark {
    double at; /* NaN = none */
    const char *name;
};

/* What share of all has a value up to x: `points` are quantiles, y from 0 to 1. */
struct svg_cdf {
    struct svg_frame frame;
    struct svg_axis x;
    size_t n;
    const struct svg_series *series;
    struct svg_mark limit; /* of x: the SLA */
};
void svg_cdf(FILE *out, const struct svg_cdf *chart);

/* Few points each, with their intervals. */
struct svg_lines {
    struct svg_frame frame;
    struct svg_axis x, y;
    double y_low, y_high; /* y shows these at least, where y_low < y_high */
    size_t n_labels;      /* names of x = 0, 1, 2, ... in place of numbers */
    const char *const *labels;
    size_t n;
    const struct svg_series *series;
    struct svg_mark level; /* of y */
};
void svg_lines(FILE *out, const struct svg_lines *chart);

/* ---- bars ---- */

struct svg_part {
    const char *name;
    unsigned colour;
};

/* Parts of a whole over time. Bars narrower than three pixels are added up, and the chart says so.
 */
struct svg_stacked_bars {
    struct svg_frame frame;
    struct svg_axis x, y; /* x is the same distance from bar to bar */
    size_t n_parts;
    const struct svg_part *parts; /* the first is the lowest */
    size_t n_bars;
    double first, step;   /* bar i is from first + i step on; step > 0 */
    const double *values; /* n_bars x n_parts, bar by bar, not below 0 */
};
void svg_stacked_bars(FILE *out, const struct svg_stacked_bars *chart);

/* One bar with the share of each part, and a legend that has the figures. */
struct svg_total_bar {
    struct svg_frame frame;
    size_t n_parts;
    const struct svg_part *parts;
    const double *values;
    const char *unit; /* of the values: "requests" */
};
void svg_total_bar(FILE *out, const struct svg_total_bar *chart);

/* Bars that lie, one below the other, from 0 on. */
struct svg_bar {
    const char *name;
    double value, low, high; /* low and high equal or NaN = no interval */
    unsigned colour;
    const char *note;  /* behind the figure; NULL = none */
    const char *title; /* NULL = the figures */
};
struct svg_bars {
    struct svg_frame frame; /* the height is that of the bars */
    struct svg_axis x;
    size_t n;
    const struct svg_bar *bars;
    struct svg_mark limit; /* of x */
};
void svg_bars_with_intervals(FILE *out, const struct svg_bars *chart);

/* ---- lanes ---- */

struct svg_span {
    double from, to; /* of time */
    size_t part;     /* index into the parts */
};
struct svg_lane {
    const char *name;
    const char *group; /* lanes of a group follow each other; NULL = none */
    size_t n;
    const struct svg_span *spans; /* by time */
    double lost;                  /* when it was lost; NaN = it was not */
};

/* A lane for each worker up to SVG_MAX_LANES; of more, those that follow each other share a lane,
 * which shows the state of the highest part among them, and the chart says so. */
enum { SVG_MAX_LANES = 160 };
struct svg_lanes {
    struct svg_frame frame; /* the height is that of the lanes */
    struct svg_axis x;
    double from, to; /* of x */
    size_t n_parts;
    const struct svg_part *parts; /* in rising order: what is rarer and matters more comes later */
    size_t n;
    const struct svg_lane *lanes;
};
void svg_lanes(FILE *out, const struct svg_lanes *chart);

/* ---- two dimensions ---- */

/* A figure by two knobs: a cell for each pair, with its value where there is room. */
struct svg_heat_map {
    struct svg_frame frame;
    const char *x_label, *y_label, *value_label;
    bool percent;
    size_t n_x, n_y;
    const char *const *x, *const *y; /* names of the columns, and of the rows from below */
    const double *values;            /* n_y x n_x, row by row; NaN = missing */
    const char *const *titles;       /* of the cells; NULL = the figures */
};
void svg_heat_map(FILE *out, const struct svg_heat_map *chart);

enum svg_dot_kind {
    SVG_DOT_OTHER,
    SVG_DOT_FRONT, /* no other is better in both; joined by a line, by x */
    SVG_DOT_DEFAULT,
    SVG_DOT_RECOMMENDED,
    SVG_DOT_KINDS
};
struct svg_dot {
    double x, x_low, x_high, y, y_low, y_high; /* low and high equal or NaN = no interval */
    enum svg_dot_kind kind;
    const char *title; /* NULL = the figures */
};

/* Dots of SVG_DOT_OTHER that would lie on each other are drawn once, and the chart says so. */
struct svg_scatter {
    struct svg_frame frame;
    struct svg_axis x, y;
    size_t n;
    const struct svg_dot *dots;
    const char *names[SVG_DOT_KINDS]; /* in the legend; NULL = the usual */
    struct svg_mark x_limit, y_limit;
};
void svg_scatter_front(FILE *out, const struct svg_scatter *chart);

#endif
