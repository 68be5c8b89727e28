#include "engines/profile/profile.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engines/profile/hdf5.h"
#include "engines/profile/npz.h"
#include "engines/profile/profile_internal.h"

const struct profile_array *profile_file_find(const struct profile_file *file, const char *key)
{
    for (size_t i = 0; i < file->n_arrays; i++)
        if (strcmp(file->arrays[i].key, key) == 0)
            return &file->arrays[i];
    return NULL;
}

bool profile_key_is_valid(const char *key, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (key[i] <= ' ' || key[i] > '~' || key[i] == '/')
            return false;
    return n >= 1 && n <= 255 && !(n == 1 && key[0] == '.');
}

enum status profile_array_add_f64(struct profile_array *array, struct arena *arena, struct diag *d)
{
    double *f64 = ARENA_NEW(arena, array->n, double);
    if (!f64)
        return diag_nomem(d, array->key);
    for (size_t i = 0; i < array->n; i++)
        f64[i] = (double)array->i64[i];
    array->f64 = f64;
    return ST_OK;
}

/* Bytes of the UTF-8 character at p, 0 when it is none (RFC 3629: shortest form, no surrogates). */
static size_t utf8_size(const unsigned char *p, size_t n)
{
    if (p[0] < 0x80)
        return 1;
    size_t size = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (p[0] < 0xc2 || p[0] > 0xf4 || n < size)
        return 0;
    for (size_t i = 1; i < size; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    bool bad = (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
               (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f);
    return bad ? 0 : size;
}

const char *profile_text(struct arena *arena, const char *label, const char *key, const char *bytes,
                         size_t n, struct diag *d)
{
    for (size_t i = 0, size; i < n; i += size) {
        size = bytes[i] ? utf8_size((const unsigned char *)bytes + i, n - i) : 0;
        if (!size) {
            diag_fail(d, ST_INPUT, "%s: '%s' is not UTF-8 text", label, key);
            return NULL;
        }
    }
    const char *text = arena_strndup(arena, bytes, n);
    if (!text)
        diag_nomem(d, label);
    return text;
}

enum status profile_missing_key(const struct profile_file *file, const char *label, const char *key,
                                struct diag *d)
{
    char found[DIAG_TEXT_SIZE / 2] = "nothing";
    size_t used = 0;
    for (size_t i = 0; i < file->n_arrays && used < sizeof found; i++) {
        int n =
            snprintf(found + used, sizeof found - used, "%s%s", i ? ", " : "", file->arrays[i].key);
        used += n < 0 ? 0 : (size_t)n;
    }
    return diag_fail(d, ST_INPUT, "%s: key '%s' is missing (found: %s)", label, key, found);
}

static enum status read_bytes(FILE *in, struct arena *arena, const char *path,
                              const unsigned char **bytes, size_t *n, struct diag *d)
{
    size_t room = 64 * 1024, have = 0;
    unsigned char *buffer = arena_alloc(arena, room, 1);
    while (buffer) {
        have += fread(buffer + have, 1, room - have, in);
        if (have < room)
            break;
        if (room > PROFILE_MAX_BYTES)
            return diag_fail(d, ST_INPUT, "%s: larger than %d MiB, too large for a profile", path,
                             PROFILE_MAX_BYTES >> 20);
        unsigned char *larger = arena_alloc(arena, room * 2, 1);
        if (larger)
            memcpy(larger, buffer, have);
        buffer = larger;
        room *= 2;
    }
    if (!buffer)
        return diag_nomem(d, path);
    if (ferror(in))
        return diag_fail(d, errno == EISDIR ? ST_INPUT : ST_IO, "cannot read '%s': %s", path,
                         strerror(errno));
    *bytes = buffer;
    *n = have;
    return ST_OK;
}

/* A whole file, in whichever of the two formats it is. */
static enum status read_file(struct profile_file *file, struct arena *arena, const char *path,
                             struct diag *d)
{
    FILE *in = fopen(path, "rb");
    if (!in)
        return diag_fail(d, errno == ENOENT || errno == ENOTDIR ? ST_INPUT : ST_IO,
                         "cannot read '%s': %s", path, strerror(errno));
    /* The bytes are needed only until the arrays are copied out of them. */
    struct arena scratch;
    arena_init(&scratch);
    const unsigned char *bytes = NULL;
    size_t n = 0;
    enum status st = read_bytes(in, &scratch, path, &bytes, &n, d);
    fclose(in);
    if (st != ST_OK)
        ; /* told already */
    else if (hdf5_is(bytes, n))
        st = hdf5_read(file, arena, path, bytes, n, d);
    else if (npz_is(bytes, n))
        st = npz_read(file, arena, path, bytes, n, d);
    else
        st = diag_fail(d, ST_INPUT, n ? "%s: is neither an NPZ nor an HDF5 file" : "%s: is empty",
                       path);
    arena_release(&scratch);
    return st;
}

/* The other half of a pair has the same path with the last "prefill" made "decode", or the reverse.
 */
static char *sibling_path(struct arena *arena, const char *path, const char *from, const char *to)
{
    const char *at = NULL;
    for (const char *next = strstr(path, from); next; next = strstr(next + 1, from))
        at = next;
    if (!at)
        return NULL;
    return arena_printf(arena, "%.*s%s%s", (int)(at - path), path, to, at + strlen(from));
}

static bool exists(const char *path)
{
    FILE *in = fopen(path, "rb");
    if (in)
        fclose(in);
    return in != NULL;
}

/* Complete a half profile with the half beside it, if there is one. */
static enum status add_sibling(struct profile *profile, struct arena *arena, int64_t tp,
                               const char **label, struct diag *d)
{
    enum profile_half half = profile_which_half(&profile->file);
    const char *from = half == PROFILE_PREFILL_ONLY ? "prefill" : "decode";
    const char *to = half == PROFILE_PREFILL_ONLY ? "decode" : "prefill";
    char *path = half == PROFILE_WHOLE ? NULL : sibling_path(arena, profile->path, from, to);
    if (!path || !exists(path))
        return ST_OK; /* the missing keys are reported as such */
    struct profile_file other;
    enum status st = read_file(&other, arena, path, d);
    if (st == ST_OK)
        st = profile_choose_row(&other, arena, path, tp, d);
    if (st != ST_OK)
        return st;
    if (half == PROFILE_DECODE_ONLY) {
        struct profile_file decode = profile->file;
        profile->file = other;
        st = profile_merge(&profile->file, path, &decode, profile->path, arena, d);
    } else {
        st = profile_merge(&profile->file, profile->path, &other, path, arena, d);
    }
    *label = arena_printf(arena, "%s with %s", profile->path, path);
    return *label ? st : diag_nomem(d, path);
}

enum status profile_load(struct profile *profile, struct arena *arena,
                         const struct profile_search *search, const char *name_or_path, int64_t tp,
                         struct diag *d)
{
    *profile = (struct profile){0};
    profile->name = arena_strdup(arena, name_or_path);
    if (!profile->name)
        return diag_nomem(d, name_or_path);
    enum status st = profile_find(&profile->path, arena, search, name_or_path, d);
    const char *label = profile->path;
    if (st == ST_OK)
        st = read_file(&profile->file, arena, profile->path, d);
    if (st == ST_OK)
        st = profile_choose_row(&profile->file, arena, label, tp, d);
    if (st == ST_OK)
        st = add_sibling(profile, arena, tp, &label, d);
    if (st == ST_OK)
        st = profile_view(profile, arena, label, d);
    return st;
}
