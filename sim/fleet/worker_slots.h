/* Where the workers of a deployment are kept: each rank has a slot, which another worker gets when
 * it has gone. */
#ifndef SIM_FLEET_WORKER_SLOTS_H
#define SIM_FLEET_WORKER_SLOTS_H

#include "sim/worker/worker.h"

/* A worker with all its ranks, without GPUs: startup_begin gets it those. */
enum status fleet_worker_new(struct sim *sim, struct pool *pool, struct worker **leader);
/* A rank, with all that it has. */
void fleet_worker_free(struct worker *w);

#endif
