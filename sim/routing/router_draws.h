/* The draws of a router, from a stream of its pool. Those of a peek count only if it is committed:
 * they are made ahead of the stream. */
#ifndef SIM_ROUTING_ROUTER_DRAWS_H
#define SIM_ROUTING_ROUTER_DRAWS_H

#include "sim/routing/router.h"
#include "util/pcg.h"

struct router_draws {
    struct pcg64 rng, ahead;
};

void router_draws_init(struct router_draws *draws, const struct pool *pool);
static inline struct pcg64 *router_draws_peek(struct router_draws *draws)
{
    draws->ahead = draws->rng;
    return &draws->ahead;
}
static inline void router_draws_keep(struct router_draws *draws)
{
    draws->rng = draws->ahead;
}

/* For a router whose state this is and no more. Released by free. */
enum status router_draws_create(void **state, const struct pool *pool);
void router_draws_commit(void *state, const struct pool *pool, uint32_t place);

#endif
