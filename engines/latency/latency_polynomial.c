/* Fixed polynomials for when there is nothing better: DynoSim's default, prefill over new tokens
 * and decode over the share of the KV capacity in use, with what they leave out added: a chunk pays
 * for looking back at its prefix (the quadratic term), and in a mixed step decoding adds only what
 * it costs beyond an empty one. Of the profile only the KV capacity is used. */
#include <math.h>

#include "engines/latency/curve.h"
#include "engines/latency/latency.h"
#include "engines/latency/latency_dynosim.h"

/* A chord of the decode parabola over 1/128 of the capacity is off by at most 0.007 %. Beyond the
 * whole capacity the time is constant. */
enum { N_PIECES = 128, N_KNOTS = N_PIECES + 2 };

struct polynomial {
    struct latency_config config;
    struct decode_curve *curves; /* [n_decode - 1], for one data-parallel rank */
};

static double host_ms(const struct latency_config *config, double n_sequences)
{
    return config->host_ms_per_step + config->host_us_per_seq * 1e-3 * n_sequences;
}

static enum status polynomial_create(void **state, struct arena *arena,
                                     const struct profile *profile,
                                     const struct latency_config *config, struct diag *d)
{
    struct polynomial *m = ARENA_NEW(arena, 1, struct polynomial);
    size_t n_curves = config->max_num_seqs;
    double *context_tok = ARENA_NEW(arena, n_curves * N_KNOTS, double);
    double *ms = ARENA_NEW(arena, n_curves * N_KNOTS, double);
    struct decode_curve *curves = ARENA_NEW(arena, n_curves, struct decode_curve);
    if (!m || !context_tok || !ms || !curves)
        return diag_nomem(d, "latency polynomial");
    double capacity_tok =
        (double)profile->max_kv_tokens / (profile->dp > 1 ? (double)profile->dp : 1);
    for (size_t c = 0; c < n_curves; c++) {
        double *x = context_tok + c * N_KNOTS, *y = ms + c * N_KNOTS, n = (double)(c + 1);
        for (int k = 0; k < N_KNOTS; k++) {
            double share = (double)k / N_PIECES;
            x[k] = share * capacity_tok / n;
            y[k] = config->step_factor * dynosim_polynomial_decode_ms(share) + host_ms(config, n);
        }
        curves[c] = (struct decode_curve){N_KNOTS, x, y};
    }
    *m = (struct polynomial){.config = *config, .curves = curves};
    *state = m;
    return ST_OK;
}

static const struct decode_curve *polynomial_decode_curve(const void *state, uint32_t n_decode)
{
    const struct polynomial *m = state;
    return &m->curves[n_decode - 1];
}

static double polynomial_step_ms(const void *state, const struct engine_step *step)
{
    const struct polynomial *m = state;
    double decode = 0;
    if (step->n_decode) {
        const struct decode_curve *curve = polynomial_decode_curve(m, step->n_decode);
        decode = curve_at(curve->context_tok, curve->ms, curve->n, step->decode_context_mean_tok);
    }
    if (step->n_chunks == 0)
        return decode;
    double new_tok = 0, look_back = 0;
    for (uint32_t i = 0; i < step->n_chunks; i++) {
        double prefix = step->chunks[i].prefix_tok, added = step->chunks[i].new_tok;
        new_tok += added;
        look_back += dynosim_polynomial_prefill_ms(prefix + added) -
                     dynosim_polynomial_prefill_ms(prefix) - dynosim_polynomial_prefill_ms(added) +
                     dynosim_polynomial_prefill_ms(0);
    }
    double factor = m->config.step_factor, marginal = 0;
    if (step->n_decode)
        marginal =
            fmax(0, decode - m->config.host_ms_per_step - factor * dynosim_polynomial_decode_ms(0));
    return factor * (dynosim_polynomial_prefill_ms(new_tok) + look_back) + marginal +
           host_ms(&m->config, step->n_chunks);
}

const struct latency_model_ops latency_polynomial = {
    .name = "polynomial",
    .summary =
        "fixed polynomials of new tokens and of the share of KV in use; needs no measurements",
    .create = polynomial_create,
    .step_ms = polynomial_step_ms,
    .decode_curve = polynomial_decode_curve,
};
