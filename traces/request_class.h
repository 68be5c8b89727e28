/* One stream of requests behind which several fleets stand: which of them serves a request, and the
 * source of what one of them serves. */
#ifndef TRACES_REQUEST_CLASS_H
#define TRACES_REQUEST_CLASS_H

#include <stdbool.h>
#include <stddef.h>

#include "traces/request_source.h"

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

/* The requests of one class, as they come in `all`; those of the other classes are passed over. The
 * digest is of its own. Borrows all of it, and stays where it is while its source is used. */
struct class_filter {
    struct request_source all; /* none that waits for answers: no `done` */
    const struct request_classes *classes;
    size_t own;
    uint64_t n_seen, digest;
};
void class_filter_init(struct class_filter *filter, const struct request_source *all,
                       const struct request_classes *classes, size_t own);
/* `next` also fails with ST_INPUT at a request of no class. */
struct request_source class_filter_source(struct class_filter *filter);

#endif
