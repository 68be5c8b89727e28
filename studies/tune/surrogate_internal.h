/* What a surrogate is made of, for its fit and for effects. */
#ifndef STUDIES_TUNE_SURROGATE_INTERNAL_H
#define STUDIES_TUNE_SURROGATE_INTERNAL_H

#include "studies/tune/surrogate.h"

/* Points by setting, figures scaled: (y - centre) / scale. */
struct surrogate_data {
    size_t n_dims, n, n_points;
    const bool *categorical; /* by dimension */
    const double *x;         /* n settings, rows of n_dims */
    double centre, scale;    /* scale 0: figures are all the same */
    /* Of points, those of a setting one after the other: of setting i from first[i] on. */
    const size_t *first; /* n + 1 */
    double *y, *noise;
};

enum { SURROGATE_MAX_PARAMETERS = SURROGATE_MAX_DIMS + 2 };

/* Logarithms of the length scales, then of the signal's and of the noise's variance, all of scaled
 * figures. */
size_t surrogate_n_parameters(const struct surrogate_data *data);
/* Where the priors have their peak. */
void surrogate_prior_modes(const struct surrogate_data *data, double *parameters);

/* Variances of scaled figures: of the mean before anything is known, and what is added to that of
 * the noise so that a covariance can be factored. */
#define SURROGATE_MEAN_VARIANCE 10.0
#define SURROGATE_NOISE_FLOOR 1e-6

struct surrogate {
    struct surrogate_data data;
    struct surrogate_hyper hyper;
    double signal;                      /* variance of scaled figures */
    double inverse[SURROGATE_MAX_DIMS]; /* of the length scales, times sqrt(5) */
    double *factor;        /* of the covariance of the settings' means: n x n, upper half */
    double *alpha;         /* that covariance^-1 of these means */
    double log_likelihood; /* of the points, in nats; NaN where all figures are the same. To be
                              compared between surrogates of the same points */
};

/* Matern 5/2 at distance sqrt(5) r = s, but for exp(-s). */
static inline double surrogate_matern(double s)
{
    return 1 + s + s * s / 3;
}

static inline double surrogate_distance(bool categorical, double a, double b)
{
    if (categorical)
        return a != b;
    return a > b ? a - b : b - a;
}

/* The correlation of two settings. */
double surrogate_correlation(const struct surrogate_data *data, const double *inverse,
                             const double *a, const double *b);

/* The means of the settings' points, weighted by their precision, and what is left of their
 * variance; the sum over settings of minus the log likelihood of the points given these means. */
double surrogate_means(const struct surrogate_data *data, double noise, double *mean,
                       double *variance);

/* Minus the log of likelihood times priors, up to a constant, and its gradient (NULL = not wanted).
 * `work` holds surrogate_work(n) doubles. Infinite where the covariance cannot be factored. */
double surrogate_objective(const struct surrogate_data *data, const double *parameters,
                           double *gradient, double *work);
size_t surrogate_work(size_t n);

/* The parameters that minimise it. */
void surrogate_search(const struct surrogate_data *data, const double *start, double *parameters,
                      double *work);

#endif
