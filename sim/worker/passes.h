/* What a rank publishes of its forward passes, as vLLM's scheduler under Dynamo 1.4.2 and later
 * does (planner/forward_pass.h): a record at the end of each step, with the queue as it is then;
 * and a heartbeat of zeros whenever nothing was published for a second, also while one long step
 * runs. Kept where the deployment's policy reads it. */
#ifndef SIM_WORKER_PASSES_H
#define SIM_WORKER_PASSES_H

#include "planner/forward_pass.h"
#include "sim/state/state.h"

/* Requests in line on a rank, and their tokens. */
struct queue_count {
    uint64_t n, tok;
};
struct queued_work {
    struct queue_count prefill; /* prompts; on a decode worker those that have no room there yet */
    struct queue_count decode;  /* contexts of preempted requests, and of prompts on their way */
};

/* The last step of a rank that has ended. */
struct last_pass {
    int64_t end_ns;   /* -1 = none has */
    uint32_t n_noted; /* steps of the run that goes on */
    int64_t wall_ns;
    uint64_t n_prefill, prefill_tok, prefill_kv_tok, n_decode, decode_kv_tok;
    struct queued_work queued;
};

static inline bool passes_kept(const struct deployment *d)
{
    return d->config->policy->reads_passes;
}

/* A request in its present state joins or leaves the line. */
void passes_queue_joined(struct worker *w, const struct request *r);
void passes_queue_left(struct worker *w, const struct request *r);

/* Notes the steps of the run that have ended by now; before anything else of the rank changes. */
void passes_catch_up(const struct sim *sim, struct worker *w);
/* A run of steps begins. */
void passes_run_begins(struct worker *w);
/* The step, or the last of the run, has ended, and nothing has come of it yet. */
void passes_step_ends(const struct sim *sim, struct worker *w);

/* The newest record, heartbeats included; passes_catch_up came before. */
struct fpm_record passes_newest(const struct sim *sim, const struct worker *w, uint32_t rank);

#endif
