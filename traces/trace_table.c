#include "traces/trace_table.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "util/array.h"
#include "util/bug.h"
#include "util/units.h"

struct row {
    int64_t arrival_ns; /* as recorded, since the first */
    uint64_t ids_at;    /* first of its block ids */
    uint32_t isl_tok, osl_tok, priority, n_blocks;
};

struct trace_table {
    char *name;
    const char *format;
    struct row *row;
    uint64_t *id; /* of all rows */
    size_t n_rows, rows_capacity, n_ids, ids_capacity;
    enum status end; /* what came after the last row */
    struct diag end_diag;
};

static enum status add(struct trace_table *t, const struct trace_request *r, struct diag *d)
{
    enum status s = ARRAY_RESERVE(t->row, t->n_rows, t->rows_capacity, 1, t->name, d);
    if (!s)
        s = ARRAY_RESERVE(t->id, t->n_ids, t->ids_capacity, r->n_blocks, t->name, d);
    if (s)
        return s;
    t->row[t->n_rows++] = (struct row){.arrival_ns = r->arrival_ns,
                                       .ids_at = t->n_ids,
                                       .isl_tok = r->isl_tok,
                                       .osl_tok = r->osl_tok,
                                       .priority = r->priority,
                                       .n_blocks = r->n_blocks};
    if (r->n_blocks)
        memcpy(t->id + t->n_ids, r->block_ids, r->n_blocks * sizeof *t->id);
    t->n_ids += r->n_blocks;
    return ST_OK;
}

static enum status read_rows(struct trace_table *t, struct trace_reader *reader, struct diag *d)
{
    struct trace_request request;

    diag_init(&t->end_diag);
    while (!(t->end = trace_next(reader, &request, &t->end_diag))) {
        enum status s = add(t, &request, d);
        if (s)
            return s;
    }
    return t->end == ST_NOMEM ? diag_fail(d, ST_NOMEM, "%s", t->end_diag.text) : ST_OK;
}

enum status trace_table_load(struct trace_table **table, const char *path,
                             const struct trace_options *wanted, struct diag *d)
{
    struct trace_options options = *wanted;
    struct trace_reader *reader;

    *table = NULL;
    options.limit = 0;
    options.speedup = 1;
    enum status s = trace_open(&reader, path, &options, d);
    if (s)
        return s;
    struct trace_table *t = calloc(1, sizeof *t);
    if (t)
        t->name = strdup(path);
    if (t && t->name) {
        t->format = trace_format(reader);
        s = read_rows(t, reader, d);
    } else {
        s = diag_nomem(d, path);
    }
    trace_close(reader);
    if (s)
        trace_table_free(t);
    else
        *table = t;
    return s;
}

void trace_table_free(struct trace_table *t)
{
    if (!t)
        return;
    free(t->name);
    free(t->row);
    free(t->id);
    free(t);
}

uint64_t trace_table_n_requests(const struct trace_table *t)
{
    return t->n_rows;
}

const char *trace_table_format(const struct trace_table *t)
{
    return t->format;
}

/* ---- a walk over it ---- */

static enum status next(void *state, struct trace_request *request, struct diag *d)
{
    struct trace_cursor *c = state;
    const struct trace_table *t = c->table;

    if (c->limit && c->n_delivered == c->limit)
        return ST_END;
    if (c->n_delivered == t->n_rows)
        return t->end == ST_END ? ST_END : diag_fail(d, t->end, "%s", t->end_diag.text);
    const struct row *row = &t->row[c->n_delivered];
    double scaled_ns =
        c->speedup == 1 ? (double)row->arrival_ns : (double)row->arrival_ns / c->speedup;
    if (!(scaled_ns < (double)TIME_NEVER))
        return diag_fail(d, ST_INPUT,
                         "%s: request %" PRIu64 " arrives more than 73 years after the first",
                         t->name, c->n_delivered);
    *request = (struct trace_request){
        .arrival_ns = c->speedup == 1 ? row->arrival_ns : llrint(scaled_ns),
        .isl_tok = row->isl_tok,
        .osl_tok = row->osl_tok,
        .priority = row->priority,
        .n_blocks = row->n_blocks,
        .block_ids = row->n_blocks ? t->id + row->ids_at : NULL,
    };
    c->n_delivered++;
    c->digest = request_digest_add(c->digest, request);
    return ST_OK;
}

static double progress(const void *state)
{
    const struct trace_cursor *c = state;
    uint64_t n = c->table->n_rows;

    if (c->limit && c->limit < n)
        n = c->limit;
    return n ? (double)c->n_delivered / (double)n : 1;
}

static uint64_t digest(const void *state)
{
    const struct trace_cursor *c = state;

    return c->digest;
}

void trace_cursor_init(struct trace_cursor *c, const struct trace_table *table, uint64_t limit,
                       double speedup)
{
    BUG_IF(!(speedup > 0));
    *c = (struct trace_cursor){
        .table = table, .limit = limit, .speedup = speedup, .digest = request_digest_begin()};
}

struct request_source trace_cursor_source(struct trace_cursor *c)
{
    static const struct request_source_ops ops = {
        .next = next, .progress = progress, .digest = digest};

    return (struct request_source){&ops, c};
}
