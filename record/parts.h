/* Where the time of a request went: parts that sum to its TTFT and to its E2E, to the nanosecond,
 * and what is needed to say why. A run keeps them when it is asked to. */
#ifndef RECORD_PARTS_H
#define RECORD_PARTS_H

#include <stdint.h>

#include "planner/policy.h"
#include "util/bug.h"

/* identifier, name in columns and keys, meaning. At any moment from its arrival to its end a
 * request is in exactly one part; the time of a step is divided among the parts named for it. */
#define PART_MAP(XX)                                                                               \
    XX(FRONTEND, "frontend", "in the front end, before a router saw it")                           \
    XX(ROUTER, "router", "held back by the router, while there were workers")                      \
    XX(NO_WORKER, "no_worker", "no worker was ready, and none was on its way")                     \
    XX(STARTUP, "startup", "for a worker, or in line on one, while its pool started more")         \
    XX(GPUS, "gpus", "the same, while what was to start waited for GPUs")                          \
    XX(QUEUE, "queue", "in line on a worker, behind other prompts")                                \
    XX(KV_ROOM, "kv_room", "in line on a worker whose KV blocks the next prompt did not fit")      \
    XX(BATCH_FULL, "batch_full", "in line on a worker whose batch had no place")                   \
    XX(PREFILL, "prefill", "its share, by tokens, of the steps that computed its prompt")          \
    XX(PREFILL_SHARED, "prefill_shared", "the share of others in those steps")                     \
    XX(DECODE_ROOM, "decode_room",                                                                 \
       "prompt done, waited for room, or for the step, on its decode worker")                      \
    XX(LINK, "link", "its KV waited for a busy link")                                              \
    XX(TRANSFER, "transfer", "its KV on its way")                                                  \
    XX(DECODE, "decode", "decode steps, as long as they are for the sequences alone")              \
    XX(DECODE_PROMPTS, "decode_prompts", "what prompts in the same steps, or before them, added")  \
    XX(DECODE_RANKS, "decode_ranks",                                                               \
       "what waiting for the prompts of other data-parallel ranks added")                          \
    XX(PREEMPTED, "preempted", "pushed out of the batch, and what was computed again for it")      \
    XX(STREAM, "stream", "token made, and held back to be sent with others")                       \
    XX(BACKOFF, "backoff", "its client waited before it sent it again")                            \
    XX(LOST, "lost", "spent on attempts that were lost")

enum request_part {
#define XX(id, name, text) PART_##id,
    PART_MAP(XX)
#undef XX
        N_REQUEST_PARTS
};
const char *request_part_name(enum request_part part);
const char *request_part_text(enum request_part part);

/* Its wait for a worker of one pool and in line on it, of its last attempt: from when it came to
 * the pool to when a step took it up. In a decode pool: from when its prompt was done to when its
 * transfer began. */
struct pool_wait {
    int64_t from_ns, to_ns; /* -1: has not been there; to_ns -1: was there at its end */
    int64_t backlog_ns;     /* since when, at its end, more requests waited for the pool than it had
                               workers; -1 = they were no more */
    /* The prompt that took most of that wait: what its steps gave to it of it. */
    uint64_t ahead_request; /* position in the trace; UINT64_MAX = none */
    uint32_t ahead_tok;     /* its ISL */
    int64_t ahead_ns;
};

/* Of a pool that it has not been to. */
static const struct pool_wait pool_wait_none = {-1, -1, -1, UINT64_MAX, 0, 0};

struct request_parts {
    int64_t ttft_ns[N_REQUEST_PARTS]; /* up to the first token at the client; all 0 without one */
    int64_t e2e_ns[N_REQUEST_PARTS];  /* up to its end */
    struct pool_wait waits[POLICY_MAX_POOLS];
    double decode_batch; /* sequences in its steps, mean over the time it decoded; 0 = it did not */
};

/* Splits a time: `part` gets most_ns of what is left of it, or all where that is less. */
static inline void parts_give(int64_t *parts, enum request_part part, int64_t most_ns,
                              int64_t *left_ns)
{
    int64_t ns = most_ns < *left_ns ? most_ns : *left_ns;
    BUG_IF(ns < 0);
    parts[part] += ns;
    *left_ns -= ns;
}

#endif
