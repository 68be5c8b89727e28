/* One simulation run: requests against a fleet with a policy in the loop. */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include "record/observer.h"
#include "record/run_result.h"
#include "sim/state/config.h"
#include "traces/request_source.h"

/* Run to the end. `result` is large: keep it off the stack. Deterministic: the same config and
 * requests give the same calls of the observer in the same order. */
enum status sim_run(const struct sim_config *config, const struct request_source *source,
                    const struct observer *observer, struct run_result *result, struct diag *d);

#endif
