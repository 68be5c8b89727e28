#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engines/profile/profile_internal.h"

/* These are one-dimensional in a flat file, so a second dimension means rows. */
static const char *const prefill_keys[] = {"prefill_isl", "prefill_ttft", "prefill_thpt_per_gpu"};
static const char *const decode_keys[] = {"x_kv_usage", "y_context_length", "z_itl",
                                          "z_thpt_per_gpu"};
enum {
    N_PREFILL = sizeof prefill_keys / sizeof *prefill_keys,
    N_DECODE = sizeof decode_keys / sizeof *decode_keys
};

static size_t count_keys(const struct profile_file *file, const char *const *keys, size_t n,
                         unsigned least_dims)
{
    size_t found = 0;
    for (size_t i = 0; i < n; i++) {
        const struct profile_array *a = profile_file_find(file, keys[i]);
        found += a && a->n_dims >= least_dims;
    }
    return found;
}

enum profile_half profile_which_half(const struct profile_file *file)
{
    size_t n_prefill = count_keys(file, prefill_keys, N_PREFILL, 0);
    size_t n_decode = count_keys(file, decode_keys, N_DECODE, 0);
    if (n_prefill && !n_decode)
        return PROFILE_PREFILL_ONLY;
    return n_decode && !n_prefill ? PROFILE_DECODE_ONLY : PROFILE_WHOLE;
}

bool profile_half_lacks(enum profile_half half, const char *key)
{
    for (size_t i = 0; i < N_DECODE && half == PROFILE_PREFILL_ONLY; i++)
        if (strcmp(decode_keys[i], key) == 0)
            return true;
    for (size_t i = 0; i < N_PREFILL && half == PROFILE_DECODE_ONLY; i++)
        if (strcmp(prefill_keys[i], key) == 0)
            return true;
    return false;
}

enum status profile_prefill_of(struct profile_file *prefill, const struct profile_file *file,
                               struct arena *arena, struct diag *d)
{
    struct profile_array *arrays = ARENA_NEW(arena, N_PREFILL, struct profile_array);
    size_t n = 0;
    if (!arrays)
        return diag_nomem(d, "the prefill half");
    for (size_t i = 0; i < N_PREFILL; i++) {
        const struct profile_array *a = profile_file_find(file, prefill_keys[i]);
        if (a)
            arrays[n++] = *a;
    }
    *prefill = (struct profile_file){n, arrays};
    return ST_OK;
}

/* The row as a one-dimensional array; it shares the values. */
static void slice(struct profile_array *a, size_t row)
{
    size_t n = a->dims[1];
    if (a->f64)
        a->f64 += row * n;
    if (a->i64)
        a->i64 += row * n;
    if (a->text)
        a->text += row * n;
    a->n_dims = 1;
    a->dims[0] = a->n = n;
    a->dims[1] = 1;
}

/* "8, 4, 2" */
static const char *list_tps(const struct profile_array *tps, struct arena *arena)
{
    const char *text = "";
    for (size_t i = 0; text && i < tps->n; i++)
        text = arena_printf(arena, "%s%s%" PRId64, text, i ? ", " : "", tps->i64[i]);
    return text ? text : "";
}

static enum status find_row(const struct profile_file *file, struct arena *arena, const char *label,
                            int64_t tp, size_t n_rows, size_t *row, struct diag *d)
{
    const struct profile_array *tps = profile_file_find(file, "tp");
    *row = 0;
    if (n_rows == 1 && (!tps || tp == 0))
        return ST_OK;
    if (!tps)
        return profile_missing_key(file, label, "tp", d);
    if (tps->kind != PROFILE_I64 || tps->n != n_rows)
        return diag_fail(d, ST_INPUT, "%s: 'tp' must be one integer per row", label);
    if (tp == 0)
        return diag_fail(d, ST_INPUT, "%s: has rows for tp %s; choose one of them", label,
                         list_tps(tps, arena));
    size_t found = 0;
    for (size_t i = 0; i < n_rows; i++)
        if (tps->i64[i] == tp) {
            *row = i;
            found++;
        }
    if (found > 1)
        return diag_fail(d, ST_INPUT, "%s: has %zu rows for tp %" PRId64, label, found, tp);
    if (found == 0)
        return diag_fail(d, ST_INPUT, "%s: has no row for tp %" PRId64 " (it has tp %s)", label, tp,
                         list_tps(tps, arena));
    return ST_OK;
}

static enum status check_flat_tp(const struct profile_file *file, const char *label, int64_t tp,
                                 struct diag *d)
{
    const struct profile_array *a = profile_file_find(file, "tp");
    if (tp && a && a->kind == PROFILE_I64 && a->n == 1 && a->i64[0] != tp)
        return diag_fail(d, ST_INPUT, "%s: is for tp %" PRId64 ", not %" PRId64, label, a->i64[0],
                         tp);
    return ST_OK;
}

enum status profile_choose_row(struct profile_file *file, struct arena *arena, const char *label,
                               int64_t tp, struct diag *d)
{
    if (count_keys(file, prefill_keys, N_PREFILL, 2) + count_keys(file, decode_keys, N_DECODE, 2) ==
        0)
        return check_flat_tp(file, label, tp, d);
    size_t n_rows = 0, row;
    for (size_t i = 0; i < file->n_arrays; i++) {
        const struct profile_array *a = &file->arrays[i];
        if (i == 0)
            n_rows = a->dims[0];
        if (a->n_dims != 2 || a->dims[0] != n_rows || n_rows == 0)
            return diag_fail(d, ST_INPUT,
                             "%s: '%s' has no row per TP size (every key must be two-dimensional "
                             "with as many rows as '%s')",
                             label, a->key, file->arrays[0].key);
    }
    enum status st = find_row(file, arena, label, tp, n_rows, &row, d);
    if (st != ST_OK)
        return st;
    struct profile_array *arrays = ARENA_NEW(arena, file->n_arrays, struct profile_array);
    if (!arrays)
        return diag_nomem(d, label);
    size_t n = 0;
    for (size_t i = 0; i < file->n_arrays; i++) {
        if (strcmp(file->arrays[i].key, "gpu_count") == 0)
            continue;
        arrays[n] = file->arrays[i];
        slice(&arrays[n++], row);
    }
    file->arrays = arrays;
    file->n_arrays = n;
    return ST_OK;
}

static bool same_values(const struct profile_array *a, const struct profile_array *b)
{
    if (a->kind != b->kind || a->n_dims != b->n_dims || a->dims[0] != b->dims[0] ||
        a->dims[1] != b->dims[1])
        return false;
    for (size_t i = 0; i < a->n; i++) {
        bool same = a->kind == PROFILE_TEXT  ? strcmp(a->text[i], b->text[i]) == 0
                    : a->kind == PROFILE_I64 ? a->i64[i] == b->i64[i]
                                             : memcmp(&a->f64[i], &b->f64[i], sizeof(double)) == 0;
        if (!same)
            return false;
    }
    return true;
}

enum status profile_merge(struct profile_file *file, const char *label,
                          const struct profile_file *other, const char *other_label,
                          struct arena *arena, struct diag *d)
{
    struct profile_array *arrays =
        ARENA_NEW(arena, file->n_arrays + other->n_arrays, struct profile_array);
    if (!arrays)
        return diag_nomem(d, label);
    size_t n = file->n_arrays;
    for (size_t i = 0; i < n; i++)
        arrays[i] = file->arrays[i];
    for (size_t i = 0; i < other->n_arrays; i++) {
        const struct profile_array *b = &other->arrays[i], *a = profile_file_find(file, b->key);
        if (!a)
            arrays[n++] = *b;
        else if (!same_values(a, b))
            return diag_fail(d, ST_INPUT, "%s: '%s' differs from that of %s", other_label, b->key,
                             label);
    }
    file->arrays = arrays;
    file->n_arrays = n;
    return ST_OK;
}
