/* Which of several pools behind one endpoint a request goes to, by a grid over two of its
 * properties, or three. (Dynamo global router 1.2.1, with three 1.4.2, `pool_selection.py`.) */
#ifndef PLANNER_POOL_CHOICE_H
#define PLANNER_POOL_CHOICE_H

#include <stddef.h>

/* One side of the grid: equal steps between least and most, of which there is at least one. */
struct pool_axis {
    double least, most;
    int n_steps;
};
/* The step that holds a value; those beyond the ends belong to the last ones. NaN, a property that
 * was not given, is the middle of the range. */
int pool_axis_step(const struct pool_axis *a, double value);

/* Requests of priority least to most, both included, go to `pool` whatever the grid says. */
struct pool_rule {
    double least, most;
    int pool;
};

struct pool_choice {
    struct pool_axis rows, columns;
    const int *pools; /* plane by plane, row by row */
    size_t n_rules;
    const struct pool_rule *rules; /* the first that matches counts */
    struct pool_axis planes;       /* n_steps 0 = there is only one */
};
/* `priority` NaN = none. */
int pool_choose(const struct pool_choice *c, double plane_value, double row_value,
                double column_value, double priority);

#endif
