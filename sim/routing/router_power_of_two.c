/* M. Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", IEEE TPDS 12(10), 2001.
 */
#include "sim/routing/route.h"
#include "sim/routing/router.h"

static uint32_t pick(struct pool *pool, const struct request *request)
{
    (void)request;
    uint32_t n = pool->n_routable;
    uint32_t a = (uint32_t)pcg64_below(&pool->rng, n);
    if (n == 1)
        return a;
    uint32_t b = (uint32_t)pcg64_below(&pool->rng, n - 1);
    b += b >= a; /* another one */
    double load_a = route_view_requests(pool, a), load_b = route_view_requests(pool, b);
    if (load_a != load_b)
        return load_a < load_b ? a : b;
    return a < b ? a : b;
}

const struct router_ops router_power_of_two = {
    .name = "power_of_two",
    .summary = "of two routable workers drawn from the run's seed, the one with fewer requests",
    .pick = pick,
};
