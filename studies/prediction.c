#include "studies/prediction.h"

#include <math.h>

#include "util/bug.h"

/* Each of these: the probability that one more of n + 1 draws lies outside of the range of the
 * others by more than c times its width. */

/* Above: what is beyond the highest of the others is exponential like all of it, and the width is
 * the sum of the gaps below, the j-th from the top being exponential with rate j. Below: the lowest
 * gap has rate n. A gap is larger than c times a sum of such with probability E exp(-rate c sum), a
 * product over the sum. (A. Renyi, On the theory of order statistics, 1953.) */
static double miss_exponential(size_t n, double c)
{
    double above = 1, below = 1, all = (double)n;

    for (size_t j = 2; j <= n; j++) {
        above *= (double)j / ((double)j + c);
        below *= (double)(j - 1) / ((double)(j - 1) + all * c);
    }
    return (above + below) / (all + 1);
}

static double upper_tail(double z)
{
    return 0.5 * erfc(z * sqrt(0.5));
}

/* Over the highest of n draws and the logarithm of their width, by the trapezoidal rule: the
 * integrand is smooth and is nothing at the edges. */
static double miss_normal(size_t n, double c)
{
    enum { N_TOPS = 61, N_WIDTHS = 76 };
    const double lowest = -9, step = 0.3, log_least = -12, log_step = 0.2;
    double sum = 0;

    for (int i = 0; i < N_TOPS; i++) {
        double top = lowest + step * i, up = upper_tail(-top);
        for (int k = 0; k < N_WIDTHS; k++) {
            double width = exp(log_least + log_step * k), bottom = top - width;
            double between = pow(up - upper_tail(-bottom), (double)n - 2);
            sum += exp(-0.5 * (top * top + bottom * bottom)) * between *
                   upper_tail(top + c * width) * width;
        }
    }
    double pi = acos(-1), all = (double)n;
    return 2 * all * (all - 1) / (2 * pi) * step * log_step * sum;
}

/* The c at which no more than so much is missed. */
static double beyond_for(double (*miss)(size_t n, double c), size_t n, double missed)
{
    double low = 0, high = 1;

    if (miss(n, 0) <= missed)
        return 0;
    while (miss(n, high) > missed)
        high *= 2;
    while (high - low > 1e-9 * high) {
        double c = (low + high) / 2;
        *(miss(n, c) > missed ? &low : &high) = c;
    }
    return high;
}

struct prediction_rule prediction_rule(size_t n, double level)
{
    double missed = 1 - level;
    struct prediction_rule rule = {n, (double)(n + 1) * missed / 2, 0};

    BUG_IF(n == 0 || !(level > 0 && level < 1));
    if (rule.rank >= 1)
        return rule;
    rule.rank = 1;
    rule.beyond =
        n == 1 ? INFINITY
               : fmax(beyond_for(miss_exponential, n, missed), beyond_for(miss_normal, n, missed));
    return rule;
}

/* The draw at a rank that counts from 1 and may lie between two. */
static double at_rank(const double *sorted, size_t n, double rank)
{
    double last = (double)n - 1, at = fmin(fmax(rank - 1, 0), last);
    size_t below = (size_t)at;

    if (below + 1 >= n)
        return sorted[n - 1];
    return sorted[below] + (at - (double)below) * (sorted[below + 1] - sorted[below]);
}

struct range prediction_range(const double *sorted, const struct prediction_rule *rule,
                              struct range limits)
{
    size_t n = rule->n;

    if (n == 1)
        return limits;
    double further = rule->beyond * (sorted[n - 1] - sorted[0]);
    double low = at_rank(sorted, n, rule->rank);
    double high = at_rank(sorted, n, (double)(n + 1) - rule->rank);
    return (struct range){fmax(low - further, limits.low), fmin(high + further, limits.high)};
}
