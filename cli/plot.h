/* Curves in the terminal, drawn with braille dots, or with marks of ASCII. */
#ifndef CLI_PLOT_H
#define CLI_PLOT_H

#include <stdbool.h>
#include <stddef.h>

#include "util/terminal.h"

enum { PLOT_MAX_SERIES = 4, PLOT_MAX_POINTS = 256 };

struct plot_series {
    char label[16]; /* printed where the curve ends, if there is room */
    size_t n;
    double x[PLOT_MAX_POINTS], y[PLOT_MAX_POINTS]; /* x increasing */
};

/* Both axes are logarithmic and span what the series hold: all values are above 0. Ticks at every
 * power of 2 along x, at round numbers along y. */
struct plot {
    const char *x_label, *y_label; /* with their units */
    size_t n_series;
    struct plot_series series[PLOT_MAX_SERIES];
};

void plot_add(struct plot_series *series, double x, double y);
/* Nothing when no series has two points. */
void plot_print(const struct plot *plot, const struct terminal *terminal);

#endif
