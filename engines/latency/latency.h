/* How long one engine step takes. One model is one file ending in one const table; `latency_models`
 * is the only registry. A model is told what is in the step; it knows nothing of queues or clocks.
 */
#ifndef ENGINES_LATENCY_LATENCY_H
#define ENGINES_LATENCY_LATENCY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engines/profile/profile.h"
#include "util/arena.h"
#include "util/status.h"

/* Part of a prompt computed in one step: new_tok tokens behind prefix_tok computed or cached ones.
 */
struct step_chunk {
    uint32_t prefix_tok, new_tok;
};

/* One engine step: prompt chunks and running sequences that each compute one token. Of an engine
 * with attention data parallel, what one rank has, and how many tokens the ranks have. */
struct engine_step {
    const struct step_chunk *chunks;
    uint32_t n_chunks;
    uint32_t n_decode;
    double decode_context_mean_tok; /* tokens each sequence attends to, the one being computed
                                       included */
    double decode_context_max_tok;  /* of the longest sequence; may be left 0 when the model has no
                                       skew */
    /* Tokens in the step of the rank that has most, and of a rank on the mean. Both 0: every rank
     * has as many as this one. */
    double rank_tok_max, rank_tok_mean;
};

/* Decode-only step time of a fixed number of sequences as a function of their mean context:
 * piecewise linear through (context_tok[i], ms[i]), continued beyond both ends with the end slopes.
 * This form lets a worker sum any number of steps in closed form. */
struct decode_curve {
    uint32_t n; /* >= 2 */
    const double *context_tok, *ms;
};

/* What an engine takes beside or instead of the times of its profile. GPU time is multiplied by the
 * factors, > 0; host time is added to it as it is. */
struct latency_config {
    uint32_t max_num_seqs;   /* curves are asked for 1 .. max_num_seqs sequences */
    double host_ms_per_step; /* added to every step */
    double host_us_per_seq;  /* added to every step, per running sequence */
    double step_factor;      /* of all GPU time */
    /* Of its parts, on top; for models that know them: of what is not attention the part that even
     * the smallest step has, and the part that grows with tokens; attention of running sequences,
     * and of prompt chunks. */
    double fixed_factor, token_factor, decode_attention_factor, prefill_attention_factor;
    /* For models that know the tokens of a step: one of more than graph_tokens, for which there is
     * no CUDA graph, takes eager_step_ms more, as its kernels are launched one by one. */
    double graph_tokens, eager_step_ms;
    /* A step of no more than padded_tokens computes as many as the CUDA graph that it runs as, the
     * next of vLLM's sizes; 0 = none does. */
    double padded_tokens;
};

/* The profile's own times: the start of an initializer. */
#define LATENCY_BARE                                                                               \
    .step_factor = 1, .fixed_factor = 1, .token_factor = 1, .decode_attention_factor = 1,          \
    .prefill_attention_factor = 1

struct latency_model_ops {
    const char *name;    /* what the user types */
    const char *summary; /* one line */
    /* Builds the (then immutable, shareable) state in the arena. ST_INPUT when the profile lacks a
     * table. */
    enum status (*create)(void **state, struct arena *arena, const struct profile *profile,
                          const struct latency_config *config, struct diag *d);
    /* Whole step in ms, host overhead included, > 0. */
    double (*step_ms)(const void *state, const struct engine_step *step);
    /* Share alpha of a decode step's time that follows the longest sequence instead of the mean:
     * the step takes (1 - alpha) * curve(mean) + alpha * curve(max). NULL = 0: only the mean
     * counts. */
    double (*skew_alpha)(const void *state);
    /* Curve of n_decode sequences (1 .. max_num_seqs) without chunks, host overhead included. */
    const struct decode_curve *(*decode_curve)(const void *state, uint32_t n_decode);
};

extern const struct latency_model_ops *const latency_models[];        /* ended by NULL */
const struct latency_model_ops *latency_model_find(const char *name); /* NULL when unknown */
/* The finest that the profile has the tables for. */
const struct latency_model_ops *latency_model_for(const struct profile *profile);

#endif
