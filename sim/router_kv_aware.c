/* Prefers workers that hold the prompt's prefix and have little to do.
 *
 * cost = max(0, prompt tokens pending there + ISL - cached tokens) / block size + prompt blocks bound there, lowest
 * wins, ties drawn from the run's seed: the published cost of Dynamo's KV router with its default weights (overlap
 * credit 1, no request weight, temperature 0). Cached tokens are those of computed blocks, and each prompt's blocks
 * count for themselves; a decode pool counts blocks alone, since nothing is computed there. */
#include <math.h>

#include "sim/router.h"
#include "sim/sim_internal.h"

/* Can the steps since the worker was last looked at have pushed cached blocks out? */
static bool may_have_evicted(const struct worker *w)
{
    if (!w->cache || w->kind != STEP_RUN)
        return false;
    uint64_t growth = (uint64_t)w->n_decode * (w->run.n_steps / worker_block_size(w) + 2);
    return worker_kv_used(w) + kv_cache_inactive(w->cache) + growth > w->kv_blocks;
}

static double cost(struct sim *sim, const struct worker *leader, const struct request *r)
{
    uint32_t size = worker_block_size(leader), blocks = r->isl_tok / size;
    double best = INFINITY;
    for (uint32_t i = 0; i < leader->n_ranks; i++) {
        struct worker *w = leader->ranks[i];
        struct kv_prompt prompt;
        uint32_t hits = 0, active;
        if (may_have_evicted(w) && worker_sync(sim, w) != ST_OK)
            return INFINITY;
        if (w->cache && sim_prompt(sim, leader->pool, r, &prompt) == ST_OK)
            hits = kv_cache_match(w->cache, &prompt, prompt.n_blocks, &active);
        double pending = 0;
        if (leader->pool->config->role != POOL_DECODE) {
            pending = (double)w->prompt_tok_pending + r->isl_tok - (double)hits * size;
            pending = pending > 0 ? pending / size : 0;
        }
        double total = pending + (double)(w->prompt_blocks + blocks);
        best = total < best ? total : best;
    }
    return best;
}

static uint32_t pick(struct pool *pool, const struct request *request)
{
    struct sim *sim = pool->sim;
    uint32_t best = 0, n_best = 0;
    double lowest = INFINITY;
    for (uint32_t i = 0; i < pool->n_routable; i++) {
        double c = cost(sim, sim->workers[pool->routable[i]], request);
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

const struct router_ops router_kv_aware = {
    .name = "kv_aware",
    .summary = "the worker with the fewest blocks to compute and in use, cached prefixes taken off",
    .publishes_load = true,
    .pick = pick,
};
