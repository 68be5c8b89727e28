/* A request trace, read as a stream through one interface, whatever the file format.
 *
 * Memory is in proportion to one line, not to the file, unless it is to be sorted. Arrivals are
 * shifted so that the first request arrives at 0, and must not go back in time. Files may be plain
 * or gzip (told apart by content). */
#ifndef TRACES_TRACE_H
#define TRACES_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/status.h"

struct trace_request {
    int64_t arrival_ns; /* since the first request; never decreases */
    uint32_t isl_tok;   /* 1 to INT32_MAX */
    uint32_t osl_tok;   /* 0 to INT32_MAX */
    uint32_t priority;  /* lower is served first by an engine that looks at it; 0 when not said */
    uint32_t n_blocks;  /* block ids of the prompt; 0 when the trace says nothing about prefixes */
    const uint64_t *block_ids; /* equal leading ids = equal prefix; borrowed until the next call */
};

struct trace_options {
    const char *format; /* name of a format, or NULL / "auto": told from the content */
    uint64_t limit;     /* stop after so many requests; 0 = all */
    double speedup; /* > 0: arrival times are divided by it, to the nearest ns; 1 = as recorded */
    uint32_t block_size_tok; /* tokens one block id stands for (Mooncake: 512); > 0 */
    bool sort; /* requests may stand in any order: all are read at once, and kept in memory */
};

struct trace_reader; /* opaque */

/* Open a trace and read up to its first request. The reader is closed with trace_close, also after
 * a failed trace_next; on an error here *reader is NULL. Errors: ST_IO when the file cannot be
 * opened or read, ST_INPUT for an unknown format, a file without a request, or a first request that
 * is wrong (with `sort`, any request). */
enum status trace_open(struct trace_reader **reader, const char *path,
                       const struct trace_options *options, struct diag *d);
/* The same from memory, plain or gzip; `name` is for messages, the bytes are borrowed until
 * trace_close. */
enum status trace_open_memory(struct trace_reader **reader, const char *name, const void *bytes,
                              size_t length, const struct trace_options *options, struct diag *d);
void trace_close(struct trace_reader *reader); /* NULL is allowed */

/* The next request: ST_OK, ST_END after the last, ST_INPUT with `file:line: what`, or ST_IO. Blank
 * lines are passed over. Besides what the format checks: arrivals never go back (with `sort` they
 * are put in order, those of equal time as in the file), the span stays
 * under 73 years, and there are at most ceil(isl_tok / block_size_tok) block ids (fewer are fine:
 * what they do not cover is shared with no other request). */
enum status trace_next(struct trace_reader *reader, struct trace_request *request, struct diag *d);

/* Share of the file consumed, 0 to 1 (by compressed bytes), for a progress line. */
double trace_progress(const struct trace_reader *reader);

/* 64-bit digest of the requests delivered so far (arrival, ISL, OSL, block ids): equal for a plain
 * and a gzip copy of the same trace, different for two traces of equal length that differ in one
 * number. */
uint64_t trace_digest(const struct trace_reader *reader);

const char *trace_format(const struct trace_reader *reader);

/* A growable array of block ids, owned by the reader. */
struct trace_ids {
    uint64_t *id;
    uint32_t n, capacity;
};
/* Room for at least `n` ids in all; the ids so far are kept. */
enum status trace_ids_reserve(struct trace_ids *ids, size_t n, struct diag *d);

/* What the header of a file says of its lines, for a format that has one: which of its fields
 * stands in each column. Kept by the reader, meant for its format alone. */
enum { TRACE_COLUMNS_MAX = 64 };
struct trace_columns {
    uint32_t n;
    uint8_t field[TRACE_COLUMNS_MAX];
};

/* One file format. Lines come without their end, but line[length] can be read and is '\n', with no
 * other
 * '\n' before it. */
struct trace_format_ops {
    const char *name;    /* what the user types */
    const char *summary; /* one line, for `list` and for errors */
    /* Does the first line that is not blank look like this format? */
    bool (*recognises)(const char *line, size_t length);
    /* Called with that line, which has to be a header. NULL: the format has none. */
    enum status (*header)(const char *line, size_t length, struct source_pos at,
                          struct trace_columns *columns, struct diag *d);
    /* One line into a request with arrival_ns on the file's own clock, of any origin, within +-146
     * years. `ids` is empty, grows as needed and stays with the reader; n_blocks and block_ids are
     * set from it. */
    enum status (*parse)(const char *line, size_t length, struct source_pos at,
                         const struct trace_columns *columns, struct trace_request *request,
                         struct trace_ids *ids, struct diag *d);
};

enum { TRACE_ISL_MIN = 1, TRACE_OSL_MIN = 0, TRACE_TOK_MAX = INT32_MAX };

extern const struct trace_format_ops trace_mooncake, trace_azure;

/* All formats, ended by NULL. */
extern const struct trace_format_ops *const trace_formats[];

/* NULL when there is no format of that name. */
const struct trace_format_ops *trace_format_find(const char *name);

#endif
