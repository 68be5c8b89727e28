#include "sim/worker/gpu_time.h"

void gpu_time_account(struct sim *sim, struct worker *leader)
{
    if (leader->state == WORKER_PENDING) /* it holds none */
        return;
    int64_t from_ns = leader->gpu_since_ns > sim->config->warmup_ns ? leader->gpu_since_ns
                                                                    : sim->config->warmup_ns;
    if (sim->now_ns > from_ns)
        leader->pool->result->gpu_s[leader->gpu_state] +=
            s_from_ns(sim->now_ns - from_ns) * leader->pool->config->gpus_per_worker;
    leader->gpu_since_ns = sim->now_ns;
}

void gpu_time_set_state(struct sim *sim, struct worker *leader, enum gpu_state state)
{
    if (leader->state == WORKER_DRAINING)
        state = GPU_DRAINING;
    if (state == leader->gpu_state)
        return;
    gpu_time_account(sim, leader);
    leader->gpu_state = state;
}
