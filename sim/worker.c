/* Continuous batching on one worker, in the order of vLLM's scheduler: running sequences first, then the queue from
 * its head. Decode steps of an unchanged batch are one decode_run. */
#include "sim/sim_internal.h"

#include <stdlib.h>

uint32_t blocks_for(uint32_t tokens, uint32_t block_size_tok)
{
    return tokens / block_size_tok + (tokens % block_size_tok != 0);
}

enum status id_array_push(struct id_array *a, uint32_t id, struct diag *d)
{
    if (a->n == a->capacity) {
        uint32_t capacity = a->capacity ? 2 * a->capacity : 16;
        uint32_t *ids = realloc(a->id, capacity * sizeof *ids);
        if (!ids)
            return diag_nomem(d, "request ids");
        a->id = ids;
        a->capacity = capacity;
    }
    a->id[a->n++] = id;
    return ST_OK;
}

void id_array_remove(struct id_array *a, uint32_t id)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < a->n; i++)
        if (a->id[i] != id)
            a->id[kept++] = a->id[i];
    a->n = kept;
}

bool worker_is_empty(const struct worker *w)
{
    return w->waiting.n == 0 && w->arrived.n == 0 && w->running.n == 0 && w->incoming.n == 0 && w->n_transfers == 0 &&
           w->n_held == 0;
}

static uint32_t block_size(const struct worker *w)
{
    return w->pool->config->engine.block_size_tok;
}

uint32_t worker_kv_used(const struct worker *w)
{
    return w->kv_private + (w->cache ? (uint32_t)kv_cache_active(w->cache) : 0);
}

static uint32_t kv_free(const struct worker *w)
{
    return w->pool->config->engine.kv_blocks - worker_kv_used(w);
}

/* Is a step running that holds its blocks already? Not at the boundary where an interrupted run ends. */
static bool in_step(const struct worker *w)
{
    return w->kind == STEP_SINGLE || (w->kind == STEP_RUN && w->run_committed < w->run.n_steps);
}

static void note_peak(struct worker *w)
{
    uint32_t used = worker_kv_used(w);
    if (used > w->peak_kv_used)
        w->peak_kv_used = used;
}

/* Blocks for one request alone; what is cached but unused makes way. */
static void kv_take(struct worker *w, uint32_t blocks)
{
    BUG_IF(blocks > kv_free(w));
    w->kv_private += blocks;
    note_peak(w);
    if (!w->cache)
        return;
    uint64_t resident = worker_kv_used(w) + kv_cache_inactive(w->cache);
    uint32_t total = w->pool->config->engine.kv_blocks;
    if (resident > total)
        kv_cache_evict(w->cache, resident - total);
}

static void kv_give(struct worker *w, uint32_t blocks)
{
    BUG_IF(blocks > w->kv_private);
    w->kv_private -= blocks;
}

enum status worker_give_back(struct sim *sim, struct worker *w, struct kv_hold *hold, uint32_t blocks,
                             uint32_t full_blocks, struct kv_tail *tail)
{
    kv_give(w, blocks - hold->shared);
    if (!w->cache)
        return ST_OK;
    enum status s = ST_OK;
    if (full_blocks > hold->shared)
        s = kv_cache_leave_tail(w->cache, hold, full_blocks - hold->shared, tail, sim->diag);
    kv_cache_release(w->cache, hold);
    return s;
}

/* Make the prompt's blocks up to the computed ones findable. */
static enum status share_computed(struct sim *sim, struct worker *w, uint32_t id)
{
    struct request *r = sim_request(sim, id);
    struct kv_prompt prompt;
    enum status s = sim_prompt(sim, w->pool, r, &prompt);
    uint32_t computed = r->computed_tok / block_size(w);
    uint32_t upto = computed < prompt.n_blocks ? computed : prompt.n_blocks;
    if (s || upto <= r->hold.shared)
        return s;
    kv_give(w, upto - r->hold.shared);
    return kv_cache_insert(w->cache, &prompt, upto, &r->hold, sim->diag);
}

enum status worker_prompt_arrived(struct sim *sim, struct worker *w, uint32_t id)
{
    return w->cache ? share_computed(sim, w, id) : ST_OK;
}

/* Take what the prompt (its first `limit` blocks) finds here, if the rest of its blocks fits too. */
static enum status take_hits(struct sim *sim, struct worker *w, uint32_t id, uint32_t limit, uint32_t blocks,
                             uint32_t keep_free, bool *fits)
{
    struct request *r = sim_request(sim, id);
    struct kv_prompt prompt;
    uint32_t hits = 0, active = 0;
    if (w->cache) {
        enum status s = sim_prompt(sim, w->pool, r, &prompt);
        if (s)
            return s;
        hits = kv_cache_match(w->cache, &prompt, limit, &active);
    }
    *fits = (uint64_t)(blocks - active) + keep_free <= kv_free(w);
    if (!*fits || !w->cache)
        return ST_OK;
    enum status s = kv_cache_acquire(w->cache, &prompt, hits, &r->hold, sim->diag);
    if (!s && hits == prompt.n_blocks)
        kv_cache_reclaim_tail(w->cache, r->tail, &r->hold);
    r->tail = (struct kv_tail){0};
    r->kv_blocks = r->hold.shared;
    note_peak(w);
    return s;
}

enum status worker_reserve(struct sim *sim, struct worker *w, uint32_t id, bool *fits)
{
    struct request *r = sim_request(sim, id);
    uint32_t blocks = blocks_for(r->isl_tok, block_size(w));
    enum status s = take_hits(sim, w, id, UINT32_MAX, blocks, 0, fits);
    if (s || !*fits)
        return s;
    kv_take(w, blocks - r->kv_blocks);
    r->kv_blocks = blocks;
    return ST_OK;
}

/* ---- the sequences that decode ---- */

static bool finish_before(const struct finish_entry *a, const struct finish_entry *b)
{
    return a->step != b->step ? a->step < b->step : a->admit_order < b->admit_order;
}

static void finish_sift_down(struct worker *w, uint32_t hole, struct finish_entry e)
{
    for (;;) {
        uint32_t child = 2 * hole + 1;
        if (child >= w->n_finish)
            break;
        if (child + 1 < w->n_finish && finish_before(&w->finish[child + 1], &w->finish[child]))
            child++;
        if (!finish_before(&w->finish[child], &e))
            break;
        w->finish[hole] = w->finish[child];
        hole = child;
    }
    w->finish[hole] = e;
}

static void finish_sift_up(struct worker *w, uint32_t hole, struct finish_entry e)
{
    while (hole > 0 && finish_before(&e, &w->finish[(hole - 1) / 2])) {
        w->finish[hole] = w->finish[(hole - 1) / 2];
        hole = (hole - 1) / 2;
    }
    w->finish[hole] = e;
}

static enum status finish_push(struct sim *sim, struct worker *w, struct finish_entry e)
{
    if (w->n_finish == w->finish_capacity) {
        uint32_t capacity = w->finish_capacity ? 2 * w->finish_capacity : 32;
        struct finish_entry *heap = realloc(w->finish, capacity * sizeof *heap);
        if (!heap)
            return diag_nomem(sim->diag, "running sequences");
        w->finish = heap;
        w->finish_capacity = capacity;
    }
    finish_sift_up(w, w->n_finish++, e);
    return ST_OK;
}

static void finish_remove(struct worker *w, uint32_t id)
{
    uint32_t i = 0;
    while (i < w->n_finish && w->finish[i].request != id)
        i++;
    BUG_IF(i == w->n_finish);
    struct finish_entry last = w->finish[--w->n_finish];
    if (i == w->n_finish)
        return;
    if (i > 0 && finish_before(&last, &w->finish[(i - 1) / 2]))
        finish_sift_up(w, i, last);
    else
        finish_sift_down(w, i, last);
}

/* Tokens whose KV a decoding sequence holds: one more with every step, but the first step of a handed-over one
 * computes nothing new. */
static uint32_t covered_tok(const struct worker *w, const struct request *r)
{
    uint64_t steps_left = r->finish_step - w->step;
    return r->isl_tok + r->osl_tok - 1 - (uint32_t)steps_left;
}

/* Index into w->growth of a sequence that holds `covered` tokens now. */
static uint32_t growth_index(const struct worker *w, uint32_t covered)
{
    uint32_t size = block_size(w);
    return (covered % size + size - (uint32_t)(w->step % size)) % size;
}

/* Sequences that need a new block at step `step`. */
static uint32_t growth_at(const struct worker *w, uint64_t step)
{
    uint32_t size = block_size(w);
    return w->growth[(size - (uint32_t)((step - 1) % size)) % size];
}

/* Start decoding: `tokens_out` are out, the next comes with the next step. */
static enum status decode_join(struct sim *sim, struct worker *w, uint32_t id, uint32_t tokens_out)
{
    struct request *r = sim_request(sim, id);
    r->state = REQUEST_DECODE;
    r->finish_step = w->step + (r->osl_tok - tokens_out);
    uint32_t covered = covered_tok(w, r);
    /* A handed-over request attends to its prompt; another to its prompt and the tokens that are out. */
    w->context_sum_tok += r->isl_tok + tokens_out;
    w->n_decode++;
    w->growth[growth_index(w, covered)]++;
    enum status s = ST_OK;
    if (tokens_out == 0)
        s = id_array_push(&w->first_next, id, sim->diag);
    else if (tokens_out == 1)
        s = id_array_push(&w->second_next, id, sim->diag);
    if (s)
        return s;
    return finish_push(sim, w, (struct finish_entry){r->finish_step, r->admit_order, id,
                                                        r->isl_tok + r->osl_tok - 1});
}

void worker_note_tokens(const struct worker *w, struct request *r)
{
    r->n_output_tok = r->osl_tok - (uint32_t)(r->finish_step - w->step);
    if (r->n_output_tok && w->decoded_ns > r->last_token_ns)
        r->last_token_ns = w->decoded_ns;
}

/* Take a sequence out of the decoding set. Its finish entry is the caller's. */
static void decode_leave(struct sim *sim, struct worker *w, uint32_t id)
{
    struct request *r = sim_request(sim, id);
    uint32_t covered = covered_tok(w, r);
    worker_note_tokens(w, r);
    r->computed_tok = covered;
    r->kv_blocks = blocks_for(covered, block_size(w));
    uint32_t *growth = &w->growth[growth_index(w, covered)];
    BUG_IF(*growth == 0 || w->n_decode == 0);
    (*growth)--;
    w->n_decode--;
    w->context_sum_tok -= r->isl_tok + r->n_output_tok;
    if (r->n_output_tok == 0)
        id_array_remove(&w->first_next, id);
    else if (r->n_output_tok == 1)
        id_array_remove(&w->second_next, id);
}

static void share_begin(struct worker *w, struct request *r)
{
    r->share_mark = w->share_s;
}

static void share_end(struct worker *w, struct request *r)
{
    r->gpu_share_s += (w->share_s - r->share_mark) * w->pool->config->gpus_per_worker;
}

/* Off the running list, blocks given back. */
static void leave_running(struct sim *sim, struct worker *w, uint32_t id)
{
    struct request *r = sim_request(sim, id);
    share_end(w, r);
    if (w->partial == id)
        w->partial = NO_REQUEST;
    request_list_remove(&w->running, &sim->requests, id);
}

/* Computed blocks stay behind as long as nobody needs the room. */
static enum status release_blocks(struct sim *sim, struct worker *w, struct request *r)
{
    uint32_t blocks = r->kv_blocks;
    r->kv_blocks = 0;
    return worker_give_back(sim, w, &r->hold, blocks, r->computed_tok / block_size(w), &r->tail);
}

static void drop_pending_prompt(struct worker *w, const struct request *r)
{
    if (r->first_token_ns < 0 && !r->handed_over)
        w->prompt_tok_pending -= r->isl_tok;
}

/* ---- tokens ---- */

static void count_gaps(struct sim *sim, struct worker *w, int64_t total_ns, uint32_t n_steps,
                       uint32_t n_sequences)
{
    if (n_sequences == 0)
        return;
    sim->traffic.total.itl_sum_s += s_from_ns(total_ns) * (double)n_sequences;
    sim->traffic.total.n_itl += (double)n_steps * n_sequences;
    w->last_itl_s = s_from_ns(total_ns) / n_steps;
}

static enum status first_token(struct sim *sim, struct worker *w, uint32_t id, int64_t at_ns)
{
    struct request *r = sim_request(sim, id);
    drop_pending_prompt(w, r);
    r->first_token_ns = r->last_token_ns = at_ns;
    double ttft_s = s_from_ns(at_ns - r->arrival_ns);
    sim->traffic.total.ttft_sum_s += ttft_s;
    sim->traffic.total.n_ttft++;
    sim->traffic.total.isl_sum_tok += r->isl_tok;
    sim->traffic.total.n_isl++;
    /* As the frontend does it: the time is laid at the door of the worker that computed the prompt. */
    struct worker *prefill = w;
    if (r->prefill_worker != NO_WORKER) {
        prefill = sim->workers[r->prefill_slot];
        if (prefill->state == WORKER_FREE || prefill->id != r->prefill_worker ||
            prefill->pool->config->role != POOL_PREFILL)
            prefill = NULL;
    }
    if (prefill) {
        prefill->last_ttft_s = ttft_s;
        prefill->last_isl_tok = r->isl_tok;
    }
    return sim_event(sim, EVENT_FIRST_TOKEN, r->index, w->pool->index, w->id);
}

/* Steps w->step + 1 .. w->step + n have ended, in total `total_ns` long, the last of them at `end_ns`. n is 1 while a
 * first or second token is due. Everything but the histogram of gaps and the sequences that finish. */
static enum status decode_advance(struct sim *sim, struct worker *w, uint32_t n, int64_t total_ns,
                                  int64_t end_ns)
{
    uint32_t n_first = w->first_next.n;
    BUG_IF(n != 1 && (n_first || w->second_next.n));
    for (uint32_t i = 0; i < w->second_next.n; i++)
        sim_request(sim, w->second_next.id[i])->second_token_ns = end_ns;
    w->second_next.n = 0;
    for (uint32_t i = 0; i < n_first; i++) {
        uint32_t id = w->first_next.id[i];
        enum status s = first_token(sim, w, id, end_ns);
        if (!s)
            s = id_array_push(&w->second_next, id, sim->diag);
        if (s)
            return s;
    }
    w->first_next.n = 0;
    count_gaps(sim, w, total_ns, n, w->n_decode - n_first);
    w->step += n;
    w->decoded_ns = end_ns;
    w->n_steps += n;
    w->context_sum_tok += (uint64_t)n * w->n_decode;
    return ST_OK;
}

/* New blocks that steps `from` .. `to` need. */
static uint32_t growth_over(const struct worker *w, uint64_t from, uint64_t to)
{
    if (to < from)
        return 0;
    uint32_t size = block_size(w);
    uint64_t n = to - from + 1;
    uint32_t grown = (uint32_t)(n / size) * w->n_decode;
    for (uint64_t step = to - n % size + 1; step <= to; step++)
        grown += growth_at(w, step);
    return grown;
}

/* Account for the run's steps up to `upto`. The block of a step belongs to the sequence from the step's start. */
static enum status run_commit(struct sim *sim, struct worker *w, uint32_t upto)
{
    while (w->run_committed < upto) {
        uint32_t from = w->run_committed;
        uint32_t n_first = w->first_next.n;
        uint32_t to = n_first || w->second_next.n ? from + 1 : upto;
        int64_t start_ns = decode_run_end_ns(&w->run, from);
        int64_t end_ns = decode_run_end_ns(&w->run, to);
        if (sim_measuring(sim, end_ns))
            decode_run_add_gaps(&w->run, from, to, w->n_decode - n_first, &sim->result->itl);
        uint64_t last = to < w->run.n_steps ? w->step + (to - from) + 1 : w->step + (to - from);
        kv_take(w, growth_over(w, w->step + 2, last));
        w->share_s += s_from_ns(end_ns - start_ns) / w->n_decode;
        w->run_committed = to;
        enum status s = decode_advance(sim, w, to - from, end_ns - start_ns, end_ns);
        if (s)
            return s;
    }
    return ST_OK;
}

enum status worker_sync(struct sim *sim, struct worker *w)
{
    if (w->kind != STEP_RUN)
        return ST_OK;
    return run_commit(sim, w, decode_run_steps_by(&w->run, sim->now_ns));
}

/* ---- putting a step together ---- */

/* Back to the head of the queue: its KV is gone and will be computed again. */
static enum status preempt(struct sim *sim, struct worker *w, uint32_t id)
{
    struct request *r = sim_request(sim, id);
    if (r->state == REQUEST_DECODE) {
        decode_leave(sim, w, id);
        finish_remove(w, id);
    }
    leave_running(sim, w, id);
    enum status s = release_blocks(sim, w, r);
    if (s)
        return s;
    r->state = REQUEST_WAITING;
    r->handed_over = false;
    r->computed_tok = 0;
    r->target_tok = r->isl_tok + r->n_output_tok;
    r->n_preemptions++;
    w->pool->result->n_preemptions++;
    request_list_push_front(&w->waiting, &sim->requests, id);
    return sim_event(sim, EVENT_PREEMPT, r->index, w->pool->index, w->id);
}

/* Room for the next token of every decoding sequence, taking it from the newest where it must be. */
static enum status make_room_to_grow(struct sim *sim, struct worker *w, bool *preempted)
{
    while (w->n_decode > 0 && growth_at(w, w->step + 1) > kv_free(w)) {
        *preempted = true;
        enum status s = preempt(sim, w, w->running.tail);
        if (s)
            return s;
    }
    if (w->n_decode > 0)
        kv_take(w, growth_at(w, w->step + 1));
    return ST_OK;
}

/* Put up to `budget` tokens of the request's prompt into the step. The blocks are known to be free. */
static enum status add_chunk(struct sim *sim, struct worker *w, uint32_t id, uint32_t *budget)
{
    struct request *r = sim_request(sim, id);
    uint32_t rest = r->target_tok - r->computed_tok;
    uint32_t n = rest < *budget ? rest : *budget;
    w->chunks[w->n_chunks++] = (struct step_chunk){r->computed_tok, n};
    r->computed_tok += n;
    *budget -= n;
    uint32_t blocks = blocks_for(r->computed_tok, block_size(w));
    kv_take(w, blocks - r->kv_blocks);
    r->kv_blocks = blocks;
    w->partial = n < rest ? id : NO_REQUEST;
    enum status s = id_array_push(&w->chunked, id, sim->diag);
    if (!s && n == rest)
        s = id_array_push(&w->completing, id, sim->diag);
    return s;
}

static enum status continue_partial(struct sim *sim, struct worker *w, uint32_t *budget, bool *preempted)
{
    struct request *r = sim_request(sim, w->partial);
    uint32_t rest = r->target_tok - r->computed_tok;
    uint32_t n = rest < *budget ? rest : *budget;
    if (n == 0)
        return ST_OK;
    uint32_t blocks = blocks_for(r->computed_tok + n, block_size(w));
    if (blocks - r->kv_blocks > kv_free(w)) { /* it is the newest, so it is its own victim */
        *preempted = true;
        return preempt(sim, w, w->partial);
    }
    return add_chunk(sim, w, w->partial, budget);
}

static enum status admit(struct sim *sim, struct worker *w, struct request_list *from, uint32_t *budget)
{
    uint32_t id = from->head;
    struct request *r = sim_request(sim, id);
    request_list_remove(from, &sim->requests, id);
    request_list_push_back(&w->running, &sim->requests, id);
    r->admit_order = w->admit_count++;
    share_begin(w, r);
    if (r->scheduled_ns < 0)
        r->scheduled_ns = sim->now_ns;
    if (!r->handed_over && r->n_preemptions == 0) {
        r->cached_tok = r->hold.shared * block_size(w);
        if (sim_measuring(sim, sim->now_ns)) {
            sim->result->prompt_tok += r->isl_tok;
            sim->result->cached_tok += r->cached_tok;
        }
    }
    enum status s = sim_event(sim, EVENT_ADMIT, r->index, w->pool->index, w->id);
    if (s)
        return s;
    if (r->handed_over) {
        *budget -= 1;
        return decode_join(sim, w, id, 0);
    }
    r->state = REQUEST_PREFILL;
    r->computed_tok = r->hold.shared * block_size(w);
    return add_chunk(sim, w, id, budget);
}

/* Those whose KV is here already need no room, so they do not wait behind one that does. */
static enum status admit_arrived(struct sim *sim, struct worker *w, uint32_t *budget)
{
    enum status s = ST_OK;
    while (!s && w->arrived.n && w->running.n < w->pool->config->engine.max_num_seqs && *budget > 0)
        s = admit(sim, w, &w->arrived, budget);
    return s;
}

/* The prompt does not start after all. */
static void put_back_hits(struct worker *w, uint32_t id, struct sim *sim)
{
    struct request *r = sim_request(sim, id);
    if (w->cache)
        kv_cache_release(w->cache, &r->hold);
    r->kv_blocks = 0;
}

static enum status admit_waiting(struct sim *sim, struct worker *w, uint32_t *budget)
{
    const struct engine_config *engine = &w->pool->config->engine;
    enum status s = ST_OK;
    while (!s && w->waiting.n && w->running.n < engine->max_num_seqs && *budget > 0) {
        uint32_t id = w->waiting.head, size = engine->block_size_tok;
        uint32_t target_tok = sim_request(sim, id)->target_tok;
        bool fits;
        /* At least the last token is computed: the next one comes out of it. */
        s = take_hits(sim, w, id, (target_tok - 1) / size, blocks_for(target_tok, size),
                      engine->watermark_blocks * (w->running.n > 0), &fits);
        if (s || !fits)
            break; /* the head blocks everybody behind it */
        if (!engine->chunked_prefill && target_tok - sim_request(sim, id)->hold.shared * size > *budget) {
            put_back_hits(w, id, sim);
            break;
        }
        s = admit(sim, w, &w->waiting, budget);
    }
    return s;
}

/* Fill the step in the scheduler's order: running sequences, the prompt in progress, the queues; then give what
 * room is left to prompts that are still on a prefill worker, unless a preempted one waits for it. */
static enum status fill_step(struct sim *sim, struct worker *w)
{
    bool preempted = false;
    w->admissions_held = false;
    enum status s = make_room_to_grow(sim, w, &preempted);
    uint32_t budget = w->pool->config->engine.max_num_batched_tokens - w->n_decode;
    if (!s && w->partial != NO_REQUEST)
        s = continue_partial(sim, w, &budget, &preempted);
    if (!s)
        s = admit_arrived(sim, w, &budget);
    if (!s && preempted)
        w->admissions_held = true; /* nobody new in the step that pushed somebody out */
    else if (!s)
        s = admit_waiting(sim, w, &budget);
    if (!s && w->waiting.n == 0 && w->incoming.n) {
        s = handoff_grant(sim, w);
        if (!s)
            s = admit_arrived(sim, w, &budget);
    }
    return s;
}

/* Decode steps that can be made before a sequence finishes or the blocks run out. */
static uint32_t run_length(const struct worker *w)
{
    if (w->first_next.n || w->admissions_held || w->pool->sim->config->exact_stepper)
        return 1; /* first tokens are events of their own; what was held back is looked at again */
    uint64_t n = w->finish[0].step - w->step;
    uint32_t size = block_size(w);
    if ((n / size + 1) * w->n_decode > kv_free(w)) {
        uint32_t room = kv_free(w); /* the first step has its blocks already */
        for (uint64_t i = 2; i <= n; i++) {
            uint32_t need = growth_at(w, w->step + i);
            if (need > room)
                return (uint32_t)i - 1;
            room -= need;
        }
    }
    return (uint32_t)n;
}

static enum status schedule_end(struct sim *sim, struct worker *w)
{
    w->generation++;
    return event_queue_push(
        &sim->queue, event_make(w->step_end_ns, EVENT_CLASS_STEP_END, w->slot, w->generation),
        sim->diag);
}

static void check(const struct sim *sim, const struct worker *w)
{
    if (HEADROOM_CHECK)
        worker_check(sim, w);
}

/* Tokens that the next step of the longest sequence attends to. */
static double longest_context(const struct worker *w)
{
    uint64_t longest = 0;
    for (uint32_t i = 0; i < w->n_finish; i++) {
        uint64_t context = w->finish[i].end_context_tok - (w->finish[i].step - w->step - 1);
        if (context > longest)
            longest = context;
    }
    return (double)longest;
}

static int64_t step_ns(double ms)
{
    int64_t ns;
    BUG_IF(!ns_from_ms(ms, &ns));
    return ns > 0 ? ns : 1;
}

enum status worker_start_step(struct sim *sim, struct worker *w)
{
    const struct engine_config *engine = &w->pool->config->engine;
    if (w->kind != STEP_NONE || (w->state != WORKER_READY && w->state != WORKER_DRAINING))
        return ST_OK;
    w->n_chunks = 0;
    w->chunked.n = w->completing.n = 0;
    enum status s = fill_step(sim, w);
    if (s)
        return s;
    if (w->n_chunks == 0 && w->n_decode == 0) {
        fleet_set_gpu_state(sim, w, GPU_IDLE);
        return ST_OK;
    }
    fleet_set_gpu_state(sim, w, GPU_BUSY);
    int64_t cold_ns = w->warm ? 0 : engine->cold_start_ns;
    double context_tok = w->n_decode ? (double)w->context_sum_tok / w->n_decode : 0;
    double skew = engine->latency->skew_alpha ? engine->latency->skew_alpha(engine->latency_state) : 0;
    double longest_tok = engine->latency->skew_alpha ? longest_context(w) : 0;
    w->warm = true;
    w->step_start_ns = sim->now_ns;
    if (w->n_chunks == 0 && cold_ns == 0) {
        w->kind = STEP_RUN;
        w->run = (struct decode_run){
            .curve = engine->latency->decode_curve(engine->latency_state, w->n_decode),
            .context_tok = context_tok,
            .longest_tok = longest_tok,
            .skew_alpha = skew,
            .start_ns = sim->now_ns,
            .n_steps = run_length(w),
        };
        w->run_committed = 0;
        w->step_end_ns = decode_run_end_ns(&w->run, w->run.n_steps);
        if (w->step_end_ns <= sim->now_ns)
            w->step_end_ns = sim->now_ns + 1;
    } else {
        w->kind = STEP_SINGLE;
        struct engine_step step = {w->chunks, w->n_chunks, w->n_decode, context_tok, longest_tok};
        w->step_end_ns = sim->now_ns + cold_ns +
                         step_ns(engine->latency->step_ms(engine->latency_state, &step));
    }
    check(sim, w);
    return schedule_end(sim, w);
}

enum status worker_interrupt(struct sim *sim, struct worker *w)
{
    if (w->kind == STEP_NONE)
        return sim_kick(sim, w);
    if (w->kind != STEP_RUN)
        return ST_OK;
    uint32_t n = decode_run_steps_by(&w->run, sim->now_ns);
    if (n == 0 || decode_run_end_ns(&w->run, n) < sim->now_ns)
        n++;
    if (n >= w->run.n_steps)
        return ST_OK;
    BUG_IF(n < w->run_committed);
    if (n == w->run_committed) { /* the boundary of this instant, with the next step's blocks taken already */
        kv_give(w, growth_at(w, w->step + 1));
    }
    w->run.n_steps = n;
    w->step_end_ns = decode_run_end_ns(&w->run, n);
    check(sim, w);
    return schedule_end(sim, w);
}

enum status worker_enqueue(struct sim *sim, struct worker *w, uint32_t id)
{
    struct request *r = sim_request(sim, id);
    r->state = REQUEST_WAITING;
    r->worker_slot = w->slot;
    struct request_list *queue = r->handed_over ? &w->arrived : &w->waiting;
    request_list_push_back(queue, &sim->requests, id);
    if (!r->handed_over)
        w->prompt_tok_pending += r->isl_tok;
    /* Behind others, or with all places taken, it changes nothing before a sequence finishes. */
    if (w->kind == STEP_RUN &&
        (queue->n > 1 || w->running.n >= w->pool->config->engine.max_num_seqs))
        return ST_OK;
    return worker_interrupt(sim, w);
}

/* ---- the end of a step ---- */

/* The request's last token is out, or its prompt when no token was asked for. */
static enum status finish(struct sim *sim, struct worker *w, uint32_t id)
{
    struct request *r = sim_request(sim, id);
    leave_running(sim, w, id);
    enum status s = release_blocks(sim, w, r);
    r->worker_slot = NO_SLOT;
    if (!s)
        s = sim_event(sim, EVENT_FINISH, r->index, w->pool->index, w->id);
    return s ? s : sim_complete(sim, id);
}

static enum status finish_decoded(struct sim *sim, struct worker *w)
{
    while (w->n_finish && w->finish[0].step == w->step) {
        uint32_t id = w->finish[0].request;
        struct finish_entry last = w->finish[--w->n_finish];
        if (w->n_finish)
            finish_sift_down(w, 0, last);
        decode_leave(sim, w, id);
        enum status s = finish(sim, w, id);
        if (s)
            return s;
    }
    return ST_OK;
}

/* The prompt (and what was recomputed) is done: the next token is out. */
static enum status prompt_done(struct sim *sim, struct worker *w, uint32_t id)
{
    struct request *r = sim_request(sim, id);
    bool first = r->prefill_done_ns < 0;
    if (first) {
        r->prefill_done_ns = sim->now_ns;
        enum status s = sim_event(sim, EVENT_PREFILL_DONE, r->index, w->pool->index, w->id);
        if (s)
            return s;
    }
    if (r->osl_tok == 0) {
        drop_pending_prompt(w, r);
        return finish(sim, w, id);
    }
    if (w->pool->config->role == POOL_PREFILL) {
        drop_pending_prompt(w, r);
        leave_running(sim, w, id);
        return handoff_begin(sim, id);
    }
    if (r->n_output_tok == 0) {
        enum status s = first_token(sim, w, id, sim->now_ns);
        if (s)
            return s;
    } else {
        int64_t gap_ns = sim->now_ns - r->last_token_ns;
        if (r->n_output_tok == 1)
            r->second_token_ns = sim->now_ns;
        if (sim_measuring(sim, sim->now_ns))
            histogram_add(&sim->result->itl, gap_ns, 1);
        count_gaps(sim, w, gap_ns, 1, 1);
        r->last_token_ns = sim->now_ns;
    }
    r->n_output_tok++;
    if (r->n_output_tok == r->osl_tok)
        return finish(sim, w, id);
    return decode_join(sim, w, id, r->n_output_tok);
}

enum status worker_end_step(struct sim *sim, struct worker *w)
{
    enum status s = ST_OK;
    if (w->kind == STEP_RUN) {
        s = run_commit(sim, w, w->run.n_steps);
    } else {
        int64_t total_ns = w->step_end_ns - w->step_start_ns;
        uint32_t n_gaps = w->n_decode - w->first_next.n;
        for (uint32_t i = 0; !s && w->cache && i < w->chunked.n; i++)
            s = share_computed(sim, w, w->chunked.id[i]);
        w->share_s += s_from_ns(total_ns) / (w->n_decode + w->chunked.n + (w->n_decode + w->chunked.n == 0));
        if (n_gaps && sim_measuring(sim, sim->now_ns))
            histogram_add(&sim->result->itl, total_ns, n_gaps);
        if (w->n_decode && !s)
            s = decode_advance(sim, w, 1, total_ns, sim->now_ns);
        else
            w->n_steps++;
    }
    w->kind = STEP_NONE;
    if (!s)
        s = finish_decoded(sim, w);
    for (uint32_t i = 0; !s && i < w->completing.n; i++)
        s = prompt_done(sim, w, w->completing.id[i]);
    w->completing.n = w->chunked.n = 0;
    if (!s)
        check(sim, w);
    return s ? s : sim_kick(sim, w);
}

/* ---- removal and checks ---- */

enum status worker_remove(struct sim *sim, struct worker *w, uint32_t id)
{
    struct request *r = sim_request(sim, id);
    /* Whatever it held or stood in the way of is free for others with the next step. */
    enum status s = worker_sync(sim, w);
    if (!s)
        s = worker_interrupt(sim, w);
    switch (r->state) {
    case REQUEST_WAITING:
        request_list_remove(r->handed_over ? &w->arrived : &w->waiting, &sim->requests, id);
        s = s ? s : release_blocks(sim, w, r);
        drop_pending_prompt(w, r);
        break;
    case REQUEST_PREFILL:
        leave_running(sim, w, id);
        id_array_remove(&w->chunked, id);
        id_array_remove(&w->completing, id);
        r->computed_tok = 0; /* the step that was to compute it may still run */
        s = s ? s : release_blocks(sim, w, r);
        drop_pending_prompt(w, r);
        break;
    case REQUEST_DECODE:
        decode_leave(sim, w, id);
        finish_remove(w, id);
        leave_running(sim, w, id);
        if (in_step(w))
            r->kv_blocks = blocks_for(r->computed_tok + 1, block_size(w));
        s = s ? s : release_blocks(sim, w, r);
        break;
    case REQUEST_HANDOFF:
        request_list_remove(&w->incoming, &sim->requests, id);
        break;
    case REQUEST_TRANSFER:
        BUG_IF(w->n_transfers == 0);
        w->n_transfers--;
        r->computed_tok = 0;
        s = s ? s : release_blocks(sim, w, r);
        r->generation++; /* the end of the transfer no longer counts */
        break;
    case REQUEST_FREE:
    case REQUEST_UNROUTED:
        BUG("request %llu is on no worker", (unsigned long long)r->index);
    }
    r->worker_slot = NO_SLOT;
    return s;
}

void worker_check(const struct sim *sim, const struct worker *w)
{
    const struct request_table *t = &sim->requests;
    uint64_t blocks = 0, context = 0, pending = 0;
    uint32_t n_waiting = 0, n_running = 0, n_decode = 0, n_transfers = 0, n_held = 0, n_incoming = 0;
    for (uint32_t id = 0; id < t->capacity; id++) {
        const struct request *r = &t->slot[id];
        if (r->state == REQUEST_FREE)
            continue;
        if (r->source_slot == w->slot) {
            n_held++;
            blocks += r->source_blocks - r->source_hold.shared;
        }
        if (r->worker_slot != w->slot)
            continue;
        n_waiting += r->state == REQUEST_WAITING;
        n_running += r->state == REQUEST_PREFILL || r->state == REQUEST_DECODE;
        n_transfers += r->state == REQUEST_TRANSFER;
        n_incoming += r->state == REQUEST_HANDOFF;
        if (r->state == REQUEST_DECODE) {
            uint32_t covered = covered_tok(w, r);
            BUG_IF(r->finish_step <= w->step);
            blocks += blocks_for(covered + in_step(w), block_size(w)) - r->hold.shared;
            context += covered + 1;
            n_decode++;
        } else {
            blocks += r->kv_blocks - r->hold.shared;
        }
        if (r->first_token_ns < 0 && !r->handed_over &&
            (r->state == REQUEST_WAITING || r->state == REQUEST_PREFILL))
            pending += r->isl_tok;
    }
    const struct engine_config *engine = &w->pool->config->engine;
    BUG_IF(blocks != w->kv_private);
    BUG_IF(worker_kv_used(w) > engine->kv_blocks);
    if (w->cache) {
        kv_cache_check(w->cache);
        BUG_IF(worker_kv_used(w) + kv_cache_inactive(w->cache) > engine->kv_blocks);
    }
    BUG_IF(n_waiting != w->waiting.n + w->arrived.n || n_running != w->running.n || n_incoming != w->incoming.n);
    BUG_IF(n_transfers != w->n_transfers || n_held != w->n_held);
    BUG_IF(n_decode != w->n_decode || n_decode != w->n_finish || context != w->context_sum_tok);
    BUG_IF(n_running > engine->max_num_seqs);
    BUG_IF(pending != w->prompt_tok_pending);
    BUG_IF(w->kind == STEP_RUN && (w->n_decode == 0 || w->finish[0].step < w->step + w->run.n_steps -
                                                                              w->run_committed));
}
