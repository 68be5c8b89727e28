/* Trace files from memory: the reader with its format detection, and each line format by itself on
 * a block of exactly the line's size, so that one byte read too far is caught. */
#include <stdlib.h>
#include <string.h>

#include "traces/trace.h"
#include "util/bug.h"
#include "util/units.h"

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size);

static void check_request(const struct trace_request *q, int64_t earliest_ns)
{
    BUG_IF(q->arrival_ns < earliest_ns || q->arrival_ns >= TIME_NEVER);
    BUG_IF(q->isl_tok < TRACE_ISL_MIN || q->isl_tok > TRACE_TOK_MAX || q->osl_tok > TRACE_TOK_MAX);
    uint64_t sum = 0;
    for (uint32_t i = 0; i < q->n_blocks; i++)
        sum += q->block_ids[i];
    BUG_IF(sum == 1 && q->n_blocks == 0); /* keeps the reads above */
}

static void check_failure(enum status s, const struct diag *d, const char *name)
{
    BUG_IF(s != ST_INPUT || d->status != ST_INPUT);
    BUG_IF(strncmp(d->text, name, strlen(name)) != 0);
    BUG_IF(strpbrk(d->text, "\r\n\t"));
}

static void read_all(const unsigned char *bytes, size_t size, bool sort)
{
    struct trace_reader *r;
    struct trace_request q;
    struct trace_options options = {.speedup = 1, .block_size_tok = 16, .sort = sort};
    struct diag d;
    int64_t last_ns = 0;
    diag_init(&d);
    enum status s = trace_open_memory(&r, "fuzz", bytes, size, &options, &d);
    BUG_IF((s == ST_OK) != (r != NULL));
    while (s == ST_OK) {
        s = trace_next(r, &q, &d);
        if (s != ST_OK)
            break;
        check_request(&q, last_ns);
        last_ns = q.arrival_ns;
    }
    if (s != ST_END)
        check_failure(s, &d, "fuzz:");
    trace_close(r);
}

static void read_line(const struct trace_format_ops *format, const unsigned char *bytes,
                      size_t length)
{
    char *line = malloc(length + 1);
    struct trace_request q = {0};
    struct trace_ids ids = {0};
    struct diag d;
    struct trace_columns columns = {3, {0, 1, 2}};
    struct source_pos at = {"fuzz", 1, 0};
    BUG_IF(!line);
    if (length)
        memcpy(line, bytes, length);
    line[length] = '\n';
    diag_init(&d);
    format->recognises(line, length);
    enum status s = format->header ? format->header(line, length, at, &columns, &d) : ST_OK;
    if (s == ST_OK)
        s = format->parse(line, length, at, &columns, &q, &ids, &d);
    if (s != ST_OK && format->header) { /* as a line of a file with a plain header */
        columns = (struct trace_columns){3, {0, 1, 2}};
        diag_init(&d);
        s = format->parse(line, length, at, &columns, &q, &ids, &d);
    }
    if (s == ST_OK)
        check_request(&q, -TIME_NEVER);
    else
        check_failure(s, &d, "fuzz:1:");
    free(ids.id);
    free(line);
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size)
{
    const unsigned char *newline = size ? memchr(bytes, '\n', size) : NULL;
    size_t first = newline ? (size_t)(newline - bytes) : size;
    for (size_t i = 0; trace_formats[i]; i++)
        read_line(trace_formats[i], bytes, first);
    read_all(bytes, size, false);
    read_all(bytes, size, true);
    return 0;
}
