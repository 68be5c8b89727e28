/* The requests of a file that stand in any order: all of them in memory, then one after the other
 * by arrival. */
#ifndef TRACES_SORTED_H
#define TRACES_SORTED_H

#include "traces/trace.h"
#include "util/status.h"

struct sorted_request {
    struct trace_request request; /* as it was added; the block ids point into the list */
    unsigned long line;
    size_t ids_at;
};

/* The zero value is an empty list. */
struct sorted_requests {
    struct sorted_request *item;
    uint64_t *id; /* of all of them */
    size_t n, capacity, n_ids, ids_capacity, n_taken;
};

enum status sorted_add(struct sorted_requests *list, const struct trace_request *request,
                       unsigned long line, struct diag *d);
/* After the last one was added: by arrival, those of the same time by line. */
void sorted_finish(struct sorted_requests *list);
/* The next, borrowed from the list, or NULL after the last. */
const struct sorted_request *sorted_take(struct sorted_requests *list);
void sorted_free(struct sorted_requests *list);

#endif
