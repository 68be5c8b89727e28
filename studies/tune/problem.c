#include "studies/tune/problem.h"

#include <math.h>

void tuning_snap(const struct tuning_problem *problem, double *u)
{
    for (size_t k = 0; k < problem->n_dims; k++)
        u[k] = fmin(fmax(u[k], 0), nextafter(1, 0));
    problem->snap(problem->context, u);
}

static double scaled(const struct tuning_goal *goal, double figure)
{
    /* A share of 0 or 1 is taken for one that no run of a few thousand requests could tell from it;
     * a time of 0 for a nanosecond. */
    static const double odds = 4000, least = 1e-6;

    if (goal->scale == FIGURE_SHARE) {
        double share = (figure * odds + 0.5) / (odds + 1);
        return log(share / (1 - share));
    }
    return goal->scale == FIGURE_POSITIVE ? log(fmax(figure, least)) : figure;
}

double tuning_scaled(const struct tuning_goal *goal, double figure)
{
    return goal->larger_better ? -scaled(goal, figure) : scaled(goal, figure);
}

double tuning_scaled_bound(const struct tuning_goal *goal)
{
    return tuning_scaled(goal, goal->bound);
}

double tuning_cost(const struct tuning_goal *goal, double figure)
{
    return goal->larger_better ? -figure : figure;
}
