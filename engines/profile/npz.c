#include "engines/profile/npz.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#define ZLIB_CONST /* next_in is not written through */
#include <zlib.h>

#include "engines/profile/profile_internal.h"
#include "util/bug.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "array bytes are copied as they stand");

enum {
    LOCAL_SIZE = 30,
    CENTRAL_SIZE = 46,
    END_SIZE = 22,
    FLAG_ENCRYPTED = 1,
    METHOD_STORED = 0,
    METHOD_DEFLATED = 8
};

/* The file being read. */
struct source {
    const char *label;
    const unsigned char *data;
    size_t n;
    size_t taken; /* bytes of arrays so far, packed and as read, against PROFILE_MAX_BYTES */
    struct arena *arena;
    struct diag *d;
};

/* One line of the central directory. */
struct entry {
    const char *key;
    unsigned flags, method;
    uint32_t crc;
    size_t packed, size, local;
};

/* What the header of a .npy says. */
struct npy {
    char endian, type;
    size_t width; /* bytes per item */
    bool fortran;
    unsigned n_dims;
    size_t dims[2];
    size_t n;
};

static uint16_t u16(const unsigned char *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static uint32_t u32(const unsigned char *p)
{
    return (uint32_t)u16(p) | (uint32_t)u16(p + 2) << 16;
}

bool npz_is(const unsigned char *data, size_t n)
{
    return n >= 4 && data[0] == 'P' && data[1] == 'K' &&
           ((data[2] == 3 && data[3] == 4) || (data[2] == 5 && data[3] == 6));
}

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
    return diag_fail(s->d, ST_INPUT, "%s: entry '%s': %s", s->label, key, what);
}

static enum status count_bytes(struct source *s, const char *key, size_t bytes)
{
    if (bytes > PROFILE_MAX_BYTES - s->taken)
        return fail(s, key, "more than %d MiB of arrays", PROFILE_MAX_BYTES >> 20);
    s->taken += bytes;
    return ST_OK;
}

/* The end record is the last thing in the file but for a comment whose length it gives. */
static const unsigned char *find_end(const struct source *s)
{
    if (s->n < END_SIZE)
        return NULL;
    size_t furthest = s->n - END_SIZE > UINT16_MAX ? s->n - END_SIZE - UINT16_MAX : 0;
    for (size_t at = s->n - END_SIZE + 1; at-- > furthest;) {
        const unsigned char *p = s->data + at;
        if (memcmp(p, "PK\5\6", 4) == 0 && u16(p + 20) == s->n - at - END_SIZE)
            return p;
    }
    return NULL;
}

static enum status read_entry(struct source *s, size_t *at, size_t directory_end, struct entry *e)
{
    const unsigned char *p = s->data + *at;
    if (directory_end - *at < CENTRAL_SIZE || memcmp(p, "PK\1\2", 4) != 0)
        return fail(s, NULL, "damaged zip directory at byte %zu", *at);
    size_t name = u16(p + 28), rest = (size_t)u16(p + 30) + u16(p + 32);
    if (directory_end - *at - CENTRAL_SIZE < name + rest)
        return fail(s, NULL, "damaged zip directory at byte %zu", *at);
    *e = (struct entry){.flags = u16(p + 8),
                        .method = u16(p + 10),
                        .crc = u32(p + 16),
                        .packed = u32(p + 20),
                        .size = u32(p + 24),
                        .local = u32(p + 42)};
    const char *text = (const char *)p + CENTRAL_SIZE;
    *at += CENTRAL_SIZE + name + rest;
    if (name < 5 || memcmp(text + name - 4, ".npy", 4) != 0 ||
        !profile_key_is_valid(text, name - 4))
        return fail(s, NULL, "zip entry at byte %zu is not named 'key.npy' with a printable key",
                    (size_t)(p - s->data));
    e->key = arena_strndup(s->arena, text, name - 4);
    if (!e->key)
        return diag_nomem(s->d, s->label);
    return ST_OK;
}

static enum status inflate_raw(const struct source *s, const struct entry *e,
                               const unsigned char *packed, unsigned char *out)
{
    z_stream z = {.next_in = packed,
                  .avail_in = (uInt)e->packed,
                  .next_out = out,
                  .avail_out = (uInt)e->size};
    if (inflateInit2(&z, -MAX_WBITS) != Z_OK)
        return diag_nomem(s->d, s->label);
    int result = inflate(&z, Z_FINISH);
    size_t made = z.total_out;
    inflateEnd(&z);
    if (result == Z_MEM_ERROR)
        return diag_nomem(s->d, s->label);
    if (result != Z_STREAM_END || made != e->size)
        return fail(s, e->key, "damaged deflate data");
    return ST_OK;
}

/* The unpacked bytes of an entry: inside the file when stored, else in the arena. */
static enum status unpack(struct source *s, const struct entry *e, const unsigned char **bytes)
{
    if (e->flags & FLAG_ENCRYPTED)
        return fail(s, e->key, "is encrypted");
    if (e->packed == UINT32_MAX || e->size == UINT32_MAX || e->local == UINT32_MAX)
        return fail(s, e->key, "is larger than a profile may be (zip64)");
    if (e->method != METHOD_STORED && e->method != METHOD_DEFLATED)
        return fail(s, e->key, "compression method %u (expected stored or deflated)", e->method);
    if (e->local > s->n || s->n - e->local < LOCAL_SIZE ||
        memcmp(s->data + e->local, "PK\3\4", 4) != 0)
        return fail(s, e->key, "no zip header at byte %zu", e->local);
    const unsigned char *p = s->data + e->local;
    size_t begin = e->local + LOCAL_SIZE + u16(p + 26) + u16(p + 28);
    if (begin > s->n || s->n - begin < e->packed)
        return fail(s, e->key, "data run past the end of the file (truncated?)");
    if (e->method == METHOD_STORED && e->packed != e->size)
        return fail(s, e->key, "stored with two different sizes");
    enum status st = count_bytes(s, e->key, e->size);
    if (st != ST_OK)
        return st;

    *bytes = s->data + begin;
    if (e->method == METHOD_DEFLATED) {
        unsigned char *out = arena_alloc(s->arena, e->size, 1);
        if (!out)
            return diag_nomem(s->d, s->label);
        st = inflate_raw(s, e, s->data + begin, out);
        if (st != ST_OK)
            return st;
        *bytes = out;
    }
    uint32_t crc = (uint32_t)crc32(0, *bytes, (uInt)e->size);
    if (crc != e->crc)
        return fail(s, e->key, "checksum is %08" PRIx32 " (expected %08" PRIx32 ")", crc, e->crc);
    return ST_OK;
}

/* The header of a .npy is a Python dict on one line. A cursor over it. */
struct text {
    const char *p, *end;
};

static bool take(struct text *t, char c)
{
    while (t->p < t->end && *t->p == ' ')
        t->p++;
    if (t->p == t->end || *t->p != c)
        return false;
    t->p++;
    return true;
}

static bool take_word(struct text *t, const char *word)
{
    while (t->p < t->end && *t->p == ' ')
        t->p++;
    size_t n = strlen(word);
    if ((size_t)(t->end - t->p) < n || memcmp(t->p, word, n) != 0)
        return false;
    t->p += n;
    return true;
}

static bool take_number(struct text *t, size_t *value)
{
    while (t->p < t->end && *t->p == ' ')
        t->p++;
    const char *begin = t->p;
    *value = 0;
    for (; t->p < t->end && *t->p >= '0' && *t->p <= '9'; t->p++) {
        if (*value > (SIZE_MAX - 9) / 10)
            return false;
        *value = *value * 10 + (size_t)(*t->p - '0');
    }
    return t->p > begin;
}

static bool type_is_read(const struct npy *npy)
{
    bool bytes_only = npy->type == 'S' || (npy->type != 'U' && npy->width == 1);
    if (npy->endian != '<' && !(bytes_only && npy->endian == '|'))
        return false;
    switch (npy->type) {
    case 'U':
    case 'S':
        return npy->width > 0 && npy->width <= PROFILE_MAX_BYTES / 4;
    case 'f':
        return npy->width == 8 || npy->width == 4;
    case 'i':
    case 'u':
        return npy->width == 8 || npy->width == 4 || npy->width == 2 || npy->width == 1;
    default:
        return npy->type == 'b' && npy->width == 1;
    }
}

/* '<f8': byte order, type, width. A list of fields or the like is quoted in the message. */
static enum status read_descr(const struct source *s, const char *key, struct text *t,
                              struct npy *npy)
{
    bool quoted = take(t, '\'');
    size_t left = (size_t)(t->end - t->p);
    const char *begin = t->p, *close = left ? memchr(begin, quoted ? '\'' : ']', left) : NULL;
    if (!close)
        return fail(s, key, "NPY header is not understood");
    t->p = close + 1;
    if (quoted && close - begin >= 3) {
        struct text width = {begin + 2, close};
        npy->endian = begin[0];
        npy->type = begin[1];
        if (take_number(&width, &npy->width) && width.p == close && type_is_read(npy)) {
            if (npy->type == 'U')
                npy->width *= 4; /* it counts code points */
            return ST_OK;
        }
    }
    begin -= quoted;
    return fail(s, key,
                "type %.*s is not read (expected little-endian numbers or text such as '<f8', "
                "'<i8', '<U16')",
                (int)(close + 1 - begin < 40 ? close + 1 - begin : 40), begin);
}

static enum status read_shape(const struct source *s, const char *key, struct text *t,
                              struct npy *npy)
{
    bool ok = take(t, '(');
    npy->n_dims = 0;
    npy->n = npy->dims[0] = npy->dims[1] = 1;
    while (ok && !take(t, ')')) {
        size_t dim;
        ok = take_number(t, &dim);
        if (!ok)
            break;
        if (npy->n_dims == 2)
            return fail(s, key, "more than two dimensions");
        npy->dims[npy->n_dims++] = dim;
        if (__builtin_mul_overflow(npy->n, dim, &npy->n))
            return fail(s, key, "shape overflows");
        bool comma = take(t, ',');
        if (!comma) {
            ok = npy->n_dims == 2 && take(t, ')');
            break;
        }
    }
    return ok ? ST_OK : fail(s, key, "NPY header is not understood");
}

static enum status read_header(const struct source *s, const char *key, struct text t,
                               struct npy *npy)
{
    bool has_descr = false, has_order = false, has_shape = false, ok = take(&t, '{');
    enum status st = ST_OK;
    while (ok && !take(&t, '}')) {
        if (!has_descr && take_word(&t, "'descr':")) {
            has_descr = true;
            st = read_descr(s, key, &t, npy);
        } else if (!has_order && take_word(&t, "'fortran_order':")) {
            has_order = true;
            npy->fortran = take_word(&t, "True");
            ok = npy->fortran || take_word(&t, "False");
        } else if (!has_shape && take_word(&t, "'shape':")) {
            has_shape = true;
            st = read_shape(s, key, &t, npy);
        } else {
            ok = false;
        }
        if (st != ST_OK)
            return st;
        if (ok && !take(&t, ',')) {
            ok = take(&t, '}');
            break;
        }
    }
    while (t.p < t.end && (*t.p == ' ' || *t.p == '\n'))
        t.p++;
    if (!ok || t.p != t.end || !has_descr || !has_order || !has_shape)
        return fail(s, key, "NPY header is not understood");
    return ST_OK;
}

/* Position in the file's data of item i of the row-major array. */
static size_t item_at(const struct npy *npy, size_t i)
{
    if (!npy->fortran || npy->n_dims < 2)
        return i;
    return i % npy->dims[1] * npy->dims[0] + i / npy->dims[1];
}

static enum status copy_floats(const struct source *s, const struct npy *npy,
                               const unsigned char *data, struct profile_array *array)
{
    double *f64 = ARENA_NEW(s->arena, npy->n, double);
    if (!f64)
        return diag_nomem(s->d, s->label);
    for (size_t i = 0; i < npy->n; i++) {
        const unsigned char *p = data + item_at(npy, i) * npy->width;
        if (npy->width == 8) {
            memcpy(&f64[i], p, 8);
        } else {
            float f32;
            memcpy(&f32, p, 4);
            f64[i] = (double)f32;
        }
    }
    array->kind = PROFILE_F64;
    array->f64 = f64;
    return ST_OK;
}

static enum status copy_integers(const struct source *s, const struct npy *npy,
                                 const unsigned char *data, struct profile_array *array)
{
    int64_t *i64 = ARENA_NEW(s->arena, npy->n, int64_t);
    if (!i64)
        return diag_nomem(s->d, s->label);
    BUG_IF(npy->width == 0);
    for (size_t i = 0; i < npy->n; i++) {
        uint64_t bits = 0;
        memcpy(&bits, data + item_at(npy, i) * npy->width, npy->width);
        if (npy->type == 'u' && bits > INT64_MAX)
            return fail(s, array->key, "%" PRIu64 " at index %zu is too large", bits, i);
        unsigned unused = 64 - 8 * (unsigned)npy->width;
        uint64_t sign = UINT64_C(1) << (63 - unused);
        if (npy->type == 'i' && npy->width < 8)
            i64[i] = (int64_t)(bits ^ sign) - (int64_t)sign;
        else
            memcpy(&i64[i], &bits, sizeof bits);
    }
    array->kind = PROFILE_I64;
    array->i64 = i64;
    return profile_array_add_f64(array, s->arena, s->d);
}

/* UTF-8 of one code point; 0 when it is none. */
static size_t utf8_put(uint32_t c, char *out)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xc0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        if (c >= 0xd800 && c < 0xe000)
            return 0;
        out[0] = (char)(0xe0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3f));
        out[2] = (char)(0x80 | (c & 0x3f));
        return 3;
    }
    if (c > 0x10ffff)
        return 0;
    out[0] = (char)(0xf0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3f));
    out[2] = (char)(0x80 | (c >> 6 & 0x3f));
    out[3] = (char)(0x80 | (c & 0x3f));
    return 4;
}

static enum status copy_text(const struct source *s, const struct npy *npy,
                             const unsigned char *data, struct profile_array *array)
{
    const char **text = ARENA_NEW(s->arena, npy->n, const char *);
    char *utf8 = ARENA_NEW(s->arena, npy->width, char);
    if (!text || !utf8)
        return diag_nomem(s->d, s->label);
    for (size_t i = 0; i < npy->n; i++) {
        const unsigned char *p = data + item_at(npy, i) * npy->width;
        size_t n = npy->width, n_utf8 = 0;
        /* NumPy pads with NUL, so trailing ones are not part of the text. */
        while (n && p[n - 1] == 0)
            n--;
        if (npy->type == 'S') {
            memcpy(utf8, p, n);
            n_utf8 = n;
        }
        for (size_t j = 0; npy->type == 'U' && j < n; j += 4) {
            size_t put = utf8_put(u32(p + j), utf8 + n_utf8);
            if (!put)
                return fail(s, array->key, "text %zu holds no Unicode character at %zu", i, j / 4);
            n_utf8 += put;
        }
        text[i] = profile_text(s->arena, s->label, array->key, utf8, n_utf8, s->d);
        if (!text[i])
            return s->d->status;
    }
    array->kind = PROFILE_TEXT;
    array->text = text;
    return ST_OK;
}

static enum status read_npy(struct source *s, const struct entry *e, const unsigned char *bytes,
                            struct profile_array *array)
{
    if (!bytes || e->size < 10 || memcmp(bytes, "\x93NUMPY", 6) != 0)
        return fail(s, e->key, "is not an NPY array");
    unsigned major = bytes[6], minor = bytes[7];
    if (major < 1 || major > 3 || minor != 0)
        return fail(s, e->key, "NPY version %u.%u (expected 1.0, 2.0 or 3.0)", major, minor);
    size_t before = major == 1 ? 10 : 12;
    if (e->size < before)
        return fail(s, e->key, "NPY header is cut short");
    size_t length = major == 1 ? u16(bytes + 8) : u32(bytes + 8);
    if (e->size - before < length)
        return fail(s, e->key, "NPY header is cut short");

    struct npy npy = {0};
    const char *header = (const char *)bytes + before;
    enum status st = read_header(s, e->key, (struct text){header, header + length}, &npy);
    if (st != ST_OK)
        return st;
    size_t have = e->size - before - length, need;
    if (__builtin_mul_overflow(npy.n, npy.width, &need) || need != have)
        return fail(s, e->key, "%zu bytes of data do not fit its shape (%zu values of %zu bytes)",
                    have, npy.n, npy.width);
    /* Narrow items grow when read; a text is a pointer at least. */
    st = npy.n > PROFILE_MAX_BYTES ? fail(s, e->key, "too many values")
                                   : count_bytes(s, e->key, npy.n * 8);
    if (st != ST_OK)
        return st;
    array->key = e->key;
    array->n_dims = npy.n_dims;
    array->dims[0] = npy.dims[0];
    array->dims[1] = npy.dims[1];
    array->n = npy.n;
    const unsigned char *data = bytes + before + length;
    if (npy.type == 'f')
        return copy_floats(s, &npy, data, array);
    if (npy.type == 'U' || npy.type == 'S')
        return copy_text(s, &npy, data, array);
    return copy_integers(s, &npy, data, array);
}

enum status npz_read(struct profile_file *file, struct arena *arena, const char *label,
                     const unsigned char *data, size_t n, struct diag *d)
{
    struct source s = {.label = label, .data = data, .n = n, .arena = arena, .d = d};
    *file = (struct profile_file){0};
    if (!npz_is(data, n))
        return fail(&s, NULL, "is not an NPZ file");
    const unsigned char *end = find_end(&s);
    if (!end)
        return fail(&s, NULL, "no end of the zip directory (truncated?)");
    size_t n_entries = u16(end + 10), size = u32(end + 12), at = u32(end + 16);
    size_t end_at = (size_t)(end - data);
    if (u16(end + 4) || u16(end + 6) || u16(end + 8) != n_entries || at > end_at ||
        size > end_at - at)
        return fail(&s, NULL, "damaged end of the zip directory");
    if (n_entries > PROFILE_MAX_ARRAYS)
        return fail(&s, NULL, "%zu entries (at most %d are read)", n_entries, PROFILE_MAX_ARRAYS);

    struct profile_array *arrays = ARENA_NEW(arena, n_entries, struct profile_array);
    if (!arrays)
        return diag_nomem(d, label);
    file->arrays = arrays;
    size_t directory_end = at + size;
    for (size_t i = 0; i < n_entries; i++) {
        struct entry e = {0};
        const unsigned char *bytes = NULL;
        enum status st = read_entry(&s, &at, directory_end, &e);
        if (st == ST_OK && profile_file_find(file, e.key))
            st = fail(&s, e.key, "is there twice");
        if (st == ST_OK)
            st = unpack(&s, &e, &bytes);
        if (st == ST_OK)
            st = read_npy(&s, &e, bytes, &arrays[i]);
        if (st != ST_OK)
            return st;
        file->n_arrays = i + 1;
    }
    return ST_OK;
}
