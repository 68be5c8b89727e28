/* From a scenario to a run that can start: the only place that composes traces, profiles, latency
 * models, routers and policies. */
#ifndef SCENARIOS_COMPOSE_BUILD_H
#define SCENARIOS_COMPOSE_BUILD_H

#include "dynosim/dynosim.h"
#include "engines/latency/decode_rate.h"
#include "reports/recorder.h"
#include "scenarios/compose/checks.h"
#include "scenarios/compose/requests.h"
#include "scenarios/compose/resources.h"
#include "scenarios/keys/scenario.h"
#include "sim/state/config.h"

struct simulator_ops;

/* What is of one deployment, beside its config. */
struct deployment_run {
    const struct scenario *scenario; /* as the deployment has it */
    /* Of each pool, with nothing left open, and the name of the overheads in it. */
    struct engine_settings engines[POLICY_MAX_POOLS];
    const char *overheads[POLICY_MAX_POOLS];
    struct decode_engine decode_engines[POLICY_MAX_POOLS]; /* for the info */
    struct scenario_requests requests;
};

/* Stays where it was built: config and sources point into it. */
struct scenario_run {
    const struct simulator_ops *simulator;
    struct sim_config config;
    /* One of each for every deployment, config.n_deployments of them; in the arena. */
    struct deployment_run *deployments;
    struct deployment_config *configs; /* config.deployments */
    struct run_info *infos;            /* for the recorder; version is left to the caller */
    struct run_info whole;             /* with the key `deployments`: of all of them */
    struct dynosim_config dynosim;     /* compat: dynosim; made of config */
};

/* The profile of a pool that is present. Errors as of scenario_build. */
enum status scenario_load_profile(const struct scenario *scenario, enum pool_role role,
                                  struct run_resources *resources, const struct profile **profile,
                                  struct diag *d);

/* share_trace as of scenario_requests_open. The scenario, the arena and the resources must outlive
 * the run. The run is valid only after ST_OK, and is released then. Errors name the key at fault,
 * or the line of the trace. */
enum status scenario_build(struct scenario_run *run, const struct scenario *scenario,
                           struct arena *arena, struct run_resources *resources, bool share_trace,
                           struct diag *d);
/* What the checks look at of a deployment; notes go into its info. */
struct checked scenario_run_checked(struct scenario_run *run, size_t index, struct arena *arena);
void scenario_run_release(struct scenario_run *run);

#endif
