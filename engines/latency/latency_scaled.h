/* A latency model whose times are multiplied: those of running sequences by one factor, what prompt
 * chunks add to them by another. For asking what a run would be, were the model wrong by so much;
 * no model of its own that a user could name. */
#ifndef ENGINES_LATENCY_LATENCY_SCALED_H
#define ENGINES_LATENCY_LATENCY_SCALED_H

#include "engines/latency/latency.h"

extern const struct latency_model_ops latency_scaled; /* `create` is the function below */

/* State for latency_scaled, in the arena; that of `model` must outlive it. Both factors > 0; curves
 * are those of 1 .. max_num_seqs sequences. ST_NOMEM. */
enum status latency_scaled_create(const void **state, struct arena *arena,
                                  const struct latency_model_ops *model, const void *model_state,
                                  uint32_t max_num_seqs, double prompt_factor, double decode_factor,
                                  struct diag *d);

#endif
