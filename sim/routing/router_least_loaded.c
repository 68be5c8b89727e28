#include <math.h>

#include "sim/routing/route.h"
#include "sim/routing/router.h"

static enum status peek(void *state, struct pool *pool, const struct request *request,
                        uint32_t *place)
{
    (void)state;
    (void)request;
    const struct rank_load *view = route_view(pool->deployment);
    const uint32_t *rank = pool->routable_ranks;
    uint32_t n_ranks = pool->config->engine.n_ranks, best = 0;
    double least = INFINITY;
    for (uint32_t i = 0; i < pool->n_routable && least > 0; i++, rank += n_ranks) {
        double n = view[rank[0]].n_requests;
        for (uint32_t k = 1; k < n_ranks; k++)
            n += view[rank[k]].n_requests;
        if (n < least) {
            least = n;
            best = i;
        }
    }
    *place = best;
    return ST_OK;
}

const struct router_ops router_least_loaded = {
    .name = "least_loaded",
    .summary = "the routable worker with the fewest requests waiting or running",
    .peek = peek,
};
