/* The simulators that a scenario can ask for with `compat`. The list is all that the keys need to
 * know; what the functions do is in scenarios/compose/. */
#ifndef SCENARIOS_KEYS_SIMULATOR_H
#define SCENARIOS_KEYS_SIMULATOR_H

#include <stdbool.h>

#include "record/observer.h"
#include "record/run_result.h"
#include "util/status.h"

struct scenario;
struct scenario_run;
struct shared;

struct simulator_ops {
    const char *name; /* what the user types */

    bool takes_speedup;        /* divides arrivals itself: the source leaves them as recorded */
    bool any_router_publishes; /* gauges of workers do not depend on the router */
    bool bare_engines;         /* knows no overheads, and tables of whole steps alone */
    bool has_exact_stepper;    /* sim_config.exact_stepper */
    bool has_deployments;      /* several in one run */
    double start_delay_s;      /* of a policy that is told none; NaN: the policy's own */

    /* What it needs beside the run's sim_config, shared (util/shared.h). ST_INPUT
     * names a key that it cannot be told. */
    enum status (*build)(struct scenario_run *run, const struct scenario *scenario,
                         struct shared *shared, struct diag *d);
    /* A result for each deployment. */
    enum status (*simulate)(const struct scenario_run *run, const struct observer *observer,
                            struct run_result *results, struct diag *d);
};

extern const struct simulator_ops simulator_none, simulator_dynosim;
extern const struct simulator_ops *const simulators[];        /* ended by NULL */
const struct simulator_ops *simulator_find(const char *name); /* NULL when unknown */

#endif
