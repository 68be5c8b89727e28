/* Panels over time, drawn in the browser by uPlot: one zoom and one cursor for all of a page, by
 * mouse and by keys, lines that can be hidden.
 *
 * The figures of a panel are in the page as JSON, with five digits. What is given is borrowed,
 * texts are escaped. The caller checks `out` for errors. */
#ifndef PAGES_HTML_SERIES_H
#define PAGES_HTML_SERIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "util/arena.h"
#include "util/status.h"

/* In place of page_begin and page_end: with the style and the script of panels. */
void series_page_begin(FILE *out, const char *maker, const char *title);
void series_page_end(FILE *out);

enum series_style {
    SERIES_SOLID,
    SERIES_DASHED,
    SERIES_DOTTED,
    SERIES_STEP,        /* the value holds up to the next point */
    SERIES_STEP_DASHED, /* the same */
    SERIES_STEP_DOTTED,
    SERIES_AREA,       /* steps, filled to 0 */
    SERIES_AREA_BELOW, /* the same, of values up to 0, which are told without their sign */
};

struct series_line {
    const char *name;
    unsigned colour; /* as in pages/svg/charts.h */
    enum series_style style;
    const double *y; /* NaN = a gap */
};

/* Times are seconds of the run. */
struct series_band { /* shaded */
    double from_s, to_s;
    const char *text; /* shown where the cursor is in it */
    const char *name; /* of its kind, for the legend; NULL = none, in the colour of limits */
    unsigned colour;  /* of the kind; as in pages/svg/charts.h */
};
struct series_mark { /* an upright line */
    double at_s;
    const char *text; /* shown where the cursor is near it */
};
struct series_level { /* a straight line across */
    double at;        /* NaN = none */
    const char *name;
};

struct series_panel {
    const char *id;      /* no two alike in a page: letters, digits, '-' */
    const char *title;   /* what is seen */
    const char *unit;    /* of y; "%": 1 is shown as 100 */
    const char *label;   /* what the panel shows, for those who do not see it */
    const char *note;    /* below it while there is no cursor; NULL = none */
    double from_s, to_s; /* of time: the same in all panels of a page */
    size_t n;
    const double *x_s; /* rising */
    size_t n_lines;
    const struct series_line *lines;
    size_t n_bands;
    const struct series_band *bands; /* by time */
    bool tells_kinds;                /* of bands, in a legend */
    size_t n_marks;
    const struct series_mark *marks; /* by time */
    struct series_level level;
};

/* As they are, up to SERIES_MAX_POINTS points. Of more, the lowest and the highest of each of
 * SERIES_MAX_POINTS / 2 stretches of time, in the order they have, so that no peak is lost; the
 * panel says so. ST_NOMEM. */
enum { SERIES_MAX_POINTS = 1200 };
enum status series_panel(FILE *out, const struct series_panel *panel, struct arena *arena,
                         struct diag *d);

/* How series_panel does it, for one line: out of n points at most `most` (even, > 1), two for each
 * stretch of time that has any: its lowest and highest value, in the order they have. The x are the
 * same for all lines over x. `to_x` and `to_y` have room for `most`. Returns how many. */
size_t series_thin(double *to_x, double *to_y, size_t most, size_t n, const double *x,
                   const double *y);

#endif
