#include "traces/trace_stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "util/units.h"

enum { ID_SLOTS = 2 * TRACE_IDS_KEPT };

static const int64_t MINUTE_NS = 60 * NS_PER_S;

const int64_t trace_window_s[TRACE_N_WINDOWS] = {1, 10, 60, 300};

enum status trace_stats_create(struct trace_stats **stats, struct diag *d)
{
    struct trace_stats *s = calloc(1, sizeof *s);
    *stats = s;
    if (!s)
        return diag_nomem(d, "figures of a trace");
    s->bin_ns = NS_PER_MS;
    s->id = calloc(ID_SLOTS, sizeof *s->id);
    if (s->id)
        return ST_OK;
    free(s);
    *stats = NULL;
    return diag_nomem(d, "block ids of a trace");
}

void trace_stats_free(struct trace_stats *s)
{
    if (!s)
        return;
    free(s->id);
    free(s);
}

static void count_minute(struct trace_stats *s, int64_t arrival_ns)
{
    int64_t minute = arrival_ns / MINUTE_NS;
    if (minute != s->minute) {
        s->minute = minute;
        s->minute_requests = 0;
    }
    if (++s->minute_requests > s->peak_requests) {
        s->peak_requests = s->minute_requests;
        s->peak_minute = minute;
    }
}

static void count_windows(struct trace_stats *s, int64_t arrival_ns)
{
    for (size_t i = 0; i < TRACE_N_WINDOWS; i++) {
        struct trace_counts *c = &s->counts[i];
        int64_t window = arrival_ns / (trace_window_s[i] * NS_PER_S);
        if (window != c->window) {
            c->sum += (double)c->n;
            c->sum_of_squares += (double)c->n * (double)c->n;
            c->n = 0;
            c->window = window;
        }
        c->n++;
    }
}

static void halve(uint64_t bin[TRACE_RATE_BINS])
{
    for (size_t i = 0; i < TRACE_RATE_BINS / 2; i++)
        bin[i] = bin[2 * i] + bin[2 * i + 1];
    memset(bin + TRACE_RATE_BINS / 2, 0, TRACE_RATE_BINS / 2 * sizeof *bin);
}

/* When the bins do not reach far enough, pairs of them become one, twice as wide. */
static size_t bin_of(struct trace_stats *s, int64_t arrival_ns)
{
    while (arrival_ns / s->bin_ns >= TRACE_RATE_BINS) {
        halve(s->bin);
        halve(s->bin_blocks);
        halve(s->bin_new);
        s->bin_ns *= 2;
    }
    return (size_t)(arrival_ns / s->bin_ns);
}

/* Never 0, which is a free slot. */
static uint64_t hash_of(uint64_t id)
{
    id = (id ^ id >> 32) * UINT64_C(0xD6E8FEB86659FD93);
    id ^= id >> 32;
    return id ? id : UINT64_C(1) << 63;
}

/* true when it was not there. The low bits choose the sample, the high ones the slot. */
static bool place(uint64_t *table, uint64_t hash)
{
    size_t slot = (size_t)(hash >> 40) % ID_SLOTS;
    while (table[slot] && table[slot] != hash)
        slot = (slot + 1) % ID_SLOTS;
    bool is_new = !table[slot];
    table[slot] = hash;
    return is_new;
}

/* Half of the sample. */
static enum status thin(struct trace_stats *s, struct diag *d)
{
    uint64_t *smaller = calloc(ID_SLOTS, sizeof *smaller);
    if (!smaller)
        return diag_nomem(d, "block ids of a trace");
    s->sampled_mask = 2 * s->sampled_mask + 1;
    s->n_ids = 0;
    for (size_t i = 0; i < ID_SLOTS; i++)
        if (s->id[i] && !(s->id[i] & s->sampled_mask))
            s->n_ids += place(smaller, s->id[i]);
    free(s->id);
    s->id = smaller;
    return ST_OK;
}

/* A new id of the sample stands for those that are not in it. */
static void count_blocks(struct trace_stats *s, const struct trace_request *request, size_t bin)
{
    uint32_t n_seen = request->n_blocks; /* up to the first new one */

    for (uint32_t i = 0; i < request->n_blocks; i++) {
        uint64_t hash = hash_of(request->block_ids[i]);
        if (hash & s->sampled_mask || !place(s->id, hash))
            continue;
        s->n_ids++;
        s->bin_new[bin] += s->sampled_mask + 1;
        n_seen = n_seen < i ? n_seen : i;
    }
    s->n_blocks += request->n_blocks;
    s->bin_blocks[bin] += request->n_blocks;
    if (request->n_blocks)
        histogram_add(&s->prefix_blocks, n_seen, 1);
}

enum status trace_stats_add(struct trace_stats *s, const struct trace_request *request,
                            struct diag *d)
{
    if (s->n_requests > 0)
        histogram_add(&s->gap_ns, request->arrival_ns - s->last_ns, 1);
    s->last_ns = request->arrival_ns;
    s->n_requests++;
    histogram_add(&s->isl_tok, request->isl_tok, 1);
    histogram_add(&s->osl_tok, request->osl_tok, 1);
    count_minute(s, request->arrival_ns);
    count_windows(s, request->arrival_ns);
    size_t bin = bin_of(s, request->arrival_ns);
    s->bin[bin]++;
    count_blocks(s, request, bin);
    enum status status = ST_OK;
    while (status == ST_OK && s->n_ids > TRACE_IDS_KEPT)
        status = thin(s, d);
    return status;
}

/* What each of `n` equal parts of the span has of the bins: one that lies across several counts in
 * each by what of it is there. */
static void spread(const struct trace_stats *s, const uint64_t bin[TRACE_RATE_BINS], size_t n,
                   double *part)
{
    double span_ns = (double)s->last_ns, part_ns = span_ns / (double)n;
    for (size_t i = 0; i < n; i++)
        part[i] = 0;
    for (size_t b = 0; b < TRACE_RATE_BINS && span_ns > 0; b++) {
        if (bin[b] == 0)
            continue;
        double from = fmin((double)b * (double)s->bin_ns, span_ns);
        double to = fmin(from + (double)s->bin_ns, span_ns);
        if (!(to > from)) {
            part[n - 1] += (double)bin[b];
            continue;
        }
        for (size_t i = (size_t)(from / part_ns); i < n && (double)i * part_ns < to; i++) {
            double share = fmin((double)(i + 1) * part_ns, to) - fmax((double)i * part_ns, from);
            part[i] += (double)bin[b] * fmax(share, 0) / (to - from);
        }
    }
}

void trace_stats_rate(const struct trace_stats *s, size_t n, double *rate)
{
    double part_s = s_from_ns(s->last_ns) / (double)n;

    spread(s, s->bin, n, rate);
    for (size_t i = 0; i < n && part_s > 0; i++)
        rate[i] /= part_s;
}

double trace_stats_dispersion(const struct trace_stats *s, size_t i)
{
    const struct trace_counts *c = &s->counts[i];
    double n = (double)c->window, mean = c->sum / n; /* the last window is not over */

    return n < 2 || c->sum == 0 ? NAN : (c->sum_of_squares / n - mean * mean) / mean;
}

double trace_stats_reuse(const struct trace_stats *s)
{
    if (s->n_blocks == 0)
        return NAN;
    double different = (double)s->n_ids * (double)(s->sampled_mask + 1);
    return fmax(0, 1 - different / (double)s->n_blocks);
}

void trace_stats_blocks_over_time(const struct trace_stats *s, size_t n, double *seen, double *new)
{
    spread(s, s->bin_new, n, new);
    spread(s, s->bin_blocks, n, seen);
    for (size_t i = 0; i < n; i++) {
        new[i] = fmin(new[i], seen[i]); /* where it is an estimate */
        seen[i] -= new[i];
    }
}
