/* The loop: one clock, one queue, one order of simultaneous events. */
#include "sim/sim.h"

#include <stdlib.h>

#include "sim/fleet/failures.h"
#include "sim/fleet/startup.h"
#include "sim/life.h"
#include "sim/metrics.h"
#include "sim/routing/handoff.h"
#include "sim/routing/route.h"
#include "sim/worker/decode_set.h"
#include "sim/worker/worker_kv.h"

enum { PROGRESS_EVERY = 1024 }; /* instants */

/* ---- workers that may start a step at this instant ---- */

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
        input.gauges = sim->metrics->gauges;
    }
    policy_effects_clear(&sim->effects, config->n_pools);
    s = config->policy->tick(config->policy_state, &input, &sim->effects, sim->diag);
    if (!s && config->scrape_interval_ns == 0)
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

/* Those who only look on leave everything as it is: with other windows or samples, or none, a run
 * is the same to the last bit. */
static enum status close_window(struct sim *sim)
{
    /* What has ended by the end of the warm-up is not measured. */
    enum status s = sim->now_ns == sim->config->warmup_ns ? metrics_sync(sim) : ST_OK;
    struct traffic_counters now = metrics_look(sim), *from = &sim->metrics->window_start;
    bool measured = sim_measuring(sim, from->at_ns) && sim->now_ns > from->at_ns;
    if (sim->observer->window && measured) {
        const struct first_tokens *start = &sim->metrics->window_first_tokens;
        struct window_record record = {
            .start_ns = from->at_ns,
            .end_ns = sim->now_ns,
            .traffic = traffic_since(&now, from),
            .n_waited = first_tokens_waited(start, &sim->first_tokens),
            .n_first_token = sim->first_tokens.n_came - start->n_came,
        };
        s = sim->observer->window(sim->observer->context, &record, sim->diag);
    }
    *from = now;
    sim->metrics->window_first_tokens = sim->first_tokens;
    return s;
}

static enum status take_sample(struct sim *sim)
{
    enum status s = ST_OK;
    struct traffic_counters now = metrics_look(sim), *from = &sim->metrics->sample_start;
    struct traffic_window traffic = {0};
    if (sim->now_ns > from->at_ns) {
        traffic = traffic_since(&now, from);
        *from = now;
    }
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
            .n_waiting = places_take_mean(&sim->places, place_waiting(p), sim->now_ns),
            .n_running = places_take_mean(&sim->places, place_running(p), sim->now_ns),
            .traffic = traffic,
        };
        uint64_t used = 0, blocks = 0;
        for (uint32_t i = 0; i < sim->n_workers; i++) {
            const struct worker *w = sim->workers[i];
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

/* The run ends now, with its requests as they are. */
static enum status stop(struct sim *sim, enum run_stop why)
{
    struct stopped_run run = {.why = why,
                              .at_ns = sim->now_ns,
                              .more_was_to_come = sim->have_next,
                              .n_in_flight = sim->n_in_flight,
                              .n_pools = sim->config->n_pools};
    for (size_t p = 0; p < run.n_pools; p++) {
        const struct pool *pool = &sim->pools[p];
        run.pools[p] = (struct stopped_pool){
            .name = pool->config->name,
            .n_unrouted = pool->unrouted.n,
            .n_waiting = (uint64_t)sim->places.at[place_waiting(p)].n - pool->unrouted.n,
            .n_running = (uint64_t)sim->places.at[place_running(p)].n,
            .target = pool->target,
            .ready = pool->n_ready,
            .starting = pool->n_starting,
            .pending = pool->n_pending,
        };
    }
    run_stop_text(sim->result->stopped, &run, &sim->config->limits);
    return ST_END;
}

static enum status handle(struct sim *sim, struct event e)
{
    uint32_t id = event_id(e);
    sim->result->n_events++;
    enum status s;
    if (event_class_of(e) != EVENT_CLASS_WINDOW && event_class_of(e) != EVENT_CLASS_SAMPLE &&
        ++sim->n_events_unmoved > sim->config->limits.events)
        return stop(sim, STOP_EVENTS);
    switch (event_class_of(e)) {
    case EVENT_CLASS_STEP_END:
        return worker_end_step(sim, sim->workers[id]);
    case EVENT_CLASS_WORKER_READY:
        return startup_ends(sim, sim->workers[id]);
    case EVENT_CLASS_TRANSFER_DONE:
        return handoff_transferred(sim, id);
    case EVENT_CLASS_RETRY:
        return life_send_again(sim, id);
    case EVENT_CLASS_TIMEOUT:
    case EVENT_CLASS_FIRST_TIMEOUT:
        return life_time_out(sim, id);
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
    int64_t waiting[POLICY_MAX_POOLS], running[POLICY_MAX_POOLS];
    for (size_t p = 0; p < sim->config->n_pools; p++) {
        waiting[p] = sim->places.at[place_waiting(p)].n - sim->pools[p].unrouted.n;
        running[p] = sim->places.at[place_running(p)].n;
    }
    for (uint32_t i = 0; i < sim->n_workers; i++) {
        const struct worker *w = sim->workers[i];
        waiting[w->pool->index] -= w->waiting.n + w->arrived.n + w->incoming.n + w->n_transfers;
        running[w->pool->index] -= w->running.n;
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
    BUG_IF(on_nodes != gpus || pending != (int)sim->fleet->pending.n);
    BUG_IF(gpus != sim->fleet->gpus_held);
    BUG_IF(sim->requests.n_used != sim->n_in_flight);
    for (size_t p = 0; p < sim->config->n_pools; p++)
        BUG_IF(waiting[p] != 0 || running[p] != 0);
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
            s = life_arrive(sim);
            if (!s)
                s = read_arrival(sim);
        }
        for (size_t p = 0; !s && p < sim->config->n_pools; p++)
            if (sim->pools[p].unrouted_may_go)
                s = route_unrouted(sim, &sim->pools[p]);
        if (!s)
            s = start_kicked(sim);
        if (!s && sim->fleet->room_appeared)
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

/* With nothing to arrive: is nothing else coming either that could move a request? */
static bool is_dead_end(const struct sim *sim)
{
    if (sim->have_next)
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
    if (sim->have_next || next_ns <= at_ns)
        return TIME_NEVER;
    for (uint32_t i = 0; i < sim->n_workers; i++)
        if (sim->workers[i]->kind == STEP_RUN)
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

static enum status end(struct sim *sim)
{
    enum status s = close_window(sim);
    if (!s && sim->config->sample_ns && sim->now_ns > sim->metrics->sample_start.at_ns)
        s = take_sample(sim);
    if (!s)
        s = life_report_unfinished(sim);
    fleet_close(sim);
    sim->result->end_ns = sim->now_ns;
    sim->result->measured_from_ns = sim->config->warmup_ns;
    for (size_t p = 0; p < sim->config->n_pools; p++)
        sim->result->n_scale_events += sim->result->pools[p].n_up + sim->result->pools[p].n_down;
    return s;
}

enum status sim_run(const struct sim_config *config, const struct request_source *source,
                    const struct observer *observer, struct run_result *result, struct diag *d)
{
    struct fleet fleet = {0};
    struct metrics metrics = {0};
    struct sim sim = {.config = config,
                      .observer = observer,
                      .source = source,
                      .result = result,
                      .diag = d,
                      .fleet = &fleet,
                      .metrics = &metrics};
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
    metrics_release(&metrics);
    return s;
}
