/* Curves and points in the terminal, drawn with braille dots, or with marks of ASCII. */
#ifndef CLI_PLOT_H
#define CLI_PLOT_H

#include <stdbool.h>
#include <stddef.h>

#include "util/terminal.h"

enum { PLOT_MAX_SERIES = 4, PLOT_MAX_POINTS = 10000 };

struct plot_series {
    char label[16]; /* printed where the curve ends, if there is room */
    bool points;    /* not joined */
    char mark;      /* of a point; '\0': a dot */
    size_t n;
    double x[PLOT_MAX_POINTS], y[PLOT_MAX_POINTS]; /* x increasing, unless points */
};

/* The axes span what the series hold. They are logarithmic, all values above 0, with ticks at every
 * power of 2 along x, at round numbers along y; or linear. Marks cover dots, and those of a later
 * series the ones before. */
struct plot {
    const char *x_label, *y_label; /* with their units */
    bool linear;
    size_t n_series;
    struct plot_series series[PLOT_MAX_SERIES];
};

void plot_add(struct plot_series *series, double x, double y);
/* Nothing when all points have one x, unless linear; then nothing without a point. */
void plot_print(const struct plot *plot, const struct terminal *terminal);

#endif
