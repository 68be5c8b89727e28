#include "planner/arbiter.h"

#include <string.h>

const struct arbiter_ops *const arbiters[] = {
    &arbiter_none, &arbiter_global, &arbiter_priority, &arbiter_fair_share, NULL,
};

const struct arbiter_ops *arbiter_find(const char *name)
{
    for (const struct arbiter_ops *const *a = arbiters; *a; a++) {
        if (strcmp((*a)->name, name) == 0)
            return *a;
    }
    return NULL;
}

const char *grant_name(enum grant g)
{
    static const char *const names[] = {
#define XX(id, name, text) name,
        GRANT_MAP(XX)
#undef XX
    };
    return names[g];
}

const char *grant_text(enum grant g)
{
    static const char *const texts[] = {
#define XX(id, name, text) text,
        GRANT_MAP(XX)
#undef XX
    };
    return texts[g];
}
