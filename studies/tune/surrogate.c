#include "studies/tune/surrogate.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "studies/tune/cholesky.h"
#include "studies/tune/surrogate_internal.h"

double surrogate_correlation(const struct surrogate_data *data, const double *inverse,
                             const double *a, const double *b)
{
    double sum = 0, product = 1;

    for (size_t k = 0; k < data->n_dims; k++) {
        double s = surrogate_distance(data->categorical[k], a[k], b[k]) * inverse[k];
        sum += s;
        product *= surrogate_matern(s);
    }
    return product * exp(-sum);
}

static enum status check(const struct surrogate_points *points, struct diag *d)
{
    if (points->n == 0 || points->n_dims > SURROGATE_MAX_DIMS)
        return diag_fail(d, ST_INPUT, "%zu points of %zu dimensions; a surrogate takes up to %d",
                         points->n, points->n_dims, SURROGATE_MAX_DIMS);
    for (size_t i = 0; i < points->n; i++) {
        if (!isfinite(points->y[i]))
            return diag_fail(d, ST_INPUT, "the figure of point %zu is not finite", i);
        if (points->noise && !(points->noise[i] >= 0 && isfinite(points->noise[i])))
            return diag_fail(d, ST_INPUT, "the noise of point %zu is not a variance: %g", i,
                             points->noise[i]);
        for (size_t k = 0; k < points->n_dims; k++) {
            double x = points->x[i * points->n_dims + k];
            if (!(x >= 0 && x <= 1))
                return diag_fail(d, ST_INPUT, "dimension %zu of point %zu is not in [0, 1]: %g", k,
                                 i, x);
        }
    }
    return ST_OK;
}

/* The points of each setting, one after the other; settings in the order of their first points. */
static enum status group(struct surrogate_data *data, struct arena *arena,
                         const struct surrogate_points *points, struct diag *d)
{
    size_t n_dims = points->n_dims, row = n_dims * sizeof *points->x;
    double *x = ARENA_NEW(arena, (points->n + 1) * n_dims, double);
    double *y = ARENA_NEW(arena, points->n, double), *noise = ARENA_NEW(arena, points->n, double);
    size_t *first = ARENA_NEW(arena, points->n + 1, size_t);
    size_t *of = ARENA_NEW(arena, points->n, size_t), *next = ARENA_NEW(arena, points->n, size_t);
    bool *categorical = ARENA_NEW(arena, n_dims, bool);

    if (!x || !y || !noise || !first || !of || !next || !categorical)
        return diag_nomem(d, "surrogate");
    for (size_t i = 0; i < points->n; i++) {
        double *at = x + data->n * n_dims;
        size_t j = 0;
        for (size_t k = 0; k < n_dims; k++)
            at[k] = points->x[i * n_dims + k] + 0.0; /* one zero, not two */
        while (memcmp(x + j * n_dims, at, row) != 0)
            j++;
        if (j == data->n && data->n++ == SURROGATE_MAX_SETTINGS)
            return diag_fail(d, ST_INPUT, "more than %d settings for a surrogate",
                             SURROGATE_MAX_SETTINGS);
        first[j + 1]++;
        of[i] = j;
    }
    for (size_t j = 0; j < data->n; j++) {
        first[j + 1] += first[j];
        next[j] = first[j];
    }
    for (size_t i = 0; i < points->n; i++) {
        y[next[of[i]]] = points->y[i];
        noise[next[of[i]]++] = points->noise ? points->noise[i] : 0;
    }
    for (size_t k = 0; k < n_dims; k++)
        categorical[k] = points->categorical && points->categorical[k];
    data->n_dims = n_dims;
    data->n_points = points->n;
    data->categorical = categorical;
    data->x = x;
    data->first = first;
    data->y = y;
    data->noise = noise;
    return ST_OK;
}

/* Centre and scale over settings, each of which counts the same however many points it has. */
static void scale(struct surrogate_data *data)
{
    double *y = data->y, *noise = data->noise;
    double mean = 0, squares = 0, known = 0;

    for (size_t i = 0; i < data->n; i++) {
        double sum = 0;
        for (size_t k = data->first[i]; k < data->first[i + 1]; k++)
            sum += y[k];
        mean += sum / (double)(data->first[i + 1] - data->first[i]) / (double)data->n;
    }
    for (size_t i = 0; i < data->n; i++) {
        double share = 1 / (double)(data->first[i + 1] - data->first[i]) / (double)data->n;
        for (size_t k = data->first[i]; k < data->first[i + 1]; k++) {
            squares += (y[k] - mean) * (y[k] - mean) * share;
            known += noise[k] * share;
        }
    }
    data->centre = mean;
    data->scale = sqrt(squares);
    if (data->scale <= 1e-12 * fabs(mean)) /* rounding */
        data->scale = sqrt(known);
    for (size_t k = 0; k < data->n_points; k++) {
        y[k] = data->scale > 0 ? (y[k] - mean) / data->scale : 0;
        noise[k] = data->scale > 0 ? noise[k] / data->scale / data->scale : 0;
    }
}

static enum status read_points(struct surrogate **surrogate, struct arena *arena,
                               const struct surrogate_points *points, struct diag *d)
{
    struct surrogate *s = ARENA_NEW(arena, 1, struct surrogate);

    if (!s)
        return diag_nomem(d, "surrogate");
    enum status status = check(points, d);
    if (!status)
        status = group(&s->data, arena, points, d);
    if (status)
        return status;
    scale(&s->data);
    *surrogate = s;
    return ST_OK;
}

/* Of scaled figures. */
static void parameters_of(const struct surrogate_data *data, const struct surrogate_hyper *hyper,
                          double *parameters)
{
    double square = data->scale * data->scale, floor = SURROGATE_NOISE_FLOOR;

    for (size_t k = 0; k < data->n_dims; k++)
        parameters[k] = log(hyper->length_scale[k]);
    parameters[data->n_dims] = log(hyper->signal_variance / square);
    parameters[data->n_dims + 1] = log(fmax(hyper->noise_variance / square - floor, floor));
}

static void hyper_of(const struct surrogate_data *data, const double *parameters,
                     struct surrogate_hyper *hyper)
{
    double square = data->scale * data->scale;

    for (size_t k = 0; k < data->n_dims; k++)
        hyper->length_scale[k] = exp(parameters[k]);
    hyper->signal_variance = square * exp(parameters[data->n_dims]);
    hyper->noise_variance = square * (exp(parameters[data->n_dims + 1]) + SURROGATE_NOISE_FLOOR);
}

/* `noise` of scaled figures. */
static enum status condition(struct surrogate *s, double noise, struct arena *arena, struct diag *d)
{
    const struct surrogate_data *data = &s->data;
    size_t n = data->n, n_dims = data->n_dims;
    double *variance = ARENA_NEW(arena, n, double);

    s->alpha = ARENA_NEW(arena, n, double);
    s->factor = ARENA_NEW(arena, n * n, double);
    if (!s->alpha || !s->factor || !variance)
        return diag_nomem(d, "surrogate");
    for (size_t k = 0; k < n_dims; k++)
        s->inverse[k] = sqrt(5) / s->hyper.length_scale[k];
    double minus_log = surrogate_means(data, noise, s->alpha, variance);
    for (size_t i = 0; i < n; i++) {
        double *row = s->factor + i * n;
        row[i] = SURROGATE_MEAN_VARIANCE + s->signal + variance[i];
        for (size_t j = i + 1; j < n; j++)
            row[j] = SURROGATE_MEAN_VARIANCE +
                     s->signal * surrogate_correlation(data, s->inverse, data->x + i * n_dims,
                                                       data->x + j * n_dims);
    }
    if (!cholesky_factor(s->factor, n))
        return diag_fail(d, ST_INPUT,
                         "the noise of a surrogate, %g, is too small beside its signal, %g", noise,
                         s->signal);
    cholesky_forward(s->factor, s->alpha, n, 1);
    for (size_t i = 0; i < n; i++)
        minus_log += log(s->factor[i * n + i]) + s->alpha[i] * s->alpha[i] / 2;
    cholesky_back(s->factor, s->alpha, n);
    /* Of figures as they are, not as they were scaled. */
    double points = (double)data->n_points, two_pi = 2 * acos(-1);
    s->log_likelihood =
        data->scale > 0 ? -minus_log - points * (log(data->scale) + log(two_pi) / 2) : NAN;
    return ST_OK;
}

enum status surrogate_fit(struct surrogate **surrogate, struct arena *arena,
                          const struct surrogate_points *points,
                          const struct surrogate_hyper *start, struct diag *d)
{
    double from[SURROGATE_MAX_PARAMETERS], best[SURROGATE_MAX_PARAMETERS];
    struct surrogate *s;

    enum status status = read_points(&s, arena, points, d);
    if (status)
        return status;
    const struct surrogate_data *data = &s->data;
    bool known = start && data->scale > 0 && start->signal_variance > 0;
    if (known)
        parameters_of(data, start, from);
    if (data->scale > 0) {
        struct arena scratch;
        arena_init(&scratch);
        double *work = ARENA_NEW(&scratch, surrogate_work(data->n), double);
        if (work)
            surrogate_search(data, known ? from : NULL, best, work);
        arena_release(&scratch);
        if (!work)
            return diag_nomem(d, "surrogate");
    } else {
        surrogate_prior_modes(data, best);
    }
    hyper_of(data, best, &s->hyper);
    s->signal = exp(best[data->n_dims]);
    double noise = exp(best[data->n_dims + 1]) + SURROGATE_NOISE_FLOOR;
    status = condition(s, noise, arena, d);
    *surrogate = s;
    return status;
}

enum status surrogate_condition(struct surrogate **surrogate, struct arena *arena,
                                const struct surrogate_points *points,
                                const struct surrogate_hyper *hyper, struct diag *d)
{
    struct surrogate *s;

    enum status status = read_points(&s, arena, points, d);
    if (status)
        return status;
    double square = s->data.scale * s->data.scale;
    s->hyper = *hyper;
    s->signal = square > 0 ? hyper->signal_variance / square : 1;
    status = condition(s, square > 0 ? hyper->noise_variance / square : 1, arena, d);
    *surrogate = s;
    return status;
}

const struct surrogate_hyper *surrogate_hyper(const struct surrogate *s)
{
    return &s->hyper;
}

static double covariance(const struct surrogate *s, const double *a, const double *b)
{
    return SURROGATE_MEAN_VARIANCE + s->signal * surrogate_correlation(&s->data, s->inverse, a, b);
}

void surrogate_predict(const struct surrogate *s, const double *x, double *mean, double *variance)
{
    const struct surrogate_data *data = &s->data;
    double with[SURROGATE_MAX_SETTINGS], sum = 0, left = SURROGATE_MEAN_VARIANCE + s->signal;

    for (size_t i = 0; i < data->n; i++) {
        with[i] = covariance(s, x, data->x + i * data->n_dims);
        sum += with[i] * s->alpha[i];
    }
    *mean = data->centre + data->scale * sum;
    if (!variance)
        return;
    cholesky_forward(s->factor, with, data->n, 1);
    for (size_t i = 0; i < data->n; i++)
        left -= with[i] * with[i];
    *variance = data->scale * data->scale * fmax(left, 0);
}

struct surrogate_joint {
    size_t m, rank;
    double *mean;
    double *factor; /* rank rows of m: the covariance is factor' factor ... */
    double *apart;  /* ... and these deviations squared on its diagonal */
};

/* Row by row, each time at the candidate of which the most is left. `with` holds U'^-1 of the
 * candidates' covariances with the settings, a row for each of these. */
static void factor_joint(struct surrogate_joint *joint, const struct surrogate *s, const double *x,
                         const double *with)
{
    const struct surrogate_data *data = &s->data;
    size_t m = joint->m;
    double *left = joint->apart;

    for (size_t c = 0; c < m; c++) {
        left[c] = SURROGATE_MEAN_VARIANCE + s->signal;
        for (size_t i = 0; i < data->n; i++)
            left[c] -= with[i * m + c] * with[i * m + c];
    }
    while (joint->rank < m && joint->rank < SURROGATE_MAX_RANK) {
        size_t p = 0;
        for (size_t c = 1; c < m; c++)
            p = left[c] > left[p] ? c : p;
        if (!(left[p] > 1e-6 * s->signal))
            break;
        double *row = joint->factor + joint->rank * m, pivot = sqrt(left[p]);
        for (size_t c = 0; c < m; c++)
            row[c] = covariance(s, x + p * data->n_dims, x + c * data->n_dims);
        rows_take_off(row, m, with, m, with + p, m, data->n);
        rows_take_off(row, m, joint->factor, m, joint->factor + p, m, joint->rank);
        joint->rank++;
        for (size_t c = 0; c < m; c++) {
            row[c] /= pivot;
            left[c] -= row[c] * row[c];
        }
        left[p] = 0;
    }
    for (size_t c = 0; c < m; c++) {
        for (size_t r = 0; r < joint->rank; r++)
            joint->factor[r * m + c] *= data->scale;
        joint->apart[c] = data->scale * sqrt(fmax(left[c], 0));
    }
}

enum status surrogate_joint(struct surrogate_joint **joint, struct arena *arena,
                            const struct surrogate *s, size_t m, const double *x, struct diag *d)
{
    const struct surrogate_data *data = &s->data;
    struct surrogate_joint *to = ARENA_NEW(arena, 1, struct surrogate_joint);
    size_t max_rank = m < SURROGATE_MAX_RANK ? m : SURROGATE_MAX_RANK;
    struct arena scratch;

    if (!to)
        return diag_nomem(d, "draws from a surrogate");
    *to = (struct surrogate_joint){m, 0, ARENA_NEW(arena, m, double),
                                   ARENA_NEW(arena, max_rank * m, double),
                                   ARENA_NEW(arena, m, double)};
    if (!to->mean || !to->factor || !to->apart)
        return diag_nomem(d, "draws from a surrogate");
    arena_init(&scratch);
    double *with = ARENA_NEW(&scratch, data->n * m, double);
    if (!with) {
        arena_release(&scratch);
        return diag_nomem(d, "draws from a surrogate");
    }
    for (size_t c = 0; c < m; c++) {
        double sum = 0;
        for (size_t i = 0; i < data->n; i++) {
            with[i * m + c] = covariance(s, x + c * data->n_dims, data->x + i * data->n_dims);
            sum += with[i * m + c] * s->alpha[i];
        }
        to->mean[c] = data->centre + data->scale * sum;
    }
    cholesky_forward(s->factor, with, data->n, m);
    factor_joint(to, s, x, with);
    arena_release(&scratch);
    *joint = to;
    return ST_OK;
}

void surrogate_joint_draw(const struct surrogate_joint *joint, struct pcg64 *rng, double *values)
{
    memcpy(values, joint->mean, joint->m * sizeof *values);
    for (size_t r = 0; r < joint->rank; r++) {
        double minus_z = -pcg64_normal(rng);
        rows_take_off(values, joint->m, joint->factor + r * joint->m, joint->m, &minus_z, 1, 1);
    }
    for (size_t c = 0; c < joint->m; c++)
        values[c] += joint->apart[c] * pcg64_normal(rng);
}
