/* From a prefill worker to a decode worker: reservation, transfer, activation, release of the
 * source. */
#include <math.h>

#include "dynosim/dynosim_internal.h"

static int64_t transfer_ns(const struct dyno_run *run, const struct dyno_request *r,
                           uint32_t n_missing)
{
    const struct dynosim_config *config = run->config;
    double bytes_per_token = config->kv_bytes_per_token,
           bandwidth = config->kv_bandwidth_bytes_per_s;
    if (!(bytes_per_token > 0 && bandwidth > 0)) {
        if (run->semantics->free_transfer)
            return 0;
        bytes_per_token = config->fallback_kv_bytes_per_token;
        bandwidth = config->fallback_kv_bandwidth_bytes_per_s;
    }
    double tokens = config->transfer == DYNOSIM_WHOLE_PROMPT
                        ? (double)r->isl_tok
                        : (double)n_missing * config->pools[1].block_size_tok;
    return ns_or_never(tokens * bytes_per_token / bandwidth * 1e9);
}

/* Hits are held at once; the other blocks count as in use but are not found before the activation.
 */
static enum status grant(struct dyno_run *run, struct dyno_worker *w, uint32_t id, uint32_t n_hits)
{
    struct dyno_request *r = &run->requests[id];
    uint32_t n_blocks = blocks_from_tok(r->isl_tok, w->pool->config->block_size_tok);
    enum status s = dyno_blocks_reserve(run, w, r);
    if (!s)
        s = dyno_event(run, EVENT_TRANSFER_START, id, w);
    if (s)
        return s;
    dyno_list_remove(run, &w->reservations, id);
    w->n_transfers++;
    dyno_take_blocks(w, r, n_hits, n_blocks);
    /* Those that were passed over may have their turn now. */
    s = dyno_kick(run, w);
    int64_t length_ns = transfer_ns(run, r, n_blocks - n_hits), start_ns = run->now_ns;
    if (!run->semantics->uncontended_links) {
        struct dyno_worker *source = run->workers[r->source];
        if (source->link_free_ns > start_ns)
            start_ns = source->link_free_ns;
        source->link_free_ns = ns_after(start_ns, length_ns);
    }
    if (s)
        return s;
    int64_t end_ns = ns_after(start_ns, length_ns);
    dyno_parts_transfer(run, id, w, length_ns);
    if (end_ns == run->now_ns)
        return dyno_transferred(run, id);
    return dyno_queue_push(&run->queue, end_ns, DYNO_TRANSFER_DONE, id, run->diag);
}

/* One try of the head. One that failed waits until a request leaves or is preempted. */
enum status dyno_try_reservation(struct dyno_run *run, struct dyno_worker *w)
{
    if (w->head_failed || w->reservations.n == 0)
        return ST_OK;
    uint32_t id = w->reservations.head;
    const struct dyno_request *r = &run->requests[id];
    uint32_t block_tok = w->pool->config->block_size_tok;
    struct dyno_hits hits = dyno_find_hits(w, r, r->isl_tok / block_tok);
    w->head_failed =
        w->n_running >= w->pool->config->max_num_seqs ||
        blocks_from_tok(r->isl_tok, block_tok) - hits.n_referenced > block_pool_available(&w->kv);
    return w->head_failed ? ST_OK : grant(run, w, id, hits.n);
}

enum status dyno_transferred(struct dyno_run *run, uint32_t id)
{
    const struct dyno_worker *w = run->workers[run->requests[id].worker];
    dyno_parts_enter(run, id, DYNO_STAGE_ROOM, w->pool, w);
    return dyno_action_push(run, &run->actions, ACTION_ACTIVATE, id);
}

enum status dyno_check_reservation(struct dyno_run *run, const struct dyno_worker *w, uint32_t id)
{
    const struct dyno_request *r = &run->requests[id];
    uint32_t n_blocks = blocks_from_tok(r->isl_tok, w->pool->config->block_size_tok);
    if (n_blocks <= w->kv.n_blocks)
        return ST_OK;
    return diag_fail(run->diag, ST_INPUT,
                     "request %llu has %u KV blocks of prompt, but a decode worker holds only %u",
                     (unsigned long long)r->index, n_blocks, w->kv.n_blocks);
}

static enum status reserve(struct dyno_run *run, uint32_t id)
{
    return dyno_route(run, dyno_last_pool(run), id);
}

static enum status activate(struct dyno_run *run, uint32_t id)
{
    struct dyno_request *r = &run->requests[id];
    struct dyno_worker *w = run->workers[r->worker];
    if (w->busy)
        return dyno_action_push(run, &w->deferred, ACTION_ACTIVATE, id);
    w->n_transfers--;
    r->known_tok = r->computed_tok = r->isl_tok;
    r->handed_over = true;
    dyno_publish(w, r, r->isl_tok);
    dyno_list_push_back(run, &w->waiting, id);
    enum status s = dyno_event(run, EVENT_TRANSFER_DONE, id, w);
    if (!s)
        s = dyno_action_push(run, &run->actions, ACTION_RELEASE_SOURCE, id);
    if (!s)
        s = dyno_kick(run, w);
    return s ? s : dyno_try_reservation(run, w);
}

static enum status release_source(struct dyno_run *run, uint32_t id)
{
    struct dyno_request *r = &run->requests[id];
    struct dyno_worker *w = run->workers[r->source];
    if (w->busy)
        return dyno_action_push(run, &w->deferred, ACTION_RELEASE_SOURCE, id);
    dyno_drop_blocks(w, &r->source_blocks);
    dyno_router_unbind(w, r);
    w->n_held--;
    r->source = NO_ID;
    dyno_request_remove(run, id);
    return dyno_kick(run, w);
}

enum status dyno_handoff_run(struct dyno_run *run)
{
    enum status s = ST_OK;
    while (!s && run->actions.n) {
        struct action a = run->actions.action[run->actions.head++];
        run->actions.n--;
        switch (a.kind) {
        case ACTION_SUBMIT:
            s = dyno_route(run, &run->pools[0], a.request);
            break;
        case ACTION_RESERVE:
            s = reserve(run, a.request);
            break;
        case ACTION_ACTIVATE:
            s = activate(run, a.request);
            break;
        case ACTION_RELEASE_SOURCE:
            s = release_source(run, a.request);
            break;
        }
    }
    return s;
}
