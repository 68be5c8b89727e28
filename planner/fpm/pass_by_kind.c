/* Models of 1.4.2: passes of each kind for themselves, whatever the role of the engine. A line of
 * least squares whose cost never falls with load; that of prefill alone bends once. (The package
 * has it compiled; aiconfigurator-core 0.11.0, `fpm/`; docs/planner.md, section 12.) */
#include <math.h>
#include <stdlib.h>

#include "planner/forecast/linalg.h"
#include "planner/fpm/pass_model.h"

enum { MAX_TERMS = FPM_MAX_FEATURES + 1 };

/* Pivots up to this are none; where one is, the diagonal grows by this share of its sum. */
static const double least_pivot = 1e-12, ridge = 1e-9;
/* A bent line has at least so many passes, counts errors as shares of a pass, of at least so many
 * ms, and may fall by so much a token, which counts as level. */
enum { MIN_BENT = 6 };
static const double least_weighed_ms = 25, level_s = 1e-9;
/* Knots between two passes often fit alike: there the reference takes the one that rounding
 * favours, which differs from run to run; here it is the first. */
static const double same_errors = 1e-9;

static enum pass_kind model_of(enum pass_role role, const struct pass *p)
{
    (void)role;
    return pass_kind_of(p);
}

static void features(enum pass_kind kind, const struct pass *p, double x[FPM_MAX_FEATURES])
{
    x[0] = kind == KIND_DECODE ? p->n_decode : p->prefill_tok;
    x[1] = p->decode_kv_tok;
}

/* ---- Normal equations ---- */

struct normal {
    size_t n; /* terms */
    double a[MAX_TERMS * MAX_TERMS], b[MAX_TERMS];
};

static void add_row(struct normal *e, const double row[], double y, double weight)
{
    for (size_t i = 0; i < e->n; i++) {
        double weighted = row[i] * weight;
        e->b[i] += weighted * y * weight;
        for (size_t j = 0; j < e->n; j++)
            e->a[i * e->n + j] += weighted * row[j] * weight;
    }
}

static bool solve(const struct normal *e, double w[MAX_TERMS])
{
    struct normal t = *e;
    bool solved = linalg_solve(t.a, t.b, t.n, least_pivot);

    if (!solved) {
        double sum = 0;
        t = *e;
        for (size_t i = 0; i < t.n; i++)
            sum += fabs(t.a[i * t.n + i]);
        for (size_t i = 1; i < t.n; i++)
            t.a[i * t.n + i] += fmax(1, sum) * ridge;
        solved = linalg_solve(t.a, t.b, t.n, least_pivot);
    }
    for (size_t i = 0; i < t.n; i++) {
        w[i] = t.b[i];
        solved = solved && isfinite(w[i]);
    }
    return solved;
}

static double squares(const struct pass_model *m, const struct pass_line *line,
                      double (*weight)(double wall_s))
{
    const struct sample_table *t = &m->samples;
    double sum = 0;

    for (size_t i = 0; i < t->n; i++) {
        double error_s = pass_line_s(line, t->n_features, t->rows[i].x) - t->rows[i].wall_s;
        sum += error_s * error_s * weight(t->rows[i].wall_s) * weight(t->rows[i].wall_s);
    }
    return sum;
}

/* ---- A straight line ---- */

static double evenly(double wall_s)
{
    (void)wall_s;
    return 1;
}

/* Through the features of `used`, a bit each; the others cost nothing. */
static bool fit_used(const struct pass_model *m, unsigned used, struct pass_line *line)
{
    const struct sample_table *t = &m->samples;
    size_t feature[FPM_MAX_FEATURES] = {0};
    double w[MAX_TERMS] = {0};
    struct normal e = {.n = 1};

    for (size_t f = 0; f < t->n_features; f++) {
        if (used >> f & 1)
            feature[e.n++ - 1] = f;
    }
    for (size_t i = 0; i < t->n; i++) {
        double row[MAX_TERMS] = {1};
        for (size_t k = 1; k < e.n; k++)
            row[k] = t->rows[i].x[feature[k - 1]];
        add_row(&e, row, t->rows[i].wall_s, 1);
    }
    if (!solve(&e, w))
        return false;
    *line = (struct pass_line){.intercept_s = w[0]};
    for (size_t k = 1; k < e.n; k++) {
        if (w[k] < 0)
            return false;
        line->slope[feature[k - 1]] = w[k];
    }
    return true;
}

/* The best of all sets of features. One that does not know the load is none. */
static bool fit_straight(const struct pass_model *m, struct pass_line *best)
{
    size_t k = m->samples.n_features;
    double least = INFINITY;

    for (unsigned used = 0; used < 1u << k; used++) {
        struct pass_line line;
        if (!fit_used(m, used, &line))
            continue;
        double sum = squares(m, &line, evenly);
        if (sum < least) {
            least = sum;
            *best = line;
        }
    }
    if (isinf(least))
        return false;
    return m->samples.n <= k || best->slope[0] > 0 || best->slope[1] > 0;
}

/* ---- A line that bends ---- */

static double by_share(double wall_s)
{
    return 1 / fmax(1000 * wall_s, least_weighed_ms);
}

static bool fit_at(const struct pass_model *m, double knot, struct pass_line *line)
{
    const struct sample_table *t = &m->samples;
    struct normal e = {.n = 3};
    double w[MAX_TERMS] = {0};

    for (size_t i = 0; i < t->n; i++) {
        double x = t->rows[i].x[0], row[] = {1, x, fmax(0, x - knot)};
        add_row(&e, row, t->rows[i].wall_s, by_share(t->rows[i].wall_s));
    }
    if (!solve(&e, w) || w[1] < -level_s || w[1] + w[2] < -level_s)
        return false;
    double left = fmax(0, w[1]);
    *line = (struct pass_line){
        .intercept_s = w[0], .slope = {left}, .knot = knot, .bend = fmax(0, w[1] + w[2]) - left};
    return true;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* How many of them are left, sorted and each told from the one before by more than `apart` of it.
 */
static size_t sort_distinct(double *x, size_t n, double apart)
{
    size_t kept = 0;

    qsort(x, n, sizeof *x, by_size);
    for (size_t i = 0; i < n; i++) {
        if (kept == 0 || x[i] - x[kept - 1] > apart * fmax(1, fabs(x[i])))
            x[kept++] = x[i];
    }
    return kept;
}

enum { FIFTHS = 5, LOG_STEPS = 9, MAX_KNOTS = FIFTHS - 1 + LOG_STEPS - 1 };

/* Between the least and the most tokens: at fifths of the passes, and evenly in log tokens. */
static size_t knots_of(const struct pass_model *m, double knots[MAX_KNOTS])
{
    const struct sample_table *t = &m->samples;
    double *x = m->work;
    size_t n_knots = 0, kept = 0;

    for (size_t i = 0; i < t->n; i++)
        x[i] = t->rows[i].x[0];
    size_t n = sort_distinct(x, t->n, 0);
    if (n < 3)
        return 0;
    double lo = x[0], hi = x[n - 1];
    for (size_t i = 1; i < FIFTHS; i++)
        knots[n_knots++] = x[i * (n - 1) / FIFTHS];
    for (int i = 1; lo > 0 && i < LOG_STEPS; i++)
        knots[n_knots++] = exp(log(lo) + (double)i / LOG_STEPS * (log(hi) - log(lo)));
    for (size_t i = 0; i < n_knots; i++) {
        if (knots[i] > lo && knots[i] < hi)
            knots[kept++] = knots[i];
    }
    return sort_distinct(knots, kept, 1e-9);
}

static bool fit_bent(const struct pass_model *m, struct pass_line *best)
{
    double knots[MAX_KNOTS], least = INFINITY;
    size_t n_knots = m->samples.n < MIN_BENT ? 0 : knots_of(m, knots);

    for (size_t i = 0; i < n_knots; i++) {
        struct pass_line line;
        if (!fit_at(m, knots[i], &line))
            continue;
        double sum = squares(m, &line, by_share);
        if (sum < least * (1 - same_errors)) {
            least = sum;
            *best = line;
        }
    }
    return !isinf(least);
}

static void fit(struct pass_model *m)
{
    m->fitted = (m->samples.n_features == 1 && fit_bent(m, &m->line)) || fit_straight(m, &m->line);
}

const struct pass_family pass_by_kind = {
    .model_of = model_of,
    .features = features,
    .n_features = {[KIND_DECODE] = 2, [KIND_MIXED] = 2, [KIND_PREFILL] = 1},
    .fit = fit,
    .least_s = 1e-9,
    .steps_per_s = 1e9,
};
