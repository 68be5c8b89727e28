/* From a prefill worker to a decode worker. The prompt's KV stays on the source until it has arrived; the decode
 * worker reserves room first, in the order the prompts were done. */
#include "sim/sim_internal.h"

#include <stdlib.h>
#include <string.h>

/* When a transfer of so many ns that is ready now has gone over its source's link: behind those put on it before. */
static enum status link_end_ns(struct sim *sim, const struct request *r, int64_t transfer_ns, int64_t *end_ns)
{
    uint32_t per_link = sim->config->kv_workers_per_link;
    *end_ns = sim->now_ns + transfer_ns;
    if (per_link == 0)
        return ST_OK;
    uint32_t link = r->source_slot / per_link;
    if (link >= sim->n_links) {
        uint32_t n = 2 * link + 8;
        int64_t *grown = realloc(sim->link_free_ns, n * sizeof *grown);
        if (!grown)
            return diag_nomem(sim->diag, "links");
        memset(grown + sim->n_links, 0, (n - sim->n_links) * sizeof *grown);
        sim->link_free_ns = grown;
        sim->n_links = n;
    }
    int64_t *free_ns = &sim->link_free_ns[link];
    *end_ns = (*free_ns > sim->now_ns ? *free_ns : sim->now_ns) + transfer_ns;
    *free_ns = *end_ns;
    return ST_OK;
}

/* What the decode worker has cached is not sent. */
static int64_t transfer_ns(const struct sim *sim, const struct worker *w, const struct request *r)
{
    const struct sim_config *config = sim->config;
    uint32_t cached_tok = r->hold.shared * w->pool->config->engine.block_size_tok;
    double bytes =
        config->kv_bytes_per_token * (r->isl_tok - (config->kv_send_whole_prompt ? 0 : cached_tok));
    int64_t ns;
    BUG_IF(!ns_from_s(bytes / config->kv_bandwidth_bytes_per_s, &ns));
    return ns;
}

enum status handoff_begin(struct sim *sim, uint32_t id)
{
    struct request *r = sim_request(sim, id);
    r->source_slot = r->worker_slot;
    worker_unbind(sim->workers[r->source_slot], r);
    r->source_blocks = r->kv_blocks;
    r->source_hold = r->hold;
    r->kv_blocks = 0;
    r->hold = (struct kv_hold){0};
    r->handed_over = true;
    sim->workers[r->source_slot]->n_held++;
    return route(sim, &sim->pools[1], id);
}

enum status handoff_grant(struct sim *sim, struct worker *w)
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
        r->state = REQUEST_TRANSFER;
        w->n_transfers++;
        s = sim_event(sim, EVENT_TRANSFER_START, r->index, w->pool->index, w->id);
        if (s)
            return s;
        int64_t end_ns;
        s = link_end_ns(sim, r, transfer_ns(sim, w, r), &end_ns);
        if (s)
            return s;
        end_ns += sim->config->kv_latency_ns;
        if (end_ns == sim->now_ns)
            s = handoff_transferred(sim, id);
        else
            s = event_queue_push(&sim->queue,
                                 event_make(end_ns, EVENT_CLASS_TRANSFER_DONE, id, r->generation),
                                 sim->diag);
        if (s)
            return s;
    }
    return ST_OK;
}

enum status handoff_transferred(struct sim *sim, uint32_t id)
{
    struct request *r = sim_request(sim, id);
    struct worker *w = sim->workers[r->worker_slot];
    enum status s = sim_event(sim, EVENT_TRANSFER_DONE, r->index, w->pool->index, w->id);
    if (!s)
        s = worker_sync(sim, w); /* what its steps so far have pushed out of the cache is gone */
    if (!s)
        s = worker_share(sim, w, id, r->isl_tok);
    if (!s)
        s = handoff_release_source(sim, r);
    if (s)
        return s;
    w->n_transfers--;
    return worker_enqueue(sim, w, id);
}

enum status handoff_release_source(struct sim *sim, struct request *r)
{
    if (r->source_slot == NO_SLOT)
        return ST_OK;
    struct worker *source = sim->workers[r->source_slot];
    BUG_IF(source->n_held == 0);
    source->n_held--;
    struct kv_tail tail; /* nobody comes back for it */
    enum status s = worker_give_back(sim, source, &r->source_hold, r->source_blocks,
                                     r->isl_tok / source->pool->config->engine.block_size_tok, &tail);
    r->source_blocks = 0;
    r->source_slot = NO_SLOT;
    return s ? s : sim_kick(sim, source->leader); /* a prompt may have waited for this room */
}
