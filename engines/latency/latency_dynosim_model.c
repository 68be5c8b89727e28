/* The reference's reading of a profile as a latency model: straight lines fitted to the measured
 * points, and prefill plus decode in a mixed step. Its KV load is what the sequences of the step
 * hold. */
#include <math.h>
#include <stdlib.h>

#include "engines/latency/curve.h"
#include "engines/latency/latency.h"
#include "engines/latency/latency_dynosim.h"

/* Along a line of equal batch the table is a parabola in each cell: pieces are halved until the
 * chord is this close. */
#define TOLERANCE 1e-4
enum { MAX_HALVINGS = 8 };

struct dynosim_model {
    struct dynosim_latency latency;
    struct latency_config config;
    struct decode_curve *curves; /* [n_decode - 1] */
};

/* The knots of one curve. */
struct knots {
    double *context_tok, *ms;
    uint32_t n;
};

static double decode_at(const struct dynosim_model *m, double n, double context_tok)
{
    return m->config.step_factor * dynosim_decode_ms(&m->latency, n * context_tok, context_tok, 1) +
           m->config.host_ms_per_step + m->config.host_us_per_seq * 1e-3 * n;
}

/* What follows the knot (from, from_ms) up to and with (to, to_ms). */
static void add_piece(const struct dynosim_model *m, struct knots *k, double n, double from,
                      double from_ms, double to, double to_ms, int halvings)
{
    double middle = 0.5 * (from + to), middle_ms = decode_at(m, n, middle);
    if (halvings < MAX_HALVINGS &&
        fabs(0.5 * (from_ms + to_ms) - middle_ms) > TOLERANCE * middle_ms) {
        add_piece(m, k, n, from, from_ms, middle, middle_ms, halvings + 1);
        add_piece(m, k, n, middle, middle_ms, to, to_ms, halvings + 1);
        return;
    }
    k->context_tok[k->n] = to;
    k->ms[k->n++] = to_ms;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static enum status add_curve(struct dynosim_model *m, struct arena *arena, double *edges,
                             struct knots *scratch, uint32_t n_decode, struct diag *d)
{
    const struct profile_grid *grid = &m->latency.decode_ms;
    size_t n_edges = 0;
    for (size_t i = 0; i < grid->n_y; i++)
        edges[n_edges++] = grid->y[i];
    for (size_t i = 0; i < grid->n_x; i++)
        edges[n_edges++] = grid->x[i] / n_decode;
    qsort(edges, n_edges, sizeof *edges, by_value);
    scratch->n = 1;
    scratch->context_tok[0] = edges[0];
    scratch->ms[0] = decode_at(m, n_decode, edges[0]);
    for (size_t i = 1; i < n_edges; i++) {
        double last = scratch->context_tok[scratch->n - 1], last_ms = scratch->ms[scratch->n - 1];
        if (edges[i] > last)
            add_piece(m, scratch, n_decode, last, last_ms, edges[i],
                      decode_at(m, n_decode, edges[i]), 0);
    }
    double *context_tok = ARENA_NEW(arena, scratch->n, double),
           *ms = ARENA_NEW(arena, scratch->n, double);
    if (!context_tok || !ms)
        return diag_nomem(d, "latency curves");
    for (uint32_t i = 0; i < scratch->n; i++) {
        context_tok[i] = scratch->context_tok[i];
        ms[i] = scratch->ms[i];
    }
    m->curves[n_decode - 1] = (struct decode_curve){scratch->n, context_tok, ms};
    return ST_OK;
}

static enum status dynosim_create(void **state, struct arena *arena, const struct profile *profile,
                                  const struct latency_config *config, struct diag *d)
{
    struct dynosim_model *m = ARENA_NEW(arena, 1, struct dynosim_model);
    if (!m)
        return diag_nomem(d, "latency curves");
    enum status s = dynosim_latency_fit(&m->latency, arena, profile, d);
    if (s)
        return s;
    m->config = *config;
    m->curves = ARENA_NEW(arena, config->max_num_seqs, struct decode_curve);
    size_t n_edges = m->latency.decode_ms.n_x + m->latency.decode_ms.n_y;
    size_t most = n_edges * ((size_t)1 << MAX_HALVINGS);
    double *edges = malloc(n_edges * sizeof *edges);
    struct knots scratch = {malloc(most * sizeof(double)), malloc(most * sizeof(double)), 0};
    if (!m->curves || !edges || !scratch.context_tok || !scratch.ms)
        s = diag_nomem(d, "latency curves");
    for (uint32_t n = 1; !s && n <= config->max_num_seqs; n++)
        s = add_curve(m, arena, edges, &scratch, n, d);
    free(edges);
    free(scratch.context_tok);
    free(scratch.ms);
    *state = m;
    return s;
}

static const struct decode_curve *dynosim_decode_curve(const void *state, uint32_t n_decode)
{
    const struct dynosim_model *m = state;
    return &m->curves[n_decode - 1];
}

static double dynosim_step_ms(const void *state, const struct engine_step *step)
{
    const struct dynosim_model *m = state;
    double new_tok = 0, ms = 0;
    for (uint32_t i = 0; i < step->n_chunks; i++)
        new_tok += step->chunks[i].new_tok;
    if (step->n_decode) {
        const struct decode_curve *curve = dynosim_decode_curve(m, step->n_decode);
        ms = curve_at(curve->context_tok, curve->ms, curve->n, step->decode_context_mean_tok);
    }
    if (step->n_chunks) {
        double host = step->n_decode ? 0 : m->config.host_ms_per_step;
        ms += m->config.step_factor * dynosim_prefill_ms(&m->latency, new_tok) + host +
              m->config.host_us_per_seq * 1e-3 * step->n_chunks;
    }
    return fmax(ms, 1e-3);
}

const struct latency_model_ops latency_dynosim = {
    .name = "dynosim",
    .summary = "straight lines fitted to the profile, prefill plus decode, as the reference "
               "simulator reads it",
    .create = dynosim_create,
    .step_ms = dynosim_step_ms,
    .decode_curve = dynosim_decode_curve,
};
