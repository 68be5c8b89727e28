/* Measured points on a simulated engine: the requests that were sent, sent again. */
#ifndef CALIBRATION_POINT_RUN_H
#define CALIBRATION_POINT_RUN_H

#include <stdatomic.h>
#include <stddef.h>

#include "calibration/measured/measured.h"
#include "scenarios/compose/resources.h"
#include "scenarios/keys/scenario.h"
#include "util/status.h"

struct point_figures {
    double ttft_ms, tpot_ms; /* means; tpot_ms: NaN where no request has two tokens */
    double kv_peak;          /* share of the KV blocks in use, at most */
};

struct point_run {
    const struct measured_point *point;
    const struct scenario *scenario; /* one agg pool; its own traffic is not looked at */
    struct engine_settings engine;   /* of the pool, instead of the scenario's */
    struct point_figures figures;    /* the answer */
};

struct point_runs {
    size_t n;
    struct point_run *run;
    struct run_resources *resources;
    size_t n_threads;          /* >= 1; figures do not depend on it */
    const atomic_bool *cancel; /* NULL = never */
};

/* ST_INPUT when an engine cannot be run, or a request was not completed on it; ST_CANCELLED. */
enum status point_runs_do(struct point_runs *runs, struct diag *d);

#endif
