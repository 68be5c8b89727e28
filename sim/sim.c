/* The loop: one clock, one queue, one order of simultaneous events. */
#include "sim/sim.h"

#include <stdlib.h>
#include <string.h>

#include "sim/sim_internal.h"
#include "util/array.h"

enum { PROGRESS_EVERY = 1024 }; /* instants */

/* After the last arrival, a run without a request moving for this long has been starved by its
 * policy. */
#define STARVED_NS (3600 * NS_PER_S)

/* ---- the life of a request ---- */

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
    sim->last_activity_ns = sim->now_ns;
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
    const struct request *r = sim_request(sim, id);
    if (r->n_ids)
        word_pool_give(&sim->ids, word_pool_class(r->n_ids), r->ids_at);
    request_table_remove(&sim->requests, id);
}

enum status sim_complete(struct sim *sim, uint32_t id)
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

static enum status arrive(struct sim *sim)
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
    sim->last_arrival_ns = sim->last_activity_ns = sim->now_ns;
    sim->traffic.total.n_arrived++;
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

/* The client gives up: the request leaves whatever holds it. */
static enum status time_out(struct sim *sim, uint32_t id)
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

static enum status send_again(struct sim *sim, uint32_t id)
{
    enum status s = sim_event(sim, EVENT_RETRY, sim_request(sim, id)->index, SIZE_MAX, NO_WORKER);
    return s ? s : route_new(sim, id);
}

enum status sim_lose(struct sim *sim, uint32_t id)
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
        return send_again(sim, id);
    r->state = REQUEST_AWAY;
    uint32_t doublings = r->n_attempts - 2 < 20 ? r->n_attempts - 2 : 20;
    return event_queue_push(&sim->queue,
                            event_make(sim->now_ns + (sim->config->backoff_ns << doublings),
                                       EVENT_CLASS_RETRY, id, r->life),
                            sim->diag);
}

enum status sim_prompt(struct sim *sim, const struct pool *pool, const struct request *r,
                       struct kv_prompt *prompt)
{
    uint32_t size = pool->config->engine.block_size_tok, trace_size = sim->config->trace_block_tok;
    uint64_t told = (uint64_t)r->n_ids * trace_size / size;
    uint32_t full = r->isl_tok / size;
    const uint64_t *ids = sim->ids.word + r->ids_at;
    *prompt = (struct kv_prompt){ids, told < full ? (uint32_t)told : full, trace_size / size};
    if (trace_size % size == 0)
        return ST_OK;
    /* A block of ours spans parts of several of the trace's, so its key is made of theirs. */
    enum status s = ARRAY_RESERVE(sim->key_scratch, 0, sim->key_scratch_capacity, prompt->n_blocks,
                                  "block ids", sim->diag);
    if (s)
        return s;
    for (uint32_t i = 0; i < prompt->n_blocks; i++) {
        uint64_t key = 0;
        uint64_t last = ((uint64_t)(i + 1) * size - 1) / trace_size;
        for (uint64_t at = (uint64_t)i * size / trace_size; at <= last; at++) {
            key = (key ^ ids[at]) * 0x9E3779B97F4A7C15u;
            key ^= key >> 29;
        }
        sim->key_scratch[i] = key;
    }
    prompt->key = sim->key_scratch;
    prompt->blocks_per_key = 1;
    return ST_OK;
}

/* ---- workers that may start a step at this instant ---- */

enum status sim_kick(struct sim *sim, struct worker *w)
{
    if (w->kicked)
        return ST_OK;
    enum status s =
        ARRAY_RESERVE(sim->kicked, sim->n_kicked, sim->kicked_capacity, 1, "workers", sim->diag);
    if (s)
        return s;
    sim->kicked[sim->n_kicked++] = w->slot;
    w->kicked = true;
    return ST_OK;
}

static bool starts_before(const struct worker *a, const struct worker *b)
{
    return a->pool->index != b->pool->index ? a->pool->index < b->pool->index : a->id < b->id;
}

/* Prefill pool first, then by id. A start may kick others, which come in the next round. */
static enum status start_kicked(struct sim *sim)
{
    enum status s = ST_OK;
    while (!s && sim->n_kicked) {
        uint32_t n = sim->n_kicked;
        for (uint32_t i = 1; i < n; i++)
            for (uint32_t j = i; j > 0 && starts_before(sim->workers[sim->kicked[j]],
                                                        sim->workers[sim->kicked[j - 1]]);
                 j--) {
                uint32_t swap = sim->kicked[j];
                sim->kicked[j] = sim->kicked[j - 1];
                sim->kicked[j - 1] = swap;
            }
        for (uint32_t i = 0; !s && i < n; i++) {
            struct worker *w = sim->workers[sim->kicked[i]];
            w->kicked = false;
            s = worker_start_step(sim, w);
            if (!s)
                s = fleet_remove_drained(sim, w);
        }
        sim->n_kicked -= n;
        for (uint32_t i = 0; i < sim->n_kicked; i++)
            sim->kicked[i] = sim->kicked[n + i];
    }
    return s;
}

/* ---- what happens on the clock ---- */

static enum status push_timer(struct sim *sim, int64_t at_ns, enum event_class class,
                              uint32_t generation)
{
    return event_queue_push(&sim->queue, event_make(at_ns, class, 0, generation), sim->diag);
}

static enum status schedule_policy(struct sim *sim)
{
    if (sim->effects.next_ns >= TIME_NEVER)
        return ST_OK;
    BUG_IF(sim->effects.next_ns < sim->now_ns);
    enum status s = metrics_expect_call(sim);
    return s ? s
             : push_timer(sim, sim->effects.next_ns, EVENT_CLASS_POLICY, ++sim->policy_generation);
}

static enum status call_policy(struct sim *sim)
{
    const struct sim_config *config = sim->config;
    struct policy_input input = {.now_ns = sim->now_ns, .n_pools = config->n_pools};
    struct pool_counts before[POLICY_MAX_POOLS];
    for (size_t p = 0; p < config->n_pools; p++) {
        const struct pool *pool = &sim->pools[p];
        before[p] =
            (struct pool_counts){pool->target, pool->n_ready, pool->n_starting, pool->n_draining};
        input.pools[p] = before[p];
        sim->n_started[p] = sim->n_cancelled[p] = sim->n_drained[p] = sim->n_terminated[p] = 0;
    }
    enum status s = metrics_sync(sim);
    if (s)
        return s;
    bool out = metrics_out(sim);
    if (sim->effects.next_needs & NEED_TRAFFIC && !out) {
        BUG_IF(sim->effects.window_ns <= 0);
        input.has_traffic = true;
        input.traffic = metrics_window(sim, sim->effects.window_ns);
    }
    if (sim->effects.next_needs & NEED_GAUGES && !out) {
        input.has_gauges = true;
        s = metrics_gauges(sim, &input.n_gauges);
        if (s)
            return s;
        input.gauges = sim->gauges;
    }
    policy_effects_clear(&sim->effects, config->n_pools);
    config->policy->tick(config->policy_state, &input, &sim->effects);
    if (config->scrape_interval_ns == 0)
        s = metrics_snapshot(sim);
    for (size_t p = 0; !s && sim->effects.scale && p < config->n_pools; p++)
        s = fleet_scale(sim, &sim->pools[p], sim->effects.target[p]);
    if (s)
        return s;
    if (sim->effects.report) {
        struct decision_record record = {
            .at_ns = sim->now_ns,
            .number = sim->result->n_decisions++,
            .n_pools = config->n_pools,
            .effects = &sim->effects,
        };
        for (size_t p = 0; p < config->n_pools; p++) {
            record.pool_names[p] = config->pools[p].name;
            record.counts[p] = before[p];
            record.started[p] = sim->n_started[p];
            record.cancelled[p] = sim->n_cancelled[p];
            record.drained[p] = sim->n_drained[p];
            record.terminated[p] = sim->n_terminated[p];
        }
        if (sim->observer->decision)
            s = sim->observer->decision(sim->observer->context, &record, sim->diag);
        if (s)
            return s;
    }
    return schedule_policy(sim);
}

static enum status close_window(struct sim *sim)
{
    enum status s = metrics_sync(sim);
    bool measured =
        sim_measuring(sim, sim->window_start.at_ns) && sim->now_ns > sim->window_start.at_ns;
    if (!s && sim->observer->window && measured) {
        struct window_record record = {sim->window_start.at_ns, sim->now_ns,
                                       traffic_since(sim, &sim->window_start)};
        s = sim->observer->window(sim->observer->context, &record, sim->diag);
    }
    sim->window_start = sim->traffic;
    return s;
}

static enum status take_sample(struct sim *sim)
{
    enum status s = metrics_sync(sim);
    struct traffic_window traffic = traffic_since(sim, &sim->sample_start);
    sim->sample_start = sim->traffic;
    for (size_t p = 0; !s && p < sim->config->n_pools; p++) {
        const struct pool *pool = &sim->pools[p];
        struct sample_record record = {
            .at_ns = sim->now_ns,
            .pool = p,
            .pool_name = pool->config->name,
            .target = pool->target,
            .ready = pool->n_ready,
            .starting = pool->n_starting,
            .draining = pool->n_draining,
            .pending = pool->n_pending,
            .n_waiting = pool->unrouted.n,
            .traffic = traffic,
        };
        uint64_t used = 0, blocks = 0;
        for (uint32_t i = 0; i < sim->n_workers; i++) {
            const struct worker *w = sim->workers[i];
            if (w->pool != pool || (w->state != WORKER_READY && w->state != WORKER_DRAINING))
                continue;
            record.n_waiting += w->waiting.n + w->arrived.n + w->incoming.n + w->n_transfers;
            record.n_running += w->running.n;
            used += worker_kv_used(w);
            blocks += w->kv_blocks;
        }
        record.kv_utilization = blocks ? (double)used / (double)blocks : 0;
        if (sim->observer->sample)
            s = sim->observer->sample(sim->observer->context, &record, sim->diag);
    }
    return s;
}

static enum status handle(struct sim *sim, struct event e)
{
    uint32_t id = event_id(e);
    sim->result->n_events++;
    enum status s;
    switch (event_class_of(e)) {
    case EVENT_CLASS_STEP_END:
        return worker_end_step(sim, sim->workers[id]);
    case EVENT_CLASS_WORKER_READY:
        return startup_ends(sim, sim->workers[id]);
    case EVENT_CLASS_TRANSFER_DONE:
        return handoff_transferred(sim, id);
    case EVENT_CLASS_RETRY:
        return send_again(sim, id);
    case EVENT_CLASS_TIMEOUT:
    case EVENT_CLASS_FIRST_TIMEOUT:
        return time_out(sim, id);
    case EVENT_CLASS_GRACE_END:
        return fleet_kill_worker(sim, sim->workers[id]);
    case EVENT_CLASS_FAILURE:
        return failures_worker_fails(sim, sim->workers[id]);
    case EVENT_CLASS_NODE_FAILURE:
    case EVENT_CLASS_NODE_NOTICE:
    case EVENT_CLASS_NODE_LEAVES:
    case EVENT_CLASS_NODE_BACK:
        return failures_node(sim, event_class_of(e), id);
    case EVENT_CLASS_PUBLISH:
        route_publish_all(sim);
        return push_timer(sim, sim->now_ns + sim->config->view_interval_ns, EVENT_CLASS_PUBLISH, 0);
    case EVENT_CLASS_WINDOW:
        s = close_window(sim);
        return s ? s : push_timer(sim, sim->now_ns + sim->config->window_ns, EVENT_CLASS_WINDOW, 0);
    case EVENT_CLASS_SAMPLE:
        s = take_sample(sim);
        return s ? s : push_timer(sim, sim->now_ns + sim->config->sample_ns, EVENT_CLASS_SAMPLE, 0);
    case EVENT_CLASS_SCRAPE:
        return metrics_scrape(sim);
    case EVENT_CLASS_POLICY:
        return call_policy(sim);
    case EVENT_CLASS_STOP:
        return ST_END;
    }
    BUG("unknown event class");
}

static bool is_current(const struct sim *sim, struct event e)
{
    uint32_t id = event_id(e);
    switch (event_class_of(e)) {
    case EVENT_CLASS_STEP_END:
        return event_is_current(e, sim->workers[id]->generation);
    case EVENT_CLASS_WORKER_READY:
    case EVENT_CLASS_FAILURE:
        return event_is_current(e, sim->workers[id]->life_generation);
    case EVENT_CLASS_GRACE_END:
        return event_is_current(e, sim->workers[id]->drain_generation);
    case EVENT_CLASS_NODE_FAILURE:
    case EVENT_CLASS_NODE_NOTICE:
    case EVENT_CLASS_NODE_LEAVES:
    case EVENT_CLASS_NODE_BACK:
        return event_is_current(e, sim->cluster.node[id].generation);
    case EVENT_CLASS_TRANSFER_DONE:
        return event_is_current(e, sim->requests.slot[id].generation);
    case EVENT_CLASS_RETRY:
    case EVENT_CLASS_TIMEOUT:
        return event_is_current(e, sim->requests.slot[id].life) &&
               sim->requests.slot[id].state != REQUEST_FREE;
    case EVENT_CLASS_FIRST_TIMEOUT:
        return event_is_current(e, sim->requests.slot[id].life) &&
               sim->requests.slot[id].state != REQUEST_FREE &&
               sim->requests.slot[id].first_token_ns < 0;
    case EVENT_CLASS_POLICY:
        return event_is_current(e, sim->policy_generation);
    case EVENT_CLASS_PUBLISH:
    case EVENT_CLASS_WINDOW:
    case EVENT_CLASS_SAMPLE:
    case EVENT_CLASS_SCRAPE:
    case EVENT_CLASS_STOP:
        return true;
    }
    return true;
}

/* No request that arrives then or later is taken. */
static int64_t arrivals_end_ns(const struct sim_config *config)
{
    return config->duration_ns >= TIME_NEVER ? TIME_NEVER : config->warmup_ns + config->duration_ns;
}

static enum status read_arrival(struct sim *sim)
{
    sim->must_read = false;
    enum status s = request_source_next(sim->source, &sim->next_request, sim->diag);
    sim->have_next = s == ST_OK && sim->next_request.arrival_ns < arrivals_end_ns(sim->config);
    BUG_IF(sim->have_next && sim->next_request.arrival_ns < sim->now_ns);
    if (s != ST_OK && s != ST_END)
        return s;
    bool more_may_come = s == ST_OK && sim->next_request.arrival_ns >= TIME_NEVER;
    if (!sim->have_next && !more_may_come && !sim->arrivals_over) {
        sim->arrivals_over = true;
        if (sim->config->drain_ns < TIME_NEVER)
            return push_timer(sim, sim->now_ns + sim->config->drain_ns, EVENT_CLASS_STOP, 0);
    }
    return ST_OK;
}

/* In checked builds, of every worker whenever the instant is settled; worker.c checks the one it
 * touched. */
static void check_invariants(const struct sim *sim)
{
    if (!HEADROOM_CHECK)
        return;
    int gpus = 0, pending = 0, on_nodes = 0;
    for (uint32_t i = 0; i < sim->n_workers; i++) {
        const struct worker *w = sim->workers[i];
        if (!worker_leads(w))
            continue;
        if (w->state == WORKER_PENDING)
            pending++;
        else
            gpus += w->pool->config->gpus_per_worker;
        BUG_IF((w->state == WORKER_PENDING) != (w->node == NO_NODE));
        BUG_IF(w->node != NO_NODE && sim->cluster.node[w->node].state == NODE_DOWN);
    }
    for (uint32_t i = 0; i < sim->cluster.n_nodes; i++)
        on_nodes += (int)(sim->config->cluster.gpus_per_node - sim->cluster.node[i].free_gpus);
    BUG_IF(on_nodes != gpus || pending != (int)sim->pending.n);
    BUG_IF(gpus != sim->gpus_held);
    BUG_IF(sim->requests.n_used != sim->n_in_flight);
}

static void drop_stale(struct sim *sim)
{
    while (sim->queue.n && !is_current(sim, event_queue_peek(&sim->queue)))
        event_queue_pop(&sim->queue);
}

/* Is an event of this instant next in the queue, of a class below `end`? */
static bool due(struct sim *sim, enum event_class end)
{
    drop_stale(sim);
    if (sim->queue.n == 0)
        return false;
    struct event e = event_queue_peek(&sim->queue);
    return e.at_ns == sim->now_ns && event_class_of(e) < end;
}

/* Everything that happens at sim->now_ns, in the order of enum event_class. */
static enum status settle_instant(struct sim *sim)
{
    enum status s = ST_OK;
    while (!s) {
        while (!s && due(sim, EVENT_CLASS_SETTLED)) {
            struct event e = event_queue_peek(&sim->queue);
            event_queue_pop(&sim->queue);
            s = handle(sim, e);
            check_invariants(sim);
        }
        if (!s && sim->must_read)
            s = read_arrival(sim);
        while (!s && sim->have_next && sim->next_request.arrival_ns == sim->now_ns) {
            s = arrive(sim);
            if (!s)
                s = read_arrival(sim);
        }
        for (size_t p = 0; !s && p < sim->config->n_pools; p++)
            if (sim->pools[p].unrouted_may_go)
                s = route_unrouted(sim, &sim->pools[p]);
        if (!s)
            s = start_kicked(sim);
        if (!s && sim->room_appeared)
            s = startup_place_pending(sim);
        check_invariants(sim);
        if (s || due(sim, EVENT_CLASS_SETTLED))
            continue;
        if (!due(sim, EVENT_CLASS_STOP + 1))
            break;
        struct event e = event_queue_peek(&sim->queue);
        event_queue_pop(&sim->queue);
        s = handle(sim, e);
        check_invariants(sim);
    }
    return s;
}

/* Can the event move no request? */
static bool is_passive(const struct sim *sim, struct event e)
{
    enum event_class class = event_class_of(e);
    if (class == EVENT_CLASS_PUBLISH)
        return !route_waits_for_view(sim);
    return class == EVENT_CLASS_WINDOW || class == EVENT_CLASS_SAMPLE ||
           class == EVENT_CLASS_SCRAPE;
}

/* Requests are in flight, but nothing is coming that could move them. */
static bool is_stuck(const struct sim *sim, struct event next)
{
    if (!is_passive(sim, next))
        return next.at_ns - sim->last_activity_ns > STARVED_NS;
    for (uint32_t i = 0; i < sim->queue.n; i++)
        if (is_current(sim, sim->queue.heap[i]) && !is_passive(sim, sim->queue.heap[i]))
            return false;
    return true;
}

static enum status tell_progress(struct sim *sim)
{
    if (!sim->observer->progress || ++sim->n_instants % PROGRESS_EVERY)
        return ST_OK;
    struct sim_progress progress = {request_source_progress(sim->source), sim->now_ns,
                                    sim->n_offered};
    return sim->observer->progress(sim->observer->context, &progress, sim->diag);
}

static enum status loop(struct sim *sim)
{
    for (;;) {
        enum status s = sim->must_read ? read_arrival(sim) : ST_OK;
        if (s)
            return s;
        if (!sim->have_next && sim->n_in_flight == 0)
            return ST_OK;
        drop_stale(sim);
        int64_t next_ns = sim->queue.n ? event_queue_peek(&sim->queue).at_ns : TIME_NEVER;
        if (sim->have_next && sim->next_request.arrival_ns < next_ns)
            next_ns = sim->next_request.arrival_ns;
        if (next_ns >= TIME_NEVER ||
            (!sim->have_next && is_stuck(sim, event_queue_peek(&sim->queue))))
            return ST_OK;
        BUG_IF(next_ns < sim->now_ns);
        sim->now_ns = next_ns;
        s = settle_instant(sim);
        if (!s)
            s = tell_progress(sim);
        if (s)
            return s == ST_END ? ST_OK : s;
    }
}

static enum status begin(struct sim *sim)
{
    const struct sim_config *config = sim->config;
    enum status s = fleet_init(sim);
    for (size_t p = 0; p < config->n_pools; p++)
        sim->wants_ids |= config->pools[p].engine.prefix_cache;
    sim->effects = config->policy_first;
    if (!s)
        s = metrics_begin(sim);
    if (!s)
        s = schedule_policy(sim);
    if (!s)
        s = push_timer(sim, config->warmup_ns ? config->warmup_ns : config->window_ns,
                       EVENT_CLASS_WINDOW, 0);
    if (!s && config->sample_ns)
        s = push_timer(sim, 0, EVENT_CLASS_SAMPLE, 0);
    /* When nobody knows what comes next, the last arrival is not known for the last. */
    int64_t end_ns = arrivals_end_ns(config);
    if (!s && sim->source->ops->done && end_ns < TIME_NEVER && config->drain_ns < TIME_NEVER)
        s = push_timer(sim, end_ns + config->drain_ns, EVENT_CLASS_STOP, 0);
    if (!s && config->view_interval_ns)
        s = push_timer(sim, config->view_interval_ns, EVENT_CLASS_PUBLISH, 0);
    return s ? s : read_arrival(sim);
}

/* What is in flight now will not be finished. */
static enum status report_unfinished(struct sim *sim)
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

static enum status end(struct sim *sim)
{
    fleet_close(sim);
    enum status s = close_window(sim);
    if (!s && sim->config->sample_ns)
        s = take_sample(sim);
    if (!s)
        s = report_unfinished(sim);
    for (uint32_t i = 0; i < sim->n_workers; i++) {
        const struct worker *w = sim->workers[i];
        if (w->state != WORKER_FREE && w->leader == w)
            fleet_note_rank_results(w);
    }
    sim->result->end_ns = sim->now_ns;
    sim->result->measured_from_ns = sim->config->warmup_ns;
    for (size_t p = 0; p < sim->config->n_pools; p++)
        sim->result->n_scale_events += sim->result->pools[p].n_up + sim->result->pools[p].n_down;
    return s;
}

enum status sim_run(const struct sim_config *config, const struct request_source *source,
                    const struct observer *observer, struct run_result *result, struct diag *d)
{
    struct sim sim = {
        .config = config, .observer = observer, .source = source, .result = result, .diag = d};
    *result = (struct run_result){0};
    enum status s = begin(&sim);
    if (!s)
        s = loop(&sim);
    if (!s)
        s = end(&sim);
    fleet_release(&sim);
    request_table_release(&sim.requests);
    word_pool_release(&sim.ids);
    free(sim.key_scratch);
    event_queue_release(&sim.queue);
    free(sim.kicked);
    free(sim.history);
    free(sim.gauges);
    return s;
}
