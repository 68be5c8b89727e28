/* Workers over time: started, routable, draining, gone; and the GPU time they hold meanwhile. */
#include "sim/fleet/fleet.h"

#include <stdlib.h>

#include "sim/fleet/failures.h"
#include "sim/fleet/grants.h"
#include "sim/fleet/startup.h"
#include "sim/fleet/worker_slots.h"
#include "sim/routing/handoff.h"
#include "sim/routing/route.h"
#include "sim/worker/gpu_time.h"
#include "sim/worker/tells.h"
#include "sim/worker/worker_kv.h"
#include "util/array.h"

void fleet_set_state(struct worker *leader, enum worker_state state)
{
    for (uint32_t i = 0; i < leader->n_ranks; i++)
        leader->ranks[i]->state = state;
}

static void release_deployment(struct deployment *d)
{
    for (uint32_t i = 0; i < d->n_workers; i++)
        fleet_worker_free(d->workers[i]);
    for (size_t p = 0; p < d->config->n_pools; p++) {
        request_list_release(&d->pools[p].unrouted);
        free(d->pools[p].routable);
        free(d->pools[p].routable_ranks);
        route_release(&d->pools[p]);
        kv_store_free(d->pools[p].kv);
        kv_store_free(d->pools[p].host_kv);
    }
    free(d->workers);
    free(d->load);
    free(d->published);
}

void fleet_release(struct sim *sim)
{
    for (size_t i = 0; i < sim->n_deployments; i++)
        release_deployment(&sim->deployments[i]);
    free(sim->fleet->pending.id);
    cluster_release(&sim->cluster);
}

/* ---- routable workers, by ascending id ---- */

static enum status grow_routable(struct sim *sim, struct pool *pool)
{
    uint32_t capacity = pool->routable_capacity ? 2 * pool->routable_capacity : 16;
    size_t n_ranks = (size_t)capacity * pool->config->engine.n_ranks;
    enum status s = ARRAY_RESIZE(pool->routable, capacity, "workers", sim->diag);
    if (!s)
        s = ARRAY_RESIZE(pool->routable_ranks, n_ranks, "workers", sim->diag);
    if (!s)
        pool->routable_capacity = capacity;
    return s;
}

static void routable_place(struct pool *pool, uint32_t i, struct worker *w)
{
    pool->routable[i] = w->slot;
    w->place = i;
    for (uint32_t k = 0; k < w->n_ranks; k++)
        pool->routable_ranks[i * w->n_ranks + k] = w->ranks[k]->slot;
}

static enum status routable_add(struct sim *sim, struct worker *w)
{
    struct pool *pool = w->pool;
    if (pool->n_routable == pool->routable_capacity) {
        enum status s = grow_routable(sim, pool);
        if (s)
            return s;
    }
    uint32_t i = pool->n_routable++;
    for (; i > 0 && pool->deployment->workers[pool->routable[i - 1]]->id > w->id; i--)
        routable_place(pool, i, pool->deployment->workers[pool->routable[i - 1]]);
    routable_place(pool, i, w);
    return ST_OK;
}

static void routable_remove(struct worker *w)
{
    struct pool *pool = w->pool;
    BUG_IF(w->place >= pool->n_routable || pool->routable[w->place] != w->slot);
    pool->n_routable--;
    for (uint32_t i = w->place; i < pool->n_routable; i++)
        routable_place(pool, i, pool->deployment->workers[pool->routable[i + 1]]);
    route_left(w);
}

/* ---- life cycle ---- */

enum status fleet_worker_event(const struct worker *w, enum event_kind kind)
{
    return deployment_event(w->pool->deployment, kind, UINT64_MAX, w->pool->index, w->id);
}

/* After a change of its workers. */
void fleet_note_workers(const struct sim *sim, struct pool *pool)
{
    pool_clock_set(&pool->clock, sim->now_ns, pool->n_routable, pool->n_starting, pool->n_pending);
    grants_note_unserved(pool);
}

static enum status make_routable(struct sim *sim, struct worker *w, enum event_kind event)
{
    struct pool *pool = w->pool;
    fleet_set_state(w, WORKER_READY);
    pool->n_ready++;
    enum status s = routable_add(sim, w);
    fleet_note_workers(sim, pool);
    if (!s)
        s = route_joined(w);
    if (!s)
        s = fleet_worker_event(w, event);
    return s ? s : route_unrouted(sim, pool);
}

enum status fleet_worker_ready(struct sim *sim, struct worker *w)
{
    gpu_time_set_state(sim, w, GPU_IDLE);
    w->idle_since_ns = w->life.ready_ns = sim->now_ns;
    w->pool->n_starting--;
    return make_routable(sim, w, EVENT_WORKER_READY);
}

/* A worker that drains is taken back into service. */
static enum status call_back(struct sim *sim, struct worker *w)
{
    w->drain_generation++; /* no grace period any more */
    w->life.drain_ns = -1;
    w->pool->n_draining--;
    enum status s = make_routable(sim, w, EVENT_WORKER_CALL_BACK);
    gpu_time_set_state(sim, w, w->kind == STEP_NONE ? GPU_IDLE : GPU_BUSY);
    return s;
}

static void note_rank_results(const struct worker *leader)
{
    struct pool_result *result = leader->pool->result;
    for (uint32_t i = 0; i < leader->n_ranks; i++) {
        const struct worker *w = leader->ranks[i];
        double peak = (double)w->peak_kv_used / w->kv_blocks;
        if (peak > result->peak_kv_utilization)
            result->peak_kv_utilization = peak;
        result->n_steps += w->n_steps;
    }
}

/* Its life is over. */
static enum status tell_worker(struct sim *sim, struct worker *w, enum worker_end end)
{
    if (!sim->observer->worker)
        return ST_OK;
    struct worker_record record = w->life;
    record.end_ns = sim->now_ns;
    record.end = end;
    if (w->kind != STEP_NONE) /* cut short */
        record.busy_ns += sim->now_ns - w->step_start_ns;
    return sim->observer->worker(sim->observer->context, &record, sim->diag);
}

static int by_pool_and_id(const void *a, const void *b)
{
    const struct worker *v = *(struct worker *const *)a, *w = *(struct worker *const *)b;
    if (v->pool != w->pool)
        return v->pool->index < w->pool->index ? -1 : 1;
    return (v->id > w->id) - (v->id < w->id);
}

enum status fleet_close(struct deployment *d)
{
    struct worker **alive = NULL;
    uint32_t n = 0;
    enum status s = ARRAY_RESIZE(alive, d->n_workers, "workers", d->sim->diag);
    for (size_t p = 0; p < d->config->n_pools; p++)
        grants_note_unserved(&d->pools[p]);
    for (uint32_t i = 0; !s && i < d->n_workers; i++)
        if (worker_leads(d->workers[i]))
            alive[n++] = d->workers[i];
    if (n)
        qsort(alive, n, sizeof *alive, by_pool_and_id);
    for (uint32_t i = 0; !s && i < n; i++) {
        gpu_time_account(d->sim, alive[i]);
        note_rank_results(alive[i]);
        s = worker_tell_cut_step(d->sim, alive[i]);
        if (!s)
            s = tell_worker(d->sim, alive[i], WORKER_END_RUN);
    }
    free(alive);
    return s;
}

/* Nothing is bound to it any more. */
enum status fleet_stop_worker(struct sim *sim, struct worker *w, enum worker_end end)
{
    struct pool *pool = w->pool;
    struct deployment *d = pool->deployment;
    gpu_time_account(sim, w);
    switch (w->state) {
    case WORKER_PENDING:
        pool->n_pending--;
        id_array_remove(&sim->fleet->pending, fleet_key(w));
        pool->n_starting--;
        break;
    case WORKER_STARTING:
        pool->n_starting--;
        break;
    case WORKER_READY:
        pool->n_ready--;
        routable_remove(w);
        break;
    case WORKER_DRAINING:
        pool->n_draining--;
        break;
    case WORKER_FREE:
        BUG("worker stopped twice");
    }
    fleet_note_workers(sim, pool);
    BUG_IF(!worker_is_empty(w));
    note_rank_results(w);
    enum status s = tell_worker(sim, w, end);
    if (s)
        return s;
    if (w->state != WORKER_PENDING) {
        d->workers_held--;
        d->gpus_held -= pool->config->gpus_per_worker;
        sim->fleet->gpus_held -= pool->config->gpus_per_worker;
        cluster_free(&sim->cluster, fleet_key(w), (uint32_t)pool->config->gpus_per_worker, w->node);
        sim->fleet->room_appeared = true;
    }
    fleet_set_state(w, WORKER_FREE);
    for (uint32_t i = 0; i < w->n_ranks; i++) {
        struct worker *rank = w->ranks[i];
        BUG_IF(worker_kv_used(rank));
        if (rank->cache)
            kv_cache_clear(rank->cache);
        if (rank->host)
            kv_cache_clear(rank->host);
        rank->kind = STEP_NONE;
        rank->generation++;
        rank->life_generation++;
        rank->drain_generation++;
        if (rank->slot < d->first_free_worker)
            d->first_free_worker = rank->slot;
    }
    return fleet_worker_event(w, EVENT_WORKER_STOP);
}

struct bound_request {
    uint64_t index; /* in the trace */
    uint32_t id;
};
struct bound_requests {
    struct bound_request *item;
    uint32_t n, capacity;
};

static int by_index(const void *a, const void *b)
{
    uint64_t x = ((const struct bound_request *)a)->index,
             y = ((const struct bound_request *)b)->index;
    return (x > y) - (x < y);
}

static bool on_worker(uint32_t deployment, uint32_t slot, const struct worker *leader)
{
    return slot != NO_SLOT && deployment == leader->pool->deployment->index &&
           leader->pool->deployment->workers[slot]->leader == leader;
}

/* Requests bound to the worker, or whose KV it still holds, in trace order. */
static enum status find_bound(struct sim *sim, const struct worker *w, struct bound_requests *bound)
{
    const struct request_table *t = &sim->requests;
    for (uint32_t id = 0; id < t->capacity; id++) {
        const struct request *r = &t->slot[id];
        if (r->state == REQUEST_FREE ||
            !(on_worker(r->deployment, r->worker_slot, w) || on_worker(r->home, r->source_slot, w)))
            continue;
        enum status s =
            ARRAY_RESERVE(bound->item, bound->n, bound->capacity, 1, "requests", sim->diag);
        if (s)
            return s;
        bound->item[bound->n++] = (struct bound_request){r->index, id};
    }
    if (bound->n)
        qsort(bound->item, bound->n, sizeof *bound->item, by_index);
    return ST_OK;
}

enum status fleet_kill_worker(struct sim *sim, struct worker *w, enum worker_end end)
{
    struct bound_requests bound = {0};
    enum status s = worker_charge_cut_step(sim, w);
    if (!s && !worker_is_empty(w))
        s = find_bound(sim, w, &bound);
    for (uint32_t i = 0; !s && i < bound.n; i++) {
        struct request *r = sim_request(sim, bound.item[i].id);
        if (r->worker_slot != NO_SLOT)
            s = worker_remove(sim, sim_deployment_of(sim, r)->workers[r->worker_slot],
                              bound.item[i].id);
        else if (r->state == REQUEST_UNROUTED)
            request_list_remove(&deployment_decode_pool(sim_deployment_of(sim, r))->unrouted,
                                &sim->requests, bound.item[i].id);
        if (!s)
            s = handoff_release_source(sim, r);
    }
    w->life.n_lost += bound.n;
    if (!s)
        s = fleet_stop_worker(sim, w, end);
    /* Only now: a request sent again must not find the worker routable. */
    for (uint32_t i = 0; !s && i < bound.n; i++)
        s = tell_lost(sim, bound.item[i].id);
    free(bound.item);
    return s;
}

enum status fleet_remove_drained(struct sim *sim, struct worker *w)
{
    if (w->state != WORKER_DRAINING || w->kind != STEP_NONE || !worker_is_empty(w))
        return ST_OK;
    return fleet_stop_worker(sim, w, WORKER_END_DRAINED);
}

enum status fleet_grace_ends(struct sim *sim, struct worker *w)
{
    bool node_goes = sim->cluster.node[w->node].state != NODE_UP;
    return fleet_kill_worker(sim, w, node_goes ? WORKER_END_NODE : WORKER_END_KILLED);
}

void fleet_withdraw(struct sim *sim, struct worker *w)
{
    routable_remove(w);
    fleet_set_state(w, WORKER_DRAINING);
    gpu_time_set_state(sim, w, GPU_DRAINING);
    w->pool->n_ready--;
    w->pool->n_draining++;
    fleet_note_workers(sim, w->pool);
}

enum status fleet_drain_worker(struct sim *sim, struct worker *w, int64_t grace_ns)
{
    fleet_withdraw(sim, w);
    w->life.drain_ns = sim->now_ns;
    enum status s = fleet_worker_event(w, EVENT_WORKER_DRAIN);
    if (!s && grace_ns < TIME_NEVER)
        s = event_queue_push(
            &sim->queue,
            worker_event(w, sim->now_ns + grace_ns, EVENT_CLASS_GRACE_END, w->drain_generation),
            sim->diag);
    return s ? s : fleet_remove_drained(sim, w);
}

/* Does `a` go before `b` when one is taken away? */
static bool goes_first(const struct sim *sim, const struct worker *a, const struct worker *b)
{
    switch (a->pool->deployment->config->victim) {
    case VICTIM_NEWEST:
        break;
    case VICTIM_LEAST_LOADED:
        if (worker_load(a) != worker_load(b))
            return worker_load(a) < worker_load(b);
        break;
    case VICTIM_MOST_IDLE: {
        int64_t idle_a = a->kind == STEP_NONE ? a->idle_since_ns : sim->now_ns;
        int64_t idle_b = b->kind == STEP_NONE ? b->idle_since_ns : sim->now_ns;
        if (idle_a != idle_b)
            return idle_a < idle_b;
        break;
    }
    }
    return a->id > b->id;
}

static struct worker *choose_victim(struct sim *sim, const struct pool *pool)
{
    struct worker *found = NULL;
    for (uint32_t i = 0; i < pool->n_routable; i++) {
        struct worker *w = pool->deployment->workers[pool->routable[i]];
        if (!found || goes_first(sim, w, found))
            found = w;
    }
    return found;
}

/* Newest worker of a state, or NULL. One that drains because its node goes is not meant. */
static struct worker *newest(struct sim *sim, const struct pool *pool, enum worker_state state)
{
    const struct deployment *d = pool->deployment;
    struct worker *found = NULL;
    for (uint32_t i = 0; i < d->n_workers; i++) {
        struct worker *w = d->workers[i];
        if (worker_leads(w) && w->pool == pool && w->state == state &&
            (!found || w->id > found->id) &&
            (state != WORKER_DRAINING || sim->cluster.node[w->node].state == NODE_UP))
            found = w;
    }
    return found;
}

enum status fleet_scale(struct sim *sim, struct pool *pool, int target)
{
    BUG_IF(target < 0);
    struct deployment *d = pool->deployment;
    enum status s = ST_OK;
    pool->target = target;
    grants_note_unserved(pool);
    while (!s && pool->n_ready + pool->n_starting < target) {
        struct worker *draining = d->config->call_back ? newest(sim, pool, WORKER_DRAINING) : NULL;
        s = draining ? call_back(sim, draining) : startup_begin(sim, pool, false);
        d->n_started[pool->index]++;
        pool->result->n_up++;
    }
    while (!s && pool->n_ready + pool->n_starting > target) {
        struct worker *w = newest(sim, pool, WORKER_PENDING);
        if (!w)
            w = newest(sim, pool, WORKER_STARTING);
        if (w) {
            s = fleet_stop_worker(sim, w, WORKER_END_CANCELLED);
            d->n_cancelled[pool->index]++;
        } else if (d->config->scale_down == SCALE_DOWN_TERMINATE) {
            s = fleet_kill_worker(sim, choose_victim(sim, pool), WORKER_END_KILLED);
            d->n_terminated[pool->index]++;
        } else {
            s = fleet_drain_worker(sim, choose_victim(sim, pool), d->config->drain_grace_ns);
            d->n_drained[pool->index]++;
        }
        pool->result->n_down++;
    }
    return s;
}

static enum status init_pool(struct deployment *d, size_t p)
{
    struct pool *pool = &d->pools[p];
    const struct pool_config *config = &d->config->pools[p];
    const struct engine_config *engine = &config->engine;
    *pool = (struct pool){
        .index = p,
        .config = config,
        .deployment = d,
        .result = &d->result->pools[p],
        .target = config->replicas,
        .wanted = config->replicas,
        .wanted_ns = -1,
        .line = pool_line_empty,
    };
    request_list_init(&pool->unrouted);
    enum status s = route_init(pool);
    if (!s && engine->prefix_cache)
        s = kv_store_new(&pool->kv, d->sim->diag);
    if (!s && engine->prefix_cache && engine->host_kv_blocks)
        s = kv_store_new(&pool->host_kv, d->sim->diag);
    return s;
}

/* All pools are there before the first worker, which may find a peer in any of them. */
enum status fleet_init(struct sim *sim)
{
    enum status s = cluster_init(&sim->cluster, &sim->config->cluster, sim->diag);
    if (!s)
        s = failures_schedule_nodes(sim);
    for (size_t i = 0; i < sim->n_deployments; i++)
        for (size_t p = 0; !s && p < sim->deployments[i].config->n_pools; p++)
            s = init_pool(&sim->deployments[i], p);
    for (size_t i = 0; i < sim->n_deployments; i++)
        for (size_t p = 0; !s && p < sim->deployments[i].config->n_pools; p++) {
            struct pool *pool = &sim->deployments[i].pools[p];
            for (int k = 0; !s && k < pool->config->replicas; k++)
                s = startup_begin(sim, pool, true);
        }
    return s;
}
