#include "calibration/fit.h"

#include <math.h>
#include <string.h>

#include "util/bug.h"

enum { K = FIT_MAX_PARAMS, MAX_STEPS = 30, MAX_TRIES = 4, MAX_ROUNDS = 12 };

static const double huber = 2;   /* beyond so many expected sizes a residual pulls no harder */
static const double outlier = 3; /* and from here on it says ever less of the others */
static const double twins = 0.8; /* correlation of parameters that do the same */
static const double good_enough = 2e-3;   /* relative gain of a step that is the last one */
static const double told_variance = 0.25; /* of the prior's, that is left of a parameter told */
static const double tie = 1;              /* of the criterion: what is no difference */

/* Steps go by Huber's loss, which has one minimum. */
static double weight(double r)
{
    return fabs(r) <= huber ? 1 : huber / fabs(r);
}

static double loss(double r)
{
    return fabs(r) <= huber ? r * r / 2 : huber * (fabs(r) - huber / 2);
}

/* How good a minimum is goes by Cauchy's, in which a point that cannot be met is one bad point. */
static double badness(double r)
{
    return outlier * outlier / 2 * log1p(r * r / (outlier * outlier));
}

/* What a deviation of one from the prior costs: priors are as sure as residuals are at their least,
 * so that they decide nothing but what the data leave open. */
static double prior_weight(const struct fit_problem *p)
{
    return p->least_noise * p->least_noise;
}

static double sum_of(const struct fit_problem *p, const double *u, const double *r,
                     double (*of)(double))
{
    double sum = 0;

    for (size_t i = 0; i < p->n_residuals; i++)
        sum += of(r[i]);
    for (size_t k = 0; k < p->n_params; k++)
        sum += prior_weight(p) * u[k] * u[k] / 2;
    return sum;
}

static double cost_of(const struct fit_problem *p, const double *u, const double *r)
{
    return sum_of(p, u, r, loss);
}

static size_t n_taken(const struct fit *fit)
{
    size_t n = 0;

    for (size_t k = 0; k < K; k++)
        n += fit->taken[k];
    return n;
}

/* Variance of the residuals, with n parameters taken. */
static double noise(const struct fit_problem *p, const double *u, const double *r, size_t n)
{
    double variance = 2 * sum_of(p, u, r, badness) / fmax(1, (double)p->n_residuals - (double)n);

    return fmax(p->least_noise * p->least_noise, variance);
}

/* Schwarz's criterion; the lower, the better. */
static double criterion(const struct fit_problem *p, const double *u, const double *r, size_t n)
{
    return (double)p->n_residuals * log(noise(p, u, r, 0)) +
           (double)n * log((double)p->n_residuals);
}

static double criterion_of(const struct fit *fit, const struct fit_problem *p)
{
    return criterion(p, fit->u, fit->r, n_taken(fit));
}

/* ---- small symmetric positive definite matrices ---- */

struct matrix {
    size_t n;
    double a[K][K];
};

/* A = L L^T in place, the lower half. */
static void factorise(struct matrix *m)
{
    for (size_t j = 0; j < m->n; j++) {
        for (size_t i = j; i < m->n; i++) {
            double sum = m->a[i][j];
            for (size_t k = 0; k < j; k++)
                sum -= m->a[i][k] * m->a[j][k];
            BUG_IF(i == j && !(sum > 0));
            m->a[i][j] = i == j ? sqrt(sum) : sum / m->a[j][j];
        }
    }
}

/* x = A^-1 x of a factorised A. */
static void solve(const struct matrix *m, double *x)
{
    for (size_t i = 0; i < m->n; i++) {
        for (size_t k = 0; k < i; k++)
            x[i] -= m->a[i][k] * x[k];
        x[i] /= m->a[i][i];
    }
    for (size_t i = m->n; i-- > 0;) {
        for (size_t k = i + 1; k < m->n; k++)
            x[i] -= m->a[k][i] * x[k];
        x[i] /= m->a[i][i];
    }
}

static void invert(struct matrix *inverse, const struct matrix *m)
{
    struct matrix f = *m;
    double x[K];

    factorise(&f);
    inverse->n = m->n;
    for (size_t j = 0; j < m->n; j++) {
        memset(x, 0, sizeof x);
        x[j] = 1;
        solve(&f, x);
        for (size_t i = 0; i < m->n; i++)
            inverse->a[i][j] = x[i];
    }
}

/* ---- steps ---- */

/* J^T W J of all parameters. */
static void curvature(struct matrix *m, const struct fit *fit, const struct fit_problem *p)
{
    *m = (struct matrix){.n = p->n_params};
    for (size_t i = 0; i < p->n_residuals; i++) {
        const double *row = &fit->jacobian[i * p->n_params];
        for (size_t j = 0; j < p->n_params; j++) {
            for (size_t k = 0; k < p->n_params; k++)
                m->a[j][k] += weight(fit->r[i]) * row[j] * row[k];
        }
    }
}

static void slope(double *g, const struct fit *fit, const struct fit_problem *p)
{
    for (size_t k = 0; k < p->n_params; k++)
        g[k] = prior_weight(p) * fit->u[k];
    for (size_t i = 0; i < p->n_residuals; i++) {
        for (size_t k = 0; k < p->n_params; k++)
            g[k] += weight(fit->r[i]) * fit->r[i] * fit->jacobian[i * p->n_params + k];
    }
}

/* A Gauss-Newton step of the `taken` parameters, damped by `lambda`, within the bounds; the others
 * go to 0. One that would leave its bounds stays there, and the rest are solved for again. */
static void step(double *u, const struct fit *fit, const struct fit_problem *p, const bool *taken,
                 double lambda)
{
    struct matrix whole;
    double g[K], moved[K];
    bool held[K];

    curvature(&whole, fit, p);
    slope(g, fit, p);
    for (size_t k = 0; k < p->n_params; k++) {
        held[k] = !taken[k];
        moved[k] = -fit->u[k];
    }
    for (bool again = true; again;) {
        struct matrix m = {.n = 0};
        size_t index[K] = {0};
        double x[K];
        for (size_t k = 0; k < p->n_params; k++) {
            if (!held[k])
                index[m.n++] = k;
        }
        for (size_t i = 0; i < m.n; i++) {
            x[i] = -g[index[i]];
            for (size_t k = 0; k < p->n_params; k++)
                x[i] -= held[k] ? whole.a[index[i]][k] * moved[k] : 0;
            for (size_t j = 0; j < m.n; j++)
                m.a[i][j] = whole.a[index[i]][index[j]];
            m.a[i][i] += prior_weight(p);
            m.a[i][i] *= 1 + lambda;
        }
        factorise(&m);
        solve(&m, x);
        again = false;
        for (size_t i = 0; i < m.n; i++) {
            size_t k = index[i];
            double to = fmin(fmax(fit->u[k] + x[i], p->lowest[k]), p->highest[k]);
            moved[k] = to - fit->u[k];
            if (fabs(moved[k] - x[i]) > 1e-12) {
                held[k] = true;
                again = true;
            }
        }
    }
    for (size_t k = 0; k < p->n_params; k++)
        u[k] = fit->u[k] + moved[k];
}

/* What the criterion would be with these parameters, as far as the derivatives tell. `r`: room for
 * the residuals. */
static double foreseen(const struct fit *fit, const struct fit_problem *p, const bool *taken,
                       double *r)
{
    double u[K];
    size_t n = 0;

    step(u, fit, p, taken, 0);
    for (size_t k = 0; k < p->n_params; k++)
        n += taken[k];
    for (size_t i = 0; i < p->n_residuals; i++) {
        r[i] = fit->r[i];
        for (size_t k = 0; k < p->n_params; k++)
            r[i] += fit->jacobian[i * p->n_params + k] * (u[k] - fit->u[k]);
    }
    return criterion(p, u, r, n);
}

/* ---- the minimum for the parameters that are taken ---- */

static enum status residuals_at(const struct fit_problem *p, const double *u, double *r,
                                struct diag *d)
{
    double one[1][K];

    memcpy(one[0], u, sizeof one[0]);
    return p->residuals(p->context, 1, (const double(*)[K])one, &r, d);
}

static enum status derive(struct fit *fit, const struct fit_problem *p, struct arena *arena,
                          struct diag *d)
{
    double u[K][K], *r[K], by[K];

    for (size_t k = 0; k < p->n_params; k++) {
        memcpy(u[k], fit->u, sizeof u[k]);
        by[k] =
            fit->u[k] + p->difference[k] <= p->highest[k] ? p->difference[k] : -p->difference[k];
        u[k][k] += by[k];
        r[k] = ARENA_NEW(arena, p->n_residuals, double);
        if (!r[k])
            return diag_nomem(d, "fit");
    }
    enum status s = p->residuals(p->context, p->n_params, (const double(*)[K])u, r, d);
    for (size_t k = 0; k < p->n_params && !s; k++) {
        for (size_t i = 0; i < p->n_residuals; i++)
            fit->jacobian[i * p->n_params + k] = (r[k][i] - fit->r[i]) / by[k];
    }
    return s;
}

/* A step that makes the cost less, if one is found. */
static enum status improve(struct fit *fit, const struct fit_problem *p, double *lambda,
                           bool *better, double *r, struct diag *d)
{
    enum status s = ST_OK;

    *better = false;
    for (int i = 0; i < MAX_TRIES && !*better && !s; i++) {
        double u[K] = {0};
        step(u, fit, p, fit->taken, *lambda);
        s = residuals_at(p, u, r, d);
        double cost = s ? INFINITY : cost_of(p, u, r);
        *better = cost < fit->cost;
        *lambda = *better ? *lambda / 8 : fmax(0.1, 8 * *lambda);
        if (*better) {
            memcpy(fit->u, u, sizeof fit->u);
            memcpy(fit->r, r, p->n_residuals * sizeof *r);
            fit->cost = cost;
        }
    }
    return s;
}

static enum status minimise(struct fit *fit, const struct fit_problem *p, struct arena *arena,
                            struct diag *d)
{
    double *r = ARENA_NEW(arena, p->n_residuals, double), lambda = 0;
    enum status s = r ? ST_OK : diag_nomem(d, "fit");
    bool better = true;

    for (int i = 0; i < MAX_STEPS && !s && better; i++) {
        double before = fit->cost;
        s = improve(fit, p, &lambda, &better, r, d);
        if (!s && better)
            s = derive(fit, p, arena, d);
        better = better && before - fit->cost >= good_enough * before;
    }
    return s;
}

static enum status allocate(struct fit *fit, const struct fit_problem *p, struct arena *arena,
                            struct diag *d)
{
    fit->r = ARENA_NEW(arena, p->n_residuals, double);
    fit->jacobian = ARENA_NEW(arena, p->n_residuals * (p->n_params + 1), double);
    return fit->r && fit->jacobian ? ST_OK : diag_nomem(d, "fit");
}

/* The minimum with other parameters taken; *fit is only changed when the criterion gets better. */
static enum status retake(struct fit *fit, const struct fit_problem *p, const bool *taken,
                          bool *better, struct arena *arena, struct diag *d)
{
    struct fit other = *fit;

    enum status s = allocate(&other, p, arena, d);
    if (s)
        return s;
    memcpy(other.taken, taken, sizeof other.taken);
    memcpy(other.r, fit->r, p->n_residuals * sizeof *fit->r);
    memcpy(other.jacobian, fit->jacobian, p->n_residuals * p->n_params * sizeof *fit->r);
    for (size_t k = 0; k < p->n_params && !s; k++) {
        if (taken[k] || other.u[k] == 0)
            continue;
        /* From where the rest would be without it. */
        step(other.u, fit, p, taken, 0);
        s = residuals_at(p, other.u, other.r, d);
        other.cost = s ? 0 : cost_of(p, other.u, other.r);
        if (!s)
            s = derive(&other, p, arena, d);
    }
    if (!s)
        s = minimise(&other, p, arena, d);
    *better = !s && criterion_of(&other, p) < criterion_of(fit, p);
    if (*better)
        *fit = other;
    return s;
}

/* The parameter to take in (`in`) or to give up next: of those that make the criterion about as
 * good as any, the first one in, the last one out; n_params = none makes it better. */
static size_t choose(const struct fit *fit, const struct fit_problem *p, bool in, const bool *tried,
                     double *r)
{
    double value[K], now = criterion_of(fit, p), best = now;

    for (size_t k = 0; k < p->n_params; k++) {
        bool taken[K];
        memcpy(taken, fit->taken, sizeof taken);
        taken[k] = in;
        value[k] = fit->taken[k] == in || tried[k] ? INFINITY : foreseen(fit, p, taken, r);
        best = fmin(best, value[k]);
    }
    for (size_t i = 0; i < p->n_params; i++) {
        size_t k = in ? i : p->n_params - 1 - i;
        if (value[k] < now && value[k] <= best + tie)
            return k;
    }
    return p->n_params;
}

enum status fit_run(struct fit *fit, const struct fit_problem *p, struct arena *arena,
                    struct diag *d)
{
    bool tried[2][K] = {{false}};

    BUG_IF(p->n_params > K);
    *fit = (struct fit){.cost = 0};
    double *room = ARENA_NEW(arena, p->n_residuals, double);
    enum status s = room ? allocate(fit, p, arena, d) : diag_nomem(d, "fit");
    if (!s)
        s = residuals_at(p, fit->u, fit->r, d);
    if (!s)
        fit->cost = cost_of(p, fit->u, fit->r);
    if (!s && p->n_params)
        s = derive(fit, p, arena, d);
    for (int i = 0; i < MAX_ROUNDS && !s; i++) {
        bool taken[K], in = true, better = false;
        size_t k =
            n_taken(fit) < p->n_residuals ? choose(fit, p, in, tried[in], room) : p->n_params;
        if (k == p->n_params) {
            in = false;
            k = choose(fit, p, in, tried[in], room);
        }
        if (k == p->n_params)
            break;
        memcpy(taken, fit->taken, sizeof taken);
        taken[k] = in;
        s = retake(fit, p, taken, &better, arena, d);
        if (better)
            memset(tried, 0, sizeof tried);
        else
            tried[in][k] = true; /* what was foreseen did not come */
    }
    return s;
}

/* ---- what the data tell ---- */

/* Covariance of some of the parameters, in the order of `index`. */
static void covariance(struct matrix *v, const struct fit *fit, const struct fit_problem *p,
                       const size_t *index, size_t n)
{
    double variance = noise(p, fit->u, fit->r, n_taken(fit));
    struct matrix whole, m = {.n = n};

    curvature(&whole, fit, p);
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n; j++)
            m.a[i][j] = whole.a[index[i]][index[j]] / variance;
        m.a[i][i] += 1;
    }
    invert(v, &m);
}

/* Those that are taken, and `param` as the first. */
static size_t with_taken(size_t *index, const struct fit *fit, size_t param)
{
    size_t n = 1;

    index[0] = param;
    for (size_t k = 0; k < K; k++) {
        if (fit->taken[k] && k != param)
            index[n++] = k;
    }
    return n;
}

double fit_deviation(const struct fit *fit, const struct fit_problem *p, size_t param)
{
    size_t index[K];
    struct matrix v;

    for (size_t k = 0; k < p->n_params; k++)
        index[k] = k;
    covariance(&v, fit, p, index, p->n_params);
    return sqrt(v.a[param][param]);
}

struct fit_identity fit_identify(const struct fit *fit, const struct fit_problem *p, size_t param)
{
    struct fit_identity identity = {.verdict = FIT_NOT_NEEDED};
    size_t index[K], n = with_taken(index, fit, param);
    struct matrix v = {.n = 0}, alone = {.n = 0};

    covariance(&v, fit, p, index, n);
    covariance(&alone, fit, p, index, 1);
    for (size_t j = 1; j < n; j++) {
        double c = v.a[0][j] / sqrt(v.a[0][0] * v.a[j][j]);
        if (fabs(c) > fabs(identity.correlation)) {
            identity.correlation = c;
            identity.partner = index[j];
        }
    }
    if (alone.a[0][0] > told_variance)
        identity.verdict = FIT_NO_EFFECT;
    else if (v.a[0][0] > told_variance || fabs(identity.correlation) > twins)
        identity.verdict = FIT_CONFOUNDED;
    return identity;
}
