/* A line of decisions.jsonl (README.md). */
#ifndef REPORTS_DECISION_LINE_H
#define REPORTS_DECISION_LINE_H

#include <stdio.h>

#include "record/observer.h"

/* `deployment` is its name; NULL where the run has no names. The caller checks `out` for errors. */
void decision_line(FILE *out, const struct decision_record *c, const char *deployment);

#endif
