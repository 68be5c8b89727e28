#include "planner/fixes.h"

#include <stddef.h>
#include <string.h>

const struct planner_fix_info planner_fixes[N_PLANNER_FIXES] = {
#define XX(id, name, text) {name, text},
    PLANNER_FIX_MAP(XX)
#undef XX
};

unsigned planner_fix_find(const char *name)
{
    for (size_t i = 0; i < N_PLANNER_FIXES; i++) {
        if (strcmp(planner_fixes[i].name, name) == 0)
            return 1u << i;
    }
    return 0;
}
