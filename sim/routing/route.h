/* A request to one of a pool's workers: what the routers know, requests held back, prompts that
 * skip the prefill pool. */
#ifndef SIM_ROUTING_ROUTE_H
#define SIM_ROUTING_ROUTE_H

#include "sim/worker/worker.h"

enum status route_init(struct pool *pool); /* its router */
void route_release(struct pool *pool);
enum status route_joined(struct worker *leader); /* pool->routable */
void route_left(const struct worker *leader);
enum status route_new(struct sim *sim, uint32_t id); /* one that comes from its client */
/* To one of the pool's workers; held back while none takes it. */
enum status route_to_pool(struct sim *sim, struct pool *pool, uint32_t id);
enum status route_unrouted(struct sim *sim, struct pool *pool); /* those that find a worker now */
bool route_waits_for_view(
    const struct deployment *d); /* requests are held until the workers publish */
const struct rank_load *
route_view(const struct deployment *d); /* what routers know of each rank, by worker slot */
double route_view_requests(const struct pool *pool,
                           uint32_t i);    /* bound to routable worker i, as far as they know */
void route_publish(struct worker *leader); /* now, what routers know of it is what is */
void route_publish_all(struct deployment *d);

#endif
