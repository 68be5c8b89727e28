/* What one side's workers would like to be, by their last forward passes. By the latencies that
 * models expect: estimates.h. */
#ifndef PLANNER_FPM_LOAD_WISH_H
#define PLANNER_FPM_LOAD_WISH_H

#include "planner/fpm/fpm_core.h"

struct fpm_wish {
    int64_t n;              /* -1 = none */
    enum fpm_reason reason; /* of having none; else FPM_NO_CHANGE */
    bool refused;           /* fewer workers would not do */
};

/* The records of the workers that are judged. */
struct fpm_view {
    size_t n_records;
    const struct fpm_record *records;
    int64_t n_workers;
};

/* By fixed thresholds (targets throughput, latency, load). */
struct fpm_wish fpm_wish_static(const struct fpm_core *core, enum planner_side side,
                                const struct fpm_view *view);

struct fpm_wish fpm_no_wish(enum fpm_reason reason);
struct fpm_wish fpm_wish_for(int64_t n);
/* One worker less, but not below the floor, which may lie above the count: then this grows. */
struct fpm_wish fpm_one_less(const struct fpm_core *core, enum planner_side side, int64_t n);
/* There is more than one worker, or one that starts. */
bool fpm_may_shrink(const struct fpm_core *core, enum planner_side side, int64_t n);

#endif
