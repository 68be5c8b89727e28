#include "studies/statistics.h"

#include <math.h>
#include <stdlib.h>

#include "util/bug.h"

static const double pi = 3.14159265358979323846;

/* Gamma(a + 1/2) / Gamma(a): its series (DLMF 5.11.13) from 100 on, below by going up to there. */
static double gamma_ratio(double a)
{
    double factor = 1;

    while (a < 100) {
        factor *= a / (a + 0.5);
        a++;
    }
    double y = 1 / a;
    return factor * sqrt(a) *
           (1 + y * (-1.0 / 8 + y * (1.0 / 128 + y * (5.0 / 1024 + y * (-21.0 / 32768 +
                                                                        y * (-399.0 / 262144))))));
}

/* The continued fraction in I_x(a, b) = x^a (1 - x)^b / (a B(a, b)) / (1 + d1 / (1 + ...)),
 * forwards (W. J. Lentz, Applied Optics 15, 1976). Converges fast for x < (a + 1) / (a + b + 2). */
static double beta_fraction(double x, double a, double b)
{
    double c = 1, d = 0, value = 1;

    for (int i = 1; i < 10000; i++) {
        double m = i / 2; // NOLINT(bugprone-integer-division): rounded down
        double term = i % 2 ? -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
                            : m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        c = 1 + term / c;
        d = 1 / (1 + term * d);
        value *= c * d;
        if (fabs(c * d - 1) < 4e-16)
            break;
    }
    return 1 / value;
}

/* P(T > t) for t >= 0 is half of I_x(dof / 2, 1 / 2) at x = dof / (dof + t^2). */
static double student_tail(double t, double dof)
{
    if (isinf(dof))
        return 0.5 * erfc(t / sqrt(2));
    if (isinf(t))
        return 0;
    double a = dof / 2, b = 0.5, square = t / dof * t;
    double x = 1 / (1 + square), rest = square / (1 + square);
    double front = exp(-a * log1p(square)) * sqrt(rest) * gamma_ratio(a) / sqrt(pi);
    if (x < (a + 1) / (a + b + 2))
        return 0.5 * front / a * beta_fraction(x, a, b);
    return 0.5 - 0.5 * front / b * beta_fraction(rest, b, a);
}

static double student_density(double t, double dof)
{
    if (isinf(dof))
        return exp(-0.5 * t * t) / sqrt(2 * pi);
    return gamma_ratio(dof / 2) / sqrt(dof * pi) * exp(-0.5 * (dof + 1) * log1p(t / dof * t));
}

double student_cdf(double t, double dof)
{
    BUG_IF(!(dof > 0) || isnan(t));
    return t < 0 ? student_tail(-t, dof) : 1 - student_tail(t, dof);
}

/* The t >= 0 with so much above it: Newton steps, halving where one would leave the bracket. */
static double tail_quantile(double tail, double dof)
{
    double low = 0, high = 1;

    while (student_tail(high, dof) > tail && high < 1e300) {
        low = high;
        high *= 2;
    }
    double t = (low + high) / 2;
    for (int i = 0; i < 2000 && high - low > 1e-16 * high; i++) {
        double excess = student_tail(t, dof) - tail;
        *(excess > 0 ? &low : &high) = t;
        double next = t + excess / student_density(t, dof);
        if (!(next > low && next < high))
            next = (low + high) / 2;
        if (fabs(next - t) <= 2e-16 * t)
            break;
        t = next;
    }
    return t;
}

double student_quantile(double probability, double dof)
{
    BUG_IF(!(probability >= 0 && probability <= 1 && dof > 0));
    double tail = probability < 0.5 ? probability : 1 - probability;
    double t = tail == 0 ? INFINITY : tail == 0.5 ? 0 : tail_quantile(tail, dof);
    return probability < 0.5 ? -t : t;
}

double normal_cdf(double z)
{
    return student_cdf(z, INFINITY);
}

double normal_quantile(double probability)
{
    return student_quantile(probability, INFINITY);
}

/* From the first on, so that equal ones have their value as the mean, and no variance. */
struct moments sample_moments(const double *sample, size_t n)
{
    struct moments m = {.n = n, .variance = INFINITY};
    double sum = 0, squares = 0;

    BUG_IF(n == 0);
    for (size_t i = 0; i < n; i++) {
        BUG_IF(isnan(sample[i]));
        sum += sample[i] - sample[0];
    }
    m.mean = sample[0] + sum / (double)n;
    for (size_t i = 0; i < n; i++)
        squares += (sample[i] - m.mean) * (sample[i] - m.mean);
    if (n > 1)
        m.variance = squares / (double)(n - 1);
    return m;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

void sample_sort(double *sample, size_t n)
{
    qsort(sample, n, sizeof *sample, ascending);
}

struct range mean_interval(const struct moments *moments, double level)
{
    if (moments->n < 2)
        return (struct range){-INFINITY, INFINITY};
    double reach = student_quantile(0.5 + level / 2, (double)(moments->n - 1)) *
                   sqrt(moments->variance / (double)moments->n);
    return (struct range){moments->mean - reach, moments->mean + reach};
}

static double p_of_t(const struct moments *m)
{
    if (m->n < 2 || m->mean == 0)
        return 1;
    if (m->variance == 0)
        return 0;
    double t = m->mean / sqrt(m->variance / (double)m->n);
    return 2 * student_cdf(-fabs(t), (double)(m->n - 1));
}

struct paired paired_difference(const double *a, const double *b, size_t n, double level)
{
    double first = 0, sum = 0, squares = 0;
    struct moments m = {.n = 0, .variance = INFINITY};

    for (size_t i = 0; i < n; i++) {
        double off = a[i] - b[i];
        if (isnan(off))
            continue;
        if (m.n++ == 0)
            first = off;
        sum += off - first;
    }
    if (m.n == 0)
        return (struct paired){.mean = NAN, .at = {-INFINITY, INFINITY}, .p_t = 1};
    m.mean = first + sum / (double)m.n;
    for (size_t i = 0; i < n; i++) {
        double off = a[i] - b[i] - m.mean;
        if (!isnan(off))
            squares += off * off;
    }
    if (m.n > 1)
        m.variance = squares / (double)(m.n - 1);
    struct range at = mean_interval(&m, level);
    return (struct paired){.n = m.n,
                           .mean = m.mean,
                           .at = at,
                           .p_t = p_of_t(&m),
                           .told_apart = at.low > 0 || at.high < 0};
}

static double on_scale(enum figure_scale scale, double x)
{
    return scale == FIGURE_POSITIVE ? log(x) : scale == FIGURE_SHARE ? log(x / (1 - x)) : x;
}

static double held_to(enum figure_scale scale, double x)
{
    return scale == FIGURE_ANY ? x : fmax(0, scale == FIGURE_SHARE ? fmin(x, 1) : x);
}

struct prediction prediction_of(const double *sample, size_t n, enum figure_scale scale)
{
    struct prediction p = {.limits = scale, .scale = scale, .of = sample_moments(sample, n)};

    if (p.of.variance == 0 || n < 2)
        p.scale = FIGURE_ANY;
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(on_scale(p.scale, sample[i])))
            p.scale = FIGURE_ANY;
    }
    if (p.scale == FIGURE_ANY)
        return p;
    double first = on_scale(p.scale, sample[0]), sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++)
        sum += on_scale(p.scale, sample[i]) - first;
    p.of.mean = first + sum / (double)n;
    for (size_t i = 0; i < n; i++) {
        double off = on_scale(p.scale, sample[i]) - p.of.mean;
        squares += off * off;
    }
    p.of.variance = squares / (double)(n - 1);
    return p;
}

double prediction_at_most(const struct prediction *p, double bound)
{
    double at = on_scale(p->scale, held_to(p->limits, bound));

    if (p->of.n < 2)
        return 0.5;
    double spread = sqrt(p->of.variance * (1 + 1 / (double)p->of.n));
    if (spread == 0)
        return at >= p->of.mean;
    return student_cdf((at - p->of.mean) / spread, (double)(p->of.n - 1));
}
