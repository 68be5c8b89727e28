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

/* Where the mean of the distribution lies, by Student's t. A single draw tells nothing: all
 * numbers. */
struct range mean_interval(const struct moments *moments, double level);

/* a - b, for two settings over the same n traffics: what is common to both falls out. The p-value
 * is of no difference, two-sided, by Student's t. */
struct paired {
    size_t n;        /* pairs that have both figures */
    double mean;     /* NaN when there are none */
    struct range at; /* where the mean lies, at the level asked for */
    double p_t;
    bool told_apart; /* 0 is not within the range */
};
struct paired paired_difference(const double *a, const double *b, size_t n, double level);

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
