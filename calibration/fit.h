/* Least squares for few parameters with wide bounds and weak priors, of a function that is computed
 * by simulation: not smooth in the small, so that derivatives are differences over a good part of a
 * prior's width.
 *
 * Parameters are in units of their priors: 0 is what is believed beforehand, 1 is one standard
 * deviation away. Residuals are in units of their expected size. Minimised is the sum of
 * Huber's loss of the residuals and a little of u^2 / 2: Gauss-Newton steps with reweighting,
 * damped as by Levenberg and Marquardt (K. Madsen, H. B. Nielsen, O. Tingleff, "Methods for
 * Non-Linear Least Squares Problems", 2004, chapter 3), within the bounds.
 *
 * Parameters are taken in one by one, while the Bayesian information criterion (G. Schwarz,
 * "Estimating the Dimension of a Model", Annals of Statistics 6, 1978) gets better; of two that do
 * the same for it, the one that comes first. */
#ifndef CALIBRATION_FIT_H
#define CALIBRATION_FIT_H

#include <stdbool.h>
#include <stddef.h>

#include "util/arena.h"
#include "util/status.h"

enum { FIT_MAX_PARAMS = 8 };

struct fit_problem {
    size_t n_params, n_residuals;
    double lowest[FIT_MAX_PARAMS], highest[FIT_MAX_PARAMS]; /* 0 lies between them */
    double difference[FIT_MAX_PARAMS];                      /* that derivatives are taken over */
    /* No agreement is taken for better than this, in units of the residuals. */
    double least_noise;
    /* The residuals of several points at once: r[i] of u[i]. */
    enum status (*residuals)(void *context, size_t n, const double (*u)[FIT_MAX_PARAMS],
                             double *const *r, struct diag *d);
    void *context;
};

struct fit {
    bool taken[FIT_MAX_PARAMS]; /* the others are at 0 */
    double u[FIT_MAX_PARAMS];
    double *r;        /* residuals there */
    double *jacobian; /* [residual * n_params + parameter], of all parameters */
    double cost;
};

/* Everything is in the arena. */
enum status fit_run(struct fit *fit, const struct fit_problem *problem, struct arena *arena,
                    struct diag *d);

/* Standard deviation of a parameter that is taken, after the data, whose noise is what the
 * residuals turned out to be. That those not taken may be anywhere within their priors is in it. */
double fit_deviation(const struct fit *fit, const struct fit_problem *problem, size_t param);

/* Why a parameter is not taken. */
enum fit_verdict {
    FIT_NOT_NEEDED, /* the data say that it is near 0 */
    FIT_NO_EFFECT,  /* it hardly changes a residual */
    FIT_CONFOUNDED  /* it changes them as `partner` does, which is taken */
};
struct fit_identity {
    enum fit_verdict verdict;
    size_t partner;
    double correlation; /* of the two, after the data */
};
struct fit_identity fit_identify(const struct fit *fit, const struct fit_problem *problem,
                                 size_t param);

#endif
