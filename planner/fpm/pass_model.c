#include "planner/fpm/pass_model.h"

#include <math.h>

enum status pass_model_init(struct pass_model *m, struct arena *arena,
                            const struct pass_family *family, enum pass_kind kind,
                            const struct pass_model_config *config, struct diag *d)
{
    size_t max_samples = (size_t)config->max_samples;

    *m = (struct pass_model){.family = family,
                             .kind = kind,
                             .min_samples = (size_t)config->min_samples,
                             .work = ARENA_NEW(arena, max_samples, double)};
    if (!m->work)
        return diag_nomem(d, "a fit of forward passes");
    enum status s = sample_table_init(&m->samples, arena, family->n_features[kind], max_samples,
                                      config->n_buckets, d);
    m->samples.log_scale = family->log_buckets;
    return s;
}

enum pass_kind pass_kind_of(const struct pass *p)
{
    bool prefill = p->prefill_tok > 0, decode = p->n_decode > 0 || p->decode_kv_tok > 0;

    if (prefill)
        return decode ? KIND_MIXED : KIND_PREFILL;
    return decode ? KIND_DECODE : N_PASS_KINDS;
}

static void fit(struct pass_model *m)
{
    m->stale = false;
    if (m->samples.n >= m->min_samples)
        m->family->fit(m);
}

void pass_model_add(struct pass_model *m, const struct pass *p, double wall_s)
{
    double x[FPM_MAX_FEATURES];

    m->family->features(m->kind, p, x);
    sample_table_add(&m->samples, x, wall_s);
    m->stale = true;
    if (m->family->fits_each)
        fit(m);
}

bool pass_model_ready(struct pass_model *m)
{
    if (m->stale)
        fit(m);
    return m->fitted;
}

double pass_line_s(const struct pass_line *line, size_t n_features, const double x[])
{
    double time_s = line->intercept_s;

    for (size_t f = 0; f < n_features; f++)
        time_s += line->slope[f] * x[f];
    return time_s + line->bend * fmax(0, x[0] - line->knot);
}

double pass_whole_s(const struct pass_family *family, double time_s)
{
    double n = family->steps_per_s, steps = time_s * n;

    if (n <= 0)
        return time_s;
    /* Half a step, as far as the product can tell: an odd number of steps divided by two. */
    double rest = fma(time_s, n, -steps), down = floor(steps);
    if (steps - down == 0.5 && rest != 0)
        return (down + (rest > 0)) / n;
    return nearbyint(steps) / n;
}

double pass_model_time_s(struct pass_model *m, const struct pass *p)
{
    double x[FPM_MAX_FEATURES];

    if (!pass_model_ready(m))
        return NAN;
    m->family->features(m->kind, p, x);
    double time_s = pass_line_s(&m->line, m->samples.n_features, x);
    return pass_whole_s(m->family, fmax(m->family->least_s, time_s));
}
