/* The gate: do scenarios still do what they are expected to, and no worse than a baseline?
 *
 * Every scenario is run as it is, and those with statistical comparisons also with the replicates
 * that the baseline holds: the same courses of the traffic, so that what is common to both falls
 * out of the difference. Runs go through study_run: the same results on any number of threads. */
#ifndef STUDIES_GATE_GATE_H
#define STUDIES_GATE_GATE_H

#include "scenarios/keys/scenario.h"
#include "studies/gate/baseline.h"
#include "studies/statistics.h"
#include "studies/study.h"

enum { GATE_REPLICATES = 10, GATE_MAX_REPLICATES = 1000 };

struct gate_scenario {
    const char *path; /* as the user named it */
    const struct scenario_source *source;
    const struct scenario *scenario;
};

/* An expectation or a comparison, judged. */
struct gate_check {
    const struct expectation *expect;   /* NULL: it is a comparison, */
    const struct compare_rule *compare; /* NULL: an expectation */
    const char *key;
    struct source_pos at;
    double before, now;    /* of the run, or means over the replicates; NaN: no such figure */
    double change;         /* now - before; NaN where one of them is */
    size_t n_pairs;        /* replicates; 0 = none were compared */
    struct range interval; /* of the change, where there are pairs */
    double level;          /* of the interval, corrected for the number of comparisons */
    double allowed;        /* how much worse it may be; NaN of an expectation */
    bool missed;
    const char *text;  /* what was asked for: "attainment.overall >= 0.9" */
    const char *found; /* in words, without the text: "it is 0.87", "fell by 0.03, ..." */
};

/* What is with one scenario. */
struct gate_result {
    const struct gate_scenario *of;
    enum status status;  /* ST_OK, ST_MISSED, or why it has no figures */
    const char *message; /* of the latter */
    size_t n_checks, n_missed;
    const struct gate_check *checks; /* expectations, then comparisons */
    size_t n_notes;
    const char **notes;          /* in what the baseline is of something else */
    struct baseline_entry entry; /* what a new baseline has to hold; of --update, or where there is
                                    one before, unless there are no figures */
};

struct gate_options {
    const char *version; /* of this program */
    size_t n;
    const struct gate_scenario *scenarios;
    const struct baseline *baseline; /* NULL = there is none */
    bool update;         /* what the baseline has not is no mistake, nor is anything compared */
    size_t n_replicates; /* 0 = as many as the baseline has, else GATE_REPLICATES */
    struct study_options study; /* resources, n_threads, cancel, row_done and its context */
};

/* ST_INPUT: two scenarios of one name; an expectation or comparison that none can meet or that is
 * of no figure; a scenario or figure that the baseline does not have. Nothing was run then. */
enum status gate_check_inputs(const struct gate_options *options, struct diag *d);
/* How many runs gate_run makes. */
size_t gate_n_runs(const struct gate_options *options);
/* After gate_check_inputs. Results in the order of the scenarios. ST_OK also when some missed or
 * failed; ST_CANCELLED, ST_NOMEM. */
enum status gate_run(const struct gate_result **results, struct arena *arena,
                     const struct gate_options *options, struct diag *d);

/* The worst of them, as the exit status has it. */
enum status gate_status(const struct gate_result *results, size_t n);

#endif
