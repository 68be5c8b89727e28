/* Configuration of Dynamo's planner on forward-pass metrics, with its own field names and defaults.
 */
#ifndef PLANNER_FPM_CONFIG_H
#define PLANNER_FPM_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "planner/fpm/generation.h"
#include "planner/mode.h"
#include "planner/policy.h"
#include "util/key.h"
#include "util/status.h"

struct fpm_config {
    enum fpm_generation generation;  /* not a field of the reference's; the caller sets it */
    const char *mode;                /* disagg, prefill, decode, agg */
    const char *optimization_target; /* throughput, latency, load, sla */
    bool enable_throughput_scaling;  /* true; off unless the target is sla */
    bool enable_load_scaling;        /* false; on unless the target is sla */
    int64_t throughput_interval_s, load_interval_s;
    double ttft_ms, itl_ms;
    int64_t min_endpoint;
    int64_t side_min_endpoint[N_SIDES];      /* in place of min_endpoint; negative = unset */
    int64_t max_throughput_scaling_replicas; /* per side and tick, 1.6.1 */
    int64_t max_gpu_budget, min_gpu_budget;  /* negative = none */
    bool enable_power_awareness;
    int64_t total_gpu_power_limit_w;       /* negative = unset */
    int64_t load_scaling_down_sensitivity; /* percent */
    int64_t speculative_nextn;
    int64_t load_min_observations, max_num_fpm_samples, fpm_sample_bucket_size;
    const char *pre_deployment_sweeping_mode;              /* rapid, thorough, none */
    const char *environment;                               /* kubernetes, virtual, global-planner */
    const char *global_planner_namespace;                  /* NULL */
    int64_t prefill_engine_num_gpu, decode_engine_num_gpu; /* 0 = as deployed */
    const char *throughput_metrics_source;                 /* frontend, router */
    const char *load_predictor_warmup_trace;               /* NULL */
    bool advisory;                                         /* decide, but ask for nothing */
    double start_delay_s;                                  /* ours, as these: */
    const char *compat;                                    /* faithful, fixed */
    unsigned fixes;                                        /* enum planner_fix bits */

    /* Thresholds of target load; NaN = unset. */
    double prefill_up_tok, prefill_down_tok;       /* queued prompt tokens */
    double decode_up_percent, decode_down_percent; /* of the KV cache */

    const char *load_predictor;
    bool load_predictor_log1p;
    int64_t prophet_window_size;
    double kalman_q_level, kalman_q_trend, kalman_r;
    int64_t kalman_min_points;
};

/* Ended by name NULL: first those that mean nothing in a simulation, then those that 1.6.1 brought,
 * then those that 1.4.2 has, too. So each generation has the keys from one of them on. */
extern const struct key fpm_keys[];
enum { FPM_KEYS_1_6_1 = 3, FPM_KEYS_1_4_2 = FPM_KEYS_1_6_1 + 4 };
/* Fields of other versions, and those by which the live planner finds things. */
extern const struct foreign_key fpm_foreign_keys[]; /* ended by name NULL */

/* The fewest replicas of a side. */
int64_t fpm_min_endpoint(const struct fpm_config *config, enum planner_side side);

/* The reference's rules across fields, once all are set. A target other than sla decides which
 * scaling is on. ST_INPUT. */
enum status fpm_config_check(struct fpm_config *config, struct source_pos at, struct diag *d);

#endif
