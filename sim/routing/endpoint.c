#include "sim/routing/endpoint.h"

#include <string.h>

const struct endpoint_ops *const endpoints[] = {&endpoint_class, &endpoint_grid, NULL};

const struct endpoint_ops *endpoint_find(const char *name)
{
    for (size_t i = 0; endpoints[i]; i++)
        if (strcmp(endpoints[i]->name, name) == 0)
            return endpoints[i];
    return NULL;
}
