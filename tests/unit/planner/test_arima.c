#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "planner/fixes.h"
#include "planner/forecast/arima.h"
#include "planner/forecast/arima_internal.h"
#include "planner/forecast/kpss.h"
#include "planner/forecast/minimise_scipy.h"
#include "planner/forecast/predictor.h"
#include "planner/forecast/predictor_arima.h"

/* Numbers beside this series are what statsmodels 0.15.0 and pmdarima 2.1.1 answer for it. */
static const double climb[] = {12, 15, 14, 18, 21, 19, 24, 22, 27, 25, 23, 28,
                               26, 31, 30, 27, 33, 35, 32, 36, 34, 38, 41, 37};
enum { N_CLIMB = sizeof(climb) / sizeof(climb[0]) };

static void near(double got, double want, double tolerance)
{
    cr_assert(fabs(got - want) <= tolerance * fmax(1.0, fabs(want)), "%.17g, not %.17g", got, want);
}

Test(arima, kpss_tells_a_climb_from_noise)
{
    static const double noise[] = {5, 3, 6, 4, 7, 2, 6, 5, 4, 5, 6, 3};
    double work[N_CLIMB];
    near(kpss_p_value(climb, N_CLIMB), 0.01, 0.0);
    near(kpss_p_value(noise, 12), 0.10, 0.0);
    cr_assert_eq(kpss_n_differences(climb, N_CLIMB, work), 1);
    near(work[0], 3.0, 0.0);
    near(work[N_CLIMB - 2], -4.0, 0.0);
    cr_assert_eq(kpss_n_differences(noise, 12, work), 0);
}

Test(arima, a_constant_series_needs_no_differences_and_a_line_needs_one)
{
    double flat[10], line[12], work[12];
    for (int i = 0; i < 12; i++) {
        flat[i % 10] = 4.25;
        line[i] = 3.0 + 2.0 * i;
    }
    cr_assert_eq(kpss_n_differences(flat, 10, work), 0);
    cr_assert_eq(kpss_n_differences(line, 12, work), 1);
}

Test(arima, unconstrain_undoes_constrain)
{
    static const double free_values[] = {0.3, -1.7, 0.05, 2.5, -0.6};
    for (size_t n = 1; n <= ARIMA_MAX_LAG; n++) {
        double coefs[ARIMA_MAX_LAG], back[ARIMA_MAX_LAG], signs[ARIMA_MAX_LAG];
        arima_constrain(free_values, n, coefs);
        arima_unconstrain(coefs, n, back);
        for (size_t i = 0; i < n; i++) {
            near(back[i], free_values[i], 1e-12);
            signs[i] = -coefs[i];
        }
        cr_assert(arima_roots_within(signs, n, 1.0));
    }
}

Test(arima, roots_are_judged_by_the_largest)
{
    /* (1 - 0.8 z)(1 + 0.5 z) */
    static const double coefs[] = {-0.3, -0.4};
    cr_assert(arima_roots_within(coefs, 2, 0.81));
    cr_assert_not(arima_roots_within(coefs, 2, 0.79));
    cr_assert_not(arima_roots_within((double[]){-1.1}, 1, 1.0));
    cr_assert(arima_roots_within(NULL, 0, 0.5));
}

/* Stationary AR(1) by its definition. */
Test(arima, likelihood_of_ar1_equals_the_textbook_formula)
{
    const double c = 1.5, phi = 0.9, s2 = 4.0, pi = 3.14159265358979324;
    double mean = c / (1.0 - phi), v0 = s2 / (1.0 - phi * phi);
    double want = -0.5 * (log(2 * pi * v0) + (climb[0] - mean) * (climb[0] - mean) / v0), got, next;
    for (int i = 1; i < N_CLIMB; i++) {
        double e = climb[i] - c - phi * climb[i - 1];
        want -= 0.5 * (log(2 * pi * s2) + e * e / s2);
    }
    struct arima_order order = {1, 0, 0, true};
    cr_assert(arima_filter(climb, N_CLIMB, order, (double[]){c, phi, s2}, &got, &next));
    near(got, want, 1e-13);
    near(next, c + phi * climb[N_CLIMB - 1], 1e-13);
}

/* The first difference is noise around c; the first term is dropped with the unknown start. */
Test(arima, likelihood_of_a_random_walk_equals_that_of_its_steps)
{
    const double c = 1.1, s2 = 9.0, pi = 3.14159265358979324;
    double want = 0.0, got, next;
    for (int i = 1; i < N_CLIMB; i++) {
        double e = climb[i] - climb[i - 1] - c;
        want -= 0.5 * (log(2 * pi * s2) + e * e / s2);
    }
    struct arima_order order = {0, 1, 0, true};
    cr_assert(arima_filter(climb, N_CLIMB, order, (double[]){c, s2}, &got, &next));
    near(got, want, 1e-4);
    near(next, climb[N_CLIMB - 1] + c, 1e-4);
}

Test(arima, start_values_and_likelihood_are_those_of_the_reference)
{
    static const struct {
        struct arima_order order;
        double params[6], log_likelihood;
    } cases[] = {
        {{1, 0, 0, true},
         {4.760618006103755, 0.8617115971515771, 9.637893095669861},
         -68.13820899004875},
        {{0, 1, 1, false}, {-0.41705119480942454, 10.04673259107898}, -59.854601299497595},
        {{2, 1, 1, true},
         {2.941731547328234, -0.9766918568016871, -0.6165717317070227, 0.018206827833834538,
          4.79644654816058},
         -51.083350472226876},
        /* An MA part that is not invertible starts at zero. */
        {{1, 0, 2, true},
         {7.477429242325506, 0.7863506251361323, 0.0, 0.0, 6.7651983350353735},
         -78.22325918429306},
    };
    for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
        double params[ARIMA_MAX_PARAMS], log_likelihood;
        cr_assert(arima_start_params(climb, N_CLIMB, cases[k].order, params));
        for (size_t i = 0; i < arima_n_params(cases[k].order); i++)
            near(params[i], cases[k].params[i], 1e-11);
        cr_assert(arima_filter(climb, N_CLIMB, cases[k].order, params, &log_likelihood, NULL));
        near(log_likelihood, cases[k].log_likelihood, 1e-11);
    }
}

/* A line in the log scale is so nearly deterministic that the variance comes near to the last bit
 * of the covariance the filter starts from: the likelihood, and with it the order, hangs on the
 * order of the operations. Figures: statsmodels 0.15.0. */
Test(arima, likelihood_of_a_nearly_deterministic_series_is_that_of_the_reference)
{
    static const struct {
        struct arima_order order;
        double params[6], log_likelihood, forecast;
    } cases[] = {
        {{5, 2, 0, false},
         {-0.097870161579838244, 0.19659239109025983, 0.37096906065826724, -0.46242107063004395,
          -0.7094722361041812, 1.0000000000000001e-09},
         -65172.9475607192,
         3.3504810821894013},
        {{5, 2, 0, false},
         {0.70157421137541409, -0.023803346488376037, 0.49895878290037166, -0.050515946144716384,
          -0.21236491207351896, 1e-08},
         214.2815478766433,
         3.349921895460854},
        {{4, 2, 1, false},
         {-0.4535587287342881, 0.90776914406606779, 0.6249683198148509, -0.19572435835021457,
          -0.22726791976943103, 1e-08},
         -237.3071670859068,
         3.3499135325731326},
        {{2, 2, 1, false},
         {-0.25905173182348595, 0.53919908956507534, -0.00052439821153728002,
          1.0000000000000001e-09},
         -20847.421981316427,
         3.350114329443612},
        {{1, 2, 2, true},
         {1.7533841175163727e-05, 0.11060930049115905, -0.34894916168258705, 0.071941647621274446,
          1.0000000000000001e-09},
         -51883.32100141065,
         3.3503229169206534},
    };
    double y[41];
    for (int i = 0; i < 41; i++)
        y[i] = log1p(7 + 0.5 * i);
    for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
        double log_likelihood, forecast;
        cr_assert(arima_filter(y, 41, cases[k].order, cases[k].params, &log_likelihood, &forecast));
        near(log_likelihood, cases[k].log_likelihood, 1e-9);
        near(forecast, cases[k].forecast, 1e-9);
    }
}

Test(arima, an_exact_ramp_goes_on)
{
    struct predictor_config config = {.interval_s = 180};
    struct predictor p;
    struct diag d;
    diag_init(&d);
    cr_assert_eq(predictor_init(&p, predictor_find("arima"), &config, &d), ST_OK);
    for (int i = 0; i < 80; i++) {
        double forecast, next = 20 + 1.5 * (i + 1);
        cr_assert_eq(predictor_observe(&p, 20 + 1.5 * i), ST_OK);
        if (i < 40)
            continue;
        cr_assert(predictor_predict(&p, &forecast));
        near(forecast, next, 0.02);
    }
    predictor_release(&p);
}

Test(arima, too_few_values_for_the_lags_start_from_zero)
{
    static const double y[] = {3.0, 5.0, 4.0, 6.0, 2.0};
    double params[ARIMA_MAX_PARAMS];
    struct arima_order order = {0, 0, 2, true};
    cr_assert(arima_start_params(y, 5, order, params));
    cr_assert_eq(params[0], 0.0);
    cr_assert_eq(params[1], 0.0);
    near(params[3], 10.0 / 7.0, 1e-14); /* sum of squares 10 over 5 values and 2 zeros */
}

Test(arima, estimates_are_those_of_the_reference)
{
    static const struct {
        struct arima_order order;
        double params[6], log_likelihood, forecast;
    } cases[] = {
        {{1, 0, 0, true},
         {1.5595181014701216, 0.9390677476835089, 11.745895973139149},
         -64.68452768050518,
         36.305024765759946},
        {{0, 1, 1, false},
         {-0.3102983383290509, 10.334916406975715},
         -59.5448563869701,
         37.84154878807663},
    };
    for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
        struct arima_fit fit;
        cr_assert(
            arima_estimate(climb, N_CLIMB, cases[k].order, NULL, ARIMA_SEARCH_ITERATIONS, &fit));
        for (size_t i = 0; i < fit.n_params; i++)
            near(fit.params[i], cases[k].params[i], 1e-6);
        near(fit.log_likelihood, cases[k].log_likelihood, 1e-8);
        near(fit.forecast, cases[k].forecast, 1e-6);
        near(fit.aic, -2.0 * fit.log_likelihood + 2.0 * (double)fit.n_params, 0.0);
    }
}

Test(arima, search_chooses_the_order_of_the_reference)
{
    struct arima_fit fit;
    cr_assert(arima_search(climb, N_CLIMB, &fit));
    cr_assert_eq(fit.order.p, 2);
    cr_assert_eq(fit.order.d, 1);
    cr_assert_eq(fit.order.q, 0);
    cr_assert(fit.order.intercept);
    near(fit.aic, 110.01749574995736, 1e-6);
}

Test(arima, an_exact_line_or_parabola_is_differenced_away)
{
    double line[12], parabola[12];
    struct arima_fit fit;
    for (int i = 0; i < 12; i++) {
        line[i] = 3.0 + 2.0 * i;
        parabola[i] = (double)(i * i);
    }
    cr_assert(arima_search(line, 12, &fit));
    cr_assert(fit.order.p == 0 && fit.order.d == 1 && fit.order.q == 0 && fit.order.intercept);
    near(fit.forecast, 27.0, 1e-3);
    /* The reference keeps the intercept here: its "auto" counts as yes. */
    cr_assert(arima_search(parabola, 12, &fit));
    cr_assert(fit.order.p == 0 && fit.order.d == 2 && fit.order.q == 0 && fit.order.intercept);
    near(fit.forecast, 144.0, 1e-3);
}

struct bowl {
    int n_calls;
};

static bool rosenbrock(void *context, const double *x, double *f)
{
    struct bowl *b = context;
    b->n_calls++;
    *f = 100.0 * (x[1] - x[0] * x[0]) * (x[1] - x[0] * x[0]) + (1.0 - x[0]) * (1.0 - x[0]);
    return true;
}

/* The iterates of scipy.optimize.fmin_l_bfgs_b(approx_grad=True, epsilon=1e-5). */
Test(arima, optimiser_takes_the_steps_of_the_reference)
{
    struct bowl b = {0};
    struct scipy_problem p = {.value = rosenbrock, .context = &b, .n = 2};
    static const struct {
        int n;
        double x[2];
    } path[] = {
        {1, {-1.0174129824033302, 1.0745267651247916}},
        {2, {-1.0270242331771167, 1.0683589958875859}},
        {5, {-1.0213918623145783, 1.039304634101353}},
        {12, {-0.392393716159677, 0.13056031580732655}},
    };
    for (size_t i = 0; i < sizeof(path) / sizeof(path[0]); i++) {
        double x[] = {-1.2, 1.0};
        p.max_iterations = path[i].n;
        cr_assert(minimise_scipy(&p, x));
        near(x[0], path[i].x[0], 1e-7);
        near(x[1], path[i].x[1], 1e-7);
    }
}

/* ---- the predictor ---- */

static const struct predictor_config defaults = {.interval_s = 180, .prophet_window_size = 50};

static struct predictor start(unsigned fixes)
{
    struct predictor_config config = defaults;
    struct predictor p;
    struct diag d;
    config.fixes = fixes;
    diag_init(&d);
    cr_assert_eq(predictor_init(&p, predictor_find("arima"), &config, &d), ST_OK);
    return p;
}

static double next(struct predictor *p, double value)
{
    double forecast = NAN;
    predictor_observe(p, value);
    cr_assert(predictor_predict(p, &forecast));
    return forecast;
}

Test(arima, repeats_the_last_value_until_there_are_five)
{
    struct predictor p = start(0);
    bool log1p;
    static const double values[] = {46, -3, 40, 26}, want[] = {46, 0, 40, 26};
    for (int i = 0; i < 4; i++) {
        double repeated = next(&p, values[i]);
        cr_assert_eq(repeated, want[i]);
    }
    cr_assert_null(predictor_arima_fit(p.state, &log1p));
    next(&p, 38.0);
    cr_assert_not_null(predictor_arima_fit(p.state, &log1p));
    predictor_release(&p);
}

Test(arima, a_constant_history_is_never_fitted)
{
    struct predictor p = start(0);
    bool log1p;
    for (int i = 0; i < 30; i++) {
        double forecast = next(&p, 37.0);
        cr_assert_eq(forecast, 37.0);
    }
    cr_assert_null(predictor_arima_fit(p.state, &log1p));
    predictor_release(&p);
}

/* Forecasts of the reference for this sequence. */
Test(arima, a_search_without_lags_moves_to_the_log_scale)
{
    static const double values[] = {46, 40, 26, 38, 43, 39, 49, 38};
    static const double want[] = {37.91818269542838, 38.09624285528717, 39.49465274767766,
                                  39.30463651210291};
    struct predictor p = start(0);
    bool log1p = false;
    for (int i = 0; i < 8; i++) {
        double forecast = next(&p, values[i]);
        if (i >= 4)
            near(forecast, want[i - 4], 1e-8);
    }
    const struct arima_fit *fit = predictor_arima_fit(p.state, &log1p);
    cr_assert(log1p);
    cr_assert(fit->order.p == 0 && fit->order.q == 0);
    predictor_release(&p);
}

/* A value that cannot be modelled makes the update fail, and the forecast with it. The reference
 * then forgets it. */
Test(arima, values_of_a_failed_update_are_lost_unless_kept)
{
    struct predictor lossy = start(0), keeping = start(FIX_ARIMA_KEEP_PENDING);
    double forecast, kept;
    for (int i = 0; i < N_CLIMB; i++) {
        next(&lossy, climb[i]);
        next(&keeping, climb[i]);
    }
    predictor_observe(&lossy, INFINITY);
    predictor_observe(&keeping, INFINITY);
    cr_assert_not(predictor_predict(&lossy, &forecast));
    cr_assert_not(predictor_predict(&keeping, &kept));
    forecast = next(&lossy, 40.0);
    kept = next(&keeping, 40.0);
    cr_assert(forecast > 20.0 && forecast < 50.0 && forecast != 40.0, "%g", forecast);
    cr_assert_eq(kept, 40.0);
    predictor_release(&lossy);
    predictor_release(&keeping);
}

/* No exception, no new parameters, a forecast of the same size: statsmodels does just that. */
Test(arima, a_value_too_large_to_square_leaves_the_parameters_alone)
{
    double y[N_CLIMB + 1];
    struct arima_fit before, after;
    memcpy(y, climb, sizeof(climb));
    y[N_CLIMB] = 1e300;
    cr_assert(arima_search(y, N_CLIMB, &before));
    cr_assert(arima_estimate(y, N_CLIMB + 1, before.order, before.params, 5, &after));
    for (size_t i = 0; i < before.n_params; i++)
        near(after.params[i], before.params[i], 1e-15);
    near(after.forecast, 5.4398151e+298, 1e-6);
}

/* Five values of noise, then a climb: the first order stays unless the search is repeated. */
Test(arima, the_order_is_chosen_once_unless_reselected)
{
    struct predictor once = start(0), again = start(FIX_ARIMA_RESELECT);
    static const double noise[] = {46, 40, 26, 38, 43};
    bool log1p;
    for (int i = 0; i < 5; i++) {
        next(&once, noise[i]);
        next(&again, noise[i]);
    }
    for (int i = 0; i < 3 * N_CLIMB; i++) {
        double value = 40.0 + 2.0 * i + climb[i % N_CLIMB];
        next(&once, value);
        next(&again, value);
    }
    cr_assert_eq(predictor_arima_fit(once.state, &log1p)->order.d, 0);
    cr_assert_geq(predictor_arima_fit(again.state, &log1p)->order.d, 1);
    predictor_release(&once);
    predictor_release(&again);
}

/* Both start the first update from the same parameters; only one may finish it. */
Test(arima, a_converged_update_reaches_a_higher_likelihood)
{
    struct predictor five = start(0), fifty = start(FIX_ARIMA_CONVERGE);
    const struct arima_fit *a = NULL, *b = NULL;
    bool log1p;
    for (int i = 0; i < 40; i++) {
        predictor_observe(&five, climb[i % N_CLIMB]);
        predictor_observe(&fifty, climb[i % N_CLIMB]);
        if (i == 23 || i == 39) {
            double value;
            predictor_predict(&five, &value);
            predictor_predict(&fifty, &value);
            a = predictor_arima_fit(five.state, &log1p);
            b = predictor_arima_fit(fifty.state, &log1p);
            if (i == 23)
                cr_assert_eq(a->log_likelihood, b->log_likelihood);
        }
    }
    cr_assert_gt(b->log_likelihood, a->log_likelihood);
    predictor_release(&five);
    predictor_release(&fifty);
}
