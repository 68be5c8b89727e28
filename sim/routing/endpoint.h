/* One stream of requests with several deployments behind it: who gets a request. One way to say is
 * one file ending in one const table; the list in endpoint.c is the only registry. */
#ifndef SIM_ROUTING_ENDPOINT_H
#define SIM_ROUTING_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "traces/trace.h"
#include "util/status.h"

/* Indices of deployments. */
struct endpoint_choice {
    size_t entry;    /* whose pool agg, or prefill, gets it */
    size_t decode;   /* whose pool decode then; that of `entry` where it has agg */
    uint32_t target; /* which of sim_config.targets it is judged by, counted from 1; 0 = those of
                        entry */
};

/* What can be seen of the deployments. */
struct endpoint_view {
    const void *context;
    /* Does a worker of its pool decode (else agg or prefill) take requests now? */
    bool (*serves)(const void *context, size_t deployment, bool decode);
    uint64_t number; /* of the request, from 1 */
};

struct endpoint_ops {
    const char *name;    /* what the user types */
    const char *summary; /* one line */
    /* ST_INPUT: it is for none. */
    enum status (*choose)(const void *state, const struct endpoint_view *view,
                          const struct trace_request *request, struct endpoint_choice *to,
                          struct diag *d);
};

extern const struct endpoint_ops endpoint_class; /* state: struct request_classes */
extern const struct endpoint_ops endpoint_grid;  /* state: struct endpoint_pools */

extern const struct endpoint_ops *const endpoints[];        /* ended by NULL */
const struct endpoint_ops *endpoint_find(const char *name); /* NULL: none is called so */

#endif
