/* The loop: one clock, and everything of one instant settled in a written order. */
#include "dynosim/dynosim.h"

#include <math.h>
#include <stdlib.h>

#include "dynosim/dynosim_internal.h"
#include "util/array.h"

enum { PROGRESS_EVERY = 64 }; /* instants */

/* ---- the life of a request ---- */

enum status dyno_event(struct dyno_run *run, enum event_kind kind, uint32_t id,
                       const struct dyno_worker *w)
{
    if (!run->observer->event)
        return ST_OK;
    struct event_record e = {.at_ns = run->now_ns,
                             .kind = kind,
                             .request = id == NO_ID ? UINT64_MAX : run->requests[id].index,
                             .pool = w ? w->pool->index : SIZE_MAX,
                             .worker = w ? w->id : NO_WORKER,
                             .node = NO_NODE};
    return run->observer->event(run->observer->context, &e, run->diag);
}

enum status dyno_finish(struct dyno_run *run, uint32_t id, enum outcome outcome)
{
    struct dyno_request *r = &run->requests[id];
    if (outcome == OUTCOME_COMPLETED)
        dyno_count_completion(run, r);
    enum status s = dyno_report(run, r, outcome);
    run->n_in_flight--;
    run->moved_ns = run->now_ns;
    run->n_events_unmoved = 0;
    if (r->first_token_ns < 0) {
        run->first_tokens.n_came += outcome == OUTCOME_COMPLETED;
        run->first_tokens.n_over++;
    }
    dyno_move(run, id, PLACE_NOWHERE);
    r->is_over = true;
    dyno_request_remove(run, id);
    return s;
}

/* Tokens it has when it leaves a worker of the pool. */
static uint32_t end_tok(const struct dyno_run *run, const struct dynosim_pool *pool,
                        const struct dyno_request *r)
{
    uint32_t out = r->osl_tok;
    if (pool->role == POOL_PREFILL && !run->semantics->prefill_full_output && out > 1)
        out = 1;
    uint32_t end = r->isl_tok + out;
    return pool->max_model_len && end > pool->max_model_len && r->isl_tok < pool->max_model_len
               ? pool->max_model_len
               : end;
}

enum status dyno_route(struct dyno_run *run, struct dyno_pool *pool, uint32_t id)
{
    dyno_move(run, id, place_waiting(pool->index));
    dyno_parts_wait_begins(run, id, pool);
    if (pool->n_ready == 0) {
        dyno_parts_enter(run, id, DYNO_STAGE_UNROUTED, pool, NULL);
        dyno_list_push_back(run, &pool->unrouted, id);
        return ST_OK;
    }
    struct dyno_worker *w;
    struct dyno_request *r = &run->requests[id];
    enum status s = dyno_choose(run, pool, id, &w);
    if (!s)
        s = dyno_router_bind(run, w, r);
    if (!s)
        s = dyno_event(run, EVENT_ROUTE, id, w);
    if (s)
        return s;
    r->end_tok = end_tok(run, pool->config, r);
    r->recomputing = false;
    if (pool->config->role == POOL_DECODE) {
        r->worker_id = w->id;
        dyno_queue_count(w, r, true);
        dyno_parts_enter(run, id, DYNO_STAGE_ROOM, pool, w);
        dyno_list_push_back(run, &w->reservations, id);
        s = dyno_check_reservation(run, w, id);
        /* It lets requests handed over pass those that were preempted. */
        if (!s)
            s = dyno_kick(run, w);
        return s || w->busy ? s : dyno_try_reservation(run, w);
    }
    if (pool->config->role == POOL_PREFILL)
        r->prefill_id = w->id;
    else
        r->worker_id = w->id;
    r->known_tok = r->isl_tok;
    dyno_queue_count(w, r, true);
    dyno_list_push_back(run, &w->waiting, id);
    if (w->waiting.n == 1)
        dyno_parts_line(run, w, dyno_line_at(w));
    dyno_parts_enter(run, id, DYNO_STAGE_LINE, pool, w);
    return dyno_kick(run, w);
}

/* A prompt is no longer than its block ids. */
static uint32_t prompt_tok(const struct dyno_run *run, const struct trace_request *t)
{
    uint64_t covered = (uint64_t)t->n_blocks * run->config->trace_block_tok;
    return t->n_blocks && covered < t->isl_tok ? (uint32_t)covered : t->isl_tok;
}

static enum status arrive(struct dyno_run *run)
{
    const struct trace_request *t = &run->next;
    uint32_t id;
    enum status s = dyno_request_add(run, &id);
    if (s)
        return s;
    struct dyno_request *r = &run->requests[id];
    r->index = run->n_offered++;
    r->arrival_ns = run->now_ns;
    r->isl_tok = prompt_tok(run, t);
    r->osl_tok = t->osl_tok;
    run->n_in_flight++;
    run->moved_ns = run->now_ns;
    run->n_events_unmoved = 0;
    run->traffic.total.n_arrived++;
    run->first_tokens.n_begun++;
    s = dyno_parts_begin(run, id);
    if (!s)
        s = dyno_request_set_keys(run, r, t);
    if (!s)
        s = dyno_event(run, EVENT_ARRIVE, id, NULL);
    if (s || run->config->n_pools == 1)
        return s ? s : dyno_route(run, &run->pools[0], id);
    return dyno_action_push(run, &run->actions, ACTION_SUBMIT, id);
}

static int64_t round_to(int64_t ns, int64_t unit_ns)
{
    int64_t n = ns / unit_ns, rest = ns % unit_ns;
    if (2 * rest > unit_ns || (2 * rest == unit_ns && n % 2))
        n++;
    return n * unit_ns;
}

static enum status read_arrival(struct dyno_run *run)
{
    enum status s = request_source_next(run->source, &run->next, run->diag);
    run->have_next = s == ST_OK;
    if (s != ST_OK)
        return s == ST_END ? ST_OK : s;
    int64_t at_ns = run->next.arrival_ns;
    if (run->config->arrival_round_ns > 0)
        at_ns = round_to(at_ns, run->config->arrival_round_ns);
    if (run->config->speedup != 1) {
        at_ns = ns_or_never((double)at_ns / run->config->speedup);
        if (at_ns == TIME_NEVER)
            return diag_fail(run->diag, ST_INPUT,
                             "request %llu arrives more than 73 years after the first request",
                             (unsigned long long)run->n_offered);
    }
    run->next_arrival_ns = at_ns;
    return ST_OK;
}

/* ---- idle workers that may start a pass ---- */

enum status dyno_kick(struct dyno_run *run, struct dyno_worker *w)
{
    if (w->kicked || w->busy)
        return ST_OK;
    enum status s =
        ARRAY_RESERVE(run->kicked, run->n_kicked, run->kicked_capacity, 1, "workers", run->diag);
    if (s)
        return s;
    w->kicked = true;
    struct dyno_worker *const *workers = run->workers;
    uint32_t i = run->n_kicked++;
    for (; i > 0; i--) {
        const struct dyno_worker *other = workers[run->kicked[i - 1]];
        if (other->pool->index < w->pool->index || (other->pool == w->pool && other->id < w->id))
            break;
        run->kicked[i] = run->kicked[i - 1];
    }
    run->kicked[i] = w->slot;
    return ST_OK;
}

/* A worker whose passes take no time goes on until one does or nothing is left. */
static enum status start_worker(struct dyno_run *run, struct dyno_worker *w, bool *any)
{
    enum status s = ST_OK;
    bool started = true;
    *any = false;
    while (!s && started && !w->busy) {
        s = dyno_start_pass(run, w, &started);
        *any |= started;
    }
    return s;
}

/* In order of pool and id; what passes of zero length cause elsewhere comes in the next round. A
 * worker that could do nothing but make room tries again after each of its pool that started a
 * pass, and in the next round. */
static enum status start_passes(struct dyno_run *run)
{
    enum status s = ST_OK;
    uint32_t n = run->n_kicked;
    for (uint32_t i = 0; !s && i < n; i++) {
        struct dyno_worker *w = run->workers[run->kicked[i]];
        bool any;
        s = start_worker(run, w, &any);
        for (uint32_t j = 0; !s && any && j < i; j++) {
            struct dyno_worker *other = run->workers[run->kicked[j]];
            bool ignored;
            if (other->made_room && other->pool == w->pool)
                s = start_worker(run, other, &ignored);
        }
    }
    for (uint32_t i = 0; !s && i < n; i++) {
        struct dyno_worker *w = run->workers[run->kicked[i]];
        w->kicked = false;
        if (!w->busy)
            dyno_set_gpu_state(run, w, GPU_IDLE);
        s = dyno_remove_drained(run, w);
    }
    run->n_kicked = 0;
    for (uint32_t i = 0; !s && i < n; i++)
        if (run->workers[run->kicked[i]]->made_room)
            s = dyno_kick(run, run->workers[run->kicked[i]]);
    return s;
}

/* ---- what happens on the clock ---- */

/* The run ends now, with its requests as they are. */
static enum status stop(struct dyno_run *run, enum run_stop why)
{
    struct stopped_run stopped = {.why = why,
                                  .at_ns = run->now_ns,
                                  .more_was_to_come = run->have_next,
                                  .n_in_flight = run->n_in_flight,
                                  .n_pools = run->config->n_pools};
    for (size_t p = 0; p < stopped.n_pools; p++) {
        const struct dyno_pool *pool = &run->pools[p];
        stopped.pools[p] = (struct stopped_pool){
            .name = pool->config->name,
            .n_unrouted = pool->unrouted.n,
            .n_waiting = (uint64_t)run->places.at[place_waiting(p)].n - pool->unrouted.n,
            .n_running = (uint64_t)run->places.at[place_running(p)].n,
            .target = pool->target,
            .ready = (int)pool->n_ready,
            .starting = pool->n_starting,
        };
    }
    run_stop_text(run->result->stopped, &stopped, &run->config->limits);
    return ST_END;
}

static enum status handle(struct dyno_run *run, struct dyno_timer t)
{
    enum status s;
    enum dyno_event_kind kind = dyno_timer_kind(t);
    run->result->n_events++;
    if (kind != DYNO_WINDOW && kind != DYNO_SAMPLE &&
        ++run->n_events_unmoved > run->config->limits.events)
        return stop(run, STOP_EVENTS);
    switch (kind) {
    case DYNO_PASS_DONE:
        s = dyno_end_pass(run, run->workers[t.target]);
        return s ? s : dyno_kick(run, run->workers[t.target]);
    case DYNO_WORKER_READY:
        return dyno_worker_ready(run, run->workers[t.target]);
    case DYNO_TRANSFER_DONE:
        return dyno_transferred(run, t.target);
    case DYNO_WINDOW:
        s = dyno_close_window(run);
        return s ? s
                 : dyno_queue_push(&run->queue, run->now_ns + run->config->window_ns, DYNO_WINDOW,
                                   0, run->diag);
    case DYNO_SAMPLE:
        s = dyno_take_sample(run);
        return s ? s
                 : dyno_queue_push(&run->queue, run->now_ns + run->config->sample_ns, DYNO_SAMPLE,
                                   0, run->diag);
    case DYNO_TICK:
        return dyno_call_policy(run);
    }
    BUG("unknown kind of event");
}

static bool due(const struct dyno_run *run, enum dyno_event_kind last)
{
    return run->queue.n && run->queue.heap[0].at_ns == run->now_ns &&
           dyno_timer_kind(run->queue.heap[0]) <= last;
}

static enum status settle(struct dyno_run *run)
{
    enum status s = ST_OK;
    bool changed = true;
    while (!s && changed) {
        changed = false;
        while (!s && due(run, DYNO_TRANSFER_DONE)) {
            changed = true;
            s = handle(run, dyno_queue_pop(&run->queue));
        }
        while (!s && run->have_next && run->next_arrival_ns == run->now_ns) {
            changed = true;
            s = arrive(run);
            if (!s)
                s = read_arrival(run);
        }
        if (!s && run->actions.n) {
            changed = true;
            s = dyno_handoff_run(run);
        }
        if (!s && run->n_kicked) {
            changed = true;
            s = start_passes(run);
        }
        if (!s && !changed && due(run, DYNO_TICK)) {
            changed = true;
            s = handle(run, dyno_queue_pop(&run->queue));
        }
    }
    return s;
}

static enum status dead_end(struct dyno_run *run)
{
    for (uint32_t i = 0; i < run->n_workers; i++) {
        const struct dyno_worker *w = run->workers[i];
        if (w->waiting.n == 0)
            continue;
        const struct dyno_request *r = &run->requests[w->waiting.head];
        return diag_fail(run->diag, ST_INPUT,
                         "dead end: request %llu (%u tokens by now) waits first on worker %u of "
                         "pool '%s', and nothing is left that could make room for it (%u of %u KV "
                         "blocks of %u tokens in use, %u tokens per pass)",
                         (unsigned long long)r->index, r->known_tok, w->id, w->pool->config->name,
                         block_pool_in_use(&w->kv), w->kv.n_blocks, w->pool->config->block_size_tok,
                         w->pool->config->max_num_batched_tokens);
    }
    BUG("requests in flight, but none waits");
}

static bool is_starved(const struct dyno_run *run)
{
    bool waits = false;
    for (size_t p = 0; p < run->config->n_pools; p++)
        waits |= run->pools[p].unrouted.n > 0;
    return waits;
}

static enum status tell_progress(struct dyno_run *run)
{
    if (!run->observer->progress || ++run->n_instants % PROGRESS_EVERY)
        return ST_OK;
    struct sim_progress progress = {request_source_progress(run->source), run->now_ns,
                                    run->n_offered};
    return run->observer->progress(run->observer->context, &progress, run->diag);
}

/* ST_END: the run ends before what comes next. */
static enum status check_limits(struct dyno_run *run, int64_t next_ns)
{
    const struct run_limits *limits = &run->config->limits;
    if (!run->have_next && !run->queue.n_moving) {
        if (!is_starved(run))
            return dead_end(run);
        if (run->effects.next_ns >= TIME_NEVER)
            return stop(run, STOP_DEAD_END);
    }
    int64_t stall_at_ns = run->have_next ? TIME_NEVER : run->moved_ns + limits->stall_ns;
    int64_t end_ns = limits->simulated_ns;
    if (next_ns <= stall_at_ns && next_ns <= end_ns)
        return ST_OK;
    run->now_ns = stall_at_ns < end_ns ? stall_at_ns : end_ns;
    return stop(run, stall_at_ns < end_ns ? STOP_STALL : STOP_SIMULATED);
}

static enum status loop(struct dyno_run *run)
{
    while (run->have_next || run->n_in_flight) {
        int64_t next_ns = run->queue.n ? run->queue.heap[0].at_ns : TIME_NEVER;
        if (run->have_next && run->next_arrival_ns < next_ns)
            next_ns = run->next_arrival_ns;
        BUG_IF(next_ns < run->now_ns);
        enum status s = check_limits(run, next_ns);
        if (!s) {
            run->now_ns = next_ns;
            s = settle(run);
        }
        if (!s)
            s = tell_progress(run);
        if (s)
            return s == ST_END ? ST_OK : s;
    }
    return ST_OK;
}

/* ---- a whole run ---- */

static enum status check_pool(const struct dynosim_config *config, const struct dynosim_pool *pool,
                              struct diag *d)
{
    if (pool->block_size_tok == 0 || pool->kv_blocks == 0 || pool->max_num_seqs == 0 ||
        pool->max_num_batched_tokens == 0)
        return diag_fail(d, ST_INPUT,
                         "pool '%s': block size, KV blocks, max_num_seqs and "
                         "max_num_batched_tokens must be positive",
                         pool->name);
    if (pool->block_size_tok != config->pools[0].block_size_tok)
        return diag_fail(
            d, ST_INPUT,
            "compat: dynosim needs the same block size in both pools, not %u and %u tokens",
            config->pools[0].block_size_tok, pool->block_size_tok);
    if (!config->semantics.straight_line_tables && !pool->model)
        return diag_fail(d, ST_INPUT,
                         "pool '%s': straight-line-tables is off, but there is no latency model",
                         pool->name);
    BUG_IF(!(pool->speedup > 0) || !(pool->decode_speedup > 0) || pool->replicas < 0);
    return ST_OK;
}

static enum status check_config(const struct dynosim_config *config, struct diag *d)
{
    BUG_IF(config->n_pools < 1 || config->n_pools > POLICY_MAX_POOLS ||
           config->trace_block_tok == 0);
    BUG_IF(!(config->speedup > 0) || config->window_ns <= 0);
    BUG_IF((config->n_pools == 1) != (config->pools[0].role == POOL_AGG));
    BUG_IF(config->n_pools == 2 &&
           (config->pools[0].role != POOL_PREFILL || config->pools[1].role != POOL_DECODE));
    enum status s = ST_OK;
    for (size_t p = 0; !s && p < config->n_pools; p++)
        s = check_pool(config, &config->pools[p], d);
    return s;
}

static enum status begin(struct dyno_run *run)
{
    const struct dynosim_config *config = run->config;
    pcg64_stream(&run->ties, config->seed, "dynosim router", 0);
    run->effects.next_ns = TIME_NEVER;
    if (config->policy)
        run->effects = config->policy_first;
    enum status s = dyno_fleet_init(run);
    if (!s && run->effects.next_ns < TIME_NEVER)
        s = dyno_queue_push(&run->queue, run->effects.next_ns, DYNO_TICK, 0, run->diag);
    if (!s)
        s = dyno_queue_push(&run->queue, config->window_ns, DYNO_WINDOW, 0, run->diag);
    if (!s && config->sample_ns)
        s = dyno_queue_push(&run->queue, 0, DYNO_SAMPLE, 0, run->diag);
    return s ? s : read_arrival(run);
}

static enum status end(struct dyno_run *run)
{
    enum status s = dyno_close_window(run);
    if (!s && run->config->sample_ns && run->now_ns > run->sample_start.at_ns)
        s = dyno_take_sample(run);
    for (uint32_t id = 0; !s && id < run->n_requests; id++)
        if (run->requests[id].is_used && !run->requests[id].is_over)
            s = dyno_report(run, &run->requests[id], OUTCOME_UNFINISHED);
    if (!s)
        s = dyno_fleet_close(run);
    run->result->end_ns = run->now_ns;
    for (size_t p = 0; p < run->config->n_pools; p++)
        run->result->n_scale_events += run->result->pools[p].n_up + run->result->pools[p].n_down;
    return s;
}

enum status dynosim_run(const struct dynosim_config *config, const struct request_source *source,
                        const struct observer *observer, struct run_result *result, struct diag *d)
{
    enum status s = check_config(config, d);
    *result = (struct run_result){0};
    if (s)
        return s;
    struct dyno_run run = {
        .config = config,
        .semantics = &config->semantics,
        .observer = observer,
        .source = source,
        .result = result,
        .diag = d,
        .free_request = NO_ID,
    };
    s = begin(&run);
    if (!s)
        s = loop(&run);
    if (!s)
        s = end(&run);
    dyno_fleet_release(&run);
    dyno_requests_release(&run);
    dyno_queue_release(&run.queue);
    free(run.actions.action);
    free(run.kicked);
    free(run.costs);
    free(run.gauges);
    for (size_t p = 0; p < POLICY_MAX_POOLS; p++)
        free(run.passes[p]);
    free(run.parts);
    return s;
}
