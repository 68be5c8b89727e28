/* From what the sides wish to what is asked for, under the budget and the floors of the throughput
 * rule: `clamped` as the older generations do it, `guarded` as from 1.6.1 on. Each sets the
 * targets, whether they are issued, and the reasons of `out`, in which no load decision is yet. */
#ifndef PLANNER_FPM_LOAD_SETTLE_H
#define PLANNER_FPM_LOAD_SETTLE_H

#include "planner/fpm/load_wish.h"

struct fpm_load_settle {
    /* A side that is steered alone; agg with fixed thresholds. */
    void (*single)(struct fpm_core *core, enum planner_side side, const struct fpm_view *view,
                   const struct fpm_wish *wish, struct fpm_output *out);
    /* Agg by expected latencies. */
    void (*agg)(struct fpm_core *core, const struct fpm_view *view, const struct fpm_wish *ttft,
                const struct fpm_wish *itl, struct fpm_output *out);
    void (*disagg)(struct fpm_core *core, const struct fpm_view views[N_SIDES],
                   const struct fpm_wish wishes[N_SIDES], struct fpm_output *out);
};
extern const struct fpm_load_settle fpm_load_clamped, fpm_load_guarded;

enum fpm_reason fpm_direction(int64_t target, int64_t n);
/* Of a side of mode disagg: where it ends, after the lower bound, what it wished, what it is. */
enum fpm_reason fpm_side_reason(int64_t final, int64_t floored, int64_t wanted, int64_t n);
/* The lower bound by the throughput rule, 0 without. */
int64_t fpm_floor_of(const struct fpm_core *core, enum planner_side side);
/* Up if either latency wants it; down if that between tokens does and the first token's does not
 * object. */
int64_t fpm_combine_agg(const struct fpm_wish *ttft, const struct fpm_wish *itl, int64_t n);

#endif
