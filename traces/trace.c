#include "traces/trace.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "traces/request_source.h"
#include "traces/sorted.h"
#include "util/array.h"
#include "util/bug.h"
#include "util/line_reader.h"
#include "util/text.h"
#include "util/units.h"

const struct trace_format_ops *const trace_formats[] = {&trace_mooncake, &trace_azure, NULL};

struct trace_reader {
    struct line_reader *lines;
    const struct trace_format_ops *format;
    uint64_t limit;
    double speedup;
    uint32_t block_size_tok;

    struct trace_columns columns;
    struct trace_ids ids;
    struct trace_request first; /* read ahead by trace_open */
    bool has_first;
    bool sort;
    struct sorted_requests sorted; /* all of them, with `sort` */
    unsigned long sorted_line;     /* of the one taken last */
    int64_t origin_ns, last_ns;    /* on the file's clock */
    uint64_t n_delivered, digest;
};

const struct trace_format_ops *trace_format_find(const char *name)
{
    for (size_t i = 0; trace_formats[i]; i++)
        if (strcmp(trace_formats[i]->name, name) == 0)
            return trace_formats[i];
    return NULL;
}

enum status trace_ids_reserve(struct trace_ids *ids, size_t n, struct diag *d)
{
    return ARRAY_RESERVE(ids->id, 0, ids->capacity, n, "block ids of one request", d);
}

/* "name (summary); name (summary)" of every format. */
static const char *format_list(char *text, size_t size)
{
    size_t used = 0;
    for (size_t i = 0; trace_formats[i] && used < size; i++) {
        int n = snprintf(text + used, size - used, "%s%s (%s)", i ? "; " : "",
                         trace_formats[i]->name, trace_formats[i]->summary);
        used += n < 0 ? size : (size_t)n;
    }
    return text;
}

static bool is_blank(const char *line)
{
    while (*line == ' ' || *line == '\t' || *line == '\r')
        line++;
    return *line == '\n';
}

static enum status next_line(struct trace_reader *r, const char **line, size_t *length,
                             struct diag *d)
{
    enum status s;
    do
        s = line_reader_next(r->lines, line, length, d);
    while (s == ST_OK && is_blank(*line));
    return s;
}

static enum status parse(struct trace_reader *r, const char *line, size_t length,
                         struct trace_request *request, struct diag *d)
{
    struct source_pos at = line_reader_pos(r->lines);
    *request = (struct trace_request){0};
    r->ids.n = 0;
    enum status s = r->format->parse(line, length, at, &r->columns, request, &r->ids, d);
    if (s != ST_OK)
        return s;
    uint32_t block = r->block_size_tok;
    uint32_t blocks = request->isl_tok / block + (request->isl_tok % block != 0);
    if (r->ids.n > blocks)
        return diag_fail_at(d, ST_INPUT, at,
                            "%" PRIu32 " block ids, but %" PRIu32 " tokens are only %" PRIu32
                            " blocks of %" PRIu32,
                            r->ids.n, request->isl_tok, blocks, block);
    request->n_blocks = r->ids.n;
    request->block_ids = r->ids.n ? r->ids.id : NULL;
    return ST_OK;
}

/* Exact, without trailing zeros. */
static const char *format_ms(char *text, size_t size, int64_t ns)
{
    int n = snprintf(text, size, "%s%" PRId64 ".%06" PRId64, ns < 0 ? "-" : "",
                     ns < 0 ? -(ns / NS_PER_MS) : ns / NS_PER_MS,
                     ns < 0 ? -(ns % NS_PER_MS) : ns % NS_PER_MS);
    while (text[n - 1] == '0')
        text[--n] = '\0';
    if (text[n - 1] == '.')
        text[n - 1] = '\0';
    return text;
}

static enum status out_of_order(const struct trace_reader *r, int64_t arrival_ns, struct diag *d)
{
    char now[32], before[32];
    return diag_fail_at(
        d, ST_INPUT, line_reader_pos(r->lines),
        "arrives before the line above it (%s ms < %s ms); 'trace.sort: true' puts the requests in "
        "order ('headroom trace info --sort')",
        format_ms(now, sizeof now, arrival_ns), format_ms(before, sizeof before, r->last_ns));
}

/* Of the request that is being delivered. */
static struct source_pos position(const struct trace_reader *r)
{
    struct source_pos at = line_reader_pos(r->lines);
    if (r->sort)
        at.line = r->sorted_line;
    return at;
}

/* From the file's clock to the replay's. */
static enum status shift(struct trace_reader *r, struct trace_request *request, struct diag *d)
{
    int64_t arrival_ns = request->arrival_ns;
    if (arrival_ns < r->last_ns)
        return out_of_order(r, arrival_ns, d);
    r->last_ns = arrival_ns;
    int64_t since_ns = arrival_ns - r->origin_ns;
    double scaled_ns = r->speedup == 1 ? (double)since_ns : (double)since_ns / r->speedup;
    if (!(scaled_ns < (double)TIME_NEVER))
        return diag_fail_at(d, ST_INPUT, position(r),
                            "arrives more than 73 years after the first request");
    request->arrival_ns = r->speedup == 1 ? since_ns : llrint(scaled_ns);
    return ST_OK;
}

static enum status find_format(struct trace_reader *r, const char *name, const char *line,
                               size_t length, struct diag *d)
{
    char list[DIAG_TEXT_SIZE / 2];
    if (name && strcmp(name, "auto") != 0) {
        r->format = trace_format_find(name);
        if (!r->format)
            return diag_fail(d, ST_INPUT, "unknown trace format '%s'; there are: %s", name,
                             format_list(list, sizeof list));
        return ST_OK;
    }
    for (size_t i = 0; trace_formats[i]; i++)
        if (trace_formats[i]->recognises(line, length)) {
            r->format = trace_formats[i];
            return ST_OK;
        }
    char found[TEXT_EXCERPT_SIZE];
    return diag_fail_at(d, ST_INPUT, line_reader_pos(r->lines),
                        "not the first line of a known trace format: '%s'; there are: %s",
                        text_excerpt(found, line, length), format_list(list, sizeof list));
}

static enum status read_first(struct trace_reader *r, const struct trace_options *options,
                              struct diag *d)
{
    const char *line = "";
    size_t length = 0;
    enum status s = next_line(r, &line, &length, d);
    if (s == ST_OK)
        s = find_format(r, options->format, line, length, d);
    if (s == ST_OK && r->format->header) {
        s = r->format->header(line, length, line_reader_pos(r->lines), &r->columns, d);
        if (s == ST_OK)
            s = next_line(r, &line, &length, d);
    }
    if (s == ST_END)
        return diag_fail_at(d, ST_INPUT,
                            (struct source_pos){.file = line_reader_pos(r->lines).file},
                            "no requests in it");
    if (s == ST_OK)
        s = parse(r, line, length, &r->first, d);
    if (s != ST_OK)
        return s;
    r->has_first = true;
    r->origin_ns = r->last_ns = r->first.arrival_ns;
    return ST_OK;
}

/* What follows the first request, too. */
static enum status read_sorted(struct trace_reader *r, struct diag *d)
{
    struct trace_request request = r->first;
    enum status s = ST_OK;
    while (s == ST_OK) {
        const char *line;
        size_t length;
        s = sorted_add(&r->sorted, &request, line_reader_pos(r->lines).line, d);
        if (s == ST_OK)
            s = next_line(r, &line, &length, d);
        if (s == ST_OK)
            s = parse(r, line, length, &request, d);
    }
    if (s != ST_END)
        return s;
    sorted_finish(&r->sorted);
    r->has_first = false;
    r->origin_ns = r->last_ns = r->sorted.item[0].request.arrival_ns;
    return ST_OK;
}

/* Takes over `lines`. */
static enum status open_lines(struct trace_reader **reader, struct line_reader *lines,
                              const struct trace_options *options, struct diag *d)
{
    BUG_IF(!(options->speedup > 0) || options->block_size_tok == 0);
    struct trace_reader *r = calloc(1, sizeof *r);
    if (!r) {
        line_reader_close(lines);
        return diag_nomem(d, "trace reader");
    }
    *r = (struct trace_reader){.lines = lines,
                               .limit = options->limit,
                               .speedup = options->speedup,
                               .block_size_tok = options->block_size_tok,
                               .sort = options->sort,
                               .digest = request_digest_begin()};
    enum status s = read_first(r, options, d);
    if (s == ST_OK && r->sort)
        s = read_sorted(r, d);
    if (s == ST_OK)
        *reader = r;
    else
        trace_close(r);
    return s;
}

enum status trace_open(struct trace_reader **reader, const char *path,
                       const struct trace_options *options, struct diag *d)
{
    struct line_reader *lines;
    *reader = NULL;
    enum status s = line_reader_open(&lines, path, d);
    return s == ST_OK ? open_lines(reader, lines, options, d) : s;
}

enum status trace_open_memory(struct trace_reader **reader, const char *name, const void *bytes,
                              size_t length, const struct trace_options *options, struct diag *d)
{
    struct line_reader *lines;
    *reader = NULL;
    enum status s = line_reader_open_memory(&lines, name, bytes, length, d);
    return s == ST_OK ? open_lines(reader, lines, options, d) : s;
}

void trace_close(struct trace_reader *r)
{
    if (!r)
        return;
    line_reader_close(r->lines);
    free(r->ids.id);
    sorted_free(&r->sorted);
    free(r);
}

enum status trace_next(struct trace_reader *r, struct trace_request *request, struct diag *d)
{
    if (r->limit && r->n_delivered == r->limit)
        return ST_END;
    enum status s = ST_OK;
    if (r->sort) {
        const struct sorted_request *next = sorted_take(&r->sorted);
        if (!next)
            return ST_END;
        *request = next->request;
        r->sorted_line = next->line;
    } else if (r->has_first) {
        *request = r->first;
        r->has_first = false;
    } else {
        const char *line;
        size_t length;
        s = next_line(r, &line, &length, d);
        if (s == ST_OK)
            s = parse(r, line, length, request, d);
    }
    if (s == ST_OK)
        s = shift(r, request, d);
    if (s != ST_OK)
        return s;
    r->n_delivered++;
    r->digest = request_digest_add(r->digest, request);
    return ST_OK;
}

double trace_progress(const struct trace_reader *r)
{
    return r->sort ? (double)r->sorted.n_taken / (double)r->sorted.n
                   : line_reader_progress(r->lines);
}

uint64_t trace_digest(const struct trace_reader *r)
{
    return r->digest;
}

const char *trace_format(const struct trace_reader *r)
{
    return r->format->name;
}
