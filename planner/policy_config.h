/* Parameters of every policy, with Dynamo's own field names and defaults where one exists.
 * Read from `policy:` of a scenario, or from a Dynamo planner configuration file. */
#ifndef PLANNER_POLICY_CONFIG_H
#define PLANNER_POLICY_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

struct policy_config {
    const char *type; /* "static", "planner" */

    /* planner: fields of Dynamo's planner configuration (spec: docs/planner.md, section 1). */
    const char *mode;                          /* disagg, prefill, decode, agg */
    bool enable_throughput_scaling;            /* true */
    bool enable_load_scaling;                  /* false */
    int64_t throughput_adjustment_interval_s;  /* 180 */
    int64_t max_gpu_budget;                    /* 8; negative = no limit */
    int64_t min_endpoint;                      /* 1 */
    double ttft_ms, itl_ms;                    /* 500, 50; a scenario's sla is the default */
    const char *load_predictor;                /* arima, constant, kalman, prophet */
    bool load_predictor_log1p;                 /* false */
    int64_t prophet_window_size;               /* 50 */
    double kalman_q_level, kalman_q_trend, kalman_r; /* 1, 0.1, 10 */
    int64_t kalman_min_points;                 /* 5 */
    bool no_correction;                        /* true */
    const char *throughput_metrics_source;     /* frontend, router */
    int64_t load_adjustment_interval_s;        /* 5 */
    int64_t load_learning_window;              /* 50 */
    int64_t load_metric_samples;               /* 10 */
    int64_t load_scaling_down_sensitivity;     /* 80 */
    int64_t load_min_observations;             /* 5 */
    const char *load_predictor_warmup_trace;   /* NULL */
};

#endif
