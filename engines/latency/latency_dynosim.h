/* Step times as DynoSim (ai-dynamo 1.4.2, `dynamo.replay`) reads them: f over new prompt tokens and
 * g over (KV tokens, context), either tables that go on linearly beyond their ends or fixed
 * polynomials. */
#ifndef ENGINES_LATENCY_LATENCY_DYNOSIM_H
#define ENGINES_LATENCY_LATENCY_DYNOSIM_H

#include "engines/profile/profile.h"

/* Tables are borrowed from the arena they were made in. Without tables (the zero value) the default
 * polynomials hold. */
struct dynosim_latency {
    struct profile_curve prefill_ms; /* over new tokens */
    struct profile_grid decode_ms;   /* KV tokens x context */
};

/* A profile as the reference converts a profiler's results directory: least squares on the measured
 * points in whole tokens and sequences (prefill time on tokens; decode time on batch and KV tokens,
 * a falling batch slope set to 0), then 100 points and 100 x 100 points of those straight lines,
 * with batch = max(1, KV tokens / context), none below a microsecond. ST_INPUT when the points do
 * not determine a line or a plane, or when more prompt or KV tokens would take less time, which the
 * reference refuses too. */
enum status dynosim_latency_fit(struct dynosim_latency *latency, struct arena *arena,
                                const struct profile *profile, struct diag *d);

/* The tables of an NPZ file in the reference's own layout: prefill_isl and prefill_ttft_ms (1-D),
 * decode_active_kv_tokens, decode_context_length and decode_itl (2-D, KV tokens x context).
 * ST_INPUT names `label` and the key. */
enum status dynosim_latency_grids(struct dynosim_latency *latency, const struct profile_file *file,
                                  const char *label, struct diag *d);

/* f: k prompts that compute new_tok tokens together; >= 0. */
double dynosim_prefill_ms(const struct dynosim_latency *latency, double new_tok);

/* g: one decode step over kv_tok tokens of KV in an engine with room for kv_capacity_tok, at a mean
 * sequence length of context_tok; >= 1. */
double dynosim_decode_ms(const struct dynosim_latency *latency, double kv_tok, double context_tok,
                         double kv_capacity_tok);

/* The default polynomials, shared with latency model `polynomial`: n new tokens; share u of the KV
 * capacity. */
double dynosim_polynomial_prefill_ms(double n);
double dynosim_polynomial_decode_ms(double u);

#endif
