/* `headroom tune`: which settings of the knobs of a scenario to use, found on one part of its trace
 * and judged on another that the search never saw.
 *
 * Replicate r is the same traffic for every setting (scenario key `replicate`), so that settings
 * are compared pair by pair. A setting *holds* when fresh traffic keeps every bound with the
 * confidence asked for. Everything can be repeated by plain runs: a run of the search is the
 * scenario with the setting, `replicate`, `trace.from_s` and `trace.to_s`. */
#ifndef STUDIES_TUNE_TUNE_H
#define STUDIES_TUNE_TUNE_H

#include <stdatomic.h>
#include <stdio.h>

#include "scenarios/compose/resources.h"
#include "scenarios/keys/scenario.h"
#include "studies/space.h"
#include "studies/statistics.h"
#include "studies/tune/effects.h"
#include "studies/tune/search.h"

enum { TUNE_MAX_GOALS = 8 };

struct tune_objective {
    const char *key; /* of summary.json */
    bool maximise;
};

/* Seconds of the trace as it is replayed (after trace.speedup). NaN = not given. */
struct tune_part {
    double from_s, to_s;
};

struct tune_options {
    const struct scenario_source *source;
    const struct scenario *scenario; /* read from the source */
    const struct space *space;
    size_t n_objectives;
    const struct tune_objective *objectives;
    size_t n_constraints;
    const struct expectation *constraints;
    size_t n_runs, n_replicates; /* TUNING_RUNS_MIN and more; 2 to TUNING_MAX_REPLICATES */
    double confidence;           /* above 0.5, below 1 */
    /* What is not given: the first 60 % of the trace, and what follows the part to find on. */
    struct tune_part find, judge;
    double slice_s; /* a run replays so much of its part, replicates taking turns; 0 = all of it */
    const struct explorer_ops *explorer;
    struct run_resources *resources;
    size_t n_threads;
    const atomic_bool *cancel;
    void (*progress)(void *context, size_t n_done, size_t n_runs);
    void *context;
};

/* Over the replicates of one part. */
struct tune_figure {
    double mean, low, high; /* 95 % interval of the mean; NaN where a run has no such figure */
};
struct tune_setting {
    const char *const *values; /* by knob, as --set takes them */
    size_t n_replicates;
    const struct tune_figure *figures; /* by key */
    double holds;                      /* the probability that fresh traffic keeps every bound */
};
struct tune_trial_of_part {
    struct tune_part part;
    bool whole;                                /* there is no trace to have parts */
    struct tune_setting recommended, standing; /* standing: the scenario's own settings */
    const struct paired *differences;          /* by key: recommended - standing */
};

struct tune_result {
    const struct tune_options *options; /* borrowed */
    size_t n_keys;
    const char *const *keys;  /* those of the goals first, in their order */
    bool is_standing;         /* the recommended setting is the scenario's own */
    bool holds, judged_holds; /* the recommended setting, on either part */
    struct tune_trial_of_part found, judged;
    size_t n_front;
    const struct tune_setting *front;
    size_t n_effects;
    const struct effects *const *effects; /* on the figure of each objective, then constraint */
    const struct trials *trials;          /* of the search, TUNING_DEFAULT the scenario's own */
    size_t n_settings, n_runs;            /* of the search */
    size_t n_failed;                      /* settings that could not be run */
    const char *failure;                  /* of the first of them; NULL = none failed */
    const char *judge_failure;            /* of a run on the part to judge on; NULL = none failed */
    size_t n_sentences;
    const char *const *sentences; /* the verdict, in plain words */
    const char *verdict;          /* the same in one line */
};

/* Everything is in the arena. ST_INPUT: constraints that no run can keep together, a part outside
 * the trace or parts that overlap, a slice longer than its part, every run failing; ST_CANCELLED.
 */
enum status tune(const struct tune_result **result, struct arena *arena,
                 const struct tune_options *options, struct diag *d);

/* The key of the figure that effects i are on. */
const char *tune_effects_key(const struct tune_result *result, size_t i);

/* Does knob k of a setting (values by knob) do anything: is it of the setting's policy? */
bool tune_value_counts(const struct tune_options *options, const char *const *values, size_t k);

/* The files; the caller checks `out` for errors. tune.json; trials.csv, a row for each run of the
 * search; the recommended setting as an overlay; the planner's own configuration with it
 * (ST_INPUT: its policy is another). ST_NOMEM. */
enum status tune_write_json(const struct tune_result *result, FILE *out, struct diag *d);
enum status tune_write_trials(const struct tune_result *result, FILE *out, struct diag *d);
/* Relative paths among the values count from working_dir; left_out as of policy_file_write. */
enum status tune_write_overlay(const struct tune_result *result, const char *working_dir, FILE *out,
                               struct arena *arena, struct diag *d);
enum status tune_write_planner(const struct tune_result *result, const char *working_dir,
                               const char **left_out, FILE *out, struct arena *arena,
                               struct diag *d);

#endif
