/* The planner's two loops as functions: what one throughput tick and one load round decide.
 *
 * No time and no connector here: policy_planner.c decides when these run and how requests travel.
 * Behaviour is that of Dynamo planner 1.0.2, `planner_core.py` and its three subclasses;
 * docs/planner.md has it in prose. */
#ifndef PLANNER_DYNAMO1_PLANNER_CORE_H
#define PLANNER_DYNAMO1_PLANNER_CORE_H

#include <stdbool.h>
#include <stdint.h>

#include "planner/dynamo1/config.h"
#include "planner/dynamo1/gauges.h"
#include "planner/dynamo1/load_scaling.h"
#include "planner/dynamo1/perf_model.h"
#include "planner/dynamo1/throughput.h"
#include "planner/forecast/predictor.h"
#include "planner/mode.h"
#include "util/arena.h"
#include "util/status.h"

/* The three forecasts of one side. */
struct forecaster {
    struct predictor n_requests, isl_tok, osl_tok;
};

struct planner_core {
    const struct planner_config *config; /* borrowed */
    enum planner_mode mode;
    int64_t gpus[N_SIDES]; /* of one worker, >= 1 */

    /* Throughput scaling; models are NULL where it is off. */
    const struct prefill_model *prefill;
    const struct decode_model *decode;
    struct forecaster forecasters[N_SIDES];
    double correction[N_SIDES]; /* 1 at the start, kept from tick to tick */
    int64_t floor[N_SIDES];     /* lower bounds for the load rule, 1 at the start */

    /* Load scaling. */
    bool no_gauges[N_SIDES]; /* nobody publishes them: for the reasons */
    struct gauge_buffer pages;
    struct load_metrics metrics[N_SIDES];
    struct regression ttft, itl;
};

struct planner_setup {
    const struct prefill_model *prefill; /* as far as the mode needs them for throughput scaling */
    const struct decode_model *decode;
    int64_t gpus[N_SIDES];
    bool no_gauges[N_SIDES];
};

/* The configuration has passed planner_config_check. What is not in the arena is freed by
 * planner_core_release, also after a failure. */
enum status planner_core_init(struct planner_core *core, struct arena *arena,
                              const struct planner_config *config,
                              const struct planner_setup *setup, struct diag *d);
void planner_core_release(struct planner_core *core);

/* Feed one interval's count and mean lengths to every forecast. ST_NOMEM is the only failure, here
 * and below. */
enum status planner_core_feed(struct planner_core *core, double n_requests, double isl_tok,
                              double osl_tok, struct diag *d);
/* After a warm-up: leading zeros are discarded again, the history stays. */
void planner_core_reset_idle(struct planner_core *core);
/* One interval ahead. false: one of the three forecasts failed. */
bool planner_core_forecast(struct planner_core *core, enum planner_side side,
                           struct traffic_forecast *next);

struct replica_rule planner_core_rule(const struct planner_core *core, enum planner_side side);
struct gpu_budget planner_core_budget(const struct planner_core *core);

enum plan_state {
    PLAN_NOT_ASKED,
    PLAN_READY,
    PLAN_INVALID_TRAFFIC,
    PLAN_NO_CORRECTION,
    PLAN_NO_FORECAST,
    PLAN_NO_COUNT
};
struct side_plan {
    enum plan_state state;
    bool has_forecast;
    struct traffic_forecast next;
    double correction; /* after this tick */
    struct replica_basis basis;
    int64_t replicas; /* PLAN_READY */
};

/* Validity, correction, forecast, count for one side, in this order. */
struct side_plan planner_core_plan(struct planner_core *core, enum planner_side side,
                                   const struct traffic_means *seen, int64_t n_decode_workers);

/* The same with a forecast from elsewhere; NULL = it failed. */
struct side_plan planner_core_plan_for(struct planner_core *core, enum planner_side side,
                                       const struct traffic_means *seen, int64_t n_decode_workers,
                                       const struct traffic_forecast *next);

struct throughput_outcome {
    struct traffic_means seen;
    struct side_plan plan[N_SIDES];
    bool complete; /* every side of the mode has a plan */
    bool as_floor; /* stored as lower bounds; no request */
    bool held;     /* the budget-hold fix kept a request back */
    bool request;
    int64_t target[N_SIDES]; /* with request: after the budget; -1 = not of this mode */
};
/* One tick: feed, plan, and budget or floors. n_workers are the deployment's counts. */
enum status planner_core_throughput(struct planner_core *core, const struct traffic_means *seen,
                                    const int64_t n_workers[N_SIDES],
                                    struct throughput_outcome *outcome, struct diag *d);

enum load_state {
    LOAD_COUNT_MISMATCH, /* gauges and deployment disagree */
    LOAD_UNSTABLE,       /* the wait-stable fix */
    LOAD_NO_CHANGE,
    LOAD_HELD, /* the budget-hold fix */
    LOAD_REQUEST
};
struct load_outcome {
    enum load_state state;
    int64_t n_workers[N_SIDES];
    size_t n_recent[N_SIDES];
    struct load_verdict verdict[N_SIDES]; /* agg: both about the same workers */
    int64_t desired[N_SIDES]; /* by the rule, before floors and budget; -1 = no decision */
    int64_t target[N_SIDES];  /* LOAD_REQUEST; -1 = not of this mode */
};
/* One page of gauges into the sample buffer; the page is emptied. */
void planner_core_sample(struct planner_core *core, struct gauge_page *page);
/* One round: observe, check counts, decide. `stable`: no rollout in progress. */
enum status planner_core_load(struct planner_core *core, const int64_t n_workers[N_SIDES],
                              bool stable, struct load_outcome *outcome, struct diag *d);

/* One line that says why, from the records above. */
void throughput_reason(char *text, size_t size, const struct planner_core *core,
                       const struct throughput_outcome *o, const int64_t n_workers[N_SIDES]);
void load_reason(char *text, size_t size, const struct planner_core *core,
                 const struct load_outcome *o);

#endif
