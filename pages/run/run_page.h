/* The page of one run, made from the files of its folder alone: whoever has them makes the same
 * page. What they do not have (workers.csv of an earlier version, a timeline, decisions) is left
 * out, and the page says so. */
#ifndef PAGES_RUN_RUN_PAGE_H
#define PAGES_RUN_RUN_PAGE_H

#include <stdio.h>

#include "util/status.h"

/* Of the folder `dir`. ST_INPUT: its files are not those of one run, or torn; with file, line and
 * column. ST_IO, ST_NOMEM; the caller checks `out` for errors. */
enum status run_page_write(const char *dir, FILE *out, struct diag *d);

#endif
