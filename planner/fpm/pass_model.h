/* How long a forward pass takes by what it holds: lines through at most so many observed passes.
 * What the reference's planner from 1.4.2 on asks; each of its generations has models of its own.
 * (docs/planner.md, section 12.)
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

enum pass_role { PASS_PREFILL, PASS_DECODE, PASS_AGG }; /* of an engine */
/* An engine has up to a model for each of these. */
enum pass_kind { KIND_DECODE, KIND_MIXED, KIND_PREFILL, N_PASS_KINDS };
/* By what is computed in it; N_PASS_KINDS: nothing is. */
enum pass_kind pass_kind_of(const struct pass *p);

struct pass_model;
struct pass_family {
    /* The kind whose model a pass goes to; N_PASS_KINDS: nothing is scheduled. */
    enum pass_kind (*model_of)(enum pass_role role, const struct pass *p);
    void (*features)(enum pass_kind kind, const struct pass *p, double x[FPM_MAX_FEATURES]);
    size_t n_features[N_PASS_KINDS];
    void (*fit)(struct pass_model *m); /* sets `fitted` and `line`; there are min_samples */
    bool fits_each;     /* pass that comes, since a fit may keep the one before; else when asked */
    bool log_buckets;   /* of equal width in log(1 + x); else in x */
    double least_s;     /* of a pass */
    double steps_per_s; /* times are whole steps; 0 = as they are */
};
/* Of 1.6.1: by the work of attention and by the tokens computed, for all passes of an engine with
 * one role. Of 1.4.2: by the counts of requests and tokens, for passes of each kind. */
extern const struct pass_family pass_by_attention, pass_by_kind;

/* With one feature the line may bend. */
struct pass_line {
    double intercept_s, slope[FPM_MAX_FEATURES];
    double knot, bend; /* the slope grows by `bend` from there on */
};

struct pass_model {
    const struct pass_family *family;
    enum pass_kind kind;
    size_t min_samples;
    struct sample_table samples;
    bool stale, fitted;
    struct pass_line line;
    double *work; /* for the fit: one number per sample */
};

struct pass_model_config {
    int64_t max_samples; /* >= 1 */
    int64_t n_buckets;   /* a square, or 0 */
    int64_t min_samples;
};
enum status pass_model_init(struct pass_model *m, struct arena *arena,
                            const struct pass_family *family, enum pass_kind kind,
                            const struct pass_model_config *config, struct diag *d);
/* A pass that took wall_s > 0. */
void pass_model_add(struct pass_model *m, const struct pass *p, double wall_s);
bool pass_model_ready(struct pass_model *m); /* there is a fit */
/* Seconds; NaN: no fit. */
double pass_model_time_s(struct pass_model *m, const struct pass *p);
double pass_line_s(const struct pass_line *line, size_t n_features, const double x[]);
/* In whole steps of the family. */
double pass_whole_s(const struct pass_family *family, double time_s);

#endif
