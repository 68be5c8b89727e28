/* Forward-pass metrics: what an engine publishes of each of its iterations, and what a planner
 * knows of the engine. */
#ifndef PLANNER_FORWARD_PASS_H
#define PLANNER_FORWARD_PASS_H

#include <stdint.h>

/* One iteration of one rank, as published. wall_s 0 = the heartbeat of an engine that has published
 * nothing for a while, where all but the ids is 0. */
struct fpm_record {
    uint32_t worker_id, dp_rank;
    double wall_s;
    double n_prefill, prefill_tok;  /* scheduled: requests, tokens computed */
    double n_decode, decode_kv_tok; /* scheduled: requests, their whole context */
    double queued_prefill_tok, queued_decode_kv_tok;
    double prefill_kv_tok; /* scheduled: context of the prompts that is there already */
    double n_queued_prefill, n_queued_decode;
};

/* What one rank of an engine can hold. 0 or negative = not known. */
struct fpm_limits {
    double n_gpus, max_batched_tok, max_seqs, context_tok, max_kv_tok;
    double gpu_cost;          /* GPUs of a replica with its sidecars; not known = n_gpus */
    double watts;             /* of a replica */
    double speculative_nextn; /* not known = as configured */
};

#endif
