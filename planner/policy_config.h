/* Parameters of every policy, with Dynamo's own field names and defaults where one exists.
 * Read from `policy:` of a scenario, or from a Dynamo planner configuration file. */
#ifndef PLANNER_POLICY_CONFIG_H
#define PLANNER_POLICY_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/status.h"

struct policy_config {
    const char *type; /* "static", "planner" */

    /* planner: fields of Dynamo's planner configuration (spec: docs/planner.md, section 1). */
    const char *mode;                                /* disagg, prefill, decode, agg */
    bool enable_throughput_scaling;                  /* true */
    bool enable_load_scaling;                        /* false */
    int64_t throughput_adjustment_interval_s;        /* 180 */
    int64_t max_gpu_budget;                          /* 8; negative = no limit */
    int64_t min_endpoint;                            /* 1 */
    double ttft_ms, itl_ms;                          /* 500, 50; a scenario's sla is the default */
    const char *load_predictor;                      /* arima, constant, kalman, prophet */
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
    /* Known, checked, and without effect here: where the live planner finds things. */
    const char *namespace_name, *backend, *log_dir, *profile_results_dir, *model_name;
    const char *metric_pulling_prometheus_endpoint;
    int64_t metric_reporting_prometheus_port;

    /* planner: not in Dynamo. */
    unsigned fixes;     /* enum planner_fix bits; 0 = faithful */
    const char *compat; /* faithful, or fixed: every fix on */
    double
        start_delay_s; /* the planner's loops start that long after the run; NaN = 30, Dynamo's */
};

/* One scalar of a configuration, as its reader typed it. */
enum policy_value_kind { POLICY_NULL, POLICY_BOOL, POLICY_INT, POLICY_DOUBLE, POLICY_STRING };
struct policy_value {
    enum policy_value_kind kind;
    bool b;
    int64_t i;
    double d;
    const char *s; /* borrowed: lives as long as the configuration it is put into */
};

/* What a field holds. FIXES is a set: it is given one name per value, or several separated by
 * commas. */
enum policy_field_type {
    POLICY_FIELD_BOOL,
    POLICY_FIELD_INT,    /* int64_t; takes a double without fraction */
    POLICY_FIELD_DOUBLE, /* takes an integer */
    POLICY_FIELD_ENUM,   /* one of `choices` */
    POLICY_FIELD_STRING,
    POLICY_FIELD_FIXES
};

/* One field a user can set: the only list of them, used for reading, for checking, for the schema
 * of the scenario file and for help. */
struct policy_field {
    const char *name; /* Dynamo's name where Dynamo has the field */
    enum policy_field_type type;
    size_t offset;               /* in struct policy_config */
    double min, max;             /* INT and DOUBLE, both ends allowed */
    const char *const *choices;  /* ENUM, ended by NULL */
    struct policy_value preset;  /* the default; POLICY_NULL = unset */
    bool nullable;               /* null is allowed and means the default */
    bool dynamo;                 /* a field of Dynamo's own planner configuration file */
    const char *const *policies; /* types of policy it belongs to, ended by NULL */
    const char *doc;             /* one line */
};
extern const struct policy_field policy_fields[];               /* ended by name == NULL */
const struct policy_field *policy_field_find(const char *name); /* NULL when unknown */

/* Every field at its default, type as given. */
void policy_config_defaults(struct policy_config *config, const char *type);

/* Sets one field of config->type. ST_INPUT at `at` for an unknown name (with the near ones), a
 * field of another policy, a wrong type, a value out of range or not among the choices. FIXES adds
 * to what is set. `dynamo_only`: the value comes from Dynamo's own file, where only its fields
 * exist. */
enum status policy_config_set(struct policy_config *config, const char *name,
                              const struct policy_value *value, bool dynamo_only,
                              struct source_pos at, struct diag *d);

/* The rules across fields (those of the reference's validation), to be called once all fields are
 * set. Turning load scaling on also forces no_correction, as there. */
enum status policy_config_check(struct policy_config *config, struct source_pos at, struct diag *d);

#endif
