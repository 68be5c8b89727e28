/* Intervals of the figures of many runs that are alike but for chance. */
#ifndef STUDIES_INTERVALS_H
#define STUDIES_INTERVALS_H

#include "reports/summary.h"
#include "studies/study.h"

/* Every key of summary.json that is a result and has a value in this version, those by pool and
 * those of deployments too; texts are in the arena or constants. `infos` has one item for each
 * deployment, of which only the names count. */
enum status interval_keys(const char *const **keys, size_t *n, struct arena *arena,
                          const struct run_info *infos, size_t n_infos, struct diag *d);
/* Can summary.json of such a run have the number? */
bool interval_key_exists(const char *key, const struct run_info *infos, size_t n_infos);
/* The names of a scenario's deployments and their pools, in the arena. ST_NOMEM. */
enum status interval_infos(const struct run_info **infos, size_t *n, struct arena *arena,
                           const struct scenario *scenario, struct diag *d);

/* From rows that all went well: the range that another such run falls into with probability
 * intervals->level (studies/prediction.h), and where the mean over many lies with that confidence,
 * by Student's t. Both end where the figure does. Figures that a row does not have are left out.
 * ST_NOMEM. */
enum status intervals_of_rows(struct summary_intervals *intervals, struct arena *arena,
                              const struct study_row *rows, size_t n_rows, const char *const *keys,
                              size_t n_keys, struct diag *d);

#endif
