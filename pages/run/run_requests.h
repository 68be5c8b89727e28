/* What the page of a run needs of its requests, collected while they come by: the same whether the
 * run itself tells them or its files do.
 *
 * Sums over the time are of all requests. Of single ones it keeps those with the longest TTFT, and
 * for quantiles RUN_REQUESTS_KEPT at most: of more, one in 2, 4, 8, ..., evenly by their place in
 * the trace, so that memory is bounded. */
#ifndef PAGES_RUN_RUN_REQUESTS_H
#define PAGES_RUN_RUN_REQUESTS_H

#include <stdbool.h>

#include "pages/run/run_parts.h"
#include "studies/recorded/recorded.h"

enum { RUN_REQUESTS_KEPT = 1 << 20, RUN_N_SLOWEST = 20 };

/* Latencies, ns; -1 = it has none. */
enum run_latency_of { RUN_TTFT, RUN_TPOT, RUN_E2E, N_RUN_LATENCIES };
struct run_request {
    uint64_t index;
    int64_t arrival_ns, ns[N_RUN_LATENCIES];
};

/* A stretch of the run. */
struct run_stretch {
    /* Of those that came in it: missed is not completed within both targets, late those of them
     * that had a first token. */
    uint64_t n_offered, n_missed, n_late;
    double part_ns[N_RUN_PARTS]; /* TTFT of the late ones, by part */
    /* Of those whose first token came in it, and of those that were complete in it. */
    uint64_t n_ttft, n_tpot;
    double ttft_ns, tpot_ns;
};

struct run_slow_request {
    struct recorded_request request;
    const char *main_part; /* that most of its TTFT was spent in; NULL = not known */
};

/* The zero value has seen none. */
struct run_requests {
    size_t max_kept; /* 0 = RUN_REQUESTS_KEPT; set before the first */
    uint64_t n;
    bool has_parts;
    struct run_request *kept;
    size_t n_kept, kept_capacity;
    unsigned thinned; /* of 2^thinned requests one is kept */
    struct run_stretch *stretches;
    size_t n_stretches, stretches_capacity;
    unsigned step;                   /* index of their length */
    int64_t max_ns[N_RUN_LATENCIES]; /* of all; -1 = none */
    int64_t end_ns;                  /* of the last that was complete */
    size_t n_slowest;
    struct run_slow_request slowest[RUN_N_SLOWEST]; /* by TTFT, longest first */
};

/* parts NULL: the run keeps none. ST_NOMEM. */
enum status run_requests_add(struct run_requests *r, const struct recorded_request *q,
                             const struct request_parts *parts, struct diag *d);
void run_requests_release(struct run_requests *r);
/* Of a stretch, s. Any length of the windows of a run (run_page_windows) is a multiple of it. */
double run_requests_step_s(const struct run_requests *r);

#endif
