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
    size_t n_done, n_to_do;
    char wrong[DIAG_TEXT_SIZE]; /* with the setting that was last found invalid */
};

/* Where in the recording the scenario's trace begins and ends, s after speedup. */
enum status tuner_trace_span(const struct tuner *t, double *from_s, double *end_s, struct diag *d);
enum status tuner_standing(struct tuner *t, struct diag *d);
enum status tuner_verdict(struct tune_result *result, const struct tuner *t, struct diag *d);

#endif
