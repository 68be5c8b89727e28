/* What every limited-memory BFGS has in common: the last steps, and the direction they point to.
 *
 * Two references are followed to the step, SciPy by minimise_scipy and Stan by minimise_stan. They
 * differ in the line search, in when they stop, forget and reject a pair, and in the number of
 * pairs; this is what is left. */
#ifndef PLANNER_FORECAST_LBFGS_H
#define PLANNER_FORECAST_LBFGS_H

#include <stddef.h>

enum { LBFGS_MAX_VARIABLES = 64, LBFGS_MAX_PAIRS = 10 };

struct lbfgs_memory {
    size_t n, max_pairs;   /* variables; pairs kept, at most LBFGS_MAX_PAIRS */
    size_t n_pairs, first; /* a ring; n_pairs = 0 forgets */
    double step[LBFGS_MAX_PAIRS][LBFGS_MAX_VARIABLES];
    double change[LBFGS_MAX_PAIRS][LBFGS_MAX_VARIABLES]; /* of the gradient along the step */
    double inverse[LBFGS_MAX_PAIRS];                     /* 1 / (step . change) */
    double scale; /* of the newest pair: step . change / change . change */
};

void lbfgs_init(struct lbfgs_memory *m, size_t n, size_t max_pairs);

/* Copies one pair; curvature is step . change, as the caller has it. */
void lbfgs_push(struct lbfgs_memory *m, const double *step, const double *change, double curvature);

/* direction = -H gradient by the two-loop recursion; steepest descent without pairs. Nocedal
 * (1980), Math. Comput. 35. */
void lbfgs_direction(const struct lbfgs_memory *m, const double *gradient, double *direction);

#endif
