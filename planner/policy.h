/* A scaling policy: told what its real counterpart could see, it answers with what it wants.
 *
 * A policy has no clock, does no I/O and keeps no globals. It says when it wants to be called next
 * and which measurements to bring; the caller (the simulator, or a live loop) brings them and
 * carries out what it asks. One policy is one file ending in one const table; `policies` is the
 * only registry. */
#ifndef PLANNER_POLICY_H
#define PLANNER_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "planner/forward_pass.h"
#include "util/arena.h"
#include "util/key.h"
#include "util/status.h"

struct profile;
struct shared;

enum { POLICY_MAX_POOLS = 2, POLICY_TEXT_SIZE = 512 };

/* Role of a pool. A deployment is one agg pool, or a prefill and a decode pool. */
enum pool_role { POOL_AGG, POOL_PREFILL, POOL_DECODE };

/* Measurements a policy can ask for at its next call. */
enum policy_need {
    NEED_TRAFFIC = 1, /* traffic over the last window_ns */
    NEED_GAUGES = 2,  /* one page of per-worker gauges */
    NEED_PASSES = 4,  /* the last forward pass of every rank; of a policy that reads_passes */
};

/* Replicas of one pool at the moment of the call. */
struct pool_counts {
    int target;   /* what the actuator was last asked for */
    int ready;    /* routable */
    int starting; /* granted or waiting for GPUs, not yet routable */
    int draining; /* finishing, not routable */
};

/* Traffic of one window, as counters: the sums and the number of observations each. Which moment an
 * observation belongs to follows the Dynamo frontend: TTFT and ISL at the first token, ITL at each
 * further token, count, duration and OSL when the request completes. A number of observations that
 * is NaN (with its sum) says that there is no such series: it appears with its first observation.
 */
struct traffic_window {
    double length_s;
    double n_requests; /* completed in the window */
    double n_arrived;  /* offered in the window */
    double ttft_sum_s, n_ttft;
    double itl_sum_s, n_itl;
    double duration_sum_s, n_duration;
    double isl_sum_tok, n_isl;
    double osl_sum_tok, n_osl;
    /* Share of a prompt that the worker it goes to has cached, as a router that knows the caches
     * sees it; one observation where it decides. */
    double hit_rate_sum, n_hit_rate;
};

/* What one worker's metrics page says. A negative value = the gauge is absent. */
struct worker_gauges {
    enum pool_role role;
    uint32_t worker_id;          /* unique in the run */
    double active_prefill_tok;   /* prompt tokens queued or running there, not yet computed */
    double active_decode_blocks; /* KV blocks of running sequences */
    double last_ttft_s, last_isl_tok, last_itl_s;
};

struct policy_input {
    int64_t now_ns;
    size_t n_pools;
    struct pool_counts pools[POLICY_MAX_POOLS]; /* in the order of policy_setup */
    bool has_traffic;                           /* false also when the query failed */
    struct traffic_window traffic;
    bool has_gauges; /* false also when the scrape failed */
    size_t n_gauges;
    const struct worker_gauges *gauges; /* borrowed for the call */
    /* Of the ready workers of each pool, the newest record of each rank, by worker and rank; and,
     * where the caller keeps them, those since the last call that it has superseded, in their
     * order. Borrowed. */
    bool has_passes; /* false also when they cannot be read */
    size_t n_passes[POLICY_MAX_POOLS], n_passed[POLICY_MAX_POOLS];
    const struct fpm_record *passes[POLICY_MAX_POOLS], *passed[POLICY_MAX_POOLS];
};

/* One forecast series, for decisions.jsonl. NaN = no value. */
struct policy_forecast {
    double n_requests, isl_tok, osl_tok;
};

struct policy_effects {
    /* What is to be done. */
    bool scale; /* a request goes out to the actuator */
    int target[POLICY_MAX_POOLS];

    /* When to call again, and with what. next_ns > now_ns, or TIME_NEVER. */
    int64_t next_ns;
    unsigned next_needs; /* enum policy_need bits */
    /* Length of the window that NEED_TRAFFIC asks for. Set at every call as long as traffic will be
     * asked for again: the caller keeps counters for that long, not longer. */
    int64_t window_ns;

    /* For the record only. `report` = this call is worth a line in decisions.jsonl. */
    bool report;
    const char *kind; /* "throughput", "load", ... static text */
    struct policy_forecast seen, predicted;
    double seen_ttft_ms, seen_itl_ms;           /* NaN = none */
    double estimated_ttft_ms, estimated_itl_ms; /* at most, of the load it saw; NaN, 0 = none */
    double correction[POLICY_MAX_POOLS];        /* NaN = none */
    int wanted[POLICY_MAX_POOLS];               /* before budgets; -1 = none */
    char reason[POLICY_TEXT_SIZE];              /* one line */
};

/* The deployment a policy steers. */
struct policy_setup {
    size_t n_pools;
    enum pool_role roles[POLICY_MAX_POOLS];
    int replicas[POLICY_MAX_POOLS]; /* at the start */
    int gpus_per_worker[POLICY_MAX_POOLS];
    const struct profile *profiles[POLICY_MAX_POOLS];
    struct fpm_limits limits[POLICY_MAX_POOLS]; /* as the workers of the pool register them */
    bool no_gauges[POLICY_MAX_POOLS]; /* nobody publishes the load of the pool's workers */
    double ttft_ms, itl_ms;           /* SLA targets */
    double start_delay_s;             /* of a policy that is told none; NaN = the policy's own */
    uint64_t seed;
    /* Where what is made of profiles and traces may be kept for other runs too (util/shared.h), the
     * profiles being kept there; NULL = each makes its own. */
    struct shared *shared;
};

/* What others have to know of a planner's configuration. */
struct policy_terms {
    const char *mode;    /* disagg, prefill, decode, agg */
    bool global_planner; /* it asks a global planner, which it does not replace */
    bool throughput_scaling, load_scaling;
    int64_t throughput_interval_s, load_interval_s;
    bool has_targets; /* it looks at these: */
    double ttft_ms, itl_ms;
    int64_t min_endpoint, max_gpu_budget; /* a negative budget = none */
    int64_t prefill_gpus, decode_gpus;    /* of a worker; 0 = it does not say */
    const char *predictor;                /* NULL = none */
};

/* A field of a policy's own configuration file that is none of its keys. */
struct foreign_key {
    const char *name;
    const char
        *version;     /* which version has it ("of X"); NULL = it has no bearing on a simulation */
    const char *cure; /* with a version: what to do */
};

struct policy_ops {
    const char *name; /* what the user types as policy.type */
    /* Which of those of this name: what the user types as policy.generation. NULL = the only one.
     */
    const char *generation;
    const char *summary; /* one line */
    bool reads_passes;   /* may ask for NEED_PASSES, so that they are kept */

    /* Its configuration: a struct of plain bytes, and what a user can set in it (`policy.X`). */
    size_t config_size;
    const struct key *keys; /* ended by name NULL; NULL = there is nothing to set */
    /* What its own configuration file is called (`policy.config`), which has the keys that say
     * in_own_file; NULL = it has none. */
    const char *own_file;
    const struct foreign_key *foreign; /* ended by name NULL; NULL = none is known */
    /* The rules across keys, once all are set; it may change what follows from them. NULL = none.
     * ST_INPUT at `at`. */
    enum status (*check)(void *config, struct source_pos at, struct diag *d);
    void (*terms)(const void *config, struct policy_terms *terms); /* NULL = it is no planner */

    /* Builds the state in the arena and says when to call first (effects->next_*). */
    enum status (*create)(void **state, struct arena *arena, const void *config,
                          const struct policy_setup *setup, struct policy_effects *first,
                          struct diag *d);
    /* ST_NOMEM is the only failure; what was decided then does not count. */
    enum status (*tick)(void *state, const struct policy_input *input,
                        struct policy_effects *effects, struct diag *d);
    /* Frees what is not in the arena. NULL = nothing. */
    void (*release)(void *state);
    /* What summary.json says beside the name, e.g. the predictor; NULL = nothing. */
    const char *(*describe)(const void *state);
    /* What the user has to know about this deployment, in at most 76 characters; NULL = nothing. */
    const char *(*note)(const void *state);
};

extern const struct policy_ops policy_static, policy_planner, policy_fpm_1_4_2, policy_fpm_1_6_1;

/* All policies, ended by NULL. The generations of one name follow each other. */
extern const struct policy_ops *const policies[];
/* That generation of the policy, or the policy that has none; `generation` NULL: the first.
 * NULL = unknown. */
const struct policy_ops *policy_find(const char *name, const char *generation);
/* The first that has a key of this name, other generations of `than` (NULL = none) before other
 * policies; NULL = none has. */
const struct policy_ops *policy_with_key(const char *name, const struct policy_ops *than);
/* Every key at its preset; NULL when memory is out. */
void *policy_config_new(const struct policy_ops *policy, struct arena *arena);

/* Effects with nothing to do, no next call, and "no value" in every field of the record. */
void policy_effects_clear(struct policy_effects *effects, size_t n_pools);

#endif
