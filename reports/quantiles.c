#include "reports/quantiles.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "util/array.h"
#include "util/bug.h"
#include "util/sort_uint64.h"

enum { N_PERCENTILES = 5, N_RANKS = 2 * N_PERCENTILES };

void quantiles_release(struct quantiles *q)
{
    free(q->value);
    free(q->counts);
    *q = (struct quantiles){0};
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
    else if (!q->counts)
        s = ARRAY_RESERVE(q->value, q->n, q->capacity, 1, "latencies", d);
    if (s)
        return s;
    if (q->counts)
        histogram_add(q->counts, llrint(value), 1);
    else
        q->value[q->n] = value + 0.0; /* -0 becomes 0: ranks go by bits */
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

/* Non-negative doubles are in the order of their bits as integers. */
static uint64_t bits_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}
/* Values in steps of 1/64 and finer. */
static size_t step_of(double value)
{
    return (size_t)(bits_of(value) >> 46);
}

/* The values at the ascending ranks: only those are sorted that are as large as one of them to
 * within a step. */
static enum status at_ranks(const double *value, size_t n, const size_t rank[N_RANKS],
                            double found[N_RANKS], struct diag *d)
{
    double least = value[0], most = value[0];
    for (size_t i = 1; i < n; i++) {
        least = value[i] < least ? value[i] : least;
        most = value[i] > most ? value[i] : most;
    }
    size_t first = step_of(least), n_steps = step_of(most) - first + 1;
    size_t *count = calloc(n_steps, sizeof *count), place[N_RANKS], before = 0, n_picked = 0,
           step = 0;
    bool *picked = calloc(n_steps, sizeof *picked);
    uint64_t *pick = NULL;
    if (!count || !picked)
        goto out;
    for (size_t i = 0; i < n; i++)
        count[step_of(value[i]) - first]++;
    for (size_t k = 0; k < N_RANKS; k++) {
        while (before + count[step] <= rank[k])
            before += count[step++];
        place[k] = n_picked - (picked[step] ? count[step] : 0) + rank[k] - before;
        n_picked += picked[step] ? 0 : count[step];
        picked[step] = true;
    }
    pick = malloc(2 * n_picked * sizeof *pick);
    if (!pick)
        goto out;
    size_t at = 0;
    for (size_t i = 0; i < n; i++)
        if (picked[step_of(value[i]) - first])
            pick[at++] = bits_of(value[i]);
    const uint64_t *sorted = sort_uint64(pick, n_picked);
    for (size_t k = 0; k < N_RANKS; k++)
        memcpy(&found[k], &sorted[place[k]], sizeof found[k]);
out:
    free(picked);
    free(count);
    enum status s = pick ? ST_OK : diag_nomem(d, "sorting latencies");
    free(pick);
    return s;
}

enum status quantiles_distribution(const struct quantiles *q, double unit, struct distribution *out,
                                   struct diag *d)
{
    static const double percent[N_PERCENTILES] = {50, 75, 90, 95, 99};
    size_t rank[N_RANKS];
    double at[N_RANKS], p[N_PERCENTILES];
    *out = (struct distribution){0, NAN, NAN, NAN, NAN, NAN, NAN, NAN};
    if (q->n == 0)
        return ST_OK;
    for (size_t k = 0; k < N_PERCENTILES; k++) {
        size_t below = (size_t)(percent[k] / 100 * (double)(q->n - 1));
        rank[2 * k] = below;
        rank[2 * k + 1] = below + 1 < q->n ? below + 1 : below;
    }
    enum status s = q->counts ? ST_OK : at_ranks(q->value, q->n, rank, at, d);
    if (s != ST_OK)
        return s;
    for (size_t k = 0; q->counts && k < N_RANKS; k++)
        at[k] = histogram_at_rank(q->counts, rank[k]);
    for (size_t k = 0; k < N_PERCENTILES; k++) {
        /* NumPy's `linear`, with its way of interpolating from the nearer end. */
        double t = percent[k] / 100 * (double)(q->n - 1) - (double)rank[2 * k], a = at[2 * k],
               b = at[2 * k + 1];
        p[k] = t < 0.5 ? a + (b - a) * t : b - (b - a) * (1 - t);
    }
    *out = (struct distribution){
        .n = q->n,
        .mean = q->sum / (double)q->n / unit,
        .p50 = p[0] / unit,
        .p75 = p[1] / unit,
        .p90 = p[2] / unit,
        .p95 = p[3] / unit,
        .p99 = p[4] / unit,
        .max = q->max / unit,
    };
    return ST_OK;
}
