/* From what a metrics server says to the six means a throughput plan rests on. Two sources: the
 * frontends' own series, or the router's. (Dynamo planner 1.0.2, `prometheus.py`.) */
#ifndef PLANNER_METRIC_SOURCE_H
#define PLANNER_METRIC_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

#include "planner/policy.h"

/* Mean traffic of one interval, as the planner sees it. NaN = not known. */
struct traffic_means {
    double ttft_ms, itl_ms, n_requests, duration_s, isl_tok, osl_tok;
};

/* Can a plan be made on it? All six must be numbers. */
bool traffic_is_valid(const struct traffic_means *t);
/* The first one that is not a number, NULL when all are. */
const char *traffic_missing(const struct traffic_means *t);

/* One row of a query's answer. */
struct metric_series {
    const char *model, *namespace_name; /* labels; NULL = absent */
    bool readable;                      /* false: the entry is malformed */
    double value;
};

/* Frontend: the unweighted mean, or the sum, over readable series whose model matches ignoring case
 * and whose namespace matches exactly. 0 when there is none; NaN if any of them is NaN. */
double frontend_mean(const struct metric_series *series, size_t n, const char *model,
                     const char *namespace_name);
double frontend_sum(const struct metric_series *series, size_t n, const char *model,
                    const char *namespace_name);
/* Router: the first row; 0 when there is none, it is malformed, or it is NaN. */
double router_value(const struct metric_series *series, size_t n);

/* The same from the counters of one window, as one frontend or one router would have counted. An
 * idle window gives NaN means with the frontend and zeros with the router; a series that does not
 * exist gives 0 with both. The router's request duration is 0, unless `knows_duration`. */
struct traffic_means frontend_traffic(const struct traffic_window *w);
struct traffic_means router_traffic(const struct traffic_window *w, bool knows_duration);

#endif
