/* Fields of Dynamo's planner configuration by which a live planner finds things and says where its
 * own figures go: of every generation, and without bearing on a simulation. */
#ifndef PLANNER_LIVE_FIELDS_H
#define PLANNER_LIVE_FIELDS_H

#define PLANNER_LIVE_FIELD(field)                                                                  \
    {                                                                                              \
        field, NULL, NULL                                                                          \
    }
/* Rows of a table of struct foreign_key. */
#define PLANNER_LIVE_FIELDS                                                                        \
    PLANNER_LIVE_FIELD("namespace"), PLANNER_LIVE_FIELD("backend"), PLANNER_LIVE_FIELD("log_dir"), \
        PLANNER_LIVE_FIELD("profile_results_dir"), PLANNER_LIVE_FIELD("model_name"),               \
        PLANNER_LIVE_FIELD("metric_pulling_prometheus_endpoint"),                                  \
        PLANNER_LIVE_FIELD("metric_pulling_prometheus_token"),                                     \
        PLANNER_LIVE_FIELD("metric_pulling_prometheus_token_file"),                                \
        PLANNER_LIVE_FIELD("metric_pulling_prometheus_ssl_verify"),                                \
        PLANNER_LIVE_FIELD("metric_pulling_prometheus_extra_query_params"),                        \
        PLANNER_LIVE_FIELD("metric_pulling_prometheus_ca_bundle"),                                 \
        PLANNER_LIVE_FIELD("metric_pulling_prometheus_request_timeout_seconds"),                   \
        PLANNER_LIVE_FIELD("metric_reporting_prometheus_port"),                                    \
        PLANNER_LIVE_FIELD("control_api_port"), PLANNER_LIVE_FIELD("live_dashboard_port"),         \
        PLANNER_LIVE_FIELD("report_interval_hours"), PLANNER_LIVE_FIELD("report_output_dir"),      \
        PLANNER_LIVE_FIELD("report_filename"), PLANNER_LIVE_FIELD("report_write_gzip_log")

#endif
