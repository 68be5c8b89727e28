/* How long a worker's next step takes, or the run of decode steps that begins with it. Its ranks
 * step together, as long as the slowest of them takes; those without work wait. */
#ifndef SIM_WORKER_STEP_TIME_H
#define SIM_WORKER_STEP_TIME_H

#include "sim/worker/worker.h"

bool worker_has_work(const struct worker *w); /* of the rank, for the step that is put together */
/* > 0. Draws the step's noise, and takes what it waits for from host memory. */
int64_t step_time_ns(struct worker *leader, bool keep_parts);
/* Nothing but decode steps, whose lengths follow from the one now. */
bool step_time_can_run(const struct worker *leader);
/* Some rank decodes. n_steps is as far as the lengths are known. Valid as long as the leader's
 * `slowest` is. */
struct decode_run step_time_run(struct worker *leader, int64_t now_ns);

#endif
