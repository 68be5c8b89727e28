/* Intervals of the figures of many runs that are alike but for chance. */
#ifndef STUDIES_INTERVALS_H
#define STUDIES_INTERVALS_H

#include "reports/summary.h"
#include "studies/study.h"

/* Every key of summary.json that is a result and has a value in this version, those by pool too;
 * texts are in the arena or constants. */
enum status interval_keys(const char *const **keys, size_t *n, struct arena *arena,
                          const struct run_info *info, struct diag *d);

/* The range that another such run falls into with probability `level`, from rows that all went
 * well: between the (n + 1) (1 - level) / 2-th of the n sorted figures and the one as far from the
 * top, straight between neighbours. (Of n + 1 draws of one distribution each is as likely as the
 * others to be the new one, so this holds for any n and any distribution; E. J. Gumbel, Statistics
 * of Extremes, 1958, on plotting positions.) For n below (1 + level) / (1 - level) the range is
 * that of all rows. Figures that a row does not have are left out. `varied` and the bases are left
 * to the caller. ST_NOMEM. */
enum status intervals_of_rows(struct summary_intervals *intervals, struct arena *arena,
                              const struct study_row *rows, size_t n_rows, const char *const *keys,
                              size_t n_keys, double level, struct diag *d);

#endif
