/* The parts of the report for people, each with the blank line before it, and what they are put
 * together of. */
#ifndef REPORTS_SUMMARY_PRINT_INTERNAL_H
#define REPORTS_SUMMARY_PRINT_INTERNAL_H

#include "reports/summary.h"
#include "util/text.h"

#define PRINT_BOLD "\033[1m"
#define PRINT_DIM "\033[2m"
#define PRINT_RED "\033[31m"
#define PRINT_PLAIN "\033[0m"

enum { PRINT_LABEL_WIDTH = 18 };

/* One of the codes above, or nothing. */
const char *print_style(const struct terminal *p, const char *code);
/* Into the text, "-" for NaN. */
const char *print_fixed(char text[TEXT_FIGURE_SIZE], double v, int decimals);
const char *print_percent(char text[TEXT_FIGURE_SIZE], double share);

/* A line begins with one of these; what follows a label takes as many lines as it needs. */
void print_title(const struct terminal *p, const char *text);
void print_label(const struct terminal *p, const char *text);
void print_rest(const struct terminal *p, const char *code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Trace, pools, overheads, policy and notes, a line each. */
void print_about(const struct terminal *p, const struct summary *y);
void print_why(const struct terminal *p, const struct summary *y);
void print_requests(const struct terminal *p, const struct summary *y);
void print_throughput(const struct terminal *p, const struct summary *y);
void print_gpu_hours(const struct terminal *p, const struct summary *y);
void print_fleet(const struct terminal *p, const struct summary *y);
void print_intervals(const struct terminal *p, const struct summary *y);
void print_over_time(const struct terminal *p, const struct summary *y);
void print_performance(const struct terminal *p, const struct summary *y);

/* All of a run with the key `deployments`. */
void print_deployments(const struct terminal *p, const struct summary *y);

#endif
