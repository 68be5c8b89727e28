/* Why requests missed their targets: each missed request of the measured span gets one cause, out
 * of the parts of its time (record/parts.h), what its pool's policy decided and what became of its
 * workers. docs/causes.md says the same for users.
 *
 * A request has missed when it did not complete, or not within both targets. Where it missed both,
 * the one that it is further above (in proportion) is explained; one that ended early by how far it
 * had come.
 *
 * 1. Rejected: `rejected`. Lost and not sent again: `lost`. Ended by its client, or by the end of
 *    the run, before anything was late: `timed_out`, `run_end`.
 * 2. Its own work is blamed only where nothing else could have helped: a prompt that alone takes
 *    more than the TTFT target is `prefill`, decode steps that by themselves take more than the
 *    TPOT target are `decode`; where it takes the transfer of its KV to be too much, the larger of
 *    the two, with the wait for the link on the side of the transfer (`transfer`, `link`).
 * 3. Otherwise the largest of what could have been avoided. What comes from one thing is weighed
 *    together: all of the wait for a worker and in line on it; lost attempts and the pauses of the
 *    client. The largest part of those names the cause.
 * 4. A wait in line of which one prompt, longer than twice the mean, took half: `long_prompt`.
 *    So are the others in a backlog of which it took half, and steps shared after such a wait, if
 * they took at most twice as long.
 * 5. Any other wait for workers, and time in steps that are too long because of others (`decode`,
 *    `decode_prompts`, `prefill_shared`, `preempted`), gets a second look at the end of the run.
 *    Each moment from the beginning of the backlog to the end of the wait is one of: a failed
 * worker was not yet replaced (`failure`); workers were on their way (`startup`, `gpus_missing`
 * where they had no GPUs); the policy wanted more than it could get (`gpu_budget`); none of that
 * yet, and the last decision for more workers in this backlog still to come (`late_decision`). The
 *    longest decides, whichever of them the request itself was there for: it waits for those before
 *    it. Where what is left (the backlog goes down again) is longer than all of that together, the
 *    fleet was still too small. Then, and with none of that, the part keeps its name (`queue`,
 *    `kv_room`, ...).
 * 6. `scaled_down` takes the place of `startup` and `late_decision` where decisions took workers
 * away less than the time of a start before the backlog, and the pool was not made larger for it
 * than it had been, but for what went again soon after: had they stayed, nobody would have waited.
 * 7. Before that, `kv_room` and `decode_room` are followed to what holds the room: on prefill
 * workers prompts that are done (`link`, `transfer`, and of the decode pool `no_worker` or
 * `decode_room`), on decode workers those on their way. And where few sequences at a time have room
 * or places on a worker, and run much faster than they need to, `kv_room`, `decode_room` and
 * `batch_full` stay. */
#ifndef REPORTS_CAUSES_CAUSES_H
#define REPORTS_CAUSES_CAUSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "planner/policy.h"
#include "record/observer.h"
#include "util/status.h"

/* identifier, name in keys, what it means, what its requests did, what would have helped */
#define CAUSE_MAP(XX)                                                                              \
    XX(REJECTED, "rejected", "it could never fit an engine's limits", "could never fit an engine", \
       "a larger KV cache, or a limit on prompts at the door")                                     \
    XX(LOST, "lost", "its time went with workers that were taken away",                            \
       "were lost with their workers",                                                             \
       "workers that drain before they stop, and clients that send again")                         \
    XX(FAILURE, "failure", "workers had failed, and were not replaced yet",                        \
       "waited while failed workers were replaced", "a spare worker, or a faster start")           \
    XX(STARTUP, "startup", "workers that had been decided on were not ready",                      \
       "waited while workers started", "a faster start, or decisions as much earlier")             \
    XX(LATE_DECISION, "late_decision", "the decision for more workers had not been made",          \
       "waited before more workers were decided on",                                               \
       "decisions earlier by as much, and by the start that follows")                              \
    XX(SCALED_DOWN, "scaled_down", "workers had been taken away just before",                      \
       "waited after workers had been taken away", "slower or smaller steps down")                 \
    XX(GPU_BUDGET, "gpu_budget", "the policy wanted more workers than its budget allows",          \
       "waited for workers that the budget did not allow", "a larger budget")                      \
    XX(GPUS_MISSING, "gpus_missing", "workers that were decided on waited for GPUs",               \
       "waited while workers had no GPUs", "more GPUs in the cluster, or nodes that come sooner")  \
    XX(NO_WORKER, "no_worker", "there was no worker, and none on its way",                         \
       "waited without any worker", "a minimum of one worker")                                     \
    XX(QUEUE, "queue", "other prompts were in line before it: the fleet was too small",            \
       "queued behind other prompts", "more workers")                                              \
    XX(LONG_PROMPT, "long_prompt", "one long prompt was in line before it",                        \
       "queued behind one long prompt",                                                            \
       "chunked prefill, or workers of their own for long prompts")                                \
    XX(KV_ROOM, "kv_room", "there was no room for its KV on its worker", "waited for KV room",     \
       "more KV blocks per worker, or more workers")                                               \
    XX(BATCH_FULL, "batch_full", "the batch of its worker had no place",                           \
       "waited for a place in a batch", "a larger max_num_seqs, or more workers")                  \
    XX(PREFILL, "prefill", "its prompt alone takes longer than the target",                        \
       "have prompts that alone take too long",                                                    \
       "a faster engine for prompts, or a target that goes by their length")                       \
    XX(PREFILL_SHARED, "prefill_shared", "its prompt was computed in steps shared with others",    \
       "shared the steps of their prompts",                                                        \
       "smaller steps (max_num_batched_tokens), or more "                                          \
       "workers")                                                                                  \
    XX(LINK, "link", "its KV waited for a busy link", "waited for a busy KV link",                 \
       "more bandwidth between the pools")                                                         \
    XX(TRANSFER, "transfer", "its KV took too long on its way",                                    \
       "had their KV too long on its way", "more bandwidth between the pools")                     \
    XX(DECODE_ROOM, "decode_room", "there was no room for its KV on its decode worker",            \
       "waited for room on decode workers", "more KV blocks per decode worker, or more of them")   \
    XX(DECODE, "decode", "decode steps of its batch are too slow", "decoded in batches too large", \
       "smaller batches (max_num_seqs), more workers, or a faster engine")                         \
    XX(DECODE_PROMPTS, "decode_prompts", "prompts slowed its decode steps down",                   \
       "decoded beside prompts",                                                                   \
       "smaller chunks (max_num_batched_tokens), or pools of their own for prompts")               \
    XX(DECODE_RANKS, "decode_ranks", "its steps waited for other data-parallel ranks",             \
       "waited for other ranks in their steps", "ranks that are loaded evenly")                    \
    XX(PREEMPTED, "preempted", "it was pushed out of its batch for want of KV",                    \
       "were pushed out of their batch", "more KV blocks per worker, or smaller batches")          \
    XX(BACKOFF, "backoff", "its client paused before it sent it again",                            \
       "paused before they were sent again", "a shorter back-off")                                 \
    XX(ROUTER, "router", "the router held it back, though there were workers",                     \
       "were held back by the router", "another router, or more workers")                          \
    XX(FRONTEND, "frontend", "its time went in the front end", "spent it in the front end",        \
       "a faster front end")                                                                       \
    XX(STREAM, "stream", "its tokens were held back to be sent together",                          \
       "had their tokens held back", "a smaller stream interval")                                  \
    XX(TIMED_OUT, "timed_out", "its client gave up before anything was late",                      \
       "were given up before anything was late", "clients that wait as long as the targets allow") \
    XX(RUN_END, "run_end", "the run ended before it, and before anything was late",                \
       "were still in time when the run ended", "a longer run")

enum cause {
#define XX(id, name, text, phrase, help) CAUSE_##id,
    CAUSE_MAP(XX)
#undef XX
        N_CAUSES
};
const char *cause_name(enum cause c);
const char *cause_text(enum cause c);
const char *cause_phrase(enum cause c);
const char *cause_help(enum cause c);

enum miss_kind {
    MISSED_TTFT,
    MISSED_TPOT,
    MISSED_ALL, /* it got nothing, or was ended, with nothing late */
    N_MISS_KINDS
};

#define CAUSE_NO_POOL UINT8_MAX

/* Of one missed request. */
struct cause_verdict {
    enum cause cause;
    enum miss_kind kind;
    uint8_t pool;              /* index; CAUSE_NO_POOL: of none */
    uint32_t isl_tok, osl_tok; /* as in the trace */
    uint32_t ahead_tok;        /* ISL of the long prompt in front; 0 = not for that */
    int64_t arrival_ns;
    int64_t excess_ns;                   /* over the target; 0: unserved */
    int64_t late_first_ns, slow_last_ns; /* its first token, if that came too late, and its last, if
                                            they came too slowly; -1 = not that */
    int64_t late_ns; /* the last decision for more workers came so long after the backlog began;
                        -1 = not for that */
};

/* Classes of requests by their ISL, up to 1k, 2k, ... 64k tokens and longer, and by their OSL, up
 * to 32, 64, ... 2,048 tokens and longer. */
enum cause_axis { CAUSE_BY_ISL, CAUSE_BY_OSL, N_CAUSE_AXES };
enum { CAUSE_N_CLASSES = 8 };
const char *cause_axis_name(enum cause_axis axis); /* "input_tokens" */
size_t cause_class(enum cause_axis axis, uint32_t tok);
/* Most tokens of the class; UINT32_MAX for the last. */
uint32_t cause_class_tok(enum cause_axis axis, size_t class);

struct cause_total {
    uint64_t requests;
    uint64_t by_kind[N_MISS_KINDS];
    uint64_t by_pool[POLICY_MAX_POOLS];
    uint64_t by_class[N_CAUSE_AXES][CAUSE_N_CLASSES];
    double median_excess_ms; /* of those above a target; NaN = none */
    double median_late_s;    /* of those with a decision to wait for; NaN = none */
    uint32_t ahead_tok;      /* three of four long prompts in front had more; 0 = not for that */
};

/* What a policy's ups took, in one pool. NaN = there was none. */
struct cause_lag {
    uint64_t backlogs;                 /* in which requests missed their targets */
    double short_s;                    /* their length together */
    double decision_s, max_decision_s; /* from the beginning of one to its first decision for more
                                          workers: median, and longest */
    uint64_t starts;                   /* workers decided on in the run that became ready */
    double ready_s, max_ready_s;       /* from decision to ready */
};

struct cause_summary {
    bool kept; /* false: the run kept no parts, and nothing of this is known */
    uint64_t missed;
    uint64_t missed_by_kind[N_MISS_KINDS];
    struct cause_total of[N_CAUSES];
    enum cause order[N_CAUSES]; /* most requests first; equal ones by order of enum cause */
    struct cause_lag lag[POLICY_MAX_POOLS];
};

struct cause_targets {
    int64_t ttft_ns, tpot_ns; /* of requests without their own */
    size_t n_pools;
    bool decodes_elsewhere; /* its last pool is of other deployments */
};

struct causes; /* opaque */

/* NULL: no memory. */
struct causes *causes_new(const struct cause_targets *targets);
void causes_free(struct causes *c);

/* The run, in any order; requests with their parts, warm-up ones too. ST_NOMEM. */
enum status causes_add_request(struct causes *c, const struct request_record *q, struct diag *d);
/* Of one pool: its target before and after (the same: left as it was), and what was wanted before
 * budgets (-1: not said). In order of time. */
enum status causes_add_decision(struct causes *c, size_t pool, int64_t at_ns, int64_t before,
                                int64_t after, int64_t wanted, struct diag *d);
enum status causes_add_worker(struct causes *c, const struct worker_record *w, struct diag *d);
/* Once, when all of it is there. */
enum status causes_finish(struct causes *c, struct cause_summary *summary, struct diag *d);

/* After that. false: the request did not miss, or is none of the measured span. */
bool causes_verdict(const struct causes *c, const struct request_record *q,
                    struct cause_verdict *verdict);
/* Those of all missed requests, in the order they were added. */
size_t causes_n_missed(const struct causes *c);
struct cause_verdict causes_missed(const struct causes *c, size_t i);

#endif
