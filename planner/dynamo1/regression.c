#include "planner/dynamo1/regression.h"

#include <math.h>

enum status regression_init(struct regression *r, struct arena *arena, size_t window,
                            size_t min_observations, struct diag *d)
{
    double *values = ARENA_NEW(arena, 2 * window, double);

    if (!values)
        return diag_nomem(d, "a regression window");
    *r = (struct regression){
        .window = window, .min_observations = min_observations, .x = values, .y = values + window};
    return ST_OK;
}

void regression_add(struct regression *r, double x, double y)
{
    if (!isfinite(x) || !isfinite(y))
        return;
    r->x[r->next] = x;
    r->y[r->next] = y;
    r->next = (r->next + 1) % r->window;
    if (r->n < r->window)
        r->n++;
}

bool regression_fit(const struct regression *r, double *slope, double *intercept)
{
    double mean_x = 0, mean_y = 0, xx = 0, xy = 0;
    bool varies = false;

    if (r->n == 0 || r->n < r->min_observations)
        return false;
    for (size_t i = 0; i < r->n; i++) {
        mean_x += r->x[i];
        mean_y += r->y[i];
        varies |= r->x[i] != r->x[0];
    }
    mean_x /= (double)r->n;
    mean_y /= (double)r->n;
    for (size_t i = 0; i < r->n; i++) {
        double dx = r->x[i] - mean_x;
        xx += dx * dx;
        xy += dx * (r->y[i] - mean_y);
    }
    *slope = varies && xx > 0 ? xy / xx : 0;
    *intercept = mean_y - *slope * mean_x;
    return true;
}

/* Smallest (or with the fix largest) x among observations below the target; smallest of all if
 * there is none. */
static double observed_inverse(const struct regression *r, double target_y)
{
    double smallest = INFINITY, best = NAN;

    for (size_t i = 0; i < r->n; i++) {
        smallest = fmin(smallest, r->x[i]);
        if (r->y[i] < target_y)
            best = r->largest_fallback ? fmax(best, r->x[i]) : fmin(best, r->x[i]);
    }
    return isnan(best) ? smallest : best;
}

bool regression_inverse(const struct regression *r, double target_y, double *x)
{
    double slope, intercept;

    if (!regression_fit(r, &slope, &intercept))
        return false;
    *x = fmax(0, slope > 0 ? (target_y - intercept) / slope : observed_inverse(r, target_y));
    return true;
}
