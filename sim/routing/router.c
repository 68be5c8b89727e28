#include "sim/routing/router.h"

#include <string.h>

/* A line for each. */
#define ROUTERS(XX)                                                                                \
    XX(round_robin)                                                                                \
    XX(random)                                                                                     \
    XX(least_loaded)                                                                               \
    XX(power_of_two)                                                                               \
    XX(kv_aware)

#define XX(name) extern const struct router_ops router_##name;
ROUTERS(XX)
#undef XX

#define XX(name) &router_##name,
const struct router_ops *const routers[] = {ROUTERS(XX) NULL};
#undef XX

const struct router_ops *router_find(const char *name)
{
    for (size_t i = 0; routers[i]; i++)
        if (strcmp(routers[i]->name, name) == 0)
            return routers[i];
    return NULL;
}
