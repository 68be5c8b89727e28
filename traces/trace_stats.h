/* What a whole trace is like, gathered request by request in memory that does not grow with it. */
#ifndef TRACES_TRACE_STATS_H
#define TRACES_TRACE_STATS_H

#include <stdint.h>

#include "traces/trace.h"
#include "util/histogram.h"
#include "util/status.h"

enum {
    TRACE_RATE_BINS = 4096,
    TRACE_N_WINDOWS = 4,      /* lengths of windows in which arrivals are counted */
    TRACE_IDS_KEPT = 1 << 18, /* block ids told apart exactly; beyond, a sample of these */
};

extern const int64_t trace_window_s[TRACE_N_WINDOWS];

/* Windows of one length: the one of the last request, and sums over those before it. */
struct trace_counts {
    int64_t window;
    uint64_t n;
    double sum, sum_of_squares;
};

/* Read its members; the quantiles of the histograms are within 0.05 %. */
struct trace_stats {
    uint64_t n_requests, n_blocks;
    int64_t last_ns;                           /* arrival of the last request */
    struct histogram isl_tok, osl_tok, gap_ns; /* between one arrival and the next */
    /* The minute (from the first arrival on) in which most arrive, the first of equals. */
    uint64_t peak_requests;
    int64_t peak_minute;
    /* Of prompts with blocks: how many blocks from its beginning on came before in the trace. Up to
     * sampled_mask blocks more once there are more different ids than are kept. */
    struct histogram prefix_blocks;

    int64_t minute, bin_ns;
    uint64_t minute_requests;
    struct trace_counts counts[TRACE_N_WINDOWS];
    uint64_t bin[TRACE_RATE_BINS];                                  /* requests; */
    uint64_t bin_blocks[TRACE_RATE_BINS], bin_new[TRACE_RATE_BINS]; /* blocks, those never seen */
    uint64_t *id; /* an open table of the sampled ones; 0 is free */
    uint64_t n_ids, sampled_mask;
};

enum status trace_stats_create(struct trace_stats **stats, struct diag *d); /* ST_NOMEM */
void trace_stats_free(struct trace_stats *stats);                           /* NULL is allowed */
/* The next request of the trace. ST_NOMEM. */
enum status trace_stats_add(struct trace_stats *stats, const struct trace_request *request,
                            struct diag *d);

/* Requests/s in each of `n` equal parts of the trace's span, into `rate`; all 0 without a span. */
void trace_stats_rate(const struct trace_stats *stats, size_t n, double *rate);

/* How bursty: variance of the number of arrivals in windows of trace_window_s[i], over its mean. 1
 * = as of a Poisson process of even rate; NaN with fewer than two whole windows. */
double trace_stats_dispersion(const struct trace_stats *stats, size_t i);

/* Share of the prompt blocks whose id came before in the trace: what a prefix cache without end
 * could hit; NaN without blocks. Exact up to TRACE_IDS_KEPT different ids, within about 0.5 points
 * beyond. */
double trace_stats_reuse(const struct trace_stats *stats);
/* Prompt blocks in each of `n` equal parts of the trace's span: those whose id came before, and
 * those whose id did not; all 0 without a span. */
void trace_stats_blocks_over_time(const struct trace_stats *stats, size_t n, double *seen,
                                  double *new);

#endif
