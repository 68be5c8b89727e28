#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "engines/profile/npz.h"
#include "engines/profile/profile_internal.h"
#include "util/bug.h"

enum {
    LOCAL_SIZE = 30,
    CENTRAL_SIZE = 46,
    END_SIZE = 22,
    NPY_ALIGN = 64,
    NPY_HEADER_MAX = 192, /* a dict with two dimensions of 20 digits, padded */
    DATE_1980_01_01 = 0x21,
    VERSION_2_0 = 20 /* deflate */
};

/* One array on its way into the archive. */
struct entry {
    const char *key;
    unsigned char *bytes;  /* the .npy */
    unsigned char *packed; /* what is stored in the zip; may be `bytes` */
    size_t n, n_packed, local;
    unsigned method;
    uint32_t crc;
};

static unsigned char *put16(unsigned char *p, size_t v)
{
    p[0] = (unsigned char)v;
    p[1] = (unsigned char)(v >> 8);
    return p + 2;
}

static unsigned char *put32(unsigned char *p, size_t v)
{
    return put16(put16(p, v), v >> 16);
}

static unsigned char *put_bytes(unsigned char *p, const void *bytes, size_t n)
{
    memcpy(p, bytes, n);
    return p + n;
}

/* Next code point of valid UTF-8. */
static uint32_t utf8_next(const unsigned char **p)
{
    uint32_t c = *(*p)++;
    if (c < 0x80)
        return c;
    unsigned more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;
    c &= 0x3fu >> more;
    while (more--)
        c = c << 6 | (*(*p)++ & 0x3fu);
    return c;
}

static size_t utf8_length(const char *text)
{
    size_t n = 0;
    for (const unsigned char *p = (const unsigned char *)text; *p; n++)
        utf8_next(&p);
    return n;
}

/* Code points per item: those of the longest text, as NumPy does it. */
static size_t text_width(const struct profile_array *a)
{
    size_t width = 1;
    for (size_t i = 0; i < a->n; i++) {
        size_t n = utf8_length(a->text[i]);
        width = n > width ? n : width;
    }
    return width;
}

static size_t npy_header(char *header, const struct profile_array *a, size_t width)
{
    char descr[32], shape[64];
    if (a->kind == PROFILE_TEXT)
        snprintf(descr, sizeof descr, "<U%zu", width);
    else
        snprintf(descr, sizeof descr, "%s", a->kind == PROFILE_F64 ? "<f8" : "<i8");
    if (a->n_dims == 2)
        snprintf(shape, sizeof shape, "(%zu, %zu)", a->dims[0], a->dims[1]);
    else if (a->n_dims == 1)
        snprintf(shape, sizeof shape, "(%zu,)", a->dims[0]);
    else
        snprintf(shape, sizeof shape, "()");
    int n = snprintf(header, NPY_HEADER_MAX,
                     "\x93NUMPY\1%c__{'descr': '%s', 'fortran_order': "
                     "False, 'shape': %s, }",
                     0, descr, shape);
    BUG_IF(n < 0 || n >= NPY_HEADER_MAX - NPY_ALIGN);
    size_t total = ((size_t)n + 1 + NPY_ALIGN - 1) / NPY_ALIGN * NPY_ALIGN;
    memset(header + n, ' ', total - 1 - (size_t)n);
    header[total - 1] = '\n';
    put16((unsigned char *)header + 8, total - 10);
    return total;
}

static enum status make_npy(const struct profile_array *a, struct arena *arena, struct entry *e,
                            struct diag *d)
{
    char header[NPY_HEADER_MAX];
    size_t width = a->kind == PROFILE_TEXT ? text_width(a) : 2;
    size_t before = npy_header(header, a, width);
    e->n = before + a->n * width * 4;
    e->bytes = arena_alloc(arena, e->n, 1);
    if (!e->bytes)
        return diag_nomem(d, a->key);
    unsigned char *data = put_bytes(e->bytes, header, before);
    if (a->kind == PROFILE_TEXT) {
        for (size_t i = 0; i < a->n; i++) {
            unsigned char *item = data + i * width * 4;
            for (const unsigned char *p = (const unsigned char *)a->text[i]; *p;)
                item = put32(item, utf8_next(&p));
        }
    } else if (a->n) {
        memcpy(data, a->kind == PROFILE_F64 ? (const void *)a->f64 : (const void *)a->i64,
               a->n * 8);
    }
    return ST_OK;
}

/* Deflate without the zlib frame; kept only when it is smaller. */
static enum status deflate_raw(struct entry *e, struct arena *arena, struct diag *d)
{
    z_stream z = {0};
    if (deflateInit2(&z, Z_BEST_COMPRESSION, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return diag_nomem(d, e->key);
    size_t room = deflateBound(&z, e->n);
    unsigned char *out = arena_alloc(arena, room, 1);
    if (!out) {
        deflateEnd(&z);
        return diag_nomem(d, e->key);
    }
    z.next_in = e->bytes;
    z.avail_in = (uInt)e->n;
    z.next_out = out;
    z.avail_out = (uInt)room;
    int result = deflate(&z, Z_FINISH);
    size_t n = z.total_out;
    deflateEnd(&z);
    if (result == Z_STREAM_END && n < e->n) {
        e->packed = out;
        e->n_packed = n;
        e->method = Z_DEFLATED;
    }
    return ST_OK;
}

/* The part that a local and a central header share. */
static unsigned char *put_common(unsigned char *p, const struct entry *e)
{
    p = put16(p, VERSION_2_0);
    p = put16(p, 0);
    p = put16(p, e->method);
    p = put16(p, 0);
    p = put16(p, DATE_1980_01_01);
    p = put32(p, e->crc);
    p = put32(p, e->n_packed);
    p = put32(p, e->n);
    p = put16(p, strlen(e->key) + 4);
    return put16(p, 0);
}

static unsigned char *put_name(unsigned char *p, const struct entry *e)
{
    return put_bytes(put_bytes(p, e->key, strlen(e->key)), ".npy", 4);
}

static unsigned char *put_archive(unsigned char *begin, struct entry *entries, size_t n)
{
    unsigned char *p = begin;
    for (struct entry *e = entries; e < entries + n; e++) {
        e->local = (size_t)(p - begin);
        p = put_common(put_bytes(p, "PK\3\4", 4), e);
        p = put_bytes(put_name(p, e), e->packed, e->n_packed);
    }
    unsigned char *directory = p;
    for (struct entry *e = entries; e < entries + n; e++) {
        p = put_common(put16(put_bytes(p, "PK\1\2", 4), VERSION_2_0), e);
        p = put32(put32(put16(p, 0), 0), 0); /* comment, disk, attributes */
        p = put_name(put32(p, e->local), e);
    }
    size_t size = (size_t)(p - directory);
    p = put32(put_bytes(p, "PK\5\6", 4), 0);
    p = put16(put16(p, n), n);
    p = put32(put32(p, size), (size_t)(directory - begin));
    return put16(p, 0);
}

enum status npz_write(const struct profile_file *file, bool deflated, struct arena *arena,
                      const unsigned char **data, size_t *n, struct diag *d)
{
    struct entry *entries = ARENA_NEW(arena, file->n_arrays, struct entry);
    if (!entries)
        return diag_nomem(d, "NPZ archive");
    size_t room = END_SIZE;
    for (size_t i = 0; i < file->n_arrays; i++) {
        struct entry *e = &entries[i];
        e->key = file->arrays[i].key;
        enum status st = make_npy(&file->arrays[i], arena, e, d);
        if (st != ST_OK)
            return st;
        if (e->n > PROFILE_MAX_BYTES || file->n_arrays > PROFILE_MAX_ARRAYS)
            return diag_fail(d, ST_INPUT, "key '%s' is too large for a profile", e->key);
        e->crc = (uint32_t)crc32(0, e->bytes, (uInt)e->n);
        e->packed = e->bytes;
        e->n_packed = e->n;
        if (deflated) {
            st = deflate_raw(e, arena, d);
            if (st != ST_OK)
                return st;
        }
        room += LOCAL_SIZE + CENTRAL_SIZE + 2 * (strlen(e->key) + 4) + e->n_packed;
    }
    if (room > UINT32_MAX)
        return diag_fail(d, ST_INPUT, "the profile is too large for an NPZ file");
    unsigned char *bytes = arena_alloc(arena, room, 1);
    if (!bytes)
        return diag_nomem(d, "NPZ archive");
    unsigned char *end = put_archive(bytes, entries, file->n_arrays);
    BUG_IF((size_t)(end - bytes) != room);
    *data = bytes;
    *n = room;
    return ST_OK;
}
