#include <criterion/criterion.h>
#include <math.h>

#include "calibration/fit.h"

/* Residuals of a line a + b x, and of a third parameter that does what `a` does, at points x. */
struct line {
    size_t n;
    const double *x, *y;
};

static enum status line_residuals(void *context, size_t n, const double (*u)[FIT_MAX_PARAMS],
                                  double *const *r, struct diag *d)
{
    const struct line *line = context;

    (void)d;
    for (size_t k = 0; k < n; k++) {
        for (size_t i = 0; i < line->n; i++)
            r[k][i] = u[k][0] + u[k][1] * line->x[i] + u[k][2] - line->y[i];
    }
    return ST_OK;
}

static struct arena arena;

static void setup(void)
{
    arena_init(&arena);
}

static void teardown(void)
{
    arena_release(&arena);
}

TestSuite(fit, .init = setup, .fini = teardown);

static struct fit fit_line(struct line *line, double highest, struct fit_problem *problem)
{
    static struct diag d;
    struct fit fit;

    *problem = (struct fit_problem){.n_params = 3,
                                    .n_residuals = line->n,
                                    .lowest = {-100, -100, -100},
                                    .highest = {highest, 100, 100},
                                    .difference = {0.3, 0.3, 0.3},
                                    .least_noise = 0.01,
                                    .residuals = line_residuals,
                                    .context = line};
    diag_init(&d);
    cr_assert_eq(fit_run(&fit, problem, &arena, &d), ST_OK, "%s", d.text);
    return fit;
}

Test(fit, a_line)
{
    static const double x[] = {0, 1, 2, 3, 4, 5}, y[] = {2, 2.5, 3, 3.5, 4, 4.5};
    struct fit_problem problem;
    struct fit fit = fit_line(&(struct line){6, x, y}, 100, &problem);

    cr_assert(fabs(fit.u[0] - 2) < 0.01 && fabs(fit.u[1] - 0.5) < 0.01);
    cr_assert(fit.taken[0] && fit.taken[1] && !fit.taken[2]);
    cr_assert(fit_deviation(&fit, &problem, 1) < 0.01);
    struct fit_identity identity = fit_identify(&fit, &problem, 2);
    cr_assert_eq(identity.verdict, FIT_CONFOUNDED);
    cr_assert_eq(identity.partner, 0);
}

Test(fit, what_has_no_effect)
{
    static const double x[] = {0, 0, 0, 0}, y[] = {2, 2, 2, 2};
    struct fit_problem problem;
    struct fit fit = fit_line(&(struct line){4, x, y}, 100, &problem);

    cr_assert(fit.taken[0] && !fit.taken[1]);
    cr_assert_eq(fit_identify(&fit, &problem, 1).verdict, FIT_NO_EFFECT);
}

Test(fit, what_is_not_needed)
{
    static const double x[] = {-15, -5, 5, 15}, y[] = {2, 2, 2, 2};
    struct fit_problem problem;
    struct fit fit = fit_line(&(struct line){4, x, y}, 100, &problem);

    cr_assert(fit.taken[0] && !fit.taken[1]);
    cr_assert_eq(fit_identify(&fit, &problem, 1).verdict, FIT_NOT_NEEDED);
}

Test(fit, one_that_cannot_be_met_does_not_rule)
{
    static const double x[] = {0, 1, 2, 3, 4, 5, 6, 7}, y[] = {2, 12, 22, 32, 42, 52, 62, 500};
    struct fit_problem problem;
    struct fit fit = fit_line(&(struct line){8, x, y}, 100, &problem);

    cr_assert(fabs(fit.u[1] - 10) < 1, "%g", fit.u[1]);
}

Test(fit, within_the_bounds)
{
    static const double x[] = {0, 0, 0, 0}, y[] = {2, 2, 2, 2};
    struct fit_problem problem;
    struct fit fit = fit_line(&(struct line){4, x, y}, 1.5, &problem);

    cr_assert(fit.u[0] <= 1.5);
    cr_assert(fabs(fit.u[0] + fit.u[2] - 2) < 0.01);
}

Test(fit, nothing_to_fit)
{
    static const double x[] = {0, 1}, y[] = {0, 0};
    struct fit_problem problem;
    struct fit fit = fit_line(&(struct line){2, x, y}, 100, &problem);

    for (size_t k = 0; k < 3; k++)
        cr_assert(!fit.taken[k] && fit.u[k] == 0);
}
