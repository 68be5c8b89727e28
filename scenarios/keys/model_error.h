/* How far figures of a profile's engine are from measured ones: entries of model_error.yaml in the
 * preset folders, written by scripts/validate_measured --write-errors.
 *
 *   Llama-3.3-70B h100_sxm vllm:
 *     for: {model: "*Llama-3.3-70B*", gpu: h100_sxm, framework: vllm}
 *     of: the same model, GPU and framework
 *     points: 45
 *     ttft_error: [0.12, 0.35]
 *     tpot_error: [0.04, 0.11]
 *     prompt_factor: [0.95, 1.1, ...]
 *     decode_factor: [1.02, 0.97, ...]
 *
 * `for` is as in overheads.yaml; the first entry that fits a profile is its own. */
#ifndef SCENARIOS_KEYS_MODEL_ERROR_H
#define SCENARIOS_KEYS_MODEL_ERROR_H

#include <stddef.h>
#include <stdint.h>

#include "engines/profile/profile.h"
#include "util/arena.h"
#include "util/status.h"

struct shared;

/* Of means over runs at one concurrency each. */
struct model_error {
    const char *name, *of; /* of: whose measured points they are */
    int64_t n_points;
    /* |simulated / measured - 1|: the median, and what 90 of 100 are within. */
    double ttft[2], tpot[2];
    /* Pairs of what engine.prompt_factor and engine.decode_factor have to be for the simulated TTFT
     * and TPOT to be the measured ones; each pair is as likely as any other. */
    size_t n_factors; /* > 0 */
    const double *prompt_factor, *decode_factor;
};

/* Of the entry that fits a profile, or its engine in another version (NULL = that of the profile),
 * in the arena; NULL when none does. ST_INPUT, with its position, when the entry is wrong. The file
 * is read anew where nothing is shared (NULL). */
enum status model_error_find(const struct model_error **error, struct arena *arena,
                             struct shared *shared, const char *const *preset_dirs,
                             const struct profile *profile, const char *framework_version,
                             struct diag *d);

/* "TPOT 4 % typical, 11 % in 90 of 100; TTFT ...; from 45 measured points of the same model, GPU
 * and framework". NULL when memory is out. */
const char *model_error_text(const struct model_error *error, struct arena *arena);

#endif
