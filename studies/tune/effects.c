#include "studies/tune/effects.h"

#include <math.h>
#include <string.h>

#include "studies/tune/cholesky.h"
#include "studies/tune/surrogate_internal.h"

enum { N_NODES = 24 };

/* A dimension as its distribution, and the correlations of its settings over that. */
struct dim {
    size_t n_nodes;
    const double *node, *weight;
    double *average; /* by setting: correlation with it, averaged over the dimension */
    double self;     /* correlation of two draws */
};

struct finder {
    const struct surrogate *s;
    size_t n, n_dims; /* settings */
    struct dim dims[SURROGATE_MAX_DIMS];
    double *product; /* by setting: of the averages of all dimensions */
    double *excess;  /* n_dims: scratch */
    struct arena *arena;
};

/* Gauss-Legendre on [0, 1]: the roots of the Legendre polynomial by Newton's method (Numerical
 * Recipes, 4.6). */
static void legendre(double *node, double *weight)
{
    for (int i = 0; i < N_NODES; i++) {
        double x = cos(acos(-1) * (i + 0.75) / (N_NODES + 0.5)), slope = 1;
        for (int iteration = 0; iteration < 20; iteration++) {
            double p = 1, before = 0;
            for (int k = 1; k <= N_NODES; k++) {
                double older = before;
                before = p;
                p = ((2 * k - 1) * x * before - (k - 1) * older) / k;
            }
            slope = N_NODES * (x * p - before) / (x * x - 1);
            x -= p / slope;
        }
        node[i] = (1 - x) / 2;
        weight[i] = 1 / ((1 - x * x) * slope * slope);
    }
}

static double correlation(const struct finder *f, size_t dim, double a, double b)
{
    double s = surrogate_distance(f->s->data.categorical[dim], a, b) * f->s->inverse[dim];

    return surrogate_matern(s) * exp(-s);
}

static double setting(const struct finder *f, size_t i, size_t dim)
{
    return f->s->data.x[i * f->n_dims + dim];
}

/* Correlation with both of two settings, averaged over a dimension, relative to the product of the
 * averages, minus 1: what the dimension adds to the covariance. */
static double excess(const struct finder *f, size_t dim, const double *with, size_t i, size_t k)
{
    const struct dim *to = &f->dims[dim];
    const double *a = with + i * to->n_nodes, *b = with + k * to->n_nodes;
    double sum = 0;

    for (size_t q = 0; q < to->n_nodes; q++)
        sum += to->weight[q] * a[q] * b[q];
    return sum / (to->average[i] * to->average[k]) - 1;
}

static enum status set_dim(struct finder *f, size_t k, const struct effect_levels *levels,
                           const double *node, const double *weight, struct diag *d)
{
    struct dim *dim = &f->dims[k];
    double *equal = NULL;

    if (levels->n == 0 && f->s->data.categorical[k])
        return diag_fail(d, ST_INPUT, "dimension %zu is a category without levels", k);
    if (levels->n > 0) {
        equal = ARENA_NEW(f->arena, levels->n, double);
        if (!equal)
            return diag_nomem(d, "effects");
        for (size_t q = 0; q < levels->n; q++)
            equal[q] = 1 / (double)levels->n;
    }
    dim->n_nodes = equal ? levels->n : N_NODES;
    dim->node = equal ? levels->at : node;
    dim->weight = equal ? equal : weight;
    dim->average = ARENA_NEW(f->arena, f->n, double);
    if (!dim->average)
        return diag_nomem(d, "effects");
    for (size_t q = 0; q < dim->n_nodes; q++) {
        for (size_t i = 0; i < f->n; i++)
            dim->average[i] += dim->weight[q] * correlation(f, k, dim->node[q], setting(f, i, k));
        for (size_t p = 0; p < dim->n_nodes; p++)
            dim->self +=
                dim->weight[q] * dim->weight[p] * correlation(f, k, dim->node[q], dim->node[p]);
    }
    for (size_t i = 0; i < f->n; i++)
        f->product[i] *= dim->average[i];
    return ST_OK;
}

/* Shares of the variance of the mean: sums over pairs of settings. */
static enum status share_variance(struct finder *f, struct effects *effects, struct effect *of,
                                  double *pairs, struct diag *d)
{
    const struct surrogate *s = f->s;
    const double *with[SURROGATE_MAX_DIMS];
    double added[SURROGATE_MAX_DIMS], all = 0;

    for (size_t k = 0; k < f->n_dims; k++) {
        double *to = ARENA_NEW(f->arena, f->n * f->dims[k].n_nodes, double);
        if (!to)
            return diag_nomem(d, "effects");
        with[k] = to;
        for (size_t i = 0; i < f->n; i++) {
            for (size_t q = 0; q < f->dims[k].n_nodes; q++)
                *to++ = correlation(f, k, f->dims[k].node[q], setting(f, i, k));
        }
    }
    for (size_t i = 0; i < f->n; i++) {
        for (size_t j = 0; j <= i; j++) {
            double weight = s->alpha[i] * s->alpha[j] * f->product[i] * f->product[j];
            double product = 1;
            if (j < i)
                weight *= 2;
            for (size_t k = 0; k < f->n_dims; k++) {
                added[k] = excess(f, k, with[k], i, j);
                product *= 1 + added[k];
            }
            all += weight * (product - 1);
            for (size_t k = 0; k < f->n_dims; k++) {
                double others = weight;
                for (size_t l = 0; l < f->n_dims; l++)
                    others *= l == k ? added[l] : 1 + added[l];
                of[k].first_order += weight * added[k];
                of[k].total += others;
                for (size_t l = 0; l < k; l++)
                    pairs[k * f->n_dims + l] += weight * added[k] * added[l];
            }
        }
    }
    effects->variance = fmax(all, 0) * pow(s->signal * s->data.scale, 2);
    for (size_t k = 0; k < f->n_dims; k++) {
        of[k].first_order = all > 0 ? fmin(fmax(of[k].first_order / all, 0), 1) : 0;
        of[k].total = all > 0 ? fmin(fmax(of[k].total / all, 0), 1) : 0;
        for (size_t l = 0; l < k; l++) {
            double *pair = &pairs[k * f->n_dims + l];
            *pair = all > 0 ? fmin(fmax(*pair / all, 0), 1) : 0;
            pairs[l * f->n_dims + k] = *pair;
        }
    }
    return ST_OK;
}

/* Covariances of the settings with the function at x of one dimension, averaged over the others;
 * its mean. */
static double average_at(const struct finder *f, size_t dim, double x, double *with)
{
    const struct surrogate *s = f->s;
    double sum = 0;

    for (size_t i = 0; i < f->n; i++) {
        with[i] = SURROGATE_MEAN_VARIANCE + s->signal * f->product[i] / f->dims[dim].average[i] *
                                                correlation(f, dim, x, setting(f, i, dim));
        sum += with[i] * s->alpha[i];
    }
    return s->data.centre + s->data.scale * sum;
}

/* Variance of what is left of sum of weight[p] function(x[p]), averaged over the other dimensions;
 * `with` is that sum of their covariances and is used up. */
static double left_of(const struct finder *f, size_t dim, const double *x, const double *weight,
                      size_t n, double *with)
{
    double sum = 0, others = 1;

    for (size_t k = 0; k < f->n_dims; k++)
        others *= k == dim ? 1 : f->dims[k].self;
    for (size_t p = 0; p < n; p++) {
        for (size_t q = 0; q < n; q++)
            sum +=
                weight[p] * weight[q] *
                (SURROGATE_MEAN_VARIANCE + f->s->signal * others * correlation(f, dim, x[p], x[q]));
    }
    cholesky_forward(f->s->factor, with, f->n, 1);
    for (size_t i = 0; i < f->n; i++)
        sum -= with[i] * with[i];
    return f->s->data.scale * sqrt(fmax(sum, 0));
}

static enum status find_curve(const struct finder *f, size_t dim,
                              const struct effect_levels *levels, struct effect *of, struct diag *d)
{
    size_t n = levels->n ? levels->n : EFFECT_CURVE_POINTS, low = 0, high = 0;
    struct effect_point *curve = ARENA_NEW(f->arena, n, struct effect_point);
    double with[SURROGATE_MAX_SETTINGS], other[SURROGATE_MAX_SETTINGS];

    if (!curve)
        return diag_nomem(d, "effects");
    for (size_t p = 0; p < n; p++) {
        const double one = 1;
        curve[p].x = levels->n ? levels->at[p] : (double)p / (EFFECT_CURVE_POINTS - 1);
        curve[p].mean = average_at(f, dim, curve[p].x, with);
        curve[p].deviation = left_of(f, dim, &curve[p].x, &one, 1, with);
        low = curve[p].mean < curve[low].mean ? p : low;
        high = curve[p].mean > curve[high].mean ? p : high;
    }
    average_at(f, dim, curve[high].x, with);
    average_at(f, dim, curve[low].x, other);
    for (size_t i = 0; i < f->n; i++)
        with[i] -= other[i];
    const double x[] = {curve[high].x, curve[low].x}, weight[] = {1, -1};
    of->range = curve[high].mean - curve[low].mean;
    of->range_deviation = left_of(f, dim, x, weight, 2, with);
    of->n_points = n;
    of->curve = curve;
    return ST_OK;
}

/* What is lost of the log likelihood without a dimension. */
static enum status find_evidence(const struct finder *f, const struct surrogate_points *points,
                                 size_t dim, struct effect *of, struct diag *d)
{
    size_t n_dims = points->n_dims, n_left = 0;
    bool categorical[SURROGATE_MAX_DIMS];
    struct surrogate_hyper start = f->s->hyper;
    struct surrogate_points left = *points;
    struct surrogate *without;
    struct arena scratch;

    arena_init(&scratch);
    double *x = ARENA_NEW(&scratch, points->n * n_dims, double);
    for (size_t k = 0; k < n_dims; k++) {
        if (k == dim)
            continue;
        start.length_scale[n_left] = f->s->hyper.length_scale[k];
        categorical[n_left] = f->s->data.categorical[k];
        for (size_t i = 0; x && i < points->n; i++)
            x[i * (n_dims - 1) + n_left] = points->x[i * n_dims + k];
        n_left++;
    }
    left.n_dims = n_left;
    left.categorical = categorical;
    left.x = x;
    enum status status =
        x ? surrogate_fit(&without, &scratch, &left, &start, d) : diag_nomem(d, "effects");
    if (!status)
        of->evidence = f->s->log_likelihood - without->log_likelihood;
    arena_release(&scratch);
    return status;
}

enum status effects_find(const struct effects **effects, struct arena *arena,
                         const struct surrogate *s, const struct surrogate_points *points,
                         const struct effect_levels *levels, struct diag *d)
{
    size_t n_dims = s->data.n_dims;
    struct effects *to = ARENA_NEW(arena, 1, struct effects);
    struct effect *of = ARENA_NEW(arena, n_dims, struct effect);
    double *pairs = ARENA_NEW(arena, n_dims * n_dims, double);
    struct finder f = {.s = s, .n = s->data.n, .n_dims = n_dims, .arena = arena};
    double node[N_NODES], weight[N_NODES], sum = 0;
    enum status status = ST_OK;

    f.product = ARENA_NEW(arena, f.n, double);
    if (!to || !of || !pairs || !f.product)
        return diag_nomem(d, "effects");
    legendre(node, weight);
    for (size_t i = 0; i < f.n; i++)
        f.product[i] = 1;
    for (size_t k = 0; k < n_dims && !status; k++)
        status = set_dim(&f, k, &levels[k], node, weight, d);
    if (!status)
        status = share_variance(&f, to, of, pairs, d);
    for (size_t k = 0; k < n_dims && !status; k++) {
        status = find_curve(&f, k, &levels[k], &of[k], d);
        if (!status && s->data.scale > 0)
            status = find_evidence(&f, points, k, &of[k], d);
        of[k].nothing = !(of[k].evidence >= EFFECT_LEAST_EVIDENCE);
    }
    for (size_t i = 0; i < f.n; i++)
        sum += s->alpha[i] * (SURROGATE_MEAN_VARIANCE + s->signal * f.product[i]);
    to->n_dims = n_dims;
    to->of = of;
    to->pairs = pairs;
    to->mean = s->data.centre + s->data.scale * sum;
    *effects = to;
    return status;
}
