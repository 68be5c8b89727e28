/* results.h5, a block of rows at a time. */
#ifndef STUDIES_RESULTS_INTERNAL_H
#define STUDIES_RESULTS_INTERNAL_H

#include <stdbool.h>

#include "studies/results.h"

enum { RESULTS_BLOCK = 4096 }; /* rows */

struct results_hdf5; /* opaque */

/* Creates the file. ST_IO, ST_NOMEM. */
enum status results_hdf5_open(struct results_hdf5 **file, const char *path,
                              const struct results *results, struct diag *d);
/* `cells`: n rows, each of all columns; all blocks but the last are whole. */
enum status results_hdf5_write(struct results_hdf5 *file, const union results_cell *cells,
                               uint64_t first, size_t n, struct diag *d);
/* Everything is on the disk when this is ST_OK. NULL is allowed; `keep` false removes the file. */
enum status results_hdf5_close(struct results_hdf5 *file, bool keep, struct diag *d);

#endif
