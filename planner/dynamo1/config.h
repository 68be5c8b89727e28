/* Configuration of Dynamo's planner, first generation, with Dynamo's own field names and defaults
 * where Dynamo has the field. (Spec: docs/planner.md, section 1.) */
#ifndef PLANNER_DYNAMO1_CONFIG_H
#define PLANNER_DYNAMO1_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "planner/policy.h"
#include "util/key.h"
#include "util/status.h"

struct planner_config {
    const char *mode;                                /* disagg, prefill, decode, agg */
    bool enable_throughput_scaling;                  /* true */
    bool enable_load_scaling;                        /* false */
    int64_t throughput_adjustment_interval_s;        /* 180 */
    int64_t max_gpu_budget;                          /* 8; negative = no limit */
    int64_t min_endpoint;                            /* 1 */
    double ttft_ms, itl_ms;                          /* 500, 50; a scenario's sla is the default */
    const char *load_predictor;                      /* one of predictors[]; arima */
    bool load_predictor_log1p;                       /* false */
    int64_t prophet_window_size;                     /* 50 */
    double kalman_q_level, kalman_q_trend, kalman_r; /* 1, 0.1, 10 */
    int64_t kalman_min_points;                       /* 5 */
    bool no_correction;                              /* true */
    const char *throughput_metrics_source;           /* frontend, router */
    int64_t load_adjustment_interval_s;              /* 5 */
    int64_t load_learning_window;                    /* 50 */
    int64_t load_metric_samples;                     /* 10 */
    int64_t load_scaling_down_sensitivity;           /* 80 */
    int64_t load_min_observations;                   /* 5 */
    const char *load_predictor_warmup_trace;         /* NULL */

    const char *environment;                  /* kubernetes, virtual, global-planner */
    int64_t prefill_engine_num_gpu;           /* 0 = taken from the deployment */
    int64_t decode_engine_num_gpu;            /* 0 = taken from the deployment */
    bool no_operation;                        /* plan and report, but ask for nothing */
    const char *pre_deployment_sweeping_mode; /* rapid, thorough, none */
    const char *load_router_metrics_url;      /* NULL */
    const char *global_planner_namespace;     /* NULL */

    /* Not in Dynamo. */
    unsigned fixes;       /* enum planner_fix bits; 0 = faithful */
    const char *compat;   /* faithful, or fixed: every fix on */
    double start_delay_s; /* the loops start that long after the run; NaN = as the setup says */
};

extern const struct key planner_keys[]; /* ended by name NULL */
extern const struct foreign_key planner_foreign_keys[];

/* The rules across fields (those of the reference's validation), to be called once all fields are
 * set. Turning load scaling on also forces no_correction, as there; compat `fixed` sets the fixes.
 */
enum status planner_config_check(struct planner_config *config, struct source_pos at,
                                 struct diag *d);

#endif
