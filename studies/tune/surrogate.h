/* A Gaussian process through the figures of few settings, noisy and replicated: what a figure is
 * expected to be at any other setting, and how sure that is.
 *
 * Settings are points of the unit cube; a dimension is a number scaled to [0, 1] or a category.
 * The figure is an unknown smooth function of the setting plus independent noise: points of one
 * setting share the value of the function. Covariance: signal variance times a product over the
 * dimensions of Matern 5/2 with a length scale each (for categories, the distance of two that
 * differ is 1), plus that of a constant mean that is hardly known beforehand; C. E. Rasmussen,
 * C. K. I. Williams, Gaussian Processes for Machine Learning, 2006, chapters 2, 4 and 5. The
 * product, rather than a function of one distance over all dimensions, makes the effects of single
 * dimensions integrals over one dimension each (studies/tune/effects.h). Same input, same bits. */
#ifndef STUDIES_TUNE_SURROGATE_H
#define STUDIES_TUNE_SURROGATE_H

#include <stdbool.h>
#include <stddef.h>

#include "util/arena.h"
#include "util/pcg.h"
#include "util/status.h"

enum {
    SURROGATE_MAX_DIMS = 20,
    SURROGATE_MAX_SETTINGS = 1000, /* that differ */
    SURROGATE_MAX_RANK = 500       /* of draws at many candidates; see surrogate_joint */
};

struct surrogate;

/* What is known. Borrowed for the call. */
struct surrogate_points {
    size_t n_dims;           /* 0 (the function is a constant) to SURROGATE_MAX_DIMS */
    const bool *categorical; /* by dimension; NULL = none is */
    size_t n;                /* points, replicates of one setting one by one; >= 1 */
    const double *x;         /* n rows of n_dims, in [0, 1]; equal numbers are one setting */
    const double *y;         /* the figure of each */
    const double *noise;     /* variance of each that is known, beside the one that is estimated;
                                NULL = none */
};

/* In units of the figure, squared, and of the unit cube. */
struct surrogate_hyper {
    double noise_variance;                   /* of one point, beside what is known of it; > 0 */
    double signal_variance;                  /* of the function, apart from its mean; > 0 */
    double length_scale[SURROGATE_MAX_DIMS]; /* > 0; a long one: does next to nothing */
};

/* Finds the hyper-parameters that maximise the marginal likelihood times priors, and conditions on
 * the points. Priors, on figures scaled to variance 1: log length scales normal with mean
 * sqrt(2) + ln(n_dims) / 2 and deviation sqrt(3) (C. Hvarfner, E. O. Hellsten, L. Nardi, "Vanilla
 * Bayesian Optimization Performs Great in High Dimensions", ICML 2024), so that a dimension is
 * taken to do nothing until the points say otherwise; log variances of signal and noise normal with
 * means 0 and -2 and deviation 2.
 *
 * `start` (NULL = none) is where the search may begin, such as what was found for fewer points;
 * with one the search takes about half the time.
 * Figures that are all the same tell no scale: the function is that figure then, with variance 0.
 *
 * Everything is in the arena. ST_INPUT: a number that is not finite, x outside [0, 1], negative
 * noise, more settings than SURROGATE_MAX_SETTINGS. ST_NOMEM. */
enum status surrogate_fit(struct surrogate **surrogate, struct arena *arena,
                          const struct surrogate_points *points,
                          const struct surrogate_hyper *start, struct diag *d);
/* The same with hyper-parameters that are given. */
enum status surrogate_condition(struct surrogate **surrogate, struct arena *arena,
                                const struct surrogate_points *points,
                                const struct surrogate_hyper *hyper, struct diag *d);

const struct surrogate_hyper *surrogate_hyper(const struct surrogate *s);

/* Mean and variance of the function (not of a new, noisy figure) at one setting. Any number of
 * threads at a time. */
void surrogate_predict(const struct surrogate *s, const double *x, double *mean, double *variance);

/* The function at many settings together, to be drawn from. */
struct surrogate_joint;

/* Factors the covariance at m settings (rows of x, borrowed for the call). By pivoted Cholesky,
 * so that settings close to each other cost little; what is left of the variance at
 * SURROGATE_MAX_RANK, or below a millionth of the signal's, is drawn independently. For m up to
 * that rank the draws are exact. The arena gets m numbers for each rank. ST_NOMEM. */
enum status surrogate_joint(struct surrogate_joint **joint, struct arena *arena,
                            const struct surrogate *s, size_t m, const double *x, struct diag *d);
/* One function, at each of the m settings. */
void surrogate_joint_draw(const struct surrogate_joint *joint, struct pcg64 *rng, double *values);

#endif
