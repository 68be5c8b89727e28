/* Each deployment serves a class of requests. */
#ifndef SIM_ROUTING_ENDPOINT_CLASS_H
#define SIM_ROUTING_ENDPOINT_CLASS_H

#include "sim/routing/endpoint.h"

/* Lowest and highest, both included; none where the lowest is above the highest. */
struct request_class {
    int64_t isl_tok[2], osl_tok[2], priority[2]; /* all of them have to fit */
    int64_t also_priority[2];                    /* or this one alone */
};
#define REQUEST_CLASS_ANY                                                                          \
    {                                                                                              \
        0, INT64_MAX                                                                               \
    }
#define REQUEST_CLASS_NONE                                                                         \
    {                                                                                              \
        1, 0                                                                                       \
    }

/* Is nothing left for `later` behind `first`? */
bool request_class_hides(const struct request_class *first, const struct request_class *later);

/* The first whose also_priority a request fits counts, else the first that it fits. */
struct request_classes {
    size_t n;
    const struct request_class *of;
};
/* `n` when it fits none. */
size_t request_class_find(const struct request_classes *classes,
                          const struct trace_request *request);

#endif
