#include <stdlib.h>

#include "sim/routing/route.h"
#include "sim/routing/router_draws.h"

static enum status peek(void *state, struct pool *pool, const struct request *request,
                        uint32_t *place)
{
    (void)request;
    *place = (uint32_t)pcg64_below(router_draws_peek(state), pool->n_routable);
    return ST_OK;
}

const struct router_ops router_random = {
    .name = "random",
    .summary = "any routable worker, drawn from the run's seed",
    .create = router_draws_create,
    .release = free,
    .peek = peek,
    .commit = router_draws_commit,
};
