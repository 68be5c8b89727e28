/* What the gate found, as the files and lines that build servers show. Equal results give equal
 * bytes: no times and host names of anyone. */
#ifndef STUDIES_GATE_REPORT_H
#define STUDIES_GATE_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "studies/gate/gate.h"

struct gate_report {
    size_t n;
    const struct gate_result *results;
};

struct gate_format {
    const char *option; /* of `headroom check`, without the dashes; its value is the file */
    const char *mark;   /* in the first bytes of such a file, so that we know our own */
    void (*write)(const struct gate_report *report, FILE *out);
};
extern const struct gate_format gate_junit, gate_markdown, gate_code_quality;
extern const struct gate_format *const gate_formats[]; /* ended by NULL */

/* May the file at `path` be replaced: is it absent, empty, or one of these reports? ST_INPUT says
 * that it is something else; ST_IO. */
enum status gate_format_check(const struct gate_format *format, const char *path, struct diag *d);

/* Commands of GitHub's workflows, a line each, that put every miss at its line of the scenario. */
void gate_write_github(const struct gate_report *report, FILE *out);

/* ---- for the formats ---- */

/* How many scenarios have this status; ST_INPUT: any that is neither ST_OK nor ST_MISSED. */
size_t gate_count(const struct gate_report *report, enum status status);
/* Has the scenario no figures? */
bool gate_failed(const struct gate_result *result);
/* Has the figure moved, and is this check the one that tells of it? */
bool gate_has_moved(const struct gate_result *result, size_t check);
/* "0.97"; "none" for NaN. Returns `out`. */
enum { GATE_FIGURE_SIZE = 32 };
const char *gate_figure(char out[GATE_FIGURE_SIZE], double value);
/* "-0.031 to -0.012", of a comparison that has an interval; else "one run". */
enum { GATE_SURE_SIZE = 64 };
const char *gate_sure(char out[GATE_SURE_SIZE], const struct gate_check *check);
/* Where a check stands: its line of the scenario's file, 0 = of the command line. */
unsigned long gate_line(const struct gate_result *result, const struct gate_check *check);

#endif
