/* A table of points: a header, then a row each, with the columns `isl_tok`, `osl_tok`,
 * `mean_ttft_ms`, `mean_tpot_ms` and `concurrency` (clients) or `request_rate` (requests per
 * second), in any order among others. Optional: `requests` (10 of each client, a minute at a rate),
 * `arrivals` (`poisson` or `constant`), `min_isl_tok`, `max_isl_tok`, `min_osl_tok`, `max_osl_tok`
 * (lengths are drawn evenly between them; isl_tok and osl_tok of every request where they are not
 * said). Rows of the source `inferencex` have lengths from 0.8 of isl_tok and osl_tok up to them.
 * Columns that name the engine must say the same in every row. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "calibration/measured/point.h"
#include "traces/csv_scan.h"
#include "traces/json_scan.h"
#include "traces/trace.h"
#include "util/text.h"

enum {
    ISL_TOK,
    OSL_TOK,
    TTFT_MS,
    TPOT_MS,
    CONCURRENCY,
    REQUEST_RATE,
    REQUESTS,
    ISL_MIN,
    ISL_MAX,
    OSL_MIN,
    OSL_MAX,
    N_NUMBERS,
    ARRIVALS = N_NUMBERS,
    SOURCE,
    TOPOLOGY,
    N_COLUMNS,
    MAX_COLUMNS = 256
};

static const struct {
    const char *name;
    double min, max;
    bool whole;
} columns[N_COLUMNS] = {
    [ISL_TOK] = {"isl_tok", 1, TRACE_TOK_MAX, true},
    [OSL_TOK] = {"osl_tok", 1, TRACE_TOK_MAX, true},
    [TTFT_MS] = {"mean_ttft_ms", 0.001, 1e9, false},
    [TPOT_MS] = {"mean_tpot_ms", 0.001, 1e9, false},
    [CONCURRENCY] = {"concurrency", 1, MEASURED_MAX_REQUESTS, true},
    [REQUEST_RATE] = {"request_rate", 0.001, 1e6, false},
    [REQUESTS] = {"requests", 1, MEASURED_MAX_REQUESTS, true},
    [ISL_MIN] = {"min_isl_tok", 1, TRACE_TOK_MAX, true},
    [ISL_MAX] = {"max_isl_tok", 1, TRACE_TOK_MAX, true},
    [OSL_MIN] = {"min_osl_tok", 1, TRACE_TOK_MAX, true},
    [OSL_MAX] = {"max_osl_tok", 1, TRACE_TOK_MAX, true},
    [ARRIVALS] = {.name = "arrivals"},
    [SOURCE] = {.name = "source"},
    [TOPOLOGY] = {.name = "topology"},
};

/* What makes two rows those of two engines. */
static const char *const engine_columns[] = {
    "model",        "gpu",    "framework", "framework_version", "precision", "tp",
    "attention_dp", "moe_tp", "moe_ep"};
enum { N_ENGINE = sizeof engine_columns / sizeof *engine_columns };

struct row {
    size_t n;
    struct csv_field field[MAX_COLUMNS];
};

struct reader {
    const struct measured_text *text;
    struct diag *d;
    struct source_pos at;
    size_t n_columns;
    int column[N_COLUMNS], engine[N_ENGINE]; /* where they stand; -1 = nowhere */
    struct row row, first;
};

static size_t length(struct csv_field f)
{
    return (size_t)(f.end - f.from);
}

static bool is(struct csv_field f, const char *word)
{
    return strlen(word) == length(f) && memcmp(f.from, word, length(f)) == 0;
}

static enum status split(struct reader *r, const char *line, const char *end, struct row *row)
{
    row->n = 0;
    for (const char *p = line;; p++) {
        struct csv_field field;
        p = csv_field_end(p, end, &field);
        if (!p)
            return diag_fail_at(r->d, ST_INPUT, r->at,
                                "a quoted field must end on its line, before a comma or the line's "
                                "end");
        if (row->n == MAX_COLUMNS)
            return diag_fail_at(r->d, ST_INPUT, r->at, "more than %d columns", MAX_COLUMNS);
        while (field.from < field.end && *field.from == ' ')
            field.from++;
        while (field.from < field.end && field.end[-1] == ' ')
            field.end--;
        row->field[row->n++] = field;
        if (p == end)
            return ST_OK;
    }
}

/* Where a column of the header stands; -1 = nowhere. */
static enum status find(struct reader *r, const char *name, int *column)
{
    *column = -1;
    for (size_t i = 0; i < r->row.n; i++) {
        if (!is(r->row.field[i], name))
            continue;
        if (*column >= 0)
            return diag_fail_at(r->d, ST_INPUT, r->at, "the column '%s' is there twice", name);
        *column = (int)i;
    }
    return ST_OK;
}

static enum status read_header(struct reader *r)
{
    enum status s = ST_OK;

    r->n_columns = r->row.n;
    for (int i = 0; i < N_COLUMNS && !s; i++)
        s = find(r, columns[i].name, &r->column[i]);
    for (int i = 0; i < N_ENGINE && !s; i++)
        s = find(r, engine_columns[i], &r->engine[i]);
    for (int i = 0; i <= TPOT_MS && !s; i++) {
        if (r->column[i] < 0)
            s = diag_fail_at(r->d, ST_INPUT, r->at,
                             "the header has no column '%s' (needed are isl_tok, osl_tok, "
                             "mean_ttft_ms, mean_tpot_ms, and concurrency or request_rate)",
                             columns[i].name);
    }
    if (!s && r->column[CONCURRENCY] < 0 && r->column[REQUEST_RATE] < 0)
        s = diag_fail_at(r->d, ST_INPUT, r->at,
                         "the header has neither a column 'concurrency' nor 'request_rate'");
    return s;
}

/* NaN where there is no such column, or nothing in it. */
static enum status read_number(struct reader *r, int i, double *value)
{
    char found[TEXT_EXCERPT_SIZE];

    *value = NAN;
    if (r->column[i] < 0)
        return ST_OK;
    struct csv_field f = r->row.field[r->column[i]];
    if (length(f) == 0 && i > TPOT_MS)
        return ST_OK;
    if (text_double(f.from, length(f), value) == TEXT_OK && *value >= columns[i].min &&
        *value <= columns[i].max && (!columns[i].whole || *value == floor(*value)))
        return ST_OK;
    return diag_fail_at(r->d, ST_INPUT, r->at, "'%s' must be %s from %.15g to %.15g, not '%s'",
                        columns[i].name, columns[i].whole ? "an integer" : "a number",
                        columns[i].min, columns[i].max, text_excerpt(found, f.from, length(f)));
}

static struct csv_field text_of(const struct reader *r, int i)
{
    static const char nothing[] = "";

    return r->column[i] < 0 ? (struct csv_field){nothing, nothing} : r->row.field[r->column[i]];
}

static enum status check_engine(struct reader *r)
{
    char a[TEXT_EXCERPT_SIZE], b[TEXT_EXCERPT_SIZE];
    struct csv_field topology = text_of(r, TOPOLOGY);

    if (length(topology) && !is(topology, "agg"))
        return diag_fail_at(r->d, ST_INPUT, r->at,
                            "'topology' must be agg, not '%s': a prefill and a decode pool are two "
                            "engines",
                            text_excerpt(a, topology.from, length(topology)));
    for (int i = 0; i < N_ENGINE; i++) {
        if (r->engine[i] < 0)
            continue;
        struct csv_field x = r->first.field[r->engine[i]], y = r->row.field[r->engine[i]];
        if (length(x) != length(y) || memcmp(x.from, y.from, length(x)) != 0)
            return diag_fail_at(r->d, ST_INPUT, r->at,
                                "rows of more than one engine: '%s' is '%s', and '%s' in the first "
                                "row; expected the points of one",
                                engine_columns[i], text_excerpt(b, y.from, length(y)),
                                text_excerpt(a, x.from, length(x)));
    }
    return ST_OK;
}

static enum status read_lengths(struct reader *r, const double *v, int mean, int min, int max,
                                struct measured_lengths *lengths)
{
    double lowest = v[min], highest = isnan(v[max]) ? v[mean] : v[max];

    if (isnan(lowest))
        lowest = is(text_of(r, SOURCE), "inferencex") ? fmax(1, round(0.8 * v[mean])) : v[mean];
    if (lowest > highest)
        return diag_fail_at(r->d, ST_INPUT, r->at,
                            "lengths from %.15g to %.15g ('%s'); expected the "
                            "lower one first",
                            lowest, highest, columns[mean].name);
    *lengths = (struct measured_lengths){(uint32_t)lowest, (uint32_t)highest};
    return ST_OK;
}

/* How the requests of the row are sent. */
static enum status read_load(struct reader *r, struct measured_point *point, const double *v,
                             bool *poisson)
{
    struct csv_field arrivals = text_of(r, ARRIVALS);
    char found[TEXT_EXCERPT_SIZE];
    double minute = 60 * v[REQUEST_RATE];

    if (isnan(v[CONCURRENCY]) == isnan(v[REQUEST_RATE]))
        return diag_fail_at(r->d, ST_INPUT, r->at, "expected concurrency or request_rate%s",
                            isnan(v[CONCURRENCY]) ? "" : ", not both");
    *poisson = !is(arrivals, "constant");
    if (*poisson && length(arrivals) && !is(arrivals, "poisson"))
        return diag_fail_at(r->d, ST_INPUT, r->at,
                            "'arrivals' must be poisson or constant, not '%s'",
                            text_excerpt(found, arrivals.from, length(arrivals)));
    point->clients = isnan(v[CONCURRENCY]) ? 0 : (int64_t)v[CONCURRENCY];
    point->rate_per_s = v[REQUEST_RATE];
    double n = point->clients ? 10 * v[CONCURRENCY] : fmin(fmax(100, minute), 10000);
    n = isnan(v[REQUESTS]) ? fmin(n, MEASURED_MAX_REQUESTS) : v[REQUESTS];
    if (n < (double)point->clients)
        return diag_fail_at(r->d, ST_INPUT, r->at, "%.15g requests of %.15g clients", n,
                            v[CONCURRENCY]);
    point->n_requests = (uint64_t)n;
    return ST_OK;
}

static enum status read_row(struct reader *r, struct measured *measured, struct arena *arena)
{
    double v[N_NUMBERS];
    struct measured_lengths isl_tok, osl_tok;
    struct measured_point *point;
    bool poisson = true;

    if (r->row.n != r->n_columns)
        return diag_fail_at(r->d, ST_INPUT, r->at,
                            "expected %zu columns, as in the header, found %zu", r->n_columns,
                            r->row.n);
    if (r->first.n == 0)
        r->first = r->row;
    enum status s = check_engine(r);
    for (int i = 0; i < N_NUMBERS && !s; i++)
        s = read_number(r, i, &v[i]);
    if (!s)
        s = read_lengths(r, v, ISL_TOK, ISL_MIN, ISL_MAX, &isl_tok);
    if (!s)
        s = read_lengths(r, v, OSL_TOK, OSL_MIN, OSL_MAX, &osl_tok);
    if (!s)
        s = measured_point_new(&point, measured, r->at, r->d);
    if (!s)
        s = read_load(r, point, v, &poisson);
    if (s)
        return s;
    point->ttft_ms = v[TTFT_MS];
    point->tpot_ms = osl_tok.highest > 1 ? v[TPOT_MS] : NAN;
    return measured_point_of_means(point, arena, isl_tok, osl_tok, poisson, r->d);
}

static enum status csv_read(struct measured *measured, struct measured_file *file,
                            struct arena *arena, const struct measured_text *text,
                            const struct measured_options *options, struct diag *d)
{
    struct reader *r = ARENA_NEW(arena, 1, struct reader);
    bool has_header = false;
    enum status s = r ? ST_OK : diag_nomem(d, "measured points");
    size_t n_before = measured->n_points;

    (void)file;
    (void)options;
    if (s)
        return s;
    *r = (struct reader){.text = text, .d = d, .at = {.file = text->path}};
    for (const char *line = text->from, *end; line < text->end && !s; line = end + 1) {
        end = line + strcspn(line, "\r\n");
        r->at.line++;
        if (line + strspn(line, " \t") == end)
            continue;
        s = split(r, line, end, &r->row);
        if (!s)
            s = has_header ? read_row(r, measured, arena) : read_header(r);
        has_header = true;
    }
    if (!s && measured->n_points == n_before)
        s = diag_fail_at(d, ST_INPUT, (struct source_pos){.file = text->path},
                         "no measured points in it");
    return s;
}

/* A header with any of the needed columns, so that what is wrong with it is said by the reader. */
static bool csv_recognises(const struct measured_text *text, const char *p)
{
    static const char *const names[] = {"isl_tok", "osl_tok", "mean_ttft_ms", "mean_tpot_ms"};
    size_t n = strcspn(p, "\r\n");

    (void)text;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *found = strstr(p, names[i]);
        if (found && found < p + n)
            return true;
    }
    return false;
}

const struct measured_format_ops measured_csv = {
    .name = "CSV",
    .summary = "a header with isl_tok, osl_tok, mean_ttft_ms, mean_tpot_ms and concurrency or "
               "request_rate",
    .recognises = csv_recognises,
    .read = csv_read,
};
