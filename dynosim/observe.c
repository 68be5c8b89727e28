/* What can be seen of a run: records, traffic windows, samples, and what the policy is told. */
#include <stdlib.h>

#include "dynosim/dynosim_internal.h"
#include "record/traffic.h"
#include "util/array.h"

/* A worker that has not run for so long reports an idle pass. */
#define IDLE_NS NS_PER_S

static struct traffic_window since(const struct dyno_run *run, const struct dyno_counters *start)
{
    return traffic_between(&start->total, &run->traffic.total,
                           s_from_ns(run->now_ns - start->at_ns));
}

/* Every figure of a request belongs to the moment of its completion. */
void dyno_count_completion(struct dyno_run *run, const struct dyno_request *r)
{
    struct traffic_window *t = &run->traffic.total;
    t->n_requests++;
    t->duration_sum_s += s_from_ns(run->now_ns - r->arrival_ns);
    t->n_duration++;
    t->isl_sum_tok += r->isl_tok;
    t->n_isl++;
    t->osl_sum_tok += r->n_output_tok;
    t->n_osl++;
    if (r->n_output_tok > 0) {
        t->ttft_sum_s += s_from_ns(r->first_token_ns - r->arrival_ns);
        t->n_ttft++;
    }
    if (r->n_output_tok > 1) {
        t->itl_sum_s += s_from_ns(r->last_token_ns - r->first_token_ns) / (r->n_output_tok - 1);
        t->n_itl++;
    }
    run->result->prompt_tok += r->isl_tok;
    run->result->cached_tok += r->cached_tok;
}

enum status dyno_report(struct dyno_run *run, const struct dyno_request *r, enum outcome outcome)
{
    uint32_t id = (uint32_t)(r - run->requests);
    if (!run->observer->request)
        return ST_OK;
    struct request_record record = {
        .index = r->index,
        .measured = true,
        .outcome = outcome,
        .isl_tok = r->isl_tok,
        .osl_tok = r->osl_tok,
        .n_output_tok = r->n_output_tok,
        .n_attempts = 1,
        .n_preemptions = r->n_preemptions,
        .cached_tok = r->cached_tok,
        .prefill_worker = r->prefill_id,
        .worker = r->worker_id,
        .arrival_ns = r->arrival_ns,
        .scheduled_ns = r->scheduled_ns,
        .prefill_done_ns = r->prefill_done_ns,
        .first_token_ns = r->first_token_ns,
        .second_token_ns = r->second_token_ns,
        .last_token_ns = r->last_token_ns,
        .end_ns = run->now_ns,
        .parts = dyno_parts_report(run, id),
    };
    return run->observer->request(run->observer->context, &record, run->diag);
}

enum status dyno_close_window(struct dyno_run *run)
{
    enum status s = ST_OK;
    if (run->observer->window && run->now_ns > run->window_start.at_ns) {
        const struct first_tokens *start = &run->window_first_tokens;
        struct window_record record = {
            .start_ns = run->window_start.at_ns,
            .end_ns = run->now_ns,
            .traffic = since(run, &run->window_start),
            .n_waited = first_tokens_waited(start, &run->first_tokens),
            .n_first_token = run->first_tokens.n_came - start->n_came,
        };
        s = run->observer->window(run->observer->context, &record, run->diag);
    }
    run->window_start = (struct dyno_counters){run->now_ns, run->traffic.total};
    run->window_first_tokens = run->first_tokens;
    return s;
}

enum status dyno_take_sample(struct dyno_run *run)
{
    enum status s = ST_OK;
    struct traffic_window traffic = {0};
    if (run->now_ns > run->sample_start.at_ns) {
        traffic = since(run, &run->sample_start);
        run->sample_start = (struct dyno_counters){run->now_ns, run->traffic.total};
    }
    for (size_t p = 0; !s && run->observer->sample && p < run->config->n_pools; p++) {
        const struct dyno_pool *pool = &run->pools[p];
        struct sample_record record = {
            .at_ns = run->now_ns,
            .pool = p,
            .pool_name = pool->config->name,
            .target = pool->target,
            .ready = (int)pool->n_ready,
            .starting = pool->n_starting,
            .draining = pool->n_draining,
            .n_waiting = places_take_mean(&run->places, place_waiting(p), run->now_ns),
            .n_running = places_take_mean(&run->places, place_running(p), run->now_ns),
            .traffic = traffic,
        };
        uint64_t used = 0, blocks = 0;
        for (uint32_t i = 0; i < run->n_workers; i++) {
            const struct dyno_worker *w = run->workers[i];
            if (w->pool != pool || (w->state != DYNO_READY && w->state != DYNO_DRAINING))
                continue;
            used += block_pool_in_use(&w->kv);
            blocks += w->kv.n_blocks;
        }
        record.kv_utilization = blocks ? (double)used / (double)blocks : 0;
        s = run->observer->sample(run->observer->context, &record, run->diag);
    }
    return s;
}

/* ---- the policy ---- */

static struct worker_gauges gauges_of(const struct dyno_run *run, const struct dyno_worker *w)
{
    struct worker_gauges g = {
        .role = w->pool->config->role,
        .worker_id = w->id,
        .last_ttft_s = w->last_ttft_s,
        .last_isl_tok = w->last_isl_tok,
        .last_itl_s = w->last_itl_s,
    };
    if (run->semantics->last_pass_gauges) {
        if (!w->busy && run->now_ns - w->snapshot.start_ns > IDLE_NS)
            return g;
        g.active_prefill_tok = (double)(w->snapshot.prefill_tok + w->snapshot.queued_tok);
        g.active_decode_blocks =
            (double)((w->snapshot.decode_tok + w->pool->config->block_size_tok - 1) /
                     w->pool->config->block_size_tok);
        return g;
    }
    uint64_t pending = w->queued.prefill_tok;
    for (uint32_t i = 0; i < w->n_running; i++) {
        const struct dyno_request *r = &run->requests[w->running[i]];
        if (r->before_tok < r->isl_tok)
            pending += r->isl_tok - r->before_tok;
    }
    g.active_prefill_tok = (double)pending;
    g.active_decode_blocks = block_pool_in_use(&w->kv);
    return g;
}

static int by_pool_then_id(const void *a, const void *b)
{
    const struct worker_gauges *x = a, *y = b;
    if (x->role != y->role)
        return x->role < y->role ? -1 : 1;
    return (x->worker_id > y->worker_id) - (x->worker_id < y->worker_id);
}

static enum status collect_gauges(struct dyno_run *run, size_t *n)
{
    *n = 0;
    enum status s = ARRAY_RESERVE(run->gauges, 0, run->gauges_capacity, run->n_workers,
                                  "worker gauges", run->diag);
    if (s)
        return s;
    for (uint32_t i = 0; i < run->n_workers; i++) {
        const struct dyno_worker *w = run->workers[i];
        if (w->state == DYNO_READY || w->state == DYNO_DRAINING)
            run->gauges[(*n)++] = gauges_of(run, w);
    }
    if (*n)
        qsort(run->gauges, *n, sizeof *run->gauges, by_pool_then_id);
    return ST_OK;
}

/* Of each ready worker the last pass that ended, or that it has been idle for a while; nothing of
 * one that has just become ready. */
static enum status collect_passes(struct dyno_run *run, size_t p, size_t *n)
{
    const struct dyno_pool *pool = &run->pools[p];
    enum status s = ARRAY_RESERVE(run->passes[p], 0, run->passes_capacity[p], pool->n_ready,
                                  "forward-pass metrics", run->diag);
    *n = 0;
    for (uint32_t i = 0; !s && i < pool->n_ready; i++) {
        const struct dyno_worker *w = run->workers[pool->ready[i]];
        bool has_run = w->published_ns >= 0;
        int64_t since_ns = run->now_ns - (has_run ? w->published_ns : w->life.ready_ns);
        if (since_ns >= IDLE_NS)
            run->passes[p][(*n)++] = (struct fpm_record){.worker_id = w->id};
        else if (has_run)
            run->passes[p][(*n)++] = w->published;
    }
    return s;
}

static enum status tell(struct dyno_run *run, struct policy_input *input)
{
    enum status s = ST_OK;
    if (run->effects.next_needs & NEED_TRAFFIC) {
        input->has_traffic = true;
        input->traffic = since(run, &run->policy_start);
        traffic_mark_missing(&input->traffic, &run->traffic.total);
        if (run->semantics->offered_traffic)
            input->traffic.n_requests = input->traffic.n_arrived;
        run->policy_start = (struct dyno_counters){run->now_ns, run->traffic.total};
    }
    if (run->effects.next_needs & NEED_GAUGES) {
        input->has_gauges = true;
        s = collect_gauges(run, &input->n_gauges);
        input->gauges = run->gauges;
    }
    input->has_passes = run->effects.next_needs & NEED_PASSES;
    for (size_t p = 0; !s && input->has_passes && p < run->config->n_pools; p++) {
        s = collect_passes(run, p, &input->n_passes[p]);
        input->passes[p] = run->passes[p];
    }
    return s;
}

static enum status record_decision(struct dyno_run *run, const struct pool_counts *before)
{
    struct decision_record record = {
        .at_ns = run->now_ns,
        .number = run->result->n_decisions++,
        .n_pools = run->config->n_pools,
        .effects = &run->effects,
    };
    for (size_t p = 0; p < record.n_pools; p++) {
        record.pool_names[p] = run->config->pools[p].name;
        record.counts[p] = before[p];
        record.started[p] = run->n_started[p];
        record.cancelled[p] = run->n_cancelled[p];
        record.drained[p] = run->n_drained[p];
    }
    return run->observer->decision
               ? run->observer->decision(run->observer->context, &record, run->diag)
               : ST_OK;
}

enum status dyno_call_policy(struct dyno_run *run)
{
    const struct dynosim_config *config = run->config;
    struct policy_input input = {.now_ns = run->now_ns, .n_pools = config->n_pools};
    for (size_t p = 0; p < config->n_pools; p++) {
        const struct dyno_pool *pool = &run->pools[p];
        input.pools[p] = (struct pool_counts){pool->target, (int)pool->n_ready, pool->n_starting,
                                              pool->n_draining};
        run->n_started[p] = run->n_cancelled[p] = run->n_drained[p] = 0;
    }
    enum status s = tell(run, &input);
    if (s)
        return s;
    policy_effects_clear(&run->effects, config->n_pools);
    s = config->policy->tick(config->policy_state, &input, &run->effects, run->diag);
    for (size_t p = 0; !s && run->effects.scale && p < config->n_pools; p++)
        s = dyno_fleet_scale(run, &run->pools[p], run->effects.target[p]);
    if (!s && run->effects.report)
        s = record_decision(run, input.pools);
    if (!s && run->effects.next_ns < TIME_NEVER) {
        BUG_IF(run->effects.next_ns < run->now_ns);
        s = dyno_queue_push(&run->queue, run->effects.next_ns, DYNO_TICK, 0, run->diag);
    }
    return s;
}
