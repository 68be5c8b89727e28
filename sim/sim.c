/* The loop: one clock, one queue, one order of simultaneous events. */
#include "sim/sim.h"

#include <stdlib.h>

#include "sim/fleet/failures.h"
#include "sim/fleet/grants.h"
#include "sim/fleet/startup.h"
#include "sim/life.h"
#include "sim/metrics.h"
#include "sim/routing/handoff.h"
#include "sim/routing/route.h"
#include "sim/worker/decode_set.h"
#include "sim/worker/worker_kv.h"

enum { PROGRESS_EVERY = 64 }; /* instants */

/* ---- workers that may start a step at this instant ---- */

static bool starts_before(const struct worker *a, const struct worker *b)
{
    size_t deployment_a = a->pool->deployment->index, deployment_b = b->pool->deployment->index;
    if (deployment_a != deployment_b)
        return deployment_a < deployment_b;
    return a->pool->index != b->pool->index ? a->pool->index < b->pool->index : a->id < b->id;
}

/* Deployment by deployment, prefill pool first, then by id. A start may kick others, which come in
 * the next round. */
static enum status start_kicked(struct sim *sim)
{
    enum status s = ST_OK;
    while (!s && sim->n_kicked) {
        uint32_t n = sim->n_kicked;
        for (uint32_t i = 1; i < n; i++)
            for (uint32_t j = i; j > 0 && starts_before(sim->kicked[j], sim->kicked[j - 1]); j--) {
                struct worker *swap = sim->kicked[j];
                sim->kicked[j] = sim->kicked[j - 1];
                sim->kicked[j - 1] = swap;
            }
        for (uint32_t i = 0; !s && i < n; i++) {
            struct worker *w = sim->kicked[i];
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

static enum status push_timer(struct deployment *d, int64_t at_ns, enum event_class class,
                              uint32_t generation)
{
    return event_queue_push(&d->sim->queue, event_make(at_ns, class, d->index, 0, generation),
                            d->sim->diag);
}

static enum status schedule_policy(struct deployment *d)
{
    if (d->effects.next_ns >= TIME_NEVER)
        return ST_OK;
    BUG_IF(d->effects.next_ns < d->sim->now_ns);
    enum status s = metrics_expect_call(d);
    return s ? s : push_timer(d, d->effects.next_ns, EVENT_CLASS_POLICY, ++d->policy_generation);
}

/* After a call of the policy. */
static void note_stall(struct deployment *d)
{
    struct policy_stall *stall = &d->stall, *longest = &d->result->stall;
    int n_pending = 0;
    for (size_t p = 0; p < d->config->n_pools; p++)
        n_pending += d->pools[p].n_pending;
    if (n_pending == 0 || d->effects.scale) {
        stall->n_calls = 0;
        return;
    }
    if (stall->n_calls++ == 0)
        stall->from_ns = d->sim->now_ns;
    stall->to_ns = d->sim->now_ns;
    if (stall->n_calls > longest->n_calls)
        *longest = *stall;
}

/* What the policy asked to be told, as far as metrics are to be had. */
static enum status read_metrics(struct deployment *d, struct policy_input *input)
{
    unsigned needs = d->effects.next_needs;
    enum status s = metrics_sync(d);
    if (s || metrics_out(d))
        return s;
    if (needs & NEED_TRAFFIC) {
        BUG_IF(d->effects.window_ns <= 0);
        input->has_traffic = true;
        input->traffic = metrics_window(d, d->effects.window_ns);
    }
    if (needs & NEED_GAUGES) {
        input->has_gauges = true;
        s = metrics_gauges(d, &input->n_gauges);
        if (s)
            return s;
        input->gauges = d->metrics->gauges;
    }
    return needs & NEED_PASSES ? metrics_passes(d, input) : ST_OK;
}

static enum status tell_decision(struct deployment *d, const struct pool_counts *before,
                                 enum grant grant)
{
    const struct sim *sim = d->sim;
    const struct deployment_config *config = d->config;
    struct decision_record record = {
        .at_ns = sim->now_ns,
        .deployment = d->index,
        .number = d->result->n_decisions++,
        .n_pools = config->n_pools,
        .effects = &d->effects,
        .arbitrated = sim->config->arbiter && d->effects.scale,
        .grant = grant,
    };
    for (size_t p = 0; p < config->n_pools; p++) {
        record.pool_names[p] = config->pools[p].name;
        record.counts[p] = before[p];
        record.granted[p] = d->pools[p].target;
        record.started[p] = d->n_started[p];
        record.cancelled[p] = d->n_cancelled[p];
        record.drained[p] = d->n_drained[p];
        record.terminated[p] = d->n_terminated[p];
    }
    return sim->observer->decision
               ? sim->observer->decision(sim->observer->context, &record, sim->diag)
               : ST_OK;
}

static enum status call_policy(struct deployment *d)
{
    struct sim *sim = d->sim;
    const struct deployment_config *config = d->config;
    struct policy_input input = {.now_ns = sim->now_ns, .n_pools = config->n_pools};
    for (size_t p = 0; p < config->n_pools; p++) {
        const struct pool *pool = &d->pools[p];
        input.pools[p] =
            (struct pool_counts){pool->target, pool->n_ready, pool->n_starting, pool->n_draining};
        d->n_started[p] = d->n_cancelled[p] = d->n_drained[p] = d->n_terminated[p] = 0;
    }
    enum status s = read_metrics(d, &input);
    if (s)
        return s;
    policy_effects_clear(&d->effects, config->n_pools);
    s = config->policy->tick(config->policy_state, &input, &d->effects, sim->diag);
    if (!s && config->scrape_interval_ns == 0)
        s = metrics_snapshot(d);
    note_stall(d);
    enum grant grant = GRANT_UNCHANGED;
    if (!s && d->effects.scale)
        s = grants_ask(d, d->effects.target, &grant);
    if (!s && d->effects.report)
        s = tell_decision(d, input.pools, grant);
    return s ? s : schedule_policy(d);
}

/* Those who only look on leave everything as it is: with other windows or samples, or none, a run
 * is the same to the last bit. */
static enum status close_window(struct deployment *d)
{
    const struct sim *sim = d->sim;
    /* What has ended by the end of the warm-up is not measured. */
    enum status s = sim->now_ns == sim->config->warmup_ns ? metrics_sync(d) : ST_OK;
    struct traffic_counters now = metrics_look(d), *from = &d->metrics->window_start;
    bool measured = sim_measuring(sim, from->at_ns) && sim->now_ns > from->at_ns;
    if (sim->observer->window && measured) {
        const struct first_tokens *start = &d->metrics->window_first_tokens;
        struct window_record record = {
            .deployment = d->index,
            .start_ns = from->at_ns,
            .end_ns = sim->now_ns,
            .traffic = traffic_since(&now, from),
            .n_waited = first_tokens_waited(start, &d->first_tokens),
            .n_first_token = d->first_tokens.n_came - start->n_came,
        };
        s = sim->observer->window(sim->observer->context, &record, sim->diag);
    }
    *from = now;
    d->metrics->window_first_tokens = d->first_tokens;
    return s;
}

static enum status take_sample(struct deployment *d)
{
    struct sim *sim = d->sim;
    enum status s = ST_OK;
    struct traffic_counters now = metrics_look(d), *from = &d->metrics->sample_start;
    struct traffic_window traffic = {0};
    if (sim->now_ns > from->at_ns) {
        traffic = traffic_since(&now, from);
        *from = now;
    }
    for (size_t p = 0; !s && p < d->config->n_pools; p++) {
        const struct pool *pool = &d->pools[p];
        struct sample_record record = {
            .at_ns = sim->now_ns,
            .deployment = d->index,
            .pool = p,
            .pool_name = pool->config->name,
            .target = pool->target,
            .ready = pool->n_ready,
            .starting = pool->n_starting,
            .draining = pool->n_draining,
            .pending = pool->n_pending,
            .n_waiting = places_take_mean(&d->places, place_waiting(p), sim->now_ns),
            .n_running = places_take_mean(&d->places, place_running(p), sim->now_ns),
            .traffic = traffic,
        };
        uint64_t used = 0, blocks = 0;
        for (uint32_t i = 0; i < d->n_workers; i++) {
            const struct worker *w = d->workers[i];
            if (w->pool != pool || (w->state != WORKER_READY && w->state != WORKER_DRAINING))
                continue;
            used += worker_kv_used(w) + worker_due(sim, w).kv_blocks;
            blocks += w->kv_blocks;
        }
        record.kv_utilization = blocks ? (double)used / (double)blocks : 0;
        if (sim->observer->sample)
            s = sim->observer->sample(sim->observer->context, &record, sim->diag);
    }
    return s;
}

static bool is_over(const struct deployment *d)
{
    return !d->stream->must_read && !d->stream->have_next && d->n_in_flight == 0;
}

/* Its time is up, and of all that share its requests. The run ends with the last of them. */
static enum status end_deployment(struct deployment *d)
{
    struct sim *sim = d->sim;
    bool others_go_on = false;
    d->stream->stopped = true;
    d->stream->have_next = false;
    sim->must_read = true;
    for (size_t i = 0; i < sim->n_deployments; i++)
        others_go_on |= sim->deployments[i].stream != d->stream && !is_over(&sim->deployments[i]);
    return others_go_on ? life_stop(d) : ST_END;
}

static void note_stop(struct deployment *d, enum run_stop why)
{
    struct stopped_run run = {.why = why,
                              .at_ns = d->sim->now_ns,
                              .more_was_to_come = d->stream->have_next,
                              .n_in_flight = d->n_in_flight,
                              .n_pools = d->config->n_pools};
    for (size_t p = 0; p < run.n_pools; p++) {
        const struct pool *pool = &d->pools[p];
        run.pools[p] = (struct stopped_pool){
            .name = pool->config->name,
            .n_unrouted = pool->unrouted.n,
            .n_waiting = (uint64_t)d->places.at[place_waiting(p)].n - pool->unrouted.n,
            .n_running = (uint64_t)d->places.at[place_running(p)].n,
            .target = pool->target,
            .ready = pool->n_ready,
            .starting = pool->n_starting,
            .pending = pool->n_pending,
        };
    }
    run_stop_text(d->result->stopped, &run, &d->sim->config->limits);
}

/* The run ends now, with its requests as they are. */
static enum status stop(struct sim *sim, enum run_stop why)
{
    for (size_t i = 0; i < sim->n_deployments; i++)
        if (!is_over(&sim->deployments[i]))
            note_stop(&sim->deployments[i], why);
    return ST_END;
}

static enum status handle(struct sim *sim, struct event e)
{
    struct deployment *d = &sim->deployments[event_deployment(e)];
    uint32_t id = event_id(e);
    sim->n_events++;
    enum status s;
    if (event_class_of(e) != EVENT_CLASS_WINDOW && event_class_of(e) != EVENT_CLASS_SAMPLE &&
        ++sim->n_events_unmoved > sim->config->limits.events)
        return stop(sim, STOP_EVENTS);
    switch (event_class_of(e)) {
    case EVENT_CLASS_STEP_END:
        return worker_end_step(sim, d->workers[id]);
    case EVENT_CLASS_WORKER_READY:
        return startup_ends(sim, d->workers[id]);
    case EVENT_CLASS_TRANSFER_DONE:
        return handoff_transferred(sim, id);
    case EVENT_CLASS_ENTER:
        return life_enter(sim, id);
    case EVENT_CLASS_TIMEOUT:
    case EVENT_CLASS_FIRST_TIMEOUT:
        return life_time_out(sim, id);
    case EVENT_CLASS_GRACE_END:
        return fleet_grace_ends(sim, d->workers[id]);
    case EVENT_CLASS_FAILURE:
        return failures_worker_fails(sim, d->workers[id]);
    case EVENT_CLASS_NODE_FAILURE:
    case EVENT_CLASS_NODE_NOTICE:
    case EVENT_CLASS_NODE_LEAVES:
    case EVENT_CLASS_NODE_BACK:
        return failures_node(sim, event_class_of(e), id);
    case EVENT_CLASS_PUBLISH:
        route_publish_all(d);
        return push_timer(d, sim->now_ns + d->config->view_interval_ns, EVENT_CLASS_PUBLISH, 0);
    case EVENT_CLASS_WINDOW:
        s = close_window(d);
        return s ? s : push_timer(d, sim->now_ns + sim->config->window_ns, EVENT_CLASS_WINDOW, 0);
    case EVENT_CLASS_SAMPLE:
        s = take_sample(d);
        return s ? s : push_timer(d, sim->now_ns + sim->config->sample_ns, EVENT_CLASS_SAMPLE, 0);
    case EVENT_CLASS_SCRAPE:
        return metrics_scrape(d);
    case EVENT_CLASS_POLICY:
        return call_policy(d);
    case EVENT_CLASS_STOP:
        return end_deployment(d);
    case N_EVENT_CLASSES:
        break;
    }
    BUG("unknown event class");
}

static bool is_current(const struct sim *sim, struct event e)
{
    const struct deployment *d = &sim->deployments[event_deployment(e)];
    uint32_t id = event_id(e);
    switch (event_class_of(e)) {
    case EVENT_CLASS_STEP_END:
        return event_is_current(e, d->workers[id]->generation);
    case EVENT_CLASS_WORKER_READY:
    case EVENT_CLASS_FAILURE:
        return event_is_current(e, d->workers[id]->life_generation);
    case EVENT_CLASS_GRACE_END:
        return event_is_current(e, d->workers[id]->drain_generation);
    case EVENT_CLASS_NODE_FAILURE:
    case EVENT_CLASS_NODE_NOTICE:
    case EVENT_CLASS_NODE_LEAVES:
    case EVENT_CLASS_NODE_BACK:
        return event_is_current(e, sim->cluster.node[id].generation);
    case EVENT_CLASS_TRANSFER_DONE:
        return event_is_current(e, sim->requests.slot[id].generation);
    case EVENT_CLASS_ENTER:
    case EVENT_CLASS_TIMEOUT:
        return event_is_current(e, sim->requests.slot[id].life) &&
               sim->requests.slot[id].state != REQUEST_FREE;
    case EVENT_CLASS_FIRST_TIMEOUT:
        return event_is_current(e, sim->requests.slot[id].life) &&
               sim->requests.slot[id].state != REQUEST_FREE &&
               sim->requests.slot[id].first_token_ns < 0;
    case EVENT_CLASS_POLICY:
        return event_is_current(e, d->policy_generation);
    case EVENT_CLASS_PUBLISH:
    case EVENT_CLASS_WINDOW:
    case EVENT_CLASS_SAMPLE:
    case EVENT_CLASS_SCRAPE:
    case EVENT_CLASS_STOP:
    case N_EVENT_CLASSES:
        break;
    }
    return true;
}

/* No request that arrives then or later is taken. */
static int64_t arrivals_end_ns(const struct sim_config *config)
{
    return config->duration_ns >= TIME_NEVER ? TIME_NEVER : config->warmup_ns + config->duration_ns;
}

/* The deployment that the timers of a stream are of. */
static struct deployment *keeper_of(const struct sim *sim, const struct stream *stream)
{
    return stream->only ? stream->only : &sim->deployments[0];
}

static enum status read_arrival(struct sim *sim, struct stream *stream)
{
    stream->must_read = false;
    if (stream->stopped)
        return ST_OK;
    enum status s = request_source_next(stream->source, &stream->next, sim->diag);
    stream->have_next = s == ST_OK && stream->next.arrival_ns < arrivals_end_ns(sim->config);
    BUG_IF(stream->have_next && stream->next.arrival_ns < sim->now_ns);
    if (s != ST_OK && s != ST_END)
        return s;
    bool more_may_come = s == ST_OK && stream->next.arrival_ns >= TIME_NEVER;
    if (!stream->have_next && !more_may_come && !stream->over) {
        stream->over = true;
        if (sim->config->drain_ns < TIME_NEVER)
            return push_timer(keeper_of(sim, stream), sim->now_ns + sim->config->drain_ns,
                              EVENT_CLASS_STOP, 0);
    }
    return ST_OK;
}

static void check_places(const struct deployment *d)
{
    int64_t waiting[POLICY_MAX_POOLS], running[POLICY_MAX_POOLS];
    for (size_t p = 0; p < d->config->n_pools; p++) {
        waiting[p] = d->places.at[place_waiting(p)].n - d->pools[p].unrouted.n;
        running[p] = d->places.at[place_running(p)].n;
    }
    for (uint32_t i = 0; i < d->n_workers; i++) {
        const struct worker *w = d->workers[i];
        waiting[w->pool->index] -= w->waiting.n + w->arrived.n + w->incoming.n + w->n_transfers;
        running[w->pool->index] -= w->running.n;
    }
    for (size_t p = 0; p < d->config->n_pools; p++)
        BUG_IF(waiting[p] != 0 || running[p] != 0);
}

/* In checked builds, of every worker whenever the instant is settled; worker.c checks the one it
 * touched. */
static void check_invariants(const struct sim *sim)
{
    if (!HEADROOM_CHECK)
        return;
    int gpus = 0, pending = 0, on_nodes = 0;
    uint64_t n_in_flight = 0;
    for (size_t i = 0; i < sim->n_deployments; i++) {
        const struct deployment *d = &sim->deployments[i];
        check_places(d);
        int held = 0;
        for (uint32_t k = 0; k < d->n_workers; k++) {
            const struct worker *w = d->workers[k];
            if (!worker_leads(w))
                continue;
            if (w->state == WORKER_PENDING)
                pending++;
            else
                held += w->pool->config->gpus_per_worker;
            BUG_IF((w->state == WORKER_PENDING) != (w->node == NO_NODE));
            BUG_IF(w->node != NO_NODE && sim->cluster.node[w->node].state == NODE_DOWN);
        }
        BUG_IF(held != d->gpus_held);
        gpus += held;
        n_in_flight += d->n_in_flight;
    }
    for (uint32_t i = 0; i < sim->cluster.n_nodes; i++)
        on_nodes += (int)(sim->config->cluster.gpus_per_node - sim->cluster.node[i].free_gpus);
    BUG_IF(gpus != (int)sim->fleet->gpus_held || !grants_have_room(sim, 0));
    BUG_IF(on_nodes != gpus || pending != (int)sim->fleet->pending.n);
    BUG_IF(sim->requests.n_used != n_in_flight);
}

static void drop_stale(struct sim *sim)
{
    while (sim->queue.n && !is_current(sim, event_queue_peek(&sim->queue)))
        event_queue_pop(&sim->queue);
}

/* The class of the event of this instant that is next in the queue, or that after all classes. The
 * event is current. */
static enum event_class head_class(const struct sim *sim)
{
    if (sim->queue.n == 0)
        return N_EVENT_CLASSES;
    struct event e = event_queue_peek(&sim->queue);
    return e.at_ns == sim->now_ns ? event_class_of(e) : N_EVENT_CLASSES;
}

static enum event_class next_class(struct sim *sim)
{
    drop_stale(sim);
    return head_class(sim);
}

static enum status handle_next(struct sim *sim)
{
    struct event e = event_queue_peek(&sim->queue);
    event_queue_pop(&sim->queue);
    enum status s = handle(sim, e);
    check_invariants(sim);
    return s;
}

static enum status read_arrivals(struct sim *sim)
{
    enum status s = ST_OK;
    sim->must_read = false;
    sim->next_arrival_ns = TIME_NEVER;
    for (size_t i = 0; !s && i < sim->n_streams; i++) {
        struct stream *stream = &sim->streams[i];
        if (stream->must_read)
            s = read_arrival(sim, stream);
        if (stream->have_next && stream->next.arrival_ns < sim->next_arrival_ns)
            sim->next_arrival_ns = stream->next.arrival_ns;
    }
    return s;
}

/* Those of this instant. */
static enum status take_arrivals(struct sim *sim)
{
    for (;;) {
        enum status s = sim->must_read ? read_arrivals(sim) : ST_OK;
        if (s || sim->next_arrival_ns != sim->now_ns)
            return s;
        for (size_t i = 0; !s && i < sim->n_streams; i++) {
            struct stream *stream = &sim->streams[i];
            if (stream->have_next && stream->next.arrival_ns == sim->now_ns)
                s = life_arrive(sim, stream);
        }
        if (s)
            return s;
    }
}

static enum status route_waiting(struct sim *sim)
{
    enum status s = ST_OK;
    sim->unrouted_may_go = false;
    for (size_t i = 0; i < sim->n_deployments; i++) {
        struct deployment *d = &sim->deployments[i];
        for (size_t p = 0; !s && p < d->config->n_pools; p++)
            if (d->pools[p].unrouted_may_go)
                s = route_unrouted(sim, &d->pools[p]);
    }
    return s;
}

/* Everything that happens at sim->now_ns, in the order of enum event_class. Before and after, the
 * event at the head of the queue is current. */
static enum status settle_instant(struct sim *sim)
{
    enum event_class next = head_class(sim);
    enum status s = ST_OK;
    while (!s) {
        for (; !s && next < EVENT_CLASS_SETTLED; next = next_class(sim))
            s = handle_next(sim);
        if (!s)
            s = take_arrivals(sim);
        if (!s && sim->unrouted_may_go)
            s = route_waiting(sim);
        if (!s)
            s = start_kicked(sim);
        if (!s && sim->fleet->room_appeared)
            s = startup_place_pending(sim);
        check_invariants(sim);
        next = next_class(sim);
        if (s || next == N_EVENT_CLASSES)
            break;
        if (next >= EVENT_CLASS_SETTLED) {
            s = handle_next(sim);
            next = next_class(sim);
        }
    }
    return s;
}

/* Can the event move no request? */
static bool is_passive(const struct sim *sim, struct event e)
{
    enum event_class class = event_class_of(e);
    if (class == EVENT_CLASS_PUBLISH)
        return !route_waits_for_view(&sim->deployments[event_deployment(e)]);
    return class == EVENT_CLASS_WINDOW || class == EVENT_CLASS_SAMPLE ||
           class == EVENT_CLASS_SCRAPE;
}

/* With nothing to arrive: is nothing else coming either that could move a request? */
static bool is_dead_end(const struct sim *sim)
{
    if (sim->next_arrival_ns < TIME_NEVER)
        return false;
    for (uint32_t i = 0; i < sim->queue.n; i++)
        if (is_current(sim, sim->queue.heap[i]) && !is_passive(sim, sim->queue.heap[i]))
            return false;
    return true;
}

/* Until when a request has to move. Those in a run of decode steps do, without an event. */
static int64_t stall_ns(const struct sim *sim, int64_t next_ns)
{
    int64_t at_ns = sim->moved_ns + sim->config->limits.stall_ns;
    if (sim->next_arrival_ns < TIME_NEVER || next_ns <= at_ns)
        return TIME_NEVER;
    for (size_t i = 0; i < sim->n_deployments; i++)
        for (uint32_t k = 0; k < sim->deployments[i].n_workers; k++)
            if (sim->deployments[i].workers[k]->kind == STEP_RUN)
                return TIME_NEVER;
    return at_ns;
}

/* ST_END: the run ends before what comes next. */
static enum status check_limits(struct sim *sim, int64_t next_ns)
{
    if (is_dead_end(sim))
        return stop(sim, STOP_DEAD_END);
    int64_t stall_at_ns = stall_ns(sim, next_ns), end_ns = sim->config->limits.simulated_ns;
    if (next_ns <= stall_at_ns && next_ns <= end_ns)
        return ST_OK;
    sim->now_ns = stall_at_ns < end_ns ? stall_at_ns : end_ns;
    return stop(sim, stall_at_ns < end_ns ? STOP_STALL : STOP_SIMULATED);
}

static enum status tell_progress(struct sim *sim)
{
    if (!sim->observer->progress || ++sim->n_instants % PROGRESS_EVERY)
        return ST_OK;
    struct sim_progress progress = {.now_ns = sim->now_ns};
    for (size_t i = 0; i < sim->n_streams; i++) {
        const struct stream *stream = &sim->streams[i];
        progress.share += request_source_progress(stream->source) / (double)sim->n_streams;
        progress.n_offered += stream->n_arrived;
    }
    return sim->observer->progress(sim->observer->context, &progress, sim->diag);
}

static enum status loop(struct sim *sim)
{
    drop_stale(sim);
    for (;;) {
        enum status s = sim->must_read ? read_arrivals(sim) : ST_OK;
        if (s)
            return s;
        int64_t next_ns = sim->next_arrival_ns;
        if (next_ns >= TIME_NEVER && sim->requests.n_used == 0)
            return ST_OK;
        if (sim->queue.n && event_queue_peek(&sim->queue).at_ns < next_ns)
            next_ns = event_queue_peek(&sim->queue).at_ns;
        BUG_IF(next_ns < sim->now_ns);
        s = check_limits(sim, next_ns);
        if (!s) {
            sim->now_ns = next_ns;
            s = settle_instant(sim);
        }
        if (!s)
            s = tell_progress(sim);
        if (s)
            return s == ST_END ? ST_OK : s;
    }
}

static enum status begin(struct deployment *d)
{
    const struct sim_config *config = d->sim->config;
    for (size_t p = 0; p < d->config->n_pools; p++)
        d->wants_ids |= d->config->pools[p].engine.prefix_cache;
    d->effects = d->config->policy_first;
    enum status s = metrics_begin(d);
    if (!s)
        s = schedule_policy(d);
    if (!s)
        s = push_timer(d, config->warmup_ns ? config->warmup_ns : config->window_ns,
                       EVENT_CLASS_WINDOW, 0);
    if (!s && config->sample_ns)
        s = push_timer(d, 0, EVENT_CLASS_SAMPLE, 0);
    if (!s && d->config->view_interval_ns)
        s = push_timer(d, d->config->view_interval_ns, EVENT_CLASS_PUBLISH, 0);
    return s;
}

static enum status begin_stream(struct sim *sim, struct stream *stream)
{
    const struct sim_config *config = sim->config;
    int64_t end_ns = arrivals_end_ns(config);
    stream->must_read = sim->must_read = true;
    /* When nobody knows what comes next, the last arrival is not known for the last. */
    if (!stream->source->ops->done || end_ns >= TIME_NEVER || config->drain_ns >= TIME_NEVER)
        return ST_OK;
    return push_timer(keeper_of(sim, stream), end_ns + config->drain_ns, EVENT_CLASS_STOP, 0);
}

static enum status end(struct deployment *d)
{
    const struct sim *sim = d->sim;
    struct run_result *result = d->result;
    enum status s = close_window(d);
    if (!s && sim->config->sample_ns && sim->now_ns > d->metrics->sample_start.at_ns)
        s = take_sample(d);
    if (!s)
        s = life_report_unfinished(d);
    if (!s)
        s = fleet_close(d);
    result->end_ns = sim->now_ns;
    result->measured_from_ns = sim->config->warmup_ns;
    result->n_events = sim->n_events;
    result->n_node_failures = sim->n_node_failures;
    result->n_reclaims = sim->n_reclaims;
    result->run_peak_workers = sim->peak_workers;
    result->run_peak_gpus = sim->peak_gpus;
    result->run_peak_pending = sim->peak_pending;
    for (size_t p = 0; p < d->config->n_pools; p++)
        result->n_scale_events += result->pools[p].n_up + result->pools[p].n_down;
    return s;
}

/* A seed for each name; without a name, that of the run. */
static uint64_t seed_of(const struct sim_config *config, const char *name)
{
    struct pcg64 rng;
    if (!*name)
        return config->seed;
    pcg64_stream(&rng, config->seed, name, 0);
    return pcg64_next(&rng);
}

static enum status run(struct sim *sim)
{
    enum status s = fleet_init(sim);
    for (size_t i = 0; !s && i < sim->n_deployments; i++)
        s = begin(&sim->deployments[i]);
    for (size_t i = 0; !s && i < sim->n_streams; i++)
        s = begin_stream(sim, &sim->streams[i]);
    if (!s)
        s = loop(sim);
    for (size_t i = 0; !s && i < sim->n_deployments; i++)
        s = end(&sim->deployments[i]);
    return s;
}

enum status sim_run(const struct sim_config *config, const struct request_source *sources,
                    const struct observer *observer, struct run_result *results, struct diag *d)
{
    size_t n = config->n_deployments;
    struct fleet fleet = {0};
    struct sim sim = {.config = config, .observer = observer, .diag = d, .fleet = &fleet};
    BUG_IF(n == 0 || n > MAX_DEPLOYMENTS);
    sim.deployments = calloc(n, sizeof *sim.deployments);
    sim.streams = calloc(n, sizeof *sim.streams);
    struct metrics *metrics = calloc(n, sizeof *metrics);
    enum status s =
        sim.deployments && sim.streams && metrics ? ST_OK : diag_nomem(d, "deployments");
    for (size_t i = 0; !s && i < n; i++, sim.n_deployments++) {
        results[i] = (struct run_result){0};
        sim.deployments[i] = (struct deployment){
            .index = i,
            .config = &config->deployments[i],
            .sim = &sim,
            .seed = seed_of(config, config->deployments[i].name),
            .stream = &sim.streams[config->endpoint ? 0 : i],
            .result = &results[i],
            .metrics = &metrics[i],
        };
    }
    for (size_t i = 0; !s && i < (config->endpoint ? 1 : n); i++, sim.n_streams++)
        sim.streams[i] = (struct stream){.source = &sources[i],
                                         .only = config->endpoint ? NULL : &sim.deployments[i]};
    if (!s)
        s = run(&sim);
    fleet_release(&sim);
    free(sim.parts);
    request_table_release(&sim.requests);
    word_pool_release(&sim.ids);
    free(sim.key_scratch);
    event_queue_release(&sim.queue);
    free(sim.kicked);
    for (size_t i = 0; i < sim.n_deployments; i++)
        metrics_release(&metrics[i]);
    free(metrics);
    free(sim.streams);
    free(sim.deployments);
    return s;
}
