/* The page of a tune. */
#ifndef PAGES_TUNE_TUNE_PAGE_H
#define PAGES_TUNE_TUNE_PAGE_H

#include <stdio.h>

#include "util/status.h"

/* Of the folder of a tune, out of its tune.json and trials.csv alone. ST_INPUT: they are not those
 * of a tune; ST_IO, ST_NOMEM. */
enum status tune_page_write(const char *dir, FILE *out, struct diag *d);

#endif
