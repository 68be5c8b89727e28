/* Which worker of a pool gets a request. One router is one file ending in one const table;
 * `routers` is the only registry. */
#ifndef SIM_ROUTING_ROUTER_H
#define SIM_ROUTING_ROUTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pool;
struct request;

struct router_ops {
    const char *name;    /* what the user types */
    const char *summary; /* one line */
    bool publishes_load; /* keeps a page of its workers' gauges, for a policy to read */
    /* Index into the pool's list of routable workers (never empty here). Ties go to the lowest
     * worker id. */
    uint32_t (*pick)(struct pool *pool, const struct request *request);
    /* What routers know of the rank in that worker slot has changed. NULL: no matter. */
    void (*load_changed)(struct pool *pool, uint32_t slot);
};

extern const struct router_ops *const routers[];        /* ended by NULL */
const struct router_ops *router_find(const char *name); /* NULL when unknown */

#endif
