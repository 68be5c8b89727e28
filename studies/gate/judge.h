/* One figure against what is expected of it, or against what it was. Pure arithmetic and words. */
#ifndef STUDIES_GATE_JUDGE_H
#define STUDIES_GATE_JUDGE_H

#include "studies/gate/gate.h"

/* `before`: of the baseline, NaN when it has none. `check` gets its key, place, texts and verdict.
 * ST_NOMEM. */
enum status judge_expectation(struct gate_check *check, struct arena *arena,
                              const struct expectation *expect, double before, double now,
                              struct diag *d);

/* Of the run itself: no worse than allowed. A figure that is gone is a miss, a new one is not. */
enum status judge_comparison(struct gate_check *check, struct arena *arena,
                             const struct compare_rule *compare, double before, double now,
                             struct diag *d);

/* Over n replicates, pair by pair: missed when the interval of the mean difference lies wholly
 * beyond what is allowed. Its level is that of the comparison, corrected (Bonferroni) for n_at_once
 * such comparisons. */
enum status judge_statistically(struct gate_check *check, struct arena *arena,
                                const struct compare_rule *compare, const double *before,
                                const double *now, size_t n, size_t n_at_once, struct diag *d);

#endif
