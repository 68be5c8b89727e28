#include "planner/forecast/minimise_stan.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "planner/forecast/lbfgs.h"
#include "planner/forecast/linalg.h"
#include "util/bug.h"

enum { MEMORY = 5, N_MAX = STAN_MAX_VARIABLES, MAX_ITERATIONS = 10000 };

static const double least_decrease = 1e-12, least_gradient = 1e-8, least_move = 1e-8;
static const double least_relative_decrease = 1e4 * DBL_EPSILON;
static const double least_relative_gradient = 1e7 * DBL_EPSILON;
static const double first_step = 1e-3, least_step = 1e-12, least_bracket = 1e-16;
static const double wolfe_decrease = 1e-4, wolfe_slope = 0.9;

struct point {
    double f, x[N_MAX], g[N_MAX];
};

/* A step along the search direction: length, value and slope there. */
struct trial {
    double step, f, slope;
};

struct search {
    const struct stan_problem *problem;
    const struct point *from;
    const double *direction;
    double slope; /* at step 0 */
};

/* Where the cubic through (0, 0) and (x1, f1) with slopes df0 and df1 is least within [low, high].
 */
static double cubic_minimum(double df0, double x1, double f1, double df1, double low, double high)
{
    double c3 = (-12.0 * f1 + 6.0 * x1 * (df0 + df1)) / (x1 * x1 * x1);
    double c2 = -(4.0 * df0 + 2.0 * df1) / x1 + 6.0 * f1 / (x1 * x1);
    double root = sqrt(c2 * c2 - 2.0 * df0 * c3);
    double candidates[] = {low, high, -(c2 + root) / c3, -(c2 - root) / c3};
    double least = INFINITY, at = low;

    for (size_t i = 0; i < 4; i++) {
        double x = candidates[i], f = x * (x * (x * c3 / 3.0 + c2) / 2.0 + df0);
        bool inside = i < 2 || (low < x && x < high);
        if (inside && (i == 0 || f < least)) {
            least = f;
            at = x;
        }
    }
    return at;
}

static bool evaluate(const struct search *s, double step, struct point *to, struct trial *trial)
{
    for (size_t i = 0; i < s->problem->n; i++)
        to->x[i] = s->from->x[i] + step * s->direction[i];
    if (!s->problem->value(s->problem->context, to->x, &to->f, to->g))
        return false;
    *trial = (struct trial){step, to->f, linalg_dot(to->g, s->direction, s->problem->n)};
    return true;
}

/* Between two steps of which `low` is the better; false when the interval shrinks to nothing. */
static bool zoom(const struct search *s, struct trial low, struct trial high, struct point *to,
                 double *step)
{
    for (int n = 1;; n++) {
        double least = fmin(low.step, high.step), width = fabs(low.step - high.step);
        double middle = 0.5 * (low.step + high.step), at = middle;
        struct trial trial;

        if (width < least_bracket || nextafter(low.step, high.step) == high.step)
            return false;
        if (n % 5 != 0) {
            double d1 = low.slope + high.slope - 3.0 * (low.f - high.f) / (low.step - high.step);
            double d2 = sqrt(d1 * d1 - low.slope * high.slope);
            if (high.step < low.step)
                d2 = -d2;
            at = high.step - (high.step - low.step) * (high.slope + d2 - d1) /
                                 (high.slope - low.slope + 2.0 * d2);
            if (!isfinite(at) || at < least + 0.01 * width ||
                at > fmax(low.step, high.step) - 0.01 * width)
                at = middle;
        }
        while (!evaluate(s, at, to, &trial)) {
            double before = at;
            at = 0.5 * (at + least);
            if (fabs(least - at) < least_bracket || at == before)
                return false;
        }
        if (trial.f > s->from->f + at * wolfe_decrease * s->slope || trial.f >= low.f) {
            high = trial;
        } else if (fabs(trial.slope) <= -wolfe_slope * s->slope) {
            *step = at;
            return true;
        } else {
            if (trial.slope * (high.step - low.step) >= 0.0)
                high = low;
            low = trial;
        }
    }
}

/* A step with enough decrease and a flat enough end, from the first guess *step. */
static bool search_line(const struct search *s, struct point *to, double *step)
{
    enum { MAX_STEPS = 20, MAX_RETRIES = 10 };
    struct trial before = {least_step, s->from->f, s->slope}, trial;
    double at = *step;
    int n_retries = 0;

    for (int n = 0; n < MAX_STEPS;) {
        if (!evaluate(s, at, to, &trial)) {
            if (n_retries++ >= MAX_RETRIES)
                return false;
            at = 0.5 * (before.step + at);
            continue;
        }
        n_retries = 0;
        /* The first guess stands in the demand on the decrease, however far the search has gone. */
        if (trial.f > s->from->f + *step * wolfe_decrease * s->slope ||
            (trial.f >= before.f && n > 0))
            return zoom(s, before, trial, to, step);
        if (fabs(trial.slope) <= -wolfe_slope * s->slope) {
            *step = at;
            return true;
        }
        if (trial.slope >= 0.0)
            return zoom(s, trial, before, to, step);
        before = trial;
        at *= 10.0;
        n++;
    }
    return false;
}

static void push(struct lbfgs_memory *m, const struct point *from, const struct point *to)
{
    double step[N_MAX], change[N_MAX];

    for (size_t i = 0; i < m->n; i++) {
        step[i] = to->x[i] - from->x[i];
        change[i] = to->g[i] - from->g[i];
    }
    lbfgs_push(m, step, change, linalg_dot(change, step, m->n));
}

static bool converged(const struct point *from, const struct point *to, const double *next,
                      size_t n)
{
    double fall = fabs(from->f - to->f), move = 0.0;

    for (size_t i = 0; i < n; i++)
        move += (to->x[i] - from->x[i]) * (to->x[i] - from->x[i]);
    return fall < least_decrease || sqrt(linalg_dot(to->g, to->g, n)) < least_gradient ||
           sqrt(move) < least_move ||
           fall / fmax(fabs(from->f), fmax(fabs(to->f), 1.0)) < least_relative_decrease ||
           -linalg_dot(next, to->g, n) / fmax(fabs(to->f), 1.0) < least_relative_gradient;
}

bool minimise_stan(const struct stan_problem *problem, double *x)
{
    size_t n = problem->n;
    struct point points[2], *from = &points[0], *to = &points[1];
    struct lbfgs_memory m;
    double direction[N_MAX], step = first_step, step_taken = 0.0, slope_start = 0.0,
                             slope_end = 0.0;

    BUG_IF(n > STAN_MAX_VARIABLES);
    lbfgs_init(&m, n, MEMORY);
    memcpy(from->x, x, n * sizeof(*x));
    if (!problem->value(problem->context, from->x, &from->f, from->g))
        return false;
    for (int k = 1; k <= MAX_ITERATIONS; k++) {
        struct search s = {.problem = problem, .from = from, .direction = direction};
        bool reset = k == 1;

        if (k > 1)
            step = fmin(1.0, 1.01 * cubic_minimum(slope_start, step_taken, from->f - to->f,
                                                  slope_end, least_step, 1.0));
        for (;;) {
            if (reset) {
                for (size_t i = 0; i < n; i++)
                    direction[i] = -from->g[i];
            }
            s.slope = linalg_dot(from->g, direction, n);
            if (search_line(&s, to, &step))
                break;
            memcpy(x, from->x, n * sizeof(*x));
            if (reset)
                return false;
            reset = true;
            step = first_step;
        }
        if (reset)
            m.n_pairs = 0;
        push(&m, from, to);
        /* After a reset the step just taken is read as one along the newly scaled direction. */
        double scale = reset ? m.scale : 1.0;
        slope_start = s.slope * scale;
        slope_end = linalg_dot(to->g, direction, n) * scale;
        step_taken = step / scale;

        lbfgs_direction(&m, to->g, direction);
        memcpy(x, to->x, n * sizeof(*x));
        if (converged(from, to, direction, n))
            return true;
        struct point *swap = from;
        from = to;
        to = swap;
    }
    return true;
}
