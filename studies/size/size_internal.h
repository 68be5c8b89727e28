/* Between the files of the study. */
#ifndef STUDIES_SIZE_SIZE_INTERNAL_H
#define STUDIES_SIZE_SIZE_INTERNAL_H

#include "studies/size/size.h"
#include "studies/size/traffic_load.h"

/* What is different in a run of a choice. */
struct size_setting {
    struct fleet fleet;
    double more_load;                    /* factor on top of that of the choice */
    uint64_t replicate;                  /* 0 = the scenario's own */
    double prompt_factor, decode_factor; /* on top of those of the scenario */
    const struct size_policy *policy;    /* steers it; NULL = nothing does */
    int64_t max_gpu_budget;              /* of the policy; negative = no limit */
};

extern const struct size_setting size_as_it_is; /* with no fleet */

/* As overrides over the scenario, in the arena. ST_NOMEM. */
enum status size_variant(struct study_variant *variant, struct arena *arena,
                         const struct size_options *options, const struct size_choice *choice,
                         const struct size_setting *setting, struct diag *d);

/* What is kept of a run, for fleet_trial.figures. */
enum size_figure {
    SIZE_TARGET,
    SIZE_ATTAINMENT,
    SIZE_GPU_HOURS,
    SIZE_BUSY,
    SIZE_MISSED_TTFT,
    SIZE_MISSED_TPOT,
    SIZE_REJECTED,
    SIZE_GOOD,
    SIZE_PREEMPTIONS,
    SIZE_KV_PEAK,
    SIZE_OUTPUT_TOK_PER_S,
    SIZE_TTFT_MEAN,
    SIZE_TTFT_P99,
    SIZE_TTFT_MAX,
    SIZE_TPOT_MEAN,
    SIZE_TPOT_P99,
    SIZE_TPOT_MAX,
    SIZE_OFFERED,
    SIZE_UNFINISHED,
    SIZE_LOST,
    SIZE_SPAN_S,
    SIZE_MEAN_GPUS,
    SIZE_PEAK_GPUS,
    N_SIZE_FIGURES
};

enum { SIZE_LOAD_STEPS = 64 }; /* load_headroom is told to 1 / 64 of the load */

/* The figures of a run that a search has had. */
struct size_seen {
    struct fleet fleet;
    double more_load;
    const double *figures;
    bool cut; /* the run gave up */
};

/* One search: of a choice's fleet, or of the load that its fleet carries. */
struct size_task {
    struct size_choice *choice;
    struct fleet_search *search;
    struct size_setting setting; /* what stays the same in all its runs */
    bool of_load; /* n[0] of the search is steps of load on top, and the least that fails */
    bool only;    /* the search asks for `wanted` and no more */
    const struct fleet_search *of_less, *of_more; /* at a smaller and a larger load; NULL = none */
    bool waits, begins; /* not asked yet, see size_between; does not wait any longer */
    bool done;
    enum fleet_state state;
    struct fleet wanted;
    size_t n_seen, room;
    struct size_seen *seen;
};

/* The runs that answer what a task wants to know: it is as good as the worst of them, and without
 * any no good. */
struct size_question {
    size_t n;
    struct size_setting runs[FLEET_MAX_POOLS];
};
void size_question(struct size_question *question, const struct size_task *task,
                   const struct size_options *options);
/* NULL: there was no such run, or it was cut and what is wanted is whole. */
const struct size_seen *size_seen(const struct size_task *task, const struct size_setting *setting);
/* ST_NOMEM. */
enum status size_see(struct size_task *task, struct arena *arena,
                     const struct size_setting *setting, const double *figures, bool cut,
                     struct diag *d);
/* Of the target's key; of a run that was cut, a share is of the requests that have ended. */
double size_value(const struct size_seen *seen, const struct expectation *target);
/* All of its runs have been seen. */
struct fleet_trial size_judge(const struct size_task *task, const struct size_question *question,
                              const struct expectation *target);

/* What the searches at other loads say of the wanted fleet; without figures. */
bool size_implied(struct fleet_trial *trial, const struct size_task *task);

/* What came in, in a whole run: the same in all choices. */
struct size_traffic {
    double scale; /* on top of that of the scenario */
    uint64_t replicate;
    double n_offered; /* measured requests */
};

struct sizing {
    const struct size_options *options;
    struct arena *arena;
    struct size_choice *choices;
    size_t n_choices;
    size_t n_done, n_open; /* runs; searches of this step */
    size_t n_traffics, traffics_room;
    struct size_traffic *traffics; /* that are known */
};

/* A whole run has these figures. ST_NOMEM. */
enum status size_learn(struct sizing *z, const struct size_choice *choice,
                       const struct size_setting *setting, const double *figures, struct diag *d);
/* NULL: what is out of reach is not known, or the target is none that can be before the end.
 * ST_NOMEM. */
enum status size_goal(const struct run_goal **goal, const struct sizing *z,
                      const struct size_choice *choice, const struct size_setting *setting,
                      struct diag *d);

/* Looks at the searches before each round of runs. It may end some, and begins those that wait: at
 * least one where all others are done. */
typedef enum status size_between(struct sizing *z, struct size_task *tasks, size_t n,
                                 struct diag *d);
/* A run for every search that neither waits nor is done, until all are done. A run that the
 * scenario refuses is the message of its choice. `between` may be NULL. */
enum status size_run_tasks(struct sizing *z, struct size_task *tasks, size_t n,
                           size_between *between, struct diag *d);

/* A run by itself. */
struct size_run {
    struct size_choice *choice;
    struct size_setting setting;
    const char *message;   /* the scenario refuses it; NULL = it went well, and */
    const double *figures; /* by enum size_figure */
};
enum status size_run_all(struct sizing *z, struct size_run *runs, size_t n, struct diag *d);

/* How many other courses of the traffic what hangs on chance is told by. */
size_t size_n_courses(const struct size_options *options);
/* Their mean, and where the mean of many more lies, at 95 %. NaN: some run has no such figure. */
struct size_mean size_mean_of(const struct size_run *runs, size_t n, enum size_figure figure,
                              double *scratch);
/* The message of the first run that has one. */
const char *size_message_of(const struct size_run *runs, size_t n);
/* Draws one of the errors that the choice's engine was off by, if that is known: the same in each
 * choice with the same errors. */
void size_draw_error(struct size_setting *setting, const struct size_choice *choice,
                     const struct scenario *scenario, uint64_t replicate);

/* A part of the answer, for all choices that have no message; a costly one for those that
 * size_is_detailed says. */
struct size_step {
    const char *name;
    enum status (*run)(struct sizing *z, struct diag *d);
};
extern const struct size_step size_step_fleets;     /* first: `search` and the answer */
extern const struct size_step size_step_detail;     /* second: which choices get what follows */
extern const struct size_step size_step_arithmetic; /* arithmetic_value */
extern const struct size_step size_step_headroom;   /* load_headroom */
extern const struct size_step size_step_ranges;     /* draws, gpus_low, gpus_high */
extern const struct size_step size_step_ties;       /* after the ranges: ties_with_cheapest */
extern const struct size_step size_step_growth;     /* months */
extern const struct size_step size_step_courses;    /* courses */
extern const struct size_step size_step_autoscaled; /* after courses */

/* Draws of a choice without replicates: corners of the errors of its prompts and its output. The
 * range is of the first ones, where both are small, and both large. */
enum { SIZE_RANGE_CORNERS = 2, SIZE_CORNERS = 4 };
/* The search for the fleet of a choice with its draw `k`: of a corner, or of replicate k + 1.
 * ST_NOMEM. */
enum status size_draw_task(struct size_task *task, const struct sizing *z,
                           struct size_choice *choice, size_t k, struct diag *d);
double size_task_gpus(const struct size_task *task); /* of its fleet; INFINITY: there is none */

/* One of the n_detailed cheapest of its load that meet the target. */
bool size_is_detailed(const struct size_choice *choice);

/* A search for a fleet of the choice, to begin at `guess`; looks no further than the first search
 * of the choice did. */
struct fleet_search size_search(const struct size_choice *choice, struct fleet guess,
                                int64_t max_gpus, struct arena *arena);
double size_cost_per_day(const struct size_choice *choice, double gpus);
/* What the search saw with one worker less than in the answer, in the pool where that does most
 * harm, or least; NULL: nothing. */
const struct fleet_trial *size_one_less(const struct size_choice *choice, bool most_harm);

/* Of searches for the fleets of choices, those that are done with an answer: ends those that no
 * longer can be one of the n_top cheapest, and begins the cheapest of those that wait. */
void size_bound(struct sizing *z, struct size_task *tasks, size_t n);

/* Nodes that a run puts the workers on; *fits: the cluster has room for all of them. ST_NOMEM. */
enum status size_nodes(int64_t *n_nodes, bool *fits, const struct size_choice *choice,
                       struct fleet workers, const struct scenario *scenario, struct diag *d);

/* As in size_result.choices. */
void size_sort(const struct size_choice **choices, size_t n);

/* A prefill and a decode profile for SIZE_MIXED: of the same GPU, model, framework and number
 * formats, told from their metadata, with other tensor-parallel sizes. */
struct size_pair {
    const char *prefill, *decode;
};
/* Every ordered pair among the options' profiles, in their order. ST_INPUT: there is none. What
 * cannot be loaded is in none. */
enum status size_pairs(const struct size_pair **pairs, size_t *n, struct arena *arena,
                       const struct size_options *options, struct diag *d);

/* Every choice there is, with what is to be known of it before the first run. */
enum status size_choices(struct size_choice **choices, size_t *n, struct arena *arena,
                         const struct size_options *options, struct diag *d);

#endif
