/* What breaks by itself: workers, nodes, and nodes that are reclaimed with a notice. The
 * orchestrator starts another worker for each one that goes. */
#include "sim/fleet/failures.h"

#include "sim/fleet/grants.h"
#include "sim/fleet/startup.h"

/* An exponential time from a stream of its own, so that what else is drawn does not move it. */
static enum status schedule(struct sim *sim, double mean_s, struct pcg64 *rng, struct event e)
{
    int64_t ns;
    if (!ns_from_s(pcg64_exponential(rng, mean_s), &ns))
        return ST_OK; /* not in anybody's lifetime */
    e.at_ns += ns;
    return event_queue_push(&sim->queue, e, sim->diag);
}

enum status failures_schedule_worker(struct sim *sim, const struct worker *w)
{
    const struct deployment *d = w->pool->deployment;
    struct pcg64 rng;
    if (d->config->worker_mtbf_s <= 0)
        return ST_OK;
    deployment_stream(d, &rng, "failure", (uint64_t)w->pool->index << 32 | w->id);
    return schedule(sim, d->config->worker_mtbf_s, &rng,
                    worker_event(w, sim->now_ns, EVENT_CLASS_FAILURE, w->life_generation));
}

enum status failures_worker_fails(struct sim *sim, struct worker *w)
{
    w->pool->result->n_failed++;
    enum status s = fleet_worker_event(w, EVENT_WORKER_FAIL);
    if (!s)
        s = fleet_kill_worker(sim, w, WORKER_END_FAILED);
    return s ? s : startup_restore(sim);
}

/* ---- nodes ---- */

static enum status schedule_node(struct sim *sim, uint32_t node)
{
    uint32_t generation = sim->cluster.node[node].generation;
    uint64_t entity = (uint64_t)node << 32 | generation;
    struct pcg64 rng;
    enum status s = ST_OK;
    if (sim->config->node_mtbf_s > 0) {
        pcg64_stream(&rng, sim->config->seed, "node-failure", entity);
        s = schedule(sim, sim->config->node_mtbf_s, &rng,
                     event_make(sim->now_ns, EVENT_CLASS_NODE_FAILURE, 0, node, generation));
    }
    if (!s && sim->config->spot_mtbf_s > 0) {
        pcg64_stream(&rng, sim->config->seed, "node-reclaim", entity);
        s = schedule(sim, sim->config->spot_mtbf_s, &rng,
                     event_make(sim->now_ns, EVENT_CLASS_NODE_NOTICE, 0, node, generation));
    }
    return s;
}

enum status failures_schedule_nodes(struct sim *sim)
{
    enum status s = ST_OK;
    while (!s && sim->fleet->n_nodes_seen < sim->cluster.n_nodes)
        s = schedule_node(sim, sim->fleet->n_nodes_seen++);
    return s;
}

static enum status change_state(struct sim *sim, uint32_t node, enum node_state state,
                                enum event_kind event)
{
    sim->cluster.node[node].state = state;
    sim->cluster.node[node].generation++;
    return fleet_node_event(sim, event, NULL, node);
}

static enum status schedule_change(struct sim *sim, uint32_t node, int64_t after_ns,
                                   enum event_class class)
{
    if (after_ns >= TIME_NEVER)
        return ST_OK;
    return event_queue_push(
        &sim->queue,
        event_make(sim->now_ns + after_ns, class, 0, node, sim->cluster.node[node].generation),
        sim->diag);
}

static bool is_on(const struct sim *sim, const struct worker *w, uint32_t node)
{
    return worker_leads(w) && w->state != WORKER_PENDING &&
           cluster_is_on(&sim->cluster, fleet_key(w), w->node, node);
}

/* Everything on the node, at once. */
static enum status lose_workers_of(struct deployment *d, uint32_t node)
{
    enum status s = ST_OK;
    /* Together: a request that is sent again must not find another worker that goes too. */
    for (uint32_t i = 0; i < d->n_workers; i++) {
        struct worker *w = d->workers[i];
        if (is_on(d->sim, w, node) && w->state == WORKER_READY) {
            fleet_withdraw(d->sim, w);
            w->pool->result->n_lost_nodes++;
        }
    }
    for (uint32_t i = 0; !s && i < d->n_workers; i++) {
        struct worker *w = d->workers[i];
        if (is_on(d->sim, w, node))
            s = fleet_kill_worker(d->sim, w, WORKER_END_NODE);
    }
    return s;
}

static enum status lose_workers(struct sim *sim, uint32_t node)
{
    enum status s = ST_OK;
    for (size_t i = 0; !s && i < sim->n_deployments; i++)
        s = lose_workers_of(&sim->deployments[i], node);
    return s;
}

static enum status node_fails(struct sim *sim, uint32_t node)
{
    sim->n_node_failures++;
    enum status s = change_state(sim, node, NODE_DOWN, EVENT_NODE_FAIL);
    sim->cluster.node[node].has_weights = 0; /* memory is lost, the disk is not */
    if (!s)
        s = lose_workers(sim, node);
    if (!s)
        s = schedule_change(sim, node, sim->config->node_repair_ns, EVENT_CLASS_NODE_BACK);
    if (!s)
        s = grants_review(sim);
    return s ? s : startup_restore(sim);
}

static enum status drain_workers_of(struct deployment *d, uint32_t node)
{
    struct sim *sim = d->sim;
    int64_t notice_ns = sim->config->spot_notice_ns, grace_ns = d->config->drain_grace_ns;
    enum status s = ST_OK;
    for (uint32_t i = 0; !s && i < d->n_workers; i++) {
        struct worker *w = d->workers[i];
        if (!is_on(sim, w, node) || w->state == WORKER_DRAINING)
            continue;
        w->pool->result->n_lost_nodes += w->state == WORKER_READY;
        s = w->state == WORKER_STARTING
                ? fleet_stop_worker(sim, w, WORKER_END_NODE)
                : fleet_drain_worker(sim, w, grace_ns < notice_ns ? grace_ns : notice_ns);
    }
    return s;
}

/* Its workers drain while others are started elsewhere. */
static enum status node_is_reclaimed(struct sim *sim, uint32_t node)
{
    sim->n_reclaims++;
    enum status s = change_state(sim, node, NODE_LEAVING, EVENT_NODE_NOTICE);
    for (size_t i = 0; !s && i < sim->n_deployments; i++)
        s = drain_workers_of(&sim->deployments[i], node);
    if (!s)
        s = schedule_change(sim, node, sim->config->spot_notice_ns, EVENT_CLASS_NODE_LEAVES);
    if (!s)
        s = grants_review(sim);
    return s ? s : startup_restore(sim);
}

static enum status node_leaves(struct sim *sim, uint32_t node)
{
    enum status s = lose_workers(sim, node);
    if (!s)
        s = change_state(sim, node, NODE_DOWN, EVENT_NODE_LEAVE);
    /* What comes back is another machine. */
    sim->cluster.node[node].has_image = false;
    sim->cluster.node[node].has_weights = 0;
    return s ? s : schedule_change(sim, node, sim->config->spot_return_ns, EVENT_CLASS_NODE_BACK);
}

static enum status node_is_back(struct sim *sim, uint32_t node)
{
    enum status s = change_state(sim, node, NODE_UP, EVENT_NODE_BACK);
    sim->fleet->room_appeared = true;
    if (!s)
        s = grants_review(sim);
    return s ? s : schedule_node(sim, node);
}

enum status failures_node(struct sim *sim, enum event_class what, uint32_t node)
{
    switch ((int)what) {
    case EVENT_CLASS_NODE_FAILURE:
        return node_fails(sim, node);
    case EVENT_CLASS_NODE_NOTICE:
        return node_is_reclaimed(sim, node);
    case EVENT_CLASS_NODE_LEAVES:
        return node_leaves(sim, node);
    case EVENT_CLASS_NODE_BACK:
        return node_is_back(sim, node);
    }
    BUG("not an event of a node");
}
