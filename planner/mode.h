/* Which pools a planner steers. */
#ifndef PLANNER_MODE_H
#define PLANNER_MODE_H

#include <stdbool.h>

/* The two halves of a planner. Aggregated workers are on the decode side. */
enum planner_side { SIDE_PREFILL, SIDE_DECODE, N_SIDES };

enum planner_mode { MODE_DISAGG, MODE_PREFILL, MODE_DECODE, MODE_AGG };
bool planner_mode_find(const char *name, enum planner_mode *mode); /* false: unknown */
bool planner_mode_has(enum planner_mode mode, enum planner_side side);

#endif
