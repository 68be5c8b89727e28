/* A run as Chrome trace events, in a file that Perfetto and chrome://tracing open
 * (docs/trace-events.md): steps and lives of workers, requests, decisions and counters on one line
 * of time.
 *
 * Memory grows with the number of requests (some 40 bytes each), not with the file. */
#ifndef REPORTS_TRACE_EVENTS_TRACE_EVENTS_H
#define REPORTS_TRACE_EVENTS_TRACE_EVENTS_H

#include "record/observer.h"
#include "reports/recorder.h"

struct trace_events; /* opaque */

struct trace_events_options {
    const char *dir, *name; /* of the file */
    bool replace;
    /* What overlaps this span is written, and whole; the rest of the run is left out. */
    int64_t from_ns, to_ns;
};

/* Creates DIR/NAME.part. ST_INPUT when DIR/NAME is there and is not to be replaced; ST_IO,
 * ST_NOMEM. On an error *t is NULL. */
enum status trace_events_open(struct trace_events **t, const struct trace_events_options *options,
                              struct diag *d);
/* Before the run, of whose n deployments the infos tell. Borrowed. */
enum status trace_events_begin(struct trace_events *t, const struct run_info *infos, size_t n,
                               struct diag *d);
/* For the run. Valid as long as `t`. */
struct observer trace_events_observer(struct trace_events *t);
/* After the run: the file gets its name. ST_IO. */
enum status trace_events_finish(struct trace_events *t, struct diag *d);
/* Removes the .part file when trace_events_finish was not reached. NULL is allowed. */
void trace_events_free(struct trace_events *t);

#endif
