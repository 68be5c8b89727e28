/* The page of one run, out of its files or out of the run itself: byte for byte the same. What is
 * not there (workers.csv of an earlier version, a timeline, decisions) is left out, and the page
 * says so; as it does where of many requests, samples or decisions not all are shown. */
#ifndef PAGES_RUN_RUN_PAGE_H
#define PAGES_RUN_RUN_PAGE_H

#include <stdio.h>

#include "reports/causes/causes.h"
#include "scenarios/compose/run.h"
#include "util/status.h"

/* Of the folder `dir`, of whose files it is made alone: whoever has them makes the same page.
 * ST_INPUT: they are not those of one run, or torn; with file, line and column. ST_IO, ST_NOMEM;
 * the caller checks `out` for errors. */
enum status run_page_write(const char *dir, FILE *out, struct diag *d);

/* Of a run that writes its files into a folder: what it needs is collected while the run goes on,
 * in bounded memory for each hour of it, and of its files only summary.json is read. */
struct run_page; /* opaque */

/* NULL: no memory. */
struct run_page *run_page_new(void);
void run_page_free(struct run_page *page);
/* For run_options, of one run. The page's. */
struct run_watcher *run_page_watcher(struct run_page *page);
/* When that run is over, once; `causes` are those of its summary. Errors as of run_page_write. */
enum status run_page_finish(struct run_page *page, const char *dir,
                            const struct cause_summary *causes, FILE *out, struct diag *d);

#endif
