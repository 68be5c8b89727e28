/* The planner against a trace without a fleet: one row per interval, replicas at once, correction
 * off. (Dynamo planner 1.0.2, `dryrun.py`.) */
#ifndef PLANNER_DYNAMO1_DRYRUN_H
#define PLANNER_DYNAMO1_DRYRUN_H

#include <stddef.h>
#include <stdint.h>

#include "planner/dynamo1/planner_core.h"
#include "planner/trace_windows.h"

struct dryrun_row {
    int64_t start_s;
    double n_requests, isl_tok, osl_tok; /* observed */
    struct traffic_forecast predicted;   /* made before it; row 0 repeats the observation */
    int64_t replicas[N_SIDES];           /* -1 = not of this mode */
    double load_tok[N_SIDES]; /* tokens of the interval: requests x ISL, requests x OSL; 0 = not of
                                 this mode */
    double safe_tok[N_SIDES]; /* tokens the replicas can do within target at these lengths; 0 = none
                                 can */
};

struct dryrun {
    struct planner_core core;
    const struct planner_config *config;
};

/* Refuses load scaling and agg mode. Otherwise as planner_core_init; release with dryrun_release,
 * also after a failure. Worker sizes that are not set count as 1 GPU. */
enum status dryrun_init(struct dryrun *r, struct arena *arena, const struct planner_config *config,
                        const struct planner_setup *setup, struct diag *d);
void dryrun_release(struct dryrun *r);

/* Values fed to the forecasts before the run, as from a warm-up trace. */
enum status dryrun_warm_up(struct dryrun *r, const struct trace_window *windows, size_t n,
                           struct diag *d);

/* `start` = replicas of row 0; `rows` has room for n. ST_INPUT names the row whose forecast or
 * count failed. */
enum status dryrun_run(struct dryrun *r, const struct trace_window *windows, size_t n,
                       const int64_t start[N_SIDES], struct dryrun_row *rows, struct diag *d);

/* Replicas for a given forecast, budget applied: one row's step. false: no count. */
bool dryrun_replicas(const struct dryrun *r, const struct traffic_forecast *next,
                     int64_t replicas[N_SIDES]);

#endif
