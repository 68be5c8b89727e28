#include "sim/worker/step_plan.h"

#include "sim/worker/decode_set.h"
#include "sim/worker/parts.h"
#include "sim/worker/queue_look.h"
#include "sim/worker/tells.h"
#include "sim/worker/worker_kv.h"

/* Share of the worker's GPU time that a request has had since share_begin. */
static void share_begin(struct worker *w, struct request *r)
{
    r->share_mark = w->share_s;
}

static void share_end(struct worker *w, struct request *r)
{
    r->gpu_share_s +=
        (w->share_s - r->share_mark) * w->pool->config->gpus_per_worker / w->leader->n_ranks;
}

void step_plan_clear(struct step_plan *p)
{
    p->n_chunks = p->chunked.n = p->completing.n = p->joining.n = 0;
}

bool step_plan_is_empty(const struct step_plan *p)
{
    return p->n_chunks == 0 && p->joining.n == 0;
}

void step_plan_forget(struct step_plan *p, uint32_t id)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < p->chunked.n; i++) {
        if (p->chunked.id[i] == id)
            continue;
        p->chunks[kept] = p->chunks[i];
        p->chunked.id[kept++] = p->chunked.id[i];
    }
    p->n_chunks = p->chunked.n = kept;
    id_array_remove(&p->completing, id);
    id_array_remove(&p->joining, id);
}

void worker_leave_running(struct sim *sim, struct worker *w, uint32_t id)
{
    struct request *r = sim_request(sim, id);
    share_end(w, r);
    if (w->partial == id)
        w->partial = NO_REQUEST;
    request_list_remove(&w->running, &sim->requests, id);
}

enum status worker_release_blocks(struct sim *sim, struct worker *w, struct request *r,
                                  struct kv_tail *tail)
{
    uint32_t blocks = r->kv_blocks;
    r->kv_blocks = 0;
    return worker_give_back(sim, w, &r->hold, blocks, r->computed_tok / worker_block_size(w), tail);
}

/* Back to the head of the queue: its KV is gone and will be computed again. */
static enum status preempt(struct sim *sim, struct worker *w, uint32_t id)
{
    struct request *r = sim_request(sim, id);
    if (r->state == REQUEST_DECODE) {
        decode_leave(sim, w, id);
        decode_finish_remove(w, id);
    } else if (w->kind != STEP_NONE) {
        r->computed_tok = 0; /* of a step that runs: it is not computed yet */
    }
    step_plan_forget(&w->plan, id);
    step_plan_forget(&w->ahead, id);
    worker_leave_running(sim, w, id);
    enum status s = worker_release_blocks(sim, w, r, &r->tail);
    if (s)
        return s;
    r->state = REQUEST_WAITING;
    deployment_move(w->pool->deployment, r, place_waiting(w->pool->index));
    parts_enter(sim, id, STAGE_PREEMPTED, w->pool, w);
    if (r->handed_over && r->first_token_ns < 0)
        worker_add_pending(w, r); /* its prompt is computed here now */
    r->handed_over = false;
    r->computed_tok = 0;
    r->target_tok = r->isl_tok + r->n_output_tok;
    r->n_preemptions++;
    r->preempted = true;
    w->pool->result->n_preemptions++;
    request_list_push_front(&w->waiting, &sim->requests, id);
    passes_queue_joined(w, r);
    return deployment_event(w->pool->deployment, EVENT_PREEMPT, r->index, w->pool->index, w->id);
}

/* The newest, or by priority the newest of the least urgent. */
static uint32_t victim(struct sim *sim, const struct worker *w)
{
    uint32_t id = w->running.tail;
    if (!w->pool->config->engine.by_priority)
        return id;
    uint32_t worst = id;
    for (; id != NO_REQUEST; id = sim_request(sim, id)->previous)
        if (sim_request(sim, id)->priority > sim_request(sim, worst)->priority)
            worst = id;
    return worst;
}

enum status step_plan_make_room(struct sim *sim, struct worker *w, bool *preempted)
{
    while (w->n_decode > 0 && decode_growth_at(w, w->step + 1) > worker_kv_free(w)) {
        *preempted = true;
        enum status s = preempt(sim, w, victim(sim, w));
        if (s)
            return s;
    }
    if (w->n_decode > 0)
        worker_kv_take(w, decode_growth_at(w, w->step + 1));
    return ST_OK;
}

/* A step being put together: where it goes, and the tokens left in it. */
struct fill {
    struct step_plan *plan;
    uint32_t budget;
};

/* Put as much of the request's prompt into the step as fits. The blocks are known to be free. */
static enum status add_chunk(struct sim *sim, struct worker *w, uint32_t id, struct fill *f)
{
    struct request *r = sim_request(sim, id);
    uint32_t rest = r->target_tok - r->computed_tok;
    uint32_t n = rest < f->budget ? rest : f->budget;
    f->plan->chunks[f->plan->n_chunks++] = (struct step_chunk){r->computed_tok, n};
    r->computed_tok += n;
    f->budget -= n;
    uint32_t blocks = blocks_from_tok(r->computed_tok, worker_block_size(w));
    worker_kv_take(w, blocks - r->kv_blocks);
    r->kv_blocks = blocks;
    w->partial = n < rest ? id : NO_REQUEST;
    enum status s = id_array_push(&f->plan->chunked, id, sim->diag);
    if (!s && n == rest)
        s = id_array_push(&f->plan->completing, id, sim->diag);
    return s;
}

static enum status continue_partial(struct sim *sim, struct worker *w, struct fill *f,
                                    bool *preempted)
{
    struct request *r = sim_request(sim, w->partial);
    uint32_t rest = r->target_tok - r->computed_tok;
    uint32_t n = rest < f->budget ? rest : f->budget;
    if (n == 0)
        return ST_OK;
    uint32_t blocks = blocks_from_tok(r->computed_tok + n, worker_block_size(w));
    if (blocks - r->kv_blocks > worker_kv_free(w)) { /* it is the newest, so it is its own victim */
        *preempted = true;
        return preempt(sim, w, w->partial);
    }
    return add_chunk(sim, w, w->partial, f);
}

/* What the step waits for before it can compute the rest of the prompt. */
static int64_t load_ns(const struct worker *w, uint32_t blocks)
{
    const struct engine_config *engine = &w->pool->config->engine;
    if (blocks == 0)
        return 0;
    double bytes = (double)blocks * engine->block_size_tok * engine->kv_bytes_per_token;
    return ns_from_s_or_never(bytes / engine->host_bandwidth_bytes_per_s);
}

static enum status admit(struct sim *sim, struct worker *w, struct request_list *from,
                         struct fill *f)
{
    uint32_t id = from->head;
    struct request *r = sim_request(sim, id);
    request_list_remove(from, &sim->requests, id);
    request_list_push_back(&w->running, &sim->requests, id);
    passes_queue_left(w, r);
    r->preempted = false;
    r->state = REQUEST_PREFILL;
    deployment_move(w->pool->deployment, r, place_running(w->pool->index));
    parts_wait_ends(sim, id);
    if (!r->handed_over && r->n_output_tok == 0)
        parts_enter(sim, id, STAGE_PREFILL, w->pool, w);
    r->admit_order = w->admit_count++;
    share_begin(w, r);
    if (r->scheduled_ns < 0)
        r->scheduled_ns = sim->now_ns;
    if (!r->handed_over && r->n_preemptions == 0) {
        r->cached_tok = (r->hold.shared + r->loaded_blocks) * worker_block_size(w);
        if (sim_measuring(sim, sim->now_ns)) {
            w->pool->deployment->result->prompt_tok += r->isl_tok;
            w->pool->deployment->result->cached_tok += r->cached_tok;
        }
    }
    enum status s =
        deployment_event(w->pool->deployment, EVENT_ADMIT, r->index, w->pool->index, w->id);
    if (s)
        return s;
    if (r->handed_over) {
        f->budget--;
        return id_array_push(&f->plan->joining, id, sim->diag);
    }
    r->computed_tok = (r->hold.shared + r->loaded_blocks) * worker_block_size(w);
    w->load_ns = ns_after(w->load_ns, load_ns(w, r->loaded_blocks));
    return add_chunk(sim, w, id, f);
}

static bool has_place(const struct worker *w, const struct fill *f)
{
    return w->running.n < w->pool->config->engine.max_num_seqs && f->budget > 0;
}

/* Those whose KV is here already need no room, so they do not wait behind one that does. */
static enum status admit_arrived(struct sim *sim, struct worker *w, struct fill *f)
{
    enum status s = ST_OK;
    while (!s && w->arrived.n && has_place(w, f))
        s = admit(sim, w, &w->arrived, f);
    return s;
}

/* The prompt does not start after all. */
static void put_back_hits(struct sim *sim, struct worker *w, uint32_t id)
{
    struct request *r = sim_request(sim, id);
    worker_kv_give(w, r->loaded_blocks);
    if (w->cache)
        kv_cache_release(w->cache, &r->hold);
    r->kv_blocks = r->loaded_blocks = 0;
}

bool step_plan_incoming_is_older(struct sim *sim, const struct worker *w)
{
    return deployment_prefills_on_decode(w->pool->deployment) && w->incoming.n && w->waiting.n &&
           sim_request(sim, w->incoming.head)->index < sim_request(sim, w->waiting.head)->index;
}

enum line_reason step_plan_line_reason(const struct worker *w)
{
    return w->running.n >= w->pool->config->engine.max_num_seqs ? LINE_BATCH : LINE_MOVES;
}

/* Nobody looks at the queue before this step. */
static void pass_queue(struct sim *sim, struct worker *w)
{
    if (step_plan_line_reason(w) == LINE_BATCH || w->clocks.line.reason != LINE_KV)
        parts_line(sim, w, step_plan_line_reason(w));
}

static enum status admit_waiting(struct sim *sim, struct worker *w, struct fill *f)
{
    const struct engine_config *engine = &w->pool->config->engine;
    enum status s = ST_OK;
    uint32_t n_before = w->running.n;
    bool fits = true;
    while (!s && w->waiting.n && has_place(w, f)) {
        if (step_plan_incoming_is_older(sim, w)) {
            s = tell_room(sim, w);
            fits = !step_plan_incoming_is_older(sim, w);
            if (s || !fits)
                break;
        }
        uint32_t id = w->waiting.head, size = engine->block_size_tok;
        uint32_t target_tok = sim_request(sim, id)->target_tok;
        /* At least the last token is computed: the next one comes out of it. */
        s = worker_take_hits(sim, w, id, (target_tok - 1) / size, blocks_from_tok(target_tok, size),
                             engine->watermark_blocks * (w->running.n > 0), &fits);
        if (s || !fits)
            break; /* the head blocks everybody behind it */
        if (!engine->chunked_prefill &&
            target_tok - sim_request(sim, id)->kv_blocks * size > f->budget) {
            put_back_hits(sim, w, id);
            break;
        }
        s = admit(sim, w, &w->waiting, f);
    }
    if (w->running.n > n_before)
        queue_look_took(w);
    parts_line(sim, w, w->waiting.n == 0 ? LINE_MOVES : fits ? step_plan_line_reason(w) : LINE_KV);
    return s;
}

enum status step_plan_fill(struct sim *sim, struct worker *w, struct step_plan *plan,
                           uint32_t n_decode, bool preempted)
{
    uint32_t limit = w->pool->config->engine.max_num_batched_tokens;
    struct fill f = {plan, limit > n_decode ? limit - n_decode : 0};
    w->admissions_held = false;
    enum status s = ST_OK;
    if (w->partial != NO_REQUEST)
        s = continue_partial(sim, w, &f, &preempted);
    bool prefill_first = w->pool->config->engine.prefill_first;
    if (!s && !prefill_first)
        s = admit_arrived(sim, w, &f);
    if (!s && preempted) {
        w->admissions_held = true; /* nobody new in the step that pushed somebody out */
        parts_line(sim, w, LINE_KV);
    } else if (!s && w->waiting.n) {
        if (queue_look(w, prefill_first ? w->n_decode : n_decode))
            s = admit_waiting(sim, w, &f);
        else
            pass_queue(sim, w);
    }
    if (!s && w->incoming.n && (w->waiting.n == 0 || step_plan_incoming_is_older(sim, w)))
        s = tell_room(sim, w);
    if (!s && !(prefill_first && plan->n_chunks)) /* they would only wait with the others */
        s = admit_arrived(sim, w, &f);
    return s;
}
