/* A line of events.jsonl (README.md). */
#ifndef REPORTS_EVENT_LINE_H
#define REPORTS_EVENT_LINE_H

#include "reports/recorder.h"
#include "reports/row.h"

/* `info` is of the deployment that it is of; NULL = of none. */
void event_line(struct row *row, const struct event_record *e, const struct run_info *info);

#endif
