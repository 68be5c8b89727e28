#include "sim/worker/passes.h"

#include "sim/worker/worker.h"

/* Without a record for so long, a publisher sends a heartbeat. */
#define HEARTBEAT_NS NS_PER_S

/* ---- the line ---- */

static struct queue_count *count_of(struct worker *w, const struct request *r)
{
    bool prompt = r->state == REQUEST_HANDOFF ||
                  (r->state == REQUEST_WAITING && !r->handed_over && !r->preempted);
    return prompt ? &w->queued.prefill : &w->queued.decode;
}

static uint32_t queued_tok(const struct request *r)
{
    return r->preempted ? r->target_tok : r->isl_tok;
}

void passes_queue_joined(struct worker *w, const struct request *r)
{
    struct queue_count *count = count_of(w, r);
    count->n++;
    count->tok += queued_tok(r);
}

void passes_queue_left(struct worker *w, const struct request *r)
{
    struct queue_count *count = count_of(w, r);
    BUG_IF(count->n == 0 || count->tok < queued_tok(r));
    count->n--;
    count->tok -= queued_tok(r);
}

/* ---- steps ---- */

/* KV that is there when a step begins: a sequence's context without the token that is computed.
 * Those handed over make their first token with it; vLLM counts them as prompts of one token. */
static void note_sequences(const struct sim *sim, struct worker *w, uint64_t context_sum_tok)
{
    struct last_pass *p = &w->pass;
    uint32_t n_first = w->first_next.n;
    p->n_decode = w->n_decode - n_first;
    p->decode_kv_tok = context_sum_tok - w->n_decode;
    p->n_prefill = p->prefill_tok = n_first;
    p->prefill_kv_tok = 0;
    for (uint32_t i = 0; i < n_first; i++)
        p->prefill_kv_tok += sim->requests.slot[w->first_next.id[i]].isl_tok - 1;
    p->decode_kv_tok -= p->prefill_kv_tok;
}

static void note_step_of_run(const struct sim *sim, struct worker *w, uint32_t n)
{
    struct decode_run *run = &w->leader->run;
    struct last_pass *p = &w->pass;
    if (n <= p->n_noted)
        return;
    /* The worker's sums are those of the step after the last that is committed. */
    int64_t ahead = (int64_t)n - w->run_committed - 1;
    p->n_noted = n;
    p->end_ns = decode_run_end_ns(run, n);
    p->wall_ns = p->end_ns - decode_run_end_ns(run, n - 1);
    p->queued = w->queued;
    note_sequences(sim, w, (uint64_t)((int64_t)w->context_sum_tok + ahead * w->n_decode));
}

static void note_single(const struct sim *sim, struct worker *w)
{
    struct last_pass *p = &w->pass;
    p->end_ns = sim->now_ns;
    p->wall_ns = sim->now_ns - w->leader->step_start_ns;
    p->queued = w->queued;
    p->n_prefill = p->prefill_tok = p->prefill_kv_tok = p->n_decode = p->decode_kv_tok = 0;
    if (!w->decode_waits)
        note_sequences(sim, w, w->context_sum_tok);
    p->n_prefill += w->plan.n_chunks;
    for (uint32_t i = 0; i < w->plan.n_chunks; i++) {
        p->prefill_tok += w->plan.chunks[i].new_tok;
        p->prefill_kv_tok += w->plan.chunks[i].prefix_tok;
    }
}

/* A rank that runs along with the others has nothing scheduled, and publishes nothing. */
static bool scheduled(const struct worker *w)
{
    return w->plan.n_chunks || (w->n_decode && !w->decode_waits);
}

void passes_catch_up(const struct sim *sim, struct worker *w)
{
    if (w->kind == STEP_RUN && w->n_decode && passes_kept(w->pool->deployment))
        note_step_of_run(sim, w, decode_run_steps_by(&w->leader->run, sim->now_ns));
}

void passes_run_begins(struct worker *w)
{
    w->pass.n_noted = 0;
}

void passes_step_ends(const struct sim *sim, struct worker *w)
{
    if (!passes_kept(w->pool->deployment) || !scheduled(w))
        return;
    if (w->kind == STEP_RUN)
        note_step_of_run(sim, w, w->leader->run.n_steps);
    else
        note_single(sim, w);
}

struct fpm_record passes_newest(const struct sim *sim, const struct worker *w, uint32_t rank)
{
    const struct last_pass *p = &w->pass;
    struct fpm_record r = {.worker_id = w->leader->id, .dp_rank = rank};
    if (p->end_ns < 0 || sim->now_ns - p->end_ns >= HEARTBEAT_NS)
        return r;
    r.wall_s = s_from_ns(p->wall_ns);
    r.n_prefill = (double)p->n_prefill;
    r.prefill_tok = (double)p->prefill_tok;
    r.prefill_kv_tok = (double)p->prefill_kv_tok;
    r.n_decode = (double)p->n_decode;
    r.decode_kv_tok = (double)p->decode_kv_tok;
    r.n_queued_prefill = (double)p->queued.prefill.n;
    r.queued_prefill_tok = (double)p->queued.prefill.tok;
    r.n_queued_decode = (double)p->queued.decode.n;
    r.queued_decode_kv_tok = (double)p->queued.decode.tok;
    return r;
}
