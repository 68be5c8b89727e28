#include "sim/routing/router.h"

#include <string.h>

extern const struct router_ops router_kv_aware, router_least_loaded, router_power_of_two,
    router_random, router_round_robin;

const struct router_ops *const routers[] = {&router_round_robin,  &router_random,
                                            &router_least_loaded, &router_power_of_two,
                                            &router_kv_aware,     NULL};

const struct router_ops *router_find(const char *name)
{
    for (size_t i = 0; routers[i]; i++)
        if (strcmp(routers[i]->name, name) == 0)
            return routers[i];
    return NULL;
}
