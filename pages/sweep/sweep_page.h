/* The page of a sweep. */
#ifndef PAGES_SWEEP_SWEEP_PAGE_H
#define PAGES_SWEEP_SWEEP_PAGE_H

#include <stdio.h>

#include "util/status.h"

/* Of the folder of a sweep, out of its study.json and results.csv alone: the same bytes, however
 * they were made. ST_INPUT: they are not those of a sweep; ST_IO, ST_NOMEM. */
enum status sweep_page_write(const char *dir, FILE *out, struct diag *d);

#endif
