/* GPU time of a worker by what it does meanwhile. */
#ifndef SIM_WORKER_GPU_TIME_H
#define SIM_WORKER_GPU_TIME_H

#include "sim/worker/worker.h"

/* Account for the time since the last call. */
void gpu_time_account(struct sim *sim, struct worker *leader);
/* A worker that drains stays in GPU_DRAINING. */
void gpu_time_set_state(struct sim *sim, struct worker *leader, enum gpu_state state);

#endif
