/* Forecasts of one traffic series (request count, mean ISL, mean OSL), one planner interval ahead.
 *
 * One predictor is one file ending in one const table; `predictors` is the only registry.
 * Behaviour, quirks included, is that of NVIDIA Dynamo planner 1.0.2, `load_predictor.py`; each
 * documented quirk has a named fix. */
#ifndef PLANNER_FORECAST_PREDICTOR_H
#define PLANNER_FORECAST_PREDICTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/arena.h"
#include "util/status.h"

struct predictor_config {
    bool log1p;                  /* model log(1 + value) */
    int64_t interval_s;          /* throughput_adjustment_interval; Prophet's time axis */
    int64_t prophet_window_size; /* 50 */
    double kalman_q_level, kalman_q_trend, kalman_r; /* 1, 0.1, 10 */
    int64_t kalman_min_points;                       /* 5; used only with the fix */
    unsigned fixes; /* enum planner_fix bits, planner/fixes.h; 0 = faithful */
};

struct predictor_ops {
    const char *name;    /* what the user types */
    const char *summary; /* one line */
    enum status (*create)(void **state, const struct predictor_config *config, struct diag *d);
    void (*release)(void *state);
    /* Store a value, after the idle rule of predictor_observe; value is not NaN. ST_NOMEM is the
     * only failure. */
    enum status (*observe)(void *state, double value);
    /* Forecast of the next value. false = the reference raises an exception here. May be called any
     * number of times between two values. */
    bool (*predict)(void *state, double *forecast);
};

extern const struct predictor_ops *const predictors[];        /* ended by NULL */
const struct predictor_ops *predictor_find(const char *name); /* NULL when unknown */

/* A predictor with the idle rule in front: NaN becomes 0; zeros before the first non-zero value
 * (since creation or the last reset) are discarded. */
struct predictor {
    const struct predictor_ops *ops;
    void *state;
    bool seen_traffic;
    size_t n_stored;
};
enum status predictor_init(struct predictor *p, const struct predictor_ops *ops,
                           const struct predictor_config *config, struct diag *d);
void predictor_release(struct predictor *p);
enum status predictor_observe(struct predictor *p, double value);
bool predictor_predict(struct predictor *p, double *forecast);
void predictor_reset_idle(struct predictor *p);

#endif
