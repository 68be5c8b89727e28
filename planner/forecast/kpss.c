#include "planner/forecast/kpss.h"

#include <math.h>
#include <string.h>

bool series_is_constant(const double *x, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        if (x[i] != x[0])
            return false;
    }
    return true;
}

double kpss_p_value(const double *x, size_t n)
{
    static const double critical[] = {0.347, 0.463, 0.574, 0.739};
    static const double p[] = {0.10, 0.05, 0.025, 0.01};
    double count = (double)n, mean = 0.0;

    for (size_t i = 0; i < n; i++)
        mean += x[i];
    mean /= count;

    double cumulated = 0.0, eta = 0.0, variance = 0.0;
    for (size_t i = 0; i < n; i++) {
        double e = x[i] - mean;
        cumulated += e;
        eta += cumulated * cumulated;
        variance += e * e;
    }
    eta /= count * count;
    variance /= count;

    size_t n_lags = (size_t)(4.0 * pow(count / 100.0, 0.25));
    double weighted = 0.0;
    for (size_t lag = 1; lag <= n_lags && lag < n; lag++) {
        double sum = 0.0;
        for (size_t i = lag; i < n; i++)
            sum += (x[i] - mean) * (x[i - lag] - mean);
        weighted += sum * (1.0 - (double)lag / ((double)n_lags + 1.0));
    }
    double statistic = eta / (variance + 2.0 * weighted / count);

    if (isnan(statistic))
        return NAN;
    if (statistic <= critical[0])
        return p[0];
    for (size_t i = 1; i < sizeof(critical) / sizeof(critical[0]); i++) {
        if (statistic <= critical[i]) {
            double part = (statistic - critical[i - 1]) / (critical[i] - critical[i - 1]);
            return p[i - 1] + (p[i] - p[i - 1]) * part;
        }
    }
    return p[3];
}

static void difference(double *x, size_t n)
{
    for (size_t i = 0; i + 1 < n; i++)
        x[i] = x[i + 1] - x[i];
}

int kpss_n_differences(const double *x, size_t n, double *work)
{
    enum { MAX_DIFFERENCES = 2 };
    const double alpha = 0.05;
    size_t left = n;
    int d = 0;

    memcpy(work, x, n * sizeof(*x));
    if (series_is_constant(work, left))
        return 0;
    double p_value = kpss_p_value(work, left);
    while (p_value < alpha && d < MAX_DIFFERENCES) {
        difference(work, left--);
        d++;
        if (series_is_constant(work, left))
            return d;
        p_value = kpss_p_value(work, left);
        if (isnan(p_value)) {
            /* One difference too many; the caller wants the series that belongs to the answer. */
            d--;
            memcpy(work, x, n * sizeof(*x));
            for (int i = 0; i < d; i++)
                difference(work, n - (size_t)i);
            return d;
        }
    }
    return d;
}
