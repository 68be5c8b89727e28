/* How long a forward pass takes by what it holds: a line through at most so many observed passes,
 * by the work of attention and by the tokens computed, neither of which ever makes a pass shorter.
 * What the reference's planner from 1.4.2 on asks. (Measured on aisimulate's `fpm_regression`;
 * docs/planner.md, section 12.)
 *
 * The reference breaks ties between buckets, and orders them anew, by a hash that differs from run
 * to run; here the order in which they came to be decides. */
#ifndef PLANNER_FPM_PASS_MODEL_H
#define PLANNER_FPM_PASS_MODEL_H

#include "planner/fpm/sample_table.h"

/* A forward pass. Nothing scheduled takes no time. */
struct pass {
    double n_prefill, prefill_tok;
    double prefill_kv_tok; /* context of the prompts that was there already */
    double n_decode, decode_kv_tok;
};

struct pass_model {
    size_t min_samples;
    struct sample_table samples;
    bool fitted;
    double slope[FPM_MAX_FEATURES], intercept_s;
};

struct pass_model_config {
    int64_t max_samples; /* >= 1 */
    int64_t n_buckets;   /* a square, or 0 */
    int64_t min_samples;
};
enum status pass_model_init(struct pass_model *m, struct arena *arena,
                            const struct pass_model_config *config, struct diag *d);
/* A pass that took wall_s > 0. */
void pass_model_add(struct pass_model *m, const struct pass *p, double wall_s);
/* Seconds; NaN: no fit yet. */
double pass_model_time_s(const struct pass_model *m, const struct pass *p);

#endif
