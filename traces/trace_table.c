#include "traces/trace_table.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "util/array.h"
#include "util/bug.h"
#include "util/shared.h"
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
    uint32_t max_blocks;
    uint32_t *n_shared; /* of each row; NULL = not counted */
    enum status end;    /* what came after the last row */
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
    if (r->n_blocks > t->max_blocks)
        t->max_blocks = r->n_blocks;
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
    free(t->n_shared);
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

uint32_t trace_table_max_blocks(const struct trace_table *t)
{
    return t->max_blocks;
}

struct trace_request trace_table_request(const struct trace_table *t, uint64_t i)
{
    const struct row *row = &t->row[i];

    return (struct trace_request){.arrival_ns = row->arrival_ns,
                                  .isl_tok = row->isl_tok,
                                  .osl_tok = row->osl_tok,
                                  .priority = row->priority,
                                  .n_blocks = row->n_blocks,
                                  .block_ids = row->n_blocks ? t->id + row->ids_at : NULL};
}

int64_t trace_table_arrival_ns(const struct trace_table *t, uint64_t i, double speedup)
{
    int64_t ns = t->row[i].arrival_ns;

    return speedup == 1 ? ns : ns_or_never((double)ns / speedup);
}

enum status trace_table_end(const struct trace_table *t, struct diag *d)
{
    return t->end == ST_END ? ST_END : diag_fail(d, t->end, "%s", t->end_diag.text);
}

/* ---- blocks that several requests have ---- */

/* An id, and the request that has it, or SEVERAL. */
struct holder {
    uint64_t id;
    uint32_t row;
};
enum { NOBODY = 0, SEVERAL = UINT32_MAX };

static struct holder *find_holder(struct holder *table, size_t mask, uint64_t id)
{
    size_t slot = (size_t)(id * UINT64_C(0x9E3779B97F4A7C15) >> 32) & mask;

    while (table[slot].row != NOBODY && table[slot].id != id)
        slot = (slot + 1) & mask;
    return &table[slot];
}

/* A row's number from 1 on is enough to tell it from its neighbours, and a slot stays small: rows a
 * multiple of 2^32 - 2 apart count as one. */
static uint32_t tag_of(size_t row)
{
    return (uint32_t)(row % (UINT32_MAX - 1)) + 1;
}

static void count_shared(struct trace_table *t, struct holder *table, size_t mask)
{
    for (size_t i = 0; i < t->n_rows; i++) {
        const struct row *row = &t->row[i];
        for (uint32_t k = 0; k < row->n_blocks; k++) {
            struct holder *h = find_holder(table, mask, t->id[row->ids_at + k]);
            uint32_t tag = h->row == NOBODY || h->row == tag_of(i) ? tag_of(i) : SEVERAL;
            *h = (struct holder){t->id[row->ids_at + k], tag};
        }
    }
    for (size_t i = 0; i < t->n_rows; i++) {
        const struct row *row = &t->row[i];
        uint32_t n = 0;
        while (n < row->n_blocks &&
               find_holder(table, mask, t->id[row->ids_at + n])->row == SEVERAL)
            n++;
        t->n_shared[i] = n;
    }
}

enum status trace_table_count_shared(struct trace_table *t, struct diag *d)
{
    size_t n_slots = 2;

    if (t->n_shared)
        return ST_OK;
    while (n_slots / 3 * 2 <= t->n_ids)
        n_slots *= 2;
    struct holder *table = calloc(n_slots, sizeof *table);
    t->n_shared = calloc(t->n_rows, sizeof *t->n_shared);
    if (!table || !t->n_shared) {
        free(table);
        free(t->n_shared);
        t->n_shared = NULL;
        return diag_nomem(d, t->name);
    }
    count_shared(t, table, n_slots - 1);
    free(table);
    return ST_OK;
}

uint32_t trace_table_n_shared(const struct trace_table *t, uint64_t row)
{
    return t->n_shared[row];
}

/* ---- shared ---- */

struct table_key {
    const char *path;
    struct trace_options options; /* limit and speedup do not count */
};

static bool same_key(const void *key, const void *other)
{
    const struct table_key *a = key, *b = other;

    return strcmp(a->path, b->path) == 0 && strcmp(a->options.format, b->options.format) == 0 &&
           a->options.block_size_tok == b->options.block_size_tok &&
           a->options.sort == b->options.sort;
}

static const void *keep_key(struct arena *arena, const void *key)
{
    struct table_key *kept = shared_keep_bytes(arena, key, sizeof *kept);

    if (!kept)
        return NULL;
    kept->path = arena_strdup(arena, kept->path);
    kept->options.format = arena_strdup(arena, kept->options.format);
    return kept->path && kept->options.format ? kept : NULL;
}

static enum status make_table(void **thing, struct arena *arena, const void *key, struct diag *d)
{
    const struct table_key *wanted = key;
    struct trace_table *table;

    (void)arena;
    enum status s = trace_table_load(&table, wanted->path, &wanted->options, d);
    *thing = table;
    return s;
}

static void release_table(void *thing)
{
    trace_table_free(thing);
}

static bool same_table(const void *table, const void *other)
{
    return table == other;
}

static const void *keep_table(struct arena *arena, const void *table)
{
    (void)arena;
    return table; /* is shared itself */
}

/* The table is its own; what is added to it is looked at by those alone who ask for this. */
static enum status make_counted(void **thing, struct arena *arena, const void *table,
                                struct diag *d)
{
    (void)arena;
    memcpy(thing, &table, sizeof *thing);
    return trace_table_count_shared(*thing, d);
}

enum status trace_table_find(const struct trace_table **table, struct shared *shared,
                             const char *path, const struct trace_options *options,
                             bool count_shared, struct diag *d)
{
    static const struct shared_kind tables = {"trace", same_key, keep_key, make_table,
                                              release_table},
                                    counted = {"shared blocks", same_table, keep_table,
                                               make_counted, NULL};
    struct table_key key = {path, *options};
    const void *thing = NULL;

    if (!key.options.format)
        key.options.format = "auto";
    enum status s = shared_get(&thing, shared, &tables, &key, d);
    if (!s && count_shared)
        s = shared_get(&thing, shared, &counted, thing, d);
    *table = thing;
    return s;
}

/* ---- a walk over it ---- */

static enum status next(void *state, struct trace_request *request, struct diag *d)
{
    struct trace_cursor *c = state;
    const struct trace_table *t = c->table;

    if (c->limit && c->n_delivered == c->limit)
        return ST_END;
    if (c->n_delivered == t->n_rows)
        return trace_table_end(t, d);
    int64_t arrival_ns = trace_table_arrival_ns(t, c->n_delivered, c->speedup);
    if (arrival_ns >= TIME_NEVER)
        return diag_fail(d, ST_INPUT,
                         "%s: request %" PRIu64 " arrives more than 73 years after the first",
                         t->name, c->n_delivered);
    *request = trace_table_request(t, c->n_delivered);
    request->arrival_ns = arrival_ns;
    c->n_delivered++;
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

/* Of another walk: few who go through the table ask for it. */
static uint64_t digest(const void *state)
{
    const struct trace_cursor *c = state;
    uint64_t h = request_digest_begin();

    for (uint64_t i = 0; i < c->n_delivered; i++) {
        struct trace_request request = trace_table_request(c->table, i);
        request.arrival_ns = trace_table_arrival_ns(c->table, i, c->speedup);
        h = request_digest_add(h, &request);
    }
    return h;
}

void trace_cursor_init(struct trace_cursor *c, const struct trace_table *table, uint64_t limit,
                       double speedup)
{
    BUG_IF(!(speedup > 0));
    *c = (struct trace_cursor){.table = table, .limit = limit, .speedup = speedup};
}

struct request_source trace_cursor_source(struct trace_cursor *c)
{
    static const struct request_source_ops ops = {
        .next = next, .progress = progress, .digest = digest};

    return (struct request_source){&ops, c};
}
