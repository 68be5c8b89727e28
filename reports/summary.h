/* The figures of one run: what summary.json, the terminal and expectations are made of.
 *
 * How a run is reported:
 *
 *     recorder_open(&recorder, &options, d);
 *     struct observer observer = recorder_observer(recorder);
 *     sim_run(&config, trace, &observer, result, d);
 *     summary_compute(&summary, recorder, result, trace_digest(trace), &performance, d);
 *     recorder_finish(recorder, &summary, d);
 *     summary_print(&summary, &terminal);
 *     recorder_free(recorder);
 *
 * Definitions. Requests are those that arrived in the measured span; the span runs from its start
 * (sim_result.measured_from_ns) to the end of the run (end_ns), and rates are per second of it.
 * Attainment is over all offered requests: one that did not complete has missed every target. A
 * request with a single output token has no TPOT and cannot miss it. An attainment window holds
 * when the mean TTFT of the first tokens that came in it and the mean of the gaps that ended in it
 * are within the targets; one without gaps (each request has one token) is judged by TTFT alone,
 * one in which nobody waited for a first token by the gaps alone. In one with requests that waited
 * for their first token, there or just arrived, where none came, the service was out: it is missed.
 * Windows without any of this do not count. Latencies are those of
 * completed requests, except ITL: all gaps that ended in the span. Figures that do not exist are
 * NaN here, null in JSON and "-" on the terminal. */
#ifndef REPORTS_SUMMARY_H
#define REPORTS_SUMMARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "planner/policy.h"
#include "record/run_result.h"
#include "reports/capacity.h"
#include "reports/causes/causes.h"
#include "reports/quantiles.h"
#include "reports/recorder.h"
#include "util/arena.h"
#include "util/status.h"
#include "util/terminal.h"

enum { SUMMARY_SCHEMA_VERSION = 1, SUMMARY_SPARK_SIZE = 34 };

/* Measured by the caller, who has the clock. */
struct run_performance {
    double wall_s, cpu_s;
    double peak_rss_mib;
};

/* What a figure is in runs that are alike but for chance: another such run lies from low to high
 * with probability `level`, and the mean over many of them from mean_low to mean_high with that
 * confidence. The figures of the summary itself are those of the run as it stands. */
struct summary_interval {
    const char *key; /* as summary_lookup takes it */
    double low, high, mean, mean_low, mean_high;
};
struct summary_basis { /* for people: what the differences were taken from */
    const char *label, *text;
};
enum { SUMMARY_MAX_BASES = 1 + 32 * POLICY_MAX_POOLS }; /* of pools of 32 deployments */
struct summary_intervals {
    double level; /* 0.9 */
    size_t n_runs;
    const char *varied; /* what differs between the runs: "model error" */
    size_t n;
    const struct summary_interval *intervals;
    size_t n_bases;
    struct summary_basis bases[SUMMARY_MAX_BASES];
};

/* A curve over the run, cut into equal parts: the mean of the samples in each; of TTFT the median
 * of the first tokens that came in it, where the recorder keeps medians. */
struct spark {
    size_t n;                         /* 0 = no samples */
    double value[SUMMARY_SPARK_SIZE]; /* NaN: no sample in it has the figure */
    double min, max; /* of the samples, not of the means; of the medians; NaN: none */
};

/* The field names are the keys of summary.json, which README.md in this folder explains. */
struct summary {
    const struct run_info *info; /* borrowed, as are all texts */
    uint64_t schema_version;
    const char *headroom_version, *scenario;
    uint64_t seed;
    char trace_digest[17]; /* 16 hex digits */

    struct {
        uint64_t offered, completed, lost, retried, rejected, unfinished, timed_out;
        uint64_t good;                     /* completed within both targets */
        uint64_t retries;                  /* times a request was sent again */
        uint64_t missed_ttft, missed_tpot; /* completed, but above this target */
        uint64_t outside_span;             /* warm-up requests, in no other figure */
    } requests;
    struct {
        double ttft_ms, tpot_ms;
    } sla;
    struct {
        double overall, ttft, tpot, windows;
        uint64_t n_windows;
    } attainment;
    struct {
        double min_attainment;
        double max_ttft_ms, max_itl_ms; /* largest mean of a window */
        double longest_missed_s;
    } windows;
    struct {
        struct distribution ttft, itl, tpot, e2e, ttst;
        double error_relative;     /* bound on the error of the percentiles but ITL's; 0 = exact */
        double itl_error_relative; /* bound on the error of the ITL percentiles */
    } latency_ms;
    struct {
        double span_s;
        double requests_per_s, output_tokens_per_s, input_tokens_per_s; /* of completed requests */
        double goodput_requests_per_s, goodput_output_tokens_per_s, goodput_requests_per_gpu_hour;
    } throughput;
    struct {
        double total, starting, idle, busy, draining;
        double wasted; /* spent on requests that were lost later; part of busy or draining */
        double by_pool[POLICY_MAX_POOLS];
        double by_pool_state[POLICY_MAX_POOLS][N_GPU_STATES]; /* not in summary.json */
    } gpu_hours;
    struct {
        const char *currency; /* NULL = no price given */
        double total, per_million_output_tokens, per_thousand_good_requests;
    } cost;
    struct cause_summary causes;      /* `causes` and `lag`; left out where they were not kept, */
    struct capacity_summary capacity; /* as this */
    struct {
        uint64_t decisions, up, down, failed, events;
        uint64_t failed_starts, node_failures, reclaims, lost_with_nodes; /* the last: workers */
        int64_t peak_workers, peak_gpus;
        int64_t peak_pending; /* workers that waited for GPUs */
        double mean_gpus;
        double up_by_pool[POLICY_MAX_POOLS], down_by_pool[POLICY_MAX_POOLS],
            peak_workers_by_pool[POLICY_MAX_POOLS];
        uint64_t reversals, flaps;
        double first_up_s, first_down_s, last_change_s;
    } scaling;
    struct {
        double prefix_hit_rate, peak_utilization;
        uint64_t preemptions;
    } kv;
    struct {
        const char *name, *generation, *predictor, *details;
    } policy;
    struct {
        const char *overheads; /* by name; NULL: not said */
    } engine;
    struct run_notes notes;                    /* left out of summary.json when there are none */
    const struct summary_intervals *intervals; /* NULL = none, left out */
    double unserved_gpu_hours; /* wanted by policies, but not given: granted to others, or waiting
                                  for GPUs; in summary.json only with the key `deployments` */
    struct {
        double perfect_gpu_hours, hindsight_gpu_hours, regret;
    } bounds;
    struct { /* not in summary.json */
        double wall_s, simulated_s, requests_per_wall_s;
        uint64_t events;
        double peak_rss_mib, cpu_s, speedup; /* speedup: simulated seconds per wall second */
    } performance;

    /* Of a run with the key `deployments`: theirs, in the order of the scenario; else 0 and NULL.
     * The figures above are then those of all of them, without a value where there is none. */
    size_t n_deployments;
    const struct summary *deployments;

    struct spark offered_rps, workers[POLICY_MAX_POOLS], waiting, ttft_ms;
    struct timeline timeline; /* the recorder's, until summary_keep_timeline; not in summary.json */
};

/* `performance` may be NULL: then those figures are NaN. The summary owns nothing, but borrows the
 * recorder's run_info. ST_NOMEM. */
enum status summary_compute(struct summary *summary, struct recorder *recorder,
                            const struct run_result *result, uint64_t trace_digest,
                            const struct run_performance *performance, struct diag *d);

/* The same of a run with the key `deployments`: each of the n into `of`, which stays a part of the
 * summary, and all of them together. The results and digests are those of each. `whole`, which is
 * borrowed, tells what the run is, and has no pools. */
enum status summary_compute_deployments(struct summary *summary, struct summary *of, size_t n,
                                        const struct run_info *whole, struct recorder *recorder,
                                        const struct run_result *results, const uint64_t *digests,
                                        const struct run_performance *performance, struct diag *d);

/* The timelines, those of its deployments `of` too, stay when the recorder goes. ST_NOMEM. */
enum status summary_keep_timeline(struct summary *summary, struct summary *of, struct arena *arena,
                                  struct diag *d);

/* summary.json: equal runs give equal bytes. performance.json: what the run took, which differs
 * every time. The caller checks `out` for errors. */
void summary_write_json(const struct summary *summary, FILE *out);
void summary_write_performance(const struct summary *summary, FILE *out);

/* The report for people, within the width of a terminal. */
void summary_print(const struct summary *summary, const struct terminal *terminal);

/* The number under a dotted key of summary.json, such as "attainment.overall",
 * "latency_ms.ttft.p99" or "gpu_hours.by_pool.decode", or under one of reports/timeline.h. false
 * for a key that does not exist or is not a number; NaN where JSON has null. */
bool summary_lookup(const struct summary *summary, const char *key, double *value);
/* Is this a key summary_lookup can know, of a run or one deployment? by_pool and the like need one
 * of the pool names. */
bool summary_key_exists(const char *key, size_t n_pools, const char *const *pool_names);
/* Has it a value only where the run keeps where the time of its requests went? */
bool summary_key_needs_parts(const char *key);
/* And does a run with the key `deployments` have it as a whole? */
bool summary_key_adds_up(const char *key);
/* "deployments.NAME.KEY": KEY, with *name and its length; any other key: itself, and 0. Borrowed.
 */
const char *summary_own_key(const char *key, const char **name, size_t *n_name);
/* Of such a key, what its number is never below and never above (INFINITY: no limit); false: it has
 * no value in this version. */
bool summary_key_range(const char *key, double *min, double *max);
/* What the number counts or is measured in: "ms", "h", "1/s"; of a cost the currency. NULL: nothing
 * (a share), or requests, tokens, workers. */
const char *summary_key_unit(const char *key, const char *currency);
/* Which way of it is worse for users or costs more; either: it says nothing of that. */
enum summary_worse { SUMMARY_WORSE_EITHER, SUMMARY_WORSE_LOWER, SUMMARY_WORSE_HIGHER };
enum summary_worse summary_key_worse(const char *key);
/* Is it a figure of what happened, not of what was asked for? */
bool summary_key_is_result(const char *key);
/* Every numeric key in the order of summary.json, except those of one pool; NULL after the last. */
const char *summary_key(size_t i);
/* What comes before the name of a pool in the others, such as "gpu_hours.by_pool"; NULL after the
 * last. */
const char *summary_pool_key(size_t i);

#endif
