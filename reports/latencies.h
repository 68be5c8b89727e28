/* The latencies of one request, and whether it was served as it should be. */
#ifndef REPORTS_LATENCIES_H
#define REPORTS_LATENCIES_H

#include <stdbool.h>
#include <stdint.h>

#include "record/observer.h"

/* Durations, ns; -1 = has none. */
struct request_latencies {
    int64_t ttft, ttst, e2e;
    int64_t decode, n_gaps; /* TPOT = decode / n_gaps, when n_gaps > 0 */
    bool ttft_ok, tpot_ok;  /* completed within the target */
};

/* The targets are those of its deployment, for a request without its own. */
struct request_latencies request_latencies(const struct request_record *q, int64_t ttft_target_ns,
                                           int64_t tpot_target_ns);
/* To the nearest ns, as requests.csv has it; -1 = has none. */
int64_t request_tpot_ns(const struct request_latencies *l);

#endif
