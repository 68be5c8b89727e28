/* From a pool to one of its workers: what the routers know, and the binding of a request to the worker they chose. */
#include "sim/router.h"
#include "sim/sim_internal.h"

/* ---- what the routers know ---- */

struct rank_load route_view(const struct worker *w)
{
    return w->pool->sim->config->view_interval_ns ? w->published : worker_rank_load(w);
}

uint32_t route_view_requests(const struct worker *leader)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < leader->n_ranks; i++)
        n += route_view(leader->ranks[i]).n_requests;
    return n;
}

void route_publish(struct worker *leader)
{
    for (uint32_t i = 0; i < leader->n_ranks; i++)
        leader->ranks[i]->published = worker_rank_load(leader->ranks[i]);
}

void route_publish_all(struct sim *sim)
{
    for (size_t p = 0; p < sim->config->n_pools; p++)
        for (uint32_t i = 0; i < sim->pools[p].n_routable; i++)
            route_publish(sim->workers[sim->pools[p].routable[i]]);
}

static void count_own(const struct sim *sim, struct worker *w, const struct request *r)
{
    if (sim->config->view_interval_ns == 0 || !sim->config->view_counts_own)
        return;
    w->published.n_requests++;
    w->published.prompt_tok += r->handed_over ? 0 : r->isl_tok;
    w->published.prompt_blocks += r->isl_tok / worker_block_size(w);
}

/* ---- routing ---- */

enum status route(struct sim *sim, struct pool *pool, uint32_t id)
{
    struct request *r = sim_request(sim, id);
    if (pool->n_routable == 0) {
        r->state = REQUEST_UNROUTED;
        request_list_push_back(&pool->unrouted, &sim->requests, id);
        return ST_OK;
    }
    struct worker *w =
        worker_choose_rank(sim->workers[pool->routable[pool->config->router->pick(pool, r)]]);
    enum status s = sim_event(sim, EVENT_ROUTE, r->index, pool->index, w->id);
    if (s)
        return s;
    if (pool->config->role == POOL_PREFILL) {
        r->prefill_worker = w->id;
        r->prefill_slot = w->slot;
    } else {
        r->worker = w->id;
    }
    worker_bind(w, r);
    count_own(sim, w, r);
    if (!r->handed_over)
        return worker_enqueue(sim, w, id);
    r->state = REQUEST_HANDOFF;
    request_list_push_back(&w->incoming, &sim->requests, id);
    return w->incoming.n == 1 ? worker_interrupt(sim, w) : ST_OK;
}
