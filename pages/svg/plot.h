/* What the charts have in common: the picture, its legend, axes with grid and ticks, marks. */
#ifndef PAGES_SVG_PLOT_H
#define PAGES_SVG_PLOT_H

#include "pages/svg/charts.h"
#include "pages/svg/ticks.h"

struct plot_axis {
    enum svg_scale scale;
    struct extent e;
    double from, to; /* where e.low and e.high are in the picture */
    struct ticks ticks;
};

struct plot {
    FILE *out;
    const struct svg_frame *frame;
    double width, height;            /* of the picture */
    double left, right, top, bottom; /* of the area of data */
    struct plot_axis x, y;
};

/* <svg>; the area is all of the picture. The usual size is that of the frame when it has none. */
void plot_begin(struct plot *p, FILE *out, const struct svg_frame *frame, double usual_width,
                double usual_height);
/* A line of words below the area, if there is one: what was left out. It has to have been left room
 * for: PLOT_LINE. */
void plot_note(const struct plot *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
void plot_end(const struct plot *p);

/* In place of all data. */
void plot_nothing(const struct plot *p);

/* ---- legend ---- */

enum legend_sign { LEGEND_LINE, LEGEND_AREA, LEGEND_DOT, LEGEND_LIMIT };
struct legend_item {
    enum legend_sign sign;
    unsigned colour; /* of a dot its kind */
    const char *name;
};
/* Lines of items at the top of the area, which becomes smaller. */
void plot_legend(struct plot *p, const struct legend_item *items, size_t n);

/* ---- axes ---- */

enum { PLOT_LINE = 18 };

/* Makes the area smaller by what stands around it, and finds the ticks. Extents of what is shown;
 * `labels` as in svg_lines, n_labels = 0: none. Notes have `n_notes` lines. */
void plot_axes(struct plot *p, const struct svg_axis *x, struct extent x_extent,
               const struct svg_axis *y, struct extent y_extent, size_t n_notes);
/* Grid, ticks and names, below the data. Names in place of the ticks of x, if there are any. */
void plot_draw_axes(const struct plot *p, const struct svg_axis *x, const struct svg_axis *y,
                    size_t n_labels, const char *const *labels);
/* After plot_axes: x from and to just there, not round numbers. */
void plot_exact_x(struct plot *p, struct extent x);
/* Where a value is in the picture, at the edge when it is outside. */
double plot_place(const struct plot_axis *axis, double value);
/* A line at a value of the axis, across the area, and its name (NULL = none) at its end. */
void plot_limit(const struct plot *p, const struct plot_axis *axis, const struct svg_mark *mark);

/* ---- pieces ---- */

/* Of text, about. */
double plot_text_width(const char *text);
enum plot_anchor { PLOT_START, PLOT_MIDDLE, PLOT_END };
/* One line, cut to `room` pixels (INFINITY = all of it), then with all of it on hover. */
void plot_text(const struct plot *p, const char *class, double x, double y, enum plot_anchor anchor,
               const char *text, double room);
void plot_line(const struct plot *p, const char *class, double x1, double y1, double x2, double y2);
/* <rect .../> of that class; with a title (which is escaped) if it is not NULL. */
void plot_rect(const struct plot *p, const char *class, double x, double y, double width,
               double height, const char *title);
/* " x,y": the next point of a path or a list of points. */
void plot_xy(const struct plot *p, double x, double y);

/* Series are told apart by dashes and marks, too. */
const char *plot_dashes(unsigned colour);
void plot_marker(const struct plot *p, const char *class, unsigned shape, double x, double y,
                 double radius, const char *title);
void plot_dot(const struct plot *p, enum svg_dot_kind kind, double x, double y, const char *title);
/* Patterns of hatching "ID-pK" for colours 0 to SVG_COLOURS - 1; fill with `url(#ID-pK)`. */
void plot_patterns(const struct plot *p, const struct svg_part *parts, size_t n);
/* <path d=" filled with one of them; the caller goes on with the path, and ends it. */
void plot_begin_hatched(const struct plot *p, unsigned colour);
/* The next box of a path: x and y are its lower left corner. */
void plot_box(const struct plot *p, double x, double y, double width, double height);

#endif
