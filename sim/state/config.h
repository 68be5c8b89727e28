/* Everything one simulation run is told. Plain values; the scenario layer fills them in. Times are
 * ns. */
#ifndef SIM_STATE_CONFIG_H
#define SIM_STATE_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "engines/kv/kv_cache.h"
#include "engines/latency/latency.h"
#include "planner/arbiter.h"
#include "planner/policy.h"
#include "record/limits.h"
#include "sim/state/cluster.h"
#include "traces/trace.h"

struct endpoint_ops;
struct router_ops;

enum { MAX_RANKS = 64 };

/* What a worker goes through from its GPUs to its first request. */
enum startup_phase {
    STARTUP_DELAY, /* a lump, beside or instead of the phases */
    STARTUP_SCHEDULE,
    STARTUP_IMAGE_PULL,
    STARTUP_WEIGHTS,
    STARTUP_WARMUP,
    N_STARTUP_PHASES
};

/* One engine, as every worker of a pool runs it. */
struct engine_config {
    const struct latency_model_ops *latency;
    const void *latency_state;
    uint32_t block_size_tok;            /* tokens per KV block, > 0 */
    uint32_t kv_blocks;                 /* blocks per worker, >= n_ranks */
    uint32_t max_num_seqs;              /* running sequences, > 0, < 2^16 */
    uint32_t max_num_batched_tokens;    /* tokens per step, >= max_num_seqs */
    bool chunked_prefill;               /* a prompt may be cut by the token budget */
    bool prefix_cache;                  /* prompts share the blocks of equal prefixes */
    const struct kv_eviction *eviction; /* with prefix_cache */
    uint32_t
        host_kv_blocks; /* of host memory per rank that keep what was computed; 0 = no such tier */
    double host_bandwidth_bytes_per_s; /* of loading them back, > 0 with host_kv_blocks */
    double kv_bytes_per_token;         /* with host_kv_blocks */
    uint32_t watermark_blocks;         /* kept free when a prompt is admitted */
    bool prefill_first; /* a step with prompts in it leaves the running sequences waiting */
    bool by_priority; /* the queue is in order of priority, and the least urgent is preempted first
                       */
    uint32_t queue_look_steps; /* the queue is looked at once in so many decode steps; 0 = 1 */
    /* Prompts wait for so many decode steps, or until they fill this share of a step's token
     * budget; 0 = not at all. */
    uint32_t batch_wait_steps;
    double batch_wait_share;
    double prompt_step_least_ms; /* of a step with prompt chunks: launching its kernels; >= 0 */
    double step_noise;           /* coefficient of variation of a step's time, >= 0 */
    uint32_t n_draft_tok;        /* speculative decoding: tokens drafted per step; 0 = none */
    double draft_acceptance;     /* of each draft token, given that those before it were accepted */
    double draft_ms;             /* added to a step per draft token */
    uint32_t n_ranks;      /* data-parallel ranks: limits are per rank, kv_blocks is for all; > 0 */
    bool async_scheduling; /* a step's prompts are chosen when the step before it starts */
    int64_t cold_start_ns; /* extra on the first step of a fresh worker */
};

struct pool_config {
    const char *name; /* "agg", "prefill", "decode" */
    enum pool_role role;
    int replicas; /* ready at time 0; >= 0 */
    int gpus_per_worker;
    const struct router_ops *router;
    struct engine_config engine;
    const struct profile *profile; /* for the policy */
    /* From its GPUs to routable: the sum of phases, each log-normal with its mean and the common
     * coefficient of variation. Unused phases are 0. */
    int64_t startup_phase_ns[N_STARTUP_PHASES];
    int64_t image_cached_ns; /* STARTUP_IMAGE_PULL on a node that has the image */
    /* Other places than storage to load weights from; the fastest there is counts. TIME_NEVER = not
     * done. */
    int64_t weights_cached_ns; /* a node that has loaded them before */
    int64_t weights_peer_ns;   /* a ready worker with the same weights */
    double startup_cv;         /* >= 0; 0: every start takes the sum of the means */
    double
        startup_failure; /* probability that a start fails at its end and begins again, in [0, 1) */
    int64_t startup_retry_ns; /* wait before it does, doubled with every failure up to 300 s */
};

/* What the kv_aware router makes of what it sees of a worker: cost = prefill * max(0, prompt blocks
 * pending there and its own - overlap * cached blocks) + prompt blocks bound there and its own +
 * request * requests bound there. */
struct kv_router_weights {
    double overlap, prefill, request; /* >= 0 */
    double temperature; /* 0: the lowest cost wins; > 0: drawn from a softmax over the costs, scaled
                           to their range */
};

/* Which held request goes first. Ties: the one that was held first. */
enum hold_order {
    HOLD_FCFS,     /* first come, first served */
    HOLD_SHORTEST, /* fewest prompt tokens */
    HOLD_PRIORITY, /* most urgent */
};

enum scale_down_mode { SCALE_DOWN_DRAIN, SCALE_DOWN_TERMINATE };

/* Which ready worker is taken away first. Ties: the newest. */
enum scale_down_victim {
    VICTIM_NEWEST,
    VICTIM_LEAST_LOADED, /* fewest requests */
    VICTIM_MOST_IDLE,    /* without a step for the longest time */
};

/* How many deployments one run can hold. */
enum { MAX_DEPLOYMENTS = ARBITER_MAX_DEPLOYMENTS };

/* One deployment: its pools, what its clients do, and the policy that scales it. */
struct deployment_config {
    const char *name; /* of its seed streams; "" where it is the only one */
    size_t n_pools;   /* 1: agg; 2: prefill, decode; behind an endpoint also one of these two */
    struct pool_config pools[POLICY_MAX_POOLS];

    uint32_t trace_block_tok; /* tokens one block id of the trace stands for, > 0 */

    struct kv_router_weights kv_router;
    int64_t view_interval_ns; /* routers know a worker's load as it was published, once in so long;
                                 0 = as it is */
    bool view_counts_own;     /* and add what they have sent there since */

    /* The router of the first pool holds requests back while each of its workers has more than
     * hold_threshold times its token budget (max_num_batched_tokens of all ranks) of prompts
     * pending. */
    bool holds_requests;
    double hold_threshold; /* >= 0 */
    enum hold_order hold_order;

    /* With a prefill pool: the decode worker computes a prompt itself when it has at most so many
     * tokens of it to compute, or when at least so many requests wait in the prefill pool. 0 =
     * never for that reason. */
    uint32_t local_prefill_max_tok, max_prefill_queue;

    /* KV transfer from a prefill to a decode worker: latency + tokens * bytes_per_token /
     * bandwidth. */
    double kv_bytes_per_token; /* >= 0; tokens: those of the prompt that the decode worker has not
                                  cached */
    double kv_bandwidth_bytes_per_s;       /* > 0; of one link */
    double kv_local_bandwidth_bytes_per_s; /* > 0; between workers on one node */
    int64_t kv_latency_ns;
    bool kv_send_whole_prompt; /* cached tokens are sent too */

    enum scale_down_mode scale_down;
    enum scale_down_victim victim;
    bool call_back;         /* a scale-up first takes back workers that drain */
    int64_t drain_grace_ns; /* a draining worker is killed after this long */
    bool retry_lost;        /* the client sends a lost request again */
    uint32_t max_attempts;  /* then gives up; 0 = never */
    int64_t backoff_ns;   /* wait before the second attempt, doubled before each further one; 0 = at
                             once */
    double worker_mtbf_s; /* mean time between failures of one worker, exponential; 0 = none fail */
    int64_t first_token_timeout_ns; /* the client gives up without a token after so long; TIME_NEVER
                                       = never */
    int64_t timeout_ns;             /* the client gives up after so long; TIME_NEVER = never */

    /* Before the first pool sees a request: HTTP, tokenisation, hand-over. */
    int64_t frontend_ns;
    double frontend_ns_per_tok;   /* of its prompt */
    uint32_t stream_interval_tok; /* tokens are sent to the client so many at a time; 0 = 1 */

    int64_t ttft_target_ns, tpot_target_ns;

    /* What the policy can see. */
    bool idle_workers_publish;  /* gauges before their first request */
    bool any_router_publishes;  /* gauges, not only one with publishes_load */
    int64_t scrape_interval_ns; /* between two readings of the traffic counters; 0 = read when asked
                                   for */
    int64_t outage_at_ns, outage_ns; /* nothing can be read meanwhile; outage_ns 0 = no outage */

    const struct policy_ops *policy;
    void *policy_state;
    struct policy_effects policy_first; /* as `create` left it */
};

/* What a request is judged by, instead of what its deployment has; 0 = that. */
struct request_targets {
    int64_t ttft_ns, tpot_ns;
};

struct sim_config {
    size_t n_deployments; /* 1 to MAX_DEPLOYMENTS */
    const struct deployment_config *deployments;
    const struct endpoint_ops *endpoint; /* sim/routing/endpoint.h; NULL = each deployment has
                                            requests of its own */
    const void *endpoint_state;
    const struct request_targets *targets; /* that the endpoint's choices name */
    struct cluster_config cluster;         /* of all of them; must hold the replicas at time 0 */
    const struct arbiter_ops *arbiter;     /* NULL = as arbiter_none */
    void *arbiter_state;
    struct arbiter_config arbiter_config; /* with an arbiter */
    double node_mtbf_s; /* mean time between failures of a node, with all its workers, exponential;
                           0 = none fail */
    int64_t node_repair_ns; /* then it is back; TIME_NEVER = for good */
    double spot_mtbf_s;     /* mean time until a node is reclaimed, exponential; 0 = none is */
    int64_t spot_notice_ns; /* its workers drain for so long before it goes */
    int64_t spot_return_ns; /* then it is back; TIME_NEVER = for good */

    uint64_t seed;
    bool exact_stepper;  /* make every decode step an event of its own: slow, the oracle of tests */
    int64_t warmup_ns;   /* requests that arrive earlier, and GPU time and tokens before it, are not
                            measured */
    int64_t duration_ns; /* arrivals are taken until warmup + duration; TIME_NEVER = whole trace */
    int64_t drain_ns;    /* at most this long after the last arrival; what is in flight then is
                            unfinished */
    int64_t window_ns;   /* length of the attainment windows, > 0 */
    struct run_limits limits;
    int64_t sample_ns; /* timeline sample interval; 0 = none */
};

#endif
