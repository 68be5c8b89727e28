/* The causes of a run that was read back: by the same rules, out of the same records. */
#include <math.h>

#include "studies/recorded/recorded.h"
#include "util/bug.h"

struct request_record recorded_record(const struct recorded_request *q,
                                      const struct request_parts *parts)
{
    int64_t e2e_ns = 0;

    for (int k = 0; k < N_REQUEST_PARTS; k++)
        e2e_ns += parts->e2e_ns[k];
    return (struct request_record){
        .index = q->index,
        .measured = q->measured,
        .outcome = q->outcome,
        .isl_tok = q->input_tok,
        .osl_tok = q->output_tok,
        .n_output_tok = q->n_output_tok,
        .n_attempts = q->n_attempts,
        .n_preemptions = q->n_preemptions,
        .cached_tok = q->cached_tok,
        .prefill_worker = q->prefill_worker,
        .worker = q->worker,
        .arrival_ns = q->arrival_ns,
        .scheduled_ns = q->scheduled_ns,
        .prefill_done_ns = q->prefill_done_ns,
        .first_token_ns = q->first_token_ns,
        .second_token_ns = -1, /* not kept, and in no rule */
        .last_token_ns = q->last_token_ns,
        .end_ns = q->arrival_ns + e2e_ns,
        .parts = parts,
        .decode_in = q->decoded_elsewhere, /* which one, no rule asks */
        .ttft_target_ns = q->ttft_target_ns > 0 ? q->ttft_target_ns : 0,
        .tpot_target_ns = q->tpot_target_ns > 0 ? q->tpot_target_ns : 0,
    };
}

struct request_record recorded_request_record(const struct recorded *run, size_t i)
{
    BUG_IF(!run->parts);
    return recorded_record(&run->requests[i], &run->parts[i]);
}

static enum status add_decision(struct causes *causes, const struct recorded *run,
                                const struct recorded_decision *e, struct diag *d)
{
    enum status s = ST_OK;

    for (size_t p = 0; p < run->n_pools && !s; p++) {
        const struct recorded_pool_decision *pool = &e->pools[p];
        int64_t after = isnan(pool->applied) ? pool->target : (int64_t)pool->applied;
        s = causes_add_decision(causes, p, e->at_ns, pool->target, after,
                                isnan(pool->wanted) ? -1 : (int64_t)pool->wanted, d);
    }
    return s;
}

struct causes *recorded_causes_new(const struct recorded *run)
{
    const struct cause_targets targets = {run->ttft_target_ns, run->tpot_target_ns,
                                          recorded_n_waits(run), run->only_prefills};

    return causes_new(&targets);
}

enum status recorded_causes_finish(struct causes *causes, struct cause_summary *summary,
                                   const struct recorded *run, struct diag *d)
{
    enum status s = ST_OK;

    for (size_t i = 0; i < run->n_decisions && !s; i++)
        s = add_decision(causes, run, &run->decisions[i], d);
    for (size_t i = 0; i < run->n_workers && !s; i++)
        s = causes_add_worker(causes, &run->workers[i], d);
    return s ? s : causes_finish(causes, summary, d);
}

enum status recorded_causes(struct causes **causes, struct cause_summary *summary,
                            const struct recorded *run, struct diag *d)
{
    enum status s = ST_OK;

    *causes = recorded_causes_new(run);
    if (!*causes)
        return diag_nomem(d, "causes");
    for (size_t i = 0; i < run->n_requests && !s; i++) {
        const struct request_record q = recorded_request_record(run, i);
        s = causes_add_request(*causes, &q, d);
    }
    return s ? s : recorded_causes_finish(*causes, summary, run, d);
}
