/* The pages of results that are on disk. */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include "util/status.h"

#define REPORT_NAME "report.html"

/* DIR/report.html of a folder of results, whatever made them; an earlier one is replaced. ST_INPUT:
 * it holds no results, or torn ones. ST_IO, ST_NOMEM. */
enum status report_make(const char *dir, struct diag *d);

#endif
