/* From a pool to one of its workers: what the routers know, requests that wait for a worker, and
 * those that skip the prefill pool. */
#include "sim/routing/route.h"

#include "sim/routing/router.h"
#include "sim/worker/parts.h"
#include "sim/worker/tells.h"
#include "sim/worker/worker_kv.h"

/* ---- what the routers know ---- */

const struct rank_load *route_view(const struct deployment *d)
{
    return d->config->view_interval_ns ? d->published : d->load;
}

void tell_load(const struct worker *w)
{
    const struct pool *pool = w->pool;
    if (pool->config->router->load_changed)
        pool->config->router->load_changed(pool->router, pool, w->slot);
}

double route_view_requests(const struct pool *pool, uint32_t i)
{
    const struct rank_load *view = route_view(pool->deployment);
    uint32_t n_ranks = pool->config->engine.n_ranks;
    double n = 0;
    for (uint32_t k = i * n_ranks; k < (i + 1) * n_ranks; k++)
        n += view[pool->routable_ranks[k]].n_requests;
    return n;
}

/* Of those that wait for a worker, one may have one now. */
static void look_at_unrouted(struct pool *pool)
{
    pool->unrouted_may_go = pool->deployment->sim->unrouted_may_go = true;
}

void route_publish(struct worker *leader)
{
    for (uint32_t i = 0; i < leader->n_ranks; i++) {
        const struct worker *w = leader->ranks[i];
        w->pool->deployment->published[w->slot] = *worker_rank_load(w);
        tell_load(w);
    }
    look_at_unrouted(leader->pool);
}

void route_publish_all(struct deployment *d)
{
    for (size_t p = 0; p < d->config->n_pools; p++)
        for (uint32_t i = 0; i < d->pools[p].n_routable; i++)
            route_publish(d->workers[d->pools[p].routable[i]]);
}

static void count_own(const struct worker *w, const struct request *r)
{
    const struct deployment *d = w->pool->deployment;
    if (d->config->view_interval_ns == 0 || !d->config->view_counts_own)
        return;
    struct rank_load *published = &d->published[w->slot];
    published->n_requests++;
    published->prompt_tok += r->handed_over ? 0 : r->isl_tok;
    published->prompt_blocks += r->isl_tok / worker_block_size(w);
    tell_load(w);
}

/* ---- the routers ---- */

enum status route_init(struct pool *pool)
{
    const struct router_ops *router = pool->config->router;
    return router->create ? router->create(&pool->router, pool) : ST_OK;
}

void route_release(struct pool *pool)
{
    if (pool->router)
        pool->config->router->release(pool->router);
}

enum status route_joined(struct worker *leader)
{
    const struct pool *pool = leader->pool;
    const struct router_ops *router = pool->config->router;
    enum status s = router->joined ? router->joined(pool->router, pool, leader) : ST_OK;
    if (!s)
        route_publish(leader);
    return s;
}

void route_left(const struct worker *leader)
{
    const struct pool *pool = leader->pool;
    if (pool->config->router->left)
        pool->config->router->left(pool->router, pool, leader);
}

static enum status peek(struct pool *pool, const struct request *r, uint32_t *place)
{
    return pool->config->router->peek(pool->router, pool, r, place);
}

/* The rank of the worker in that place of pool->routable. */
static struct worker *rank_at(const struct pool *pool, uint32_t place)
{
    return worker_choose_rank(pool->deployment->workers[pool->routable[place]]);
}

/* ---- routing ---- */

/* As the router has said. */
static enum status bind(struct sim *sim, struct pool *pool, uint32_t place, uint32_t id)
{
    struct request *r = sim_request(sim, id);
    struct worker *w = rank_at(pool, place);
    if (pool->config->router->commit)
        pool->config->router->commit(pool->router, pool, place);
    enum status s =
        deployment_event(pool->deployment, EVENT_ROUTE, r->index, w->pool->index, w->id);
    if (s)
        return s;
    if (w->pool->config->role == POOL_PREFILL) {
        r->prefill_worker = w->id;
        r->prefill_slot = w->slot;
    } else {
        r->worker = w->id;
    }
    worker_bind(w, r);
    deployment_move(pool->deployment, r, place_waiting(pool->index));
    parts_enter(sim, id, r->handed_over ? STAGE_ROOM : STAGE_LINE, pool, w);
    parts_wait_begins(sim, id, pool);
    count_own(w, r);
    if (!r->handed_over)
        return worker_enqueue(sim, w, id);
    passes_catch_up(sim, w);
    r->state = REQUEST_HANDOFF;
    passes_queue_joined(w, r);
    request_list_push_back(&w->incoming, &sim->requests, id);
    return w->incoming.n == 1 ? worker_interrupt(sim, w) : ST_OK;
}

static enum status choose(struct sim *sim, struct pool *pool, uint32_t id)
{
    uint32_t place;
    enum status s = peek(pool, sim_request(sim, id), &place);
    return s ? s : bind(sim, pool, place, id);
}

/* ---- requests without a worker ---- */

static bool holds(const struct pool *pool)
{
    return pool->index == 0 && pool->deployment->config->holds_requests;
}

static bool is_full(const struct worker *leader)
{
    double budget_tok =
        (double)leader->pool->config->engine.max_num_batched_tokens * leader->n_ranks;
    const struct rank_load *view = route_view(leader->pool->deployment);
    double prompt_tok = 0;
    for (uint32_t i = 0; i < leader->n_ranks; i++)
        prompt_tok += view[leader->ranks[i]->slot].prompt_tok;
    return prompt_tok > leader->pool->deployment->config->hold_threshold * budget_tok;
}

static bool has_taker(const struct pool *pool)
{
    if (!holds(pool))
        return pool->n_routable > 0;
    for (uint32_t i = 0; i < pool->n_routable; i++)
        if (!is_full(pool->deployment->workers[pool->routable[i]]))
            return true;
    return false;
}

static enum status hold(struct sim *sim, struct pool *pool, uint32_t id)
{
    const struct deployment *d = pool->deployment;
    enum hold_order order = holds(pool) ? d->config->hold_order : HOLD_FCFS;
    struct request *r = sim_request(sim, id);
    r->state = REQUEST_UNROUTED;
    deployment_move(pool->deployment, r, place_waiting(pool->index));
    parts_enter(sim, id, STAGE_UNROUTED, pool, NULL);
    parts_wait_begins(sim, id, pool);
    if (order == HOLD_SHORTEST)
        return request_list_insert_by_isl(&pool->unrouted, &sim->requests, id, sim->diag);
    if (order == HOLD_PRIORITY)
        return request_list_insert_by_priority(&pool->unrouted, &sim->requests, id, sim->diag);
    request_list_push_back(&pool->unrouted, &sim->requests, id);
    return ST_OK;
}

enum status route_to_pool(struct sim *sim, struct pool *pool, uint32_t id)
{
    if (pool->unrouted.n == 0 && has_taker(pool))
        return choose(sim, pool, id);
    return hold(sim, pool, id);
}

enum status route_unrouted(struct sim *sim, struct pool *pool)
{
    enum status s = ST_OK;
    pool->unrouted_may_go = false;
    while (!s && pool->unrouted.n && has_taker(pool)) {
        uint32_t id = pool->unrouted.head;
        request_list_remove(&pool->unrouted, &sim->requests, id);
        s = choose(sim, pool, id);
    }
    return s;
}

void tell_prompt_less(const struct worker *w)
{
    struct pool *pool = w->pool;
    if (pool->unrouted.n && holds(pool) && !is_full(w->leader))
        look_at_unrouted(pool);
}

bool route_waits_for_view(const struct deployment *d)
{
    const struct pool *pool = &d->pools[0];
    return holds(pool) && pool->unrouted.n && pool->n_routable;
}

/* ---- prefill on a decode worker ---- */

static bool prefill_queue_is_full(const struct deployment *d)
{
    const struct pool *pool = &d->pools[0];
    uint32_t n = pool->unrouted.n, most = d->config->max_prefill_queue;
    for (uint32_t i = 0; i < pool->n_routable && n < most; i++) {
        const struct worker *leader = d->workers[pool->routable[i]];
        for (uint32_t k = 0; k < leader->n_ranks; k++)
            n += leader->ranks[k]->waiting.n;
    }
    return most > 0 && n >= most;
}

static enum status is_local(struct sim *sim, struct worker *w, const struct request *r, bool *local)
{
    uint32_t size = worker_block_size(w), cached = 0;
    uint32_t max_tok = w->pool->deployment->config->local_prefill_max_tok;
    *local = prefill_queue_is_full(w->pool->deployment);
    if (*local || max_tok == 0)
        return ST_OK;
    enum status s = worker_cached_blocks(sim, w, r, (r->isl_tok - 1) / size, &cached);
    *local = r->isl_tok - cached * size <= max_tok;
    return s;
}

enum status route_new(struct sim *sim, uint32_t id)
{
    const struct request *r = sim_request(sim, id);
    struct deployment *d = sim_deployment_of(sim, r);
    struct pool *decode = &d->pools[1];
    if (!deployment_prefills_on_decode(d) || decode->n_routable == 0)
        return route_to_pool(sim, &d->pools[0], id);
    uint32_t place;
    bool local;
    enum status s = peek(decode, r, &place);
    if (!s)
        s = is_local(sim, rank_at(decode, place), r, &local);
    if (s)
        return s;
    /* Otherwise the prompt is handed over to the worker that is chosen then. */
    return local ? bind(sim, decode, place, id) : route_to_pool(sim, &d->pools[0], id);
}
