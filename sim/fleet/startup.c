/* From a worker that is wanted to one that is ready: GPUs of a node, the phases of its start,
 * starts that fail. */
#include "sim/fleet/startup.h"

#include <limits.h>
#include <math.h>

#include "sim/fleet/failures.h"
#include "sim/fleet/grants.h"
#include "sim/fleet/worker_slots.h"

/* ---- how long a start takes ---- */

static bool same_weights(const struct pool *a, const struct pool *b)
{
    return a->config->profile == b->config->profile;
}

/* In node.has_weights. */
static uint64_t weights_bit(const struct pool *pool)
{
    return UINT64_C(1) << (pool->deployment->index * POLICY_MAX_POOLS + pool->index);
}
_Static_assert(MAX_DEPLOYMENTS *POLICY_MAX_POOLS <= 64, "a bit for each pool");

static bool has_weights(const struct sim *sim, const struct pool *pool, const struct node *node)
{
    for (size_t i = 0; i < sim->n_deployments; i++)
        for (size_t p = 0; p < sim->deployments[i].config->n_pools; p++) {
            const struct pool *other = &sim->deployments[i].pools[p];
            if ((node->has_weights & weights_bit(other)) && same_weights(other, pool))
                return true;
        }
    return false;
}

static bool has_ready_peer(const struct sim *sim, const struct pool *pool)
{
    for (size_t i = 0; i < sim->n_deployments; i++)
        for (size_t p = 0; p < sim->deployments[i].config->n_pools; p++) {
            const struct pool *other = &sim->deployments[i].pools[p];
            if (other->n_ready > 0 && same_weights(other, pool))
                return true;
        }
    return false;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t phase_mean_ns(const struct sim *sim, const struct worker *w,
                             enum startup_phase phase)
{
    const struct pool_config *config = w->pool->config;
    const struct node *node = &sim->cluster.node[w->node];
    int64_t ns = config->startup_phase_ns[phase];
    if (phase == STARTUP_IMAGE_PULL && node->has_image)
        return config->image_cached_ns;
    if (phase == STARTUP_WEIGHTS && has_weights(sim, w->pool, node))
        ns = least(ns, config->weights_cached_ns);
    if (phase == STARTUP_WEIGHTS && has_ready_peer(sim, w->pool))
        ns = least(ns, config->weights_peer_ns);
    return ns;
}

/* Drawn from the worker's own stream: what else is drawn does not move it. */
static int64_t draw_ns(const struct sim *sim, struct worker *w)
{
    double cv = w->pool->config->startup_cv;
    double total_ns = 0;
    for (int i = 0; i < N_STARTUP_PHASES; i++) {
        double ns = (double)phase_mean_ns(sim, w, (enum startup_phase)i);
        if (cv > 0 && ns > 0)
            ns *= pcg64_lognormal(&w->life_rng, cv);
        total_ns += nearbyint(ns);
    }
    return total_ns < (double)TIME_NEVER ? (int64_t)total_ns : TIME_NEVER;
}

static enum status schedule_ready(struct sim *sim, struct worker *w, int64_t wait_ns)
{
    int64_t at_ns = ns_after(sim->now_ns + wait_ns, draw_ns(sim, w));
    return event_queue_push(&sim->queue,
                            worker_event(w, at_ns, EVENT_CLASS_WORKER_READY, w->life_generation),
                            sim->diag);
}

/* As Kubernetes has it for containers that crash. */
#define LONGEST_RETRY_NS (300 * NS_PER_S)

static int64_t retry_wait_ns(const struct worker *w)
{
    int64_t ns = w->pool->config->startup_retry_ns;
    for (uint32_t i = 1; i < w->n_failed_starts && ns < LONGEST_RETRY_NS; i++)
        ns *= 2;
    return least(ns, LONGEST_RETRY_NS);
}

/* Whoever starts on these nodes next finds the image and the weights. */
static void leave_behind(struct sim *sim, const struct worker *w)
{
    for (uint32_t i = 0; i < sim->cluster.n_nodes; i++) {
        if (!cluster_is_on(&sim->cluster, fleet_key(w), w->node, i))
            continue;
        sim->cluster.node[i].has_image = true;
        sim->cluster.node[i].has_weights |= weights_bit(w->pool);
    }
}

/* Routable, or failed and to be begun again on the GPUs it holds. */
enum status startup_ends(struct sim *sim, struct worker *w)
{
    double failure = w->pool->config->startup_failure;
    leave_behind(sim, w);
    if (failure <= 0 || pcg64_double(&w->life_rng) >= failure)
        return fleet_worker_ready(sim, w);
    w->n_failed_starts++;
    w->pool->result->n_failed_starts++;
    enum status s = fleet_worker_event(w, EVENT_WORKER_FAIL);
    return s ? s : schedule_ready(sim, w, retry_wait_ns(w));
}

/* ---- GPUs ---- */

static void higher(int *peak, int value)
{
    if (value > *peak)
        *peak = value;
}

static void note_run_peaks(struct sim *sim)
{
    int workers = 0;
    for (size_t i = 0; i < sim->n_deployments; i++)
        workers += sim->deployments[i].workers_held;
    higher(&sim->peak_workers, workers);
    higher(&sim->peak_gpus, (int)sim->fleet->gpus_held);
}

static void note_peaks(struct pool *pool)
{
    struct deployment *d = pool->deployment;
    int held = pool->n_starting - pool->n_pending + pool->n_ready + pool->n_draining;
    higher(&pool->result->peak_workers, held);
    d->workers_held++;
    d->gpus_held += pool->config->gpus_per_worker;
    d->sim->fleet->gpus_held += pool->config->gpus_per_worker;
    higher(&d->result->peak_workers, d->workers_held);
    higher(&d->result->peak_gpus, d->gpus_held);
    note_run_peaks(d->sim);
}

/* The worker gets its GPUs, if there is a node for them and the budget has room. */
static enum status place(struct sim *sim, struct worker *w, bool at_once, bool *placed)
{
    struct pool *pool = w->pool;
    uint32_t node;
    *placed = false;
    if (!grants_have_room(sim, pool->config->gpus_per_worker))
        return ST_OK;
    enum status s = cluster_place(&sim->cluster, fleet_key(w),
                                  (uint32_t)pool->config->gpus_per_worker, &node, sim->diag);
    if (!s)
        s = failures_schedule_nodes(sim);
    *placed = node != NO_NODE;
    if (s || !*placed)
        return s;
    id_array_remove(&sim->fleet->pending, fleet_key(w));
    pool->n_pending--;
    w->node = w->life.node = node;
    fleet_note_workers(sim, pool);
    w->gpu_since_ns = w->life.start_ns = sim->now_ns;
    fleet_set_state(w, WORKER_STARTING);
    note_peaks(pool);
    s = fleet_node_event(sim, EVENT_WORKER_START, w, node);
    if (!s)
        s = failures_schedule_worker(sim, w);
    if (s)
        return s;
    if (!at_once)
        return schedule_ready(sim, w, 0);
    leave_behind(sim, w);
    return fleet_worker_ready(sim, w);
}

static void note_peak_pending(struct deployment *d)
{
    int pending = 0;
    for (size_t p = 0; p < d->config->n_pools; p++)
        pending += d->pools[p].n_pending;
    higher(&d->result->peak_pending, pending);
    higher(&d->sim->peak_pending, (int)d->sim->fleet->pending.n);
}

enum status startup_begin(struct sim *sim, struct pool *pool, bool at_once)
{
    struct worker *w;
    bool placed = false;
    enum status s = fleet_worker_new(sim, pool, &w);
    if (!s)
        s = id_array_push(&sim->fleet->pending, fleet_key(w), sim->diag);
    if (s)
        return s;
    pool->n_starting++;
    pool->n_pending++;
    fleet_note_workers(sim, pool);
    if (sim->fleet->room_appeared) /* those that wait already come first */
        s = startup_place_pending(sim);
    else
        s = place(sim, w, at_once, &placed);
    if (s || w->state != WORKER_PENDING)
        return s;
    BUG_IF(at_once);
    note_peak_pending(pool->deployment);
    return fleet_worker_event(w, EVENT_WORKER_PENDING);
}

/* In the order they were granted; one that does not fit is passed over, as Kubernetes' scheduler
 * does. */
enum status startup_place_pending(struct sim *sim)
{
    enum status s = ST_OK;
    int too_large = INT_MAX; /* for so many GPUs there is no room */
    sim->fleet->room_appeared = false;
    for (uint32_t i = 0; !s && i < sim->fleet->pending.n;) {
        struct worker *w = fleet_worker(sim, sim->fleet->pending.id[i]);
        bool placed = false;
        if (w->pool->config->gpus_per_worker < too_large)
            s = place(sim, w, false, &placed);
        if (placed)
            continue; /* the next has moved up */
        if (w->pool->config->gpus_per_worker < too_large)
            too_large = w->pool->config->gpus_per_worker;
        i++;
    }
    return s;
}

enum status startup_restore(struct sim *sim)
{
    enum status s = ST_OK;
    for (size_t i = 0; i < sim->n_deployments; i++)
        for (size_t p = 0; p < sim->deployments[i].config->n_pools; p++) {
            struct pool *pool = &sim->deployments[i].pools[p];
            while (!s && pool->n_ready + pool->n_starting < pool->target)
                s = startup_begin(sim, pool, false);
        }
    return s;
}
