/* windows.csv: a row for each attainment window, with who arrived in it, why they missed, and what
 * the pools could do. */
#ifndef REPORTS_WINDOWS_CSV_H
#define REPORTS_WINDOWS_CSV_H

#include <stdio.h>

#include "reports/recorder.h"

/* Causes and capacity: finished; NULL = not kept. */
struct windows_csv {
    const struct run_info *info;
    /* Columns: the pools of all deployments, and where in info->pool_names each is; SIZE_MAX: not
     * of this one, and empty. */
    size_t n_pools;
    const char *const *pools;
    const size_t *pool_at;
    const struct windows *windows;
    const struct causes *causes;
    const struct capacity *capacity;
    size_t n_windows; /* those of the capacity; without it, the windows that had arrivals count */
};

/* The line of names, and a row for each window; where the run has several deployments they begin
 * with its name. The caller checks `out` for errors. ST_NOMEM. */
void windows_csv_header(FILE *out, const struct windows_csv *w);
enum status windows_csv_write(FILE *out, const struct windows_csv *w, struct diag *d);

enum windows_csv_figure {
    WINDOW_READY,
    WINDOW_DEMAND,
    WINDOW_SHORT,
    WINDOW_IDLE,
    WINDOW_LEFT,
    N_WINDOW_FIGURES
};
/* "capacity_POOL_short_worker_s"; returns `name`. */
enum { WINDOWS_CSV_NAME_SIZE = 96 };
const char *windows_csv_name(char name[WINDOWS_CSV_NAME_SIZE], const char *pool,
                             enum windows_csv_figure figure);

#endif
