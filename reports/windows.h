/* How a run went window by window: what the summary says of its worst ones. */
#ifndef REPORTS_WINDOWS_H
#define REPORTS_WINDOWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record/observer.h"
#include "util/status.h"

/* Of these many windows it is kept who arrived in them; what comes later has no part in
 * windows_min_attainment. */
enum { WINDOWS_MAX_KEPT = 1 << 20 };

struct window_arrivals {
    uint64_t n_offered, n_good;
};

/* The zero value is of a run that has not begun. */
struct windows {
    uint64_t n, n_good; /* those in which there was something to judge, and those that held */
    double max_ttft_s, max_itl_s; /* largest means; 0 = none */
    int64_t missed_from_ns;       /* start of the misses without a window that held between */
    bool missing;
    int64_t longest_missed_ns;
    struct window_arrivals *arrivals; /* by window, the first at the start of the measured span */
    size_t n_arrivals, room;
};

struct window_rules {
    int64_t length_ns, measured_from_ns;
    int64_t ttft_target_ns, tpot_target_ns;
};

/* When a window is over. Its definition stands in summary.h. */
void windows_close(struct windows *w, const struct window_record *record,
                   const struct window_rules *rules);
/* When a measured request is over. ST_NOMEM. */
enum status windows_add_request(struct windows *w, int64_t arrival_ns, bool good,
                                const struct window_rules *rules, struct diag *d);
/* Of the requests that arrived in one window the share that was good, where it is smallest; NaN
 * without any. */
double windows_min_attainment(const struct windows *w);
void windows_release(struct windows *w);

#endif
