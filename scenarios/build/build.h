/* From a scenario to a run that can start: the only place that composes traces, profiles, latency
 * models, routers and policies. */
#ifndef SCENARIOS_BUILD_BUILD_H
#define SCENARIOS_BUILD_BUILD_H

#include "dynosim/dynosim.h"
#include "reports/recorder.h"
#include "scenarios/keys/scenario.h"
#include "sim/state/config.h"
#include "sim/sim.h"

struct scenario_run {
    bool is_dynosim; /* compat: dynosim; config then holds the policy and the profiles only */
    struct dynosim_config dynosim;
    struct sim_config config;
    struct trace_reader *trace; /* open, at its first request */
    struct run_info info;       /* for the recorder; version is left to the caller */
};

/* The profile of a pool that is present, and the trace, opened at its first request. Errors as of
 * scenario_build. */
enum status scenario_load_profile(const struct scenario *scenario, enum pool_role role,
                                  struct arena *arena, const struct profile_search *search,
                                  const struct profile **profile, struct diag *d);
enum status scenario_open_trace(const struct scenario *scenario, struct trace_reader **reader,
                                struct diag *d);

/* The scenario and the arena must outlive the run. The run is valid only after ST_OK, and is
 * released then. Errors name the key at fault, or the line of the trace. */
enum status scenario_build(struct scenario_run *run, const struct scenario *scenario,
                           struct arena *arena, const struct profile_search *search,
                           struct diag *d);
/* Run to the end with the engine the scenario asks for. */
enum status scenario_run_simulate(struct scenario_run *run, const struct observer *observer,
                                  struct run_result *result, struct diag *d);
void scenario_run_release(struct scenario_run *run);

#endif
