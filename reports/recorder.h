/* The observer of one run: writes the per-request, per-sample and per-decision files while the run
 * goes, and collects what the summary needs.
 *
 * Files are written as NAME.part and get their name in recorder_finish, so a run that failed or was
 * interrupted leaves none that looks complete. Formats: README.md in this folder. */
#ifndef REPORTS_RECORDER_H
#define REPORTS_RECORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "planner/policy.h"
#include "record/observer.h"
#include "reports/capacity.h"
#include "reports/causes/causes.h"
#include "reports/moves.h"
#include "reports/quantiles.h"
#include "reports/timeline.h"
#include "reports/windows.h"
#include "util/status.h"

struct replay_report; /* reports/replay_report.h */
struct summary;       /* reports/summary.h */

enum { RUN_MAX_NOTES = 16 };
struct run_notes {
    size_t n;
    const char *text[RUN_MAX_NOTES];
};

/* What run this is. Texts are borrowed and must outlive the recorder and the summary. */
struct run_info {
    const char *scenario;   /* its name */
    const char *deployment; /* of several in the run; NULL = the only one */
    uint64_t seed;          /* <= INT64_MAX */
    const char *version;    /* of this program, for headroom_version */
    int64_t ttft_target_ns, tpot_target_ns;
    int64_t window_ns, measured_from_ns; /* windows: so long, from then on; window_ns > 0 */
    int64_t flap_ns; /* a pool that is scaled back the other way within this time flaps */
    size_t n_pools;  /* in the order of sim_config */
    const char *pool_names[POLICY_MAX_POOLS]; /* letters, digits, _ and -; at most 31 */
    /* Behind an endpoint that chooses pools: has but one of the two, whose other half is elsewhere;
     * requests may be decoded elsewhere, or have targets of their own. */
    bool only_prefills, only_decodes, by_pool;
    int gpus_per_worker[POLICY_MAX_POOLS];
    struct capacity_worker workers[POLICY_MAX_POOLS]; /* what each of a pool can do */
    const char *policy;                               /* name */
    const char *generation;     /* which of that name; NULL = the first, or the only one */
    const char *predictor;      /* load predictor; NULL = the policy has none */
    const char *policy_details; /* policy_ops.describe; NULL = nothing */
    /* Price: NULL currency = none given, and the summary says nothing about cost. */
    const char *currency;
    double price_per_gpu_hour[POLICY_MAX_POOLS];
    /* For the head of the terminal summary only; NULL = left out. */
    const char *trace, *traffic; /* one of the two */
    const char *profiles[POLICY_MAX_POOLS];
    const char *overheads;  /* of the engines, by name; NULL: not said */
    const char *arbiter;    /* of a whole with several deployments: name; NULL elsewhere */
    int64_t max_gpus;       /* what it has to give; 0 = it does not say */
    struct run_notes notes; /* what to know before the figures are believed; for the summary too */
};

struct recorder_options {
    size_t n_deployments;        /* 0 = 1, without a name */
    const struct run_info *info; /* of each of them; borrowed */
    const char *out_dir;         /* created if absent; copied; NULL = write no files */
    bool want_events;            /* events.jsonl too */
    bool keep_parts;   /* the simulator tells requests with their parts: columns, and causes */
    bool keep_medians; /* of TTFT over time, for the curve of the terminal */
    bool replace;      /* files of an earlier run in out_dir may be replaced */
    size_t
        max_exact; /* latencies of each family that are kept as they are; 0 = QUANTILES_MAX_EXACT */
    /* Passed through to the simulator's progress calls; NULL = none. */
    enum status (*progress)(void *context, const struct sim_progress *p, struct diag *d);
    void *progress_context;
    struct replay_report *replay; /* gets every request, too; NULL = none */
};

/* What the records said, of measured requests unless stated. Read by summary_compute. */
struct recorder_totals {
    uint64_t n_records;      /* all requests, measured or not */
    int64_t last_arrival_ns; /* of all; the first is at 0 */
    uint64_t n_offered, n_by_outcome[N_OUTCOMES];
    uint64_t n_retried, n_retries; /* requests sent more than once; times they were sent again */
    uint64_t n_ttft_ok, n_tpot_ok, n_good; /* completed, and within the target(s) */
    uint64_t output_tok, good_output_tok,
        input_tok; /* input_tok and output_tok: of completed requests */
    struct windows windows;
    struct moves moves;                     /* of the whole run */
    struct quantiles ttft, ttst, tpot, e2e; /* ns, of completed requests */
};

struct medians;  /* reports/medians.h */
struct recorder; /* opaque */

/* Creates the files. Errors: ST_IO naming the file; ST_INPUT when a file is there and `replace` is
 * false; ST_NOMEM. On an error *recorder is NULL and nothing is left behind. */
enum status recorder_open(struct recorder **recorder, const struct recorder_options *options,
                          struct diag *d);
/* For sim_run. Valid as long as the recorder; without want_events `event` is NULL. */
struct observer recorder_observer(struct recorder *recorder);

/* Of a deployment, by its index. */
struct recorder_totals *recorder_totals(struct recorder *recorder, size_t deployment);
const struct run_info *recorder_info(const struct recorder *recorder, size_t deployment);
/* One point per sample; the recorder's. */
struct timeline recorder_timeline(const struct recorder *recorder, size_t deployment);
/* Of TTFT, by when first tokens came; the recorder's. NULL without keep_medians. */
const struct medians *recorder_medians(const struct recorder *recorder, size_t deployment);
/* When the run is over, once each; without keep_parts `kept` is false. ST_NOMEM. */
enum status recorder_causes(struct recorder *recorder, size_t deployment,
                            struct cause_summary *causes, struct diag *d);
enum status recorder_capacity(struct recorder *recorder, size_t deployment, int64_t end_ns,
                              struct capacity_summary *capacity, struct diag *d);

/* Those of single requests, after recorder_causes; NULL without keep_parts. They are the caller's
 * from then on. */
struct causes *recorder_take_causes(struct recorder *recorder, size_t deployment);

/* After the run: writes summary.json, and performance.json if the summary has its figures, and
 * gives every file its name. No effect without out_dir. ST_IO. */
enum status recorder_finish(struct recorder *recorder, const struct summary *summary,
                            struct diag *d);
/* Removes the .part files when recorder_finish was not reached. NULL is allowed. */
void recorder_free(struct recorder *recorder);

#endif
