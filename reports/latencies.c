#include "reports/latencies.h"

#include "util/bug.h"

static int64_t between(int64_t from_ns, int64_t to_ns)
{
    if (from_ns < 0 || to_ns < 0)
        return -1;
    BUG_IF(to_ns < from_ns);
    return to_ns - from_ns;
}

struct request_latencies request_latencies(const struct request_record *q, int64_t ttft_target_ns,
                                           int64_t tpot_target_ns)
{
    bool completed = q->outcome == OUTCOME_COMPLETED;
    ttft_target_ns = q->ttft_target_ns ? q->ttft_target_ns : ttft_target_ns;
    tpot_target_ns = q->tpot_target_ns ? q->tpot_target_ns : tpot_target_ns;
    struct request_latencies l = {
        .ttft = between(q->arrival_ns, q->first_token_ns),
        .ttst = between(q->first_token_ns, q->second_token_ns),
        .e2e = completed ? between(q->arrival_ns, q->last_token_ns) : -1,
        .decode = between(q->first_token_ns, q->last_token_ns),
    };
    if (l.decode >= 0 && q->n_output_tok > 1)
        l.n_gaps = (int64_t)q->n_output_tok - 1;
    l.ttft_ok = completed && l.ttft <= ttft_target_ns;
    /* Rounded up, the quotient is above the target exactly when the fraction is. */
    l.tpot_ok =
        completed && (l.n_gaps == 0 || (l.decode + l.n_gaps - 1) / l.n_gaps <= tpot_target_ns);
    return l;
}

int64_t request_tpot_ns(const struct request_latencies *l)
{
    return l->n_gaps > 0 ? (l->decode + l->n_gaps / 2) / l->n_gaps : -1;
}
