/* What has to hold of a worker after every event, counted anew. Called in checked builds. */
#include "sim/worker/worker.h"

#include "sim/worker/decode_set.h"
#include "sim/worker/worker_kv.h"

void worker_check(const struct sim *sim, const struct worker *w)
{
    const struct request_table *t = &sim->requests;
    /* A walk over all requests in flight: where they are many, now and then. */
    if (sim->n_events % (1 + t->n_used / 512))
        return;
    uint64_t blocks = 0, context = 0;
    struct rank_load load = {0};
    uint32_t n_waiting = 0, n_running = 0, n_decode = 0, n_transfers = 0, n_held = 0,
             n_incoming = 0;
    struct queued_work queued = {0};
    uint32_t n_left = t->n_used; /* slots are taken from below, so those that are used come early */
    for (uint32_t id = 0; n_left > 0; id++) {
        BUG_IF(id == t->capacity);
        const struct request *r = &t->slot[id];
        if (r->state == REQUEST_FREE)
            continue;
        n_left--;
        if (r->source_slot == w->slot && r->home == w->pool->deployment->index) {
            n_held++;
            blocks += r->source_blocks - r->source_hold.shared;
        }
        if (r->worker_slot != w->slot || r->deployment != w->pool->deployment->index)
            continue;
        load.n_requests++;
        load.prompt_blocks += r->isl_tok / worker_block_size(w);
        n_waiting += r->state == REQUEST_WAITING;
        n_running += r->state == REQUEST_PREFILL || r->state == REQUEST_DECODE;
        n_transfers += r->state == REQUEST_TRANSFER;
        n_incoming += r->state == REQUEST_HANDOFF;
        if (r->state == REQUEST_HANDOFF ||
            (r->state == REQUEST_WAITING && !r->handed_over && !r->preempted))
            queued.prefill.tok += r->isl_tok;
        else if (r->state == REQUEST_WAITING || r->state == REQUEST_TRANSFER)
            queued.decode.tok += r->preempted ? r->target_tok : r->isl_tok;
        if (r->state == REQUEST_DECODE) {
            uint32_t covered = decode_covered_tok(w, r);
            BUG_IF(r->finish_step <= w->step);
            blocks +=
                blocks_from_tok(covered + decode_in_step(w), worker_block_size(w)) - r->hold.shared;
            context += covered + 1;
            n_decode++;
        } else {
            blocks += r->kv_blocks - r->hold.shared;
        }
        if (r->first_token_ns < 0 && !r->handed_over &&
            (r->state == REQUEST_WAITING || r->state == REQUEST_PREFILL))
            load.prompt_tok += r->isl_tok;
    }
    const struct engine_config *engine = &w->pool->config->engine;
    BUG_IF(blocks != w->kv_private);
    BUG_IF(worker_kv_used(w) > w->kv_blocks);
    if (w->cache) {
        /* A walk over what all caches of the pool hold: always in a short run, now and then in a
         * long one. */
        if (sim->n_events < 20000 || sim->n_events % 64 == 0)
            kv_cache_check(w->cache);
        BUG_IF(worker_kv_used(w) + kv_cache_inactive(w->cache) > w->kv_blocks);
    }
    BUG_IF(n_waiting != w->waiting.n + w->arrived.n || n_running != w->running.n ||
           n_incoming != w->incoming.n);
    BUG_IF(n_transfers != w->n_transfers || n_held != w->n_held);
    BUG_IF(queued.prefill.tok != w->queued.prefill.tok ||
           queued.decode.tok != w->queued.decode.tok ||
           w->queued.prefill.n + w->queued.decode.n != n_waiting + n_transfers + n_incoming);
    BUG_IF(n_decode != w->n_decode || n_decode != w->n_finish || context != w->context_sum_tok);
    BUG_IF(n_running > engine->max_num_seqs);
    const struct rank_load *noted = worker_rank_load(w);
    BUG_IF(load.n_requests != noted->n_requests || load.prompt_tok != noted->prompt_tok ||
           load.prompt_blocks != noted->prompt_blocks);
    BUG_IF(w->kind == STEP_RUN && w->n_decode > 0 &&
           (w->finish[0].step < w->step + w->leader->run.n_steps - w->run_committed));
    bool is_longest = w->n_finish == 0;
    for (uint32_t i = 0; w->longest_known && i < w->n_finish; i++) {
        BUG_IF(finish_ahead(&w->finish[i]) > w->longest_ahead);
        is_longest = is_longest || finish_ahead(&w->finish[i]) == w->longest_ahead;
    }
    BUG_IF(w->longest_known && !is_longest);
    BUG_IF(w->kind == STEP_RUN && w->run_committed &&
           w->decoded_ns != decode_run_end_ns(&w->leader->run, w->run_committed));
}
