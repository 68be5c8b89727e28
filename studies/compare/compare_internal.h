/* The steps of a comparison. */
#ifndef STUDIES_COMPARE_COMPARE_INTERNAL_H
#define STUDIES_COMPARE_COMPARE_INTERNAL_H

#include "studies/compare/compare.h"

/* The main figures; how many there are. */
size_t compare_main_keys(const char *const **keys);
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
