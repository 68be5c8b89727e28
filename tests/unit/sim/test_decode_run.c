#include "sim/worker/decode_run.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "util/pcg.h"
#include "util/units.h"

enum { N_KNOTS = 6 };

static double curve_at(const struct decode_curve *c, double at)
{
    uint32_t i = 0;
    while (i + 2 < c->n && c->context_tok[i + 1] <= at)
        i++;
    return c->ms[i] + (at - c->context_tok[i]) * (c->ms[i + 1] - c->ms[i]) /
                          (c->context_tok[i + 1] - c->context_tok[i]);
}

static struct decode_run random_run(struct pcg64 *rng, double *x, double *y,
                                    struct decode_curve *curve)
{
    double at = 50 * pcg64_double(rng);
    for (int i = 0; i < N_KNOTS; i++) {
        x[i] = at += 1 + floor(300 * pcg64_double(rng));
        y[i] = 5 + 3 * pcg64_double(rng);
    }
    *curve = (struct decode_curve){N_KNOTS, x, y};
    return (struct decode_run){.curve = curve,
                               .context_tok = 1 + 900 * pcg64_double(rng),
                               .start_ns = (int64_t)pcg64_below(rng, 1000000000),
                               .longest_tok = 1 + 1500 * pcg64_double(rng),
                               .skew_alpha = pcg64_below(rng, 2) ? 0.3 * pcg64_double(rng) : 0,
                               .n_steps = 1 + (uint32_t)pcg64_below(rng, 400)};
}

static double step_ms(const struct decode_run *run, uint32_t j)
{
    return (1 - run->skew_alpha) * curve_at(run->curve, run->context_tok + j) +
           run->skew_alpha * curve_at(run->curve, run->longest_tok + j);
}

/* Past the last knot the end slope may lead below zero: not a curve of any engine. */
static bool is_valid(const struct decode_run *run)
{
    return curve_at(run->curve, run->context_tok + run->n_steps) >= 1 &&
           curve_at(run->curve, run->context_tok) >= 1 &&
           curve_at(run->curve, run->longest_tok + run->n_steps) >= 1 &&
           curve_at(run->curve, run->longest_tok) >= 1;
}

Test(decode_run, closed_form_equals_step_by_step)
{
    struct pcg64 rng;
    pcg64_stream(&rng, 1, "test", 0);
    for (int round = 0; round < 2000; round++) {
        double x[N_KNOTS], y[N_KNOTS];
        struct decode_curve curve;
        struct decode_run run = random_run(&rng, x, y, &curve);
        if (!is_valid(&run))
            continue;
        double sum_ms = 0;
        for (uint32_t j = 0; j <= run.n_steps; j++) {
            int64_t end_ns = decode_run_end_ns(&run, j);
            cr_assert_leq(llabs(end_ns - run.start_ns - llrint(sum_ms * 1e6)), 1);
            cr_assert_eq(decode_run_steps_by(&run, end_ns), j);
            if (j) {
                cr_assert_eq(decode_run_steps_by(&run, end_ns - 1), j - 1);
            }
            sum_ms += step_ms(&run, j);
        }
    }
}

Test(decode_run, gaps_land_in_the_same_buckets_as_one_by_one)
{
    struct pcg64 rng;
    pcg64_stream(&rng, 2, "test", 0);
    struct histogram *closed = calloc(1, sizeof *closed), *stepped = calloc(1, sizeof *stepped);
    uint64_t total = 0;
    for (int round = 0; round < 500; round++) {
        double x[N_KNOTS], y[N_KNOTS];
        struct decode_curve curve;
        struct decode_run run = random_run(&rng, x, y, &curve);
        if (!is_valid(&run))
            continue;
        uint32_t from = run.n_steps / 3;
        decode_run_add_gaps(&run, from, run.n_steps, 7, closed);
        for (uint32_t j = from; j < run.n_steps; j++)
            histogram_add(stepped, llrint(1e6 * step_ms(&run, j)), 7);
        total += 7 * (run.n_steps - from);
    }
    cr_assert_eq(closed->n, total);
    cr_assert_eq(closed->n, stepped->n);
    cr_assert_eq(closed->min, stepped->min);
    cr_assert_eq(closed->max, stepped->max);
    cr_assert_float_eq(closed->sum, stepped->sum, 1e-9 * stepped->sum);
    uint64_t misplaced = 0;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
        misplaced +=
            closed->count[i] > stepped->count[i] ? closed->count[i] - stepped->count[i] : 0;
    cr_assert_leq(misplaced, total / 1000, "%llu of %llu", (unsigned long long)misplaced,
                  (unsigned long long)total);
    free(closed);
    free(stepped);
}

/* Several runs side by side, each step as long as the slowest takes: piece by piece, as many steps
 * of each as it says. */
Test(decode_run, slowest_of_several_equals_step_by_step)
{
    enum { N_RUNS = 5 };
    struct pcg64 rng;
    pcg64_stream(&rng, 3, "test", 0);
    for (int round = 0; round < 1000; round++) {
        double x[N_RUNS][N_KNOTS], y[N_RUNS][N_KNOTS];
        struct decode_curve curves[N_RUNS];
        struct decode_run runs[N_RUNS];
        uint32_t n_runs = 1 + (uint32_t)pcg64_below(&rng, N_RUNS);
        for (uint32_t i = 0; i < n_runs; i++) {
            do {
                runs[i] = random_run(&rng, x[i], y[i], &curves[i]);
                runs[i].n_steps = 200;
            } while (!is_valid(&runs[i]));
        }
        for (uint32_t done = 0; done < 200;) {
            struct decode_piece pieces[N_RUNS];
            for (uint32_t i = 0; i < n_runs; i++) {
                struct decode_run rest = runs[i];
                rest.context_tok += done;
                rest.longest_tok += done;
                rest.n_steps -= done;
                rest.first = (struct decode_knots){0};
                decode_run_begin(&rest);
                pieces[i] = decode_run_piece(&rest);
            }
            struct decode_piece slowest = decode_slowest(pieces, n_runs);
            cr_assert_gt(slowest.n, 0);
            struct decode_piece_curve line;
            decode_piece_curve(&line, &slowest);
            for (uint32_t j = 0; j < slowest.n; j++) {
                double expected = 0;
                for (uint32_t i = 0; i < n_runs; i++)
                    expected = fmax(expected, step_ms(&runs[i], done + j));
                cr_assert_float_eq(curve_at(&line.curve, j), expected, 1e-9);
            }
            done += slowest.n;
        }
    }
}

Test(decode_run, a_piece_that_falls_is_left_before_it_is_below_zero)
{
    const struct decode_piece falls = {.first_ms = 10, .slope_ms = -1, .n = 100};
    struct decode_piece slowest = decode_slowest(&falls, 1);
    cr_assert_eq(slowest.n, 6);
}
