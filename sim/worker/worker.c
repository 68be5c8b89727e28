/* Continuous batching on one worker. A step is put together (step_plan.h) and then run; with async
 * scheduling the next step's prompts are chosen when a step starts. Decode steps of an unchanged
 * batch are one decode_run. The data-parallel ranks of a worker schedule for themselves and step
 * together, with one run of all. */
#include "sim/worker/worker.h"

#include "sim/worker/decode_set.h"
#include "sim/worker/gpu_time.h"
#include "sim/worker/parts.h"
#include "sim/worker/queue_look.h"
#include "sim/worker/step_plan.h"
#include "sim/worker/step_time.h"
#include "sim/worker/tells.h"
#include "sim/worker/worker_kv.h"
#include "util/array.h"

bool worker_is_empty(const struct worker *leader)
{
    for (uint32_t i = 0; i < leader->n_ranks; i++) {
        const struct worker *w = leader->ranks[i];
        if (w->waiting.n || w->arrived.n || w->running.n || w->incoming.n || w->n_transfers ||
            w->n_held)
            return false;
    }
    return true;
}

struct rank_load *worker_rank_load(const struct worker *w)
{
    return &w->pool->deployment->load[w->slot];
}

double worker_load(const struct worker *leader)
{
    double n = 0;
    for (uint32_t i = 0; i < leader->n_ranks; i++)
        n += worker_rank_load(leader->ranks[i])->n_requests;
    return n;
}

void worker_bind(struct worker *w, struct request *r)
{
    struct rank_load *load = worker_rank_load(w);
    w->had_request = true;
    r->worker_slot = w->slot;
    load->n_requests++;
    load->prompt_blocks += r->isl_tok / worker_block_size(w);
    tell_load(w);
}

void worker_unbind(struct worker *w, struct request *r)
{
    struct rank_load *load = worker_rank_load(w);
    r->worker_slot = NO_SLOT;
    load->n_requests--;
    load->prompt_blocks -= r->isl_tok / worker_block_size(w);
    tell_load(w);
}

void worker_add_pending(struct worker *w, const struct request *r)
{
    worker_rank_load(w)->prompt_tok += r->isl_tok;
    tell_load(w);
}

void worker_drop_pending(struct worker *w, const struct request *r)
{
    if (r->first_token_ns >= 0 || r->handed_over)
        return;
    worker_rank_load(w)->prompt_tok -= r->isl_tok;
    tell_load(w);
    tell_prompt_less(w);
}

struct worker *worker_choose_rank(struct worker *leader)
{
    struct worker *best = leader;
    uint32_t least = UINT32_MAX;
    for (uint32_t i = 0; i < leader->n_ranks; i++) {
        struct worker *w = leader->ranks[i];
        uint32_t waiting = w->waiting.n + w->arrived.n + w->incoming.n + w->n_transfers;
        if (4 * waiting + w->running.n < least) {
            least = 4 * waiting + w->running.n;
            best = w;
        }
    }
    return best;
}

enum status worker_kick(struct sim *sim, struct worker *w)
{
    if (w->kicked)
        return ST_OK;
    enum status s =
        ARRAY_RESERVE(sim->kicked, sim->n_kicked, sim->kicked_capacity, 1, "workers", sim->diag);
    if (s)
        return s;
    sim->kicked[sim->n_kicked++] = w;
    w->kicked = true;
    return ST_OK;
}

/* ---- steps ---- */

/* Settle what the next step of the rank holds: w->plan, and the sequences that decode. */
static enum status prepare(struct sim *sim, struct worker *w)
{
    const struct engine_config *engine = &w->pool->config->engine;
    bool preempted = false;
    enum status s;
    w->decode_waits = false;
    if (engine->prefill_first) {
        step_plan_clear(&w->plan);
        s = step_plan_fill(sim, w, &w->plan, 0, false);
        w->decode_waits = w->plan.n_chunks > 0;
        if (!s && !w->decode_waits)
            s = step_plan_make_room(sim, w, &preempted);
        w->admissions_held |= preempted;
    } else if (!engine->async_scheduling) {
        step_plan_clear(&w->plan);
        s = step_plan_make_room(sim, w, &preempted);
        if (!s)
            s = step_plan_fill(sim, w, &w->plan, w->n_decode, preempted);
    } else {
        struct step_plan done = w->plan;
        w->plan = w->ahead;
        w->ahead = done;
        step_plan_clear(&w->ahead);
        s = step_plan_make_room(sim, w, &preempted);
        /* Nothing in the pipe: the engine puts the step together now. */
        if (!s && step_plan_is_empty(&w->plan) && w->n_decode == 0)
            s = step_plan_fill(sim, w, &w->plan, 0, preempted);
    }
    if (w->decode_waits && w->n_decode > 0)
        w->stalled = true;
    for (uint32_t i = 0; !s && i < w->plan.joining.n; i++)
        s = decode_join(sim, w, w->plan.joining.id[i], 0);
    w->plan.joining.n = 0;
    return s;
}

/* With async scheduling, the prompts of the step after the one that starts now. */
static enum status look_ahead(struct sim *sim, struct worker *w)
{
    if (!w->pool->config->engine.async_scheduling)
        return ST_OK;
    uint32_t n_decode = w->n_decode - decode_finishing(w);
    if (w->pool->config->role != POOL_PREFILL)
        n_decode += w->plan.completing.n;
    return step_plan_fill(sim, w, &w->ahead, n_decode, false);
}

static enum status schedule_end(struct sim *sim, struct worker *leader)
{
    leader->generation++;
    return event_queue_push(
        &sim->queue,
        worker_event(leader, leader->step_end_ns, EVENT_CLASS_STEP_END, leader->generation),
        sim->diag);
}

static void check(const struct sim *sim, const struct worker *w)
{
    if (HEADROOM_CHECK)
        worker_check(sim, w);
}

/* Steps that the rank can make in a run. */
static uint32_t run_length(const struct worker *w)
{
    if (!step_plan_is_empty(&w->ahead))
        return 1;
    uint32_t n = decode_run_length(w);
    /* Looking ahead from a sequence's last step leaves its token to others, so that step is one of
     * its own. */
    bool looks = w->pool->config->engine.async_scheduling && w->waiting.n + w->arrived.n > 0;
    return looks && n > 1 ? n - 1 : n;
}

static enum status start_run(struct sim *sim, struct worker *leader)
{
    struct decode_run *run = &leader->run;
    *run = step_time_run(leader, sim->now_ns);
    uint32_t longest = run->n_steps;
    run->n_steps = 1;
    for (uint32_t i = 0; i < leader->n_ranks; i++) {
        leader->ranks[i]->kind = STEP_RUN;
        leader->ranks[i]->run_committed = 0;
        passes_run_begins(leader->ranks[i]);
    }
    enum status s = ST_OK;
    for (uint32_t i = 0; !s && i < leader->n_ranks; i++) {
        s = look_ahead(sim, leader->ranks[i]);
        uint32_t n = run_length(leader->ranks[i]);
        longest = n < longest ? n : longest;
    }
    run->n_steps = longest;
    leader->step_end_ns = decode_run_end_ns(run, run->n_steps);
    BUG_IF(leader->step_end_ns <= sim->now_ns);
    return s;
}

static enum status start_single(struct sim *sim, struct worker *leader, int64_t cold_ns)
{
    leader->step_end_ns =
        ns_after(sim->now_ns, ns_after(cold_ns, step_time_ns(leader, parts_kept(sim))));
    enum status s = ST_OK;
    for (uint32_t i = 0; !s && i < leader->n_ranks; i++) {
        leader->ranks[i]->kind = STEP_SINGLE;
        s = look_ahead(sim, leader->ranks[i]);
    }
    return s;
}

enum status worker_start_step(struct sim *sim, struct worker *leader)
{
    if (leader->kind != STEP_NONE ||
        (leader->state != WORKER_READY && leader->state != WORKER_DRAINING))
        return ST_OK;
    bool any = false;
    enum status s = ST_OK;
    for (uint32_t i = 0; !s && i < leader->n_ranks; i++) {
        s = prepare(sim, leader->ranks[i]);
        any |= worker_has_work(leader->ranks[i]);
    }
    if (s)
        return s;
    gpu_time_set_state(sim, leader, any ? GPU_BUSY : GPU_IDLE);
    if (!any)
        return ST_OK;
    int64_t cold_ns = leader->warm ? 0 : leader->pool->config->engine.cold_start_ns;
    leader->warm = true;
    leader->step_start_ns = sim->now_ns;
    s = cold_ns || !step_time_can_run(leader) ? start_single(sim, leader, cold_ns)
                                              : start_run(sim, leader);
    for (uint32_t i = 0; i < leader->n_ranks; i++)
        check(sim, leader->ranks[i]);
    return s ? s : schedule_end(sim, leader);
}

/* Steps of the run up to the end of the one that is running now. */
static uint32_t steps_under_way(const struct sim *sim, struct decode_run *run)
{
    uint32_t n = decode_run_steps_by(run, sim->now_ns);
    return n + (n == 0 || decode_run_end_ns(run, n) < sim->now_ns);
}

/* The run ends after n steps, or as it would. */
static enum status cut_run(struct sim *sim, struct worker *leader, uint32_t n)
{
    struct decode_run *run = &leader->run;
    if (n >= run->n_steps)
        return ST_OK;
    for (uint32_t i = 0; i < leader->n_ranks; i++) {
        struct worker *w = leader->ranks[i];
        BUG_IF(n < w->run_committed);
        if (n == w->run_committed) /* the boundary of this instant, with the next step's blocks
                                      taken already */
            worker_kv_give(w, decode_growth_at(w, w->step + 1));
    }
    run->n_steps = n;
    leader->step_end_ns = decode_run_end_ns(run, n);
    for (uint32_t i = 0; i < leader->n_ranks; i++)
        check(sim, leader->ranks[i]);
    return schedule_end(sim, leader);
}

enum status worker_interrupt(struct sim *sim, struct worker *w)
{
    struct worker *leader = w->leader;
    if (leader->kind == STEP_NONE)
        return worker_kick(sim, leader);
    return leader->kind == STEP_RUN ? cut_run(sim, leader, steps_under_way(sim, &leader->run))
                                    : ST_OK;
}

/* A prompt has joined the queue: the run ends before the step that may take it. */
static enum status interrupt_to_look(struct sim *sim, struct worker *w)
{
    if (w->kind != STEP_RUN) {
        queue_look_joined(w, w->step + (w->kind == STEP_SINGLE && !w->decode_waits));
        return worker_interrupt(sim, w);
    }
    struct decode_run *run = &w->leader->run;
    uint32_t n = steps_under_way(sim, run), last = run->n_steps;
    uint64_t begin = w->step - w->run_committed;
    queue_look_joined(w, begin + n);
    uint64_t look = queue_look_step(w, w->n_decode);
    if (w->pool->config->engine.async_scheduling)
        last--; /* as in start_run */
    if (look > begin + n && n < last)
        n = look - begin < last ? (uint32_t)(look - begin) : last;
    return cut_run(sim, w->leader, n);
}

enum status worker_enqueue(struct sim *sim, struct worker *w, uint32_t id)
{
    struct request *r = sim_request(sim, id);
    passes_catch_up(sim, w);
    r->state = REQUEST_WAITING;
    r->preempted = false;
    passes_queue_joined(w, r);
    struct request_list *queue = r->handed_over ? &w->arrived : &w->waiting;
    enum status s = ST_OK;
    if (w->pool->config->engine.by_priority)
        s = request_list_insert_by_priority(queue, &sim->requests, id, sim->diag);
    else
        request_list_push_back(queue, &sim->requests, id);
    if (s)
        return s;
    if (!r->handed_over)
        worker_add_pending(w, r);
    /* Behind others, or with all places taken, it changes nothing before a sequence finishes. */
    bool no_place = w->running.n >= w->pool->config->engine.max_num_seqs;
    if (w->waiting.n == 1 && !r->handed_over)
        parts_line(sim, w, step_plan_line_reason(w));
    bool behind = queue->head != id && w->pool->config->engine.batch_wait_steps == 0;
    /* At the head instead of another, it may be younger than one that is to come here and has
     * waited behind that: which then gets room before the next step, whether the queue is looked at
     * or not. */
    bool lets_in =
        !r->handed_over && queue->head == id && queue->n > 1 && step_plan_incoming_is_older(sim, w);
    if (w->kind == STEP_RUN && (behind || no_place) && !lets_in)
        return ST_OK;
    return r->handed_over || lets_in ? worker_interrupt(sim, w) : interrupt_to_look(sim, w);
}

/* ---- the end of a step ---- */

/* The request's last token is out, or its prompt when no token was asked for. */
static enum status finish(struct sim *sim, struct worker *w, uint32_t id)
{
    struct request *r = sim_request(sim, id);
    worker_leave_running(sim, w, id);
    enum status s = worker_release_blocks(sim, w, r, NULL);
    worker_unbind(w, r);
    w->leader->life.n_finished++;
    if (!s)
        s = deployment_event(w->pool->deployment, EVENT_FINISH, r->index, w->pool->index, w->id);
    return s ? s : tell_completed(sim, id);
}

static enum status finish_decoded(struct sim *sim, struct worker *w)
{
    enum status s = ST_OK;
    uint32_t id;
    while (!s && decode_pop_finished(w, &id)) {
        decode_leave(sim, w, id);
        s = finish(sim, w, id);
    }
    return s;
}

/* The prompt (and what was recomputed) is done: the next token is out. */
static enum status prompt_done(struct sim *sim, struct worker *w, uint32_t id)
{
    struct request *r = sim_request(sim, id);
    enum status done = parts_prompt_done(sim, w, id);
    if (done)
        return done;
    if (r->prefill_done_ns < 0) {
        r->prefill_done_ns = sim->now_ns;
        enum status s = deployment_event(w->pool->deployment, EVENT_PREFILL_DONE, r->index,
                                         w->pool->index, w->id);
        if (s)
            return s;
    }
    if (r->osl_tok == 0) {
        worker_drop_pending(w, r);
        return finish(sim, w, id);
    }
    if (w->pool->config->role == POOL_PREFILL) {
        worker_drop_pending(w, r);
        worker_leave_running(sim, w, id);
        w->leader->life.n_finished++;
        return tell_prompt_done(sim, id);
    }
    if (r->n_output_tok == 0) {
        enum status s = decode_first_token(sim, w, id, sim->now_ns);
        if (s)
            return s;
    } else {
        int64_t gap_ns = sim->now_ns - r->last_token_ns;
        if (r->n_output_tok == 1)
            r->second_token_ns = sim->now_ns;
        if (sim_measuring(sim, sim->now_ns))
            histogram_add(&w->pool->deployment->result->itl, gap_ns, 1);
        decode_count_gaps(w, gap_ns, 1, 1);
        r->last_token_ns = sim->now_ns;
    }
    r->n_output_tok++;
    if (r->n_output_tok == r->osl_tok)
        return finish(sim, w, id);
    return decode_join(sim, w, id, r->n_output_tok);
}

static enum status end_single(struct sim *sim, struct worker *w)
{
    int64_t total_ns = w->leader->step_end_ns - w->leader->step_start_ns;
    uint32_t n_decode = w->decode_waits ? 0 : w->n_decode;
    uint32_t n_gaps = n_decode ? n_decode - w->first_next.n : 0;
    uint32_t n_requests = n_decode + w->plan.chunked.n;
    bool one_by_one = w->stalled && n_decode;
    enum status s = ST_OK;
    for (uint32_t i = 0; !s && i < w->plan.chunked.n; i++) {
        const struct step_chunk *chunk = &w->plan.chunks[i];
        s = worker_share(sim, w, w->plan.chunked.id[i], chunk->prefix_tok + chunk->new_tok);
    }
    w->share_s += s_from_ns(total_ns) / (n_requests ? n_requests : 1);
    parts_step_ended(sim, w, total_ns);
    w->n_steps += n_decode == 0;
    if (one_by_one)
        decode_count_stalled_gaps(sim, w, sim->now_ns);
    else if (n_gaps && sim_measuring(sim, sim->now_ns))
        histogram_add(&w->pool->deployment->result->itl, total_ns, n_gaps);
    if (!s && n_decode)
        s = decode_advance(sim, w, 1, one_by_one ? 0 : total_ns, sim->now_ns);
    if (!s && n_decode && w->pool->config->engine.n_draft_tok)
        s = decode_accept_drafts(sim, w, sim->now_ns);
    return s;
}

static enum status end_rank(struct sim *sim, struct worker *w)
{
    enum status s =
        w->kind == STEP_RUN ? decode_commit(sim, w, w->leader->run.n_steps) : end_single(sim, w);
    w->kind = STEP_NONE;
    w->decode_waits = false;
    if (w->plan.n_chunks) /* its sequences have been stopped for prompts: here are more of them? */
        w->looked_step = w->step;
    if (!s)
        s = finish_decoded(sim, w);
    for (uint32_t i = 0; !s && i < w->plan.completing.n; i++)
        s = prompt_done(sim, w, w->plan.completing.id[i]);
    step_plan_clear(&w->plan);
    if (!s)
        check(sim, w);
    return s;
}

/* Also of a rank that has nothing to do and runs along. */
static enum status tell_step(const struct sim *sim, const struct worker *w, uint32_t rank,
                             uint32_t n_steps, bool cut)
{
    struct step_record step = {
        .deployment = w->pool->deployment->index,
        .pool = w->pool->index,
        .worker = w->id,
        .rank = rank,
        .start_ns = w->leader->step_start_ns,
        .end_ns = sim->now_ns,
        .n_steps = n_steps,
        .n_decode = w->decode_waits ? 0 : w->n_decode,
        .cut = cut,
    };
    if (w->kind == STEP_SINGLE) {
        step.n_chunks = w->plan.n_chunks;
        for (uint32_t i = 0; i < w->plan.n_chunks; i++)
            step.prompt_tok += w->plan.chunks[i].new_tok;
    }
    return sim->observer->step(sim->observer->context, &step, sim->diag);
}

enum status worker_tell_cut_step(struct sim *sim, struct worker *leader)
{
    enum status s = ST_OK;
    if (!sim->observer->step || leader->kind == STEP_NONE || sim->now_ns == leader->step_start_ns)
        return ST_OK;
    uint32_t n_steps = leader->kind == STEP_RUN ? steps_under_way(sim, &leader->run) : 1;
    for (uint32_t i = 0; !s && i < leader->n_ranks; i++)
        s = tell_step(sim, leader->ranks[i], i, n_steps, sim->now_ns < leader->step_end_ns);
    return s;
}

enum status worker_end_step(struct sim *sim, struct worker *leader)
{
    enum status s = ST_OK;
    leader->idle_since_ns = sim->moved_ns = sim->now_ns;
    leader->life.busy_ns += sim->now_ns - leader->step_start_ns;
    uint32_t n_steps = leader->kind == STEP_RUN ? leader->run.n_steps : 1;
    for (uint32_t i = 0; !s && i < leader->n_ranks; i++) {
        struct worker *w = leader->ranks[i];
        passes_step_ends(sim, w);
        if (sim->observer->step)
            s = tell_step(sim, w, i, n_steps, false);
        if (!s)
            s = end_rank(sim, w);
    }
    return s ? s : worker_kick(sim, leader);
}

/* ---- removal ---- */

enum status worker_charge_cut_step(struct sim *sim, struct worker *leader)
{
    enum status s = worker_tell_cut_step(sim, leader);
    for (uint32_t i = 0; !s && i < leader->n_ranks; i++) {
        struct worker *w = leader->ranks[i];
        s = worker_sync(sim, w);
        if (w->kind == STEP_NONE)
            continue;
        bool run = w->kind == STEP_RUN;
        int64_t start_ns =
            run ? decode_run_end_ns(&leader->run, w->run_committed) : leader->step_start_ns;
        uint32_t n = (w->decode_waits ? 0 : w->n_decode) + (run ? 0 : w->plan.chunked.n);
        if (n > 0)
            w->share_s += s_from_ns(sim->now_ns - start_ns) / n;
    }
    return s;
}

enum status worker_remove(struct sim *sim, struct worker *w, uint32_t id)
{
    struct request *r = sim_request(sim, id);
    passes_catch_up(sim, w);
    /* Whatever it held or stood in the way of is free for others with the next step. */
    enum status s = worker_sync(sim, w);
    if (!s)
        s = worker_interrupt(sim, w);
    if (r->state == REQUEST_WAITING || r->state == REQUEST_HANDOFF || r->state == REQUEST_TRANSFER)
        passes_queue_left(w, r);
    switch (r->state) {
    case REQUEST_WAITING:
        request_list_remove(r->handed_over ? &w->arrived : &w->waiting, &sim->requests, id);
        s = s ? s : worker_release_blocks(sim, w, r, NULL);
        worker_drop_pending(w, r);
        break;
    case REQUEST_PREFILL:
        worker_leave_running(sim, w, id);
        step_plan_forget(&w->plan, id);
        step_plan_forget(&w->ahead, id);
        r->computed_tok = 0; /* the step that was to compute it may still run */
        s = s ? s : worker_release_blocks(sim, w, r, NULL);
        worker_drop_pending(w, r);
        break;
    case REQUEST_DECODE:
        decode_leave(sim, w, id);
        decode_finish_remove(w, id);
        worker_leave_running(sim, w, id);
        if (decode_in_step(w))
            r->kv_blocks = blocks_from_tok(r->computed_tok + 1, worker_block_size(w));
        s = s ? s : worker_release_blocks(sim, w, r, NULL);
        break;
    case REQUEST_HANDOFF:
        request_list_remove(&w->incoming, &sim->requests, id);
        break;
    case REQUEST_TRANSFER:
        BUG_IF(w->n_transfers == 0);
        w->n_transfers--;
        r->computed_tok = 0;
        s = s ? s : worker_release_blocks(sim, w, r, NULL);
        r->generation++; /* the end of the transfer no longer counts */
        break;
    case REQUEST_FREE:
    case REQUEST_AWAY:
    case REQUEST_FRONT_END:
    case REQUEST_UNROUTED:
        BUG("request %llu is on no worker", (unsigned long long)r->index);
    }
    worker_unbind(w, r);
    return s;
}
