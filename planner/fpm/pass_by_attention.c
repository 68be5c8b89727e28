/* Models of 1.6.1: a line through the passes of an engine, by the work of attention and by the
 * tokens computed, neither of which ever makes a pass shorter. (Measured on aisimulate's
 * `fpm_regression`; docs/planner.md, section 12.) */
#include <math.h>

#include "planner/fpm/pass_model.h"

enum { ATTENTION, TOKENS, N_PASS_FEATURES };
_Static_assert((int)N_PASS_FEATURES == (int)FPM_MAX_FEATURES, "features of a pass");

/* Features whose correlation is nearer to 1 than this cannot be told apart. */
static const double singular = 1e-12;
/* A feature that varies by less than this share of itself is constant, but for rounding. */
static const double constant = 1e-10;

/* All passes of an engine with one role go to one model. */
static enum pass_kind model_of(enum pass_role role, const struct pass *p)
{
    enum pass_kind kind = pass_kind_of(p);

    if (kind == N_PASS_KINDS && p->n_prefill <= 0)
        return N_PASS_KINDS;
    return role != PASS_AGG || kind == N_PASS_KINDS ? KIND_DECODE : kind;
}

/* Attention reads the context that is there, of the decoding requests and of the prompts; and each
 * token of a chunk, as long as an average one, the context of its prompt and the chunk up to
 * itself.
 */
static void features(enum pass_kind kind, const struct pass *p, double x[N_PASS_FEATURES])
{
    (void)kind;
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

/* The least squares with no slope below 0. Of features that cannot be told apart each takes half;
 * of two passes, which lie on a line in both, attention takes all. */
static void solve(const struct moments *m, size_t n, double w[N_PASS_FEATURES])
{
    double r = m->xx[0][1], rest = 1 - r * r;

    if (rest > singular) {
        w[0] = (m->xy[0] - r * m->xy[1]) / rest;
        w[1] = (m->xy[1] - r * m->xy[0]) / rest;
    } else if (n == 2) {
        w[0] = m->xy[0];
        w[1] = 0;
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

/* A fit in which nothing costs anything is none, and keeps the one before, unless there are too few
 * passes to tell. */
static void fit(struct pass_model *m)
{
    double w[N_PASS_FEATURES];

    const struct moments moments = moments_of(&m->samples);
    solve(&moments, m->samples.n, w);
    int n_varying = (moments.scale[0] > 0) + (moments.scale[1] > 0);
    bool none = w[0] <= 0 && w[1] <= 0;
    if (n_varying == 0 || (none && m->samples.n > (size_t)n_varying))
        return;
    m->line.intercept_s = moments.mean_s;
    for (int f = 0; f < N_PASS_FEATURES; f++) {
        m->line.slope[f] = moments.scale[f] > 0 ? w[f] / moments.scale[f] : 0;
        m->line.intercept_s -= m->line.slope[f] * moments.mean[f];
    }
    m->fitted = true;
}

const struct pass_family pass_by_attention = {
    .model_of = model_of,
    .features = features,
    .n_features = {N_PASS_FEATURES, N_PASS_FEATURES, N_PASS_FEATURES},
    .fit = fit,
    .fits_each = true,
    .log_buckets = true,
    .least_s = 1e-9,
};
