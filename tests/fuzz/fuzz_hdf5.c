/* Profiles of any shape and content as HDF5: they are written, must read back the same, and go
 * through the row chooser and the profile's checks. The bytes choose keys, kinds, shapes and
 * values, not the file's own structure: libhdf5 follows pointers of hostile files to anywhere, so
 * raw bytes find nothing but that, and at once. */
#include <string.h>

#include "engines/profile/hdf5.h"
#include "engines/profile/profile_internal.h"
#include "util/bug.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { MAX_ARRAYS = 16 };

struct bytes {
    const uint8_t *at, *end;
};

static unsigned next_byte(struct bytes *b)
{
    return b->at < b->end ? *b->at++ : 0;
}

/* Eight bytes as they come, or a small whole number: plain doubles are mostly huge. */
static int64_t next_word(struct bytes *b, double *as_double)
{
    uint8_t raw[8];
    int64_t word;
    if (next_byte(b) % 4) {
        word = (int64_t)next_byte(b) * (1 + next_byte(b));
        *as_double = (double)word / 8;
        return word;
    }
    for (int i = 0; i < 8; i++)
        raw[i] = (uint8_t)next_byte(b);
    memcpy(&word, raw, sizeof word);
    memcpy(as_double, raw, sizeof *as_double);
    return word;
}

static const char *const keys[] = {"prefill_isl",
                                   "prefill_ttft",
                                   "prefill_thpt_per_gpu",
                                   "x_kv_usage",
                                   "y_context_length",
                                   "z_itl",
                                   "z_thpt_per_gpu",
                                   "max_kv_tokens",
                                   "kv_bytes_per_token",
                                   "tp",
                                   "dp",
                                   "pp",
                                   "gpu_count",
                                   "model",
                                   "dtype",
                                   "source",
                                   "block_size",
                                   "max_context_length",
                                   "decode_batch",
                                   "decode_context",
                                   "decode_step_ms",
                                   "decode_attn_ms",
                                   "decode_attn_mixed_ms",
                                   "attn_skew_alpha",
                                   "chunk_new",
                                   "chunk_prefix",
                                   "chunk_attn_ms",
                                   "chunk_prefill_ms",
                                   "prefill_batch",
                                   "prefill_batch_isl",
                                   "prefill_batch_ms",
                                   "step_tokens",
                                   "step_other_ms",
                                   "other"};

static void make_array(struct profile_array *a, struct arena *arena, struct bytes *b)
{
    unsigned shape = next_byte(b);
    a->key = keys[next_byte(b) % (sizeof keys / sizeof *keys)];
    a->kind = (enum profile_kind)(shape % 3);
    a->n_dims = shape / 3 % 3;
    a->dims[0] = a->n_dims > 0 ? next_byte(b) % 9 : 1;
    a->dims[1] = a->n_dims > 1 ? next_byte(b) % 9 : 1;
    a->n = a->dims[0] * a->dims[1];
    double *f64 = ARENA_NEW(arena, a->n + 1, double);
    int64_t *i64 = ARENA_NEW(arena, a->n + 1, int64_t);
    const char **text = ARENA_NEW(arena, a->n + 1, const char *);
    BUG_IF(!f64 || !i64 || !text);
    for (size_t i = 0; i < a->n; i++) {
        i64[i] = next_word(b, &f64[i]);
        if (a->kind == PROFILE_I64)
            f64[i] = (double)i64[i];
        text[i] = i64[i] % 2 ? "\xc3\xa9" : "text";
    }
    a->f64 = a->kind == PROFILE_TEXT ? NULL : f64;
    a->i64 = a->kind == PROFILE_I64 ? i64 : NULL;
    a->text = a->kind == PROFILE_TEXT ? text : NULL;
}

static void check_same(const struct profile_array *a, const struct profile_array *b)
{
    if (strcmp(a->key, b->key) != 0 || a->kind != b->kind || a->n_dims != b->n_dims || a->n != b->n)
        BUG("'%s' became another array", a->key);
    for (size_t i = 0; i < a->n; i++) {
        bool same = a->kind == PROFILE_TEXT ? strcmp(a->text[i], b->text[i]) == 0
                                            : memcmp(&a->f64[i], &b->f64[i], sizeof(double)) == 0;
        if (!same || (a->kind == PROFILE_I64 && a->i64[i] != b->i64[i]))
            BUG("'%s' changed at %zu", a->key, i);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct bytes b = {data, data + n};
    struct profile_array arrays[MAX_ARRAYS];
    struct profile profile = {.name = "fuzz", .path = "fuzz"};
    const unsigned char *file;
    size_t n_arrays = 0, n_file;
    struct arena arena;
    struct diag d;

    arena_init(&arena);
    diag_init(&d);
    while (n_arrays < MAX_ARRAYS && b.at < b.end) {
        struct profile_array *a = &arrays[n_arrays++];
        make_array(a, &arena, &b);
        for (size_t i = 0; i + 1 < n_arrays; i++)
            if (strcmp(arrays[i].key, a->key) == 0) {
                n_arrays--; /* a key stands once in a file */
                break;
            }
    }
    struct profile_file made = {n_arrays, arrays};
    enum status st = hdf5_write(&made, &arena, &file, &n_file, &d);
    if (st == ST_OK) {
        st = hdf5_read(&profile.file, &arena, "fuzz", file, n_file, &d);
        if (st != ST_OK)
            BUG("%s", d.text);
        if (profile.file.n_arrays != n_arrays)
            BUG("%zu arrays became %zu", n_arrays, profile.file.n_arrays);
        for (size_t i = 0; i < n_arrays; i++)
            check_same(&arrays[i], &profile.file.arrays[i]);
        st = profile_choose_row(&profile.file, &arena, "fuzz", n ? data[n - 1] % 5 : 0, &d);
    }
    if (st == ST_OK)
        st = profile_view(&profile, &arena, "fuzz", false, &d);
    if (st == ST_OK && (profile.max_kv_tokens < 1 || profile.n_decode < 3))
        BUG("an unusable profile passed");
    if (st != ST_OK && !d.text[0])
        BUG("a failure without a message");
    arena_release(&arena);
    return 0;
}
