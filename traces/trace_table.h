/* A trace read once into memory, for many runs: the rows are shared and never change, each run
 * walks them with a cursor of its own. A run of its own is better off with the reader (trace.h),
 * whose memory does not grow with the trace. */
#ifndef TRACES_TRACE_TABLE_H
#define TRACES_TRACE_TABLE_H

#include <stdbool.h>

#include "traces/request_source.h"
#include "traces/trace.h"
#include "util/status.h"

struct shared;
struct trace_table; /* opaque; threads may read one at the same time */

/* The whole file, arrivals as recorded: `limit` and `speedup` of the options are a cursor's. A file
 * that is wrong further down gives a table all the same: a cursor that comes so far ends with what
 * the reader says there, so that a run that needs less of it is none the worse. Other errors as of
 * trace_open, and ST_NOMEM; then *table is NULL. */
enum status trace_table_load(struct trace_table **table, const char *path,
                             const struct trace_options *options, struct diag *d);
void trace_table_free(struct trace_table *table); /* NULL is allowed */

uint64_t trace_table_n_requests(const struct trace_table *table);
const char *trace_table_format(const struct trace_table *table);
uint32_t trace_table_max_blocks(const struct trace_table *table); /* of one request */

/* Request `row`, counted from 0, as it was recorded. */
struct trace_request trace_table_request(const struct trace_table *table, uint64_t row);
/* Its arrival with the arrivals divided by `speedup` > 0, or TIME_NEVER for what lies beyond the
 * clock. */
int64_t trace_table_arrival_ns(const struct trace_table *table, uint64_t row, double speedup);
/* What comes after the last request: ST_END, or the reader's error with its message. */
enum status trace_table_end(const struct trace_table *table, struct diag *d);

/* Counts for every request the leading blocks that another request has, too: those behind can be
 * hit by nobody else. To be called before the table is used with them by several threads; a second
 * call does nothing. ST_NOMEM. */
enum status trace_table_count_shared(struct trace_table *table, struct diag *d);
/* After that: so many of the leading ids of request `row`. */
uint32_t trace_table_n_shared(const struct trace_table *table, uint64_t row);

/* The table of a file as a thing that is shared (util/shared.h), which others may have loaded; with
 * count_shared, after trace_table_count_shared. */
enum status trace_table_find(const struct trace_table **table, struct shared *shared,
                             const char *path, const struct trace_options *options,
                             bool count_shared, struct diag *d);

/* Delivers what trace_next does with the same options. Changed by its source only. */
struct trace_cursor {
    const struct trace_table *table;
    uint64_t n_delivered, limit; /* 0 = all */
    double speedup;
};
/* limit and speedup as in trace_options. The table must outlive the cursor. */
void trace_cursor_init(struct trace_cursor *cursor, const struct trace_table *table, uint64_t limit,
                       double speedup);
/* The cursor must stay where it is as long as the source is used. */
struct request_source trace_cursor_source(struct trace_cursor *cursor);

#endif
