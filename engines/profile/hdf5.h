/* HDF5 files from and to memory: one dataset per key in the root group, no attributes.
 *
 * Written: 64-bit floats and integers, fixed-length UTF-8 strings; small datasets inside their
 * object header (one read, no chunk index), larger ones shuffled and gzipped; creation order kept;
 * no times, so the same arrays give the same bytes. Read: any float, integer or boolean type, fixed
 * and variable strings, at most two dimensions. */
#ifndef ENGINES_PROFILE_HDF5_H
#define ENGINES_PROFILE_HDF5_H

#include <stdbool.h>

#include "engines/profile/profile.h"

/* Does this begin like an HDF5 file? */
bool hdf5_is(const unsigned char *data, size_t n);

/* Everything is copied to the arena. ST_INPUT: `label: '/key': what`. The HDF5 library is not proof
 * against hostile files; NPZ is the format for those. */
enum status hdf5_read(struct profile_file *file, struct arena *arena, const char *label,
                      const unsigned char *data, size_t n, struct diag *d);

/* The file's bytes, in the arena. */
enum status hdf5_write(const struct profile_file *file, struct arena *arena,
                       const unsigned char **data, size_t *n, struct diag *d);

#endif
