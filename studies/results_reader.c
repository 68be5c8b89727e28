#include "studies/results_reader.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "traces/csv_scan.h"
#include "util/array.h"
#include "util/line_reader.h"
#include "util/text.h"

struct results_reader {
    struct line_reader *lines;
    size_t n_names, n, capacity;
    struct csv_field *fields; /* of the row */
    const char **names;
    struct arena arena; /* of the names */
};

static size_t length(struct csv_field f)
{
    return (size_t)(f.end - f.from);
}

static enum status split(struct results_reader *r, struct diag *d)
{
    const char *line;
    size_t n_bytes;
    enum status s = line_reader_next(r->lines, &line, &n_bytes, d);

    r->n = 0;
    for (const char *p = line; !s; p++) {
        s = ARRAY_RESERVE(r->fields, r->n, r->capacity, 1, "columns", d);
        if (s)
            break;
        p = csv_field_end(p, line + n_bytes, &r->fields[r->n++]);
        if (!p)
            s = diag_fail_at(d, ST_INPUT, line_reader_pos(r->lines),
                             "a quoted field must end on its line, before a comma or the line's "
                             "end");
        else if (p == line + n_bytes)
            break;
    }
    return s;
}

static enum status read_names(struct results_reader *r, const char *path, struct diag *d)
{
    enum status s = split(r, d);

    if (s == ST_END)
        return diag_fail_at(d, ST_INPUT, (struct source_pos){.file = path},
                            "empty; expected a line of names");
    r->names = ARENA_NEW(&r->arena, s ? 0 : r->n, const char *);
    if (!s && !r->names)
        s = diag_nomem(d, "columns");
    for (size_t i = 0; i < r->n && !s; i++) {
        r->names[i] = results_text(r, (int)i, &r->arena);
        s = r->names[i] ? ST_OK : diag_nomem(d, "columns");
    }
    r->n_names = r->n;
    return s;
}

enum status results_open(struct results_reader **reader, const char *path, struct diag *d)
{
    struct results_reader *r = calloc(1, sizeof *r);

    *reader = NULL;
    if (!r)
        return diag_nomem(d, "results");
    arena_init(&r->arena);
    enum status s = line_reader_open(&r->lines, path, d);
    if (!s)
        s = read_names(r, path, d);
    if (s)
        results_close(r);
    else
        *reader = r;
    return s;
}

void results_close(struct results_reader *r)
{
    if (!r)
        return;
    line_reader_close(r->lines);
    arena_release(&r->arena);
    free(r->fields);
    free(r);
}

enum status results_next(struct results_reader *r, struct diag *d)
{
    enum status s = split(r, d);

    if (!s && r->n != r->n_names)
        s = diag_fail_at(d, ST_INPUT, results_pos(r), "%zu cells; expected %zu", r->n, r->n_names);
    return s;
}

int results_column(const struct results_reader *r, const char *name)
{
    for (size_t i = 0; i < r->n_names; i++) {
        if (strcmp(r->names[i], name) == 0)
            return (int)i;
    }
    return -1;
}

const char *results_text(const struct results_reader *r, int column, struct arena *arena)
{
    const struct csv_field *f = &r->fields[column];
    char *text = arena_strndup(arena, f->from, length(*f));
    char *to = text;

    /* Inside quotes two of them are one. */
    for (const char *from = text; from && *from; from++) {
        *to++ = *from;
        if (from[0] == '"' && from[1] == '"')
            from++;
    }
    if (text)
        *to = '\0';
    return text;
}

bool results_is(const struct results_reader *r, int column, const char *text)
{
    const struct csv_field *f = &r->fields[column];

    return length(*f) == strlen(text) && memcmp(f->from, text, length(*f)) == 0;
}

double results_number(const struct results_reader *r, int column)
{
    double value = NAN;

    (void)text_double(r->fields[column].from, length(r->fields[column]), &value);
    return value;
}

struct source_pos results_pos(const struct results_reader *r)
{
    return line_reader_pos(r->lines);
}
