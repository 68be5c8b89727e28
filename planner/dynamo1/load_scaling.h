/* Load-based scaling: what one round learns from the gauges, and which way each pool wants to go.
 * (Dynamo planner 1.0.2: `planner_core.py`, `prefill_planner.py`, `decode_planner.py`,
 * `agg_planner.py`.) */
#ifndef PLANNER_DYNAMO1_LOAD_SCALING_H
#define PLANNER_DYNAMO1_LOAD_SCALING_H

#include <stdbool.h>
#include <stdint.h>

#include "planner/dynamo1/gauges.h"
#include "planner/dynamo1/regression.h"

/* Feed a regression with the workers of a page: prefill as (active prefill tokens + last ISL, last
 * TTFT in ms), decode as (active blocks, last ITL in ms). Workers whose latency or load is not
 * positive are left out. */
void load_observe_prefill(struct regression *r, const struct gauge_page *workers);
void load_observe_decode(struct regression *r, const struct gauge_page *workers);

enum load_wish { LOAD_KEEP, LOAD_UP, LOAD_DOWN };

/* Why a wish is what it is. */
enum load_cause {
    LOAD_FEW_OBSERVATIONS,
    LOAD_NO_METRICS,
    LOAD_UNREACHABLE, /* the target leaves no load at all */
    LOAD_ALL_ABOVE,
    LOAD_ALL_BELOW,
    LOAD_BETWEEN
};

struct load_rule {
    double target_ms;
    int64_t n_workers;
    double sensitivity;  /* load_scaling_down_sensitivity / 100 */
    bool unreachable_up; /* the fix */
};

struct load_verdict {
    enum load_wish wish;
    enum load_cause cause;
    double x_sla;       /* load at which the line reaches the target; NaN = no answer */
    double limit;       /* per worker, what is compared: x_sla less the mean prompt for prefill */
    double boundary;    /* below which all must be to go down; NaN = not looked at */
    double least, most; /* load of the workers, for the record; NaN = there is none */
    size_t n_observed;
};

struct load_verdict load_judge_prefill(const struct regression *r, const struct load_metrics *m,
                                       const struct load_rule *rule);
struct load_verdict load_judge_decode(const struct regression *r, const struct load_metrics *m,
                                      const struct load_rule *rule);

/* Aggregated workers: up if either wants up, down only if both want down. */
enum load_wish load_combine(enum load_wish prefill, enum load_wish decode);

#endif
