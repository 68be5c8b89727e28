/* Many decode steps of an unchanged batch as one thing.
 *
 * Step j (from 0) of a run takes curve(context_tok + j), or, with skew,
 * (1 - alpha) * curve(context_tok + j) + alpha * curve(longest_tok + j): piecewise-linear functions
 * read at consecutive contexts, so the time of any number of steps is a short sum of arithmetic
 * series, and the step that is running at a given time is found by solving a quadratic. A run is
 * never stepped through. */
#ifndef SIM_WORKER_DECODE_RUN_H
#define SIM_WORKER_DECODE_RUN_H

#include <stdint.h>

#include "engines/latency/latency.h"
#include "util/histogram.h"

/* A stretch of steps on one linear piece of a curve. */
struct decode_piece {
    double first_ms, slope_ms; /* step i of the piece takes first + i * slope */
    uint32_t n;                /* > 0 */
};

/* The knots of the curve below the mean and the longest context of a step. */
struct decode_knots {
    uint32_t mean, longest;
};

/* The end of step n. */
struct decode_end {
    uint32_t n; /* 0 = none */
    int64_t at_ns;
};

struct decode_run {
    const struct decode_curve *curve;
    double context_tok; /* mean context of the first step */
    double longest_tok; /* longest context of the first step; unused when skew_alpha is 0 */
    double skew_alpha;  /* 0 to 1 */
    int64_t start_ns;
    uint32_t n_steps;           /* planned; may be cut to fewer later */
    struct decode_knots first;  /* of the first step; or any before them, such as zeros */
    struct decode_end known[2]; /* asked for last: the ends about a moment are asked for again */
};

/* Find the knots of the first step, from which every question to the run is answered. */
void decode_run_begin(struct decode_run *run);

/* The piece that the run's first step is on, at most n_steps long. */
struct decode_piece decode_run_piece(const struct decode_run *run);
/* Of several that go on side by side, the slowest, as long as it is that and none of them ends. */
struct decode_piece decode_slowest(const struct decode_piece *pieces, uint32_t n);

/* How long steps from + 1 .. to of a piece take. */
int64_t decode_piece_ns(const struct decode_piece *piece, uint32_t from, uint32_t to);

/* A piece as the curve of a run, which begins at context 0. */
struct decode_piece_curve {
    struct decode_curve curve;
    double ms[2];
};
void decode_piece_curve(struct decode_piece_curve *to, const struct decode_piece *piece);

/* End of step `n` counted from 1 (0 gives the start): start plus the sum of n steps, rounded once.
 */
int64_t decode_run_end_ns(struct decode_run *run, uint32_t n);

/* How many steps have ended at or before `now_ns` (at most run->n_steps). */
uint32_t decode_run_steps_by(struct decode_run *run, int64_t now_ns);

/* Add the durations of steps from + 1 .. to to the histogram, each with the weight. */
void decode_run_add_gaps(const struct decode_run *run, uint32_t from, uint32_t to, uint64_t weight,
                         struct histogram *h);

#endif
