/* Prefers workers that hold the prompt's prefix and have little to do.
 *
 * The cost is the published one of Dynamo's KV router (struct kv_router_weights), times the block
 * size; ties are drawn from the run's seed. Cached tokens are those of computed blocks, and each
 * prompt's blocks count for themselves; where nothing is computed, as in a decode pool without
 * prefill of its own, blocks and requests count alone.
 *
 * Decode steps are accounted for late, so a worker may have lost blocks that its cache still shows.
 * The lowest cost is therefore looked for as if nothing was lost, and only the worker that has it
 * is brought up to date; when that raises its cost, another may be the lowest. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/routing/route.h"
#include "sim/routing/router_draws.h"
#include "sim/worker/prompt.h"
#include "sim/worker/worker_kv.h"
#include "util/array.h"

struct kv_aware {
    struct router_draws draws;
    /* By worker slot. */
    double *base_cost;       /* of what is bound there */
    uint32_t *cached_blocks; /* of the request that is looked at */
    uint32_t n_slots, base_capacity, cached_capacity;
    double prompt_tok; /* of that request, to be computed; 0 = it comes with its KV */
    double *costs;     /* of the routable workers, while one is drawn among them */
    uint32_t costs_capacity;
};

static enum status create(void **state, const struct pool *pool)
{
    struct kv_aware *s = calloc(1, sizeof *s);
    if (!s)
        return diag_nomem(pool->deployment->sim->diag, "router");
    router_draws_init(&s->draws, pool);
    *state = s;
    return ST_OK;
}

static void release(void *state)
{
    struct kv_aware *s = state;
    free(s->base_cost);
    free(s->cached_blocks);
    free(s->costs);
    free(s);
}

static enum status joined(void *state, const struct pool *pool, const struct worker *leader)
{
    struct kv_aware *s = state;
    for (uint32_t i = 0; i < leader->n_ranks; i++)
        if (leader->ranks[i]->slot >= s->n_slots)
            s->n_slots = leader->ranks[i]->slot + 1;
    enum status status = ARRAY_RESERVE(s->base_cost, 0, s->base_capacity, s->n_slots, "router",
                                       pool->deployment->sim->diag);
    if (!status)
        status = ARRAY_RESERVE(s->cached_blocks, 0, s->cached_capacity, s->n_slots, "router",
                               pool->deployment->sim->diag);
    if (!status)
        status = ARRAY_RESERVE(s->costs, 0, s->costs_capacity, pool->n_routable, "router",
                               pool->deployment->sim->diag);
    return status;
}

/* What a prompt costs on a rank. */
struct prices {
    double own_tok;        /* the prompt's tokens, unless they come with their KV */
    double cached_tok;     /* taken off them per cached block; 0: nobody's cache matters */
    double tok;            /* of a token to compute */
    double block, request; /* in use */
};

/* Of what is there already. */
static struct prices base_prices(const struct pool *pool)
{
    const struct kv_router_weights *weight = &pool->deployment->config->kv_router;
    double size = pool->config->engine.block_size_tok;
    bool computes =
        pool->config->role != POOL_DECODE || deployment_prefills_on_decode(pool->deployment);
    return (struct prices){
        .tok = computes ? weight->prefill : 0, .block = size, .request = weight->request * size};
}

static struct prices prices_of(const struct pool *pool, const struct request *r)
{
    struct prices p = base_prices(pool);
    if (p.tok == 0 || r->handed_over)
        return p;
    p.own_tok = r->isl_tok;
    if (pool->kv)
        p.cached_tok = pool->deployment->config->kv_router.overlap * p.block;
    return p;
}

static inline double cost_of(const struct prices *p, const struct rank_load *load,
                             uint32_t cached_blocks)
{
    double compute_tok = load->prompt_tok + p->own_tok - p->cached_tok * cached_blocks;
    return p->tok * (compute_tok > 0 ? compute_tok : 0) + p->block * load->prompt_blocks +
           p->request * load->n_requests;
}

static void load_changed(void *state, const struct pool *pool, uint32_t slot)
{
    struct kv_aware *s = state;
    struct prices p = base_prices(pool);
    s->base_cost[slot] = cost_of(&p, &route_view(pool->deployment)[slot], 0);
}

/* What every cache shows of the prompt. */
static enum status look_up(struct kv_aware *s, struct pool *pool, const struct prices *p,
                           const struct request *r)
{
    struct deployment *d = pool->deployment;
    struct kv_prompt prompt;
    memset(s->cached_blocks, 0, s->n_slots * sizeof *s->cached_blocks);
    if (p->cached_tok == 0)
        return ST_OK;
    enum status status = prompt_blocks(d->sim, pool, r, &prompt);
    if (status)
        return status;
    kv_store_hits(pool->kv, &prompt, s->cached_blocks);
    for (uint32_t k = 0; HEADROOM_CHECK && k < pool->n_routable * pool->config->engine.n_ranks;
         k++) {
        uint32_t slot = pool->routable_ranks[k], active;
        BUG_IF(s->cached_blocks[slot] !=
               kv_cache_match(d->workers[slot]->cache, &prompt, prompt.n_blocks, &active));
    }
    return ST_OK;
}

/* What the caches of routable worker i really hold of it by now. *changed: it is less. */
static enum status bring_up_to_date(struct kv_aware *s, struct pool *pool, const struct request *r,
                                    uint32_t i, bool *changed)
{
    struct deployment *d = pool->deployment;
    uint32_t n_ranks = pool->config->engine.n_ranks;
    *changed = false;
    for (uint32_t k = i * n_ranks; k < (i + 1) * n_ranks; k++) {
        uint32_t slot = pool->routable_ranks[k], blocks, *shown = &s->cached_blocks[slot];
        if (*shown == 0)
            continue;
        enum status status = worker_cached_blocks(d->sim, d->workers[slot], r, UINT32_MAX, &blocks);
        if (status)
            return status;
        BUG_IF(blocks > *shown);
        *changed |= blocks < *shown;
        *shown = blocks;
    }
    return ST_OK;
}

/* Among workers of equal cost the lowest draw wins. Each has its own, whoever else is looked at. */
static uint64_t draw_of(uint64_t drawn, uint32_t slot)
{
    uint64_t x = drawn + slot * 0x9E3779B97F4A7C15u;
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
    x = (x ^ x >> 27) * 0x94D049BB133111EBu;
    return x ^ x >> 31;
}

/* The worker whose cheapest rank costs least, as the caches show. Most ranks are passed over by a
 * bound: the prompt's own cost comes on top of the base cost, and each cached block takes off as
 * much as it ever can. */
static uint32_t find_lowest(const struct kv_aware *s, const struct pool *pool,
                            const struct prices *p, uint64_t drawn)
{
    const struct rank_load *view = route_view(pool->deployment);
    const uint32_t *rank = pool->routable_ranks, *cached = s->cached_blocks;
    const double *base_cost = s->base_cost;
    uint32_t n_ranks = pool->config->engine.n_ranks, n = pool->n_routable * n_ranks, best = 0;
    uint64_t best_draw = 0;
    double own_cost = p->tok * p->own_tok, off = p->tok * p->cached_tok, lowest = INFINITY,
           bound = INFINITY;
    for (uint32_t k = 0; k < n; k++) {
        uint32_t slot = rank[k];
        if (base_cost[slot] - off * cached[slot] > bound)
            continue;
        double c = cost_of(p, &view[slot], cached[slot]);
        if (c > lowest)
            continue;
        uint32_t i = k / n_ranks;
        uint64_t draw = draw_of(drawn, pool->routable[i]);
        if (c < lowest || draw < best_draw) {
            lowest = c;
            best = i;
            best_draw = draw;
            bound = c - own_cost + 1e-9 * (1 + c + own_cost + off * cached[slot]); /* rounding */
        }
    }
    return best;
}

static enum status pick_lowest(struct kv_aware *s, struct pool *pool, const struct prices *p,
                               const struct request *r, uint32_t *place)
{
    uint64_t drawn = pcg64_next(router_draws_peek(&s->draws));
    bool changed = true;
    enum status status = ST_OK;
    while (!status && changed) {
        *place = find_lowest(s, pool, p, drawn);
        status = bring_up_to_date(s, pool, r, *place, &changed);
    }
    return status;
}

/* Worker i with a probability in proportion to exp(-(its cost / range of the costs) / temperature).
 */
static enum status draw(struct kv_aware *s, struct pool *pool, const struct prices *p,
                        const struct request *r, uint32_t *place)
{
    const struct rank_load *view = route_view(pool->deployment);
    double *costs = s->costs, low = INFINITY, high = 0, total = 0;
    uint32_t n = pool->n_routable, n_ranks = pool->config->engine.n_ranks;
    for (uint32_t i = 0; i < n; i++) {
        bool changed;
        enum status status = bring_up_to_date(s, pool, r, i, &changed);
        if (status)
            return status;
        costs[i] = INFINITY;
        for (uint32_t k = i * n_ranks; k < (i + 1) * n_ranks; k++) {
            uint32_t slot = pool->routable_ranks[k];
            costs[i] = fmin(costs[i], cost_of(p, &view[slot], s->cached_blocks[slot]));
        }
        low = fmin(low, costs[i]);
        high = fmax(high, costs[i]);
    }
    double range = high > low ? high - low : 1;
    for (uint32_t i = 0; i < n; i++)
        total += costs[i] =
            exp((low - costs[i]) / range / pool->deployment->config->kv_router.temperature);
    double at = pcg64_double(router_draws_peek(&s->draws)) * total;
    uint32_t i = 0;
    for (; i + 1 < n && at >= costs[i]; i++)
        at -= costs[i];
    *place = i;
    return ST_OK;
}

static enum status peek(void *state, struct pool *pool, const struct request *request,
                        uint32_t *place)
{
    struct kv_aware *s = state;
    struct prices p = prices_of(pool, request);
    s->prompt_tok = p.own_tok;
    enum status status = look_up(s, pool, &p, request);
    if (status)
        return status;
    return pool->deployment->config->kv_router.temperature > 0
               ? draw(s, pool, &p, request, place)
               : pick_lowest(s, pool, &p, request, place);
}

/* What the caches of the worker show of the prompt that it gets. */
static void count_hits(const struct kv_aware *s, const struct pool *pool, uint32_t place)
{
    struct traffic_window *total = &pool->deployment->traffic.total;
    uint32_t n_ranks = pool->config->engine.n_ranks, most = 0;
    if (s->prompt_tok <= 0)
        return;
    for (uint32_t k = place * n_ranks; k < (place + 1) * n_ranks; k++) {
        uint32_t blocks = s->cached_blocks[pool->routable_ranks[k]];
        most = blocks > most ? blocks : most;
    }
    total->hit_rate_sum += (double)most * pool->config->engine.block_size_tok / s->prompt_tok;
    total->n_hit_rate++;
}

static void commit(void *state, const struct pool *pool, uint32_t place)
{
    struct kv_aware *s = state;
    router_draws_keep(&s->draws);
    count_hits(s, pool, place);
}

const struct router_ops router_kv_aware = {
    .name = "kv_aware",
    .summary = "the worker with the fewest blocks to compute and in use, cached prefixes taken off",
    .publishes_load = true,
    .create = create,
    .release = release,
    .peek = peek,
    .commit = commit,
    .joined = joined,
    .load_changed = load_changed,
};
