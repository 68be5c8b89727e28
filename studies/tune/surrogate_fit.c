/* The marginal likelihood of a surrogate and the search for its maximum. */
#include <math.h>
#include <string.h>

#include "planner/forecast/lbfgs.h"
#include "planner/forecast/linalg.h"
#include "studies/tune/cholesky.h"
#include "studies/tune/surrogate_internal.h"

static const double log_length_deviation = 1.7320508075688772; /* sqrt(3) */
static const double log_noise_mean = -2, log_variance_deviation = 2;

static double log_length_mean(const struct surrogate_data *data)
{
    return sqrt(2) + log((double)data->n_dims) / 2;
}

size_t surrogate_n_parameters(const struct surrogate_data *data)
{
    return data->n_dims + 2;
}

static double prior_mean(const struct surrogate_data *data, size_t p)
{
    return p < data->n_dims ? log_length_mean(data) : p == data->n_dims ? 0 : log_noise_mean;
}

void surrogate_prior_modes(const struct surrogate_data *data, double *parameters)
{
    for (size_t p = 0; p < surrogate_n_parameters(data); p++)
        parameters[p] = prior_mean(data, p);
}

/* Minus the log density of the priors; adds to the gradient. */
static double prior(const struct surrogate_data *data, const double *parameters, double *gradient)
{
    size_t n = surrogate_n_parameters(data);
    double sum = 0;

    for (size_t p = 0; p < n; p++) {
        double deviation = p < data->n_dims ? log_length_deviation : log_variance_deviation;
        double z = (parameters[p] - prior_mean(data, p)) / deviation;
        sum += z * z / 2;
        if (gradient)
            gradient[p] += z / deviation;
    }
    return sum;
}

double surrogate_means(const struct surrogate_data *data, double noise, double *mean,
                       double *variance)
{
    double apart = 0;

    for (size_t i = 0; i < data->n; i++) {
        double precision = 0, sum = 0, squares = 0;
        for (size_t k = data->first[i]; k < data->first[i + 1]; k++) {
            double v = noise + data->noise[k];
            precision += 1 / v;
            sum += data->y[k] / v;
            apart += log(v) / 2;
        }
        variance[i] = 1 / precision;
        mean[i] = sum / precision;
        for (size_t k = data->first[i]; k < data->first[i + 1]; k++) {
            double off = data->y[k] - mean[i];
            squares += off * off / (noise + data->noise[k]);
        }
        apart += (squares - log(variance[i])) / 2;
    }
    return apart;
}

/* d log correlation / d log length scale, of one dimension at distance s. */
static double slope(double s)
{
    return s * s * (1 + s) / (3 * surrogate_matern(s));
}

/* Adds the derivatives of minus the log likelihood of the settings' means by all parameters but
 * the noise: half the sum of M dA with M = A^-1 - alpha alpha'. The lower half of `correlation` is
 * read. */
static void add_slopes(const struct surrogate_data *data, const double *inverse_length,
                       double signal, const double *correlation, const double *inverse,
                       const double *alpha, double *gradient)
{
    size_t n = data->n, n_dims = data->n_dims;
    double by_signal = 0;

    for (size_t i = 0; i < n; i++) {
        const double *a = data->x + i * n_dims;
        for (size_t j = 0; j < i; j++) {
            const double *b = data->x + j * n_dims;
            double weight = (inverse[i * n + j] - alpha[i] * alpha[j]) * correlation[i * n + j];
            by_signal += weight;
            for (size_t k = 0; k < n_dims; k++) {
                double s = surrogate_distance(data->categorical[k], a[k], b[k]) * inverse_length[k];
                gradient[k] += signal * weight * slope(s);
            }
        }
        by_signal += (inverse[i * n + i] - alpha[i] * alpha[i]) / 2;
    }
    gradient[n_dims] += signal * by_signal;
}

/* The derivative by the noise's variance. Every point by itself has minus half of
 * precision - precision^2 (what is left of it^2 + variance of the function there). */
static double slope_of_noise(const struct surrogate_data *data, double noise, const double *mean,
                             const double *variance, const double *inverse, const double *alpha)
{
    double sum = 0;

    for (size_t i = 0; i < data->n; i++) {
        double function = mean[i] - alpha[i] * variance[i];
        double uncertain = variance[i] - inverse[i * data->n + i] * variance[i] * variance[i];
        for (size_t k = data->first[i]; k < data->first[i + 1]; k++) {
            double precision = 1 / (noise + data->noise[k]), off = data->y[k] - function;
            sum += precision - precision * precision * (off * off + uncertain);
        }
    }
    return sum / 2;
}

size_t surrogate_work(size_t n)
{
    return 2 * n * n + 3 * n;
}

double surrogate_objective(const struct surrogate_data *data, const double *parameters,
                           double *gradient, double *work)
{
    size_t n = data->n, n_dims = data->n_dims;
    double *a = work, *inverse = a + n * n;
    double *mean = inverse + n * n, *variance = mean + n, *alpha = variance + n;
    double inverse_length[SURROGATE_MAX_DIMS], signal = exp(parameters[n_dims]);
    double own_noise = exp(parameters[n_dims + 1]), noise = own_noise + SURROGATE_NOISE_FLOOR;

    for (size_t k = 0; k < n_dims; k++)
        inverse_length[k] = sqrt(5) * exp(-parameters[k]);
    double minus_log = surrogate_means(data, noise, mean, variance);
    /* Correlations below the diagonal, the covariance from it on. */
    for (size_t i = 0; i < n; i++) {
        a[i * n + i] = SURROGATE_MEAN_VARIANCE + signal + variance[i];
        for (size_t j = 0; j < i; j++) {
            double c = surrogate_correlation(data, inverse_length, data->x + i * n_dims,
                                             data->x + j * n_dims);
            a[i * n + j] = c;
            a[j * n + i] = SURROGATE_MEAN_VARIANCE + signal * c;
        }
    }
    if (gradient)
        memset(gradient, 0, surrogate_n_parameters(data) * sizeof *gradient);
    if (!cholesky_factor(a, n))
        return INFINITY; /* with no slope that leads on */
    memcpy(alpha, mean, n * sizeof *alpha);
    cholesky_forward(a, alpha, n, 1);
    for (size_t i = 0; i < n; i++)
        minus_log += log(a[i * n + i]) + alpha[i] * alpha[i] / 2;
    if (gradient) {
        cholesky_back(a, alpha, n);
        cholesky_inverse(a, inverse, n);
        add_slopes(data, inverse_length, signal, a, inverse, alpha, gradient);
        gradient[n_dims + 1] +=
            own_noise * slope_of_noise(data, noise, mean, variance, inverse, alpha);
    }
    return minus_log + prior(data, parameters, gradient);
}

/* One step of at most this much in any logarithm. */
static const double max_step = 1.5;

struct place {
    double value, x[SURROGATE_MAX_PARAMETERS], gradient[SURROGATE_MAX_PARAMETERS];
};

static void evaluate(const struct surrogate_data *data, struct place *at, double *work)
{
    at->value = surrogate_objective(data, at->x, at->gradient, work);
}

/* Backtracks from a full step until the value has gone down enough; false: it does not. */
static bool line_search(const struct surrogate_data *data, const struct place *from,
                        const double *direction, struct place *to, double *work)
{
    enum { MAX_HALVINGS = 12 };
    size_t n = surrogate_n_parameters(data);
    double down = linalg_dot(direction, from->gradient, n), step = 1;

    for (size_t p = 0; p < n; p++)
        step = fmin(step, max_step / fmax(fabs(direction[p]), max_step));
    for (int i = 0; i < MAX_HALVINGS && down < 0; i++) {
        for (size_t p = 0; p < n; p++)
            to->x[p] = from->x[p] + step * direction[p];
        evaluate(data, to, work);
        if (to->value <= from->value + 1e-4 * step * down)
            return true;
        /* Where the parabola through both values and the slope has its lowest point. */
        double bend = to->value - from->value - step * down;
        double part = isfinite(bend) ? -down * step / (2 * bend) : 0;
        step *= fmin(fmax(part, 0.1), 0.5);
    }
    return false;
}

/* L-BFGS; a value that is right to a hundredth of a nat is enough, as the priors are vaguer. */
static void descend(const struct surrogate_data *data, struct place *at, double *work)
{
    enum { MAX_STEPS = 60 };
    const double enough = 1e-3;
    size_t n = surrogate_n_parameters(data);
    struct lbfgs_memory memory;
    int n_small = 0;

    lbfgs_init(&memory, n, LBFGS_MAX_PAIRS);
    evaluate(data, at, work);
    for (int i = 0; i < MAX_STEPS && n_small < 2; i++) {
        double direction[SURROGATE_MAX_PARAMETERS], step[SURROGATE_MAX_PARAMETERS],
            change[SURROGATE_MAX_PARAMETERS];
        struct place to = {0};
        lbfgs_direction(&memory, at->gradient, direction);
        if (!line_search(data, at, direction, &to, work)) {
            if (memory.n_pairs == 0)
                break;
            memory.n_pairs = 0;
            continue;
        }
        for (size_t p = 0; p < n; p++) {
            step[p] = to.x[p] - at->x[p];
            change[p] = to.gradient[p] - at->gradient[p];
        }
        double curvature = linalg_dot(step, change, n);
        if (curvature > 1e-10 * linalg_dot(change, change, n))
            lbfgs_push(&memory, step, change, curvature);
        n_small = at->value - to.value < enough ? n_small + 1 : 0;
        *at = to;
    }
}

/* The lowest of some places where the search may begin. */
static struct place lowest_start(const struct surrogate_data *data, double length, double *work)
{
    static const double noises[] = {0.02, 0.5};
    struct place best = {.value = INFINITY}, trial = best;

    for (size_t i = 0; i < sizeof noises / sizeof noises[0]; i++) {
        for (size_t p = 0; p < data->n_dims; p++)
            trial.x[p] = log(length * sqrt((double)data->n_dims));
        trial.x[data->n_dims + 1] = log(noises[i]);
        trial.value = surrogate_objective(data, trial.x, NULL, work);
        if (i == 0 || trial.value < best.value)
            best = trial;
    }
    return best;
}

void surrogate_search(const struct surrogate_data *data, const double *start, double *parameters,
                      double *work)
{
    size_t size = surrogate_n_parameters(data) * sizeof *parameters;
    struct place smooth = lowest_start(data, 2, work), wiggly = lowest_start(data, 0.5, work);

    if (start) {
        struct place known;
        memcpy(known.x, start, size);
        known.value = surrogate_objective(data, start, NULL, work);
        if (wiggly.value < smooth.value)
            smooth = wiggly;
        if (known.value < smooth.value)
            smooth = known;
        descend(data, &smooth, work);
    } else {
        /* There may be a peak at either, a smooth function with much noise or a wiggly one with
         * little. */
        descend(data, &smooth, work);
        descend(data, &wiggly, work);
        if (wiggly.value < smooth.value)
            smooth = wiggly;
    }
    memcpy(parameters, smooth.x, size);
}
