#include "engines/latency/latency_scaled.h"

#include <math.h>

struct scaled {
    const struct latency_model_ops *model;
    const void *state;
    double prompt_factor, decode_factor;
    struct decode_curve *curves;
};

enum status latency_scaled_create(const void **state, struct arena *arena,
                                  const struct latency_model_ops *model, const void *model_state,
                                  uint32_t max_num_seqs, double prompt_factor, double decode_factor,
                                  struct diag *d)
{
    struct scaled *m = ARENA_NEW(arena, 1, struct scaled);

    if (!m)
        return diag_nomem(d, "latency model");
    *m = (struct scaled){.model = model,
                         .state = model_state,
                         .prompt_factor = prompt_factor,
                         .decode_factor = decode_factor,
                         .curves = ARENA_NEW(arena, max_num_seqs, struct decode_curve)};
    if (!m->curves)
        return diag_nomem(d, "latency model");
    for (uint32_t i = 0; i < max_num_seqs; i++) {
        const struct decode_curve *curve = model->decode_curve(model_state, i + 1);
        double *ms = ARENA_NEW(arena, curve->n, double);
        if (!ms)
            return diag_nomem(d, "latency model");
        for (uint32_t k = 0; k < curve->n; k++)
            ms[k] = decode_factor * curve->ms[k];
        m->curves[i] =
            (struct decode_curve){.n = curve->n, .context_tok = curve->context_tok, .ms = ms};
    }
    *state = m;
    return ST_OK;
}

static double scaled_step_ms(const void *state, const struct engine_step *step)
{
    const struct scaled *m = state;
    double whole = m->model->step_ms(m->state, step), decode = 0;

    if (step->n_chunks == 0)
        return m->decode_factor * whole;
    if (step->n_decode) {
        struct engine_step alone = *step;
        alone.n_chunks = 0;
        alone.rank_tok_max = alone.rank_tok_mean = 0;
        decode = m->model->step_ms(m->state, &alone);
    }
    return m->decode_factor * decode + m->prompt_factor * fmax(0, whole - decode);
}

static double scaled_skew_alpha(const void *state)
{
    const struct scaled *m = state;
    return m->model->skew_alpha ? m->model->skew_alpha(m->state) : 0;
}

static const struct decode_curve *scaled_decode_curve(const void *state, uint32_t n_decode)
{
    const struct scaled *m = state;
    return &m->curves[n_decode - 1];
}

const struct latency_model_ops latency_scaled = {
    .name = "scaled",
    .summary = "another model, its times multiplied",
    .step_ms = scaled_step_ms,
    .skew_alpha = scaled_skew_alpha,
    .decode_curve = scaled_decode_curve,
};
