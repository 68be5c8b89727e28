/* Which knob matters: what a figure's surrogate does as each dimension moves over its range, the
 * others anywhere in theirs with equal probability.
 *
 * Shares of variance are Sobol indices (I. M. Sobol', Mathematics and Computers in Simulation 55,
 * 2001; A. Saltelli et al., Global Sensitivity Analysis, 2008, chapter 4) of the surrogate's mean.
 * Its covariance is a product over the dimensions, so that they, the curves and their bands are
 * sums of integrals over one dimension, and exact but for the quadrature of these (J. E. Oakley, A.
 * O'Hagan, J. R. Stat. Soc. B 66, 2004). */
#ifndef STUDIES_TUNE_EFFECTS_H
#define STUDIES_TUNE_EFFECTS_H

#include "studies/tune/surrogate.h"

/* The values that a dimension can take, as in struct surrogate_points, each as likely as the
 * others; none: anything in [0, 1]. A category has to say them. Borrowed. */
struct effect_levels {
    size_t n;
    const double *at;
};

/* Points of a curve over a range without levels. */
enum { EFFECT_CURVE_POINTS = 11 };

struct effect_point {
    double x;
    double mean;      /* expected figure with this dimension at x */
    double deviation; /* standard, of that: how far the points leave it open */
};

struct effect {
    /* Shares of `variance`, 0 to 1: of what this dimension does by itself, and of all that it takes
     * part in. */
    double first_order, total;
    /* Highest minus lowest mean of the curve, and the standard deviation of that difference. */
    double range, range_deviation;
    /* How much more likely the points are with this dimension than without it, in nats. */
    double evidence;
    bool nothing; /* less than EFFECT_LEAST_EVIDENCE: it cannot be told from noise */
    size_t n_points;
    const struct effect_point *curve; /* by x as in the levels, or from 0 to 1 */
};

/* In simulations, 19 of 20 dimensions that do nothing have less (a likelihood ratio test of one
 * parameter has 1.9 there, 1.4 when it lies on the edge of its range). */
#define EFFECT_LEAST_EVIDENCE 2.0

struct effects {
    size_t n_dims;
    const struct effect *of; /* by dimension */
    /* n_dims x n_dims, symmetric, the diagonal 0: share of variance of what two do together that
     * neither does by itself. */
    const double *pairs;
    double mean, variance; /* of the figure's surrogate over all ranges */
};

/* `s` is a surrogate of `points`, for which each dimension is left out once and the rest fitted
 * again. Where all figures are the same every dimension does nothing. Everything is in the arena.
 * ST_INPUT: a category without levels. ST_NOMEM. */
enum status effects_find(const struct effects **effects, struct arena *arena,
                         const struct surrogate *s, const struct surrogate_points *points,
                         const struct effect_levels *levels, struct diag *d);

#endif
