/* A second engine of this layer: the reference simulator DynoSim (ai-dynamo 1.4.2, `dynamo.replay`,
 * offline) to the nanosecond, for cross-checks. It shares nothing with sim.c but the trace, the
 * policies and the observer. Each of its simplifications can be turned to this project's reading,
 * one at a time (struct dynosim_semantics). */
#ifndef DYNOSIM_DYNOSIM_H
#define DYNOSIM_DYNOSIM_H

#include <stdbool.h>
#include <stdint.h>

#include "engines/latency/latency.h"
#include "engines/latency/latency_dynosim.h"
#include "planner/policy.h"
#include "record/limits.h"
#include "record/observer.h"
#include "record/run_result.h"
#include "traces/request_source.h"

/* identifier, name the user types, the reference's reading (on), this project's (off) */
#define DYNOSIM_SEMANTICS_MAP(XX)                                                                  \
    XX(mixed_sum, "mixed-sum", "a pass takes its prefill time plus its decode time",               \
       "one pass over the weights serves both: decoding adds only what it costs beyond an almost " \
       "empty step")                                                                               \
    XX(straight_line_tables, "straight-line-tables",                                               \
       "times come from straight lines fitted to the profile",                                     \
       "times come from the profile's own curves (latency model `table`)")                         \
    XX(first_token_pays_decode, "first-token-pays-decode",                                         \
       "a prompt that completes pays a decode step on top of its prefill",                         \
       "the pass that completes a prompt makes its first token without a decode step")             \
    XX(kv_load_by_blocks, "kv-load-by-blocks",                                                     \
       "a decode step reads every block in use on the worker",                                     \
       "a decode step reads the tokens of the sequences that decode")                              \
    XX(truncated_means, "truncated-means", "mean lengths are cut to whole tokens",                 \
       "mean lengths are exact")                                                                   \
    XX(hits_before_computed, "hits-before-computed",                                               \
       "a block can be hit once its tokens are scheduled",                                         \
       "a block can be hit once its tokens are computed")                                          \
    XX(free_recompute, "free-recompute",                                                           \
       "recomputing generated tokens, and everything on a decode worker, takes no time",           \
       "recomputing after a preemption costs as much as computing a prompt")                       \
    XX(prefill_full_output, "prefill-full-output",                                                 \
       "a prefill worker makes the whole output before it hands the request over (a defect of "    \
       "1.4.2)",                                                                                   \
       "a prefill worker hands a request over after one token")                                    \
    XX(free_transfer, "free-transfer",                                                             \
       "KV moves in no time when bytes per token or bandwidth are not set",                        \
       "KV moves at the fallback bytes per token and bandwidth then")                              \
    XX(uncontended_links, "uncontended-links", "KV transfers overlap freely",                      \
       "a prefill worker sends the KV of one request at a time")                                   \
    XX(offered_traffic, "offered-traffic", "the planner counts requests as they arrive",           \
       "the planner counts requests as they complete")                                             \
    XX(last_pass_gauges, "last-pass-gauges", "gauges describe the last pass of a worker",          \
       "gauges describe the worker at the moment of the scrape")

struct dynosim_semantics {
#define XX(id, name, on, off) bool id;
    DYNOSIM_SEMANTICS_MAP(XX)
#undef XX
};

enum dynosim_semantic_index {
#define XX(id, name, on, off) DYNOSIM_SEMANTIC_##id,
    DYNOSIM_SEMANTICS_MAP(XX)
#undef XX
        N_DYNOSIM_SEMANTICS
};
struct dynosim_semantic_info {
    const char *name;     /* what the user types */
    const char *on, *off; /* the reference's reading, this project's */
};
extern const struct dynosim_semantic_info dynosim_semantics[N_DYNOSIM_SEMANTICS];
extern const struct dynosim_semantics dynosim_reference; /* all on */
/* The switch of that name; NULL when unknown. */
bool *dynosim_semantic_find(struct dynosim_semantics *semantics, const char *name);

enum dynosim_routing { DYNOSIM_ROUND_ROBIN, DYNOSIM_KV_ROUTER };
enum dynosim_victim { DYNOSIM_LIFO, DYNOSIM_FIFO };
enum dynosim_transfer { DYNOSIM_WHOLE_PROMPT, DYNOSIM_DESTINATION_MISSING };

struct dynosim_pool {
    const char *name; /* "agg", "prefill", "decode" */
    enum pool_role role;
    int replicas; /* ready at time 0; >= 0 */
    int gpus_per_worker;
    int64_t startup_ns; /* from the decision to routable */
    enum dynosim_routing routing;

    uint32_t block_size_tok, kv_blocks, max_num_seqs, max_num_batched_tokens; /* all > 0 */
    bool prefix_caching, chunked_prefill;
    enum dynosim_victim victim; /* which running request is preempted: the newest or the oldest */
    uint32_t max_model_len;     /* 0 = none */
    double speedup, decode_speedup; /* divisors of pass times and of their decode part; > 0 */

    struct dynosim_latency latency;
    /* With straight_line_tables off: a model behind engines/latency/latency.h and its state, for
     * max_num_seqs sequences. */
    const struct latency_model_ops *model;
    const void *model_state;
};

/* Weights of the kv_router's cost, in blocks:
 * prefill_scale * max(0, (pending + isl) / B - overlap_credit * hit) + active blocks +
 * request_weight * requests. */
struct dynosim_router {
    double prefill_scale, overlap_credit, request_weight; /* defaults 1, 1, 0 */
    double temperature; /* 0: lowest cost, ties drawn; > 0: drawn by softmax over range-normalised
                           costs */
};

/* Recorded placements that override the router. Worker ids by trace index; NULL = the router
 * chooses in that role. */
struct dynosim_follow {
    uint64_t n; /* requests beyond it are routed freely */
    const uint32_t *prefill_worker, *worker;
    struct dynosim_follow_check *check; /* may be NULL */
};
struct dynosim_follow_check {
    uint64_t n_choices;    /* checked, of the kv_router */
    uint64_t n_not_lowest; /* a cheaper worker was there */
    uint64_t n_tied;       /* lowest, but not alone */
    double worst_excess;   /* over the lowest cost, in blocks */
};

struct dynosim_config {
    size_t n_pools; /* 1: agg; 2: prefill, decode (of equal block size) */
    struct dynosim_pool pools[POLICY_MAX_POOLS];
    struct dynosim_semantics semantics;
    struct dynosim_router router;
    struct dynosim_follow follow;
    uint64_t seed; /* of the router's draws */

    uint32_t trace_block_tok; /* tokens one block id of the trace stands for, > 0 */
    int64_t arrival_round_ns; /* arrivals are rounded to multiples of it (halves to even) first; 0 =
                                 as they are */
    double speedup;           /* then divided by this; > 0. The source itself has speedup 1. */

    /* KV transfer of a hand-off; 0 = not set. */
    double kv_bytes_per_token, kv_bandwidth_bytes_per_s;
    enum dynosim_transfer transfer;
    /* Used when either is not set and free_transfer is off; > 0 then. */
    double fallback_kv_bytes_per_token, fallback_kv_bandwidth_bytes_per_s;

    const struct policy_ops *policy; /* NULL = nothing scales */
    void *policy_state;
    struct policy_effects policy_first; /* as `create` left it */

    struct run_limits limits;
    int64_t window_ns; /* length of the attainment windows, > 0 */
    int64_t sample_ns; /* timeline sample interval; 0 = none */
};

/* A config with the reference's defaults: semantics, router weights, block sizes, trace block 512,
 * no transfer time, no policy. Pools are left empty but for engine defaults. */
void dynosim_config_init(struct dynosim_config *config);

/* Run to the end of the last request. `result` is large: keep it off the stack. Every request
 * counts as measured. The same config and requests give the same calls of the observer in the same
 * order. Errors: ST_INPUT for settings the reference refuses, and for a run that can get no further
 * (a request outgrew its worker). */
enum status dynosim_run(const struct dynosim_config *config, const struct request_source *source,
                        const struct observer *observer, struct run_result *result, struct diag *d);

#endif
