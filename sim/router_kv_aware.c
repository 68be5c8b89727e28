/* Prefers workers that hold the prompt's prefix and have little to do.
 *
 * The cost is the published one of Dynamo's KV router (struct kv_router_weights), in blocks; ties are drawn from the
 * run's seed. Cached tokens are those of computed blocks, and each prompt's blocks count for themselves; where
 * nothing is computed, as in a decode pool without prefill of its own, blocks and requests count alone. */
#include <math.h>

#include "sim/router.h"
#include "sim/sim_internal.h"

/* What the router knows of one rank, for one prompt. */
struct candidate {
    double new_tok;       /* prompt tokens pending there, and the prompt's own unless they come with their KV */
    double cached_tok;    /* of these own, whole blocks */
    double active_blocks; /* prompt blocks bound there and the prompt's own */
    double n_requests;    /* bound there */
};

static double cost_of(const struct kv_router_weights *weight, uint32_t block_size_tok, const struct candidate *c)
{
    double compute_tok = fmax(0, c->new_tok - weight->overlap * c->cached_tok);
    return weight->prefill * (compute_tok / block_size_tok) + c->active_blocks + weight->request * c->n_requests;
}

/* Of its cheapest rank. */
static double cost(struct sim *sim, const struct worker *leader, const struct request *r)
{
    uint32_t size = worker_block_size(leader);
    bool computes = leader->pool->config->role != POOL_DECODE || sim_prefills_on_decode(sim);
    double best = INFINITY;
    for (uint32_t i = 0; i < leader->n_ranks; i++) {
        struct worker *w = leader->ranks[i];
        struct rank_load load = route_view(w);
        struct candidate c = {.active_blocks = (double)(load.prompt_blocks + r->isl_tok / size),
                              .n_requests = load.n_requests};
        uint32_t cached;
        if (worker_cached_blocks(sim, w, r, UINT32_MAX, &cached) != ST_OK)
            return INFINITY;
        if (computes) {
            c.new_tok = (double)load.prompt_tok + (r->handed_over ? 0 : r->isl_tok);
            c.cached_tok = r->handed_over ? 0 : (double)cached * size;
        }
        best = fmin(best, cost_of(&sim->config->kv_router, size, &c));
    }
    return best;
}

static uint32_t pick_lowest(struct pool *pool, const struct request *request)
{
    uint32_t best = 0, n_best = 0;
    double lowest = INFINITY;
    for (uint32_t i = 0; i < pool->n_routable; i++) {
        double c = cost(pool->sim, pool->sim->workers[pool->routable[i]], request);
        if (c < lowest) {
            lowest = c;
            n_best = 0;
        }
        /* The n-th of equals replaces the choice with probability 1/n. */
        if (c == lowest && pcg64_below(&pool->rng, ++n_best) == 0)
            best = i;
    }
    return best;
}

/* Worker i with a probability in proportion to exp(-(its cost / range of the costs) / temperature). */
static uint32_t draw(struct pool *pool, const struct request *request)
{
    double *costs = pool->costs, low = INFINITY, high = 0, total = 0;
    uint32_t n = pool->n_routable;
    for (uint32_t i = 0; i < n; i++) {
        costs[i] = cost(pool->sim, pool->sim->workers[pool->routable[i]], request);
        low = fmin(low, costs[i]);
        high = fmax(high, costs[i]);
    }
    double range = high > low ? high - low : 1;
    for (uint32_t i = 0; i < n; i++)
        total += costs[i] = exp((low - costs[i]) / range / pool->sim->config->kv_router.temperature);
    double at = pcg64_double(&pool->rng) * total;
    uint32_t i = 0;
    for (; i + 1 < n && at >= costs[i]; i++)
        at -= costs[i];
    return i;
}

static uint32_t pick(struct pool *pool, const struct request *request)
{
    return pool->sim->config->kv_router.temperature > 0 ? draw(pool, request) : pick_lowest(pool, request);
}

const struct router_ops router_kv_aware = {
    .name = "kv_aware",
    .summary = "the worker with the fewest blocks to compute and in use, cached prefixes taken off",
    .pick = pick,
};
