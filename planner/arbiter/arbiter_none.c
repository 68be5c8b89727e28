/* A wish becomes the target; whose workers wait for GPUs is left to the cluster. */
#include <string.h>

#include "planner/arbiter.h"

static enum status none_create(void **state, struct arena *arena, const struct arbiter_setup *setup,
                               struct diag *d)
{
    size_t *n = ARENA_NEW(arena, 1, size_t);

    if (!n)
        return diag_nomem(d, "arbiter");
    *n = setup->n_deployments;
    *state = n;
    return ST_OK;
}

static void none_share(void *state, const struct arbiter_input *input,
                       struct arbiter_grants *grants)
{
    const size_t *n = state;

    for (size_t i = 0; i < *n; i++) {
        memcpy(grants->target[i], input->demands[i].wanted, sizeof grants->target[i]);
        grants->grant[i] = i == input->asker ? GRANT_AS_ASKED : GRANT_UNCHANGED;
    }
}

const struct arbiter_ops arbiter_none = {
    .name = "none",
    .summary = "each gets what it asks for, as far as the cluster has GPUs",
    .create = none_create,
    .share = none_share,
};
