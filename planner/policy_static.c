/* Keeps the replicas of the start: the yardstick for every other policy. */
#include "planner/policy.h"

static enum status static_create(void **state, struct arena *arena, const void *config,
                                 const struct policy_setup *setup, struct policy_effects *first,
                                 struct diag *d)
{
    (void)arena;
    (void)config;
    (void)d;
    *state = NULL;
    policy_effects_clear(first, setup->n_pools);
    return ST_OK;
}

static enum status static_tick(void *state, const struct policy_input *input,
                               struct policy_effects *effects, struct diag *d)
{
    (void)state;
    (void)d;
    policy_effects_clear(effects, input->n_pools);
    return ST_OK;
}

const struct policy_ops policy_static = {
    .name = "static",
    .summary = "keep the replicas of the start",
    .create = static_create,
    .tick = static_tick,
};
