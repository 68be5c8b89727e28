#include <stdlib.h>

#include "sim/routing/route.h"
#include "sim/routing/router.h"

static enum status create(void **state, const struct pool *pool)
{
    *state = calloc(1, sizeof(uint64_t)); /* requests so far */
    return *state ? ST_OK : diag_nomem(pool->deployment->sim->diag, "router");
}

static enum status peek(void *state, struct pool *pool, const struct request *request,
                        uint32_t *place)
{
    (void)request;
    *place = (uint32_t)(*(const uint64_t *)state % pool->n_routable);
    return ST_OK;
}

static void commit(void *state, const struct pool *pool, uint32_t place)
{
    (void)pool;
    (void)place;
    ++*(uint64_t *)state;
}

const struct router_ops router_round_robin = {
    .name = "round_robin",
    .summary = "each routable worker in turn, by id",
    .create = create,
    .release = free,
    .peek = peek,
    .commit = commit,
};
