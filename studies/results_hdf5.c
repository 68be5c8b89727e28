#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engines/profile/hdf5_library.h"
#include "studies/results_internal.h"

struct results_hdf5 {
    const struct results *results;
    hid_t file;
    hid_t *columns; /* datasets */
    void *buffer;   /* of a block of one column */
};

/* Only memory can be short. */
static enum status fail(const char *doing, struct diag *d)
{
    char why[HDF5_WHY_SIZE];

    return diag_fail(d, ST_NOMEM, "results.h5 cannot be %s: HDF5 says '%s'", doing, hdf5_why(why));
}

static size_t width_of(const struct results_column *column)
{
    return column->kind != RESULTS_TEXT ? sizeof(int64_t) : column->width ? column->width : 1;
}

static hid_t text_type(size_t width)
{
    hid_t type = H5Tcopy(H5T_C_S1);

    if (type >= 0 && (H5Tset_size(type, width) < 0 || H5Tset_cset(type, H5T_CSET_UTF8) < 0 ||
                      H5Tset_strpad(type, H5T_STR_NULLPAD) < 0)) {
        H5Tclose(type);
        return H5I_INVALID_HID;
    }
    return type;
}

static hid_t type_of(const struct results_column *column)
{
    switch (column->kind) {
    case RESULTS_INT:
        return H5Tcopy(H5T_STD_I64LE);
    case RESULTS_NUMBER:
        return H5Tcopy(H5T_IEEE_F64LE);
    case RESULTS_TEXT:
        break;
    }
    return text_type(width_of(column));
}

/* A list, or one text as a scalar. */
static bool write_attribute(hid_t of, const char *name, size_t n, const char *const *texts,
                            bool list)
{
    hsize_t dims[1] = {n};
    size_t width = 1;

    for (size_t i = 0; i < n; i++)
        width = strlen(texts[i]) > width ? strlen(texts[i]) : width;
    char *bytes = calloc(n + 1, width);
    hid_t type = text_type(width);
    hid_t space = list ? H5Screate_simple(1, dims, NULL) : H5Screate(H5S_SCALAR);
    hid_t attribute = H5I_INVALID_HID;
    if (bytes && type >= 0 && space >= 0)
        attribute = H5Acreate2(of, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    for (size_t i = 0; bytes && i < n; i++)
        memcpy(bytes + i * width, texts[i], strlen(texts[i]));
    bool ok = attribute >= 0 && (n == 0 || H5Awrite(attribute, type, bytes) >= 0);
    if (attribute >= 0 && H5Aclose(attribute) < 0)
        ok = false;
    if (type >= 0)
        H5Tclose(type);
    if (space >= 0)
        H5Sclose(space);
    free(bytes);
    return ok;
}

/* What is small stands in the header of its dataset, the rest in compressed blocks. */
static bool set_layout(hid_t plist, hsize_t n, size_t width)
{
    enum { COMPACT_MAX = 32 * 1024 };
    hsize_t block = n < RESULTS_BLOCK ? n : RESULTS_BLOCK;

    if (n <= COMPACT_MAX / width)
        return H5Pset_layout(plist, H5D_COMPACT) >= 0;
    return H5Pset_chunk(plist, 1, &block) >= 0 && H5Pset_shuffle(plist) >= 0 &&
           H5Pset_deflate(plist, 1) >= 0;
}

static hid_t create_column(const struct results_hdf5 *f, const struct results_column *column)
{
    hsize_t n = f->results->n_rows;
    hid_t type = type_of(column), space = H5Screate_simple(1, &n, NULL);
    hid_t plist = H5Pcreate(H5P_DATASET_CREATE), dataset = H5I_INVALID_HID;

    if (type >= 0 && space >= 0 && plist >= 0 && H5Pset_obj_track_times(plist, 0) >= 0 &&
        set_layout(plist, n, width_of(column)))
        dataset = H5Dcreate2(f->file, column->name, type, space, H5P_DEFAULT, plist, H5P_DEFAULT);
    if (dataset >= 0 && column->unit &&
        !write_attribute(dataset, "units", 1, &column->unit, false)) {
        H5Dclose(dataset);
        dataset = H5I_INVALID_HID;
    }
    if (type >= 0)
        H5Tclose(type);
    if (space >= 0)
        H5Sclose(space);
    if (plist >= 0)
        H5Pclose(plist);
    return dataset;
}

/* In memory: the library (1.10) does not survive a full disk. Nothing of when it was made, and
 * columns in their order; that attributes are kept in theirs lets them be long, as the text of a
 * scenario is. */
static hid_t create_file(const void *buffer)
{
    enum { IMAGE_STEP = 1 << 20 };
    char name[32]; /* no two open files may have the same */
    hid_t access = H5Pcreate(H5P_FILE_ACCESS), create = H5Pcreate(H5P_FILE_CREATE);
    hid_t file = H5I_INVALID_HID;

    snprintf(name, sizeof name, "%p", buffer);
    if (access >= 0 && create >= 0 && H5Pset_fapl_core(access, IMAGE_STEP, 0) >= 0 &&
        /* The image of a newer superblock comes out with a wrong checksum (HDF5 1.10). */
        H5Pset_libver_bounds(access, H5F_LIBVER_EARLIEST, H5F_LIBVER_V18) >= 0 &&
        H5Pset_obj_track_times(create, 0) >= 0 &&
        H5Pset_attr_creation_order(create, H5P_CRT_ORDER_TRACKED) >= 0 &&
        H5Pset_link_creation_order(create, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED) >= 0)
        file = H5Fcreate(name, H5F_ACC_TRUNC, create, access);
    if (access >= 0)
        H5Pclose(access);
    if (create >= 0)
        H5Pclose(create);
    return file;
}

static enum status create(struct results_hdf5 *f, struct diag *d)
{
    const struct results *results = f->results;

    f->file = create_file(f->buffer);
    if (f->file < 0)
        return fail("created", d);
    for (size_t i = 0; i < results->n_attributes; i++) {
        const struct results_attribute *a = &results->attributes[i];
        if (!(a->text ? write_attribute(f->file, a->name, 1, &a->text, false)
                      : write_attribute(f->file, a->name, a->n, a->texts, true)))
            return fail("written", d);
    }
    for (size_t c = 0; c < results->n_columns; c++) {
        f->columns[c] = create_column(f, &results->columns[c]);
        if (f->columns[c] < 0)
            return fail("written", d);
    }
    return ST_OK;
}

enum status results_hdf5_open(struct results_hdf5 **file, const struct results *results,
                              struct diag *d)
{
    struct results_hdf5 *f = calloc(1, sizeof *f);
    struct hdf5_quiet quiet;
    size_t width = 0;

    *file = f;
    if (!f)
        return diag_nomem(d, "results");
    for (size_t c = 0; c < results->n_columns; c++)
        width = width_of(&results->columns[c]) > width ? width_of(&results->columns[c]) : width;
    f->results = results;
    f->file = H5I_INVALID_HID;
    f->columns = calloc(results->n_columns + 1, sizeof *f->columns);
    f->buffer = malloc(RESULTS_BLOCK * width + 1);
    if (!f->columns || !f->buffer)
        return diag_nomem(d, "results");
    for (size_t c = 0; c < results->n_columns; c++)
        f->columns[c] = H5I_INVALID_HID;
    hdf5_begin(&quiet);
    enum status s = create(f, d);
    hdf5_end(&quiet);
    return s;
}

static void gather(const struct results_hdf5 *f, size_t c, const union results_cell *cells,
                   size_t n)
{
    const struct results_column *column = &f->results->columns[c];
    size_t n_columns = f->results->n_columns, width = width_of(column);

    for (size_t i = 0; i < n; i++) {
        const union results_cell *cell = &cells[i * n_columns + c];
        char *to = (char *)f->buffer + i * width;
        if (column->kind == RESULTS_TEXT)
            memset(to, 0, width), memcpy(to, cell->text, strnlen(cell->text, width));
        else
            memcpy(to, cell, width);
    }
}

static bool write_column(const struct results_hdf5 *f, size_t c, uint64_t first, size_t n)
{
    hsize_t start = first, count = n;
    hid_t type = type_of(&f->results->columns[c]), memory = H5Screate_simple(1, &count, NULL);
    hid_t space = H5Dget_space(f->columns[c]);
    bool ok = type >= 0 && memory >= 0 && space >= 0 &&
              H5Sselect_hyperslab(space, H5S_SELECT_SET, &start, NULL, &count, NULL) >= 0 &&
              H5Dwrite(f->columns[c], type, memory, space, H5P_DEFAULT, f->buffer) >= 0;

    if (type >= 0)
        H5Tclose(type);
    if (memory >= 0)
        H5Sclose(memory);
    if (space >= 0)
        H5Sclose(space);
    return ok;
}

enum status results_hdf5_write(struct results_hdf5 *f, const union results_cell *cells,
                               uint64_t first, size_t n, struct diag *d)
{
    struct hdf5_quiet quiet;
    enum status s = ST_OK;

    hdf5_begin(&quiet);
    for (size_t c = 0; c < f->results->n_columns && !s; c++) {
        gather(f, c, cells, n);
        if (!write_column(f, c, first, n))
            s = fail("written", d);
    }
    hdf5_end(&quiet);
    return s;
}

/* What the columns still hold back goes into the file. */
static bool close_columns(struct results_hdf5 *f)
{
    bool ok = true;

    for (size_t c = 0; f->columns && c < f->results->n_columns; c++) {
        if (f->columns[c] >= 0)
            ok = H5Dclose(f->columns[c]) >= 0 && ok;
        f->columns[c] = H5I_INVALID_HID;
    }
    return ok;
}

static enum status take_image(struct results_hdf5 *f, char **image, size_t *n, struct diag *d)
{
    bool closed = close_columns(f);
    ssize_t size = closed && H5Fflush(f->file, H5F_SCOPE_LOCAL) >= 0
                       ? H5Fget_file_image(f->file, NULL, 0)
                       : -1;

    if (size < 0)
        return fail("written", d);
    *image = malloc((size_t)size);
    if (!*image)
        return diag_nomem(d, "results");
    *n = (size_t)size;
    return H5Fget_file_image(f->file, *image, *n) == size ? ST_OK : fail("written", d);
}

enum status results_hdf5_image(struct results_hdf5 *f, char **image, size_t *n, struct diag *d)
{
    struct hdf5_quiet quiet;

    *image = NULL;
    hdf5_begin(&quiet);
    enum status s = take_image(f, image, n, d);
    hdf5_end(&quiet);
    return s;
}

void results_hdf5_free(struct results_hdf5 *f)
{
    struct hdf5_quiet quiet;

    if (!f)
        return;
    hdf5_begin(&quiet);
    close_columns(f);
    if (f->file >= 0)
        H5Fclose(f->file);
    hdf5_end(&quiet);
    free(f->columns);
    free(f->buffer);
    free(f);
}
