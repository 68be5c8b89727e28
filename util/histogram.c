#include "util/histogram.h"

#include <math.h>

static unsigned bucket_of(int64_t value)
{
    if (value < HISTOGRAM_STEPS)
        return (unsigned)value;
    unsigned top = 63u - (unsigned)__builtin_clzll((unsigned long long)value);
    if (top >= HISTOGRAM_MAX_BITS)
        return HISTOGRAM_BUCKETS - 1;
    unsigned shift = top - 10; /* keep 11 leading bits: the leading 1 and 10 bits of bucket */
    return (shift << 10) + (unsigned)(value >> shift);
}

static double bucket_middle(unsigned bucket)
{
    if (bucket < 2 * HISTOGRAM_STEPS)
        return bucket;
    unsigned shift = (bucket >> 10) - 1;
    int64_t low = (int64_t)(bucket - (shift << 10)) << shift;
    return (double)low + ((double)((int64_t)1 << shift) - 1) / 2;
}

void histogram_add(struct histogram *h, int64_t value, uint64_t weight)
{
    if (weight == 0)
        return;
    if (h->n == 0 || value < h->min)
        h->min = value;
    if (value > h->max)
        h->max = value;
    h->n += weight;
    h->sum += (double)value * (double)weight;
    h->count[bucket_of(value)] += weight;
}

/* First integer value of the bucket after `bucket`. */
static double bucket_end(unsigned bucket)
{
    unsigned next = bucket + 1;
    if (next < 2 * HISTOGRAM_STEPS)
        return next;
    unsigned shift = (next >> 10) - 1;
    return (double)((int64_t)(next - (shift << 10)) << shift);
}

void histogram_add_ramp(struct histogram *h, double first, double slope, uint64_t n,
                        uint64_t weight)
{
    if (n == 0 || weight == 0)
        return;
    if (slope < 0) { /* the same values in the other order */
        first += slope * (double)(n - 1);
        slope = -slope;
    }
    double last = first + slope * (double)(n - 1);
    int64_t low = llrint(first), high = llrint(last);
    if (h->n == 0 || low < h->min)
        h->min = low;
    if (high > h->max)
        h->max = high;
    h->n += n * weight;
    h->sum += (double)n * (first + last) / 2 * (double)weight;
    unsigned bucket = bucket_of(low), final = bucket_of(high);
    uint64_t done = 0;
    for (; bucket < final; bucket++) {
        /* Values below the end of the bucket, halves rounding up: a tie is worth no more care than
         * the bucket. */
        double below = ceil((bucket_end(bucket) - 0.5 - first) / slope);
        uint64_t reached = below <= (double)done ? done : below >= (double)n ? n : (uint64_t)below;
        h->count[bucket] += (reached - done) * weight;
        done = reached;
    }
    h->count[final] += (n - done) * weight;
}

/* Where the values of a bucket are taken to lie. */
static double value_of(const struct histogram *h, unsigned bucket)
{
    return fmin(fmax(bucket_middle(bucket), (double)h->min), (double)h->max);
}

bool histogram_next(const struct histogram *h, unsigned *bucket, double *value, uint64_t *n)
{
    unsigned i = *bucket;

    while (i < HISTOGRAM_BUCKETS && h->count[i] == 0)
        i++;
    *bucket = i + 1;
    if (i >= HISTOGRAM_BUCKETS)
        return false;
    *value = value_of(h, i);
    *n = h->count[i];
    return true;
}

double histogram_at_rank(const struct histogram *h, uint64_t rank)
{
    if (h->n == 0)
        return NAN;
    uint64_t seen = 0;
    unsigned bucket = 0;
    for (;; bucket++) {
        seen += h->count[bucket];
        if (seen > rank)
            break;
    }
    return value_of(h, bucket);
}

double histogram_quantile(const struct histogram *h, double q)
{
    return h->n ? histogram_at_rank(h, (uint64_t)(q * (double)(h->n - 1))) : NAN;
}

double histogram_mean(const struct histogram *h)
{
    return h->n ? h->sum / (double)h->n : NAN;
}
