#include "planner/fixes.h"

#include <string.h>

const struct planner_fix_info planner_fixes[N_PLANNER_FIXES] = {
#define XX(id, name, generations, later, text)                                                     \
    {name, generations, text, "policy.generation=" generations,                                    \
     "policy.generation=" generations later},
    PLANNER_FIX_MAP(XX)
#undef XX
};

_Static_assert(N_PLANNER_FIXES <= 32, "a bit each");

const char *planner_fix_choice(size_t i)
{
    return i < N_PLANNER_FIXES ? planner_fixes[i].name : NULL;
}

const char *planner_fix_when_first(size_t i)
{
    return planner_fixes[i].when_first;
}

const char *planner_fix_when_later(size_t i)
{
    return planner_fixes[i].when_later;
}

unsigned planner_fix_find(const char *name)
{
    for (size_t i = 0; i < N_PLANNER_FIXES; i++) {
        if (strcmp(planner_fixes[i].name, name) == 0)
            return 1u << i;
    }
    return 0;
}

unsigned planner_fixes_of(const char *generation)
{
    unsigned bits = 0;

    for (size_t i = 0; i < N_PLANNER_FIXES; i++) {
        if (strstr(planner_fixes[i].generations, generation))
            bits |= 1u << i;
    }
    return bits;
}
