#include "sim/routing/route.h"
#include "sim/routing/router.h"

static uint32_t pick(struct pool *pool, const struct request *request)
{
    (void)request;
    return (uint32_t)pcg64_below(&pool->rng, pool->n_routable);
}

const struct router_ops router_random = {
    .name = "random",
    .summary = "any routable worker, drawn from the run's seed",
    .pick = pick,
};
