/* Whether the figures of a profile can be in the units they should be in, and the GPUs they tell.
 * Both come from two identities: the tokens of a prompt over its TTFT are the throughput of all
 * GPUs, and so are the sequences of a decode step over its ITL. */
#include <math.h>
#include <stdlib.h>

#include "engines/profile/profile_internal.h"

/* Times of real engines lie far from these: the fastest decode step known here takes 2.8 ms, the
 * highest prefill throughput is 70,000 tokens/s per GPU, and a prompt of one token takes a whole
 * step. In seconds instead of milliseconds every figure is a thousand times off. */
static const double itl_in_s_ms = 0.5, thpt_of_ttft_in_s = 1e6, ttft_in_s_per_itl = 0.02,
                    gpus_of_ttft_in_s = 500;
/* A share above 1 is of sequences that queued. */
static const double kv_usage_in_percent = 4;
/* How far points may lie apart. */
static const double gpus_spread = 0.25;

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, size_t n)
{
    qsort(values, n, sizeof *values, by_value);
    return values[n / 2];
}

static double prefill_gpus_at(const struct profile *p, size_t i)
{
    const struct profile_curve *ttft = &p->prefill_ttft_ms;
    return ttft->x[i] / (ttft->value[i] / 1e3) / p->prefill_thpt_per_gpu[i];
}

static enum status check_prefill(struct profile *p, struct arena *arena, const char *label,
                                 struct diag *d)
{
    size_t n = p->prefill_ttft_ms.n;
    double *values = ARENA_NEW(arena, n, double);
    if (!values)
        return diag_nomem(d, label);
    for (size_t i = 0; i < n; i++)
        values[i] = p->prefill_thpt_per_gpu[i];
    double thpt = median(values, n);
    for (size_t i = 0; i < n; i++)
        values[i] = prefill_gpus_at(p, i);
    double gpus = median(values, n);
    if (gpus > gpus_of_ttft_in_s || thpt > thpt_of_ttft_in_s)
        return diag_fail(d, ST_INPUT,
                         "%s: 'prefill_ttft' seems to be in seconds (%g for %g tokens); it must be "
                         "in milliseconds",
                         label, p->prefill_ttft_ms.value[0], p->prefill_ttft_ms.x[0]);
    for (size_t i = 0; i < n; i++) {
        double at = prefill_gpus_at(p, i);
        if (fabs(at / gpus - 1) > gpus_spread)
            return diag_fail(
                d, ST_INPUT,
                "%s: 'prefill_thpt_per_gpu' holds %g at index %zu, where prefill_isl / "
                "prefill_ttft is %g tokens/s: that is %.3g GPUs, but %.3g at the other points",
                label, p->prefill_thpt_per_gpu[i], i,
                p->prefill_ttft_ms.x[i] / (p->prefill_ttft_ms.value[i] / 1e3), at, gpus);
    }
    if (gpus < 1 - gpus_spread)
        return diag_fail(d, ST_INPUT,
                         "%s: 'prefill_thpt_per_gpu' is %.3g times prefill_isl / prefill_ttft: of "
                         "a batch of one, one GPU cannot do more than that (tokens/s per GPU, and "
                         "milliseconds)",
                         label, 1 / gpus);
    p->prefill_gpus = gpus;
    return ST_OK;
}

static enum status check_decode(struct profile *p, const char *label, struct diag *d)
{
    double most_usage = 0, longest_ms = 0, shortest_ms = INFINITY, gpus = INFINITY;
    for (size_t i = 0; i < p->n_decode; i++) {
        double batch = p->decode_kv_usage[i] * (double)p->max_kv_tokens / p->decode_context[i];
        most_usage = fmax(most_usage, p->decode_kv_usage[i]);
        longest_ms = fmax(longest_ms, p->decode_itl_ms[i]);
        shortest_ms = fmin(shortest_ms, p->decode_itl_ms[i]);
        /* What a measured throughput also holds, prefill and the ends of a run, only lowers it. */
        gpus = fmin(gpus, batch / (p->decode_itl_ms[i] / 1e3) / p->decode_thpt_per_gpu[i]);
    }
    if (longest_ms < itl_in_s_ms)
        return diag_fail(d, ST_INPUT,
                         "%s: 'z_itl' seems to be in seconds (%g at most); it must be in "
                         "milliseconds",
                         label, longest_ms);
    if (most_usage > kv_usage_in_percent)
        return diag_fail(d, ST_INPUT,
                         "%s: 'x_kv_usage' seems to be in percent (up to %g); it must be a share "
                         "of max_kv_tokens, 0 to 1",
                         label, most_usage);
    if (p->prefill_ttft_ms.n && p->prefill_ttft_ms.value[0] < ttft_in_s_per_itl * shortest_ms)
        return diag_fail(d, ST_INPUT,
                         "%s: 'prefill_ttft' seems to be in seconds (%g for %g tokens, where a "
                         "decode step takes %g ms); it must be in milliseconds",
                         label, p->prefill_ttft_ms.value[0], p->prefill_ttft_ms.x[0], shortest_ms);
    p->decode_gpus = gpus;
    return ST_OK;
}

enum status profile_check_units(struct profile *profile, struct arena *arena, const char *label,
                                struct diag *d)
{
    enum status st = ST_OK;
    if (profile->prefill_ttft_ms.n)
        st = check_prefill(profile, arena, label, d);
    if (st == ST_OK && profile->n_decode)
        st = check_decode(profile, label, d);
    return st;
}
