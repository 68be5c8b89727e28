#include "planner/forecast/prophet.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "planner/forecast/linalg.h"
#include "planner/forecast/minimise_stan.h"

enum { MAX_CHANGEPOINTS = 25, MAX_SEASON_TERMS = 20 + 6 + 8 };

static const double changepoint_range = 0.8;
static const double base_scale = 5.0, season_scale = 10.0, sigma_scale = 0.5, laplace_scale = 0.05;
static const double day_s = 86400.0, origin_days = 19723.0; /* 1970-01-01 to 2024-01-01 */

/* Parameters in this order: k, m, delta, season, log sigma. */
struct model {
    size_t n, n_cp, n_season, n_coefs; /* rows; changepoints; season terms; all but log sigma */
    double changepoints[MAX_CHANGEPOINTS];
    int yearly, weekly, daily; /* Fourier orders */
    double y_scale;
    double *memory;
    double *y, *design, *gram;      /* n; n x n_coefs; n_coefs x n_coefs */
    double *fitted, *moved, *tried; /* predictions at `at`, along the step, at the trial */
    double *at, *trial, *step, *hessian, *work;
    struct linalg_turn *turns;
};

static size_t fourier(double time_s, double period_days, int order, double *out)
{
    const double two_pi = 6.283185307179586477;
    double x = two_pi * (origin_days + time_s / day_s);

    for (size_t i = 0; i < (size_t)order; i++) {
        double c = (double)(i + 1) / period_days * x;
        out[2 * i] = sin(c);
        out[2 * i + 1] = cos(c);
    }
    return 2 * (size_t)order;
}

/* The coefficients' factors at one time; t is the same time scaled by the history. */
static void design_row(const struct model *m, double t, double time_s, double *row)
{
    *row++ = t;
    *row++ = 1.0;
    for (size_t j = 0; j < m->n_cp; j++)
        *row++ = t >= m->changepoints[j] ? t - m->changepoints[j] : 0.0;
    row += fourier(time_s, 365.25, m->yearly, row);
    row += fourier(time_s, 7.0, m->weekly, row);
    fourier(time_s, 1.0, m->daily, row);
}

static void set_changepoints(struct model *m)
{
    double n_eligible = floor((double)m->n * changepoint_range), last = (double)(m->n - 1);

    m->n_cp = MAX_CHANGEPOINTS + 1 > n_eligible ? (size_t)n_eligible - 1 : MAX_CHANGEPOINTS;
    double step = (n_eligible - 1.0) / (double)m->n_cp;
    for (size_t j = 1; j <= m->n_cp; j++) {
        double row = j == m->n_cp ? n_eligible - 1.0 : (double)j * step;
        m->changepoints[j - 1] = nearbyint(row) / last;
    }
}

static void set_seasons(struct model *m, const struct prophet_history *h)
{
    double span_s = (double)(m->n - 1) * (double)h->interval_s, interval_s = (double)h->interval_s;

    m->yearly = span_s >= 730.0 * day_s ? 10 : 0;
    m->weekly = span_s >= 14.0 * day_s && interval_s < 7.0 * day_s ? 3 : 0;
    m->daily = span_s >= 2.0 * day_s && interval_s < day_s ? 4 : 0;
    m->n_season = 2 * (size_t)(m->yearly + m->weekly + m->daily);
}

static void model_release(struct model *m)
{
    free(m->memory);
    free(m->turns);
}

static bool model_init(struct model *m, const struct prophet_history *h)
{
    memset(m, 0, sizeof(*m));
    m->n = h->n;
    set_changepoints(m);
    set_seasons(m, h);
    m->n_coefs = 2 + m->n_cp + m->n_season;

    size_t p = m->n_coefs, all = p + 1;
    m->memory = calloc(4 * m->n + m->n * p + p * p + 6 * all + 2 * all * all, sizeof(double));
    m->turns = malloc(linalg_max_turns(all) * sizeof(*m->turns));
    if (!m->memory || !m->turns) {
        model_release(m);
        return false;
    }
    m->y = m->memory;
    m->fitted = m->y + m->n;
    m->moved = m->fitted + m->n;
    m->tried = m->moved + m->n;
    m->design = m->tried + m->n;
    m->gram = m->design + m->n * p;
    m->at = m->gram + p * p;
    m->trial = m->at + all;
    m->step = m->trial + all;
    m->hessian = m->step + all;
    m->work = m->hessian + all * all;

    for (size_t i = 0; i < m->n; i++)
        m->y_scale = fmax(m->y_scale, fabs(h->y[i]));
    if (m->y_scale == 0.0)
        m->y_scale = 1.0;
    for (size_t i = 0; i < m->n; i++) {
        double t = (double)i / (double)(m->n - 1);
        m->y[i] = h->y[i] / m->y_scale;
        design_row(m, t, (double)h->first_s + (double)i * (double)h->interval_s, m->design + i * p);
    }
    for (size_t i = 0; i < m->n; i++) {
        const double *row = m->design + i * p;
        for (size_t a = 0; a < p; a++) {
            for (size_t b = 0; b <= a && row[a] != 0.0; b++)
                m->gram[a * p + b] += row[a] * row[b];
        }
    }
    return true;
}

static bool is_delta(const struct model *m, size_t i)
{
    return i >= 2 && i < 2 + m->n_cp;
}

static double prior_scale(const struct model *m, size_t i)
{
    return i < 2 ? base_scale : is_delta(m, i) ? INFINITY : season_scale;
}

/* What the coefficients predict in scaled y: in each segment a line, then the season. */
static void predict_rows(const struct model *m, const double *coefs, double *out)
{
    const double *delta = coefs + 2, *season = delta + m->n_cp;
    double slope = coefs[0], offset = coefs[1];
    size_t cp = 0;

    for (size_t i = 0; i < m->n; i++) {
        const double *row = m->design + i * m->n_coefs;
        for (; cp < m->n_cp && row[0] >= m->changepoints[cp]; cp++) {
            slope += delta[cp];
            offset -= m->changepoints[cp] * delta[cp];
        }
        out[i] = slope * row[0] + offset;
        for (size_t j = 0; j < m->n_season; j++)
            out[i] += row[2 + m->n_cp + j] * season[j];
    }
}

/* The design's columns times residuals, into out. */
static void project_rows(const struct model *m, const double *residuals, double *out)
{
    double sum = 0.0, moment = 0.0, *delta = out + 2, *season = delta + m->n_cp;
    size_t cp = m->n_cp;

    memset(out, 0, m->n_coefs * sizeof(*out));
    for (size_t i = m->n; i-- > 0;) {
        const double *row = m->design + i * m->n_coefs;
        for (; cp > 0 && row[0] < m->changepoints[cp - 1]; cp--)
            delta[cp - 1] = moment - m->changepoints[cp - 1] * sum;
        sum += residuals[i];
        moment += residuals[i] * row[0];
        for (size_t j = 0; j < m->n_season; j++)
            season[j] += row[2 + m->n_cp + j] * residuals[i];
    }
    out[0] = moment;
    out[1] = sum;
}

/* Log posterior up to a constant at params, of which `fitted` is the prediction. */
static double log_posterior(const struct model *m, const double *params, const double *fitted)
{
    const double *delta = params + 2, *season = delta + m->n_cp;
    double log_sigma = params[m->n_coefs], sigma = exp(log_sigma);
    double base = params[0] * params[0] + params[1] * params[1];
    double bends = 0.0, seasons = 0.0, squares = 0.0;

    if (!(sigma > 0.0) || isinf(sigma))
        return -INFINITY;
    for (size_t j = 0; j < m->n_cp; j++)
        bends += fabs(delta[j]);
    for (size_t j = 0; j < m->n_season; j++)
        seasons += season[j] * season[j];
    for (size_t i = 0; i < m->n; i++)
        squares += (m->y[i] - fitted[i]) * (m->y[i] - fitted[i]);
    return -(double)m->n * log_sigma - 0.5 * (sigma / sigma_scale) * (sigma / sigma_scale) -
           0.5 * base / (base_scale * base_scale) - 0.5 * seasons / (season_scale * season_scale) -
           bends / laplace_scale - 0.5 * squares / sigma / sigma;
}

static double sign(double x)
{
    return x > 0.0 ? 1.0 : x < 0.0 ? -1.0 : 0.0;
}

/* Second derivative of -|x| / scale as differences see it: the reference differentiates the
 * gradient with steps of 1e-3, which rounds the kink off, and its path depends on it. */
static double laplace_curvature(double x)
{
    const double h = 1e-3;
    double slope = sign(x - 2.0 * h) / 12.0 - 2.0 / 3.0 * sign(x - h) + 2.0 / 3.0 * sign(x + h) -
                   sign(x + 2.0 * h) / 12.0;
    return -slope / laplace_scale / h;
}

/* Gradient of the log posterior at params, of which `fitted` is the prediction. `residuals` is
 * scratch, n long. */
static void posterior_gradient(const struct model *m, const double *params, const double *fitted,
                               double *residuals, double *gradient)
{
    size_t p = m->n_coefs;
    double sigma = exp(params[p]), precision = 1.0 / sigma / sigma, squares = 0.0;

    for (size_t r = 0; r < m->n; r++) {
        residuals[r] = m->y[r] - fitted[r];
        squares += (residuals[r] / sigma) * (residuals[r] / sigma);
    }
    project_rows(m, residuals, gradient);
    for (size_t i = 0; i < p; i++) {
        double scale = prior_scale(m, i);
        double pull =
            is_delta(m, i) ? sign(params[i]) / laplace_scale : params[i] / (scale * scale);
        gradient[i] = precision * gradient[i] - pull;
    }
    gradient[p] = squares - (double)m->n - (sigma / sigma_scale) * (sigma / sigma_scale);
}

/* Gradient (into m->step) and Hessian (lower half) at m->at, whose prediction is m->fitted. */
static void differentiate(struct model *m)
{
    size_t p = m->n_coefs, all = p + 1;
    double sigma = exp(m->at[p]), precision = 1.0 / sigma / sigma;
    double prior = (sigma / sigma_scale) * (sigma / sigma_scale);

    posterior_gradient(m, m->at, m->fitted, m->tried, m->step);
    for (size_t i = 0; i < p; i++) {
        double scale = prior_scale(m, i), *row = m->hessian + i * all;
        double pull = is_delta(m, i) ? sign(m->at[i]) / laplace_scale : m->at[i] / (scale * scale);
        for (size_t j = 0; j <= i; j++)
            row[j] = -precision * m->gram[i * p + j];
        row[i] += is_delta(m, i) ? laplace_curvature(m->at[i]) : -1.0 / (scale * scale);
        m->hessian[p * all + i] = -2.0 * (m->step[i] + pull);
    }
    m->hessian[p * all + p] = -2.0 * (m->step[p] + (double)m->n + 2.0 * prior);
}

/* Log posterior at m->trial, which lies `part` of m->step away; exact, with its prediction in
 * m->tried, unless it is clearly below `value`. */
static double try_part(struct model *m, double part, double value)
{
    /* The short cut adds rounding of 1e-16 to residuals; with a sigma close to that only the long
     * way will do. */
    const double least_log_sigma = -16.0, doubt = 1e-3;
    size_t all = m->n_coefs + 1;

    for (size_t i = 0; i < all; i++)
        m->trial[i] = m->at[i] + part * m->step[i];
    if (m->trial[all - 1] > least_log_sigma) {
        for (size_t i = 0; i < m->n; i++)
            m->tried[i] = m->fitted[i] + part * m->moved[i];
        double about = log_posterior(m, m->trial, m->tried);
        if (about < value - doubt)
            return about;
    }
    predict_rows(m, m->trial, m->tried);
    return log_posterior(m, m->trial, m->tried);
}

/* Newton's method as Stan's optimiser runs it: the Hessian made negative definite by the size of
 * its eigenvalues, the step halved until the posterior does not fall, the end when it gains no more
 * than 1e-8. Stan's Hessian is too small by the square of its difference step (`grad_hess_log_prob`
 * multiplies by the step where it should divide), so the halving begins a million Newton steps
 * away. */
static void maximise_by_newton(struct model *m)
{
    enum { MAX_ITERATIONS = 10000 };
    const double least_gain = 1e-8, too_far = 1e6, least_part = 1e-50 * too_far;
    size_t all = m->n_coefs + 1;

    predict_rows(m, m->at, m->fitted);
    double value = log_posterior(m, m->at, m->fitted);
    for (int n = 0; n < MAX_ITERATIONS; n++) {
        double next = -INFINITY, part = 2.0 * too_far;
        differentiate(m);
        linalg_solve_by_size(m->hessian, m->step, all, m->work, m->turns);
        predict_rows(m, m->step, m->moved);
        while (!(next >= value)) {
            part *= 0.5;
            if (part < least_part)
                return;
            next = try_part(m, part, value);
        }
        memcpy(m->at, m->trial, all * sizeof(*m->at));
        memcpy(m->fitted, m->tried, m->n * sizeof(*m->fitted));
        double gain = next - value;
        value = next;
        if (gain <= least_gain)
            return;
    }
}

static bool negative_log_posterior(void *context, const double *x, double *f, double *g)
{
    struct model *m = context;

    predict_rows(m, x, m->fitted);
    *f = -log_posterior(m, x, m->fitted);
    if (!isfinite(*f))
        return false;
    posterior_gradient(m, x, m->fitted, m->tried, g);
    for (size_t i = 0; i <= m->n_coefs; i++) {
        g[i] = -g[i];
        if (!isfinite(g[i]))
            return false;
    }
    return true;
}

static void set_start(struct model *m)
{
    memset(m->at, 0, (m->n_coefs + 1) * sizeof(*m->at));
    m->at[0] = m->y[m->n - 1] - m->y[0];
    m->at[1] = m->y[0];
}

static void maximise(struct model *m)
{
    enum { MIN_FOR_LBFGS = 100 };
    struct stan_problem problem = {
        .value = negative_log_posterior, .context = m, .n = m->n_coefs + 1};

    if (m->n >= MIN_FOR_LBFGS && minimise_stan(&problem, m->at))
        return;
    set_start(m);
    maximise_by_newton(m);
}

/* The reference reads its estimates back from text with eight digits. */
static double as_printed(double x)
{
    char text[32];
    snprintf(text, sizeof(text), "%.8g", x);
    return strtod(text, NULL);
}

static bool all_equal(const double *y, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        if (y[i] != y[0])
            return false;
    }
    return true;
}

bool prophet_forecast(const struct prophet_history *h, int64_t at_s, double *forecast)
{
    struct model m;
    double row[2 + MAX_CHANGEPOINTS + MAX_SEASON_TERMS];

    if (h->interval_s <= 0)
        return false;
    for (size_t i = 0; i < h->n; i++) {
        if (!isfinite(h->y[i]))
            return false;
    }
    if (!model_init(&m, h))
        return false;
    set_start(&m);
    if (!all_equal(h->y, h->n)) {
        maximise(&m);
        for (size_t i = 0; i < m.n_coefs; i++)
            m.at[i] = as_printed(m.at[i]);
    }

    double t = ((double)at_s - (double)h->first_s) / ((double)(m.n - 1) * (double)h->interval_s);
    double value = 0.0;
    design_row(&m, t, (double)at_s, row);
    for (size_t i = 0; i < m.n_coefs; i++)
        value += row[i] * m.at[i];
    *forecast = value * m.y_scale;
    model_release(&m);
    return true;
}
