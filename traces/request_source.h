/* Where the requests of a run come from, whatever it is: a file as it is read (traces/trace.h), a
 * table that many runs share (traces/trace_table.h), or clients that wait for their answers
 * (traces/clients.h), a rate told over time (traces/open_load.h). A simulator pulls one request
 * after the other. */
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

    /* Of a source whose requests depend on how earlier ones go; NULL for any other. Such a source
     * may also say, by an arrival at TIME_NEVER, that none is known until one has ended. */

    /* A request that was delivered and has arrived has ended at at_ns, however it ended. `index`
     * counts the delivered ones from 0, at_ns never decreases. */
    enum status (*done)(void *state, uint64_t index, int64_t at_ns, struct diag *d);
    /* The request delivered last has not arrived yet: the next call of `next` gives it again, or
     * one that has become known to arrive before it. */
    void (*put_back)(void *state);
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
