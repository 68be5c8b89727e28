/* The steps of a comparison. */
#ifndef STUDIES_COMPARE_COMPARE_INTERNAL_H
#define STUDIES_COMPARE_COMPARE_INTERNAL_H

#include "studies/compare/compare.h"

struct study_variant;

/* What there is of an input, beside its place in the result. */
struct compare_side {
    struct recorded_whole whole; /* n = 0: it has one deployment, or one was chosen */
    struct compare_run *each;    /* of the others: its deployments, in their order */
};

/* The result, or that of a deployment, while it is made. */
struct compare_block {
    struct compare_result *of;
    struct compare_run *runs;
    struct compare_pair *pairs;
};

struct comparison {
    const struct compare_options *options;
    struct arena *arena;
    struct compare_side *sides; /* of each run */
    size_t n_blocks;            /* the result, and its deployments */
    struct compare_block *blocks;
    size_t n_variants; /* of the replicates, one run after the other */
    struct study_variant *variants;
};

/* Runs those that are scenarios, and reads all; the result has its runs then, those of deployments
 * too. */
enum status compare_make_runs(struct comparison *c, struct diag *d);
/* The figures of their replicates. */
enum status compare_run_replicates(struct comparison *c, struct diag *d);
/* Of a pair of that block. */
enum status compare_add_notes(struct compare_pair *pair, const struct compare_block *block,
                              const struct comparison *c, struct diag *d);

/* The main figures; how many there are. */
size_t compare_main_keys(const char *const **keys, bool several);
/* A figure of b less that of a, of each key. */
enum status compare_figures(struct compare_pair *pair, struct arena *arena,
                            const struct compare_result *result, struct diag *d);
enum status compare_cut_windows(struct compare_run *run, struct arena *arena, int64_t window_ns,
                                struct diag *d);
void compare_windows(struct compare_pair *pair);
/* Does a window of the pair differ? */
bool compare_window_differs(const struct compare_window *a, const struct compare_window *b,
                            size_t n_pools);
/* After same_pools. */
enum status compare_decisions(struct compare_pair *pair, struct arena *arena, struct diag *d);
void compare_requests(struct compare_pair *pair);
/* Of a run that kept the parts of its requests: run->causes. */
enum status compare_find_causes(struct compare_run *run, struct arena *arena, struct diag *d);
/* Why a request of the run missed; false: not known, or it did not. */
bool compare_cause(enum cause *cause, const struct compare_run *run,
                   const struct recorded_request *q);

#endif
