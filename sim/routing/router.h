/* Which worker of a pool gets a request. One router is one file ending in one const table, and its
 * state is its own; the list in router.c is the only registry. */
#ifndef SIM_ROUTING_ROUTER_H
#define SIM_ROUTING_ROUTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/status.h"

struct pool;
struct request;
struct worker;

/* A function that is NULL has nothing to do. `state` is what `create` made, one for each pool. A
 * failure leaves its message in the diag of its run. */
struct router_ops {
    const char *name;    /* what the user types */
    const char *summary; /* one line */
    bool publishes_load; /* keeps a page of its workers' gauges, for a policy to read */

    enum status (*create)(void **state, const struct pool *pool);
    void (*release)(void *state);

    /* *place: index into the pool's list of routable workers, which is not empty. Ties go to the
     * lowest worker id. Called again for the same request, it says the same. */
    enum status (*peek)(void *state, struct pool *pool, const struct request *request,
                        uint32_t *place);
    /* The request goes where the last peek has said. */
    void (*commit)(void *state, const struct pool *pool, uint32_t place);

    /* A worker is in the list of routable workers now, with what is bound to it; and no longer. */
    enum status (*joined)(void *state, const struct pool *pool, const struct worker *leader);
    void (*left)(void *state, const struct pool *pool, const struct worker *leader);
    /* What routers know of the rank in that worker slot has changed: of one that has joined, be it
     * that it has left since. Called once right after it has joined. */
    void (*load_changed)(void *state, const struct pool *pool, uint32_t slot);
};

extern const struct router_ops *const routers[];        /* ended by NULL */
const struct router_ops *router_find(const char *name); /* NULL when unknown */

#endif
