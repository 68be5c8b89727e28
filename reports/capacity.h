/* How much the workers of each pool could do beside how much was asked of them, window by window:
 * where a pool was short of capacity, and where it had more than the load needed. docs/causes.md
 * says the same for users.
 *
 * Work is in worker-seconds. A prompt is as much as its own share of the steps that computed it,
 * asked for when its request comes to the pool; one that was never computed counts as the mean per
 * token of those that were, and leaves with its request. Tokens after the first are rated by the
 * engine: at the fullest batch that holds the TPOT target, at the
 * mean context of the run. They are asked for from the time the prompt is done: for as long as they
 * took, or one per target where they took longer.
 *
 * In a window with demand D and ready worker-seconds R, with B left over from those before it:
 *     short = max(0, D - R), idle = max(0, R - D - B), and B becomes max(0, B + D - R).
 * That is arithmetic on work, not a fleet that would have held the targets: within a window, and
 * among the workers, work is taken to be spread evenly. What was done twice (preempted, or lost
 * with a worker) is counted once. */
#ifndef REPORTS_CAPACITY_H
#define REPORTS_CAPACITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "planner/policy.h"
#include "record/observer.h"
#include "util/status.h"

struct json_out; /* util/json_out.h */

/* What a worker of a pool can do. */
struct capacity_worker {
    uint32_t n_ranks; /* data-parallel: so many prompts at once; 0 is read as 1 */
    /* Tokens per second, with nothing but sequences of that context, at the fullest batch that
     * holds the target. NULL: not known. */
    double (*tok_per_s)(const void *engine, double context_tok, double tpot_ms);
    const void *engine; /* for it */
};

struct capacity_rules {
    int64_t window_ns, from_ns; /* windows: so long, from then on; window_ns > 0 */
    int64_t tpot_target_ns;
    size_t n_pools;    /* prompts in the first, tokens in the last */
    bool only_decodes; /* its one pool gets prompts that others have computed */
    int gpus_per_worker[POLICY_MAX_POOLS];
    struct capacity_worker workers[POLICY_MAX_POOLS];
};

/* Of one pool, worker-seconds. */
struct capacity_window {
    double ready, demand, short_of, idle;
    double left; /* B at its end */
};

struct capacity_total {
    double demand_worker_s, ready_worker_s, short_worker_s, idle_worker_s;
    double short_gpu_hours, idle_gpu_hours;
    double short_windows;     /* how many of them were short */
    double max_short_workers; /* on average over the worst of them */
    double rated_tok_per_s;   /* one worker, tokens after the first; NaN: it makes none */
};
struct capacity_summary {
    bool kept; /* false: nothing of this is known */
    size_t n_windows;
    struct capacity_total pools[POLICY_MAX_POOLS];
};

struct capacity; /* opaque */

/* NULL: no memory. */
struct capacity *capacity_new(const struct capacity_rules *rules);
void capacity_free(struct capacity *c);

/* The run, in any order; requests with their parts, warm-up ones too. ST_NOMEM. */
enum status capacity_add_request(struct capacity *c, const struct request_record *q,
                                 struct diag *d);
/* Of one that is decoded in another deployment: its prompt here, its tokens there. */
enum status capacity_add_prompt(struct capacity *c, const struct request_record *q, struct diag *d);
enum status capacity_add_tokens(struct capacity *c, const struct request_record *q, struct diag *d);
enum status capacity_add_worker(struct capacity *c, const struct worker_record *w, struct diag *d);
/* Once, when the run is over. ST_NOMEM. */
enum status capacity_finish(struct capacity *c, int64_t end_ns, struct capacity_summary *summary,
                            struct diag *d);
/* After that: of window i < summary.n_windows. */
struct capacity_window capacity_window(const struct capacity *c, size_t pool, size_t i);

/* "prefill never short, 1.88 GPU-hours beyond the load". Returns `out`. */
enum { CAPACITY_SENTENCE_SIZE = 200 };
const char *capacity_sentence(char out[CAPACITY_SENTENCE_SIZE], const struct capacity_total *t,
                              const char *pool);

/* The object under `capacity`. */
void capacity_write(struct json_out *j, const struct capacity_summary *y, size_t n_pools,
                    const char *const *pool_names);
/* Figures: capacity.POOL.X. */
bool capacity_key_begins(const char *key);
/* false: it is none. NaN: the run did not keep it, or there is no such value. */
bool capacity_lookup(const struct capacity_summary *y, const char *key, size_t n_pools,
                     const char *const *pool_names, double *value);

#endif
