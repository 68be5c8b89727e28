#include "sim/router.h"
#include "sim/sim_internal.h"

static uint32_t pick(struct pool *pool, const struct request *request)
{
    (void)request;
    uint32_t best = 0;
    uint32_t least = UINT32_MAX;
    for (uint32_t i = 0; i < pool->n_routable && least > 0; i++) {
        uint32_t n = route_view_requests(pool->sim->workers[pool->routable[i]]);
        if (n < least) {
            least = n;
            best = i;
        }
    }
    return best;
}

const struct router_ops router_least_loaded = {
    .name = "least_loaded",
    .summary = "the routable worker with the fewest requests waiting or running",
    .pick = pick,
};
