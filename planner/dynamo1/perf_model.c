#include "planner/dynamo1/perf_model.h"

#include <math.h>
#include <string.h>

#include "engines/profile/profile.h"
#include "planner/queueing.h"
#include "util/shared.h"

/* Sorts the rows of a table of three columns by the first, keeping equal keys in order. */
static void sort_rows(double *key, double *second, double *third, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        double k = key[i], s = second[i], t = third[i];
        size_t j = i;
        for (; j > 0 && key[j - 1] > k; j--) {
            key[j] = key[j - 1];
            second[j] = second[j - 1];
            third[j] = third[j - 1];
        }
        key[j] = k;
        second[j] = s;
        third[j] = t;
    }
}

enum status prefill_model_init(struct prefill_model *m, struct arena *arena, size_t n,
                               const double *isl, const double *ttft_ms, const double *thpt_per_gpu,
                               struct diag *d)
{
    double *x = ARENA_NEW(arena, 3 * n, double);

    if (!x)
        return diag_nomem(d, "a prefill model");
    double *ttft = x + n, *thpt = x + 2 * n;
    if (n > 0) {
        memcpy(x, isl, n * sizeof *x);
        memcpy(ttft, ttft_ms, n * sizeof *x);
        memcpy(thpt, thpt_per_gpu, n * sizeof *x);
    }
    sort_rows(x, ttft, thpt, n);
    enum status s = spline_init(&m->ttft_ms, arena, n, x, ttft, d);
    if (s == ST_OK)
        s = spline_init(&m->thpt, arena, n, x, thpt, d);
    if (s)
        return s;
    m->isl_min = x[0];
    m->isl_max = x[n - 1];
    return ST_OK;
}

enum status prefill_model_load(struct prefill_model *m, struct arena *arena,
                               const struct profile *profile, struct diag *d)
{
    struct diag inner;

    diag_init(&inner);
    enum status s =
        prefill_model_init(m, arena, profile->prefill_ttft_ms.n, profile->prefill_ttft_ms.x,
                           profile->prefill_ttft_ms.value, profile->prefill_thpt_per_gpu, &inner);
    if (s)
        return diag_fail(d, s, "profile %s, prefill: %s", profile->name, inner.text);
    return ST_OK;
}

static double clamp_isl(const struct prefill_model *m, double isl_tok)
{
    return fmax(m->isl_min, fmin(isl_tok, m->isl_max));
}

double prefill_model_ttft_ms(const struct prefill_model *m, double isl_tok)
{
    return spline_at(&m->ttft_ms, isnan(isl_tok) ? m->isl_min : clamp_isl(m, isl_tok));
}

double prefill_model_thpt(const struct prefill_model *m, double isl_tok)
{
    return spline_at(&m->thpt, isnan(isl_tok) ? m->isl_min : clamp_isl(m, isl_tok));
}

double prefill_model_utilization(const struct prefill_model *m, double isl_tok, double target_ms)
{
    return queue_utilization(prefill_model_ttft_ms(m, isl_tok), target_ms);
}

enum status decode_model_init(struct decode_model *m, struct arena *arena, size_t n,
                              const double *kv_usage, const double *context, const double *itl_ms,
                              const double *thpt_per_gpu, double max_kv_tokens, struct diag *d)
{
    double *grid = ARENA_NEW(arena, (size_t)2 * SURFACE_CELLS, double), context_max = 0;

    if (!grid)
        return diag_nomem(d, "a decode model");
    for (size_t i = 0; i < n; i++)
        context_max = fmax(context_max, context[i]);
    if (!(max_kv_tokens > 0) || !(context_max > 0))
        return diag_fail(d, ST_INPUT, "KV capacity and context must be positive");
    double *const grids[2] = {grid, grid + SURFACE_CELLS};
    const double *const values[2] = {itl_ms, thpt_per_gpu};
    *m = (struct decode_model){.max_kv_tokens = max_kv_tokens,
                               .kv_step = 1.0 / (SURFACE_SIDE - 1),
                               .context_step = context_max / (SURFACE_SIDE - 1),
                               .itl_ms = grids[0],
                               .thpt = grids[1]};
    return surface_grids(grids, &m->n_outside, n, kv_usage, context, values, d);
}

enum status decode_model_load(struct decode_model *m, struct arena *arena,
                              const struct profile *profile, struct diag *d)
{
    struct diag inner;

    diag_init(&inner);
    enum status s =
        decode_model_init(m, arena, profile->n_decode, profile->decode_kv_usage,
                          profile->decode_context, profile->decode_itl_ms,
                          profile->decode_thpt_per_gpu, (double)profile->max_kv_tokens, &inner);
    if (s)
        return diag_fail(d, s, "profile %s, decode: %s", profile->name, inner.text);
    return ST_OK;
}

static double nearest_positive(const double *row, size_t ix)
{
    for (size_t away = 1; away < SURFACE_SIDE; away++) {
        if (away <= ix && row[ix - away] > 0)
            return row[ix - away];
        if (ix + away < SURFACE_SIDE && row[ix + away] > 0)
            return row[ix + away];
    }
    return NAN;
}

void decode_model_fill_negative(struct decode_model *m)
{
    double row[SURFACE_SIDE];

    for (size_t iy = 0; iy < SURFACE_SIDE; iy++) {
        double *cell = &m->thpt[iy * SURFACE_SIDE];
        memcpy(row, cell, sizeof row);
        for (size_t ix = 0; ix < SURFACE_SIDE; ix++) {
            if (row[ix] > 0)
                continue;
            double found = nearest_positive(row, ix);
            if (isnan(found) && iy > 0)
                found = cell[(ptrdiff_t)ix - SURFACE_SIDE];
            if (!isnan(found))
                cell[ix] = found;
        }
    }
}

/* false: not a number. Infinities are held within the grid like any other value. */
static bool nearest_index(double value, double step, size_t *index)
{
    double rounded = rint(value / step);

    if (isnan(rounded))
        return false;
    *index = (size_t)fmax(0, fmin(rounded, SURFACE_SIDE - 1));
    return true;
}

bool decode_model_cell(const struct decode_model *m, double concurrency, double context_tok,
                       size_t *ix, size_t *iy)
{
    double kv_usage = concurrency * context_tok / m->max_kv_tokens;

    return nearest_index(kv_usage, m->kv_step, ix) &&
           nearest_index(context_tok, m->context_step, iy);
}

static double kv_usage_of(size_t ix, double step)
{
    return ix == SURFACE_SIDE - 1 ? 1 : (double)ix * step;
}

static struct decode_point point_at(const struct decode_model *m, size_t ix, size_t iy)
{
    size_t cell = iy * SURFACE_SIDE + ix;

    return (struct decode_point){.itl_ms = m->itl_ms[cell],
                                 .thpt = m->thpt[cell],
                                 .kv_usage = kv_usage_of(ix, m->kv_step),
                                 .ix = ix,
                                 .iy = iy};
}

bool decode_model_at(const struct decode_model *m, double concurrency, double context_tok,
                     struct decode_point *point)
{
    size_t ix, iy;

    if (!decode_model_cell(m, concurrency, context_tok, &ix, &iy))
        return false;
    *point = point_at(m, ix, iy);
    return true;
}

bool decode_model_best(const struct decode_model *m, double itl_target_ms, double context_tok,
                       struct decode_point *point)
{
    size_t iy, ix = SURFACE_SIDE;

    if (!nearest_index(context_tok, m->context_step, &iy))
        return false;
    while (ix-- > 0) {
        if (m->itl_ms[iy * SURFACE_SIDE + ix] <= itl_target_ms) {
            *point = point_at(m, ix, iy);
            point->meets_target = true;
            return true;
        }
    }
    *point = point_at(m, 0, iy);
    return true;
}

/* ---- shared ---- */

struct model_key {
    const struct profile *profile;
    bool fill_negative;
};

static bool same_key(const void *key, const void *other)
{
    const struct model_key *a = key, *b = other;

    return a->profile == b->profile && a->fill_negative == b->fill_negative;
}

static const void *keep_key(struct arena *arena, const void *key)
{
    return shared_keep_bytes(arena, key, sizeof(struct model_key));
}

static enum status make_prefill(void **thing, struct arena *arena, const void *key, struct diag *d)
{
    struct prefill_model *m = ARENA_NEW(arena, 1, struct prefill_model);

    if (!m)
        return diag_nomem(d, "a prefill model");
    *thing = m;
    return prefill_model_load(m, arena, ((const struct model_key *)key)->profile, d);
}

static enum status make_decode(void **thing, struct arena *arena, const void *key, struct diag *d)
{
    const struct model_key *wanted = key;
    struct decode_model *m = ARENA_NEW(arena, 1, struct decode_model);

    if (!m)
        return diag_nomem(d, "a decode model");
    *thing = m;
    enum status s = decode_model_load(m, arena, wanted->profile, d);
    if (!s && wanted->fill_negative)
        decode_model_fill_negative(m);
    return s;
}

enum status prefill_model_shared(const struct prefill_model **m, struct shared *shared,
                                 struct arena *arena, const struct profile *profile, struct diag *d)
{
    static const struct shared_kind kind = {"a prefill model", same_key, keep_key, make_prefill,
                                            NULL};
    const struct model_key key = {profile, false};
    const void *thing = NULL;

    enum status s = shared_or_own(&thing, shared, arena, &kind, &key, d);
    *m = thing;
    return s;
}

enum status decode_model_shared(const struct decode_model **m, struct shared *shared,
                                struct arena *arena, const struct profile *profile,
                                bool fill_negative, struct diag *d)
{
    static const struct shared_kind kind = {"a decode model", same_key, keep_key, make_decode,
                                            NULL};
    const struct model_key key = {profile, fill_negative};
    const void *thing = NULL;

    enum status s = shared_or_own(&thing, shared, arena, &kind, &key, d);
    *m = thing;
    return s;
}
