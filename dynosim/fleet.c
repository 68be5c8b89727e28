/* Workers over time, and the GPU time they hold. */
#include <stdlib.h>

#include "dynosim/dynosim_internal.h"
#include "util/array.h"

static void account(struct dyno_run *run, struct dyno_worker *w)
{
    w->pool->gpu_ns[w->gpu_state] += run->now_ns - w->gpu_since_ns;
    w->gpu_since_ns = run->now_ns;
}

void dyno_set_gpu_state(struct dyno_run *run, struct dyno_worker *w, enum gpu_state state)
{
    if (w->state == DYNO_DRAINING)
        state = GPU_DRAINING;
    if (state == w->gpu_state)
        return;
    account(run, w);
    w->gpu_state = state;
}

static enum status worker_event(struct dyno_run *run, const struct dyno_worker *w,
                                enum event_kind kind)
{
    return dyno_event(run, kind, NO_ID, w);
}

static void count_peaks(struct dyno_run *run, struct dyno_pool *pool)
{
    int held = pool->n_starting + (int)pool->n_ready + pool->n_draining;
    if (held > pool->result->peak_workers)
        pool->result->peak_workers = held;
    if (run->workers_held > run->result->peak_workers)
        run->result->peak_workers = run->workers_held;
    if (run->gpus_held > run->result->peak_gpus)
        run->result->peak_gpus = run->gpus_held;
}

static enum status new_worker(struct dyno_run *run, struct dyno_pool *pool,
                              struct dyno_worker **worker)
{
    enum status s =
        ARRAY_RESERVE(run->workers, run->n_workers, run->workers_capacity, 1, "workers", run->diag);
    if (s)
        return s;
    struct dyno_worker *w = calloc(1, sizeof *w);
    if (!w)
        return diag_nomem(run->diag, "workers");
    w->slot = run->n_workers;
    run->workers[run->n_workers++] = w;
    w->id = pool->next_id++;
    w->pool = pool;
    w->gpu_state = GPU_STARTING;
    w->gpu_since_ns = run->now_ns;
    w->snapshot.start_ns = run->now_ns;
    w->published_ns = -1;
    w->last_ttft_s = w->last_isl_tok = w->last_itl_s = -1;
    w->life = (struct worker_record){.pool = pool->index,
                                     .id = w->id,
                                     .node = NO_NODE,
                                     .wanted_ns = run->now_ns,
                                     .start_ns = run->now_ns,
                                     .ready_ns = -1,
                                     .drain_ns = -1};
    dyno_list_init(&w->waiting);
    dyno_list_init(&w->rejected);
    dyno_list_init(&w->reservations);
    *worker = w;
    return ST_OK;
}

/* What only a ready worker needs: one that is cancelled never had it. */
static enum status equip(struct dyno_run *run, struct dyno_worker *w)
{
    const struct dynosim_pool *config = w->pool->config;
    w->running = malloc(config->max_num_seqs * sizeof *w->running);
    bool needs_chunks = !run->semantics->straight_line_tables;
    if (needs_chunks)
        w->chunks = malloc(config->max_num_seqs * sizeof *w->chunks);
    if (!w->running || (needs_chunks && !w->chunks))
        return diag_nomem(run->diag, "worker");
    return block_pool_init(&w->kv, config->kv_blocks, run->diag);
}

static void strip(struct dyno_worker *w)
{
    free(w->running);
    free(w->chunks);
    free(w->deferred.action);
    free(w->clocks.ahead.at);
    w->running = NULL;
    w->chunks = NULL;
    w->deferred = (struct action_list){0};
    w->clocks.ahead = (struct prompts_ahead){0};
    block_pool_release(&w->kv);
    key_map_release(&w->active);
}

/* A new worker has the highest id so far, but an older one may become ready after it. */
static enum status ready_add(struct dyno_run *run, struct dyno_worker *w)
{
    struct dyno_pool *pool = w->pool;
    enum status s =
        ARRAY_RESERVE(pool->ready, pool->n_ready, pool->ready_capacity, 1, "workers", run->diag);
    if (s)
        return s;
    uint32_t i = pool->n_ready++;
    for (; i > 0 && run->workers[pool->ready[i - 1]]->id > w->id; i--)
        pool->ready[i] = pool->ready[i - 1];
    pool->ready[i] = w->slot;
    return ST_OK;
}

enum status dyno_worker_ready(struct dyno_run *run, struct dyno_worker *w)
{
    if (w->state != DYNO_STARTING)
        return ST_OK; /* cancelled meanwhile */
    struct dyno_pool *pool = w->pool;
    enum status s = equip(run, w);
    if (!s)
        s = ready_add(run, w);
    if (s)
        return s;
    dyno_set_gpu_state(run, w, GPU_IDLE);
    w->state = DYNO_READY;
    w->life.ready_ns = run->now_ns;
    pool->n_starting--;
    dyno_parts_workers(run, pool);
    s = worker_event(run, w, EVENT_WORKER_READY);
    while (!s && pool->unrouted.n) {
        uint32_t id = pool->unrouted.head;
        dyno_list_remove(run, &pool->unrouted, id);
        s = dyno_route(run, pool, id);
    }
    return s;
}

static enum status start_worker(struct dyno_run *run, struct dyno_pool *pool, bool at_once)
{
    struct dyno_worker *w = NULL;
    enum status s = new_worker(run, pool, &w);
    if (s)
        return s;
    pool->n_starting++;
    dyno_parts_workers(run, pool);
    run->workers_held++;
    run->gpus_held += pool->config->gpus_per_worker;
    count_peaks(run, pool);
    s = worker_event(run, w, EVENT_WORKER_START);
    if (s)
        return s;
    if (at_once)
        return dyno_worker_ready(run, w);
    return dyno_queue_push(&run->queue, run->now_ns + pool->config->startup_ns, DYNO_WORKER_READY,
                           w->slot, run->diag);
}

static void note_peak(struct dyno_worker *w)
{
    double peak = (double)w->peak_in_use / w->pool->config->kv_blocks;
    if (peak > w->pool->result->peak_kv_utilization)
        w->pool->result->peak_kv_utilization = peak;
}

static enum status tell_worker(struct dyno_run *run, const struct dyno_worker *w,
                               enum worker_end end)
{
    if (!run->observer->worker)
        return ST_OK;
    struct worker_record record = w->life;
    record.end_ns = run->now_ns;
    record.end = end;
    if (w->busy)
        record.busy_ns += run->now_ns - w->snapshot.start_ns;
    return run->observer->worker(run->observer->context, &record, run->diag);
}

/* It gives its GPUs back. */
static enum status stop_worker(struct dyno_run *run, struct dyno_worker *w)
{
    bool starting = w->state == DYNO_STARTING;
    account(run, w);
    note_peak(w);
    enum status s = tell_worker(run, w, starting ? WORKER_END_CANCELLED : WORKER_END_DRAINED);
    if (s)
        return s;
    if (starting)
        w->pool->n_starting--;
    else
        w->pool->n_draining--;
    dyno_parts_workers(run, w->pool);
    w->state = DYNO_GONE;
    run->workers_held--;
    run->gpus_held -= w->pool->config->gpus_per_worker;
    strip(w);
    return worker_event(run, w, EVENT_WORKER_STOP);
}

enum status dyno_remove_drained(struct dyno_run *run, struct dyno_worker *w)
{
    if (w->state != DYNO_DRAINING || !dyno_worker_is_empty(w))
        return ST_OK;
    return stop_worker(run, w);
}

static enum status drain_worker(struct dyno_run *run, struct dyno_worker *w)
{
    struct dyno_pool *pool = w->pool;
    BUG_IF(run->workers[pool->ready[pool->n_ready - 1]] != w);
    pool->n_ready--;
    pool->n_draining++;
    dyno_parts_workers(run, pool);
    w->state = DYNO_DRAINING;
    w->life.drain_ns = run->now_ns;
    dyno_set_gpu_state(run, w, GPU_DRAINING);
    enum status s = worker_event(run, w, EVENT_WORKER_DRAIN);
    return s ? s : dyno_remove_drained(run, w);
}

static struct dyno_worker *newest_starting(const struct dyno_run *run, const struct dyno_pool *pool)
{
    for (uint32_t i = run->n_workers; i-- > 0;)
        if (run->workers[i]->pool == pool && run->workers[i]->state == DYNO_STARTING)
            return run->workers[i];
    return NULL;
}

/* Those that are starting go first, then the ready ones, the newest first. A draining one never
 * comes back. */
enum status dyno_fleet_scale(struct dyno_run *run, struct dyno_pool *pool, int target)
{
    BUG_IF(target < 0);
    enum status s = ST_OK;
    pool->target = target;
    while (!s && (int)pool->n_ready + pool->n_starting < target) {
        s = start_worker(run, pool, false);
        run->n_started[pool->index]++;
        pool->result->n_up++;
    }
    while (!s && (int)pool->n_ready + pool->n_starting > target) {
        struct dyno_worker *w = newest_starting(run, pool);
        if (w) {
            s = stop_worker(run, w);
            run->n_cancelled[pool->index]++;
        } else {
            s = drain_worker(run, run->workers[pool->ready[pool->n_ready - 1]]);
            run->n_drained[pool->index]++;
        }
        pool->result->n_down++;
    }
    return s;
}

enum status dyno_fleet_init(struct dyno_run *run)
{
    for (size_t p = 0; p < run->config->n_pools; p++) {
        struct dyno_pool *pool = &run->pools[p];
        *pool = (struct dyno_pool){
            .index = p,
            .config = &run->config->pools[p],
            .result = &run->result->pools[p],
            .target = run->config->pools[p].replicas,
            .line = pool_line_empty,
        };
        dyno_list_init(&pool->unrouted);
        for (int i = 0; i < pool->config->replicas; i++) {
            enum status s = start_worker(run, pool, true);
            if (s)
                return s;
        }
    }
    return ST_OK;
}

/* Slots of a pool are in order of id. */
static enum status close_workers(struct dyno_run *run, const struct dyno_pool *pool)
{
    enum status s = ST_OK;
    for (uint32_t i = 0; !s && i < run->n_workers; i++) {
        struct dyno_worker *w = run->workers[i];
        if (w->pool != pool || w->state == DYNO_GONE)
            continue;
        account(run, w);
        note_peak(w);
        s = dyno_tell_cut_pass(run, w);
        if (!s)
            s = tell_worker(run, w, WORKER_END_RUN);
    }
    return s;
}

enum status dyno_fleet_close(struct dyno_run *run)
{
    enum status s = ST_OK;
    for (size_t p = 0; p < run->config->n_pools; p++) {
        struct dyno_pool *pool = &run->pools[p];
        if (!s)
            s = close_workers(run, pool);
        for (int state = 0; state < N_GPU_STATES; state++)
            pool->result->gpu_s[state] =
                s_from_ns(pool->gpu_ns[state]) * pool->config->gpus_per_worker;
    }
    return s;
}

void dyno_fleet_release(struct dyno_run *run)
{
    for (uint32_t i = 0; i < run->n_workers; i++) {
        strip(run->workers[i]);
        free(run->workers[i]);
    }
    for (size_t p = 0; p < run->config->n_pools; p++)
        free(run->pools[p].ready);
    free(run->workers);
}
