#include "sim/routing/router_draws.h"

#include <stdlib.h>

#include "sim/state/state.h"

void router_draws_init(struct router_draws *draws, const struct pool *pool)
{
    deployment_stream(pool->deployment, &draws->rng, "router", pool->index);
}

enum status router_draws_create(void **state, const struct pool *pool)
{
    struct router_draws *draws = malloc(sizeof *draws);
    if (!draws)
        return diag_nomem(pool->deployment->sim->diag, "router");
    router_draws_init(draws, pool);
    *state = draws;
    return ST_OK;
}

void router_draws_commit(void *state, const struct pool *pool, uint32_t place)
{
    (void)pool;
    (void)place;
    router_draws_keep(state);
}
