#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "planner/fixes.h"
#include "planner/forecast/predictor.h"
#include "util/pcg.h"

static const struct predictor_config defaults = {.interval_s = 180,
                                                 .prophet_window_size = 50,
                                                 .kalman_q_level = 1.0,
                                                 .kalman_q_trend = 0.1,
                                                 .kalman_r = 10.0,
                                                 .kalman_min_points = 5};

static struct predictor start(const char *name, struct predictor_config config)
{
    struct predictor p;
    struct diag d;
    diag_init(&d);
    cr_assert_eq(predictor_init(&p, predictor_find(name), &config, &d), ST_OK);
    return p;
}

static double forecast(struct predictor *p)
{
    double value = NAN;
    cr_assert(predictor_predict(p, &value));
    return value;
}

static void observe(struct predictor *p, const double *values, size_t n)
{
    for (size_t i = 0; i < n; i++)
        cr_assert_eq(predictor_observe(p, values[i]), ST_OK);
}

Test(predictor, every_name_is_found_and_explained)
{
    static const char *const names[] = {"constant", "kalman", "arima", "prophet"};
    for (size_t i = 0; i < 4; i++) {
        const struct predictor_ops *ops = predictor_find(names[i]);
        cr_assert_not_null(ops, "%s", names[i]);
        cr_assert_str_eq(ops->name, names[i]);
        cr_assert(strlen(ops->summary) > 10);
    }
    cr_assert_null(predictor_find("moving-average"));
    cr_assert_null(predictor_find(""));
}

Test(predictor, without_values_the_forecast_is_0)
{
    for (size_t i = 0; predictors[i]; i++) {
        for (int log_scale = 0; log_scale < 2; log_scale++) {
            struct predictor_config config = defaults;
            config.log1p = log_scale;
            struct predictor p = start(predictors[i]->name, config);
            cr_assert_eq(forecast(&p), 0.0, "%s", predictors[i]->name);
            predictor_release(&p);
        }
    }
}

Test(predictor, zeros_and_nan_before_traffic_are_not_stored)
{
    struct predictor p = start("constant", defaults);
    observe(&p, (double[]){0.0, NAN, 0.0}, 3);
    cr_assert_eq(p.n_stored, 0);
    observe(&p, (double[]){46.0, NAN}, 2);
    cr_assert_eq(p.n_stored, 2);
    cr_assert_eq(forecast(&p), 0.0);
    predictor_release(&p);
}

Test(predictor, reset_discards_leading_zeros_again_but_keeps_the_history)
{
    struct predictor p = start("constant", defaults);
    observe(&p, (double[]){46.0, 43.0}, 2);
    predictor_reset_idle(&p);
    observe(&p, (double[]){0.0, NAN}, 2);
    cr_assert_eq(forecast(&p), 43.0);
    observe(&p, (double[]){44.0, 0.0}, 2);
    cr_assert_eq(forecast(&p), 0.0);
    predictor_release(&p);
}

/* Values of the reference for 46, 40, 26, ... */
Test(predictor, kalman_follows_the_reference)
{
    struct predictor p = start("kalman", defaults);
    observe(&p, (double[]){46.0, 40.0}, 2);
    cr_assert_float_eq(forecast(&p), 37.04624564893088, 1e-12);
    observe(&p, (double[]){26.0, 38.0}, 2);
    cr_assert_float_eq(forecast(&p), 32.69292543118289, 1e-12);
    observe(&p, (double[]){43.0, 39.0}, 2);
    cr_assert_float_eq(forecast(&p), 41.549329313495456, 1e-12);
    predictor_release(&p);
}

Test(predictor, kalman_forecast_may_be_asked_any_number_of_times)
{
    struct predictor once = start("kalman", defaults), often = start("kalman", defaults);
    for (int i = 0; i < 20; i++) {
        double value = 30.0 + (i * 7) % 11;
        observe(&once, &value, 1);
        observe(&often, &value, 1);
        forecast(&often);
        forecast(&often);
    }
    cr_assert_eq(forecast(&once), forecast(&often));
    predictor_release(&once);
    predictor_release(&often);
}

Test(predictor, kalman_goes_negative_unless_clamped)
{
    struct predictor_config clamped = defaults;
    clamped.fixes = FIX_CLAMP_FORECAST;
    struct predictor p = start("kalman", defaults), q = start("kalman", clamped);
    observe(&p, (double[]){46.0, 0.0}, 2);
    observe(&q, (double[]){46.0, 0.0}, 2);
    cr_assert_lt(forecast(&p), -20.0);
    cr_assert_eq(forecast(&q), 0.0);
    predictor_release(&p);
    predictor_release(&q);
}

Test(predictor, kalman_in_log_scale_never_goes_below_0)
{
    struct predictor_config config = defaults;
    config.log1p = true;
    struct predictor p = start("kalman", config);
    observe(&p, (double[]){46.0, 0.0}, 2);
    cr_assert_eq(forecast(&p), 0.0);
    predictor_release(&p);
}

Test(predictor, kalman_min_points_waits_only_with_the_fix)
{
    struct predictor_config fixed = defaults;
    fixed.fixes = FIX_KALMAN_MIN_POINTS;
    struct predictor p = start("kalman", defaults), q = start("kalman", fixed);
    static const double values[] = {46.0, 40.0, 26.0, 38.0, 43.0};
    for (int i = 0; i < 5; i++) {
        observe(&p, &values[i], 1);
        observe(&q, &values[i], 1);
        double faithful = forecast(&p), waiting = forecast(&q);
        if (i == 4)
            cr_assert_eq(waiting, faithful);
        else
            cr_assert_eq(waiting, values[i]);
        if (i == 2)
            cr_assert_neq(waiting, faithful);
    }
    predictor_release(&p);
    predictor_release(&q);
}

Test(predictor, an_overflowing_forecast_is_a_failure)
{
    struct predictor_config config = defaults;
    double value;
    config.log1p = true;
    struct predictor p = start("kalman", config);
    observe(&p, (double[]){1.0, 1e100, 1e200, 1e308}, 4);
    cr_assert_not(predictor_predict(&p, &value));
    predictor_release(&p);
}

Test(predictor, every_fix_is_found_by_its_name)
{
    cr_assert_eq(planner_fix_find("prophet-time"), FIX_PROPHET_TIME);
    cr_assert_eq(planner_fix_find("clamp-forecast"), FIX_CLAMP_FORECAST);
    cr_assert_eq(planner_fix_find("prophet"), 0);
    for (size_t i = 0; i < N_PLANNER_FIXES; i++) {
        cr_assert_eq(planner_fix_find(planner_fixes[i].name), 1u << i);
        cr_assert(strlen(planner_fixes[i].text) > 20);
    }
}

/* ---- whatever goes in, nothing but a finite number comes out as a forecast ---- */

enum { N_KINDS = 9 };

static double strange_value(struct pcg64 *rng, int kind, size_t i)
{
    switch (kind) {
    case 0:
        return pcg64_double(rng) * 1e300 * (pcg64_below(rng, 2) ? 1.0 : 1e8);
    case 1:
        return pcg64_double(rng) * 5e-324;
    case 2:
        return i % 2 ? 1e12 : 1e-12;
    case 3:
        return 37.25;
    case 4:
        return pow(10.0, 600.0 * pcg64_double(rng) - 300.0) * (pcg64_below(rng, 2) ? 1.0 : -1.0);
    case 5:
        return (double)i;
    case 6:
        return pcg64_below(rng, 10) ? 0.0 : 1e6;
    case 7:
        return i < 30 ? 10.0 : NAN;
    default:
        return (double)(i * i);
    }
}

static void feed_strange(const char *name, size_t n, size_t every)
{
    for (int kind = 0; kind < N_KINDS; kind++) {
        for (unsigned variant = 0; variant < 4; variant++) {
            struct predictor_config config = defaults;
            struct pcg64 rng, again;
            config.log1p = variant & 1u;
            config.fixes = variant & 2u ? ~0u : 0;
            struct predictor p = start(name, config), twin = start(name, config);
            pcg64_stream(&rng, 11, name, (uint64_t)kind);
            again = rng;
            for (size_t i = 0; i < n; i++) {
                double value = NAN, same = NAN;
                predictor_observe(&p, strange_value(&rng, kind, i));
                predictor_observe(&twin, strange_value(&again, kind, i));
                if (i % every)
                    continue;
                bool ok = predictor_predict(&p, &value);
                cr_assert(!ok || isfinite(value), "%s kind %d value %zu: %g", name, kind, i, value);
                cr_assert_eq(predictor_predict(&twin, &same), ok);
                cr_assert(!ok || memcmp(&value, &same, sizeof(value)) == 0, "not repeatable");
            }
            predictor_release(&p);
            predictor_release(&twin);
        }
    }
}

Test(predictor, constant_survives_anything)
{
    feed_strange("constant", 3000, 1);
}

Test(predictor, kalman_survives_anything)
{
    feed_strange("kalman", 3000, 1);
}

Test(predictor, arima_survives_anything, .timeout = 120)
{
    feed_strange("arima", 40, 3);
}

Test(predictor, prophet_survives_anything, .timeout = 120)
{
    feed_strange("prophet", 40, 5);
}

Test(predictor, a_long_history_is_no_problem, .timeout = 120)
{
    static const char *const names[] = {"arima", "prophet"};
    for (size_t k = 0; k < 2; k++) {
        struct predictor p = start(names[k], defaults);
        struct pcg64 rng;
        double value;
        pcg64_seed(&rng, 5, 1);
        for (size_t i = 0; i < 3000; i++) {
            predictor_observe(&p, 100.0 + 10.0 * pcg64_normal(&rng));
            if (i == 20 || i == 2998)
                cr_assert(predictor_predict(&p, &value));
        }
        cr_assert(predictor_predict(&p, &value));
        cr_assert(isfinite(value));
        predictor_release(&p);
    }
}
