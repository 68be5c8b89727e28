/* The page of a comparison: what differs and how sure that is, the runs over time on one axis,
 * where the policies part, and the requests that changed sides. */
#ifndef PAGES_COMPARE_COMPARE_PAGE_H
#define PAGES_COMPARE_COMPARE_PAGE_H

#include <stdio.h>

#include "studies/compare/compare.h"

/* Of at least one pair. ST_NOMEM; the caller checks `out` for errors. */
enum status compare_page_write(const struct compare_result *result, FILE *out, struct arena *arena,
                               struct diag *d);

#endif
