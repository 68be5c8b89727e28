#include "reports/quantiles.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "util/bug.h"

enum { FIRST_CAPACITY = 4096, DIGIT_BITS = 11, N_DIGITS = 1 << DIGIT_BITS, N_PASSES = 6 };

void quantiles_release(struct quantiles *q)
{
    free(q->value);
    *q = (struct quantiles){0};
}

enum status quantiles_add(struct quantiles *q, double value, struct diag *d)
{
    BUG_IF(!(value >= 0) || isinf(value));
    if (q->n == q->capacity) {
        size_t capacity = q->capacity ? 2 * q->capacity : FIRST_CAPACITY;
        double *grown = realloc(q->value, capacity * sizeof *grown);
        if (!grown)
            return diag_nomem(d, "latencies");
        q->value = grown;
        q->capacity = capacity;
    }
    q->value[q->n++] = value + 0.0; /* -0 becomes 0: the sort goes by bits */
    q->sum += value;
    return ST_OK;
}

/* Non-negative doubles are in the order of their bits as integers, so a radix sort does. */
static enum status sort(double *value, size_t n, struct diag *d)
{
    uint64_t *from = malloc(2 * n * sizeof *from), *block = from, *to;
    size_t(*count)[N_DIGITS] = calloc(N_PASSES, sizeof *count);
    enum status s = ST_OK;

    if (!from || !count) {
        s = diag_nomem(d, "sorting latencies");
        goto out;
    }
    to = from + n;
    memcpy(from, value, n * sizeof *from);
    for (size_t i = 0; i < n; i++) {
        for (unsigned pass = 0; pass < N_PASSES; pass++)
            count[pass][from[i] >> (pass * DIGIT_BITS) & (N_DIGITS - 1)]++;
    }
    for (unsigned pass = 0; pass < N_PASSES; pass++) {
        unsigned shift = pass * DIGIT_BITS;
        size_t *next = count[pass], at = 0;
        if (next[from[0] >> shift & (N_DIGITS - 1)] == n)
            continue;
        for (size_t digit = 0; digit < N_DIGITS; digit++) {
            size_t here = next[digit];
            next[digit] = at;
            at += here;
        }
        for (size_t i = 0; i < n; i++)
            to[next[from[i] >> shift & (N_DIGITS - 1)]++] = from[i];
        uint64_t *swap = from;
        from = to;
        to = swap;
    }
    memcpy(value, from, n * sizeof *from);
out:
    free(block);
    free(count);
    return s;
}

/* NumPy's `linear`, with its way of interpolating from the nearer end. */
static double percentile(const double *sorted, size_t n, double p)
{
    double position = p / 100 * (double)(n - 1);
    size_t below = (size_t)position;
    if (below + 1 >= n)
        return sorted[n - 1];
    double t = position - (double)below;
    double a = sorted[below], b = sorted[below + 1];
    return t < 0.5 ? a + (b - a) * t : b - (b - a) * (1 - t);
}

enum status quantiles_distribution(struct quantiles *q, double unit, struct distribution *out,
                                   struct diag *d)
{
    *out = (struct distribution){0, NAN, NAN, NAN, NAN, NAN, NAN, NAN};
    if (q->n == 0)
        return ST_OK;
    enum status s = sort(q->value, q->n, d);
    if (s != ST_OK)
        return s;
    *out = (struct distribution){
        .n = q->n,
        .mean = q->sum / (double)q->n / unit,
        .p50 = percentile(q->value, q->n, 50) / unit,
        .p75 = percentile(q->value, q->n, 75) / unit,
        .p90 = percentile(q->value, q->n, 90) / unit,
        .p95 = percentile(q->value, q->n, 95) / unit,
        .p99 = percentile(q->value, q->n, 99) / unit,
        .max = q->value[q->n - 1] / unit,
    };
    return ST_OK;
}
