#include "planner/fpm/iteration_model.h"

#include <math.h>

#include "planner/forecast/linalg.h"

static const size_t features_of[] = {
    [ITERATION_PREFILL] = 1, [ITERATION_DECODE] = 2, [ITERATION_AGG] = 2};
/* The reference keeps a decode batch whose cost falls by no more than this. */
static const double negligible_slope = -1e-6;
static const double least_wall_s = 1e-6;
static const double epsilon = 2.220446049250313e-16;

void moving_mean_add(struct moving_mean *m, double value)
{
    if (m->skip_zeros && value == 0)
        return;
    m->skip_zeros = false;
    m->sum += value;
    if (m->n == m->window)
        m->sum -= m->values[m->next];
    else
        m->n++;
    m->values[m->next] = value;
    m->next = (m->next + 1) % m->window;
}

double moving_mean_value(const struct moving_mean *m)
{
    return m->n == 0 ? 0 : m->sum / (double)m->n;
}

enum status moving_mean_init(struct moving_mean *m, struct arena *arena, size_t window,
                             struct diag *d)
{
    *m = (struct moving_mean){
        .window = window, .values = ARENA_NEW(arena, window, double), .skip_zeros = true};
    return m->values ? ST_OK : diag_nomem(d, "averages of iterations");
}

enum status iteration_model_init(struct iteration_model *m, struct arena *arena,
                                 enum iteration_kind kind,
                                 const struct iteration_model_config *config, struct diag *d)
{
    size_t window = (size_t)config->max_samples, n_features = features_of[kind];

    *m = (struct iteration_model){
        .kind = kind, .min_samples = (size_t)config->min_samples, .stale = true};
    struct moving_mean *means[] = {&m->isl_tok, &m->context_tok, &m->prefill_tok, &m->n_prefill,
                                   &m->n_decode};
    for (size_t i = 0; i < sizeof means / sizeof *means; i++) {
        enum status s = moving_mean_init(means[i], arena, window, d);
        if (s)
            return s;
    }
    m->work = ARENA_NEW(arena, window * (n_features + 1) + n_features * (n_features + 1), double);
    if (!m->work)
        return diag_nomem(d, "a fit of iterations");
    return sample_table_init(&m->samples, arena, n_features, window, config->n_buckets, d);
}

/* Means are of every record, heartbeats too. */
static void add_means(struct iteration_model *m, const struct fpm_record *r)
{
    if (m->kind == ITERATION_PREFILL)
        moving_mean_add(&m->isl_tok, r->n_prefill > 0 ? r->prefill_tok / r->n_prefill : 0);
    else if (m->kind == ITERATION_AGG && r->n_prefill > 0)
        moving_mean_add(&m->isl_tok, r->prefill_tok / r->n_prefill);
    if (m->kind != ITERATION_PREFILL && r->n_decode > 0)
        moving_mean_add(&m->context_tok, r->decode_kv_tok / r->n_decode);
    if (m->kind == ITERATION_AGG)
        moving_mean_add(&m->prefill_tok, r->prefill_tok);
    if (m->kind != ITERATION_DECODE)
        moving_mean_add(&m->n_prefill, r->n_prefill);
    if (m->kind != ITERATION_PREFILL)
        moving_mean_add(&m->n_decode, r->n_decode);
    if (m->kind == ITERATION_DECODE)
        m->max_kv_seen_tok = fmax(m->max_kv_seen_tok, r->decode_kv_tok);
}

void iteration_model_add(struct iteration_model *m, const struct fpm_record *r)
{
    double x[FPM_MAX_FEATURES] = {r->prefill_tok, r->decode_kv_tok};

    if (m->kind == ITERATION_DECODE)
        x[0] = r->n_decode;
    add_means(m, r);
    if (r->wall_s == 0)
        return;
    sample_table_add(&m->samples, x, r->wall_s);
    m->stale = true;
}

bool iteration_model_has_samples(const struct iteration_model *m)
{
    return m->samples.n >= m->min_samples;
}

/* A falling cost is no model of an engine; that of the decode batch alone is left out. */
static bool accept(struct iteration_model *m)
{
    for (size_t f = 0; f < m->samples.n_features; f++) {
        if (m->coef[f] >= 0)
            continue;
        if (m->kind != ITERATION_DECODE || f != 0)
            return false;
        if (m->coef[f] < negligible_slope)
            m->coef[f] = 0;
    }
    return true;
}

bool iteration_model_fit(struct iteration_model *m)
{
    const struct sample_table *t = &m->samples;
    size_t n = t->n, k = t->n_features;
    double mean[FPM_MAX_FEATURES] = {0}, mean_wall = 0;
    double *x = m->work, *y = x + n * k;

    if (!m->stale)
        return m->fitted;
    m->stale = false;
    m->fitted = false;
    if (n == 0 || !iteration_model_has_samples(m))
        return false;
    for (size_t i = 0; i < n; i++) {
        for (size_t f = 0; f < k; f++)
            mean[f] += t->rows[i].x[f] / (double)n;
        mean_wall += t->rows[i].wall_s / (double)n;
    }
    for (size_t i = 0; i < n; i++) {
        for (size_t f = 0; f < k; f++)
            x[i * k + f] = t->lo[f] < t->hi[f] ? t->rows[i].x[f] - mean[f] : 0;
        y[i] = t->rows[i].wall_s - mean_wall;
    }
    linalg_least_squares(x, n, k, y, (double)n * epsilon, m->coef, y + n);
    m->intercept = mean_wall;
    for (size_t f = 0; f < k; f++)
        m->intercept -= m->coef[f] * mean[f];
    m->fitted = accept(m);
    return m->fitted;
}

double iteration_time_s(const struct iteration_model *m, double x0, double x1)
{
    double wall_s = m->intercept + m->coef[0] * x0;

    if (m->samples.n_features > 1)
        wall_s += m->coef[1] * x1;
    return fmax(least_wall_s, wall_s);
}

double uncached_share(double hit_rate)
{
    const double most_cached = 0.95;

    return isnan(hit_rate) ? 1 : 1 - fmin(most_cached, fmax(0, hit_rate));
}
