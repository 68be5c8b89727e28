#include "sim/worker/decode_run.h"

#include <math.h>

#include "util/units.h"

/* From `knot` on, the last that is not beyond `at`. */
static uint32_t knot_below(const struct decode_curve *c, double at, uint32_t knot)
{
    while (knot + 2 < c->n && c->context_tok[knot + 1] <= at)
        knot++;
    return knot;
}

/* The piece that begins at context `at`, cut to `limit` steps. `knot` remembers the place in the
 * curve between calls with increasing `at`. */
static struct decode_piece curve_piece(const struct decode_curve *c, double at, uint32_t limit,
                                       uint32_t *knot)
{
    uint32_t i = *knot = knot_below(c, at, *knot);
    double slope = (c->ms[i + 1] - c->ms[i]) / (c->context_tok[i + 1] - c->context_tok[i]);
    struct decode_piece piece = {c->ms[i] + (at - c->context_tok[i]) * slope, slope, limit};
    if (i + 2 < c->n) {
        double room = c->context_tok[i + 1] - at;
        if (room < limit)
            piece.n = (uint32_t)ceil(room);
    }
    return piece;
}

void decode_run_begin(struct decode_run *run)
{
    run->first.mean = knot_below(run->curve, run->context_tok, 0);
    if (run->skew_alpha != 0)
        run->first.longest = knot_below(run->curve, run->longest_tok, 0);
}

/* The piece that begins with step `from` of the run; start with the run's first knots. */
static struct decode_piece next_piece(const struct decode_run *run, uint32_t from, uint32_t limit,
                                      struct decode_knots *walk)
{
    struct decode_piece piece =
        curve_piece(run->curve, run->context_tok + from, limit, &walk->mean);
    if (run->skew_alpha == 0)
        return piece;
    struct decode_piece longest =
        curve_piece(run->curve, run->longest_tok + from, piece.n, &walk->longest);
    piece.n = longest.n;
    piece.first_ms += run->skew_alpha * (longest.first_ms - piece.first_ms);
    piece.slope_ms += run->skew_alpha * (longest.slope_ms - piece.slope_ms);
    return piece;
}

struct decode_piece decode_run_piece(const struct decode_run *run)
{
    struct decode_knots walk = run->first;
    return next_piece(run, 0, run->n_steps, &walk);
}

struct decode_piece decode_slowest(const struct decode_piece *pieces, uint32_t n)
{
    struct decode_piece slowest = pieces[0];
    for (uint32_t i = 1; i < n; i++) {
        const struct decode_piece *p = &pieces[i];
        if (p->first_ms > slowest.first_ms ||
            (p->first_ms == slowest.first_ms && p->slope_ms > slowest.slope_ms)) {
            slowest.first_ms = p->first_ms;
            slowest.slope_ms = p->slope_ms;
        }
        slowest.n = p->n < slowest.n ? p->n : slowest.n;
    }
    for (uint32_t i = 0; i < n; i++) {
        double gains_ms = pieces[i].slope_ms - slowest.slope_ms;
        if (gains_ms * (slowest.n - 1) > slowest.first_ms - pieces[i].first_ms)
            slowest.n = (uint32_t)((slowest.first_ms - pieces[i].first_ms) / gains_ms) + 1;
    }
    /* One that falls is not followed to where it would be below zero. */
    if (-2 * slowest.slope_ms * slowest.n > slowest.first_ms)
        slowest.n = (uint32_t)(slowest.first_ms / (-2 * slowest.slope_ms)) + 1;
    return slowest;
}

void decode_piece_curve(struct decode_piece_curve *to, const struct decode_piece *piece)
{
    static const double step[2] = {0, 1};
    to->ms[0] = piece->first_ms;
    to->ms[1] = piece->first_ms + piece->slope_ms;
    to->curve = (struct decode_curve){2, step, to->ms};
}

static double piece_ms(const struct decode_piece *p, double n)
{
    return n * (p->first_ms + p->slope_ms * (n - 1) / 2);
}

int64_t decode_piece_ns(const struct decode_piece *piece, uint32_t from, uint32_t to)
{
    const struct decode_piece rest = {piece->first_ms + from * piece->slope_ms, piece->slope_ms, 0};
    return ns_from_ms_or_never(piece_ms(&rest, to - from));
}

static int64_t find_end_ns(const struct decode_run *run, uint32_t n)
{
    double ms = 0;
    struct decode_knots walk = run->first;
    for (uint32_t done = 0; done < n;) {
        struct decode_piece piece = next_piece(run, done, n - done, &walk);
        ms += piece_ms(&piece, piece.n);
        done += piece.n;
    }
    return run->start_ns + ns_from_ms_or_never(ms);
}

int64_t decode_run_end_ns(struct decode_run *run, uint32_t n)
{
    if (n == 0)
        return run->start_ns;
    if (run->known[0].n == n)
        return run->known[0].at_ns;
    if (run->known[1].n == n)
        return run->known[1].at_ns;
    run->known[1] = run->known[0];
    run->known[0] = (struct decode_end){n, find_end_ns(run, n)};
    return run->known[0].at_ns;
}

/* Largest real n with piece_ms(n) <= ms. */
static double solve_piece(const struct decode_piece *p, double ms)
{
    double half = p->slope_ms / 2, linear = p->first_ms - half;
    if (fabs(half) * ms < 1e-12 * linear * linear)
        return ms / linear;
    double root = linear * linear + 4 * half * ms;
    if (root < 0)
        return p->n;
    return 2 * ms / (linear + sqrt(root));
}

uint32_t decode_run_steps_by(struct decode_run *run, int64_t now_ns)
{
    double ms = ms_from_ns(now_ns - run->start_ns);
    uint32_t done = 0;
    struct decode_knots walk = run->first;
    while (done < run->n_steps) {
        struct decode_piece piece = next_piece(run, done, run->n_steps - done, &walk);
        double whole = piece_ms(&piece, piece.n);
        if (whole <= ms) {
            ms -= whole;
            done += piece.n;
            continue;
        }
        double n = solve_piece(&piece, ms);
        done += n < piece.n ? (uint32_t)n : piece.n;
        break;
    }
    /* The ends are rounded to whole ns, which may put the asked time on the other side of one. */
    while (done < run->n_steps && decode_run_end_ns(run, done + 1) <= now_ns)
        done++;
    while (done > 0 && decode_run_end_ns(run, done) > now_ns)
        done--;
    return done;
}

void decode_run_add_gaps(const struct decode_run *run, uint32_t from, uint32_t to, uint64_t weight,
                         struct histogram *h)
{
    struct decode_knots walk = run->first;
    while (from < to) {
        struct decode_piece piece = next_piece(run, from, to - from, &walk);
        histogram_add_ramp(h, piece.first_ms * 1e6, piece.slope_ms * 1e6, piece.n, weight);
        from += piece.n;
    }
}
