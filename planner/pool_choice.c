#include "planner/pool_choice.h"

#include <math.h>

int pool_axis_step(const struct pool_axis *a, double value)
{
    double at = isnan(value) ? (a->least + a->most) / 2 : value;
    double step = (at - a->least) / ((a->most - a->least) / a->n_steps);

    return step >= a->n_steps ? a->n_steps - 1 : step > 0 ? (int)step : 0;
}

int pool_choose(const struct pool_choice *c, double plane_value, double row_value,
                double column_value, double priority)
{
    int plane = c->planes.n_steps ? pool_axis_step(&c->planes, plane_value) : 0;
    int row = pool_axis_step(&c->rows, row_value);
    int column = pool_axis_step(&c->columns, column_value);

    for (size_t i = 0; i < c->n_rules && !isnan(priority); i++) {
        if (c->rules[i].least <= priority && priority <= c->rules[i].most)
            return c->rules[i].pool;
    }
    return c->pools[(plane * c->rows.n_steps + row) * c->columns.n_steps + column];
}
