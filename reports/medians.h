/* Medians of a latency over time, in bounded memory: counts on a logarithmic scale, by stretches of
 * time that get longer with the run. */
#ifndef REPORTS_MEDIANS_H
#define REPORTS_MEDIANS_H

#include <stdint.h>

#include "util/status.h"

/* A median is known within 1 / (2 * MEDIANS_STEPS) of itself, and of a time cut at stretches, of
 * which the run has from MEDIANS_STRETCHES / 2 to MEDIANS_STRETCHES, of 1/16 s at least. */
enum { MEDIANS_STEPS = 16, MEDIANS_STRETCHES = 256 };

struct medians; /* opaque */

/* NULL: no memory. */
struct medians *medians_new(void);
void medians_free(struct medians *m);
/* A value at a time, both ns and >= 0. */
void medians_add(struct medians *m, int64_t at_ns, int64_t value_ns);
/* Of the stretches that begin from `from_ns` on and before `to_ns`, in ns; NaN where nothing came.
 */
double medians_between(const struct medians *m, int64_t from_ns, int64_t to_ns);

#endif
