#include <math.h>
#include <stdlib.h>

#include "planner/fixes.h"
#include "planner/forecast/predictor_internal.h"

/* Local linear trend: state (level, trend), observed level. The covariance is kept in full, not
 * only its upper half: in the Joseph form the two halves round differently, as they do in the
 * reference. */
struct kalman {
    struct predictor_config config;
    double level, trend;
    double p[2][2];
    double q_level, q_trend, r;
    double last; /* raw, for the kalman-min-points fix */
    int64_t n_values;
    bool predicted; /* a forecast has already moved the state one step since the last value */
};

static const double initial_variance = 1000.0;

static enum status kalman_create(void **state, const struct predictor_config *config,
                                 struct diag *d)
{
    struct kalman *k = calloc(1, sizeof(*k));
    if (!k)
        return diag_nomem(d, "kalman predictor");
    k->config = *config;
    k->q_level = fmax(1e-12, config->kalman_q_level);
    k->q_trend = fmax(1e-12, config->kalman_q_trend);
    k->r = fmax(1e-9, config->kalman_r);
    k->p[0][0] = k->p[1][1] = initial_variance;
    *state = k;
    return ST_OK;
}

static void kalman_step(struct kalman *k)
{
    double p00 = k->p[0][0], p01 = k->p[0][1], p10 = k->p[1][0], p11 = k->p[1][1];
    double fp00 = p00 + p10, fp01 = p01 + p11;

    k->level += k->trend;
    k->p[0][0] = fp00 + fp01 + k->q_level;
    k->p[0][1] = fp01;
    k->p[1][0] = p10 + p11;
    k->p[1][1] = p11 + k->q_trend;
    k->predicted = true;
}

static void kalman_correct(struct kalman *k, double z)
{
    double p00 = k->p[0][0], p01 = k->p[0][1], p10 = k->p[1][0], p11 = k->p[1][1];
    double inverse_s = 1.0 / (p00 + k->r);
    double gain_level = p00 * inverse_s, gain_trend = p10 * inverse_s;
    double y = z - k->level;
    double keep = 1.0 - gain_level;
    /* A = I - K H = [[keep, 0], [-gain_trend, 1]]; P = A P A' + K R K'. */
    double ap00 = keep * p00, ap01 = keep * p01;
    double ap10 = -gain_trend * p00 + p10, ap11 = -gain_trend * p01 + p11;

    k->level += gain_level * y;
    k->trend += gain_trend * y;
    k->p[0][0] = ap00 * keep + gain_level * k->r * gain_level;
    k->p[0][1] = ap00 * -gain_trend + ap01 + gain_level * k->r * gain_trend;
    k->p[1][0] = ap10 * keep + gain_trend * k->r * gain_level;
    k->p[1][1] = ap10 * -gain_trend + ap11 + gain_trend * k->r * gain_trend;
}

static enum status kalman_observe(void *state, double value)
{
    struct kalman *k = state;
    double z = k->config.log1p ? log1p(fmax(0.0, value)) : value;

    k->last = value;
    if (k->n_values++ == 0) {
        k->level = z;
        k->trend = 0.0;
    } else {
        if (!k->predicted)
            kalman_step(k);
        kalman_correct(k, z);
    }
    k->predicted = false;
    return ST_OK;
}

static bool kalman_predict(void *state, double *forecast)
{
    struct kalman *k = state;

    if (k->n_values == 0) {
        *forecast = 0.0;
        return true;
    }
    if (!k->predicted)
        kalman_step(k);
    *forecast = k->level;
    if ((k->config.fixes & FIX_KALMAN_MIN_POINTS) && k->n_values < k->config.kalman_min_points)
        *forecast = k->last;
    else if (k->config.log1p)
        *forecast = fmax(0.0, expm1(k->level));
    if (k->config.fixes & FIX_CLAMP_FORECAST)
        *forecast = fmax(0.0, *forecast);
    return true;
}

const struct predictor_ops predictor_kalman = {
    .name = "kalman",
    .summary = "local linear trend followed by a Kalman filter",
    .create = kalman_create,
    .release = free,
    .observe = kalman_observe,
    .predict = kalman_predict,
};
