#include "engines/profile/profile.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engines/profile/hdf5.h"
#include "engines/profile/npz.h"
#include "engines/profile/profile_gpus.h"
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
    enum profile_half half = profile_which_half(file);
    return diag_fail(d, ST_INPUT, "%s: key '%s' is missing (found: %s)%s", label, key, found,
                     !profile_half_lacks(half, key) ? ""
                     : half == PROFILE_PREFILL_ONLY ? "; this is the prefill half alone: the file "
                                                      "of the decode half is needed too"
                                                    : "; this is the decode half alone: the file "
                                                      "of the prefill half is needed too");
}

static enum status read_bytes(FILE *in, struct arena *arena, const char *path,
                              const unsigned char **bytes, size_t *n, struct diag *d)
{
    size_t room = (size_t)64 * 1024, have = 0;
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

/* One file, its row chosen. */
struct part {
    struct profile_file file;
    const char *path;
    enum profile_half half;
};

struct opening {
    const struct profile_source *source;
    const struct profile_search *search;
    struct arena *arena;
    struct part part[2]; /* of two, the prefill half is the first */
    size_t n;
    struct diag *d;
};

static enum status read_part(struct opening *o, const char *path)
{
    struct part part = {.path = path};
    enum status st = read_file(&part.file, o->arena, path, o->d);
    if (st == ST_OK)
        st = profile_choose_row(&part.file, o->arena, path, o->source->tp, o->d);
    if (st != ST_OK)
        return st;
    part.half = profile_which_half(&part.file);
    if (o->n == 1 && part.half == PROFILE_PREFILL_ONLY) {
        o->part[1] = o->part[0];
        o->part[0] = part;
    } else {
        o->part[o->n] = part;
    }
    o->n++;
    return ST_OK;
}

/* What Dynamo's profiler leaves in its folder of results, or in the folder of one half. */
static enum status read_folder(struct opening *o, const char *folder)
{
    static const char *const names[] = {"selected_prefill_interpolation/raw_data.npz",
                                        "selected_decode_interpolation/raw_data.npz",
                                        "raw_data.npz"};
    const char *slash = folder[strlen(folder) - 1] == '/' ? "" : "/";
    for (size_t i = 0; i < 3; i++) {
        const char *path = arena_printf(o->arena, "%s%s%s", folder, slash, names[i]);
        if (!path)
            return diag_nomem(o->d, folder);
        enum status st = (i < 2 || o->n == 0) && exists(path) ? read_part(o, path) : ST_OK;
        if (st != ST_OK)
            return st;
    }
    if (o->n == 0)
        return diag_fail(o->d, ST_INPUT, "the folder '%s' holds neither %s nor %s", folder,
                         names[0], names[1]);
    return ST_OK;
}

static enum status read_named(struct opening *o, const char *name)
{
    const char *path;
    if (profile_is_folder(name) && !o->source->name[1])
        return read_folder(o, name);
    enum status st = profile_find(&path, o->arena, o->search, name, o->d);
    return st == ST_OK ? read_part(o, path) : st;
}

static enum status read_names(struct opening *o)
{
    enum status st = read_named(o, o->source->name[0]);
    return st == ST_OK && o->source->name[1] ? read_named(o, o->source->name[1]) : st;
}

/* The half that a half lacks: beside it, or where the source says. */
static enum status read_other_half(struct opening *o)
{
    bool has_prefill = o->part[0].half == PROFILE_PREFILL_ONLY;
    const char *from = has_prefill ? "prefill" : "decode", *to = has_prefill ? "decode" : "prefill";
    const char *path = sibling_path(o->arena, o->part[0].path, from, to);
    if (path && exists(path))
        return read_part(o, path);
    if (has_prefill || !o->source->prefill_from)
        return ST_OK; /* the missing keys are reported as such */
    struct opening other = {
        .source = o->source->prefill_from, .search = o->search, .arena = o->arena, .d = o->d};
    enum status st = read_names(&other);
    if (st != ST_OK)
        return st;
    struct part part = other.part[0];
    st = profile_prefill_of(&part.file, &part.file, o->arena, o->d);
    if (st != ST_OK || part.file.n_arrays == 0)
        return st;
    o->part[1] = o->part[0];
    part.half = PROFILE_PREFILL_ONLY;
    o->part[0] = part;
    o->n = 2;
    return ST_OK;
}

static const char *half_text(enum profile_half half)
{
    return half == PROFILE_PREFILL_ONLY  ? "the prefill half alone"
           : half == PROFILE_DECODE_ONLY ? "the decode half alone"
                                         : "both halves";
}

static enum status read_parts(struct opening *o)
{
    enum status st = read_names(o);
    if (st == ST_OK && o->n == 1 && o->part[0].half != PROFILE_WHOLE)
        st = read_other_half(o);
    if (st == ST_OK && o->n == 2 &&
        (o->part[0].half != PROFILE_PREFILL_ONLY || o->part[1].half != PROFILE_DECODE_ONLY))
        st = diag_fail(o->d, ST_INPUT,
                       "%s holds %s and %s %s; expected the prefill half of an engine in one file "
                       "and the decode half in the other",
                       o->part[0].path, half_text(o->part[0].half), o->part[1].path,
                       half_text(o->part[1].half));
    return st;
}

/* max_kv_tokens as if the file said so: it is converted with the rest. */
static enum status add_max_kv_tokens(struct profile_file *file, struct arena *arena,
                                     const char *label, int64_t max_kv_tokens, struct diag *d)
{
    int64_t *value = ARENA_NEW(arena, 1, int64_t);
    struct profile_array *array = ARENA_NEW(arena, 1, struct profile_array);
    if (!value || !array)
        return diag_nomem(d, label);
    *value = max_kv_tokens;
    *array = (struct profile_array){.key = "max_kv_tokens",
                                    .kind = PROFILE_I64,
                                    .n_dims = 1,
                                    .dims = {1, 1},
                                    .n = 1,
                                    .i64 = value};
    enum status st = profile_array_add_f64(array, arena, d);
    struct profile_file extra = {1, array};
    return st == ST_OK ? profile_merge(file, label, &extra, label, arena, d) : st;
}

/* The view of the first n parts. */
static enum status view_parts(struct profile *profile, const struct opening *o, size_t n,
                              const char **label)
{
    int64_t max_kv_tokens = o->source->max_kv_tokens;
    enum status st = ST_OK;
    *profile =
        (struct profile){.name = profile->name, .path = o->part[0].path, .file = o->part[0].file};
    *label = profile->path;
    if (n == 2) {
        *label = arena_printf(o->arena, "%s with %s", o->part[0].path, o->part[1].path);
        if (!*label)
            return diag_nomem(o->d, profile->name);
        st = profile_merge(&profile->file, o->part[0].path, &o->part[1].file, o->part[1].path,
                           o->arena, o->d);
    }
    if (st == ST_OK && max_kv_tokens && !profile_file_find(&profile->file, "max_kv_tokens"))
        st = add_max_kv_tokens(&profile->file, o->arena, *label, max_kv_tokens, o->d);
    if (st == ST_OK)
        st = profile_view(profile, o->arena, *label, o->source->prefill_only, o->d);
    return st;
}

enum status profile_open(struct profile *profile, struct arena *arena,
                         const struct profile_search *search, const struct profile_source *source,
                         struct diag *d)
{
    struct opening o = {.source = source, .search = search, .arena = arena, .d = d};
    const char *const *name = source->name, *label;
    *profile = (struct profile){0};
    profile->name =
        name[1] ? arena_printf(arena, "%s + %s", name[0], name[1]) : arena_strdup(arena, name[0]);
    if (!profile->name)
        return diag_nomem(d, name[0]);
    enum status st = read_parts(&o);
    if (st == ST_OK)
        st = view_parts(profile, &o, o.n, &label);
    if (st == ST_OK && source->prefill_only && o.n == 2 && !profile_halves_agree(profile))
        st = view_parts(profile, &o, 1, &label);
    if (st != ST_OK)
        return st;
    if (source->max_kv_tokens && profile->max_kv_tokens != source->max_kv_tokens)
        return diag_fail(d, ST_INPUT,
                         "%s: holds max_kv_tokens %" PRId64
                         " itself; the key is for files that lack it (kv_blocks sets the size of "
                         "the KV cache)",
                         label, profile->max_kv_tokens);
    if (profile->tp == 0)
        profile->tp = source->tp;
    return ST_OK;
}

enum status profile_load(struct profile *profile, struct arena *arena,
                         const struct profile_search *search, const char *name_or_path, int64_t tp,
                         struct diag *d)
{
    struct profile_source source = {.name = {name_or_path}, .tp = tp};
    return profile_open(profile, arena, search, &source, d);
}
