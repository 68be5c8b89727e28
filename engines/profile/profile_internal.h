/* What the readers, the row chooser and the view share. Only for engines/profile*.c, npz*.c and
 * hdf5.c. */
#ifndef ENGINES_PROFILE_PROFILE_INTERNAL_H
#define ENGINES_PROFILE_PROFILE_INTERNAL_H

#include <stdbool.h>

#include "engines/profile/profile.h"

/* More than any profile needs, and small enough that a hostile file cannot exhaust memory. */
enum { PROFILE_MAX_ARRAYS = 1024, PROFILE_MAX_BYTES = 64 << 20 };

/* 1 to 255 printable ASCII characters without '/', which HDF5 reads as a path, and not ".". */
bool profile_key_is_valid(const char *key, size_t n);

/* Fill the f64 twin of an I64 array from its i64 values. */
enum status profile_array_add_f64(struct profile_array *array, struct arena *arena, struct diag *d);

/* A NUL-terminated copy of n bytes that must be UTF-8 without NUL; NULL with a diag otherwise. */
const char *profile_text(struct arena *arena, const char *label, const char *key, const char *bytes,
                         size_t n, struct diag *d);

/* Fill every member of `profile` but name and path from its `file`, which must be flat. `label`
 * names the file (or the pair of files) in messages. Both halves are needed, or with `prefill_only`
 * the prefill half. */
enum status profile_view(struct profile *profile, struct arena *arena, const char *label,
                         bool prefill_only, struct diag *d);

/* Are the figures of a view in their units? Fills prefill_gpus and decode_gpus. */
enum status profile_check_units(struct profile *profile, struct arena *arena, const char *label,
                                struct diag *d);

/* If the file is in the row layout, replace it by its row of that TP size; else only check `tp`.
 * tp = 0: whatever there is, if it is one row. A row has no gpu_count: in such files that is the
 * GPUs of the machine that was swept. */
enum status profile_choose_row(struct profile_file *file, struct arena *arena, const char *label,
                               int64_t tp, struct diag *d);

/* The half that a file lacks, or PROFILE_WHOLE. */
enum profile_half { PROFILE_WHOLE, PROFILE_PREFILL_ONLY, PROFILE_DECODE_ONLY };
enum profile_half profile_which_half(const struct profile_file *file);

/* Of a file, the keys of the prefill half alone, without what describes its engine. */
enum status profile_prefill_of(struct profile_file *prefill, const struct profile_file *file,
                               struct arena *arena, struct diag *d);

/* Append to `file` the arrays of `other` that it lacks. Keys in both must hold the same values. */
enum status profile_merge(struct profile_file *file, const char *label,
                          const struct profile_file *other, const char *other_label,
                          struct arena *arena, struct diag *d);

/* The path of the file that `name` means, in the arena. */
enum status profile_find(const char **path, struct arena *arena,
                         const struct profile_search *search, const char *name, struct diag *d);

bool profile_is_folder(const char *path);

/* Is it one of the keys that the half alone lacks? */
bool profile_half_lacks(enum profile_half half, const char *key);

/* `key 'z_itl' is missing (found: ...)` with the keys of the file. */
enum status profile_missing_key(const struct profile_file *file, const char *label, const char *key,
                                struct diag *d);

#endif
