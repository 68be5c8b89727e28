/* What the parts of one request say of why it missed. */
#include <string.h>

#include "reports/causes/causes_internal.h"
#include "util/bug.h"

/* Parts that come from one thing are weighed together. */
enum group {
    GROUP_OWN, /* its own work: not weighed */
    GROUP_LINE,
    GROUP_NETWORK,
    GROUP_LOSS,
    GROUP_FRONTEND,
    GROUP_SHARED,
    GROUP_DECODE_PROMPTS,
    GROUP_DECODE_RANKS,
    GROUP_PREEMPTED,
    GROUP_STREAM,
    N_GROUPS
};

static const struct {
    enum group group;
    enum cause cause;
} parts[N_REQUEST_PARTS] = {
    [PART_FRONTEND] = {GROUP_FRONTEND, CAUSE_FRONTEND},
    [PART_ROUTER] = {GROUP_LINE, CAUSE_ROUTER},
    [PART_NO_WORKER] = {GROUP_LINE, CAUSE_NO_WORKER},
    [PART_STARTUP] = {GROUP_LINE, CAUSE_STARTUP},
    [PART_GPUS] = {GROUP_LINE, CAUSE_GPUS_MISSING},
    [PART_QUEUE] = {GROUP_LINE, CAUSE_QUEUE},
    [PART_KV_ROOM] = {GROUP_LINE, CAUSE_KV_ROOM},
    [PART_BATCH_FULL] = {GROUP_LINE, CAUSE_BATCH_FULL},
    [PART_PREFILL] = {GROUP_OWN, CAUSE_PREFILL},
    [PART_PREFILL_SHARED] = {GROUP_SHARED, CAUSE_PREFILL_SHARED},
    [PART_DECODE_ROOM] = {GROUP_LINE, CAUSE_DECODE_ROOM},
    [PART_LINK] = {GROUP_NETWORK, CAUSE_LINK},
    [PART_TRANSFER] = {GROUP_OWN, CAUSE_TRANSFER},
    [PART_DECODE] = {GROUP_OWN, CAUSE_DECODE},
    [PART_DECODE_PROMPTS] = {GROUP_DECODE_PROMPTS, CAUSE_DECODE_PROMPTS},
    [PART_DECODE_RANKS] = {GROUP_DECODE_RANKS, CAUSE_DECODE_RANKS},
    [PART_PREEMPTED] = {GROUP_PREEMPTED, CAUSE_PREEMPTED},
    [PART_STREAM] = {GROUP_STREAM, CAUSE_STREAM},
    [PART_BACKOFF] = {GROUP_LOSS, CAUSE_BACKOFF},
    [PART_LOST] = {GROUP_LOSS, CAUSE_LOST},
};

/* The stretch of time in which it missed. */
struct stretch {
    enum miss_kind kind;
    int64_t length_ns, allowed_ns;
    int64_t parts_ns[N_REQUEST_PARTS];
};

static struct stretch first_token_of(const struct request_record *q,
                                     const struct cause_targets *targets)
{
    bool came = q->first_token_ns >= 0;
    struct stretch s = {
        .kind = MISSED_TTFT,
        .length_ns = (came ? q->first_token_ns : q->end_ns) - q->arrival_ns,
        .allowed_ns = targets->ttft_ns,
    };

    memcpy(s.parts_ns, came ? q->parts->ttft_ns : q->parts->e2e_ns, sizeof s.parts_ns);
    return s;
}

/* Of one that ended early: with the gap that it was in. */
static struct stretch tokens_of(const struct request_record *q, const struct cause_targets *targets)
{
    bool completed = q->outcome == OUTCOME_COMPLETED;
    int64_t n_gaps = (int64_t)q->n_output_tok - completed;
    struct stretch s = {.kind = MISSED_TPOT};

    if (q->first_token_ns < 0 || n_gaps < 1)
        return s;
    s.length_ns = (completed ? q->last_token_ns : q->end_ns) - q->first_token_ns;
    s.allowed_ns = n_gaps * targets->tpot_ns;
    for (int i = 0; i < N_REQUEST_PARTS; i++) {
        int64_t ns = q->parts->e2e_ns[i] - q->parts->ttft_ns[i];
        s.parts_ns[i] = ns > 0 ? ns : 0; /* tokens sent together come earlier than they are made */
    }
    return s;
}

static bool missed(const struct stretch *s)
{
    return s->length_ns > s->allowed_ns;
}

static double times_allowed(const struct stretch *s)
{
    return (double)s->length_ns / (s->allowed_ns > 0 ? (double)s->allowed_ns : 1);
}

static enum request_part largest_of(const int64_t *ns, enum group group)
{
    enum request_part largest = N_REQUEST_PARTS;

    for (int i = 0; i < N_REQUEST_PARTS; i++) {
        if (parts[i].group == group && (largest == N_REQUEST_PARTS || ns[i] > ns[largest]))
            largest = (enum request_part)i;
    }
    return largest;
}

/* Of what it needs by itself, if that is more than it may take; N_REQUEST_PARTS: it is not. What
 * moves its KV is weighed together. */
static enum request_part blame_own(const struct stretch *s)
{
    enum request_part engine = s->kind == MISSED_TTFT ? PART_PREFILL : PART_DECODE;
    int64_t engine_ns = s->parts_ns[engine], transfer_ns = s->parts_ns[PART_TRANSFER],
            link_ns = s->parts_ns[PART_LINK];

    if (engine_ns > s->allowed_ns)
        return engine;
    if (engine_ns + transfer_ns <= s->allowed_ns)
        return N_REQUEST_PARTS;
    if (engine_ns > transfer_ns + link_ns)
        return engine;
    return link_ns > transfer_ns ? PART_LINK : PART_TRANSFER;
}

/* The part that names the cause. */
static enum request_part blame(const struct stretch *s)
{
    enum request_part own = blame_own(s);
    int64_t groups_ns[N_GROUPS] = {0};
    enum group largest = GROUP_OWN;

    if (own != N_REQUEST_PARTS)
        return own;
    for (int i = 0; i < N_REQUEST_PARTS; i++)
        groups_ns[parts[i].group] += s->parts_ns[i];
    groups_ns[GROUP_OWN] = 0;
    for (int g = 0; g < N_GROUPS; g++) {
        if (groups_ns[g] > groups_ns[largest])
            largest = (enum group)g;
    }
    return largest_of(s->parts_ns, largest);
}

static int64_t wait_end_ns(const struct pool_wait *w, const struct request_record *q)
{
    return w->to_ns >= 0 ? w->to_ns : q->end_ns;
}

/* The pool it waited longest for. */
static size_t waited_for(const struct request_record *q, const struct cause_targets *targets)
{
    int64_t longest_ns = -1;
    size_t pool = 0;

    for (size_t p = 0; p < targets->n_pools; p++) {
        const struct pool_wait *w = &q->parts->waits[p];
        if (w->from_ns < 0 || wait_end_ns(w, q) - w->from_ns <= longest_ns)
            continue;
        longest_ns = wait_end_ns(w, q) - w->from_ns;
        pool = p;
    }
    return pool;
}

static void note_wait(struct miss *m, const struct request_record *q, const struct stretch *s,
                      size_t pool)
{
    const struct pool_wait *w = &q->parts->waits[pool];

    m->v.pool = (uint8_t)pool;
    if (w->from_ns < 0)
        return;
    m->look_again = m->in_line = true;
    m->gpus = s->parts_ns[PART_GPUS] > s->parts_ns[PART_STARTUP];
    m->from_ns = w->from_ns;
    m->to_ns = wait_end_ns(w, q);
    m->backlog_ns = w->backlog_ns;
    if (m->v.cause == CAUSE_QUEUE && w->ahead_request != UINT64_MAX) {
        m->may_be_ahead = w->ahead_ns * 2 >= m->to_ns - m->from_ns;
        m->v.ahead_tok = w->ahead_tok;
        m->ahead_ns = w->ahead_ns;
    }
}

/* What it shared its steps with is the end of what it waited for. */
static void note_shared_with(struct miss *m, const struct request_record *q,
                             const struct stretch *s)
{
    const struct pool_wait *w = &q->parts->waits[0];

    if (w->from_ns < 0 || w->ahead_request == UINT64_MAX)
        return;
    int64_t wait_ns = wait_end_ns(w, q) - w->from_ns;
    m->may_be_ahead = w->ahead_ns * 2 >= wait_ns && wait_ns * 2 >= s->parts_ns[PART_PREFILL_SHARED];
    m->v.ahead_tok = w->ahead_tok;
}

/* It was in steps with others all that time. */
static void note_shared(struct miss *m, const struct request_record *q, const struct stretch *s,
                        size_t pool)
{
    m->v.pool = (uint8_t)pool;
    m->look_again = true;
    m->from_ns = s->kind == MISSED_TTFT ? q->arrival_ns : q->first_token_ns;
    m->to_ns = m->from_ns + s->length_ns;
}

static void explain(struct miss *m, const struct request_record *q, const struct stretch *s,
                    const struct cause_targets *targets)
{
    size_t last = targets->n_pools - 1;
    enum request_part part = blame(s);

    m->v.kind = s->kind;
    m->v.excess_ns = s->length_ns - s->allowed_ns;
    m->v.cause = parts[part].cause;
    switch (parts[part].group) {
    case GROUP_LINE:
        note_wait(m, q, s, part == PART_DECODE_ROOM ? last : waited_for(q, targets));
        break;
    case GROUP_OWN: /* also where nothing else is left */
        m->v.pool = part == PART_PREFILL ? 0 : (uint8_t)last;
        if (part == PART_DECODE && s->kind == MISSED_TPOT)
            note_shared(m, q, s, last);
        break;
    case GROUP_SHARED:
        note_shared(m, q, s, 0);
        note_shared_with(m, q, s);
        break;
    case GROUP_DECODE_PROMPTS:
    case GROUP_PREEMPTED:
        note_shared(m, q, s, last);
        break;
    case GROUP_NETWORK:
    case GROUP_DECODE_RANKS:
        m->v.pool = (uint8_t)last;
        break;
    case GROUP_LOSS:
    case GROUP_FRONTEND:
    case GROUP_STREAM:
    case N_GROUPS:
        break;
    }
}

bool miss_of(struct miss *m, const struct request_record *q, const struct cause_targets *targets)
{
    *m = (struct miss){
        .v = {.kind = MISSED_ALL,
              .pool = CAUSE_NO_POOL,
              .isl_tok = q->isl_tok,
              .osl_tok = q->osl_tok,
              .arrival_ns = q->arrival_ns,
              .late_first_ns = -1,
              .slow_last_ns = -1,
              .late_ns = -1},
        .backlog_ns = -1,
    };
    if (!q->measured)
        return false;
    BUG_IF(!q->parts);
    if (q->outcome == OUTCOME_REJECTED || q->outcome == OUTCOME_LOST) {
        m->v.cause = q->outcome == OUTCOME_LOST ? CAUSE_LOST : CAUSE_REJECTED;
        return true;
    }
    struct stretch first = first_token_of(q, targets), tokens = tokens_of(q, targets);
    if (missed(&first) && q->first_token_ns >= 0)
        m->v.late_first_ns = q->first_token_ns;
    if (missed(&tokens) && q->outcome == OUTCOME_COMPLETED)
        m->v.slow_last_ns = q->last_token_ns;
    bool by_tokens =
        missed(&tokens) && (!missed(&first) || times_allowed(&tokens) > times_allowed(&first));
    if (by_tokens || missed(&first)) {
        explain(m, q, by_tokens ? &tokens : &first, targets);
        return true;
    }
    m->v.cause = q->outcome == OUTCOME_TIMED_OUT ? CAUSE_TIMED_OUT : CAUSE_RUN_END;
    return q->outcome != OUTCOME_COMPLETED;
}
