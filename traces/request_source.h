/* Where the requests of a run come from, whatever it is: a file as it is read (traces/trace.h), or
 * a table that many runs share (traces/trace_table.h). A simulator pulls one request after the
 * other.
 */
#ifndef TRACES_REQUEST_SOURCE_H
#define TRACES_REQUEST_SOURCE_H

#include <stdint.h>

#include "traces/trace.h"
#include "util/status.h"

struct request_source_ops {
    /* The next request in order of arrival, its block ids valid until the next call. ST_OK, ST_END
     * after the last (then again at every call), or an error. */
    enum status (*next)(void *state, struct trace_request *request, struct diag *d);
    double (*progress)(const void *state); /* share that is delivered, 0 to 1 */
    uint64_t (*digest)(const void *state); /* as trace_digest, of the requests delivered so far */
};

/* Used by one run, once. The state belongs to who made it. */
struct request_source {
    const struct request_source_ops *ops;
    void *state;
};

static inline enum status request_source_next(const struct request_source *source,
                                              struct trace_request *request, struct diag *d)
{
    return source->ops->next(source->state, request, d);
}

static inline double request_source_progress(const struct request_source *source)
{
    return source->ops->progress(source->state);
}

static inline uint64_t request_source_digest(const struct request_source *source)
{
    return source->ops->digest(source->state);
}

/* The requests of an open reader, which must outlive the source. */
struct request_source trace_reader_source(struct trace_reader *reader);

/* The digest of requests, one by one, from request_digest_begin on. */
uint64_t request_digest_begin(void);
uint64_t request_digest_add(uint64_t digest, const struct trace_request *request);

#endif
