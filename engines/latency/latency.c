#include "engines/latency/latency.h"

#include <string.h>

extern const struct latency_model_ops latency_dynosim, latency_polynomial, latency_steps,
    latency_table;

const struct latency_model_ops *const latency_models[] = {
    &latency_table, &latency_steps, &latency_polynomial, &latency_dynosim, NULL};

const struct latency_model_ops *latency_model_for(const struct profile *profile)
{
    bool has_parts = profile->step_other_ms.n > 0 && profile->chunk_attn_ms.n_x > 0 &&
                     profile->decode_attn_ms.n_x > 0;
    return has_parts ? &latency_steps : &latency_table;
}

const struct latency_model_ops *latency_model_find(const char *name)
{
    for (size_t i = 0; latency_models[i]; i++)
        if (strcmp(latency_models[i]->name, name) == 0)
            return latency_models[i];
    return NULL;
}
