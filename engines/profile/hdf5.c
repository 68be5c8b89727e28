#include "engines/profile/hdf5.h"

#include <hdf5.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "engines/profile/hdf5_library.h"
#include "engines/profile/profile_internal.h"

enum {
    COMPACT_MAX = 32 * 1024, /* data of one dataset; an object header holds 64 KiB at most */
    LINKS_COMPACT = 256,     /* links kept in the root group's header */
    IMAGE_STEP = 64 * 1024
};

bool hdf5_is(const unsigned char *data, size_t n)
{
    return n >= 8 && memcmp(data, "\x89HDF\r\n\x1a\n", 8) == 0;
}

struct source {
    const char *label;
    struct arena *arena;
    struct diag *d;
    hid_t file;
    size_t taken; /* bytes of arrays so far, against PROFILE_MAX_BYTES */
};

static enum status fail(const struct source *s, const char *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static enum status fail(const struct source *s, const char *key, const char *format, ...)
{
    char what[512];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    if (!key)
        return diag_fail(s->d, ST_INPUT, "%s: %s", s->label, what);
    return diag_fail(s->d, ST_INPUT, "%s: '/%s': %s", s->label, key, what);
}

/* A failure that the HDF5 library found. */
static enum status library_fail(const struct source *s, const char *key, const char *doing)
{
    char why[HDF5_WHY_SIZE];
    return fail(s, key, "%s: HDF5 says '%s'", doing, hdf5_why(why));
}

static enum status read_texts(const struct source *s, hid_t dataset, hid_t type, hid_t space,
                              struct profile_array *array)
{
    bool variable = H5Tis_variable_str(type) > 0;
    size_t width = variable ? sizeof(char *) : H5Tget_size(type);
    bool spaces = H5Tget_strpad(type) == H5T_STR_SPACEPAD;
    const char **text = ARENA_NEW(s->arena, array->n, const char *);
    unsigned char *raw = arena_alloc(s->arena, array->n, width);
    if (!text || !raw)
        return diag_nomem(s->d, s->label);
    if (H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, raw) < 0)
        return library_fail(s, array->key, "cannot be read");
    enum status st = ST_OK;
    for (size_t i = 0; i < array->n && st == ST_OK; i++) {
        const char *bytes = (const char *)raw + i * width;
        size_t n;
        if (variable) {
            memcpy(&bytes, raw + i * width, sizeof bytes);
            n = bytes ? strlen(bytes) : 0;
        } else {
            n = strnlen(bytes, width);
            while (spaces && n && bytes[n - 1] == ' ')
                n--;
        }
        text[i] = profile_text(s->arena, s->label, array->key, bytes ? bytes : "", n, s->d);
        st = text[i] ? ST_OK : s->d->status;
    }
    if (variable)
        H5Dvlen_reclaim(type, space, H5P_DEFAULT, raw);
    array->kind = PROFILE_TEXT;
    array->text = text;
    return st;
}

static enum status read_integers(const struct source *s, hid_t dataset, hid_t type,
                                 struct profile_array *array)
{
    int64_t *i64 = ARENA_NEW(s->arena, array->n, int64_t);
    if (!i64)
        return diag_nomem(s->d, s->label);
    bool is_unsigned = H5Tget_class(type) == H5T_INTEGER && H5Tget_sign(type) == H5T_SGN_NONE;
    /* Conversion clamps in silence, so unsigned values are looked at before. */
    hid_t memory = is_unsigned ? H5T_NATIVE_UINT64 : H5T_NATIVE_INT64;
    if (H5Dread(dataset, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, i64) < 0)
        return library_fail(s, array->key, "cannot be read");
    for (size_t i = 0; is_unsigned && i < array->n; i++)
        if (i64[i] < 0)
            return fail(s, array->key, "%" PRIu64 " at index %zu is too large", (uint64_t)i64[i],
                        i);
    array->kind = PROFILE_I64;
    array->i64 = i64;
    return profile_array_add_f64(array, s->arena, s->d);
}

static enum status read_floats(const struct source *s, hid_t dataset, struct profile_array *array)
{
    double *f64 = ARENA_NEW(s->arena, array->n, double);
    if (!f64)
        return diag_nomem(s->d, s->label);
    if (H5Dread(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, f64) < 0)
        return library_fail(s, array->key, "cannot be read");
    array->kind = PROFILE_F64;
    array->f64 = f64;
    return ST_OK;
}

static enum status read_shape(struct source *s, hid_t type, hid_t space,
                              struct profile_array *array)
{
    hsize_t dims[H5S_MAX_RANK] = {0};
    int n_dims = H5Sget_simple_extent_ndims(space);
    if (n_dims < 0 || H5Sget_simple_extent_type(space) == H5S_NULL)
        return fail(s, array->key, "has no shape");
    if (n_dims > 2)
        return fail(s, array->key, "more than two dimensions");
    H5Sget_simple_extent_dims(space, dims, NULL);
    array->n_dims = (unsigned)n_dims;
    array->n = array->dims[0] = array->dims[1] = 1;
    /* Narrow items grow when read; a text is a pointer at least. */
    size_t bytes = H5Tget_size(type) > 8 ? H5Tget_size(type) : 8;
    for (int i = 0; i < n_dims; i++) {
        array->dims[i] = (size_t)dims[i];
        if (__builtin_mul_overflow(array->n, array->dims[i], &array->n))
            return fail(s, array->key, "shape overflows");
    }
    if (__builtin_mul_overflow(bytes, array->n, &bytes) || bytes > PROFILE_MAX_BYTES - s->taken)
        return fail(s, array->key, "more than %d MiB of arrays", PROFILE_MAX_BYTES >> 20);
    s->taken += bytes;
    return ST_OK;
}

static enum status read_dataset(struct source *s, hid_t dataset, struct profile_array *array)
{
    hid_t type = H5Dget_type(dataset), space = H5Dget_space(dataset);
    enum status st;
    if (type < 0 || space < 0) {
        st = library_fail(s, array->key, "cannot be read");
    } else {
        st = read_shape(s, type, space, array);
        H5T_class_t class = H5Tget_class(type);
        if (st != ST_OK)
            ; /* told already */
        else if (class == H5T_FLOAT)
            st = read_floats(s, dataset, array);
        else if (class == H5T_INTEGER || class == H5T_ENUM) /* h5py writes booleans as an enum */
            st = read_integers(s, dataset, type, array);
        else if (class == H5T_STRING)
            st = read_texts(s, dataset, type, space, array);
        else
            st = fail(s, array->key, "holds neither numbers nor text");
    }
    if (type >= 0)
        H5Tclose(type);
    if (space >= 0)
        H5Sclose(space);
    return st;
}

static enum status read_link(struct source *s, H5_index_t order, hsize_t i,
                             struct profile_array *array)
{
    char key[256];
    ssize_t n =
        H5Lget_name_by_idx(s->file, "/", order, H5_ITER_INC, i, key, sizeof key, H5P_DEFAULT);
    if (n < 0)
        return library_fail(s, NULL, "cannot list the datasets");
    if (!profile_key_is_valid(key, (size_t)n < sizeof key ? (size_t)n : sizeof key))
        return fail(s, NULL,
                    "object %" PRIuHSIZE " has no printable name of at most 255 characters", i);
    array->key = arena_strdup(s->arena, key);
    if (!array->key)
        return diag_nomem(s->d, s->label);
    hid_t object = H5Oopen(s->file, key, H5P_DEFAULT);
    if (object < 0)
        return library_fail(s, key, "cannot be opened");
    enum status st = H5Iget_type(object) == H5I_DATASET
                         ? read_dataset(s, object, array)
                         : fail(s, key, "is not a dataset (one dataset per key is expected)");
    H5Oclose(object);
    return st;
}

static enum status read_root(struct source *s, struct profile_file *file)
{
    H5G_info_t group;
    hid_t root = H5Gopen2(s->file, "/", H5P_DEFAULT);
    hid_t plist = root < 0 ? -1 : H5Gget_create_plist(root);
    unsigned tracked = 0;
    bool ok = plist >= 0 && H5Pget_link_creation_order(plist, &tracked) >= 0 &&
              H5Gget_info(root, &group) >= 0;
    if (plist >= 0)
        H5Pclose(plist);
    if (root >= 0)
        H5Gclose(root);
    if (!ok)
        return library_fail(s, NULL, "cannot list the datasets");
    if (group.nlinks > PROFILE_MAX_ARRAYS)
        return fail(s, NULL, "%" PRIuHSIZE " datasets (at most %d are read)", group.nlinks,
                    PROFILE_MAX_ARRAYS);
    size_t n = (size_t)group.nlinks;
    struct profile_array *arrays = ARENA_NEW(s->arena, n, struct profile_array);
    if (!arrays)
        return diag_nomem(s->d, s->label);
    file->arrays = arrays;
    H5_index_t order = tracked & H5P_CRT_ORDER_TRACKED ? H5_INDEX_CRT_ORDER : H5_INDEX_NAME;
    for (size_t i = 0; i < n; i++) {
        enum status st = read_link(s, order, i, &arrays[i]);
        if (st != ST_OK)
            return st;
        file->n_arrays = i + 1;
    }
    return ST_OK;
}

enum status hdf5_read(struct profile_file *file, struct arena *arena, const char *label,
                      const unsigned char *data, size_t n, struct diag *d)
{
    struct source s = {.label = label, .arena = arena, .d = d};
    struct hdf5_quiet quiet;
    *file = (struct profile_file){0};
    hdf5_begin(&quiet);
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    /* The library takes two open files of one name for the same file, so the buffer names it. */
    char name[32];
    snprintf(name, sizeof name, "%p", (const void *)data);
    s.file = -1;
    if (access >= 0 && H5Pset_fapl_core(access, IMAGE_STEP, 0) >= 0 &&
        H5Pset_file_image(access, (void *)data, n) >= 0)
        s.file = H5Fopen(name, H5F_ACC_RDONLY, access);
    enum status st;
    if (s.file < 0) {
        st = library_fail(&s, NULL, "damaged or truncated HDF5 file");
    } else {
        st = read_root(&s, file);
        H5Fclose(s.file);
    }
    if (access >= 0)
        H5Pclose(access);
    hdf5_end(&quiet);
    return st;
}

/* Width of a fixed-length text type, and the array laid out in it. */
static char *lay_out_texts(const struct profile_array *a, struct arena *arena, size_t *width)
{
    *width = 1;
    for (size_t i = 0; i < a->n; i++)
        if (strlen(a->text[i]) > *width)
            *width = strlen(a->text[i]);
    char *bytes = arena_alloc(arena, a->n, *width);
    for (size_t i = 0; bytes && i < a->n; i++)
        memcpy(bytes + i * *width, a->text[i], strlen(a->text[i]));
    return bytes;
}

static hid_t make_type(const struct profile_array *a, size_t width)
{
    if (a->kind != PROFILE_TEXT)
        return H5Tcopy(a->kind == PROFILE_F64 ? H5T_IEEE_F64LE : H5T_STD_I64LE);
    hid_t type = H5Tcopy(H5T_C_S1);
    if (type >= 0 && (H5Tset_size(type, width) < 0 || H5Tset_cset(type, H5T_CSET_UTF8) < 0 ||
                      H5Tset_strpad(type, H5T_STR_NULLPAD) < 0)) {
        H5Tclose(type);
        return -1;
    }
    return type;
}

static bool set_layout(hid_t plist, const struct profile_array *a, size_t bytes)
{
    hsize_t dims[2] = {a->dims[0], a->dims[1]};
    if (H5Pset_obj_track_times(plist, 0) < 0 || H5Pset_dset_no_attrs_hint(plist, 1) < 0)
        return false;
    if (bytes <= COMPACT_MAX || a->n_dims == 0)
        return H5Pset_layout(plist, bytes <= COMPACT_MAX ? H5D_COMPACT : H5D_CONTIGUOUS) >= 0;
    return H5Pset_chunk(plist, (int)a->n_dims, dims) >= 0 && H5Pset_shuffle(plist) >= 0 &&
           H5Pset_deflate(plist, 1) >= 0;
}

static bool write_dataset(hid_t file, const struct profile_array *a, const void *data, size_t width)
{
    hsize_t dims[2] = {a->dims[0], a->dims[1]};
    hid_t type = make_type(a, width), plist = H5Pcreate(H5P_DATASET_CREATE), dataset = -1;
    hid_t space = a->n_dims ? H5Screate_simple((int)a->n_dims, dims, NULL) : H5Screate(H5S_SCALAR);
    bool ok = type >= 0 && plist >= 0 && space >= 0 && set_layout(plist, a, a->n * width);
    if (ok)
        dataset = H5Dcreate2(file, a->key, type, space, H5P_DEFAULT, plist, H5P_DEFAULT);
    ok = dataset >= 0 &&
         (a->n == 0 || H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0);
    if (dataset >= 0 && H5Dclose(dataset) < 0)
        ok = false;
    if (type >= 0)
        H5Tclose(type);
    if (plist >= 0)
        H5Pclose(plist);
    if (space >= 0)
        H5Sclose(space);
    return ok;
}

static enum status write_arrays(const struct source *s, const struct profile_file *file)
{
    for (size_t i = 0; i < file->n_arrays; i++) {
        const struct profile_array *a = &file->arrays[i];
        size_t width = 8;
        const void *data = a->kind == PROFILE_F64 ? (const void *)a->f64 : (const void *)a->i64;
        if (a->kind == PROFILE_TEXT) {
            data = lay_out_texts(a, s->arena, &width);
            if (!data)
                return diag_nomem(s->d, a->key);
        }
        if (!write_dataset(s->file, a, data, width))
            return library_fail(s, a->key, "cannot be written");
    }
    return ST_OK;
}

static enum status copy_image(const struct source *s, const unsigned char **data, size_t *n)
{
    ssize_t size =
        H5Fflush(s->file, H5F_SCOPE_LOCAL) < 0 ? -1 : H5Fget_file_image(s->file, NULL, 0);
    if (size < 0)
        return library_fail(s, NULL, "cannot be written");
    unsigned char *image = arena_alloc(s->arena, (size_t)size, 1);
    if (!image)
        return diag_nomem(s->d, s->label);
    if (H5Fget_file_image(s->file, image, (size_t)size) != size)
        return library_fail(s, NULL, "cannot be written");
    *data = image;
    *n = (size_t)size;
    return ST_OK;
}

enum status hdf5_write(const struct profile_file *file, struct arena *arena,
                       const unsigned char **data, size_t *n, struct diag *d)
{
    struct source s = {.label = "HDF5 file", .arena = arena, .d = d, .file = -1};
    struct hdf5_quiet quiet;
    hdf5_begin(&quiet);
    char name[32];
    snprintf(name, sizeof name, "%p", (const void *)&s);
    hid_t access = H5Pcreate(H5P_FILE_ACCESS), create = H5Pcreate(H5P_FILE_CREATE);
    if (access >= 0 && create >= 0 && H5Pset_fapl_core(access, IMAGE_STEP, 0) >= 0 &&
        /* The image of a newer superblock comes out with a wrong checksum (HDF5 1.10). */
        H5Pset_libver_bounds(access, H5F_LIBVER_EARLIEST, H5F_LIBVER_V18) >= 0 &&
        H5Pset_obj_track_times(create, 0) >= 0 &&
        H5Pset_link_creation_order(create, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED) >= 0 &&
        H5Pset_link_phase_change(create, LINKS_COMPACT, LINKS_COMPACT / 2) >= 0)
        s.file = H5Fcreate(name, H5F_ACC_TRUNC, create, access);
    enum status st = s.file < 0 ? library_fail(&s, NULL, "cannot be created") : ST_OK;
    if (st == ST_OK)
        st = write_arrays(&s, file);
    if (st == ST_OK)
        st = copy_image(&s, data, n);
    if (s.file >= 0)
        H5Fclose(s.file);
    if (create >= 0)
        H5Pclose(create);
    if (access >= 0)
        H5Pclose(access);
    hdf5_end(&quiet);
    return st;
}
