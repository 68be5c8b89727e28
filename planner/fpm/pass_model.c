#include "planner/fpm/pass_model.h"

#include <math.h>

enum { ATTENTION, TOKENS, N_PASS_FEATURES };
_Static_assert((int)N_PASS_FEATURES == (int)FPM_MAX_FEATURES, "features of a pass");

/* Features whose correlation is nearer to 1 than this cannot be told apart. */
static const double singular = 1e-12;
static const double least_time_s = 1e-9;
/* A feature that varies by less than this share of itself is constant, but for rounding. */
static const double constant = 1e-10;

enum status pass_model_init(struct pass_model *m, struct arena *arena,
                            const struct pass_model_config *config, struct diag *d)
{
    *m = (struct pass_model){.min_samples = (size_t)config->min_samples};
    enum status s = sample_table_init(&m->samples, arena, N_PASS_FEATURES,
                                      (size_t)config->max_samples, config->n_buckets, d);
    m->samples.log_scale = true;
    return s;
}

/* Attention reads the context that is there, of the decoding requests and of the prompts; and each
 * token of a chunk, as long as an average one, the context of its prompt and the chunk up to
 * itself.
 */
static void features(const struct pass *p, double x[N_PASS_FEATURES])
{
    double chunk_tok = p->n_prefill > 0 ? p->prefill_tok / p->n_prefill : p->prefill_tok;

    x[ATTENTION] = p->decode_kv_tok + p->prefill_kv_tok + chunk_tok * p->prefill_kv_tok +
                   p->prefill_tok * (chunk_tok + 1) / 2;
    x[TOKENS] = p->prefill_tok + p->n_decode;
}

/* ---- The fit ---- */

struct moments {
    double mean[N_PASS_FEATURES], scale[N_PASS_FEATURES], mean_s;
    double xx[N_PASS_FEATURES][N_PASS_FEATURES], xy[N_PASS_FEATURES]; /* standardised */
};

static struct moments moments_of(const struct sample_table *t)
{
    struct moments m = {.mean_s = 0};
    double n = (double)t->n;

    for (size_t i = 0; i < t->n; i++) {
        m.mean_s += t->rows[i].wall_s / n;
        for (int f = 0; f < N_PASS_FEATURES; f++)
            m.mean[f] += t->rows[i].x[f] / n;
    }
    for (size_t i = 0; i < t->n; i++) {
        for (int f = 0; f < N_PASS_FEATURES; f++) {
            double z = t->rows[i].x[f] - m.mean[f];
            m.xy[f] += z * (t->rows[i].wall_s - m.mean_s);
            for (int g = 0; g < N_PASS_FEATURES; g++)
                m.xx[f][g] += z * (t->rows[i].x[g] - m.mean[g]);
        }
    }
    for (int f = 0; f < N_PASS_FEATURES; f++) {
        m.scale[f] = sqrt(m.xx[f][f]);
        if (m.scale[f] <= constant * sqrt(n) * m.mean[f])
            m.scale[f] = 0;
    }
    for (int f = 0; f < N_PASS_FEATURES; f++) {
        m.xy[f] = m.scale[f] > 0 ? m.xy[f] / m.scale[f] : 0;
        for (int g = 0; g < N_PASS_FEATURES; g++)
            m.xx[f][g] =
                m.scale[f] > 0 && m.scale[g] > 0 ? m.xx[f][g] / (m.scale[f] * m.scale[g]) : 0;
    }
    return m;
}

/* The least squares with no slope below 0; of features that cannot be told apart each takes half.
 */
static void solve(const struct moments *m, double w[N_PASS_FEATURES])
{
    double r = m->xx[0][1], rest = 1 - r * r;

    if (rest > singular) {
        w[0] = (m->xy[0] - r * m->xy[1]) / rest;
        w[1] = (m->xy[1] - r * m->xy[0]) / rest;
    } else {
        w[0] = (m->xy[0] + r * m->xy[1]) / 4;
        w[1] = r * w[0];
    }
    if (w[0] >= 0 && w[1] >= 0)
        return;
    /* On the edge the better feature alone is left: its gain is its share of the product. */
    int best = m->xy[1] > m->xy[0];
    w[best] = fmax(0, m->xy[best]);
    w[1 - best] = 0;
}

/* A fit in which nothing costs anything keeps the one before. */
static void fit(struct pass_model *m)
{
    double w[N_PASS_FEATURES];

    if (m->samples.n < m->min_samples)
        return;
    const struct moments moments = moments_of(&m->samples);
    solve(&moments, w);
    bool none = w[0] <= 0 && w[1] <= 0;
    if (none && m->fitted && (moments.scale[0] > 0 || moments.scale[1] > 0))
        return;
    m->intercept_s = moments.mean_s;
    for (int f = 0; f < N_PASS_FEATURES; f++) {
        m->slope[f] = moments.scale[f] > 0 ? w[f] / moments.scale[f] : 0;
        m->intercept_s -= m->slope[f] * moments.mean[f];
    }
    m->fitted = true;
}

void pass_model_add(struct pass_model *m, const struct pass *p, double wall_s)
{
    double x[N_PASS_FEATURES];

    features(p, x);
    sample_table_add(&m->samples, x, wall_s);
    fit(m);
}

double pass_model_time_s(const struct pass_model *m, const struct pass *p)
{
    double x[N_PASS_FEATURES];

    if (!m->fitted)
        return NAN;
    features(p, x);
    return fmax(least_time_s,
                m->intercept_s + m->slope[ATTENTION] * x[ATTENTION] + m->slope[TOKENS] * x[TOKENS]);
}
