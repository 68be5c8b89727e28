/* results.h5, a block of rows at a time, in memory. */
#ifndef STUDIES_RESULTS_INTERNAL_H
#define STUDIES_RESULTS_INTERNAL_H

#include "studies/results.h"

enum { RESULTS_BLOCK = 4096 }; /* rows */

struct results_hdf5; /* opaque */

/* ST_NOMEM; to be freed all the same. */
enum status results_hdf5_open(struct results_hdf5 **file, const struct results *results,
                              struct diag *d);
/* `cells`: n rows, each of all columns; all blocks but the last are whole. */
enum status results_hdf5_write(struct results_hdf5 *file, const union results_cell *cells,
                               uint64_t first, size_t n, struct diag *d);
/* The file's bytes, by malloc, when all rows are written; the last call but for freeing it. */
enum status results_hdf5_image(struct results_hdf5 *file, char **image, size_t *n, struct diag *d);
void results_hdf5_free(struct results_hdf5 *file); /* NULL is allowed */

#endif
