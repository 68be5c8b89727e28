/* Which worker gets a request: round robin, or the lowest cost in blocks with exact knowledge of
 * every worker. Costs are kept multiplied by the block size, so that with the default weights they
 * are whole numbers and ties are exact. */
#include <math.h>

#include "dynosim/dynosim_internal.h"
#include "util/array.h"

static uint32_t leading_found(const struct key_map *map, const struct dyno_request *r)
{
    uint32_t n = 0;
    while (n < r->n_keys && key_map_find(map, r->keys[n]))
        n++;
    return n;
}

/* The decode router knows neither hits nor prefill load, the prefill router no active blocks. */
static double cost_of(const struct dyno_run *run, const struct dyno_worker *w,
                      const struct dyno_request *r)
{
    const struct dynosim_router *weights = &run->config->router;
    double block_tok = w->pool->config->block_size_tok;
    double requests = weights->request_weight * w->n_bound;
    if (w->pool->config->role == POOL_DECODE)
        return block_tok * ((double)w->bound_blocks + requests);
    double hit_tok = block_tok * leading_found(&w->kv.found, r);
    double load_tok = (double)(w->pending_tok + r->isl_tok) - weights->overlap_credit * hit_tok;
    double active = 0;
    if (w->pool->config->role == POOL_AGG)
        active = (double)w->active.n + (r->n_keys - leading_found(&w->active, r));
    return weights->prefill_scale * fmax(0, load_tok) + block_tok * (active + requests);
}

static enum status find_costs(struct dyno_run *run, const struct dyno_pool *pool,
                              const struct dyno_request *r)
{
    enum status s =
        ARRAY_RESERVE(run->costs, 0, run->costs_capacity, pool->n_ready, "router costs", run->diag);
    if (s)
        return s;
    for (uint32_t i = 0; i < pool->n_ready; i++)
        run->costs[i] = cost_of(run, run->workers[pool->ready[i]], r);
    return ST_OK;
}

static uint32_t draw_lowest(struct dyno_run *run, uint32_t n)
{
    uint32_t best = 0, n_tied = 1;
    for (uint32_t i = 1; i < n; i++) {
        if (run->costs[i] < run->costs[best]) {
            best = i;
            n_tied = 1;
        } else if (run->costs[i] <= run->costs[best]) {
            n_tied++;
        }
    }
    uint64_t skip = n_tied > 1 ? pcg64_below(&run->ties, n_tied) : 0;
    for (uint32_t i = best; skip;) {
        i++;
        if (run->costs[i] <= run->costs[best] && --skip == 0)
            return i;
    }
    return best;
}

static uint32_t draw_softmax(struct dyno_run *run, uint32_t n)
{
    double low = run->costs[0], high = run->costs[0], total = 0;
    for (uint32_t i = 1; i < n; i++) {
        low = fmin(low, run->costs[i]);
        high = fmax(high, run->costs[i]);
    }
    double scale = high > low ? 1 / ((high - low) * run->config->router.temperature) : 0;
    for (uint32_t i = 0; i < n; i++)
        total += run->costs[i] = exp((low - run->costs[i]) * scale);
    double at = pcg64_double(&run->ties) * total;
    for (uint32_t i = 0; i + 1 < n; i++) {
        if (at < run->costs[i])
            return i;
        at -= run->costs[i];
    }
    return n - 1;
}

static void check_choice(const struct dyno_run *run, const struct dyno_pool *pool, uint32_t choice)
{
    struct dynosim_follow_check *check = run->config->follow.check;
    double low = INFINITY;
    uint32_t n_tied = 0;
    for (uint32_t i = 0; i < pool->n_ready; i++)
        low = fmin(low, run->costs[i]);
    for (uint32_t i = 0; i < pool->n_ready; i++)
        n_tied += run->costs[i] <= low;
    double excess = (run->costs[choice] - low) / pool->config->block_size_tok;
    check->n_choices++;
    /* With weights that are not whole numbers, equal costs may differ in the last digits. */
    if (excess > 1e-9 * (1 + low))
        check->n_not_lowest++;
    else if (n_tied > 1)
        check->n_tied++;
    check->worst_excess = fmax(check->worst_excess, excess);
}

/* The recorded worker of the request in this pool, or NO_WORKER. */
static uint32_t recorded(const struct dyno_run *run, const struct dyno_pool *pool,
                         const struct dyno_request *r)
{
    const struct dynosim_follow *follow = &run->config->follow;
    const uint32_t *ids =
        pool->config->role == POOL_PREFILL ? follow->prefill_worker : follow->worker;
    return ids && r->index < follow->n ? ids[r->index] : NO_WORKER;
}

static enum status follow(struct dyno_run *run, const struct dyno_pool *pool,
                          const struct dyno_request *r, uint32_t id, uint32_t *choice)
{
    for (uint32_t i = 0; i < pool->n_ready; i++) {
        if (run->workers[pool->ready[i]]->id != id)
            continue;
        *choice = i;
        if (pool->config->routing == DYNOSIM_KV_ROUTER && run->config->follow.check)
            check_choice(run, pool, i);
        return ST_OK;
    }
    return diag_fail(run->diag, ST_INPUT,
                     "request %llu was placed on worker %u of pool '%s', which is not ready",
                     (unsigned long long)r->index, id, pool->config->name);
}

/* The place after the last choice, by rank among those that are ready now; whoever comes or goes.
 */
static uint32_t take_turn(struct dyno_pool *pool)
{
    uint32_t choice = pool->next_turn % pool->n_ready;
    pool->next_turn = choice + 1;
    return choice;
}

enum status dyno_choose(struct dyno_run *run, struct dyno_pool *pool, uint32_t id,
                        struct dyno_worker **w)
{
    const struct dyno_request *r = &run->requests[id];
    uint32_t choice = 0, fixed = recorded(run, pool, r);
    bool by_cost = pool->config->routing == DYNOSIM_KV_ROUTER;
    enum status s = by_cost ? find_costs(run, pool, r) : ST_OK;
    if (s)
        return s;
    if (fixed != NO_WORKER)
        s = follow(run, pool, r, fixed, &choice);
    else if (!by_cost)
        choice = take_turn(pool);
    else if (run->config->router.temperature > 0)
        choice = draw_softmax(run, pool->n_ready);
    else
        choice = draw_lowest(run, pool->n_ready);
    if (!s)
        *w = run->workers[pool->ready[choice]];
    return s;
}

/* ---- books ---- */

static bool counts_contents(const struct dyno_worker *w)
{
    return w->pool->config->role == POOL_AGG && w->pool->config->routing == DYNOSIM_KV_ROUTER;
}

enum status dyno_router_bind(struct dyno_run *run, struct dyno_worker *w, struct dyno_request *r)
{
    r->worker = w->slot;
    w->n_bound++;
    w->bound_blocks += r->n_keys;
    if (w->pool->config->routing != DYNOSIM_KV_ROUTER || w->pool->config->role == POOL_DECODE)
        return ST_OK;
    r->routed_tok = r->isl_tok - leading_found(&w->kv.found, r) * w->pool->config->block_size_tok;
    w->pending_tok += r->routed_tok;
    if (!counts_contents(w))
        return ST_OK;
    enum status s = key_map_reserve(&w->active, w->active.n + r->n_keys, run->diag);
    for (uint32_t i = 0; !s && i < r->n_keys; i++) {
        uint32_t *n = key_map_find(&w->active, r->keys[i]);
        if (!n)
            n = key_map_put(&w->active, r->keys[i]);
        ++*n;
    }
    return s;
}

void dyno_router_prefilled(struct dyno_worker *w, struct dyno_request *r)
{
    w->pending_tok -= r->routed_tok;
    r->routed_tok = 0;
}

void dyno_router_unbind(struct dyno_worker *w, struct dyno_request *r)
{
    dyno_router_prefilled(w, r);
    w->n_bound--;
    w->bound_blocks -= r->n_keys;
    for (uint32_t i = 0; counts_contents(w) && i < r->n_keys; i++) {
        uint32_t *n = key_map_find(&w->active, r->keys[i]);
        BUG_IF(!n);
        if (--*n == 0)
            key_map_remove(&w->active, n);
    }
}
