/* The columns of requests.csv (README.md), but for those that say where the time went. */
#ifndef REPORTS_REQUEST_COLUMNS_H
#define REPORTS_REQUEST_COLUMNS_H

#include "record/observer.h"
#include "reports/latencies.h"
#include "reports/row.h"

/* Without the line's end, as more columns may follow. */
extern const char request_columns_header[];
void request_columns(struct row *row, const struct request_record *q,
                     const struct request_latencies *l);

#endif
