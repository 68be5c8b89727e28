/* M. Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", IEEE TPDS 12(10), 2001.
 */
#include <stdlib.h>

#include "sim/routing/route.h"
#include "sim/routing/router_draws.h"

static uint32_t draw(const struct pool *pool, struct pcg64 *rng)
{
    uint32_t n = pool->n_routable;
    uint32_t a = (uint32_t)pcg64_below(rng, n);
    if (n == 1)
        return a;
    uint32_t b = (uint32_t)pcg64_below(rng, n - 1);
    b += b >= a; /* another one */
    double load_a = route_view_requests(pool, a), load_b = route_view_requests(pool, b);
    if (load_a != load_b)
        return load_a < load_b ? a : b;
    return a < b ? a : b;
}

static enum status peek(void *state, struct pool *pool, const struct request *request,
                        uint32_t *place)
{
    (void)request;
    *place = draw(pool, router_draws_peek(state));
    return ST_OK;
}

const struct router_ops router_power_of_two = {
    .name = "power_of_two",
    .summary = "of two routable workers drawn from the run's seed, the one with fewer requests",
    .create = router_draws_create,
    .release = free,
    .peek = peek,
    .commit = router_draws_commit,
};
