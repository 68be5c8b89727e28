#include "reports/quantiles.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "util/bug.h"

enum { FIRST_CAPACITY = 4096, DIGIT_BITS = 11, N_DIGITS = 1 << DIGIT_BITS, N_PASSES = 6 };

void quantiles_release(struct quantiles *q)
{
    free(q->value);
    free(q->counts);
    *q = (struct quantiles){0};
}

static enum status grow(struct quantiles *q, size_t max, struct diag *d)
{
    size_t capacity = q->capacity ? 2 * q->capacity : FIRST_CAPACITY;

    if (capacity > max)
        capacity = max;
    double *grown = realloc(q->value, capacity * sizeof *grown);
    if (!grown)
        return diag_nomem(d, "latencies");
    q->value = grown;
    q->capacity = capacity;
    return ST_OK;
}

/* From single values to counts. */
static enum status start_counting(struct quantiles *q, struct diag *d)
{
    q->counts = calloc(1, sizeof *q->counts);
    if (!q->counts)
        return diag_nomem(d, "latencies");
    for (size_t i = 0; i < q->n; i++)
        histogram_add(q->counts, llrint(q->value[i]), 1);
    free(q->value);
    q->value = NULL;
    q->capacity = 0;
    return ST_OK;
}

enum status quantiles_add(struct quantiles *q, double value, struct diag *d)
{
    size_t max = q->max_exact ? q->max_exact : QUANTILES_MAX_EXACT;
    enum status s = ST_OK;

    BUG_IF(!(value >= 0) || isinf(value));
    if (q->n == max && !q->counts)
        s = start_counting(q, d);
    else if (q->n == q->capacity && !q->counts)
        s = grow(q, max, d);
    if (s)
        return s;
    if (q->counts)
        histogram_add(q->counts, llrint(value), 1);
    else
        q->value[q->n] = value + 0.0; /* -0 becomes 0: the sort goes by bits */
    q->n++;
    q->sum += value;
    if (value > q->max)
        q->max = value;
    return ST_OK;
}

double quantiles_error(const struct quantiles *q)
{
    return q->counts ? QUANTILES_ERROR : 0;
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

static double at_rank(const struct quantiles *q, size_t rank)
{
    return q->counts ? histogram_at_rank(q->counts, rank) : q->value[rank];
}

/* NumPy's `linear`, with its way of interpolating from the nearer end. */
static double percentile(const struct quantiles *q, double p)
{
    double position = p / 100 * (double)(q->n - 1);
    size_t below = (size_t)position;
    if (below + 1 >= q->n)
        return at_rank(q, q->n - 1);
    double t = position - (double)below;
    double a = at_rank(q, below), b = at_rank(q, below + 1);
    return t < 0.5 ? a + (b - a) * t : b - (b - a) * (1 - t);
}

enum status quantiles_distribution(struct quantiles *q, double unit, struct distribution *out,
                                   struct diag *d)
{
    *out = (struct distribution){0, NAN, NAN, NAN, NAN, NAN, NAN, NAN};
    if (q->n == 0)
        return ST_OK;
    enum status s = q->counts ? ST_OK : sort(q->value, q->n, d);
    if (s != ST_OK)
        return s;
    *out = (struct distribution){
        .n = q->n,
        .mean = q->sum / (double)q->n / unit,
        .p50 = percentile(q, 50) / unit,
        .p75 = percentile(q, 75) / unit,
        .p90 = percentile(q, 90) / unit,
        .p95 = percentile(q, 95) / unit,
        .p99 = percentile(q, 99) / unit,
        .max = q->max / unit,
    };
    return ST_OK;
}
