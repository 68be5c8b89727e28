/* What the families of the planner on forward-pass metrics share. */
#ifndef TESTS_CONFORMANCE_GOLDEN_FPM_H
#define TESTS_CONFORMANCE_GOLDEN_FPM_H

#include "planner/fpm/fpm_core.h"
#include "tests/conformance/golden.h"

/* What a forecast is called in a diagnosis. */
extern const char *const golden_fpm_predicted[N_FPM_SERIES];

double golden_element(const cJSON *list, int i); /* NaN beyond its end */

/* The fields given, over the defaults. false: one is not known, or its value. */
bool golden_fpm_fields(const cJSON *given, struct fpm_config *config);
/* A configuration with its defaults where `given` says nothing. false: the reference's own checks
 * or ours refuse it. */
bool golden_fpm_config(const cJSON *given, enum fpm_generation generation,
                       struct fpm_config *config);

/* A row wall_time, num_prefill, sum_prefill, num_decode, sum_decode_kv from column `at` on, with
 * queued_prefill and queued_decode_kv behind if `queued`, and, from 1.6.1 on, the prompts' context
 * and how many prompts and decodes wait. */
struct fpm_record golden_fpm_record(const cJSON *row, int at, bool queued);
/* A row duration, requests, ISL, OSL, hit rate, and, from 1.6.1 on, the accept length. */
struct fpm_traffic golden_fpm_traffic(const cJSON *row);
/* A row of limits, from 1.6.1 on with the cost of a replica in GPUs, and in watts; null = nothing
 * is known. */
struct fpm_limits golden_fpm_limits(const cJSON *row);
/* An outcome against `out` and `scale_to` (or what it is called) of a recorded tick. */
void golden_fpm_outcome(struct verdict *v, const char *where, const struct fpm_core *core,
                        const struct fpm_output *got, const cJSON *out, const cJSON *scale_to);

extern const struct family family_fpm_models[], family_fpm_runs[], family_fpm_replay[],
    family_fpm_global[], family_fpm_bootstrap[];

#endif
