/* Measured curves as they are: prefill time over ISL, decode step time over batch and context.
 *
 * Decode points lie on lines of equal context. At a fixed number of sequences a step's time is
 * (base + KV read), hence linear in the context, while at a fixed number of KV tokens it is not: so
 * lines are read at the asked batch, and the step time is interpolated between lines at that batch.
 * Every measured point is met exactly. */
#include "engines/latency/latency.h"

#include <math.h>
#include <stdlib.h>

#include "engines/latency/curve.h"

/* A call of fmax() costs more than the step's arithmetic. */
static double at_least(double least, double x)
{
    return x < least ? least : x;
}

/* How far above the longest measured context a curve has its last point. */
enum { FAR_FACTOR = 16 };

struct point {
    double context_tok, batch, ms;
};

struct table {
    const struct profile *profile;
    struct latency_config config;
    double far_prefill_slope, far_prefill_square; /* past the longest measured prompt */
    double decode_floor_ms; /* a step of one short sequence: what a mixed step does not pay twice */
    struct decode_curve *curves; /* [n_decode - 1], for one data-parallel rank */
};

static int by_context_then_batch(const void *a, const void *b)
{
    const struct point *p = a, *q = b;
    if (p->context_tok != q->context_tok)
        return p->context_tok < q->context_tok ? -1 : 1;
    return (p->batch > q->batch) - (p->batch < q->batch);
}

/* Measured points of one context. */
struct line {
    const struct point *points;
    size_t n;
    double far_slope; /* ms per sequence above the largest measured batch */
};

/* Least-squares slope of ms over x, at least 0: the last two points alone would tell their noise.
 */
static double trend(const double *x, const double *ms, size_t n, size_t stride)
{
    double mean_x = 0, mean_y = 0, sxx = 0, sxy = 0;
    for (size_t i = 0; i < n; i++) {
        mean_x += x[i * stride] / (double)n;
        mean_y += ms[i * stride] / (double)n;
    }
    for (size_t i = 0; i < n; i++) {
        double from_mean = x[i * stride] - mean_x;
        sxx += from_mean * from_mean;
        sxy += from_mean * (ms[i * stride] - mean_y);
    }
    return sxx > 0 && sxy > 0 ? sxy / sxx : 0;
}

/* The line's step time at a batch. */
static double line_at(const struct line *line, double batch)
{
    const struct point *p = line->points, *last = &p[line->n - 1];
    if (batch >= last->batch || line->n == 1)
        return last->ms + fmax(0, batch - last->batch) * line->far_slope;
    size_t i = 0;
    while (p[i + 1].batch < batch)
        i++;
    double share = (batch - p[i].batch) / (p[i + 1].batch - p[i].batch);
    return p[i].ms + share * (p[i + 1].ms - p[i].ms);
}

/* Points sorted by line; equal (context, batch) are averaged. Returns how many are left. Without
 * any, as prefill workers have it, a step counts as much as the shortest prompt: both read the
 * weights. */
static size_t sorted_points(const struct profile *profile, struct point *points)
{
    size_t n = profile->n_decode, kept = 0;
    if (n == 0) {
        points[0] = (struct point){1, 1, profile->prefill_ttft_ms.value[0]};
        return 1;
    }
    for (size_t i = 0; i < n; i++) {
        double context_tok = profile->decode_context[i];
        points[i] = (struct point){
            .context_tok = context_tok,
            .batch = profile->decode_kv_usage[i] * (double)profile->max_kv_tokens / context_tok,
            .ms = profile->decode_itl_ms[i],
        };
    }
    qsort(points, n, sizeof *points, by_context_then_batch);
    for (size_t i = 0; i < n;) {
        size_t end = i;
        double sum = 0;
        for (; end < n && by_context_then_batch(&points[i], &points[end]) == 0; end++)
            sum += points[end].ms;
        points[kept] = points[i];
        points[kept++].ms = sum / (double)(end - i);
        i = end;
    }
    return kept;
}

/* Cuts sorted points into lines. A line of one point, all that fits of a long context, has the
 * slope of the line before it, scaled: what a sequence adds to a step is the reading of its
 * context. Returns how many lines. */
static size_t cut_lines(struct line *lines, const struct point *points, size_t n_points)
{
    size_t n_lines = 0;
    for (size_t i = 0, end; i < n_points; i = end) {
        for (end = i; end < n_points && points[end].context_tok == points[i].context_tok; end++)
            ;
        struct line *line = &lines[n_lines++];
        *line = (struct line){.points = &points[i], .n = end - i};
        if (line->n > 1)
            line->far_slope =
                trend(&points[i].batch, &points[i].ms, line->n, sizeof *points / sizeof(double));
        else if (n_lines > 1)
            line->far_slope =
                line[-1].far_slope * points[i].context_tok / line[-1].points->context_tok;
    }
    return n_lines;
}

/* Step times at context 0, on each line, and far beyond the last one. Where a line had to be
 * continued to this batch it is kept above the lines of shorter contexts. Down to context 0 the
 * time falls at most to that of the cheapest step measured, and never rises. */
static void fill_knots(double *knot, const double *context_tok, const struct line *lines,
                       size_t n_lines, double batch, double floor_ms)
{
    for (size_t i = 0; i < n_lines; i++) {
        const struct line *line = &lines[i];
        knot[i + 1] = line_at(line, batch);
        if (i && batch > line->points[line->n - 1].batch)
            knot[i + 1] = fmax(knot[i + 1], knot[i]);
    }
    double slope = n_lines > 1 ? (knot[2] - knot[1]) / (context_tok[2] - context_tok[1]) : 0;
    knot[0] = fmin(knot[1], fmax(knot[1] - slope * context_tok[1], floor_ms));
    knot[n_lines + 1] = knot[n_lines] + trend(context_tok + 1, knot + 1, n_lines, 1) *
                                            (context_tok[n_lines + 1] - context_tok[n_lines]);
}

/* Attention makes a prompt's time quadratic in its length, which a straight line past the longest
 * measured prompt would miss by a factor at 100k tokens: the curve goes on as the parabola that
 * fits all points best in relative terms, moved to meet the last one. */
static void fit_far_prefill(struct table *table)
{
    const struct profile_curve *curve = &table->profile->prefill_ttft_ms;
    double longest = curve->x[curve->n - 1];
    double m[3][4] = {{0}};
    for (size_t i = 0; i < curve->n; i++) {
        double x = curve->x[i] / longest, weight = 1 / (curve->value[i] * curve->value[i]);
        double power[3] = {1, x, x * x};
        for (int row = 0; row < 3; row++) {
            for (int column = 0; column < 3; column++)
                m[row][column] += weight * power[row] * power[column];
            m[row][3] += weight * power[row] * curve->value[i];
        }
    }
    for (int k = 0; k < 3;
         k++) /* elimination; the matrix is positive definite from three points on */
        for (int row = 0; row < 3 && m[k][k] > 0; row++)
            for (int column = 3; row != k && column >= k; column--)
                m[row][column] -= m[row][k] / m[k][k] * m[k][column];
    double square = m[2][2] > 0 ? m[2][3] / m[2][2] : 0,
           linear = m[1][1] > 0 ? m[1][3] / m[1][1] : 0;
    double chord =
        curve->n > 1 ? (curve->value[curve->n - 1] - curve->value[0]) / (longest - curve->x[0]) : 0;
    table->far_prefill_square = curve->n > 2 && square > 0 ? square / (longest * longest) : 0;
    table->far_prefill_slope = table->far_prefill_square > 0
                                   ? fmax((linear + 2 * square) / longest, chord)
                                   : fmax(chord, 0);
}

static enum status table_create(void **state, struct arena *arena, const struct profile *profile,
                                const struct latency_config *config, struct diag *d)
{
    struct table *table = ARENA_NEW(arena, 1, struct table);
    size_t room = profile->n_decode ? profile->n_decode : 1;
    struct point *points = ARENA_NEW(arena, room, struct point);
    struct line *lines = ARENA_NEW(arena, room, struct line);
    if (!table || !points || !lines)
        return diag_nomem(d, "latency table");
    size_t n_points = sorted_points(profile, points);
    size_t n_lines = cut_lines(lines, points, n_points);
    size_t n_knots = n_lines + 2, n_curves = config->max_num_seqs;
    double *context_tok = ARENA_NEW(arena, n_knots, double);
    double *ms = ARENA_NEW(arena, n_knots * n_curves, double);
    *table = (struct table){.profile = profile,
                            .config = *config,
                            .decode_floor_ms = points[0].ms,
                            .curves = ARENA_NEW(arena, n_curves, struct decode_curve)};
    if (!context_tok || !ms || !table->curves)
        return diag_nomem(d, "latency table");
    for (size_t i = 1; i < n_points; i++)
        table->decode_floor_ms = fmin(table->decode_floor_ms, points[i].ms);
    for (size_t line = 0; line < n_lines; line++)
        context_tok[line + 1] = lines[line].points->context_tok;
    context_tok[n_lines + 1] = FAR_FACTOR * context_tok[n_lines];
    double ranks = profile->dp > 1 ? (double)profile->dp : 1;
    for (size_t c = 0; c < n_curves; c++) {
        double sequences = (double)(c + 1), *knot = ms + c * n_knots;
        fill_knots(knot, context_tok, lines, n_lines, sequences * ranks, table->decode_floor_ms);
        for (size_t k = 0; k < n_knots; k++)
            knot[k] = fmax(config->step_factor * knot[k] + config->host_ms_per_step +
                               config->host_us_per_seq * 1e-3 * sequences,
                           1e-3);
        table->curves[c] =
            (struct decode_curve){.n = (uint32_t)n_knots, .context_tok = context_tok, .ms = knot};
    }
    fit_far_prefill(table);
    *state = table;
    return ST_OK;
}

static const struct decode_curve *table_decode_curve(const void *state, uint32_t n_decode)
{
    const struct table *table = state;
    return &table->curves[n_decode - 1];
}

static double prefill_ms(const struct table *table, double isl_tok)
{
    const struct profile_curve *curve = &table->profile->prefill_ttft_ms;
    double beyond = isl_tok - curve->x[curve->n - 1];
    if (beyond > 0)
        return curve->value[curve->n - 1] +
               beyond * (table->far_prefill_slope + beyond * table->far_prefill_square);
    return at_least(0, curve_at(curve->x, curve->value, curve->n, isl_tok));
}

/* Chunks: as much as one prompt of all their new tokens, and what each pays more for looking back
 * at its prefix. Sequences: what they add to the step, since one pass over the weights serves both.
 */
static double table_step_ms(const void *state, const struct engine_step *step)
{
    const struct table *table = state;
    double decode = 0;
    if (step->n_decode) {
        const struct decode_curve *curve = table_decode_curve(table, step->n_decode);
        decode = curve_at(curve->context_tok, curve->ms, curve->n, step->decode_context_mean_tok);
    }
    if (step->n_chunks == 0)
        return at_least(1e-3, decode);
    double new_tok = 0, look_back = 0;
    for (uint32_t i = 0; i < step->n_chunks; i++) {
        double prefix = step->chunks[i].prefix_tok, added = step->chunks[i].new_tok;
        new_tok += added;
        if (prefix > 0)
            look_back += at_least(0, prefill_ms(table, prefix + added) - prefill_ms(table, prefix) -
                                         prefill_ms(table, added));
    }
    double host = table->config.host_ms_per_step;
    double factor = table->config.step_factor;
    double marginal =
        step->n_decode ? at_least(0, decode - host - factor * table->decode_floor_ms) : 0;
    return at_least(1e-3, factor * (prefill_ms(table, new_tok) + look_back) + marginal + host +
                              table->config.host_us_per_seq * 1e-3 * step->n_chunks);
}

const struct latency_model_ops latency_table = {
    .name = "table",
    .summary = "the profile's own points: prefill time by ISL, decode step by batch and context",
    .create = table_create,
    .step_ms = table_step_ms,
    .decode_curve = table_decode_curve,
};
