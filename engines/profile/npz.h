/* NPZ files (NumPy's zip of .npy arrays) from and to memory, with zlib alone.
 *
 * Read: zip entries stored or deflated, sizes and CRC from the central directory (local headers may
 * be zip64, as NumPy writes them); NPY 1.0 to 3.0, little-endian, at most two dimensions, either
 * order. Types: f8 f4; i8 i4 i2 i1 u8 u4 u2 u1 b1 (as 64-bit integers); U and S (as UTF-8). No
 * pickles. Formats: PKWARE APPNOTE 6.3.3 sections 4.3 to 4.5; NumPy's numpy.lib.format. */
#ifndef ENGINES_PROFILE_NPZ_H
#define ENGINES_PROFILE_NPZ_H

#include <stdbool.h>

#include "engines/profile/profile.h"

/* Does this begin like a zip archive? */
bool npz_is(const unsigned char *data, size_t n);

/* Everything is copied to the arena. Any bytes are safe to pass. ST_INPUT: `label: entry 'key':
 * what`. */
enum status npz_read(struct profile_file *file, struct arena *arena, const char *label,
                     const unsigned char *data, size_t n, struct diag *d);

/* The archive's bytes, in the arena: NPY 1.0, row-major, stored or deflated, dated 1980-01-01.
 * Stored archives are the same bytes everywhere, deflated ones with the same zlib. */
enum status npz_write(const struct profile_file *file, bool deflated, struct arena *arena,
                      const unsigned char **data, size_t *n, struct diag *d);

#endif
