/* A search for settings, among the files that make it. */
#ifndef STUDIES_TUNE_TUNE_INTERNAL_H
#define STUDIES_TUNE_TUNE_INTERNAL_H

#include "studies/tune/tune.h"

struct tuner {
    const struct tune_options *options;
    struct arena *arena;
    size_t n_keys;
    const char **keys;
    struct tuning_goal *goals;
    bool *categorical;
    struct tuning_problem problem;
    bool whole; /* no trace, so no parts */
    struct tune_part find, judge;
    const struct tune_part *part; /* the one that runs are on */
    const char **standing;        /* the scenario's own values, by knob */
    double *standing_u;           /* their place in the space, or the nearest to it */
    bool standing_outside;
    const char **chosen; /* by knob, while a setting is snapped: the value of one that chooses a
                            policy; NULL of others */
    size_t n_done, n_to_do;
    char wrong[DIAG_TEXT_SIZE]; /* with the setting that was last found invalid */
};

/* ---- the scenario as a problem (tune_problem.c) ---- */

/* The goals of the options, and the keys of all figures that are kept. */
enum status tuner_goals(struct tuner *t, struct diag *d);
/* The parts of the trace to find and to judge on. */
enum status tuner_parts(struct tuner *t, struct diag *d);
/* What replicate r replays of a part. */
struct tune_part tuner_slice(const struct tuner *t, const struct tune_part *part, size_t r);
/* tuning_problem.snap: knobs that the setting's policy does not read stand as the scenario has
 * them: settings that do the same are one. */
void tuner_snap(void *context, double *u);

/* ---- settings as runs (tune_runs.c) ---- */

/* tuning_problem.invalid: rules across keys, which reading tells without a run. */
const char *tuner_invalid(void *context, const double *u);
/* tuning_problem.evaluate: on t->part. */
enum status tuner_evaluate(void *context, const struct trials *trials,
                           const struct tuning_run *runs, size_t n, double *figures,
                           const char **messages, struct diag *d);

/* ---- what the scenario itself says (tune_standing.c), and in words (verdict.c) ---- */

/* *whole: no deployment has a trace. ST_INPUT: some have one. */
enum status tuner_has_trace(bool *whole, const struct tuner *t, struct diag *d);
/* Where in the recording the scenario's trace begins and ends, s after speedup; of several
 * deployments, what all of them have. */
enum status tuner_trace_span(const struct tuner *t, double *from_s, double *end_s, struct diag *d);
enum status tuner_standing(struct tuner *t, struct diag *d);
enum status tuner_verdict(struct tune_result *result, const struct tuner *t, struct diag *d);

#endif
