/* What a run tells its observer while it goes. The simulator knows no output format; reports/
 * implements this. Records are values, valid during the call. A NULL function is not called. Every
 * offered request gives exactly one request record, when it ends (or at the end of the run). */
#ifndef RECORD_OBSERVER_H
#define RECORD_OBSERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "planner/arbiter.h"
#include "planner/policy.h"
#include "record/parts.h"
#include "util/status.h"

/* identifier, text in outputs, meaning */
#define OUTCOME_MAP(XX)                                                                            \
    XX(COMPLETED, "completed", "all output tokens came out")                                       \
    XX(LOST, "lost", "was on a worker that was terminated, and not retried")                       \
    XX(REJECTED, "rejected", "can never fit an engine's limits")                                   \
    XX(UNFINISHED, "unfinished", "still in flight when the run ended")                             \
    XX(TIMED_OUT, "timed_out", "its client gave up waiting")

enum outcome {
#define XX(id, name, text) OUTCOME_##id,
    OUTCOME_MAP(XX)
#undef XX
        N_OUTCOMES
};
const char *outcome_name(enum outcome o);

#define NO_WORKER UINT32_MAX
#define NO_NODE UINT32_MAX

/* Times are ns on the run's clock, -1 = did not happen. */
struct request_record {
    size_t deployment; /* index: the one that it came to */
    size_t decode_in;  /* the other, counted from 1, whose worker decodes it; 0 = none but that */
    uint64_t index;    /* 0-based position in the trace */
    bool measured;     /* arrived in the measured span */
    enum outcome outcome;
    uint32_t isl_tok, osl_tok; /* as in the trace */
    uint32_t n_output_tok;     /* tokens that came out */
    uint32_t n_attempts;       /* 1 + retries */
    uint32_t n_preemptions;
    uint32_t cached_tok;             /* prompt tokens found in the prefix cache at admission */
    uint32_t prefill_worker, worker; /* prefill pool; decode or agg pool; NO_WORKER = none */
    int64_t arrival_ns;
    int64_t scheduled_ns;    /* start of the step that first computed a part of it */
    int64_t prefill_done_ns; /* end of the step that completed the prompt */
    int64_t first_token_ns, second_token_ns, last_token_ns;
    int64_t end_ns;                    /* when the record was made */
    const struct request_parts *parts; /* where its time went; NULL = the run does not keep it */
    int64_t ttft_target_ns, tpot_target_ns; /* of its own; 0 = those of its deployment */
};

/* The deployment whose worker decodes it. */
static inline size_t request_decode_deployment(const struct request_record *q)
{
    return q->decode_in ? q->decode_in - 1 : q->deployment;
}

/* identifier, text in outputs, meaning */
#define WORKER_END_MAP(XX)                                                                         \
    XX(CANCELLED, "cancelled", "called off before it was ready")                                   \
    XX(DRAINED, "drained", "had no request left")                                                  \
    XX(KILLED, "killed", "taken away with what it had: its grace was over, or it got none")        \
    XX(FAILED, "failed", "failed while it started or served")                                      \
    XX(NODE, "node", "its node failed or was reclaimed")                                           \
    XX(RUN, "run", "the run ended before it did")

enum worker_end {
#define XX(id, name, text) WORKER_END_##id,
    WORKER_END_MAP(XX)
#undef XX
        N_WORKER_ENDS
};
const char *worker_end_name(enum worker_end end);

/* The life of one worker, told when it ends (or at the end of the run, in order of pool and id).
 * Times are ns, -1 = did not happen. */
struct worker_record {
    size_t deployment, pool; /* indices */
    uint32_t id;             /* within its pool */
    uint32_t node;           /* first node it had GPUs on; NO_NODE */
    int64_t wanted_ns;       /* the decision; those of time 0: 0 */
    int64_t start_ns;        /* it was given its GPUs */
    int64_t ready_ns;        /* routable */
    int64_t drain_ns;        /* began to drain; taken back into service, -1 again */
    int64_t end_ns;
    enum worker_end end;
    uint64_t n_finished; /* requests that got on it what they came for: their prompt computed, on a
                            worker of the prefill pool; else their last token */
    uint64_t n_lost;     /* attempts of requests that it took along */
    int64_t busy_ns;     /* a step ran, or was cut short */
};

/* What a worker, or a data-parallel rank of it, computed without a break: one step, or decode steps
 * of an unchanged batch. Told when it is over, of what was still in it then: nothing where all of
 * it was given up meanwhile, or where a rank only runs along with the others. */
struct step_record {
    size_t deployment, pool; /* indices */
    uint32_t worker, rank;   /* worker: its id */
    int64_t start_ns, end_ns;
    uint32_t n_steps;
    uint32_t n_decode;             /* sequences that decoded */
    uint32_t n_chunks, prompt_tok; /* pieces of prompts, and their tokens */
    bool cut; /* the last step did not end: its worker was taken away, or the run was over */
};

/* One timeline sample per pool. */
struct sample_record {
    int64_t at_ns;
    size_t deployment, pool; /* indices */
    const char *pool_name;
    int target, ready, starting, draining;
    int pending; /* of those starting: waiting for GPUs */
    /* Requests, on average since the previous sample (in the first one: now): with a worker or in
     * line for one, but not in its batch; in its batch. */
    double n_waiting, n_running;
    double
        kv_utilization; /* used blocks / blocks of ready and draining workers; 0 without workers */
    /* Whole deployment, over the time since the previous sample; the same in every pool's row. One
     * at time 0 is of no time, and what arrives then is in the next. */
    struct traffic_window traffic;
};

/* One policy call that was worth reporting. */
struct decision_record {
    int64_t at_ns;
    size_t deployment; /* index */
    uint64_t number;   /* from 0 */
    size_t n_pools;
    const char *pool_names[POLICY_MAX_POOLS];
    struct pool_counts counts[POLICY_MAX_POOLS]; /* before the decision */
    const struct policy_effects *effects;
    /* With an arbiter and a request: what it made of it, and the targets that are left. */
    bool arbitrated;
    enum grant grant;
    int granted[POLICY_MAX_POOLS];
    /* What the actuator did. */
    int started[POLICY_MAX_POOLS], cancelled[POLICY_MAX_POOLS], drained[POLICY_MAX_POOLS],
        terminated[POLICY_MAX_POOLS];
};

/* What the pool is to have from then on. */
static inline int decision_target(const struct decision_record *c, size_t pool)
{
    if (!c->effects->scale)
        return c->counts[pool].target;
    return c->arbitrated ? c->granted[pool] : c->effects->target[pool];
}

/* What an arbiter grants a deployment: told at every request of the one that asks, and of the
 * others whose targets change with it, in their order, when it is done. */
struct grant_record {
    int64_t at_ns;
    size_t deployment; /* index */
    size_t asker;      /* index; ARBITER_NOBODY: other nodes are there */
    enum grant grant;
    size_t n_pools;
    int wanted[POLICY_MAX_POOLS];                            /* what counts of its wishes */
    int before[POLICY_MAX_POOLS], granted[POLICY_MAX_POOLS]; /* targets */
};

/* One attainment window (fixed length, aligned to the start of the measured span). */
struct window_record {
    int64_t start_ns, end_ns;
    struct traffic_window traffic;
    uint64_t n_waited;      /* requests that were without their first token at some time in it */
    uint64_t n_first_token; /* requests whose first token came in it */
    size_t deployment;      /* index */
};

/* identifier, text in events.jsonl, order at one instant is the order they are reported in */
#define EVENT_KIND_MAP(XX)                                                                         \
    XX(ARRIVE, "arrive")                                                                           \
    XX(ROUTE, "route")                                                                             \
    XX(REJECT, "reject")                                                                           \
    XX(ADMIT, "admit")                                                                             \
    XX(PREEMPT, "preempt")                                                                         \
    XX(PREFILL_DONE, "prefill_done")                                                               \
    XX(TRANSFER_START, "transfer_start")                                                           \
    XX(TRANSFER_DONE, "transfer_done")                                                             \
    XX(FIRST_TOKEN, "first_token")                                                                 \
    XX(FINISH, "finish")                                                                           \
    XX(LOSE, "lose")                                                                               \
    XX(RETRY, "retry")                                                                             \
    XX(TIMEOUT, "timeout")                                                                         \
    XX(WORKER_PENDING, "worker_pending")                                                           \
    XX(WORKER_START, "worker_start")                                                               \
    XX(WORKER_READY, "worker_ready")                                                               \
    XX(WORKER_DRAIN, "worker_drain")                                                               \
    XX(WORKER_CALL_BACK, "worker_call_back")                                                       \
    XX(WORKER_FAIL, "worker_fail")                                                                 \
    XX(WORKER_STOP, "worker_stop")                                                                 \
    XX(NODE_FAIL, "node_fail")                                                                     \
    XX(NODE_NOTICE, "node_notice")                                                                 \
    XX(NODE_LEAVE, "node_leave")                                                                   \
    XX(NODE_BACK, "node_back")

enum event_kind {
#define XX(id, name) EVENT_##id,
    EVENT_KIND_MAP(XX)
#undef XX
};
const char *event_kind_name(enum event_kind kind);

struct event_record {
    int64_t at_ns;
    enum event_kind kind;
    uint64_t request;  /* trace index, or UINT64_MAX */
    size_t pool;       /* index, or SIZE_MAX */
    uint32_t worker;   /* id, or NO_WORKER */
    uint32_t node;     /* of a node or of a worker's start; NO_NODE */
    size_t deployment; /* index; SIZE_MAX: of a node, whoever has it */
};

struct sim_progress {
    double share;   /* of the trace, 0 to 1 */
    int64_t now_ns; /* simulated */
    uint64_t n_offered;
};

struct observer {
    void *context;
    bool wants_parts; /* requests are told with their parts */
    /* A failing callback ends the run with its status. */
    enum status (*request)(void *context, const struct request_record *r, struct diag *d);
    enum status (*sample)(void *context, const struct sample_record *s, struct diag *d);
    enum status (*decision)(void *context, const struct decision_record *r, struct diag *d);
    enum status (*grant)(void *context, const struct grant_record *g, struct diag *d);
    enum status (*window)(void *context, const struct window_record *w, struct diag *d);
    enum status (*worker)(void *context, const struct worker_record *w, struct diag *d);
    enum status (*step)(void *context, const struct step_record *s, struct diag *d);
    enum status (*event)(void *context, const struct event_record *e, struct diag *d);
    /* Called now and then (every hundred or so instants at which something happens). ST_END: the
     * run ends here, with its requests as they are. */
    enum status (*progress)(void *context, const struct sim_progress *p, struct diag *d);
};

#endif
