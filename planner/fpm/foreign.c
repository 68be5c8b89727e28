/* Fields of Dynamo's planner configuration that mean nothing to the planner on forward-pass metrics
 * in a simulation. Those of the other generations that are simulated are their keys. */
#include "planner/fpm/config.h"
#include "planner/live_fields.h"

#define BEFORE "of ai-dynamo before 1.2"
#define TABLES "here the engine's times come from engine.profile of the scenario; leave it out"
#define PLUGINS "plugins of others are not simulated; leave it out"

const struct foreign_key fpm_foreign_keys[] = {
    PLANNER_LIVE_FIELDS,

    {"aic_interpolation", "of a deployment", TABLES},
    {"aic_perf_model", "of a deployment", TABLES},
    {"scheduling", "of a deployment", PLUGINS},
    {"plugin_registration", "of a deployment", PLUGINS},
    {"speculative_nextn", "of a deployment",
     "accept lengths are not published here, and without them it means nothing; leave it out"},
    {"enable_power_awareness", "of a deployment", "watts are not simulated; leave it out"},
    {"total_gpu_power_limit", "of a deployment", "watts are not simulated; leave it out"},
    {"no_operation", BEFORE, "here it is 'advisory'"},
    {"no_correction", BEFORE,
     "live observations have taken the place of corrections; leave it out"},
    {"load_learning_window", BEFORE, "here it is 'max_num_fpm_samples'"},
    {"load_metric_samples", BEFORE, "forward passes are read once an interval; leave it out"},
    {.name = NULL},
};
