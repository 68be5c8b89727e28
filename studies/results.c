#include "studies/results.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "reports/out_file.h"
#include "studies/csv.h"
#include "studies/results_internal.h"

static const char csv_name[] = "results.csv", hdf5_name[] = "results.h5";

/* ---- CSV ---- */

static void write_cell(FILE *out, enum results_kind kind, const union results_cell *cell)
{
    if (kind == RESULTS_TEXT)
        csv_write_text(out, cell->text);
    else if (kind == RESULTS_INT)
        fprintf(out, "%" PRId64, cell->i);
    else
        csv_write_number(out, cell->number);
}

static void write_names(FILE *out, const struct results *results)
{
    for (size_t c = 0; c < results->n_columns; c++) {
        if (c)
            putc(',', out);
        csv_write_text(out, results->columns[c].name);
    }
    putc('\n', out);
}

static void write_rows(FILE *out, const struct results *results, const union results_cell *cells,
                       size_t n)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t c = 0; c < results->n_columns; c++) {
            if (c)
                putc(',', out);
            write_cell(out, results->columns[c].kind, cells++);
        }
        putc('\n', out);
    }
}

/* ---- both ---- */

struct writer {
    const struct results *results;
    struct out_file csv;
    struct results_hdf5 *hdf5;
    union results_cell *cells; /* of a block */
    struct arena arena;        /* of its texts */
};

static enum status write_block(struct writer *w, uint64_t first, size_t n, struct diag *d)
{
    enum status s = ST_OK;

    for (size_t i = 0; i < n && !s; i++)
        s = w->results->row(w->results->context, first + i, w->cells + i * w->results->n_columns,
                            &w->arena, d);
    if (s)
        return s;
    errno = 0;
    write_rows(w->csv.stream, w->results, w->cells, n);
    s = out_file_check(&w->csv, d);
    return s ? s : results_hdf5_write(w->hdf5, w->cells, first, n, d);
}

static enum status write_blocks(struct writer *w, struct diag *d)
{
    uint64_t n_rows = w->results->n_rows;
    enum status s = ST_OK;

    write_names(w->csv.stream, w->results);
    for (uint64_t first = 0; first < n_rows && !s; first += RESULTS_BLOCK) {
        uint64_t left = n_rows - first;
        arena_init(&w->arena);
        s = write_block(w, first, left < RESULTS_BLOCK ? (size_t)left : RESULTS_BLOCK, d);
        arena_release(&w->arena);
    }
    return s;
}

static enum status write_hdf5(struct out_file *file, struct results_hdf5 *hdf5, struct diag *d)
{
    char *image;
    size_t n;

    enum status s = results_hdf5_image(hdf5, &image, &n, d);
    if (!s)
        s = out_file_write(file, image, n, d);
    free(image);
    return s;
}

/* Complete, and on the disk. */
static enum status finish(struct out_file *file, struct diag *d)
{
    enum status s = out_file_sync(file, d);

    return s ? s : out_file_close(file, d);
}

enum status results_write(const struct results *results, const char *dir, struct diag *d)
{
    struct writer w = {.results = results};
    struct out_file hdf5 = {0};

    w.cells = calloc(RESULTS_BLOCK * results->n_columns, sizeof *w.cells);
    enum status s = w.cells ? ST_OK : diag_nomem(d, "results");
    if (!s)
        s = out_file_open(&w.csv, dir, csv_name, true, d);
    if (!s)
        s = out_file_open(&hdf5, dir, hdf5_name, true, d);
    if (!s)
        s = results_hdf5_open(&w.hdf5, results, d);
    if (!s)
        s = write_blocks(&w, d);
    if (!s)
        s = write_hdf5(&hdf5, w.hdf5, d);
    if (!s)
        s = finish(&hdf5, d);
    if (!s)
        s = finish(&w.csv, d);
    if (!s)
        s = out_file_publish(&hdf5, d);
    if (!s)
        s = out_file_publish(&w.csv, d);
    results_hdf5_free(w.hdf5);
    out_file_release(&hdf5);
    out_file_release(&w.csv);
    free(w.cells);
    return s;
}
