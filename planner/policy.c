#include "planner/policy.h"

#include <math.h>
#include <string.h>

#include "util/units.h"

const struct policy_ops *const policies[] = {
    &policy_static, &policy_planner, &policy_fpm_1_4_2, &policy_fpm_1_6_1, NULL,
};

const struct policy_ops *policy_find(const char *name, const char *generation)
{
    for (const struct policy_ops *const *p = policies; *p; p++) {
        const char *own = (*p)->generation;
        if (strcmp((*p)->name, name) == 0 && (!own || !generation || strcmp(own, generation) == 0))
            return *p;
    }
    return NULL;
}

const struct policy_ops *policy_with_key(const char *name, const struct policy_ops *than)
{
    const struct policy_ops *first = NULL;

    for (const struct policy_ops *const *p = policies; *p; p++) {
        if (!key_find((*p)->keys, name))
            continue;
        if (than && strcmp((*p)->name, than->name) == 0)
            return *p;
        first = first ? first : *p;
    }
    return first;
}

void *policy_config_new(const struct policy_ops *policy, struct arena *arena)
{
    void *config = ARENA_NEW(arena, policy->config_size, char);

    if (config)
        key_presets(policy->keys, config);
    return config;
}

void policy_effects_clear(struct policy_effects *effects, size_t n_pools)
{
    const struct policy_forecast none = {NAN, NAN, NAN};

    *effects = (struct policy_effects){.next_ns = TIME_NEVER,
                                       .seen = none,
                                       .predicted = none,
                                       .seen_ttft_ms = NAN,
                                       .seen_itl_ms = NAN,
                                       .estimated_ttft_ms = NAN,
                                       .estimated_itl_ms = NAN};
    for (size_t i = 0; i < n_pools; i++) {
        effects->correction[i] = NAN;
        effects->wanted[i] = -1;
    }
}
