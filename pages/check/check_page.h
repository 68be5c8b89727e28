/* The page of `headroom check`: which scenarios held, what was missed and where, and what moved
 * against the baseline. */
#ifndef PAGES_CHECK_CHECK_PAGE_H
#define PAGES_CHECK_CHECK_PAGE_H

#include <stdio.h>

#include "studies/gate/report.h"
#include "util/arena.h"
#include "util/status.h"

/* ST_NOMEM; the caller checks `out` for errors. */
enum status check_page_write(const struct gate_report *report, FILE *out, struct arena *arena,
                             struct diag *d);

#endif
