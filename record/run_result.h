/* What a run adds up itself for a deployment, beside what it tells its observer. Both simulators
 * fill it. Ends, events and nodes are those of the whole run. */
#ifndef RECORD_RUN_RESULT_H
#define RECORD_RUN_RESULT_H

#include <stdint.h>

#include "planner/policy.h"
#include "record/limits.h"
#include "util/histogram.h"

/* GPU time by what the worker was doing, in GPU-seconds of the measured span. */
enum gpu_state { GPU_STARTING, GPU_IDLE, GPU_BUSY, GPU_DRAINING, N_GPU_STATES };
extern const char *const gpu_state_names[N_GPU_STATES];

struct pool_result {
    double gpu_s[N_GPU_STATES];
    double wasted_gpu_s;   /* steps spent on requests that were lost later */
    double unserved_gpu_s; /* GPU-seconds of the measured span that were wanted, but not given */
    int peak_workers;      /* workers holding GPUs at one time */
    uint64_t n_up, n_down; /* workers started, and drained, terminated or cancelled, by decisions */
    uint64_t n_failed;     /* workers that failed by themselves */
    uint64_t n_lost_nodes; /* workers that went with their node, or drained ahead of it */
    uint64_t n_failed_starts;
    uint64_t n_preemptions;
    double peak_kv_utilization; /* of any one worker, 0 to 1 */
    uint64_t n_steps;           /* engine steps */
};

/* Calls of the policy, one after the other, at each of which one of its workers waited for GPUs and
 * it asked for nothing: the longest such stretch. */
struct policy_stall {
    uint64_t n_calls;
    int64_t from_ns, to_ns; /* its first call and its last */
};

struct run_result {
    int64_t end_ns;               /* simulated time at the end */
    char stopped[STOP_TEXT_SIZE]; /* why it ended before its requests did; "" = it did not */
    int64_t measured_from_ns;
    struct pool_result pools[POLICY_MAX_POOLS];
    int peak_workers, peak_gpus; /* all pools at one time */
    int peak_pending;            /* workers that waited for GPUs at one time */
    /* The same of all deployments of the run together; of the reference simulator 0. */
    int run_peak_workers, run_peak_gpus, run_peak_pending;
    uint64_t n_node_failures, n_reclaims; /* nodes */
    uint64_t n_decisions;                 /* policy calls that were reported */
    uint64_t n_scale_events;              /* workers started, drained, terminated or cancelled */
    uint64_t n_events;                    /* events handled by the loop */
    struct policy_stall stall;
    uint64_t n_retries;
    uint64_t prompt_tok, cached_tok; /* of all admissions in the measured span */
    struct histogram itl; /* ns; all gaps between output tokens that ended in the measured span */
};

#endif
