#include "sim/life.h"

#include <string.h>

#include "sim/metrics.h"
#include "sim/routing/handoff.h"
#include "sim/routing/route.h"
#include "sim/worker/decode_set.h"
#include "sim/worker/tells.h"

/* What comes next may depend on it. */
static enum status tell_source(struct sim *sim, const struct request *r)
{
    const struct request_source *source = sim->source;
    if (!source->ops->done)
        return ST_OK;
    if (sim->have_next)
        source->ops->put_back(source->state);
    sim->have_next = false;
    sim->must_read = true;
    return source->ops->done(source->state, r->index, sim->now_ns, sim->diag);
}

static enum status report_request(struct sim *sim, uint32_t id, enum outcome outcome)
{
    struct request *r = sim_request(sim, id);
    sim->n_in_flight--;
    sim->moved_ns = sim->now_ns;
    sim->n_events_unmoved = 0;
    if (r->first_token_ns < 0) {
        sim->first_tokens.n_came += outcome == OUTCOME_COMPLETED;
        sim->first_tokens.n_over++;
    }
    enum status s = outcome == OUTCOME_UNFINISHED ? ST_OK : tell_source(sim, r);
    if (s)
        return s;
    if (!sim->observer->request)
        return ST_OK;
    struct request_record record = {
        .index = r->index,
        .measured = r->measured,
        .outcome = outcome,
        .isl_tok = r->isl_tok,
        .osl_tok = r->osl_tok,
        .n_output_tok = r->n_output_tok,
        .n_attempts = r->n_attempts,
        .n_preemptions = r->n_preemptions,
        .cached_tok = r->cached_tok,
        .prefill_worker = r->prefill_worker,
        .worker = r->worker,
        .arrival_ns = r->arrival_ns,
        .scheduled_ns = r->scheduled_ns,
        .prefill_done_ns = r->prefill_done_ns,
        .first_token_ns = r->first_token_ns,
        .second_token_ns = r->second_token_ns,
        .last_token_ns = r->last_token_ns,
        .end_ns = sim->now_ns,
    };
    return sim->observer->request(sim->observer->context, &record, sim->diag);
}

static void forget_request(struct sim *sim, uint32_t id)
{
    struct request *r = sim_request(sim, id);
    sim_move(sim, r, PLACE_NOWHERE);
    if (r->n_ids)
        word_pool_give(&sim->ids, word_pool_class(r->n_ids), r->ids_at);
    request_table_remove(&sim->requests, id);
}

enum status tell_completed(struct sim *sim, uint32_t id)
{
    struct request *r = sim_request(sim, id);
    struct traffic_window *t = &sim->traffic.total;
    t->n_requests++;
    t->duration_sum_s += s_from_ns(sim->now_ns - r->arrival_ns);
    t->n_duration++;
    t->osl_sum_tok += r->n_output_tok;
    t->n_osl++;
    enum status s = report_request(sim, id, OUTCOME_COMPLETED);
    forget_request(sim, id);
    return s;
}

/* Can an empty worker of every pool hold it to its last token, and start it? */
static bool can_ever_run(const struct sim *sim, const struct request *r)
{
    for (size_t p = 0; p < sim->config->n_pools; p++) {
        const struct pool_config *pool = &sim->config->pools[p];
        const struct engine_config *engine = &pool->engine;
        uint64_t tokens = r->isl_tok;
        if (pool->role != POOL_PREFILL && r->osl_tok > 1)
            tokens += r->osl_tok - 1; /* the last token is never computed */
        if (tokens > (uint64_t)(engine->kv_blocks / engine->n_ranks) * engine->block_size_tok)
            return false;
        if (!engine->chunked_prefill && r->isl_tok > engine->max_num_batched_tokens)
            return false;
    }
    return true;
}

static enum status schedule_timeouts(struct sim *sim, uint32_t id)
{
    const struct sim_config *config = sim->config;
    uint32_t life = sim_request(sim, id)->life;
    enum status s = ST_OK;
    if (config->timeout_ns < TIME_NEVER)
        s = event_queue_push(
            &sim->queue,
            event_make(sim->now_ns + config->timeout_ns, EVENT_CLASS_TIMEOUT, id, life), sim->diag);
    if (!s && config->first_token_timeout_ns < TIME_NEVER)
        s = event_queue_push(&sim->queue,
                             event_make(sim->now_ns + config->first_token_timeout_ns,
                                        EVENT_CLASS_FIRST_TIMEOUT, id, life),
                             sim->diag);
    return s;
}

enum status life_arrive(struct sim *sim)
{
    const struct trace_request *t = &sim->next_request;
    uint32_t id;
    sim->have_next = false;
    sim->must_read = true;
    enum status s = request_table_add(&sim->requests, &id, sim->diag);
    if (s)
        return s;
    struct request *r = sim_request(sim, id);
    r->index = sim->n_offered++;
    r->arrival_ns = sim->now_ns;
    r->isl_tok = t->isl_tok;
    r->osl_tok = t->osl_tok;
    r->target_tok = t->isl_tok;
    r->priority = t->priority;
    if (sim->wants_ids && t->n_blocks) {
        s = word_pool_take(&sim->ids, word_pool_class(t->n_blocks), &r->ids_at, sim->diag);
        if (s)
            return s;
        memcpy(sim->ids.word + r->ids_at, t->block_ids, t->n_blocks * sizeof *t->block_ids);
        r->n_ids = t->n_blocks;
    }
    r->n_attempts = 1;
    r->measured = sim_measuring(sim, sim->now_ns);
    sim->n_in_flight++;
    sim->moved_ns = sim->now_ns;
    sim->n_events_unmoved = 0;
    sim->traffic.total.n_arrived++;
    sim->first_tokens.n_begun++;
    s = sim_event(sim, EVENT_ARRIVE, r->index, SIZE_MAX, NO_WORKER);
    if (s)
        return s;
    if (!can_ever_run(sim, r)) {
        s = sim_event(sim, EVENT_REJECT, r->index, SIZE_MAX, NO_WORKER);
        if (!s)
            s = report_request(sim, id, OUTCOME_REJECTED);
        forget_request(sim, id);
        return s;
    }
    s = schedule_timeouts(sim, id);
    return s ? s : route_new(sim, id);
}

/* The request leaves whatever holds it. */
enum status life_time_out(struct sim *sim, uint32_t id)
{
    struct request *r = sim_request(sim, id);
    enum status s = sim_event(sim, EVENT_TIMEOUT, r->index, SIZE_MAX, NO_WORKER);
    if (!s && r->worker_slot != NO_SLOT)
        s = worker_remove(sim, sim->workers[r->worker_slot], id);
    else if (!s && r->state == REQUEST_UNROUTED)
        request_list_remove(&sim->pools[r->handed_over].unrouted, &sim->requests, id);
    if (!s)
        s = handoff_release_source(sim, r);
    sim->result->pools[sim->config->n_pools - 1].wasted_gpu_s += r->gpu_share_s;
    if (!s)
        s = report_request(sim, id, OUTCOME_TIMED_OUT);
    forget_request(sim, id);
    return s;
}

enum status life_send_again(struct sim *sim, uint32_t id)
{
    enum status s = sim_event(sim, EVENT_RETRY, sim_request(sim, id)->index, SIZE_MAX, NO_WORKER);
    return s ? s : route_new(sim, id);
}

enum status tell_lost(struct sim *sim, uint32_t id)
{
    struct request *r = sim_request(sim, id);
    size_t pool = r->worker != NO_WORKER ? sim->config->n_pools - 1 : 0;
    sim->result->pools[pool].wasted_gpu_s += r->gpu_share_s;
    enum status s = sim_event(sim, EVENT_LOSE, r->index, SIZE_MAX, NO_WORKER);
    if (s)
        return s;
    uint32_t most = sim->config->max_attempts;
    if (!sim->config->retry_lost || (most && r->n_attempts >= most)) {
        s = report_request(sim, id, OUTCOME_LOST);
        forget_request(sim, id);
        return s;
    }
    /* The client starts over; its latencies still count from the first arrival. */
    sim_move(sim, r, PLACE_NOWHERE);
    sim->first_tokens.n_begun += r->first_token_ns >= 0;
    r->gpu_share_s = 0;
    r->scheduled_ns = r->prefill_done_ns = -1;
    r->first_token_ns = r->second_token_ns = r->last_token_ns = -1;
    r->n_output_tok = r->computed_tok = r->kv_blocks = 0;
    r->target_tok = r->isl_tok;
    r->handed_over = false;
    r->cached_tok = 0;
    r->tail = (struct kv_tail){0};
    r->prefill_worker = r->worker = NO_WORKER;
    r->n_attempts++;
    sim->result->n_retries++;
    if (sim->config->backoff_ns == 0)
        return life_send_again(sim, id);
    r->state = REQUEST_AWAY;
    uint32_t doublings = r->n_attempts - 2 < 20 ? r->n_attempts - 2 : 20;
    return event_queue_push(&sim->queue,
                            event_make(sim->now_ns + (sim->config->backoff_ns << doublings),
                                       EVENT_CLASS_RETRY, id, r->life),
                            sim->diag);
}

enum status life_report_unfinished(struct sim *sim)
{
    enum status s = metrics_sync(sim);
    for (uint32_t id = 0; !s && id < sim->requests.capacity; id++) {
        struct request *r = sim_request(sim, id);
        if (r->state == REQUEST_FREE)
            continue;
        if (r->state == REQUEST_DECODE)
            worker_note_tokens(sim->workers[r->worker_slot], r);
        s = report_request(sim, id, OUTCOME_UNFINISHED);
    }
    return s;
}
