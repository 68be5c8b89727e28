#include "planner/forecast/lbfgs.h"

#include <string.h>

#include "planner/forecast/linalg.h"
#include "util/bug.h"

void lbfgs_init(struct lbfgs_memory *m, size_t n, size_t max_pairs)
{
    BUG_IF(n > LBFGS_MAX_VARIABLES || max_pairs > LBFGS_MAX_PAIRS);
    m->n = n;
    m->max_pairs = max_pairs;
    m->n_pairs = m->first = 0;
    m->scale = 1.0;
}

void lbfgs_push(struct lbfgs_memory *m, const double *step, const double *change, double curvature)
{
    size_t at = (m->first + m->n_pairs) % m->max_pairs;
    if (m->n_pairs == m->max_pairs)
        m->first = (m->first + 1) % m->max_pairs;
    else
        m->n_pairs++;
    memcpy(m->step[at], step, m->n * sizeof(*step));
    memcpy(m->change[at], change, m->n * sizeof(*change));
    m->inverse[at] = 1.0 / curvature;
    m->scale = curvature / linalg_dot(change, change, m->n);
}

void lbfgs_direction(const struct lbfgs_memory *m, const double *gradient, double *direction)
{
    double alpha[LBFGS_MAX_PAIRS];

    for (size_t i = 0; i < m->n; i++)
        direction[i] = -gradient[i];
    for (size_t k = m->n_pairs; k-- > 0;) {
        size_t at = (m->first + k) % m->max_pairs;
        alpha[k] = m->inverse[at] * linalg_dot(m->step[at], direction, m->n);
        for (size_t i = 0; i < m->n; i++)
            direction[i] -= alpha[k] * m->change[at][i];
    }
    if (m->n_pairs > 0) {
        for (size_t i = 0; i < m->n; i++)
            direction[i] *= m->scale;
    }
    for (size_t k = 0; k < m->n_pairs; k++) {
        size_t at = (m->first + k) % m->max_pairs;
        double beta = m->inverse[at] * linalg_dot(m->change[at], direction, m->n);
        for (size_t i = 0; i < m->n; i++)
            direction[i] += (alpha[k] - beta) * m->step[at][i];
    }
}
