/* A scenario: one run as its user wrote it, checked, with every default filled in.
 *
 * Reading the file touches nothing else on disk but the files of the presets it names and the
 * planner's own configuration, when policy.config names one, and looks whether engine.profile names
 * a folder; scenarios/compose/build.h opens the trace and loads the profiles. The keys are listed
 * once, in scenarios/keys/keys.c; docs/scenario.md and scenario.schema.json are written from there.
 */
#ifndef SCENARIOS_KEYS_SCENARIO_H
#define SCENARIOS_KEYS_SCENARIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "planner/dynamo1/config.h"
#include "planner/policy.h"
#include "scenarios/keys/compare.h"
#include "scenarios/keys/expect.h"
#include "scenarios/keys/pools.h"
#include "sim/state/config.h"
#include "util/arena.h"
#include "util/curve.h"
#include "util/status.h"

struct shared;
struct yaml_node;

/* One engine, as `engine:` and each pool set it. */
struct engine_settings {
    const char *profile[2]; /* as in struct profile_source; paths as seen from the working dir */
    int64_t tp;             /* row of a profile with several; 0 = it has one */
    int64_t max_kv_tokens;  /* of a profile that does not say; 0 = it does */
    const char *latency_model;
    int64_t block_size_tok; /* 0 = that of the profile */
    int64_t kv_blocks;      /* 0 = what the profile holds */
    int64_t max_num_seqs, max_num_batched_tokens;
    int64_t max_model_len; /* 0 = that of the profile */
    bool chunked_prefill, prefix_cache;
    int64_t data_parallel_ranks; /* 0 = those of the profile */
    const char *kv_eviction;
    double kv_watermark; /* share of the blocks, 0 to 1 */
    int64_t host_kv_blocks;
    double host_bandwidth_gb_s;
    const char *queue_order;
    double step_noise;
    int64_t draft_tokens;
    double draft_acceptance, draft_ms;
    double cold_start_ms;
    const char *overheads;         /* "auto", "none" or the name of an entry */
    const char *framework_version; /* NULL = that of the profile */
    int64_t stream_interval;
    int64_t graph_tokens; /* 0 = by max_num_seqs */
    /* NULL, NaN = as the overheads have it. */
    const char *async_scheduling, *step_order, *graph_padding;
    double step_factor, fixed_factor, token_factor, decode_attention_factor,
        prefill_attention_factor;
    double host_ms_per_step, host_us_per_seq, eager_step_ms, frontend_ms, frontend_us_per_tok;
    double kv_capacity_factor;
    double prompt_step_least_ms, queue_look_steps, batch_wait_steps, batch_wait_share;
    double prompt_factor, decode_factor; /* on top of all of these */
};

struct pool_settings {
    bool present;
    int64_t replicas;
    int64_t gpus_per_worker; /* 0 = those of the profile */
    const char *router;      /* NULL = scenario.router */
    struct engine_settings engine;
};

/* Both ends included. */
struct tok_range {
    int64_t lowest, highest;
};

/* One side of a grid of an endpoint. */
struct endpoint_axis {
    double min, max;    /* NaN = not set */
    int64_t resolution; /* > 0 */
};

/* Price per GPU-hour: of a GPU type, or (gpu_type NULL) of any. */
struct gpu_price {
    const char *gpu_type;
    double per_hour;
};
struct gpu_prices {
    size_t n;
    const struct gpu_price *price;
};

struct expectations {
    size_t n;
    const struct expectation *item;
};

struct scenario {
    const char *file; /* for messages */
    const char *name, *description;
    struct {
        const char *path; /* as seen from the working directory; NULL with traffic */
        const char *format;
        int64_t limit, block_size_tok;
        double speedup;
        bool sort;
        double from_s, to_s; /* 0 = the start, the end */
        double scale, scale_shift_s;
        double resample_block_s, resample_within_s;
    } trace;
    struct {
        int64_t clients; /* 0 = the requests are those of a trace */
        int64_t requests;
        struct tok_range isl_tok, osl_tok;
        double think_s;
        struct curve rate_per_s, isl_factor; /* n 0 = none */
        const char *arrivals;
    } traffic;
    struct {
        double ttft_ms, tpot_ms, window_s, flap_s;
    } sla;
    int64_t seed;
    int64_t replicate; /* 0 = the traffic as it was recorded */
    const char *compat;
    unsigned compat_off; /* bit i: dynosim_semantics[i] */
    struct {
        double warmup_s, duration_s, drain_s; /* 0: no warm-up, whole trace, until all are done */
    } span;
    struct engine_settings engine;
    struct pool_settings pools[3]; /* by enum pool_role */
    struct {
        int64_t nodes; /* 0 = as many as needed */
        int64_t gpus_per_node;
        const char *placement;
    } cluster;
    struct {
        const char *type;           /* one of arbiters[] */
        int64_t max_gpus, min_gpus; /* 0 = no limit, none */
        double wish_ttl_s;          /* 0 = wishes do not lapse */
    } arbiter;
    struct {
        int64_t priority;
        double weight;
        int64_t guaranteed_gpus; /* -1 = one worker of each pool */
    } share;
    struct {
        const char *by; /* "none": each deployment has requests of its own; or of endpoints[] */
        struct pool_names prefill_pool_mapping, decode_pool_mapping, agg_pool_mapping;
        struct endpoint_axis isl, ttft, itl, context_length;
        struct priority_rules prefill_priority_overrides, decode_priority_overrides,
            agg_priority_overrides, targets;
        bool enable_priority_retry;
        double default_ttft_target_ms, default_itl_target_ms; /* NaN = not set */
        /* What this comes to, for the run; NULL with "none", and in its deployments. */
        const struct endpoint_ops *ops;
        const void *state;
        const struct request_targets *request_targets; /* an item for each of `targets` */
    } endpoint;
    struct {
        struct tok_range isl_tok, osl_tok, priority; /* lowest -1 = any */
        struct tok_range also_priority;              /* lowest -1 = none */
    } serves;
    const char *router;
    struct {
        double overlap_weight, prefill_weight, request_weight, temperature;
    } kv_router;
    struct {
        double interval_s; /* 0 = exact */
        bool own_requests;
    } router_view;
    struct {
        double threshold; /* NaN = none is held */
        const char *order;
    } router_queue;
    struct {
        int64_t local_prefill_max_tok, max_prefill_queue; /* 0 = never */
    } disagg;
    struct {
        double bytes_per_token; /* NaN = what the profile says */
        double bandwidth_gb_s, latency_ms;
        double local_bandwidth_gb_s; /* NaN = bandwidth_gb_s */
        int64_t links_per_node;      /* 0 = transfers never wait */
        const char *tokens;          /* "missing", "prompt", NULL = as compat has it */
    } kv_transfer;
    struct {
        double first_token_timeout_s, timeout_s; /* 0 = never */
        int64_t max_attempts;                    /* 0 = no limit */
        double backoff_s;
    } client;
    struct {
        const char *preset; /* its keys are below; NULL = none */
        double delay_s, schedule_s, image_pull_s, image_cached_s, weights_s, warmup_s;
        double weights_cached_s; /* NaN = weights_s */
        double weights_peer_s;   /* NaN = not done */
        double cv, failure_probability, retry_s;
    } startup;
    struct {
        const char *mode, *lost_requests, *victim;
        bool call_back;
        double grace_s;
    } scale_down;
    struct {
        double worker_mtbf_h, node_mtbf_h, spot_mtbf_h; /* 0 = none fail */
        double node_repair_h, spot_return_h;            /* 0 = never */
        double spot_notice_s;
    } failures;
    struct {
        bool idle_workers, any_router;
        double scrape_interval_s; /* NaN = as compat has it; 0 = exact */
        double outage_at_s, outage_s;
    } metrics;
    struct {
        const char *type;       /* one of policies[] */
        void *config;           /* of that policy, as its keys have it */
        const char *file;       /* policy.config, already part of `config`; NULL = none */
        const char *generation; /* one of those of policies[] */
    } policy;
    struct {
        double stall_s; /* NaN = by the waits that the scenario sets */
        double simulated_s;
        int64_t events;
    } limits;
    struct {
        double sample_s; /* 0 = no samples */
    } output;
    struct {
        const char *preset; /* its keys are below; NULL = none */
        const char *currency;
        struct gpu_prices per_gpu_hour;
    } cost;
    struct expectations expect;
    struct compare_rules compare;

    struct {
        size_t n;
        const char *text[3];
    } notes; /* what the file says and the run does without; for the report */

    const char *const *preset_dirs; /* where bundled presets are, ended by NULL; NULL = nowhere */
    const struct yaml_node *tree;   /* file and overrides merged, for positions */

    /* With the key `deployments`: the scenario as each of them has it, which is the keys of the
     * run, its own, and for the rest what stands beside `deployments`. In this one only the keys of
     * the run mean anything then. */
    size_t n_deployments; /* 0 = it is its only deployment itself */
    const struct scenario *deployments;
    const char *deployment; /* the name, of one of them; NULL = it is none */
    const char *drawn_as;   /* its random draws are those of this deployment; NULL = of none */
};

/* Whatever the scenario looks like: how many deployments it runs, at least 1, and each. */
size_t scenario_n_deployments(const struct scenario *scenario);
const struct scenario *scenario_deployment(const struct scenario *scenario, size_t i);
/* By its name; NULL: none is called so. */
const struct scenario *scenario_deployment_find(const struct scenario *scenario, const char *name);

/* An override: `text` is "path=value", `label` (such as "--set seed=2") stands in messages where a
 * file would give a position. Both are borrowed. */
struct scenario_override {
    const char *label, *text;
};

/* A file of keys in memory; all borrowed. `path` is for messages and relative paths in it. */
struct scenario_text {
    const char *path, *bytes;
    size_t length;
};
/* ST_IO when it cannot be read, ST_INPUT when it is too large. `expected` says in messages what the
 * file should have been. */
enum status scenario_text_read(struct scenario_text *text, struct arena *arena, const char *path,
                               const char *expected, struct diag *d);

/* What a scenario is read from, as often as wanted and on several threads at the same time: a file,
 * whose name is the default of the scenario's; overlays, whose keys win over it, later ones over
 * earlier ones; overrides, which win over all. Borrowed: it must outlive the scenarios. */
struct scenario_source {
    struct scenario_text file;
    size_t n_overlays;
    const struct scenario_text *overlays;
    size_t n_overrides;
    const struct scenario_override *overrides;
    const char *const *preset_dirs; /* where bundled presets are, ended by NULL; NULL = nowhere */
    /* Of one of several deployments alone: its name, and how many of the overlays and overrides are
     * over all of them; the others are over what it has then. NULL = of all that the file has. */
    const char *deployment;
    size_t n_overlays_of_all, n_overrides_of_all;
    struct shared *shared; /* keeps the files of presets for other scenarios (util/shared.h); NULL =
                              they are read each time */
};
/* Reads one more overlay, which wins over those there are; in the arena. As scenario_text_read. */
enum status scenario_source_overlay(struct scenario_source *source, struct arena *arena,
                                    const char *path, const char *expected, struct diag *d);

/* The same of a deployment alone, one of the scenario that the source gives: a scenario without
 * `deployments` in which it is as it is there, with the same traffic; what is laid over the source
 * from now on is over that one. ST_INPUT: its requests are those of an endpoint. */
enum status scenario_source_alone(struct scenario_source *source, const struct scenario *deployment,
                                  struct diag *d);

/* Everything is in the arena, or in what is shared. ST_INPUT with `file:line:column: what, and what
 * was expected`. */
enum status scenario_read(struct scenario *scenario, struct arena *arena,
                          const struct scenario_source *source, struct diag *d);
/* The same of a source without overlays. */
enum status scenario_parse(struct scenario *scenario, struct arena *arena, const char *path,
                           const char *bytes, size_t length,
                           const struct scenario_override *overrides, size_t n_overrides,
                           const char *const *preset_dirs, struct diag *d);

/* The bundled presets of every section that takes one. */
struct scenario_preset {
    const char *section, *name, *summary; /* summary may be "" */
};
enum status scenario_presets(const struct scenario_preset **presets, size_t *n, struct arena *arena,
                             const char *const *preset_dirs, struct diag *d);

/* Where a key was set: of the key itself, else of the closest section around it. */
struct source_pos scenario_at(const struct scenario *scenario, const char *path);
/* Is the key itself set in the file or by an override? *at as above. */
bool scenario_is_set(const struct scenario *scenario, const char *path, struct source_pos *at);
/* The same for an engine key of a pool, which may stand in `pools` or in `engine`. */
struct source_pos scenario_engine_at(const struct scenario *scenario, enum pool_role role,
                                     const char *key);

/* Of every random draw of a run: made of `seed` and `replicate`; of a deployment, of its name too.
 * At most INT64_MAX. */
uint64_t scenario_seed(const struct scenario *scenario);
/* The same of its requests: deployments behind one endpoint draw the same ones. */
uint64_t scenario_traffic_seed(const struct scenario *scenario);
/* Do its deployments share the requests that stand at the top level? */
bool scenario_has_endpoint(const struct scenario *scenario);

/* The policy that the scenario names. */
const struct policy_ops *scenario_policy(const struct scenario *scenario);
/* What there is to know of its configuration; false: the policy is no planner. */
bool scenario_planner_terms(const struct scenario *scenario, struct policy_terms *terms);
/* The configuration of the planner of 1.0.2; NULL = it is another policy. */
const struct planner_config *scenario_planner(const struct scenario *scenario);

extern const char *const pool_role_names[3]; /* "agg", "prefill", "decode" */

/* YAML with every key, that reads back to the same scenario. Paths are made absolute with
 * `working_dir`. */
void scenario_print(const struct scenario *scenario, const char *working_dir, FILE *out);

/* JSON Schema (draft-07) of a scenario file, and its reference as Markdown. */
void scenario_write_schema(FILE *out);
void scenario_write_reference(FILE *out);

#endif
