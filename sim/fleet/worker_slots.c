#include "sim/fleet/worker_slots.h"

#include <stdlib.h>

#include "sim/worker/worker_kv.h"
#include "util/array.h"

static struct id_array reuse(struct id_array a)
{
    a.n = 0;
    return a;
}

static struct step_plan reuse_plan(struct step_plan p)
{
    return (struct step_plan){.chunks = p.chunks,
                              .chunked = reuse(p.chunked),
                              .completing = reuse(p.completing),
                              .joining = reuse(p.joining)};
}

/* A fresh rank in a slot; what the slot's last worker had allocated is used again where it fits. */
static enum status rank_init(struct sim *sim, struct worker *w, struct worker *leader,
                             uint32_t rank)
{
    struct pool *pool = leader->pool;
    const struct engine_config *engine = &pool->config->engine;
    struct worker old = *w;
    *w = (struct worker){
        .slot = old.slot,
        .generation = old.generation + 1,
        .life_generation = old.life_generation + 1,
        .drain_generation = old.drain_generation + 1,
        .waiting = old.waiting,
        .arrived = old.arrived,
        .finish = old.finish,
        .finish_capacity = old.finish_capacity,
        .kicked = old.kicked,
        .id = leader->id,
        .pool = pool,
        .leader = leader,
        .ranks = old.ranks,
        .state = WORKER_PENDING,
        .node = NO_NODE,
        .gpu_state = GPU_STARTING,
        .gpu_since_ns = sim->now_ns,
        .kv_blocks =
            engine->kv_blocks / engine->n_ranks + (rank < engine->kv_blocks % engine->n_ranks),
        .partial = NO_REQUEST,
        .last_ttft_s = -1,
        .last_isl_tok = -1,
        .last_itl_s = -1,
        .first_next = reuse(old.first_next),
        .second_next = reuse(old.second_next),
        .plan = reuse_plan(old.plan),
        .ahead = reuse_plan(old.ahead),
        .pass = {.end_ns = -1},
        .clocks = {.ahead = {.at = old.clocks.ahead.at, .capacity = old.clocks.ahead.capacity}},
        .life = {.deployment = pool->deployment->index,
                 .pool = pool->index,
                 .id = leader->id,
                 .node = NO_NODE,
                 .wanted_ns = sim->now_ns,
                 .start_ns = -1,
                 .ready_ns = -1,
                 .drain_ns = -1},
    };
    struct deployment *d = pool->deployment;
    d->load[w->slot] = d->published[w->slot] = (struct rank_load){0};
    deployment_stream(d, &w->rng, pool->config->name, (uint64_t)leader->id * MAX_RANKS + rank);
    deployment_stream(d, &w->life_rng, "startup", (uint64_t)pool->index << 32 | leader->id);
    request_list_init(&w->waiting);
    request_list_init(&w->arrived);
    request_list_init(&w->running);
    request_list_init(&w->incoming);
    kv_cache_free(old.cache);
    kv_cache_free(old.host);
    free(old.growth);
    w->growth = calloc(engine->block_size_tok, sizeof *w->growth);
    if (!w->growth)
        return diag_nomem(sim->diag, "worker");
    enum status s = ARRAY_RESIZE(w->plan.chunks, engine->max_num_seqs, "worker", sim->diag);
    if (!s)
        s = ARRAY_RESIZE(w->ahead.chunks, engine->max_num_seqs, "worker", sim->diag);
    if (!s && pool->kv)
        s = kv_cache_new(&w->cache, pool->kv, w->slot, engine->eviction, sim->diag);
    if (!s && pool->host_kv)
        s = kv_cache_new(&w->host, pool->host_kv, w->slot, kv_eviction_find("lru"), sim->diag);
    return s;
}

static enum status grow_slots(struct deployment *d, uint32_t capacity)
{
    BUG_IF(capacity > 1u << EVENT_ID_BITS);
    enum status s = ARRAY_RESIZE(d->workers, capacity, "workers", d->sim->diag);
    if (!s)
        s = ARRAY_RESIZE(d->load, capacity, "workers", d->sim->diag);
    if (!s)
        s = ARRAY_RESIZE(d->published, capacity, "workers", d->sim->diag);
    if (!s)
        d->workers_capacity = capacity;
    return s;
}

static enum status new_slot(struct deployment *d, struct worker **w)
{
    for (uint32_t i = d->first_free_worker; i < d->n_workers; i++) {
        if (d->workers[i]->state == WORKER_FREE) {
            d->first_free_worker = i + 1;
            *w = d->workers[i];
            return ST_OK;
        }
    }
    if (d->n_workers == d->workers_capacity) {
        uint32_t capacity = d->workers_capacity ? 2 * d->workers_capacity : 16;
        enum status s = grow_slots(d, capacity);
        if (s)
            return s;
    }
    *w = calloc(1, sizeof **w);
    if (!*w)
        return diag_nomem(d->sim->diag, "workers");
    (*w)->slot = d->n_workers;
    d->first_free_worker = d->n_workers + 1;
    d->workers[d->n_workers++] = *w;
    return ST_OK;
}

enum status fleet_worker_new(struct sim *sim, struct pool *pool, struct worker **leader)
{
    uint32_t n_ranks = pool->config->engine.n_ranks;
    struct worker *ranks[MAX_RANKS] = {NULL};
    BUG_IF(n_ranks == 0 || n_ranks > MAX_RANKS);
    for (uint32_t i = 0; i < n_ranks; i++) {
        enum status s = new_slot(pool->deployment, &ranks[i]);
        if (!s) {
            ranks[i]->pool = pool;
            ranks[0]->id = pool->next_worker_id;
            s = rank_init(sim, ranks[i], ranks[0], i);
        }
        if (s)
            return s;
    }
    *leader = ranks[0];
    enum status s = ARRAY_RESIZE(ranks[0]->ranks, n_ranks, "worker", sim->diag);
    if (s)
        return s;
    for (uint32_t i = 0; i < n_ranks; i++)
        ranks[0]->ranks[i] = ranks[i];
    ranks[0]->n_ranks = n_ranks;
    pool->next_worker_id++;
    return ST_OK;
}

void fleet_worker_free(struct worker *w)
{
    kv_cache_free(w->cache);
    kv_cache_free(w->host);
    request_list_release(&w->waiting);
    request_list_release(&w->arrived);
    free(w->growth);
    free(w->finish);
    free(w->ranks);
    free(w->clocks.ahead.at);
    free(w->first_next.id);
    free(w->second_next.id);
    struct step_plan *plans[] = {&w->plan, &w->ahead};
    for (int k = 0; k < 2; k++) {
        free(plans[k]->chunks);
        free(plans[k]->chunked.id);
        free(plans[k]->completing.id);
        free(plans[k]->joining.id);
    }
    free(w);
}
