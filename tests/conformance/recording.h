/* Whole runs of planner 1.6.1 as aisimulate recorded them, tick by tick: the input of each is fed
 * to ours, and what it decides and why is compared. */
#ifndef TESTS_CONFORMANCE_RECORDING_H
#define TESTS_CONFORMANCE_RECORDING_H

#include "tests/conformance/golden_fpm.h"

/* Is the file such a run? */
bool recording_is(const cJSON *file);
/* `engines`: limits and first passes of engines by model and hardware, which a recording does not
 * hold. Prints how many ticks agree and the first that do not. 1 when too few agree: all of fixed
 * thresholds, 98 % of target sla, whose models the reference does not repeat itself. */
int recording_run(const char *name, const cJSON *file, const cJSON *engines);

#endif
