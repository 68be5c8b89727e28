/* What `headroom check` shows people. */
#ifndef CLI_CHECK_PRINT_H
#define CLI_CHECK_PRINT_H

#include <stdio.h>

#include "studies/gate/report.h"
#include "util/arena.h"
#include "util/status.h"

/* Verdicts, notes, and a table of what moved. ST_NOMEM. */
enum status check_print(const struct gate_report *report, FILE *out, struct arena *arena,
                        struct diag *d);

/* A line for each miss and each scenario without figures: where, what was expected, what it is. */
void check_print_misses(const struct gate_report *report, FILE *out);

/* What --update changes: figures of the scenarios that the baseline had otherwise, or not at all.
 */
enum status check_print_update(const struct gate_report *report, const struct baseline *before,
                               const char *path, FILE *out, struct arena *arena, struct diag *d);

#endif
