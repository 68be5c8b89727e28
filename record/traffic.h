/* Traffic counters of a run, and the windows between two readings of them. */
#ifndef RECORD_TRAFFIC_H
#define RECORD_TRAFFIC_H

#include "planner/policy.h"

/* Marks as missing, with NaN, what `total`, the counters so far, has no observation of. */
void traffic_mark_missing(struct traffic_window *window, const struct traffic_window *total);

/* What was counted between two readings of one set of counters, `length_s` apart. */
struct traffic_window traffic_between(const struct traffic_window *start,
                                      const struct traffic_window *end, double length_s);

#endif
