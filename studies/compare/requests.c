#include <string.h>

#include "studies/compare/compare_internal.h"

const char *compare_miss_name(size_t miss)
{
    static const char *const names[MISS_OUTCOME] = {"ttft", "tpot", "ttft_and_tpot"};

    return miss < MISS_OUTCOME ? names[miss] : outcome_name((enum outcome)(miss - MISS_OUTCOME));
}

/* Of a request that is not good. The TPOT of the file is rounded, so that one that is above its
 * target by less may look as if it kept it. */
static size_t miss_of(const struct recorded_request *q, const struct recorded *run)
{
    if (q->outcome != OUTCOME_COMPLETED)
        return MISS_OUTCOME + (size_t)q->outcome;
    if (q->ttft_ns <= recorded_ttft_target(q, run))
        return MISS_TPOT;
    return q->tpot_ns > recorded_tpot_target(q, run) ? MISS_BOTH : MISS_TTFT;
}

/* By how much a request got worse: one that did not complete more than any that did. */
static int64_t loss(const struct recorded_request *a, const struct recorded_request *b)
{
    return b->outcome == OUTCOME_COMPLETED ? b->ttft_ns - a->ttft_ns : INT64_MAX;
}

static void keep_if_worst(struct compare_requests *r, const struct recorded_request *a,
                          const struct recorded_request *b)
{
    size_t at = r->n_worst;

    while (at > 0 && loss(a, b) > loss(r->worst[at - 1].a, r->worst[at - 1].b))
        at--;
    if (at == COMPARE_MAX_WORST)
        return;
    if (r->n_worst < COMPARE_MAX_WORST)
        r->n_worst++;
    memmove(&r->worst[at + 1], &r->worst[at], (r->n_worst - 1 - at) * sizeof *r->worst);
    r->worst[at].a = a;
    r->worst[at].b = b;
}

static void count_cause(uint64_t n[N_CAUSES], const struct compare_run *run,
                        const struct recorded_request *q)
{
    enum cause cause;

    if (compare_cause(&cause, run, q))
        n[cause]++;
}

static void add(struct compare_requests *r, const struct recorded_request *a,
                const struct recorded_request *b, const struct compare_pair *pair)
{
    r->n++;
    if (a->good && b->good) {
        r->n_good++;
    } else if (a->good) {
        r->n_worse++;
        r->worse_by[miss_of(b, &pair->b->recorded)]++;
        count_cause(r->worse_causes, pair->b, b);
        keep_if_worst(r, a, b);
    } else if (b->good) {
        r->n_better++;
        r->better_by[miss_of(a, &pair->a->recorded)]++;
        count_cause(r->better_causes, pair->a, a);
    } else {
        r->n_missed++;
    }
}

/* By their row of the trace. Where one is another request in both, so are all: nothing is matched.
 */
void compare_requests(struct compare_pair *pair)
{
    const struct recorded *a = &pair->a->recorded, *b = &pair->b->recorded;
    struct compare_requests result = {.matched = true};

    for (size_t i = 0, j = 0; i < a->n_requests && j < b->n_requests;) {
        const struct recorded_request *p = &a->requests[i], *q = &b->requests[j];
        i += p->index <= q->index;
        j += q->index <= p->index;
        if (p->index != q->index)
            continue;
        if (p->input_tok != q->input_tok || p->output_tok != q->output_tok) {
            pair->requests = (struct compare_requests){.matched = false};
            return;
        }
        if (p->measured && q->measured)
            add(&result, p, q, pair);
    }
    pair->requests = result;
}
