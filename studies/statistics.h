/* Statistics of the figures of many runs.
 *
 * Samples are plain arrays without NaN: which figures a run does not have is for the caller to sort
 * out, since what that means is not the same everywhere. A NaN is a BUG(), but for pairs, which are
 * left out and counted. Nothing is allocated unless a function says so, and nothing is random but
 * what is given a generator. */
#ifndef STUDIES_STATISTICS_H
#define STUDIES_STATISTICS_H

#include <stdbool.h>
#include <stddef.h>

#include "util/pcg.h"
#include "util/status.h"

struct range {
    double low, high;
};

/* The normal distribution, and Student's t with any number of degrees of freedom > 0; INFINITY is
 * the normal one. CDFs are good to 1e-10 of the smaller tail (t by the continued fraction of the
 * incomplete beta function, DLMF 8.17.22), quantiles solve them by Newton steps. Probabilities are
 * in [0, 1]; those of 0 and 1 are infinite. */
double normal_cdf(double z);
double normal_quantile(double probability);
double student_cdf(double t, double dof);
double student_quantile(double probability, double dof);

/* Of n >= 1. The variance is that of the distribution (n - 1 below), INFINITY for n = 1 and exactly
 * 0 when all are equal. */
struct moments {
    size_t n;
    double mean, variance;
};
struct moments sample_moments(const double *sample, size_t n);
void sample_sort(double *sample, size_t n); /* ascending */
double sample_mean(double *sample, size_t n);
double sample_median(double *sample, size_t n); /* leaves the sample sorted */

/* Where the mean of the distribution lies, by Student's t. A single draw tells nothing: all
 * numbers. */
struct range mean_interval(const struct moments *moments, double level);

/* Where a figure of the distribution lies (`of`: the mean, the median or another function of a
 * sample, which may reorder it), without an assumption about its shape: the bias-corrected and
 * accelerated bootstrap, B. Efron, Better Bootstrap Confidence Intervals, JASA 82 (1987). Asks for
 * ten draws and more; 2,000 resamples are enough for a level of 0.95. ST_NOMEM: it takes memory
 * for as long as it works. */
enum status bootstrap_interval(struct range *interval, const double *sample, size_t n,
                               double (*of)(double *sample, size_t n), double level,
                               size_t n_resamples, struct pcg64 *rng, struct diag *d);

/* a - b, for two settings over the same n traffics: what is common to both falls out. The p-values
 * are of no difference, two-sided: by Student's t, and the exact one of swapping the settings in
 * any of the pairs, which assumes nothing about the shape. */
struct paired {
    size_t n;        /* pairs that have both figures */
    double mean;     /* NaN when there are none */
    struct range at; /* where the mean lies, at the level asked for */
    double p_t;
    double p_swap;   /* NaN above PAIRED_MAX_SWAPPED pairs, where t serves; never below 2 / 2^n */
    bool told_apart; /* 0 is not within the range */
};
enum { PAIRED_MAX_SWAPPED = 20 };
struct paired paired_difference(const double *a, const double *b, size_t n, double level);

/* p-values of n comparisons made at once, such that calling those below x different is wrong for
 * even one with probability x at most: S. Holm, A Simple Sequentially Rejective Multiple Test
 * Procedure, Scand. J. Statist. 6 (1979). `adjusted` must not be `p`. Takes n^2 steps. */
void holm_adjust(double *adjusted, const double *p, size_t n);

/* What values a figure can have. */
enum figure_scale {
    FIGURE_ANY,
    FIGURE_POSITIVE, /* times, counts, GPU-hours: 0 and more */
    FIGURE_SHARE,    /* 0 to 1 */
};

/* What one more draw of the same distribution will be, from n >= 1: by Student's t on the
 * logarithms of positive figures and the log odds of shares, or on the figures themselves where one
 * is at its limit. Smooth in the draws, and quick: for search. For the range that such a draw keeps
 * to whatever the distribution see studies/prediction.h. */
struct prediction {
    enum figure_scale limits, scale;
    struct moments of; /* on the scale */
};
struct prediction prediction_of(const double *sample, size_t n, enum figure_scale scale);

/* The probability that it is no more than `bound`; 0.5 when one draw cannot tell. */
double prediction_at_most(const struct prediction *prediction, double bound);

#endif
