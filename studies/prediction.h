/* Where one more draw of a distribution lies, told by some draws of it: a prediction interval. */
#ifndef STUDIES_PREDICTION_H
#define STUDIES_PREDICTION_H

#include <stddef.h>

#include "studies/statistics.h"

/* Which range of n sorted draws one more draw falls into with probability `level`.
 *
 * Of n + 1 draws each is as likely as the others to be the new one. So it lies between the r-th
 * lowest and the r-th highest of the n others with probability 1 - 2 r / (n + 1), whatever the
 * distribution; ranks between two draws count straight between them (E. J. Gumbel, Statistics of
 * Extremes, 1958, on plotting positions). Draws fewer than (1 + level) / (1 - level) (39 for 0.95)
 * do not reach that far: the range of all of them holds the next with probability (n - 1) / (n + 1)
 * still, and goes on at both ends by a multiple of its width. The multiple is such that the range
 * keeps its level for draws of a normal and of an exponential distribution, whichever asks for
 * more: that of the latter up to 11 draws, for a level of 0.95. */
struct prediction_rule {
    size_t n;
    double rank;   /* r >= 1 */
    double beyond; /* widths of the range of all draws, at each end; INFINITY for n = 1 */
};

/* n >= 1, level in (0, 1). Takes milliseconds below that number of draws. */
struct prediction_rule prediction_rule(size_t n, double level);

/* Of rule->n draws in ascending order. `limits` are those of the figure, and the range goes no
 * further; it is all of them for a single draw, and without width when all draws are equal. */
struct range prediction_range(const double *sorted, const struct prediction_rule *rule,
                              struct range limits);

#endif
