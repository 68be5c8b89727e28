/* The page of `headroom trace info`: how many requests come when, how long they are, and how much
 * of their prompts came before. */
#ifndef PAGES_TRACE_TRACE_PAGE_H
#define PAGES_TRACE_TRACE_PAGE_H

#include <stdint.h>
#include <stdio.h>

#include "traces/trace_stats.h"
#include "util/arena.h"
#include "util/status.h"

struct trace_page {
    const char *name;   /* of the file, or of what a scenario makes of it */
    const char *format; /* NULL = there is no file */
    uint64_t digest;
    const struct trace_stats *stats; /* of one request at least */
};

/* ST_NOMEM; the caller checks `out` for errors. */
enum status trace_page_write(const struct trace_page *page, FILE *out, struct arena *arena,
                             struct diag *d);

#endif
