#include "record/run_result.h"

const char *const gpu_state_names[N_GPU_STATES] = {
    [GPU_STARTING] = "starting",
    [GPU_IDLE] = "idle",
    [GPU_BUSY] = "busy",
    [GPU_DRAINING] = "draining",
};
