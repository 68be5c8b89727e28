/* Questions about one engine that are put to models of its forward passes: how long queued prompts
 * take, how far tokens lie apart, how many requests a second it can carry. (Dynamo planner 1.6.1,
 * `perf_model/engine_query.py`, `ais_adapter.py`.) */
#ifndef PLANNER_FPM_PASS_ENGINE_H
#define PLANNER_FPM_PASS_ENGINE_H

#include "planner/fixes.h"
#include "planner/fpm/engine_rate.h"
#include "planner/fpm/pass_model.h"

struct pass_engine {
    const struct pass_family *family;
    enum pass_role role;
    unsigned fixes; /* enum planner_fix bits; 0 at first */
    struct pass_model models[N_PASS_KINDS];
    struct moving_mean isl_tok, context_tok;   /* of a request, for the next one */
    struct moving_mean n_prefill, prefill_tok; /* of a pass */
};
enum status pass_engine_init(struct pass_engine *e, struct arena *arena,
                             const struct pass_family *family, enum pass_role role,
                             const struct pass_model_config *config, struct diag *d);
/* For the averages of requests, and for the models and the averages of passes. Heartbeats too. */
void pass_engine_meet(struct pass_engine *e, const struct fpm_record *r);
void pass_engine_learn(struct pass_engine *e, const struct fpm_record *r);
bool pass_engine_ready(struct pass_engine *e); /* one of its models can tell */

/* What is put to a model instead of what a record says. */
struct pass_question {
    double queue_scale, decode_scale; /* 1 = as it is */
    bool queued_decode;               /* decode that waits is there, too */
    bool queued_prefill_as_kv;        /* and prompts that wait, as context */
};
/* Seconds until the prompts that wait, and one more of average length, are through; NaN: not known.
 */
double pass_ttft_s(struct pass_engine *e, const struct fpm_record *r, const struct pass_question *q,
                   double batched_tok, double hit_rate);
/* Seconds of a decode step with one request more. */
double pass_itl_s(struct pass_engine *e, const struct fpm_record *r, const struct pass_question *q);

struct pass_demand {
    double isl_tok, osl_tok, ttft_ms, itl_ms; /* targets; NaN = none */
    double hit_rate, accept_length;
};
/* The highest rate within the targets, or, where none is, the highest at all (FIX_UNREACHABLE_UP:
 * that of one request at a time). Rate 0: not known. */
struct engine_rate pass_rate(struct pass_engine *e, const struct pass_demand *demand,
                             const struct fpm_limits *limits);

#endif
