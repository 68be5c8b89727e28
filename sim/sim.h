/* One simulation run: requests against fleets, each with a policy in the loop, on one cluster. */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include "record/observer.h"
#include "record/run_result.h"
#include "sim/state/config.h"
#include "traces/request_source.h"

/* Run to the end: of the last deployment, with what the others do until then. `sources` and
 * `results` have one item for each deployment; results are large: keep them off the stack.
 * Deterministic: the same config and requests give the same calls of the observer in the same
 * order. */
enum status sim_run(const struct sim_config *config, const struct request_source *sources,
                    const struct observer *observer, struct run_result *results, struct diag *d);

#endif
