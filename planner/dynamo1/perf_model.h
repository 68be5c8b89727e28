/* What the planner knows of an engine: prefill latency and throughput by prompt length, decode
 * latency and throughput by KV usage and context. (Dynamo planner 1.0.2, `perf_interpolation.py`.)
 */
#ifndef PLANNER_DYNAMO1_PERF_MODEL_H
#define PLANNER_DYNAMO1_PERF_MODEL_H

#include <stdbool.h>
#include <stddef.h>

#include "planner/dynamo1/spline.h"
#include "planner/dynamo1/surface.h"
#include "util/arena.h"
#include "util/status.h"

struct profile;
struct shared;

struct prefill_model {
    struct spline ttft_ms, thpt;
    double isl_min, isl_max;
};

/* At least 4 points; they are copied. */
enum status prefill_model_init(struct prefill_model *m, struct arena *arena, size_t n,
                               const double *isl, const double *ttft_ms, const double *thpt_per_gpu,
                               struct diag *d);
enum status prefill_model_load(struct prefill_model *m, struct arena *arena,
                               const struct profile *profile, struct diag *d);

/* The same, made in the arena, or as a thing that is shared when `shared` is not NULL
 * (util/shared.h); then the profile has to live as long as it. */
enum status prefill_model_shared(const struct prefill_model **m, struct shared *shared,
                                 struct arena *arena, const struct profile *profile,
                                 struct diag *d);

/* The prompt length is first held within the profile's range (NaN: its shortest). */
double prefill_model_ttft_ms(const struct prefill_model *m, double isl_tok);
double prefill_model_thpt(const struct prefill_model *m, double isl_tok); /* tokens/s per GPU */

/* Utilisation at which the mean TTFT of one engine reaches the target, prefilling one prompt of
 * this length at a time in order of Poisson arrivals (M/D/1: wait = utilisation * service / (2 (1 -
 * utilisation))). In (0, 1]; 1 when not even an idle engine meets the target, since more engines
 * would not help. */
double prefill_model_utilization(const struct prefill_model *m, double isl_tok, double target_ms);

struct decode_model {
    double max_kv_tokens;
    double kv_step, context_step; /* grid spacing */
    double *itl_ms, *thpt; /* SURFACE_CELLS each, [iy * SURFACE_SIDE + ix]; may be negative */
    size_t n_outside;
};

/* Points may be in any order. */
enum status decode_model_init(struct decode_model *m, struct arena *arena, size_t n,
                              const double *kv_usage, const double *context, const double *itl_ms,
                              const double *thpt_per_gpu, double max_kv_tokens, struct diag *d);
enum status decode_model_load(struct decode_model *m, struct arena *arena,
                              const struct profile *profile, struct diag *d);

/* Replace each non-positive throughput by that of the nearest cell of the same context with a
 * positive one (the lower KV usage first), or failing that by the context below. */
void decode_model_fill_negative(struct decode_model *m);

/* The same two; as prefill_model_shared. */
enum status decode_model_shared(const struct decode_model **m, struct shared *shared,
                                struct arena *arena, const struct profile *profile,
                                bool fill_negative, struct diag *d);

/* Nearest grid cell, halves to even, held within the grid. false: a coordinate is NaN. */
bool decode_model_cell(const struct decode_model *m, double concurrency, double context_tok,
                       size_t *ix, size_t *iy);

struct decode_point {
    double itl_ms, thpt, kv_usage;
    size_t ix, iy;
    bool meets_target;
};
/* ITL and throughput of the cell at this concurrency. */
bool decode_model_at(const struct decode_model *m, double concurrency, double context_tok,
                     struct decode_point *point);
/* The cell of highest KV usage whose ITL is within the target; the cell of usage 0 when none is,
 * with meets_target false. false: the context is NaN. */
bool decode_model_best(const struct decode_model *m, double itl_target_ms, double context_tok,
                       struct decode_point *point);

#endif
