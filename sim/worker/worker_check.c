/* What has to hold of a worker after every event, counted anew. Called in checked builds. */
#include "sim/worker/worker.h"

#include "sim/worker/decode_set.h"
#include "sim/worker/worker_kv.h"

/* What requests in flight add up to. */
struct recount {
    uint64_t blocks, context;
    struct rank_load load;
    struct queued_work queued;
    uint32_t n_waiting, n_running, n_decode, n_transfers, n_held, n_incoming;
};

static void count_bound(struct recount *c, const struct worker *w, const struct request *r)
{
    c->load.n_requests++;
    c->load.prompt_blocks += r->isl_tok / worker_block_size(w);
    c->n_waiting += r->state == REQUEST_WAITING;
    c->n_running += r->state == REQUEST_PREFILL || r->state == REQUEST_DECODE;
    c->n_transfers += r->state == REQUEST_TRANSFER;
    c->n_incoming += r->state == REQUEST_HANDOFF;
    if (r->state == REQUEST_HANDOFF ||
        (r->state == REQUEST_WAITING && !r->handed_over && !r->preempted))
        c->queued.prefill.tok += r->isl_tok;
    else if (r->state == REQUEST_WAITING || r->state == REQUEST_TRANSFER)
        c->queued.decode.tok += r->preempted ? r->target_tok : r->isl_tok;
    if (r->state == REQUEST_DECODE) {
        uint32_t covered = decode_covered_tok(w, r);
        BUG_IF(r->finish_step <= w->step);
        c->blocks +=
            blocks_from_tok(covered + decode_in_step(w), worker_block_size(w)) - r->hold.shared;
        c->context += covered + 1;
        c->n_decode++;
    } else {
        c->blocks += r->kv_blocks - r->hold.shared;
    }
    if (r->first_token_ns < 0 && !r->handed_over &&
        (r->state == REQUEST_WAITING || r->state == REQUEST_PREFILL))
        c->load.prompt_tok += r->isl_tok;
}

static struct recount recount(const struct request_table *t, const struct worker *w)
{
    struct recount c = {0};
    uint32_t n_left = t->n_used; /* slots are taken from below, so those that are used come early */
    for (uint32_t id = 0; n_left > 0; id++) {
        BUG_IF(id == t->capacity);
        const struct request *r = &t->slot[id];
        if (r->state == REQUEST_FREE)
            continue;
        n_left--;
        if (r->source_slot == w->slot && r->home == w->pool->deployment->index) {
            c.n_held++;
            c.blocks += r->source_blocks - r->source_hold.shared;
        }
        if (r->worker_slot == w->slot && r->deployment == w->pool->deployment->index)
            count_bound(&c, w, r);
    }
    return c;
}

static void check_blocks(const struct sim *sim, const struct worker *w, uint64_t blocks)
{
    BUG_IF(blocks != w->kv_private);
    BUG_IF(worker_kv_used(w) > w->kv_blocks);
    if (!w->cache)
        return;
    /* A walk over what all caches of the pool hold: always in a short run, now and then in a long
     * one. */
    if (sim->n_events < 20000 || sim->n_events % 64 == 0)
        kv_cache_check(w->cache);
    BUG_IF(worker_kv_used(w) + kv_cache_inactive(w->cache) > w->kv_blocks);
}

static void check_requests(const struct worker *w, const struct recount *c)
{
    BUG_IF(c->n_waiting != w->waiting.n + w->arrived.n || c->n_running != w->running.n ||
           c->n_incoming != w->incoming.n);
    BUG_IF(c->n_transfers != w->n_transfers || c->n_held != w->n_held);
    BUG_IF(c->queued.prefill.tok != w->queued.prefill.tok ||
           c->queued.decode.tok != w->queued.decode.tok ||
           w->queued.prefill.n + w->queued.decode.n !=
               c->n_waiting + c->n_transfers + c->n_incoming);
    BUG_IF(c->n_decode != w->n_decode || c->n_decode != w->n_finish ||
           c->context != w->context_sum_tok);
    BUG_IF(c->n_running > w->pool->config->engine.max_num_seqs);
    const struct rank_load *noted = worker_rank_load(w);
    BUG_IF(c->load.n_requests != noted->n_requests || c->load.prompt_tok != noted->prompt_tok ||
           c->load.prompt_blocks != noted->prompt_blocks);
}

static void check_run(const struct worker *w)
{
    bool is_longest = w->n_finish == 0;
    BUG_IF(w->kind == STEP_RUN && w->n_decode > 0 &&
           (w->finish[0].step < w->step + w->leader->run.n_steps - w->run_committed));
    for (uint32_t i = 0; w->longest_known && i < w->n_finish; i++) {
        BUG_IF(finish_ahead(&w->finish[i]) > w->longest_ahead);
        is_longest = is_longest || finish_ahead(&w->finish[i]) == w->longest_ahead;
    }
    BUG_IF(w->longest_known && !is_longest);
    BUG_IF(w->kind == STEP_RUN && w->run_committed &&
           w->decoded_ns != decode_run_end_ns(&w->leader->run, w->run_committed));
}

void worker_check(const struct sim *sim, const struct worker *w)
{
    const struct request_table *t = &sim->requests;
    /* A walk over all requests in flight: where they are many, now and then. */
    if (sim->n_events % (1 + t->n_used / 512))
        return;
    const struct recount c = recount(t, w);
    check_blocks(sim, w, c.blocks);
    check_requests(w, &c);
    check_run(w);
}
