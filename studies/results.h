/* A table of results as files: results.csv and results.h5.
 *
 * results.csv is RFC 4180 with a line of names: numbers as the shortest text that reads back equal,
 * nothing where there is none. results.h5 has one dataset of one dimension for each column, under
 * its name in the root group: 64-bit floats (NaN where there is none), 64-bit integers, or UTF-8
 * texts of one length; the attribute `units` says what a number counts. What the results were made
 * of are attributes of the root group. Equal tables give equal bytes. */
#ifndef STUDIES_RESULTS_H
#define STUDIES_RESULTS_H

#include <stddef.h>
#include <stdint.h>

#include "util/arena.h"
#include "util/status.h"

enum results_kind { RESULTS_INT, RESULTS_NUMBER, RESULTS_TEXT };

struct results_column {
    const char *name; /* no two alike */
    const char *unit; /* NULL = none */
    enum results_kind kind;
    size_t width; /* TEXT: bytes of the longest */
};

union results_cell {
    int64_t i;
    double number;
    const char *text;
};

/* A text, or a list of texts. */
struct results_attribute {
    const char *name;
    const char *text; /* NULL = a list */
    size_t n;
    const char *const *texts;
};

struct results {
    size_t n_columns;
    const struct results_column *columns;
    uint64_t n_rows;
    size_t n_attributes;
    const struct results_attribute *attributes;
    /* Fills a cell for each column; rows are asked for once and in order. Texts in the arena, which
     * is released now and then, or constants. */
    enum status (*row)(void *context, uint64_t i, union results_cell *cells, struct arena *arena,
                       struct diag *d);
    void *context;
};

/* Both files get their names when they are complete and on the disk. ST_IO, ST_NOMEM; what `row`
 * says. */
enum status results_write(const struct results *results, const char *dir, struct diag *d);

#endif
