#include "sim/life.h"

#include <string.h>

#include "sim/metrics.h"
#include "sim/routing/endpoint.h"
#include "sim/routing/handoff.h"
#include "sim/routing/route.h"
#include "sim/worker/decode_set.h"
#include "sim/worker/parts.h"
#include "sim/worker/tells.h"

/* What comes next may depend on it. */
static enum status tell_source(struct sim *sim, const struct request *r)
{
    struct stream *stream = sim_home_of(sim, r)->stream;
    const struct request_source *source = stream->source;
    if (!source->ops->done)
        return ST_OK;
    if (stream->have_next)
        source->ops->put_back(source->state);
    stream->have_next = false;
    stream->must_read = sim->must_read = true;
    return source->ops->done(source->state, r->index, sim->now_ns, sim->diag);
}

/* When the client has what the engine had made by then: tokens are held back until there are
 * stream_interval_tok of them, or the last is out. Tokens of a request are taken to be evenly
 * spaced. */
static void hold_back(const struct deployment_config *config, struct request_record *q)
{
    uint32_t first = config->stream_interval_tok, n = q->n_output_tok;
    if (first <= 1 || q->first_token_ns < 0)
        return;
    if (n < first && q->outcome != OUTCOME_COMPLETED) {
        q->first_token_ns = q->second_token_ns = q->last_token_ns = -1;
        return;
    }
    double share = n > first ? (first - 1.0) / (n - 1.0) : 1;
    q->first_token_ns += (int64_t)(share * (double)(q->last_token_ns - q->first_token_ns));
    if (q->second_token_ns >= 0)
        q->second_token_ns = q->first_token_ns;
}

static enum status report_request(struct sim *sim, uint32_t id, enum outcome outcome)
{
    struct request *r = sim_request(sim, id);
    struct deployment *d = sim_home_of(sim, r);
    d->n_in_flight--;
    sim->moved_ns = sim->now_ns;
    sim->n_events_unmoved = 0;
    if (r->first_token_ns < 0) {
        d->first_tokens.n_came += outcome == OUTCOME_COMPLETED;
        d->first_tokens.n_over++;
    }
    enum status s = outcome == OUTCOME_UNFINISHED ? ST_OK : tell_source(sim, r);
    if (s)
        return s;
    if (!sim->observer->request)
        return ST_OK;
    const struct request_parts *parts = parts_report(sim, id);
    struct request_record record = {
        .deployment = r->home,
        .decode_in = r->decode == r->home ? 0 : r->decode + 1,
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
        .parts = parts,
    };
    if (r->target) {
        record.ttft_target_ns = sim->config->targets[r->target - 1].ttft_ns;
        record.tpot_target_ns = sim->config->targets[r->target - 1].tpot_ns;
    }
    hold_back(sim->deployments[r->decode].config, &record);
    if (parts)
        parts_held_back(sim, id, record.first_token_ns);
    return sim->observer->request(sim->observer->context, &record, sim->diag);
}

static void forget_request(struct sim *sim, uint32_t id)
{
    struct request *r = sim_request(sim, id);
    deployment_move(sim_deployment_of(sim, r), r, PLACE_NOWHERE);
    if (r->n_ids)
        word_pool_give(&sim->ids, word_pool_class(r->n_ids), r->ids_at);
    request_table_remove(&sim->requests, id);
}

/* A deployment has had it since then. */
static void count_completed(struct deployment *d, const struct request *r, int64_t since_ns)
{
    struct traffic_window *t = &d->traffic.total;
    t->n_requests++;
    t->duration_sum_s += s_from_ns(d->sim->now_ns - since_ns);
    t->n_duration++;
    t->osl_sum_tok += r->n_output_tok;
    t->n_osl++;
}

enum status tell_completed(struct sim *sim, uint32_t id)
{
    struct request *r = sim_request(sim, id);
    struct deployment *home = sim_home_of(sim, r), *d = sim_deployment_of(sim, r);
    count_completed(home, r, r->arrival_ns);
    if (d != home)
        count_completed(d, r, r->prefill_done_ns);
    enum status s = report_request(sim, id, OUTCOME_COMPLETED);
    forget_request(sim, id);
    return s;
}

/* Can an empty worker of the pool hold it to its last token, and start it? */
static bool can_ever_run(const struct pool *pool, const struct request *r)
{
    const struct engine_config *engine = &pool->config->engine;
    uint64_t tokens = r->isl_tok;
    if (pool->config->role != POOL_PREFILL && r->osl_tok > 1)
        tokens += r->osl_tok - 1; /* the last token is never computed */
    if (tokens > (uint64_t)(engine->kv_blocks / engine->n_ranks) * engine->block_size_tok)
        return false;
    return engine->chunked_prefill || r->isl_tok <= engine->max_num_batched_tokens;
}

static enum status push(struct sim *sim, enum event_class class, uint32_t id, int64_t after_ns)
{
    const struct request *r = sim_request(sim, id);
    struct event e = event_make(sim->now_ns + after_ns, class, r->deployment, id, r->life);
    return event_queue_push(&sim->queue, e, sim->diag);
}

static enum status schedule_timeouts(struct sim *sim, uint32_t id)
{
    const struct request *r = sim_request(sim, id);
    const struct deployment_config *config = sim_home_of(sim, r)->config;
    enum status s = ST_OK;
    if (config->timeout_ns < TIME_NEVER)
        s = push(sim, EVENT_CLASS_TIMEOUT, id, config->timeout_ns);
    if (!s && config->first_token_timeout_ns < TIME_NEVER)
        s = push(sim, EVENT_CLASS_FIRST_TIMEOUT, id, config->first_token_timeout_ns);
    return s;
}

/* Through the front end to a worker. */
static enum status send(struct sim *sim, uint32_t id)
{
    struct request *r = sim_request(sim, id);
    const struct deployment_config *config = sim_deployment_of(sim, r)->config;
    int64_t ns = config->frontend_ns + (int64_t)(config->frontend_ns_per_tok * r->isl_tok);
    parts_enter(sim, id, STAGE_FRONT_END, NULL, NULL);
    if (ns == 0)
        return route_new(sim, id);
    r->state = REQUEST_FRONT_END;
    return push(sim, EVENT_CLASS_ENTER, id, ns);
}

static enum status send_again(struct sim *sim, uint32_t id)
{
    const struct request *r = sim_request(sim, id);
    enum status s =
        deployment_event(sim_deployment_of(sim, r), EVENT_RETRY, r->index, SIZE_MAX, NO_WORKER);
    return s ? s : send(sim, id);
}

enum status life_enter(struct sim *sim, uint32_t id)
{
    if (sim_request(sim, id)->state == REQUEST_AWAY)
        return send_again(sim, id);
    return route_new(sim, id);
}

static bool serves(const void *context, size_t deployment, bool decode)
{
    const struct sim *sim = context;
    struct deployment *d = &sim->deployments[deployment];
    const struct pool *pool = decode ? deployment_decode_pool(d) : &d->pools[0];
    return decode == (pool->config->role == POOL_DECODE) && pool->n_routable > 0;
}

/* Where the next request of the stream goes. */
static enum status choose(struct sim *sim, const struct stream *stream, struct endpoint_choice *to)
{
    if (stream->only) {
        to->entry = to->decode = stream->only->index;
        return ST_OK;
    }
    const struct endpoint_view view = {sim, serves, stream->n_arrived + 1};
    return sim->config->endpoint->choose(sim->config->endpoint_state, &view, &stream->next, to,
                                         sim->diag);
}

enum status life_arrive(struct sim *sim, struct stream *stream)
{
    const struct trace_request *t = &stream->next;
    uint32_t id;
    struct endpoint_choice to = {0};
    enum status s = choose(sim, stream, &to);
    stream->have_next = false;
    stream->must_read = sim->must_read = true;
    if (!s)
        s = request_table_add(&sim->requests, &id, sim->diag);
    if (!s)
        s = parts_begin(sim, id);
    if (s)
        return s;
    struct request *r = sim_request(sim, id);
    struct deployment *d = &sim->deployments[to.entry], *decode = &sim->deployments[to.decode];
    r->home = r->deployment = (uint32_t)to.entry;
    r->decode = (uint32_t)to.decode;
    r->target = to.target;
    r->index = stream->n_arrived++;
    d->n_offered++;
    r->arrival_ns = sim->now_ns;
    r->isl_tok = t->isl_tok;
    r->osl_tok = t->osl_tok;
    r->target_tok = t->isl_tok;
    r->priority = t->priority;
    if ((d->wants_ids || decode->wants_ids) && t->n_blocks) {
        s = word_pool_take(&sim->ids, word_pool_class(t->n_blocks), &r->ids_at, sim->diag);
        if (s)
            return s;
        memcpy(sim->ids.word + r->ids_at, t->block_ids, t->n_blocks * sizeof *t->block_ids);
        r->n_ids = t->n_blocks;
    }
    r->n_attempts = 1;
    r->measured = sim_measuring(sim, sim->now_ns);
    d->n_in_flight++;
    sim->moved_ns = sim->now_ns;
    sim->n_events_unmoved = 0;
    d->traffic.total.n_arrived++;
    d->first_tokens.n_begun++;
    s = deployment_event(d, EVENT_ARRIVE, r->index, SIZE_MAX, NO_WORKER);
    if (s)
        return s;
    if (!can_ever_run(&d->pools[0], r) || !can_ever_run(deployment_decode_pool(decode), r)) {
        s = deployment_event(d, EVENT_REJECT, r->index, SIZE_MAX, NO_WORKER);
        if (!s)
            s = report_request(sim, id, OUTCOME_REJECTED);
        forget_request(sim, id);
        return s;
    }
    s = schedule_timeouts(sim, id);
    return s ? s : send(sim, id);
}

/* The request leaves whatever holds it. */
static enum status leave(struct sim *sim, uint32_t id)
{
    struct request *r = sim_request(sim, id);
    struct deployment *d = sim_deployment_of(sim, r);
    enum status s = ST_OK;
    if (r->worker_slot != NO_SLOT)
        s = worker_remove(sim, d->workers[r->worker_slot], id);
    else if (r->state == REQUEST_UNROUTED)
        request_list_remove(r->handed_over ? &deployment_decode_pool(d)->unrouted
                                           : &d->pools[0].unrouted,
                            &sim->requests, id);
    return s ? s : handoff_release_source(sim, r);
}

enum status life_time_out(struct sim *sim, uint32_t id)
{
    struct request *r = sim_request(sim, id);
    struct deployment *d = sim_deployment_of(sim, r);
    enum status s = deployment_event(d, EVENT_TIMEOUT, r->index, SIZE_MAX, NO_WORKER);
    if (!s)
        s = leave(sim, id);
    d->result->pools[d->config->n_pools - 1].wasted_gpu_s += r->gpu_share_s;
    if (!s)
        s = report_request(sim, id, OUTCOME_TIMED_OUT);
    forget_request(sim, id);
    return s;
}

enum status tell_lost(struct sim *sim, uint32_t id)
{
    struct request *r = sim_request(sim, id);
    struct deployment *d = sim_deployment_of(sim, r);
    size_t pool = r->worker != NO_WORKER ? d->config->n_pools - 1 : 0;
    d->result->pools[pool].wasted_gpu_s += r->gpu_share_s;
    enum status s = deployment_event(d, EVENT_LOSE, r->index, SIZE_MAX, NO_WORKER);
    if (s)
        return s;
    struct deployment *home = sim_home_of(sim, r);
    uint32_t most = home->config->max_attempts;
    if (!home->config->retry_lost || (most && r->n_attempts >= most)) {
        s = report_request(sim, id, OUTCOME_LOST);
        forget_request(sim, id);
        return s;
    }
    /* The client starts over; its latencies still count from the first arrival. */
    parts_lost(sim, id);
    deployment_move(d, r, PLACE_NOWHERE);
    r->deployment = r->home;
    home->first_tokens.n_begun += r->first_token_ns >= 0;
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
    home->result->n_retries++;
    if (home->config->backoff_ns == 0)
        return send_again(sim, id);
    r->state = REQUEST_AWAY;
    parts_enter(sim, id, STAGE_AWAY, NULL, NULL);
    uint32_t doublings = r->n_attempts - 2 < 20 ? r->n_attempts - 2 : 20;
    int64_t wait_ns = home->config->backoff_ns;
    wait_ns = wait_ns > TIME_NEVER >> doublings ? TIME_NEVER : wait_ns << doublings;
    return push(sim, EVENT_CLASS_ENTER, id, wait_ns);
}

enum status life_stop(struct deployment *d)
{
    struct sim *sim = d->sim;
    enum status s = metrics_sync(d);
    for (uint32_t id = 0; !s && id < sim->requests.capacity; id++) {
        const struct request *r = sim_request(sim, id);
        if (r->state == REQUEST_FREE || r->deployment != d->index)
            continue;
        s = leave(sim, id);
        if (!s)
            s = report_request(sim, id, OUTCOME_UNFINISHED);
        forget_request(sim, id);
    }
    return s;
}

enum status life_report_unfinished(struct deployment *d)
{
    struct sim *sim = d->sim;
    enum status s = metrics_sync(d);
    for (uint32_t id = 0; !s && id < sim->requests.capacity; id++) {
        struct request *r = sim_request(sim, id);
        if (r->state == REQUEST_FREE || r->deployment != d->index)
            continue;
        if (r->state == REQUEST_DECODE)
            worker_note_tokens(d->workers[r->worker_slot], r);
        s = report_request(sim, id, OUTCOME_UNFINISHED);
    }
    return s;
}
