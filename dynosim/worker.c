/* Passes of one worker: what goes into one, preemption, and what comes out of it. */
#include "dynosim/dynosim_internal.h"

/* ---- blocks ---- */

struct dyno_hits dyno_find_hits(const struct dyno_worker *w, const struct dyno_request *r,
                                uint32_t max)
{
    struct dyno_hits hits = {0, 0};
    if (!w->pool->config->prefix_caching)
        return hits;
    while (hits.n < max) {
        uint32_t block = block_pool_find(&w->kv, dyno_request_key(r, hits.n));
        if (block == NO_BLOCK)
            break;
        hits.n++;
        hits.n_referenced += w->kv.block[block].n_refs > 0;
    }
    return hits;
}

void dyno_take_blocks(struct dyno_worker *w, struct dyno_request *r, uint32_t n_hits,
                      uint32_t n_blocks)
{
    BUG_IF(r->blocks.n || n_blocks > r->blocks.capacity);
    for (uint32_t i = 0; i < n_hits; i++) {
        uint32_t block = block_pool_find(&w->kv, dyno_request_key(r, i));
        block_pool_hold(&w->kv, block);
        r->blocks.block[r->blocks.n++] = block;
    }
    while (r->blocks.n < n_blocks)
        r->blocks.block[r->blocks.n++] = block_pool_take(&w->kv);
    r->n_findable = n_hits;
}

void dyno_publish(struct dyno_worker *w, struct dyno_request *r, uint32_t tokens)
{
    if (!w->pool->config->prefix_caching)
        return;
    uint32_t n_full = tokens / w->pool->config->block_size_tok;
    for (; r->n_findable < n_full; r->n_findable++)
        block_pool_publish(&w->kv, r->blocks.block[r->n_findable],
                           dyno_request_key(r, r->n_findable));
}

void dyno_drop_blocks(struct dyno_worker *w, struct block_list *blocks)
{
    while (blocks->n)
        block_pool_drop(&w->kv, blocks->block[--blocks->n]);
}

/* Schedule the request up to `tokens`. false: the blocks are not to be had, and nothing has
 * changed. */
static bool grow(struct dyno_run *run, struct dyno_worker *w, struct dyno_request *r,
                 uint32_t tokens)
{
    uint64_t block_tok = w->pool->config->block_size_tok;
    if (tokens > r->blocks.n * block_tok) {
        uint32_t n_blocks = blocks_from_tok(tokens, (uint32_t)block_tok);
        if (n_blocks - r->blocks.n > block_pool_available(&w->kv))
            return false;
        while (r->blocks.n < n_blocks)
            r->blocks.block[r->blocks.n++] = block_pool_take(&w->kv);
    }
    r->computed_tok = tokens;
    if (run->semantics->hits_before_computed && tokens >= (r->n_findable + 1) * block_tok)
        dyno_publish(w, r, tokens);
    return true;
}

/* ---- scheduling ---- */

void dyno_queue_count(struct dyno_worker *w, const struct dyno_request *r, bool waits)
{
    struct dyno_queued *q = &w->queued;
    bool on_decode = w->pool->config->role == POOL_DECODE;
    bool decodes = on_decode || r->recomputing;
    uint32_t *n = decodes ? &q->n_decode : &q->n_prefill;
    uint64_t *sum_tok = decodes ? &q->decode_tok : &q->prefill_tok;
    uint32_t tokens = on_decode ? r->isl_tok : r->known_tok;

    *n = waits ? *n + 1 : *n - 1;
    *sum_tok = waits ? *sum_tok + tokens : *sum_tok - tokens;
}

struct schedule {
    uint32_t budget_tok;
    bool preempted;  /* somebody: nobody is admitted any more */
    bool lacks_room; /* the first that waits */
    bool progressed; /* so this is a pass even if it takes no time; making room alone is none */
};

static enum status preempt(struct dyno_run *run, struct dyno_worker *w, uint32_t place)
{
    uint32_t id = w->running[place];
    struct dyno_request *r = &run->requests[id];
    for (uint32_t i = place + 1; i < w->n_running; i++)
        w->running[i - 1] = w->running[i];
    w->n_running--;
    dyno_drop_blocks(w, &r->blocks);
    r->computed_tok = r->n_findable = 0;
    r->recomputing = true;
    r->handed_over = false;
    r->n_preemptions++;
    w->head_failed = false;
    w->pool->result->n_preemptions++;
    dyno_move(run, id, place_waiting(w->pool->index));
    dyno_queue_count(w, r, true);
    dyno_parts_enter(run, id, DYNO_STAGE_PREEMPTED, w->pool, w);
    dyno_list_push_front(run, &w->waiting, id);
    return dyno_event(run, EVENT_PREEMPT, id, w);
}

/* Running requests, oldest admission first. */
static enum status schedule_running(struct dyno_run *run, struct dyno_worker *w,
                                    struct schedule *plan)
{
    bool lifo = w->pool->config->victim == DYNOSIM_LIFO;
    for (uint32_t i = 0; i < w->n_running; i++) {
        struct dyno_request *r = &run->requests[w->running[i]];
        uint32_t want = r->known_tok - r->computed_tok;
        r->before_tok = r->computed_tok;
        if (want > plan->budget_tok)
            want = plan->budget_tok;
        if (want == 0)
            continue;
        while (!grow(run, w, r, r->computed_tok + want)) {
            uint32_t victim = lifo ? w->n_running - 1 : 0;
            bool is_self = victim == i;
            enum status s = preempt(run, w, victim);
            if (s)
                return s;
            plan->preempted = true;
            if (is_self) {
                for (; i < w->n_running; i++)
                    run->requests[w->running[i]].before_tok =
                        run->requests[w->running[i]].computed_tok;
                return ST_OK;
            }
            if (victim < i)
                i--;
        }
        plan->budget_tok -= want;
        plan->progressed = true;
    }
    return ST_OK;
}

static bool can_never_start(const struct dyno_worker *w, const struct dyno_request *r)
{
    const struct dynosim_pool *config = w->pool->config;
    return blocks_from_tok(r->isl_tok, config->block_size_tok) > w->kv.n_blocks ||
           (config->max_model_len && r->isl_tok >= config->max_model_len);
}

static void reject(struct dyno_run *run, struct dyno_worker *w, uint32_t id)
{
    dyno_list_remove(run, &w->waiting, id);
    dyno_list_push_back(run, &w->rejected, id);
    dyno_queue_count(w, &run->requests[id], false);
}

/* *fits = false: not now, so nobody behind it either. */
static enum status start_prompt(struct dyno_run *run, struct dyno_worker *w, struct dyno_request *r,
                                struct schedule *plan, bool *fits)
{
    const struct dynosim_pool *config = w->pool->config;
    uint32_t block_tok = config->block_size_tok;
    /* The last token is computed again, even if it is a hit, to make the next one. */
    uint32_t hittable_tok = r->known_tok - (r->known_tok < r->end_tok);
    struct dyno_hits hits = dyno_find_hits(w, r, hittable_tok / block_tok);
    uint32_t hit_tok = hits.n * block_tok, want = r->known_tok - hit_tok;
    plan->lacks_room =
        blocks_from_tok(r->known_tok, block_tok) - hits.n_referenced > block_pool_available(&w->kv);
    *fits = !plan->lacks_room && (plan->budget_tok > 0 || want == 0) &&
            (config->chunked_prefill || want <= plan->budget_tok);
    if (!*fits)
        return ST_OK;
    if (want > plan->budget_tok)
        want = plan->budget_tok;
    enum status s = dyno_blocks_reserve(run, w, r);
    if (s)
        return s;
    dyno_take_blocks(w, r, hits.n, blocks_from_tok(hit_tok + want, block_tok));
    r->before_tok = hit_tok;
    r->computed_tok = hit_tok + want;
    if (run->semantics->hits_before_computed)
        dyno_publish(w, r, r->computed_tok);
    plan->budget_tok -= want;
    if (config->role != POOL_DECODE && hit_tok > r->cached_tok)
        r->cached_tok = hit_tok;
    return ST_OK;
}

/* Waiting requests from the head, which blocks everybody behind it. While reservations wait for
 * room, those that were preempted let requests handed over pass. */
static enum status schedule_waiting(struct dyno_run *run, struct dyno_worker *w,
                                    struct schedule *plan)
{
    enum status s = ST_OK;
    for (uint32_t id = w->waiting.head, next;
         !s && id != NO_ID && w->n_running < w->pool->config->max_num_seqs; id = next) {
        struct dyno_request *r = &run->requests[id];
        next = r->next;
        if (r->handed_over) {
            r->before_tok = r->computed_tok;
        } else if (w->reservations.n) {
            continue;
        } else if (can_never_start(w, r)) {
            plan->progressed = true;
            reject(run, w, id);
            continue;
        } else {
            bool fits;
            s = start_prompt(run, w, r, plan, &fits);
            if (s || !fits)
                return s;
        }
        dyno_list_remove(run, &w->waiting, id);
        dyno_queue_count(w, r, false);
        dyno_move(run, id, place_running(w->pool->index));
        dyno_parts_admitted(run, id, w);
        w->running[w->n_running++] = id;
        plan->progressed = true;
        if (r->scheduled_ns < 0)
            r->scheduled_ns = run->now_ns;
        s = dyno_event(run, EVENT_ADMIT, id, w);
        if (r->computed_tok == r->before_tok && plan->budget_tok == 0)
            break; /* one of them needs no budget, a second is not tried */
    }
    return s;
}

/* Requests that are to make no token leave with their prompt; their blocks do not count in the pass
 * any more. */
static void drop_silent(struct dyno_run *run, struct dyno_worker *w)
{
    if (w->pool->config->role == POOL_PREFILL || !run->semantics->hits_before_computed)
        return;
    for (uint32_t i = 0; i < w->n_running; i++) {
        struct dyno_request *r = &run->requests[w->running[i]];
        if (r->computed_tok == r->known_tok && r->known_tok == r->end_tok)
            dyno_drop_blocks(w, &r->blocks);
    }
}

enum status dyno_start_pass(struct dyno_run *run, struct dyno_worker *w, bool *started)
{
    *started = false;
    if (w->busy || (w->n_running == 0 && w->waiting.n == 0))
        return ST_OK;
    struct schedule plan = {.budget_tok = w->pool->config->max_num_batched_tokens};
    enum status s = schedule_running(run, w, &plan);
    if (!s && !plan.preempted)
        s = schedule_waiting(run, w, &plan);
    if (w->waiting.n)
        dyno_parts_line(run, w, plan.preempted || plan.lacks_room ? LINE_KV : dyno_line_at(w));
    w->made_room = plan.preempted && !plan.progressed;
    if (s || !plan.progressed)
        return s;
    *started = true;
    uint32_t in_use = block_pool_in_use(&w->kv);
    if (in_use > w->peak_in_use)
        w->peak_in_use = in_use;
    drop_silent(run, w);
    int64_t length_ns = dyno_pass_ns(run, w);
    w->busy = true;
    w->pool->result->n_steps++;
    if (length_ns == 0)
        return dyno_end_pass(run, w);
    dyno_set_gpu_state(run, w, GPU_BUSY);
    return dyno_queue_push(&run->queue, ns_after(run->now_ns, length_ns), DYNO_PASS_DONE, w->slot,
                           run->diag);
}

/* ---- the end of a pass ---- */

static enum status emit(struct dyno_run *run, struct dyno_worker *w, uint32_t id)
{
    struct dyno_request *r = &run->requests[id];
    enum status s = ST_OK;
    bool is_first = r->known_tok++ == r->isl_tok;
    r->recomputing = false;
    enum status told = dyno_parts_token(run, id, w);
    if (told)
        return told;
    if (is_first && r->prefill_done_ns < 0) {
        r->prefill_done_ns = run->now_ns;
        s = dyno_event(run, EVENT_PREFILL_DONE, id, w);
    }
    if (w->pool->config->role == POOL_PREFILL)
        return s;
    if (is_first) {
        r->first_token_ns = run->now_ns;
        dyno_parts_first_token(run, id);
        run->first_tokens.n_came++;
        run->first_tokens.n_over++;
        w->last_ttft_s = s_from_ns(run->now_ns - r->arrival_ns);
        w->last_isl_tok = r->isl_tok;
        if (w->pool->config->role == POOL_AGG)
            dyno_router_prefilled(w, r);
        if (!s)
            s = dyno_event(run, EVENT_FIRST_TOKEN, id, w);
    } else {
        if (r->n_output_tok == 1)
            r->second_token_ns = run->now_ns;
        w->last_itl_s = s_from_ns(run->now_ns - r->last_token_ns);
        histogram_add(&run->result->itl, run->now_ns - r->last_token_ns, 1);
    }
    r->last_token_ns = run->now_ns;
    r->n_output_tok++;
    return s;
}

/* All its tokens are out: over, or on to a decode worker. */
static enum status leave(struct dyno_run *run, struct dyno_worker *w, uint32_t id)
{
    struct dyno_request *r = &run->requests[id];
    w->head_failed = false;
    w->life.n_finished++;
    if (w->pool->config->role == POOL_PREFILL) {
        if (r->prefill_done_ns < 0)
            r->prefill_done_ns = run->now_ns;
        dyno_router_prefilled(w, r);
        struct block_list spare = r->source_blocks;
        r->source_blocks = r->blocks;
        r->blocks = spare;
        r->source = w->slot;
        r->worker = NO_ID;
        w->n_held++;
        dyno_move(run, id, PLACE_NOWHERE);
        return dyno_action_push(run, &run->actions, ACTION_RESERVE, id);
    }
    dyno_drop_blocks(w, &r->blocks);
    dyno_router_prefilled(w, r);
    dyno_router_unbind(w, r);
    enum status s = dyno_event(run, EVENT_FINISH, id, w);
    return s ? s : dyno_finish(run, id, OUTCOME_COMPLETED);
}

static enum status end_rejected(struct dyno_run *run, struct dyno_worker *w)
{
    enum status s = ST_OK;
    while (!s && w->rejected.n) {
        uint32_t id = w->rejected.head;
        dyno_list_remove(run, &w->rejected, id);
        s = dyno_event(run, EVENT_REJECT, id, w);
        dyno_router_unbind(w, &run->requests[id]);
        if (!s)
            s = dyno_finish(run, id, OUTCOME_REJECTED);
    }
    return s;
}

/* In checked builds: every block in use has a holder that is known. */
static void check(const struct dyno_run *run, const struct dyno_worker *w)
{
    if (!HEADROOM_CHECK)
        return;
    BUG_IF(w->n_running > w->pool->config->max_num_seqs);
    uint64_t held = 0;
    for (uint32_t i = 0; i < w->n_running; i++) {
        const struct dyno_request *r = &run->requests[w->running[i]];
        BUG_IF(r->computed_tok > r->known_tok || r->known_tok > r->end_tok);
        BUG_IF(r->blocks.n != blocks_from_tok(r->computed_tok, w->pool->config->block_size_tok));
        held += r->blocks.n;
    }
    BUG_IF(w->n_running == 0 && w->n_held == 0 && w->n_transfers == 0 && w->waiting.n == 0 &&
           block_pool_in_use(&w->kv) != 0);
    BUG_IF(w->waiting.n == 0 && w->n_transfers == 0 && w->n_held == 0 &&
           held < block_pool_in_use(&w->kv));
    if (w->kv.n_blocks <= 512)
        block_pool_check(&w->kv);
}

/* Requests that are to make no token leave first, then those that made their last one. */
static enum status end_requests(struct dyno_run *run, struct dyno_worker *w, bool silent)
{
    enum status s = ST_OK;
    uint32_t n_kept = 0;
    for (uint32_t i = 0; !s && i < w->n_running; i++) {
        uint32_t id = w->running[i];
        struct dyno_request *r = &run->requests[id];
        bool is_computed = r->computed_tok == r->known_tok;
        if (is_computed && !silent)
            s = emit(run, w, id);
        if (!s && is_computed && r->known_tok == r->end_tok)
            s = leave(run, w, id);
        else
            w->running[n_kept++] = id;
    }
    w->n_running = n_kept;
    return s;
}

static enum status tell_pass(struct dyno_run *run, const struct dyno_worker *w, bool cut)
{
    if (!run->observer->step)
        return ST_OK;
    struct step_record step = {
        .pool = w->pool->index,
        .worker = w->id,
        .start_ns = w->snapshot.start_ns,
        .end_ns = run->now_ns,
        .n_steps = 1,
        .n_decode = w->pool->config->role == POOL_PREFILL ? 0 : w->snapshot.n_decode,
        .n_chunks = w->snapshot.n_prefill,
        .prompt_tok = (uint32_t)w->snapshot.prefill_tok,
        .cut = cut,
    };
    return run->observer->step(run->observer->context, &step, run->diag);
}

enum status dyno_tell_cut_pass(struct dyno_run *run, struct dyno_worker *w)
{
    return w->busy && run->now_ns > w->snapshot.start_ns ? tell_pass(run, w, true) : ST_OK;
}

enum status dyno_end_pass(struct dyno_run *run, struct dyno_worker *w)
{
    enum status s = tell_pass(run, w, false);
    w->busy = false;
    w->published = w->snapshot.published;
    w->published_ns = run->now_ns;
    w->life.busy_ns += run->now_ns - w->snapshot.start_ns;
    run->moved_ns = run->now_ns;
    dyno_parts_pass_ended(run, w);
    for (uint32_t i = 0; !s && i < w->deferred.n; i++) {
        struct action a = w->deferred.action[w->deferred.head + i];
        s = dyno_action_push(run, &run->actions, a.kind, a.request);
    }
    w->deferred.n = 0;
    for (uint32_t i = 0; !run->semantics->hits_before_computed && i < w->n_running; i++) {
        struct dyno_request *r = &run->requests[w->running[i]];
        dyno_publish(w, r, r->computed_tok);
    }
    if (!s)
        s = end_requests(run, w, true);
    if (!s)
        s = end_requests(run, w, false);
    if (!s)
        s = end_rejected(run, w);
    if (s)
        return s;
    if (w->pool->config->role == POOL_DECODE)
        s = dyno_try_reservation(run, w);
    check(run, w);
    return s;
}

enum line_reason dyno_line_at(const struct dyno_worker *w)
{
    return w->n_running >= w->pool->config->max_num_seqs ? LINE_BATCH : LINE_MOVES;
}

bool dyno_worker_is_empty(const struct dyno_worker *w)
{
    return !w->busy && w->n_running == 0 && w->waiting.n == 0 && w->reservations.n == 0 &&
           w->n_transfers == 0 && w->n_held == 0;
}
