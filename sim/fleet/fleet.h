/* Workers over time: routable, draining, gone. */
#ifndef SIM_FLEET_FLEET_H
#define SIM_FLEET_FLEET_H

#include "sim/worker/worker.h"

struct fleet {
    int64_t gpus_held;     /* by the workers of all deployments */
    uint32_t n_nodes_seen; /* whose failures are scheduled */
    struct id_array
        pending;        /* keys of workers that wait for GPUs, in the order they were asked for */
    bool room_appeared; /* since they were last looked at */
};

/* One number for a worker of any deployment. */
static inline uint32_t fleet_key(const struct worker *w)
{
    return (uint32_t)w->pool->deployment->index << EVENT_ID_BITS | w->slot;
}
static inline struct worker *fleet_worker(const struct sim *sim, uint32_t key)
{
    return sim->deployments[key >> EVENT_ID_BITS].workers[key & ((1u << EVENT_ID_BITS) - 1)];
}

enum status fleet_init(struct sim *sim);
void fleet_release(struct sim *sim);
enum status fleet_scale(struct sim *sim, struct pool *pool, int target);
void fleet_note_workers(const struct sim *sim, struct pool *pool); /* after a change of them */
void fleet_set_state(struct worker *leader, enum worker_state state);
enum status fleet_worker_event(const struct worker *w, enum event_kind kind);
enum status fleet_worker_ready(struct sim *sim, struct worker *w);
void fleet_withdraw(struct sim *sim, struct worker *w); /* not routable any more: it drains */
/* Withdrawn, and what it has may end within grace_ns (TIME_NEVER: whenever it does). */
enum status fleet_drain_worker(struct sim *sim, struct worker *w, int64_t grace_ns);
/* Empty: it gives its GPUs back. */
enum status fleet_stop_worker(struct sim *sim, struct worker *w, enum worker_end end);
/* At once, with everything on it. */
enum status fleet_kill_worker(struct sim *sim, struct worker *w, enum worker_end end);
enum status fleet_grace_ends(struct sim *sim, struct worker *w); /* killed */
enum status fleet_remove_drained(struct sim *sim, struct worker *w);
/* The run ends: account for GPU time up to now and what each rank did, and tell of the workers that
 * are left. */
enum status fleet_close(struct deployment *d);

/* Of a node, or of a worker and the node it is on. */
static inline enum status fleet_node_event(struct sim *sim, enum event_kind kind,
                                           const struct worker *w, uint32_t node)
{
    if (!sim->observer->event)
        return ST_OK;
    struct event_record e = {
        .at_ns = sim->now_ns,
        .kind = kind,
        .request = UINT64_MAX,
        .pool = w ? w->pool->index : SIZE_MAX,
        .worker = w ? w->id : NO_WORKER,
        .node = node,
        .deployment = w ? w->pool->deployment->index : SIZE_MAX,
    };
    return sim->observer->event(sim->observer->context, &e, sim->diag);
}

#endif
