/* The planner on forward-pass metrics as functions: what one tick decides, and when the next is
 * due.
 *
 * No clock, no files, no connector. Behaviour is that of Dynamo planner 1.2.1, 1.4.2 or 1.6.1
 * (`state_machine.py`, `throughput_scaling.py`, `load_scaling.py`, `engine_adapter.py`), as the
 * configuration's generation says. */
#ifndef PLANNER_FPM_FPM_CORE_H
#define PLANNER_FPM_FPM_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "planner/fixes.h"
#include "planner/forecast/predictor.h"
#include "planner/fpm/config.h"
#include "planner/fpm/gpu_band.h"
#include "planner/fpm/iteration_model.h"
#include "planner/fpm/pass_engine.h"
#include "planner/fpm/reason.h"
#include "planner/mode.h"
#include "util/arena.h"
#include "util/status.h"

/* What a planner's frontend tells of one window. */
struct fpm_traffic {
    double duration_s, n_requests, isl_tok, osl_tok;
    double kv_hit_rate;   /* NaN = not known */
    double accept_length; /* tokens of a decode step with speculation; 0 or NaN = not known */
};

/* When the next tick is due and what to bring. */
struct fpm_due {
    double at_s;
    bool load, throughput;
    double traffic_window_s; /* 0 = no traffic is needed */
};

struct fpm_input {
    double now_s;
    /* Workers; NaN = not told: the ready count stays as it was, the expected one becomes unknown.
     */
    bool has_counts;
    double ready[N_SIDES], expected[N_SIDES];
    bool in_progress[N_SIDES]; /* somebody says that scaling is, whatever the counts */
    /* Workers beyond the ready ones that start, where it is sure that nothing else goes on: they
     * can be taken back. From 1.6.1 on. */
    int64_t pending[N_SIDES];
    const struct fpm_traffic *traffic; /* NULL = none */
    /* The newest record of each rank; without has_records nobody has looked. */
    bool has_records;
    size_t n_records[N_SIDES];
    const struct fpm_record *records[N_SIDES];
};

enum fpm_series { SERIES_REQUESTS, SERIES_ISL, SERIES_OSL, SERIES_HIT_RATE, N_FPM_SERIES };

/* NaN = not told. A reason for the whole, and in mode disagg for each side. */
struct fpm_reasons {
    enum fpm_reason all, side[N_SIDES];
};
struct fpm_output {
    bool scale;
    int64_t target[N_SIDES]; /* -1 = not a side of the mode */
    struct fpm_reasons load, throughput;
    double estimated_ttft_ms, estimated_itl_ms;
    double predicted[N_FPM_SERIES];
    double requests_per_s[N_SIDES]; /* of one engine */
};

enum fpm_target { TARGET_THROUGHPUT, TARGET_LATENCY, TARGET_LOAD, TARGET_SLA };

/* A cancellation of starting workers, which has to be wished for a full load interval. */
struct fpm_candidate {
    bool set;
    double since_s;
    int64_t target[N_SIDES];                  /* -1 = none */
    int64_t ready[N_SIDES], pending[N_SIDES]; /* what it was wished for */
};

struct fpm_core {
    const struct fpm_config *config; /* borrowed */
    const struct fpm_rules *rules;   /* of the generation */
    enum planner_mode mode;
    enum fpm_target target;
    /* Target sla; those of agg on the decode side. The generation uses the one or the other. */
    struct iteration_model models[N_SIDES];
    struct pass_engine engines[N_SIDES];
    struct fpm_limits limits[N_SIDES]; /* may be changed between ticks */
    struct predictor series[N_FPM_SERIES];
    double hit_rate;                   /* in use; NaN = not known */
    double accept_length;              /* in use, at least 1 */
    double last_isl_tok, last_osl_tok; /* of a window with requests; 0 before */
    bool seen_requests;
    double ready[N_SIDES], expected[N_SIDES];
    bool in_progress[N_SIDES];
    int64_t pending[N_SIDES];
    struct fpm_candidate candidate;
    int64_t floor[N_SIDES]; /* lower bounds by the throughput rule; 1 at the start */
    double next_load_s, next_throughput_s;
    double cadence_s;                /* between ticks, where they have one */
    bool forecast_owed;              /* the throughput rule had none when it was due */
    const struct fpm_record **order; /* room to sort the records of a tick */
    size_t order_capacity;
    struct fpm_due due;
};

/* The configuration has passed fpm_config_check. What is not in the arena is freed by
 * fpm_core_release, also after a failure. */
enum status fpm_core_init(struct fpm_core *core, struct arena *arena,
                          const struct fpm_config *config, double now_s, struct diag *d);
void fpm_core_release(struct fpm_core *core);

/* An iteration for the model of a side, beside those that ticks bring. */
void fpm_core_learn(struct fpm_core *core, enum planner_side side, const struct fpm_record *r);
/* A window of traffic before the start; ST_NOMEM. */
enum status fpm_core_warm(struct fpm_core *core, double n_requests, double isl_tok, double osl_tok);
void fpm_core_warm_end(struct fpm_core *core);

/* Does what is due at core->due. ST_NOMEM is the only failure. */
enum status fpm_core_tick(struct fpm_core *core, const struct fpm_input *input,
                          struct fpm_output *output);

/* ---- For the rules, which fpm_core_tick calls ---- */

enum status fpm_throughput_rule(struct fpm_core *core, const struct fpm_traffic *traffic,
                                struct fpm_output *out);
void fpm_load_rule(struct fpm_core *core, const struct fpm_input *input, struct fpm_output *out);
/* What is left of the decision of a round: nothing if it changes nothing; the budgets hold it once
 * more, and by itself what the budgets and the floors demand; starting workers are taken back only
 * when that has been wished for long enough. `evaluated`: the rule that decides has run. */
void fpm_project(struct fpm_core *core, const struct fpm_input *input, bool evaluated,
                 struct fpm_output *out);

/* Raises targets to the budget's floor and cuts them to its ceiling, where GPUs are known. */
void fpm_apply_budget(const struct fpm_core *core, int64_t target[N_SIDES]);
struct gpu_band fpm_band(const struct fpm_core *core);
int64_t fpm_gpus(const struct fpm_core *core,
                 enum planner_side side); /* of a replica; 0 = unknown */
int64_t fpm_ready(const struct fpm_core *core, enum planner_side side);
bool fpm_has_fix(const struct fpm_core *core, enum planner_fix fix);
/* Workers of any side start, and can be taken back. */
bool fpm_any_pending(const struct fpm_core *core);
/* The side of a mode with one side. */
enum planner_side fpm_single_side(const struct fpm_core *core);
void fpm_reasons_set(const struct fpm_core *core, struct fpm_reasons *reasons,
                     enum fpm_reason reason);

#endif
