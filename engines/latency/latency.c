#include "engines/latency/latency.h"

#include <string.h>

extern const struct latency_model_ops latency_dynosim, latency_polynomial, latency_steps,
    latency_table;

const struct latency_model_ops *const latency_models[] = {
    &latency_table, &latency_steps, &latency_polynomial, &latency_dynosim, NULL};

const struct latency_model_ops *latency_model_find(const char *name)
{
    for (size_t i = 0; latency_models[i]; i++)
        if (strcmp(latency_models[i]->name, name) == 0)
            return latency_models[i];
    return NULL;
}
