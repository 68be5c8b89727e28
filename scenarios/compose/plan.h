/* The planner's dry run on the trace of a scenario: what it would have forecast and asked for in
 * each interval, had it seen the trace as it is. No workers and no latencies: replicas take effect
 * at once and corrections are off. */
#ifndef SCENARIOS_COMPOSE_PLAN_H
#define SCENARIOS_COMPOSE_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include "engines/profile/profile.h"
#include "planner/dynamo1/dryrun.h"
#include "planner/forecast/forecast_error.h"
#include "scenarios/compose/checks.h"
#include "scenarios/compose/resources.h"
#include "scenarios/keys/scenario.h"

enum plan_series { PLAN_REQUESTS, PLAN_ISL, PLAN_OSL, N_PLAN_SERIES };
extern const char *const plan_series_names[N_PLAN_SERIES]; /* "n_requests", "isl_tok", "osl_tok" */
/* The series out of what was observed, and out of a forecast. */
double plan_observed(const struct dryrun_row *row, enum plan_series series);
double plan_predicted(const struct dryrun_row *row, enum plan_series series);

/* The dry run with one predictor. */
struct predictor_plan {
    const char *predictor;
    const struct dryrun_row *rows; /* one per interval; row 0 has no forecast of its own */
    struct forecast_error error[N_PLAN_SERIES]; /* over rows 1 and up */
    double gpu_hours;
    /* Intervals from row 1 on with fewer replicas, of any pool, than the planner would have asked
     * for had it known the traffic. */
    size_t n_short;
};

struct plan {
    int64_t interval_s;
    size_t n_rows;
    bool has_side[N_SIDES];
    int64_t gpus[N_SIDES]; /* of one worker */
    size_t n;
    const struct predictor_plan *plans;
    struct run_notes notes;
};

/* With the predictor of the scenario, or with every one. Start replicas are those of the pools, the
 * trace is read whole. Everything is in the arena. ST_INPUT, naming the key, for what a dry run
 * does not have: another policy, load scaling, agg mode. */
enum status scenario_plan(struct plan *plan, const struct scenario *scenario, struct arena *arena,
                          struct run_resources *resources, bool all_predictors, struct diag *d);

#endif
