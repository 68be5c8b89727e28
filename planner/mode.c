#include "planner/mode.h"

#include <string.h>

bool planner_mode_has(enum planner_mode mode, enum planner_side side)
{
    if (side == SIDE_PREFILL)
        return mode == MODE_DISAGG || mode == MODE_PREFILL;
    return mode != MODE_PREFILL;
}

bool planner_mode_find(const char *name, enum planner_mode *mode)
{
    static const char *const names[] = {[MODE_DISAGG] = "disagg",
                                        [MODE_PREFILL] = "prefill",
                                        [MODE_DECODE] = "decode",
                                        [MODE_AGG] = "agg"};

    for (int m = 0; m <= MODE_AGG; m++) {
        if (strcmp(name, names[m]) == 0) {
            *mode = (enum planner_mode)m;
            return true;
        }
    }
    return false;
}
