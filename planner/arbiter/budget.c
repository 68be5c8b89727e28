#include "planner/arbiter/budget.h"

#include <inttypes.h>

static int64_t gpus_at_start(const struct arbiter_setup *setup)
{
    int64_t gpus = 0;

    for (size_t i = 0; i < setup->n_deployments; i++) {
        const struct arbiter_deployment *d = &setup->deployments[i];
        for (size_t p = 0; p < d->n_pools; p++)
            gpus += (int64_t)d->replicas[p] * d->gpus_per_worker[p];
    }
    return gpus;
}

enum status budget_check_start(const struct arbiter_setup *setup, struct diag *d)
{
    int64_t gpus = gpus_at_start(setup), max_gpus = setup->config.max_gpus;

    if (gpus <= max_gpus)
        return ST_OK;
    return diag_fail(d, ST_INPUT,
                     "the replicas at the start take %" PRId64
                     " GPUs, and arbiter.max_gpus is %" PRId64
                     "; expected a budget that holds them",
                     gpus, max_gpus);
}
