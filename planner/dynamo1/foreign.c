/* Fields of Dynamo's planner configuration that mean nothing to the planner of 1.0.2 in a
 * simulation: those of other versions, and those by which the live planner finds things. */
#include "planner/dynamo1/config.h"
#include "planner/live_fields.h"

#define LATER "of ai-dynamo 1.4.2 and later"
#define BEFORE "of Dynamo before 1.0"
#define RENAMED(field, versions, name)                                                             \
    {                                                                                              \
        field, versions, "here it is '" name "'"                                                   \
    }
#define SLA_ALONE "the planner of 1.0.2 scales by its targets alone (ttft, itl); leave it out"
#define SCALES_OTHERWISE                                                                           \
    "that rule came later and the planner of 1.0.2 scales without it; leave it out"
#define REGRESSION "here the load regression has 'load_learning_window' and 'load_metric_samples'"
#define TABLES "here the engine's times come from engine.profile of the scenario; leave it out"
#define PLUGINS "the planner of 1.0.2 has no plugins; leave it out"

const struct foreign_key planner_foreign_keys[] = {
    PLANNER_LIVE_FIELDS,

    RENAMED("ttft_ms", LATER, "ttft"),
    RENAMED("itl_ms", LATER, "itl"),
    RENAMED("throughput_adjustment_interval_seconds", LATER, "throughput_adjustment_interval"),
    RENAMED("load_adjustment_interval_seconds", LATER, "load_adjustment_interval"),
    RENAMED("advisory", LATER, "no_operation"),
    {"optimization_target", LATER, SLA_ALONE},
    {"min_gpu_budget", LATER, "here 'min_endpoint' is the least"},
    {"aic_interpolation", LATER, TABLES},
    {"aic_perf_model", "of ai-dynamo 1.4.2", TABLES},
    {"ais_perf_model", "of ai-dynamo 1.6.1", TABLES},
    {"max_num_fpm_samples", LATER, REGRESSION},
    {"fpm_sample_bucket_size", LATER, REGRESSION},
    {"prefill_scale_up_queue_tokens", LATER, SCALES_OTHERWISE},
    {"prefill_scale_down_queue_tokens", LATER, SCALES_OTHERWISE},
    {"decode_scale_up_kv_rate", LATER, SCALES_OTHERWISE},
    {"decode_scale_down_kv_rate", LATER, SCALES_OTHERWISE},
    {"speculative_nextn", LATER, "here engine.draft_tokens of the scenario says it"},
    {"scheduling", LATER, PLUGINS},
    {"plugin_registration", LATER, PLUGINS},
    {"max_throughput_scaling_replicas", "of ai-dynamo 1.6.1", SCALES_OTHERWISE},
    {"prefill_min_endpoint", "of ai-dynamo 1.6.1", "here 'min_endpoint' holds for every pool"},
    {"decode_min_endpoint", "of ai-dynamo 1.6.1", "here 'min_endpoint' holds for every pool"},
    {"enable_power_awareness", "of ai-dynamo 1.6.1", SCALES_OTHERWISE},
    {"total_gpu_power_limit", "of ai-dynamo 1.6.1", SCALES_OTHERWISE},

    RENAMED("adjustment_interval", BEFORE, "throughput_adjustment_interval"),
    RENAMED("load_prediction_window_size", BEFORE, "prophet_window_size"),
    RENAMED("enable_loadbased_scaling", BEFORE, "enable_load_scaling"),
    {"disable_throughput_scaling", BEFORE, "here it is 'enable_throughput_scaling', the other way"},
    RENAMED("loadbased_router_metrics_url", BEFORE, "load_router_metrics_url"),
    RENAMED("loadbased_adjustment_interval", BEFORE, "load_adjustment_interval"),
    RENAMED("loadbased_learning_window", BEFORE, "load_learning_window"),
    RENAMED("loadbased_scaling_down_sensitivity", BEFORE, "load_scaling_down_sensitivity"),
    RENAMED("loadbased_metric_samples", BEFORE, "load_metric_samples"),
    RENAMED("loadbased_min_observations", BEFORE, "load_min_observations"),
    {.name = NULL},
};
