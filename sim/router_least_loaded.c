#include <math.h>

#include "sim/router.h"
#include "sim/sim_internal.h"

static uint32_t pick(struct pool *pool, const struct request *request)
{
    (void)request;
    uint32_t best = 0;
    double least = INFINITY;
    for (uint32_t i = 0; i < pool->n_routable && least > 0; i++) {
        double n = route_view_requests(pool, i);
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
