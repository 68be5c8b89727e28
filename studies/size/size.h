/* What has to be bought: for each choice of an engine, a topology and a load the smallest static
 * fleet that meets a target, by runs of the scenario. docs/sizing.md has it for users. */
#ifndef STUDIES_SIZE_SIZE_H
#define STUDIES_SIZE_SIZE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>

#include "scenarios/keys/expect.h"
#include "scenarios/keys/model_error.h"
#include "scenarios/keys/scenario.h"
#include "sim/state/cluster.h"
#include "studies/size/fleet_search.h"
#include "studies/study.h"

enum size_topology {
    SIZE_AGG,
    SIZE_DISAGG,
    SIZE_MIXED, /* prefill and decode workers of the same engine with other tensor-parallel sizes */
    N_SIZE_TOPOLOGIES
};
extern const char *const size_topology_names[N_SIZE_TOPOLOGIES]; /* "agg", "disagg", "mixed" */

/* Names of bundled profiles, in their order: those that one of the patterns fits (shell patterns
 * over the whole name; a name or the path of a file is itself), whose model has one of `models` in
 * it and whose GPU one of `gpus`, whatever the case. No patterns: all; no models, GPUs: any.
 * ST_INPUT: a pattern that fits none, or nothing is left. */
struct size_filter {
    size_t n_patterns, n_models, n_gpus;
    const char *const *patterns, *const *models, *const *gpus;
};
enum status size_profiles(const char *const **names, size_t *n, struct arena *arena,
                          const struct profile_search *search, const struct size_filter *filter,
                          struct diag *d);

/* ST_INPUT, with its position: no bound that larger fleets meet and smaller ones miss. */
enum status size_check_target(const struct expectation *target, struct diag *d);

/* A policy in the loop, held against the static fleets. */
struct size_policy {
    const char *name;              /* "scenario", or a file */
    struct scenario_source source; /* the scenario with it */
    int64_t max_gpu_budget;        /* its own; negative = no limit */
    int64_t replicas[3]; /* by enum pool_role, that its file starts with; 0 = those of the answer */
};
/* From the scenario itself (name "scenario"), or from an overlay of nothing but a policy and
 * replicas. ST_INPUT: that has something else, or the policy never changes the fleet. ST_IO. */
enum status size_policy_read(const struct size_policy **policy, struct arena *arena,
                             const char *name, const struct scenario_source *source,
                             struct diag *d);

struct size_options {
    const struct scenario_source *source;
    const struct scenario *scenario;  /* what is read from it */
    const struct expectation *target; /* of an order: >=, <=, >, < */
    size_t n_profiles;                /* 0 = the scenario's own */
    const char *const *profiles;      /* names, or paths */
    size_t n_topologies, n_loads;
    const enum size_topology *topologies;
    const double *loads;             /* factors of the scenario's load, > 0 */
    const struct gpu_prices *prices; /* per GPU-hour */
    const char *currency;
    int64_t max_gpus;                 /* 0 = as many as it takes */
    int64_t n_missing;                /* workers of any one pool that the fleet has to do without */
    size_t n_top;                     /* > 0: of each load so many cheapest are found; SIZE_MAX:
                                         all; of the others only what they cost at least */
    size_t n_detailed;                /* of each load the so many cheapest; up to n_top */
    size_t n_replicates;              /* 0, or 2 and more */
    size_t n_months;                  /* to plan ahead, up to SIZE_MAX_MONTHS; 0 = no plan */
    double growth_per_month;          /* of the load, as a share; compound */
    const struct size_policy *policy; /* NULL = static fleets alone; not with n_missing */
    struct run_resources *resources;
    size_t n_threads;
    const atomic_bool *cancel;
    void (*progress)(void *context, size_t n_done, size_t n_runs); /* the latter is a guess */
    void *context;
};

enum { SIZE_MAX_MONTHS = 120 };
#define SIZE_DAYS_PER_MONTH (365.0 / 12)

/* The smallest fleet at the load of a month. */
struct size_month {
    double scale_load;
    bool reached; /* there is one, and what follows is known */
    struct fleet workers;
    int64_t gpus, nodes;
    double cost_per_day;
};

/* Of several runs, and where the mean of many more would lie, at 95 %. */
struct size_mean {
    double mean, low, high;
};

/* The fleet of the answer on other courses of the traffic. NaN: not known. */
struct size_courses {
    int64_t n;           /* 0 = none were run */
    const char *message; /* why there are none; NULL = they are not asked for */
    struct size_mean value, attainment;
    int64_t n_met; /* of them on which it meets the target */

    /* With n_replicates: the range of one more course, nine times in ten, with one of the errors
     * of the engine. */
    bool with_ranges;
    double value_low, value_high, attainment_low, attainment_high;

    /* Of a trace: how far the value at the answer hangs on which requests came together. */
    bool of_trace;
    double blocks;       /* of the trace, trace.resample_block_s each */
    double value_error;  /* standard error */
    double value_margin; /* half of the 95 % interval; INFINITY: too few blocks to say */
    double told_from;    /* the value that is to be told from the target's bound */
    bool long_enough;    /* it is */

    /* With one worker less, in the pool where that does less harm; all 0: there is no such fleet,
     * or it was not run. */
    struct fleet fewer;
    double fewer_value, fewer_margin;
    bool fewer_misses; /* by more than the margin */
};

/* The same courses with a policy in the loop, which starts with the fleet of the answer. */
struct size_autoscaled {
    const char *policy;  /* its name */
    int64_t n;           /* courses; 0 = not asked for */
    const char *message; /* why the policy cannot run it; NULL = it can */
    int64_t max_gpu_budget;
    int64_t peak_gpus; /* in any of them */
    struct size_mean mean_gpus, gpu_hours, value, attainment;
    double lost; /* requests, on average */
    double gpu_hours_per_day, cost_per_day;
    bool meets_target; /* on average, as `value` */
    bool certain;      /* either way: the interval of the mean is on one side of the bound */
};

struct size_choice {
    const char *profile;
    const char *decode_profile; /* of the decode pool, if another; else NULL */
    bool own;                   /* the engine is as the scenario has it */
    enum size_topology topology;
    double scale_load;
    const char *message; /* why it cannot be run; NULL = it can, and what follows is known */

    size_t n_pools;
    const char *pools[FLEET_MAX_POOLS];
    int64_t gpus_per_worker[FLEET_MAX_POOLS];
    struct cluster_config cluster; /* without its limit of nodes */
    const char *gpu_type;
    double price;                    /* per GPU-hour; NaN = not known */
    const struct model_error *error; /* NULL = nothing measured is near it */
    double factors[2];               /* the scenario's own of prompts and running sequences */
    const char *trust;
    int64_t arithmetic[FLEET_MAX_POOLS]; /* workers by mean rate over capacity; 0 = not known */
    double arithmetic_value; /* of detail: of the target's key, with these. NaN: not known */

    struct fleet_search search;
    bool answered; /* the search has ended */
    bool bounded;  /* before its end, as n_top others cost less: gpus_low and cost_per_day_low are
                      the least that it may need */
    bool reached;
    struct fleet workers; /* the answer, or what came closest; all 0: no fleet is within max_gpus */
    int64_t gpus, nodes;
    bool detailed; /* one of the cheapest; of others what is said to be of detail stays NaN */
    bool cheapest; /* of the detailed ones, at its load */
    double gpus_low, gpus_high; /* of detail, or bounded. INFINITY: no fleet; NaN: not known */
    struct fleet survivors;     /* without n_missing workers in the pool where that does most harm:
                                   what the figures are of; all 0: none are missing */
    /* What the range is of: GPUs of the answer with each draw of errors and traffic, which is the
     * same draw for every choice; INFINITY: no fleet. 0 = of no detail, or nothing known. */
    size_t n_draws;
    double *draws;
    bool ties_with_cheapest;  /* of its load: within the ranges either may cost less, or it is not
                                 known; false of the cheapest itself */
    double value, attainment; /* of the target's key, of all requests */
    struct size_courses courses;
    struct size_autoscaled autoscaled;
    double cost_per_day_low, cost_per_day_high; /* of gpus_low and gpus_high */
    double cost_per_day, cost_per_million_output_tokens, cost_per_thousand_good_requests;
    const char *limited_by;
    double
        load_headroom; /* of detail: so much more of the load it carries, as a share; 1 = or more */

    const struct size_month *months; /* of detail: 0 (today) to n_months; NULL: no plan */
    int64_t too_small_from;          /* month that needs more GPUs than today; -1 = none does */
    /* Of the months 1 to n_months, each month's GPUs or all at once. NaN: a month has no fleet, or
     * no price is known. */
    double cost_month_by_month, cost_at_once;
};

enum size_outcome {
    SIZE_REACHED,     /* a fleet meets the target */
    SIZE_UNREACHABLE, /* none does */
    SIZE_BOUNDED,     /* not known: it is too dear */
    SIZE_LEFT_OUT     /* it cannot be run */
};
enum size_outcome size_outcome_of(const struct size_choice *choice);

/* Of a pool: 0 to n_pools - 1. */
const char *size_choice_profile(const struct size_choice *choice, size_t pool);

struct size_result {
    const struct size_options *options;
    size_t n;
    const struct size_choice *const *choices; /* reached first, cheapest first; then what came
                                                 closest; then bounded ones, cheapest first; those
                                                 that cannot be run last */
    size_t n_reached, n_searched;             /* the latter with what came closest */
    size_t n_runnable, n_runs;
    bool holds; /* each load has a fleet */
};

/* In the arena. ST_INPUT: no request comes in, or no choice can be run (the message is that of the
 * first). ST_CANCELLED, ST_NOMEM. */
enum status size_fleets(const struct size_result **result, struct arena *arena,
                        const struct size_options *options, struct diag *d);

/* The columns of size_columns.h: an object, and a row, of each choice. */
void size_write_json(const struct size_result *result, FILE *out);
void size_write_csv(const struct size_result *result, FILE *out);

#endif
