#include "planner/trace_windows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "traces/request_source.h"
#include "traces/trace.h"
#include "traces/trace_table.h"
#include "util/array.h"

/* Rows an empty-windows trace may grow to: a gap of years between two requests is a broken trace.
 */
enum { MAX_ROWS = 10000000 };

void trace_windows_init(struct trace_windows *w, int64_t interval_s)
{
    *w = (struct trace_windows){.interval_s = interval_s};
}

void trace_windows_release(struct trace_windows *w)
{
    free(w->rows);
    *w = (struct trace_windows){0};
}

enum status trace_windows_add(struct trace_windows *w, double arrival_ms, double isl_tok,
                              double osl_tok, struct diag *d)
{
    double index = floor(arrival_ms / 1000 / (double)w->interval_s);

    if (!(fabs(index) < 1e12))
        return diag_fail(d, ST_INPUT, "arrival %g ms is out of range", arrival_ms);
    int64_t start_s = (int64_t)index * w->interval_s;
    size_t at = w->n; /* from the end: traces are in order, or nearly */
    while (at > 0 && w->rows[at - 1].start_s > start_s)
        at--;
    if (at == 0 || w->rows[at - 1].start_s != start_s) {
        enum status s = ARRAY_RESERVE(w->rows, w->n, w->capacity, 1, "trace windows", d);
        if (s)
            return s;
        memmove(&w->rows[at + 1], &w->rows[at], (w->n - at) * sizeof *w->rows);
        w->rows[at] = (struct trace_window){.start_s = start_s};
        w->n++;
        at++;
    }
    w->first_ms = w->n_requests ? fmin(w->first_ms, arrival_ms) : arrival_ms;
    w->last_ms = w->n_requests ? fmax(w->last_ms, arrival_ms) : arrival_ms;
    w->n_requests++;
    struct trace_window *row = &w->rows[at - 1];
    row->n_requests++;
    row->isl_tok += isl_tok;
    row->osl_tok += osl_tok;
    return ST_OK;
}

static enum status fill_gaps(struct trace_windows *w, struct diag *d)
{
    int64_t first = w->rows[0].start_s;
    int64_t n = (w->rows[w->n - 1].start_s - first) / w->interval_s + 1;

    if (n > MAX_ROWS)
        return diag_fail(d, ST_INPUT, "the trace spans %lld intervals, expected at most %d",
                         (long long)n, MAX_ROWS);
    enum status s = ARRAY_RESERVE(w->rows, 0, w->capacity, (size_t)n, "trace windows", d);
    if (s)
        return s;
    size_t from = w->n;
    for (size_t to = (size_t)n; to-- > 0;) {
        int64_t start_s = first + (int64_t)to * w->interval_s;
        if (w->rows[from - 1].start_s == start_s)
            w->rows[to] = w->rows[--from];
        else
            w->rows[to] = (struct trace_window){.start_s = start_s};
    }
    w->n = (size_t)n;
    return ST_OK;
}

enum status trace_windows_finish(struct trace_windows *w, bool keep_empty, struct diag *d)
{
    for (size_t i = 0; i < w->n; i++) {
        w->rows[i].isl_tok /= w->rows[i].n_requests;
        w->rows[i].osl_tok /= w->rows[i].n_requests;
    }
    return keep_empty && w->n > 0 ? fill_gaps(w, d) : ST_OK;
}

enum status trace_windows_read(struct trace_windows *w, const struct request_source *source,
                               struct diag *d)
{
    struct trace_request request;

    for (;;) {
        enum status s = request_source_next(source, &request, d);
        if (s == ST_END)
            return ST_OK;
        if (s == ST_OK)
            s = trace_windows_add(w, (double)request.arrival_ns / 1e6, request.isl_tok,
                                  request.osl_tok, d);
        if (s)
            return s;
    }
}

enum status trace_windows_read_file(struct trace_windows *windows, const char *path,
                                    struct shared *shared, struct diag *d)
{
    const struct trace_options options = {.speedup = 1, .block_size_tok = 512, .sort = true};
    struct trace_reader *reader = NULL;
    const struct trace_table *table;
    struct request_source source;
    struct trace_cursor cursor;

    enum status s = shared ? trace_table_find(&table, shared, path, &options, false, d)
                           : trace_open(&reader, path, &options, d);
    if (s)
        return s;
    if (shared) {
        trace_cursor_init(&cursor, table, 0, 1);
        source = trace_cursor_source(&cursor);
    } else {
        source = trace_reader_source(reader);
    }
    s = trace_windows_read(windows, &source, d);
    trace_close(reader);
    return s;
}
