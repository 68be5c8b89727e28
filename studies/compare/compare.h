/* Runs beside each other: what differs, how sure that is, where and when they part, which decision
 * was the first to differ, and what became of each request.
 *
 * The first run is what the others are held against, one pair at a time. What is compared of a run
 * are its files (studies/recorded); of a scenario there are more runs, each with another course
 * that the traffic might have taken, and the same one for all scenarios: intervals are of the mean
 * difference over such pairs, and wide enough to hold all at once. */
#ifndef STUDIES_COMPARE_COMPARE_H
#define STUDIES_COMPARE_COMPARE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "reports/causes/causes.h"
#include "scenarios/compose/resources.h"
#include "scenarios/keys/scenario.h"
#include "studies/recorded/recorded.h"
#include "studies/statistics.h"
#include "util/arena.h"
#include "util/status.h"

struct sim_progress;

enum { COMPARE_MAX_RUNS = 8, COMPARE_REPLICATES = 8 };

struct compare_input {
    const char *name; /* as the user wrote it */
    const char *dir;  /* its files; those of a scenario are written there first */
    const struct scenario_source *source; /* NULL: a run that was done before */
};

struct compare_options {
    size_t n_inputs; /* 2 to COMPARE_MAX_RUNS */
    const struct compare_input *inputs;
    const char *deployment; /* which of several in each of them; NULL = the only one, or all */
    size_t n_keys;          /* of summary.json, to be told apart; 0 = the main ones */
    const char *const *keys;
    size_t n_replicates; /* of each scenario: 0, or 4 and more */
    bool must_replicate; /* else scenarios that have no replicates do without */
    double level;        /* of all intervals together */
    int64_t window_ns;   /* > 0 */
    const char *version; /* of this program */
    struct run_resources *resources;
    size_t n_threads;
    const atomic_bool *cancel; /* NULL = never */
    /* Of the run that goes on, and of the replicates that are done; NULL = none. */
    void (*run_progress)(void *context, const struct sim_progress *p);
    void (*progress)(void *context, size_t n_done, size_t n);
    void *context;
};

/* ---- what there is of a run ---- */

/* Requests by the time of their arrival, and the fleet meanwhile. NaN = there is none. */
struct compare_window {
    uint64_t n_offered, n_good;
    double ttft_ms, tpot_ms;          /* means of completed requests */
    double workers[POLICY_MAX_POOLS]; /* ready, mean of the samples */
};

struct compare_run {
    const struct compare_input *input;
    struct recorded recorded;
    const uint8_t *causes; /* by request; NULL = the run kept no parts, and none is known */
    size_t n_windows;
    const struct compare_window *windows;
    size_t n_rows;             /* replicates; 0 = none */
    const char *no_replicates; /* why there are none, where they were wanted; NULL */
    const double *figures;     /* a row for each replicate, by the keys of the result */
};

/* ---- pairs ---- */

enum compare_verdict {
    COMPARE_UNSURE, /* 0 is within the interval, or there is no interval */
    COMPARE_SAME,   /* no pair differs */
    COMPARE_BETTER,
    COMPARE_WORSE,
    COMPARE_CHANGED, /* a figure of which neither more nor less is better */
};
extern const char *const compare_verdict_names[];

/* Means over the replicates, or the figures of the two runs where there are none. NaN = none. */
struct compare_difference {
    const char *key;
    double a, b, difference;
    struct range at; /* of the mean difference; NaN without replicates */
    enum compare_verdict verdict;
};

/* Which of the things that a decision rests on differs first. */
enum compare_input_difference {
    COMPARE_FLEETS,    /* they begin with other fleets */
    COMPARE_TICKS,     /* only one of the policies decided then */
    COMPARE_WORKERS,   /* other workers were there */
    COMPARE_SEEN,      /* other traffic was seen */
    COMPARE_PREDICTED, /* the same was seen, another forecast made */
    COMPARE_SETTINGS,  /* all of it is the same */
};
extern const char *const compare_input_names[], *const compare_input_texts[];

struct compare_decision {
    bool found;
    int64_t at_ns;
    enum compare_input_difference input;
    /* The last decision of each at or before that moment; NULL = none. */
    const struct recorded_decision *a, *b;
    int64_t from_a[POLICY_MAX_POOLS], from_b[POLICY_MAX_POOLS]; /* targets before, */
    int64_t to_a[POLICY_MAX_POOLS], to_b[POLICY_MAX_POOLS];     /* and after */
};

/* A moment at which a policy decided, after which they want other fleets. */
struct compare_apart {
    int64_t at_ns;
    const struct recorded_decision *a, *b; /* of that moment; NULL = it did not decide then */
    int64_t to_a[POLICY_MAX_POOLS], to_b[POLICY_MAX_POOLS]; /* targets after it */
};

/* Why a request is not good. */
enum compare_miss {
    MISS_TTFT,
    MISS_TPOT,
    MISS_BOTH,
    MISS_OUTCOME,
    N_MISSES = MISS_OUTCOME + N_OUTCOMES
};
const char *compare_miss_name(size_t miss); /* "ttft", ..., or the outcome */

enum { COMPARE_MAX_WORST = 5 };
struct compare_requests {
    bool matched;                                 /* false: other traffic */
    uint64_t n;                                   /* measured in both */
    uint64_t n_good, n_missed, n_worse, n_better; /* in both; only in a; only in b */
    uint64_t worse_by[N_MISSES], better_by[N_MISSES];
    /* Why they missed in the one run; all 0 where that run kept no parts. */
    uint64_t worse_causes[N_CAUSES], better_causes[N_CAUSES];
    size_t n_worst; /* of those worse, by time to first token; those not completed come first */
    struct {
        const struct recorded_request *a, *b;
    } worst[COMPARE_MAX_WORST];
};

enum { COMPARE_MAX_NOTES = 8 };
struct compare_pair {
    const struct compare_run *a, *b;
    bool same_pools;
    size_t n_notes;
    const char *notes[COMPARE_MAX_NOTES]; /* what cannot be compared, or is another thing */
    size_t n_replicates;                  /* pairs; 0 = a run each */
    const struct compare_difference *differences;
    size_t n_windows, n_differing, first_differing;
    size_t n_worst;
    size_t worst[COMPARE_MAX_WORST]; /* windows in which b missed the most requests more */
    struct compare_decision decision;
    size_t n_apart;
    const struct compare_apart *apart; /* by time, from the decision above on */
    struct compare_requests requests;
};

/* Of runs that have one deployment each, or of one that all of them have. Or of all deployments
 * together: then its pairs have figures and notes alone, and all else is in `deployments`. */
struct compare_result {
    const struct compare_options *options;
    const char *deployment; /* NULL = of the only one, or of all */
    size_t n_keys;
    const char *const *keys;
    double level_each; /* of a single interval, so that all hold at once */
    size_t n_runs, n_pairs;
    const struct compare_run *runs;
    const struct compare_pair *pairs; /* of the first with each of the others */
    bool of_all;
    size_t n_deployments; /* those that all runs have; may be none */
    const struct compare_result *deployments;
};

/* Everything in the arena. ST_INPUT, ST_IO, ST_CANCELLED, ST_NOMEM; the message of a replicate that
 * failed. */
enum status compare_runs(const struct compare_result **result, struct arena *arena,
                         const struct compare_options *options, struct diag *d);

/* A, B, ...: the place of a run. */
char compare_letter(const struct compare_run *run, const struct compare_result *result);
/* What a figure is called where people read it; its key where it has no other name. */
const char *compare_label(const char *key);

/* What the first decision that differs rests on, and what came of it: in a and in b, for people.
 * NULL = none. After compare_decision.found. ST_NOMEM. */
struct compare_line {
    const char *what, *a, *b;
};
enum status compare_decision_lines(const struct compare_line **lines, size_t *n,
                                   const struct compare_pair *pair, struct arena *arena,
                                   struct diag *d);

/* The file of --json; the caller checks `out` for errors. */
void compare_write_json(const struct compare_result *result, FILE *out);

#endif
