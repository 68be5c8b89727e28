/* What the models of target sla say: of 1.2.1, a line through the iterations of an engine; from
 * 1.4.2 on, lines through its forward passes by what they hold, asked about made-up passes. */
#ifndef PLANNER_FPM_ESTIMATES_H
#define PLANNER_FPM_ESTIMATES_H

#include "planner/fpm/engine_rate.h"
#include "planner/fpm/load_wish.h"

struct fpm_estimates {
    enum status (*init)(struct fpm_core *core, enum planner_side side, struct arena *arena,
                        struct diag *d);
    /* A record for what is expected of a request, and for the model. Each has its own order of the
     * records of a tick; without the first one it is that in which they came. */
    void (*meet)(struct fpm_core *core, enum planner_side side, const struct fpm_record *r);
    void (*learn)(struct fpm_core *core, enum planner_side side, const struct fpm_record *r);
    bool (*ready)(struct fpm_core *core, enum planner_side side); /* can be asked */
    /* Wishes by the expected latency to the first token, and between tokens. The largest estimate
     * is put into `out`. In mode agg one model is asked about both. */
    struct fpm_wish (*ttft)(struct fpm_core *core, const struct fpm_view *view,
                            struct fpm_output *out);
    struct fpm_wish (*itl)(struct fpm_core *core, const struct fpm_view *view,
                           struct fpm_output *out);
    /* What one engine carries; rate 0: its model cannot tell. */
    struct engine_rate (*rate)(struct fpm_core *core, enum planner_side side, double isl_tok,
                               double osl_tok);
};
extern const struct fpm_estimates fpm_estimates_lines, fpm_estimates_passes;

/* What the engines of one side come to; begins with safe. */
struct fpm_survey {
    size_t n_estimates;
    size_t n_above; /* the target */
    double most_s;
    bool safe;    /* fewer workers would do */
    bool refused; /* a test said that they would not */
};
void fpm_survey_add(struct fpm_survey *s, double estimate_s, double target_ms);
void fpm_survey_refuse(struct fpm_survey *s);
/* The queue of an engine may grow so far: the time of a prompt behind it, and of one behind none,
 * which does not count. NaN: not known. */
void fpm_survey_test_queue(const struct fpm_core *core, struct fpm_survey *s, double ttft_s,
                           double own_s);
struct fpm_wish fpm_survey_wish(const struct fpm_core *core, const struct fpm_survey *s,
                                enum planner_side side, int64_t n_workers);

/* Load of one of n workers when there is one less. */
double fpm_share_grows(int64_t n_workers);
/* The share of a target that shrinking may use. */
double fpm_sensitivity(const struct fpm_core *core);

#endif
