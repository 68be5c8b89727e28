/* From a prefill worker to a decode worker. The prompt's KV stays on the source until it has
 * arrived; the decode worker reserves room first, in the order the prompts were done. */
#include "sim/routing/handoff.h"

#include "sim/routing/route.h"
#include "sim/worker/decode_set.h"
#include "sim/worker/parts.h"
#include "sim/worker/tells.h"
#include "sim/worker/worker_kv.h"

/* What the decode worker has cached is not sent. */
static int64_t transfer_ns(const struct worker *w, const struct request *r, bool local)
{
    const struct deployment_config *config = w->pool->deployment->config;
    uint32_t cached_tok = r->hold.shared * w->pool->config->engine.block_size_tok;
    double bytes =
        config->kv_bytes_per_token * (r->isl_tok - (config->kv_send_whole_prompt ? 0 : cached_tok));
    return ns_from_s_or_never(bytes / (local ? config->kv_local_bandwidth_bytes_per_s
                                             : config->kv_bandwidth_bytes_per_s));
}

static struct worker *source_of(const struct sim *sim, const struct request *r)
{
    return sim_home_of(sim, r)->workers[r->source_slot];
}

static int64_t own_ns(const struct sim *sim, const struct worker *w, const struct request *r)
{
    bool local = source_of(sim, r)->leader->node == w->leader->node;
    return transfer_ns(w, r, local) + w->pool->deployment->config->kv_latency_ns;
}

static int64_t transfer_end_ns(struct sim *sim, const struct worker *w, const struct request *r)
{
    uint32_t from = source_of(sim, r)->leader->node, to = w->leader->node;
    int64_t length_ns = transfer_ns(w, r, from == to);
    return cluster_transfer_end_ns(&sim->cluster, from, to, sim->now_ns, length_ns) +
           w->pool->deployment->config->kv_latency_ns;
}

/* From the deployment that it came to into the one that decodes it. */
static void move_house(struct sim *sim, struct request *r)
{
    deployment_move(sim_deployment_of(sim, r), r, PLACE_NOWHERE);
    r->deployment = r->decode;
    sim_deployment_of(sim, r)->traffic.total.n_arrived++;
}

enum status tell_prompt_done(struct sim *sim, uint32_t id)
{
    struct request *r = sim_request(sim, id);
    struct worker *source = sim_home_of(sim, r)->workers[r->worker_slot];
    r->source_slot = r->worker_slot;
    worker_unbind(source, r);
    r->source_blocks = r->kv_blocks;
    r->source_hold = r->hold;
    r->kv_blocks = 0;
    r->hold = (struct kv_hold){0};
    r->handed_over = true;
    source->n_held++;
    if (r->decode != r->deployment)
        move_house(sim, r);
    return route_to_pool(sim, deployment_decode_pool(sim_deployment_of(sim, r)), id);
}

enum status tell_room(struct sim *sim, struct worker *w)
{
    const struct engine_config *engine = &w->pool->config->engine;
    while (w->incoming.n && w->running.n < engine->max_num_seqs) {
        uint32_t id = w->incoming.head;
        struct request *r = sim_request(sim, id);
        bool fits;
        enum status s = worker_reserve(sim, w, id, &fits);
        if (s || !fits)
            return s;
        request_list_remove(&w->incoming, &sim->requests, id);
        passes_queue_left(w, r);
        r->state = REQUEST_TRANSFER;
        passes_queue_joined(w, r);
        w->n_transfers++;
        s = deployment_event(w->pool->deployment, EVENT_TRANSFER_START, r->index, w->pool->index,
                             w->id);
        if (s)
            return s;
        if (parts_kept(sim))
            parts_transfer(sim, id, w, own_ns(sim, w, r));
        int64_t end_ns = transfer_end_ns(sim, w, r);
        if (end_ns == sim->now_ns)
            s = handoff_transferred(sim, id);
        else
            s = event_queue_push(
                &sim->queue,
                event_make(end_ns, EVENT_CLASS_TRANSFER_DONE, r->deployment, id, r->generation),
                sim->diag);
        if (s)
            return s;
    }
    return ST_OK;
}

enum status handoff_transferred(struct sim *sim, uint32_t id)
{
    struct request *r = sim_request(sim, id);
    struct worker *w = sim_deployment_of(sim, r)->workers[r->worker_slot];
    enum status s =
        deployment_event(w->pool->deployment, EVENT_TRANSFER_DONE, r->index, w->pool->index, w->id);
    if (!s)
        s = worker_sync(sim, w); /* what its steps so far have pushed out of the cache is gone */
    if (!s)
        s = worker_share(sim, w, id, r->isl_tok);
    if (!s)
        s = handoff_release_source(sim, r);
    if (s)
        return s;
    w->n_transfers--;
    passes_catch_up(sim, w);
    passes_queue_left(w, r);
    parts_enter(sim, id, STAGE_ROOM, w->pool, w);
    return worker_enqueue(sim, w, id);
}

enum status handoff_release_source(struct sim *sim, struct request *r)
{
    if (r->source_slot == NO_SLOT)
        return ST_OK;
    struct worker *source = source_of(sim, r);
    BUG_IF(source->n_held == 0);
    source->n_held--;
    enum status s =
        worker_give_back(sim, source, &r->source_hold, r->source_blocks,
                         r->isl_tok / source->pool->config->engine.block_size_tok, NULL);
    r->source_blocks = 0;
    r->source_slot = NO_SLOT;
    return s ? s : worker_kick(sim, source->leader); /* a prompt may have waited for this room */
}
