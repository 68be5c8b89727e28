/* A line of grants.jsonl. */
#ifndef REPORTS_GRANT_LINE_H
#define REPORTS_GRANT_LINE_H

#include <stdio.h>

#include "reports/recorder.h"

/* `asker` NULL: nobody asked, there are other nodes. The caller checks `out` for errors. */
void grant_line(FILE *out, const struct grant_record *grant, const struct run_info *of,
                const struct run_info *asker);

#endif
