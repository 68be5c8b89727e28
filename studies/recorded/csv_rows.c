#include <string.h>

#include "studies/recorded/recorded_internal.h"
#include "util/bug.h"
#include "util/line_reader.h"
#include "util/text.h"

static size_t length(struct csv_field f)
{
    return (size_t)(f.end - f.from);
}

static bool is(struct csv_field f, const char *word)
{
    return strlen(word) == length(f) && memcmp(f.from, word, length(f)) == 0;
}

static struct source_pos at_column(const struct csv_rows *r, const char *p)
{
    struct source_pos at = line_reader_pos(r->lines);

    at.column = (unsigned long)(p - r->line) + 1;
    return at;
}

/* The next line, split; ST_END. */
static enum status split_line(struct csv_rows *r, size_t *n)
{
    size_t n_bytes;
    enum status s = line_reader_next(r->lines, &r->line, &n_bytes, r->d);

    *n = 0;
    if (s)
        return s;
    const char *end = r->line + n_bytes;
    for (const char *p = r->line;; p++) {
        const char *from = p;
        if (*n == CSV_ROWS_MAX_COLUMNS)
            return diag_fail_at(r->d, ST_INPUT, at_column(r, p), "more than %d columns",
                                CSV_ROWS_MAX_COLUMNS);
        p = csv_field_end(p, end, &r->fields[(*n)++]);
        if (!p)
            return diag_fail_at(r->d, ST_INPUT, at_column(r, from),
                                "a quoted field must end on its line, before a comma or the "
                                "line's end");
        if (p == end)
            return ST_OK;
    }
}

bool csv_rows_find(struct csv_rows *r, size_t column)
{
    r->place[column] = -1;
    for (size_t i = 0; i < r->n_columns; i++) {
        if (is(r->fields[i], r->wanted[column]))
            r->place[column] = (int)i;
    }
    return r->place[column] >= 0;
}

static enum status find_columns(struct csv_rows *r, const char *what, size_t n_needed)
{
    for (size_t w = 0; w < r->n_wanted; w++) {
        bool found = csv_rows_find(r, w);
        if (!found && w == n_needed) {
            r->n_wanted = w;
            return ST_OK;
        }
        if (!found)
            return diag_fail_at(r->d, ST_INPUT, line_reader_pos(r->lines),
                                "no column '%s'; expected %s", r->wanted[w], what);
    }
    return ST_OK;
}

static enum status find_deployment(struct csv_rows *r, const char *what)
{
    for (r->deployment_at = 0; r->deployment_at < r->n_columns; r->deployment_at++) {
        if (is(r->fields[r->deployment_at], "deployment"))
            return ST_OK;
    }
    return diag_fail_at(r->d, ST_INPUT, line_reader_pos(r->lines),
                        "no column 'deployment'; expected %s of several deployments", what);
}

enum status csv_rows_open(struct csv_rows *r, const char *path, const char *what,
                          const char *const *wanted, size_t n_wanted, size_t n_needed,
                          const char *deployment, struct diag *d)
{
    *r =
        (struct csv_rows){.d = d, .wanted = wanted, .n_wanted = n_wanted, .deployment = deployment};
    BUG_IF(n_wanted > CSV_ROWS_MAX_COLUMNS);
    enum status s = line_reader_open(&r->lines, path, d);
    if (!s)
        s = split_line(r, &r->n_columns);
    if (s == ST_END)
        s = diag_fail_at(d, ST_INPUT, (struct source_pos){.file = path}, "empty; expected %s",
                         what);
    if (!s)
        s = find_columns(r, what, n_needed);
    if (!s && deployment)
        s = find_deployment(r, what);
    if (s)
        csv_rows_close(r);
    return s;
}

void csv_rows_close(struct csv_rows *r)
{
    line_reader_close(r->lines);
    r->lines = NULL;
}

static enum status next_row(struct csv_rows *r)
{
    size_t n;
    enum status s = split_line(r, &n);

    if (s || n == r->n_columns)
        return s;
    return diag_fail_at(r->d, ST_INPUT, line_reader_pos(r->lines),
                        "%zu columns where the first line has %zu: the file is torn or was edited",
                        n, r->n_columns);
}

enum status csv_rows_next(struct csv_rows *r)
{
    enum status s;

    do
        s = next_row(r);
    while (!s && r->deployment && !is(r->fields[r->deployment_at], r->deployment));
    return s;
}

bool csv_rows_has(const struct csv_rows *r, size_t column)
{
    return column < r->n_wanted;
}

struct csv_field csv_rows_field(const struct csv_rows *r, size_t column)
{
    return r->fields[r->place[column]];
}

bool csv_rows_is(const struct csv_rows *r, size_t column, const char *word)
{
    return is(csv_rows_field(r, column), word);
}

enum status csv_rows_refuse(const struct csv_rows *r, size_t column, const char *expected)
{
    struct csv_field f = csv_rows_field(r, column);
    char found[TEXT_EXCERPT_SIZE];

    return diag_fail_at(r->d, ST_INPUT, at_column(r, f.from), "'%s' must be %s, not '%s'",
                        r->wanted[column], expected, text_excerpt(found, f.from, length(f)));
}

enum status csv_rows_uint(const struct csv_rows *r, size_t column, uint64_t max, uint64_t *value)
{
    struct csv_field f = csv_rows_field(r, column);

    return text_uint64(f.from, length(f), value) == TEXT_OK && *value <= max
               ? ST_OK
               : csv_rows_refuse(r, column, "a number without sign or fraction");
}

enum status csv_rows_number(const struct csv_rows *r, size_t column, double *value)
{
    struct csv_field f = csv_rows_field(r, column);

    return text_double(f.from, length(f), value) == TEXT_OK
               ? ST_OK
               : csv_rows_refuse(r, column, "a number");
}

enum status csv_rows_ms(const struct csv_rows *r, size_t column, int64_t *ns)
{
    struct csv_field f = csv_rows_field(r, column);

    *ns = -1;
    if (f.from == f.end)
        return ST_OK;
    return text_fixed(f.from, length(f), 6, ns) == TEXT_OK && *ns >= 0
               ? ST_OK
               : csv_rows_refuse(r, column, "milliseconds");
}
