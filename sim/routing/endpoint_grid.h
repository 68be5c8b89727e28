/* Pools of several deployments chosen by grids over lengths and targets of requests, the prefill
 * pool apart from the decode pool. (Dynamo global router 1.2.1 and 1.4.2.) */
#ifndef SIM_ROUTING_ENDPOINT_GRID_H
#define SIM_ROUTING_ENDPOINT_GRID_H

#include "planner/pool_choice.h"
#include "sim/routing/endpoint.h"

/* Requests of such priorities have these targets. */
struct target_class {
    int64_t priority[2];    /* both included */
    double ttft_ms, itl_ms; /* NaN = it says none */
};

/* Pools are the indices of their deployments. */
struct endpoint_pools {
    const struct pool_choice *prefill; /* rows: ISL; columns: TTFT target, ms */
    const struct pool_choice *decode; /* rows: ISL, what there is of context; columns: ITL target */
    const struct pool_choice *agg; /* planes: ISL, or none; rows: TTFT target; columns: ITL target.
                                      NULL with the other two, which are NULL with it */
    bool retry; /* in the next of the faster pools where no worker of the chosen one takes requests;
                   those of lower index are faster */
    size_t n_classes;
    const struct target_class *classes; /* the first that fits */
    double ttft_ms, itl_ms; /* targets of requests that have none; NaN = the middle of the range */
};

#endif
