#include "sim/routing/route.h"
#include "sim/routing/router.h"

static uint32_t pick(struct pool *pool, const struct request *request)
{
    (void)request;
    return (uint32_t)(pool->round_robin++ % pool->n_routable);
}

const struct router_ops router_round_robin = {
    .name = "round_robin",
    .summary = "each routable worker in turn, by id",
    .pick = pick,
};
