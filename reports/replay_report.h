/* The report of `dynamo.replay` (ai-dynamo 1.4.2) and its file of requests, with the names, units
 * and meanings they have there, so that what reads those reads a run of ours. Where ours differ:
 *
 * Requests and GPU time are of the measured span, and its length counts from its start. ITL and the
 * output rate are of all gaps that ended in it (within QUANTILES_ERROR), not of completed requests
 * alone. Reused tokens are the hits of a request's first admission (of its largest with compat
 * dynosim), in both ratios. There are no sessions. As there, a percentile p of n values is the one
 * of rank round(p / 100 (n - 1)), `std` divides by n, and what there is nothing of is 0. */
#ifndef REPORTS_REPLAY_REPORT_H
#define REPORTS_REPLAY_REPORT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "record/observer.h"
#include "record/run_result.h"
#include "util/status.h"

struct run_info;

/* A completed request, ns. */
struct replay_request {
    uint64_t index;
    int64_t arrival_ns, scheduled_ns, first_token_ns, second_token_ns,
        last_token_ns; /* -1 = none */
    uint32_t isl_tok, osl_tok, cached_tok, prefill_worker, worker;
};

/* The zero value is an empty report. */
struct replay_report {
    size_t deployment;  /* that it is of; requests of others are passed over */
    uint64_t n_offered; /* measured requests */
    size_t n, capacity;
    struct replay_request *requests; /* in the order in which they ended */
    /* Set when the run is over; borrowed. */
    const struct run_info *info;
    const struct run_result *result;
    double wall_s; /* NaN = not measured: what rests on it is null */
};

/* Of a run, request by request. ST_NOMEM. */
enum status replay_report_add(struct replay_report *report, const struct request_record *q,
                              struct diag *d);
void replay_report_release(struct replay_report *report);

/* One object with flat keys; one object a line for each completed request, by arrival. The caller
 * checks `out` for errors; ST_NOMEM. */
enum status replay_report_write(const struct replay_report *report, FILE *out, struct diag *d);
void replay_report_write_requests(struct replay_report *report, FILE *out);

#endif
