#include "engines/latency/latency_dynosim.h"

#include <math.h>

#include "engines/latency/curve.h"

enum { N_PREFILL = 100, N_KV = 100, N_CONTEXT = 100 };

double dynosim_polynomial_prefill_ms(double n)
{
    return (4.209989e-7 * n + 1.518344e-2) * n + 16.50142;
}

double dynosim_polynomial_decode_ms(double u)
{
    u = fmin(u, 1);
    return (-25.74 * u + 54.01) * u + 5.74;
}

double dynosim_prefill_ms(const struct dynosim_latency *latency, double new_tok)
{
    const struct profile_curve *curve = &latency->prefill_ms;
    double ms = curve->n ? curve_at(curve->x, curve->value, curve->n, new_tok)
                         : dynosim_polynomial_prefill_ms(new_tok);
    return fmax(ms, 0);
}

double dynosim_decode_ms(const struct dynosim_latency *latency, double kv_tok, double context_tok,
                         double kv_capacity_tok)
{
    double ms = latency->decode_ms.n_x ? grid_bilinear(&latency->decode_ms, kv_tok, context_tok)
                                       : dynosim_polynomial_decode_ms(kv_tok / kv_capacity_tok);
    return fmax(ms, 1);
}

/* What least squares makes of the measured points, as the reference reads them: whole tokens, whole
 * sequences. */
struct line {
    double base, slope;
    double first_tok, last_tok;
};
struct plane {
    double base, per_batch, per_kv;
    double most_kv_tok, most_context_tok;
};

/* A batch slope that falls by more than this, in ms per sequence, is set to 0. */
#define MOST_FALL_MS 1e-3
/* Fitted times are no less than this. */
#define LEAST_MS 1e-3

static double mean(const double *v, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += v[i];
    return sum / (double)n;
}

static enum status refuse(const struct profile *profile, const char *what, struct diag *d)
{
    return diag_fail(d, ST_INPUT,
                     "profile '%s' cannot be read as straight lines: %s; expected another profile, "
                     "or latency model table",
                     profile->name, what);
}

static enum status fit_line(struct line *line, const struct profile *profile, struct diag *d)
{
    const struct profile_curve *points = &profile->prefill_ttft_ms;
    size_t n = points->n;
    double mean_x = 0, mean_y = mean(points->value, n);
    for (size_t i = 0; i < n; i++)
        mean_x += trunc(points->x[i]) / (double)n;
    double xx = 0, xy = 0;
    for (size_t i = 0; i < n; i++) {
        double x = trunc(points->x[i]) - mean_x;
        xx += x * x;
        xy += x * (points->value[i] - mean_y);
    }
    if (!(xx > 0))
        return refuse(profile, "the prefill points do not determine a line", d);
    line->slope = xy / xx;
    if (line->slope < 0)
        return refuse(profile, "prefill takes less time the longer the prompt", d);
    line->base = mean_y - line->slope * mean_x;
    line->first_tok = trunc(points->x[0]);
    line->last_tok = trunc(points->x[n - 1]);
    return ST_OK;
}

/* Normal equations of the centred columns. */
static enum status fit_plane(struct plane *plane, struct arena *arena,
                             const struct profile *profile, struct diag *d)
{
    size_t n = profile->n_decode;
    double *kv = ARENA_NEW(arena, n, double), *batch = ARENA_NEW(arena, n, double);
    if (!kv || !batch)
        return diag_nomem(d, "decode points");
    plane->most_kv_tok = plane->most_context_tok = 0;
    for (size_t i = 0; i < n; i++) {
        kv[i] = rint(profile->decode_kv_usage[i] * (double)profile->max_kv_tokens);
        batch[i] = fmax(1, rint(kv[i] / profile->decode_context[i]));
        plane->most_kv_tok = fmax(plane->most_kv_tok, kv[i]);
        plane->most_context_tok = fmax(plane->most_context_tok, kv[i] / batch[i]);
    }
    double mean_kv = mean(kv, n), mean_batch = mean(batch, n),
           mean_y = mean(profile->decode_itl_ms, n);
    double bb = 0, bk = 0, kk = 0, by = 0, ky = 0;
    for (size_t i = 0; i < n; i++) {
        double b = batch[i] - mean_batch, k = kv[i] - mean_kv,
               y = profile->decode_itl_ms[i] - mean_y;
        bb += b * b;
        bk += b * k;
        kk += k * k;
        by += b * y;
        ky += k * y;
    }
    double determinant = bb * kk - bk * bk;
    if (!(determinant > 1e-12 * bb * kk) || !(plane->most_context_tok > 1))
        return refuse(profile, "the decode points do not determine a plane", d);
    plane->per_batch = (by * kk - ky * bk) / determinant;
    plane->per_kv = (ky * bb - by * bk) / determinant;
    plane->base = mean_y - plane->per_batch * mean_batch - plane->per_kv * mean_kv;
    if (plane->per_kv < 0)
        return refuse(profile, "a decode step takes less time the more KV it reads", d);
    /* The base stays what it was. */
    if (plane->per_batch < -MOST_FALL_MS)
        plane->per_batch = 0;
    return ST_OK;
}

/* n points from first to last, evenly spaced. */
static void spread(double *x, size_t n, double first, double last)
{
    double step = (last - first) / (double)(n - 1);
    for (size_t i = 0; i < n; i++)
        x[i] = i + 1 < n ? first + step * (double)i : last;
}

enum status dynosim_latency_fit(struct dynosim_latency *latency, struct arena *arena,
                                const struct profile *profile, struct diag *d)
{
    struct line line = {0};
    struct plane plane = {0};
    enum status s = fit_line(&line, profile, d);
    if (!s)
        s = fit_plane(&plane, arena, profile, d);
    if (s)
        return s;
    double *isl = ARENA_NEW(arena, N_PREFILL, double),
           *prefill = ARENA_NEW(arena, N_PREFILL, double);
    double *kv = ARENA_NEW(arena, N_KV, double), *context = ARENA_NEW(arena, N_CONTEXT, double);
    double *decode = ARENA_NEW(arena, (size_t)N_KV * N_CONTEXT, double);
    if (!isl || !prefill || !kv || !context || !decode)
        return diag_nomem(d, "latency tables");
    spread(isl, N_PREFILL, line.first_tok, line.last_tok);
    for (size_t i = 0; i < N_PREFILL; i++)
        prefill[i] = fmax(LEAST_MS, line.base + line.slope * isl[i]);
    spread(kv, N_KV, 0, plane.most_kv_tok);
    spread(context, N_CONTEXT, 1, plane.most_context_tok);
    for (size_t i = 0; i < N_KV; i++)
        for (size_t j = 0; j < N_CONTEXT; j++)
            decode[i * N_CONTEXT + j] =
                fmax(LEAST_MS, plane.base + plane.per_batch * fmax(1, kv[i] / context[j]) +
                                   plane.per_kv * kv[i]);
    *latency = (struct dynosim_latency){
        .prefill_ms = {N_PREFILL, isl, prefill},
        .decode_ms = {N_KV, N_CONTEXT, kv, context, decode},
    };
    return ST_OK;
}

static enum status find_array(const struct profile_array **array, const struct profile_file *file,
                              const char *label, const char *key, unsigned n_dims, struct diag *d)
{
    *array = profile_file_find(file, key);
    if (!*array)
        return diag_fail(d, ST_INPUT, "%s: key '%s' is missing", label, key);
    if ((*array)->n_dims != n_dims || !(*array)->f64 || (*array)->n == 0)
        return diag_fail(d, ST_INPUT, "%s: '%s' must hold numbers in %u dimension%s", label, key,
                         n_dims, n_dims == 1 ? "" : "s");
    for (size_t i = 0; i < (*array)->n; i++)
        if (!isfinite((*array)->f64[i]))
            return diag_fail(d, ST_INPUT, "%s: '%s' holds a value that is not finite", label, key);
    return ST_OK;
}

static enum status find_axis(const struct profile_array **array, const struct profile_file *file,
                             const char *label, const char *key, struct diag *d)
{
    enum status s = find_array(array, file, label, key, 1, d);
    for (size_t i = 1; !s && i < (*array)->n; i++)
        if (!((*array)->f64[i] > (*array)->f64[i - 1]))
            s = diag_fail(d, ST_INPUT, "%s: '%s' must increase", label, key);
    return s;
}

enum status dynosim_latency_grids(struct dynosim_latency *latency, const struct profile_file *file,
                                  const char *label, struct diag *d)
{
    const struct profile_array *isl, *ttft, *kv, *context, *itl;
    enum status s = find_axis(&isl, file, label, "prefill_isl", d);
    if (!s)
        s = find_array(&ttft, file, label, "prefill_ttft_ms", 1, d);
    if (!s)
        s = find_axis(&kv, file, label, "decode_active_kv_tokens", d);
    if (!s)
        s = find_axis(&context, file, label, "decode_context_length", d);
    if (!s)
        s = find_array(&itl, file, label, "decode_itl", 2, d);
    if (s)
        return s;
    if (ttft->n != isl->n)
        return diag_fail(d, ST_INPUT,
                         "%s: 'prefill_ttft_ms' must have as many values as 'prefill_isl'", label);
    if (itl->dims[0] != kv->n || itl->dims[1] != context->n)
        return diag_fail(
            d, ST_INPUT,
            "%s: 'decode_itl' must have one row per 'decode_active_kv_tokens' and one column per "
            "'decode_context_length'",
            label);
    *latency = (struct dynosim_latency){
        .prefill_ms = {isl->n, isl->f64, ttft->f64},
        .decode_ms = {kv->n, context->n, kv->f64, context->f64, itl->f64},
    };
    return ST_OK;
}
