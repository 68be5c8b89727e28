/* A trace cut into intervals: what a planner would have counted. (Dynamo planner 1.0.2,
 * `trace_data_extractor.py`.) */
#ifndef PLANNER_TRACE_WINDOWS_H
#define PLANNER_TRACE_WINDOWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/status.h"

struct request_source;
struct shared;

struct trace_window {
    int64_t start_s; /* a multiple of the interval */
    double n_requests;
    double isl_tok, osl_tok; /* sums until trace_windows_finish, then means; 0 in an empty window */
};

/* In order of time. Windows start at multiples of the interval, whenever the first request comes;
 * windows without a request are left out. */
struct trace_windows {
    int64_t interval_s;
    size_t n, capacity;
    struct trace_window *rows;
    uint64_t n_requests;
    double first_ms, last_ms; /* arrivals */
};
void trace_windows_init(struct trace_windows *w, int64_t interval_s); /* > 0 */
void trace_windows_release(struct trace_windows *w);
enum status trace_windows_add(struct trace_windows *w, double arrival_ms, double isl_tok,
                              double osl_tok, struct diag *d);
/* From sums to means; with keep_empty (the empty-windows fix) gaps become zero rows. */
enum status trace_windows_finish(struct trace_windows *w, bool keep_empty, struct diag *d);

/* Adds every request that is left in the source, which waits for no answers. */
enum status trace_windows_read(struct trace_windows *w, const struct request_source *source,
                               struct diag *d);
/* The same of a trace file, which is kept in `shared` unless that is NULL. */
enum status trace_windows_read_file(struct trace_windows *w, const char *path,
                                    struct shared *shared, struct diag *d);

#endif
