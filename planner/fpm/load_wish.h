/* What one side's workers would like to be, by their last forward passes. */
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
/* By the latencies that the models expect (target sla): of first tokens, and of further ones. The
 * largest estimate is put into `out`. Models of agg are asked about both. */
struct fpm_wish fpm_wish_ttft(struct fpm_core *core, const struct fpm_view *view,
                              struct fpm_output *out);
struct fpm_wish fpm_wish_itl(struct fpm_core *core, const struct fpm_view *view,
                             struct fpm_output *out);

#endif
