#include <criterion/criterion.h>
#include <math.h>

#include "planner/fixes.h"
#include "planner/forecast/predictor.h"
#include "planner/forecast/prophet.h"

static const double day_s = 86400.0;

static double fit_and_forecast(const double *y, size_t n, int64_t interval_s, int64_t at_s)
{
    struct prophet_history history = {.y = y, .n = n, .first_s = 0, .interval_s = interval_s};
    double forecast = NAN;
    cr_assert(prophet_forecast(&history, at_s, &forecast));
    return forecast;
}

/* Forecasts of prophet 1.5.0, its quirk of the time included. */
Test(prophet, single_fits_equal_the_reference)
{
    static const double ramp[] = {10, 12, 14, 16, 18};
    static const double noise[] = {45, 57, 45, 48, 43, 60, 51, 57, 63, 48,
                                   46, 56, 51, 39, 48, 52, 53, 48, 52, 63};
    double after_ramp = fit_and_forecast(ramp, 5, 180, 5);
    double after_noise = fit_and_forecast(noise, 20, 180, 20);
    cr_assert_float_eq(after_ramp, 10.055555635, 1e-8);
    cr_assert_float_eq(after_noise, 49.685665273631585, 1e-8);
}

Test(prophet, equal_values_give_a_flat_line)
{
    double y[10];
    for (int i = 0; i < 10; i++)
        y[i] = 37.0;
    cr_assert_float_eq(fit_and_forecast(y, 10, 180, 1800), 37.0, 1e-12);
    for (int i = 0; i < 10; i++)
        y[i] = 0.0;
    cr_assert_eq(fit_and_forecast(y, 10, 180, 1800), 0.0);
}

Test(prophet, a_line_is_continued)
{
    double y[50];
    for (int i = 0; i < 50; i++)
        y[i] = 5.0 + 2.5 * i;
    cr_assert_float_eq(fit_and_forecast(y, 50, 180, 50 * 180), 130.0, 1e-4);
}

Test(prophet, a_day_of_load_is_learned_from_two)
{
    double y[72];
    for (int i = 0; i < 72; i++)
        y[i] = 100.0 + 60.0 * sin(6.283185307179586 * i / 24.0);
    /* Hours 72 to 95 are a day not seen yet; 48 hours of history switch the daily terms on. */
    for (int hour = 72; hour < 96; hour += 5) {
        double want = 100.0 + 60.0 * sin(6.283185307179586 * hour / 24.0);
        double got = fit_and_forecast(y, 72, 3600, hour * 3600);
        cr_assert_float_eq(got, want, 3.0, "hour %d: %g, not %g", hour, got, want);
    }
    /* 48 points span 47 hours: a trend alone cannot follow. */
    double short_fit = fit_and_forecast(y, 48, 3600, 54 * 3600);
    cr_assert(fabs(short_fit - 160.0) > 20.0, "%g", short_fit);
}

Test(prophet, weekly_and_yearly_terms_come_with_long_histories)
{
    enum { N = 1000 };
    static double y[N];
    for (int i = 0; i < N; i++)
        y[i] = 50.0 + (i % 7 < 5 ? 20.0 : 0.0) + 15.0 * sin(6.283185307179586 * i / 365.25);
    double weekday = fit_and_forecast(y, N, (int64_t)day_s, (int64_t)(1001 * day_s));
    double weekend = fit_and_forecast(y, N, (int64_t)day_s, (int64_t)(1006 * day_s));
    cr_assert_float_eq(weekday - weekend, 20.0, 1.5, "%g", weekday - weekend);
    double season = 15.0 * sin(6.283185307179586 * 1001 / 365.25);
    cr_assert_float_eq(weekday, 70.0 + season, 1.5, "%g, not %g", weekday, 70.0 + season);
}

/* From 100 values on the reference takes another optimiser, which stops elsewhere. */
Test(prophet, a_long_history_is_fitted_as_the_reference_does)
{
    double y[120];
    for (int i = 0; i < 120; i++)
        y[i] = 100.0 + (i * 37) % 23 + (i > 60 ? 2.0 * (i - 60) : 0.0);
    double forecast = fit_and_forecast(y, 120, 180, 120 * 180);
    cr_assert_float_eq(forecast, 230.7294326977897, 1.0, "%g", forecast);
}

Test(prophet, bad_input_is_refused)
{
    double y[] = {1.0, 2.0, INFINITY, 3.0, 4.0}, forecast;
    struct prophet_history history = {.y = y, .n = 5, .first_s = 0, .interval_s = 180};
    cr_assert_not(prophet_forecast(&history, 900, &forecast));
    y[2] = 2.5;
    history.interval_s = 0;
    cr_assert_not(prophet_forecast(&history, 900, &forecast));
}

/* ---- the predictor ---- */

static struct predictor start(int64_t window, bool log1p, unsigned fixes)
{
    struct predictor_config config = {
        .log1p = log1p, .interval_s = 180, .prophet_window_size = window, .fixes = fixes};
    struct predictor p;
    struct diag d;
    diag_init(&d);
    cr_assert_eq(predictor_init(&p, predictor_find("prophet"), &config, &d), ST_OK);
    return p;
}

static double next(struct predictor *p, double value)
{
    double forecast = NAN;
    predictor_observe(p, value);
    cr_assert(predictor_predict(p, &forecast));
    return forecast;
}

Test(prophet, repeats_the_last_value_until_there_are_five)
{
    struct predictor p = start(50, false, 0);
    static const double values[] = {46, 40, 26, 38};
    for (int i = 0; i < 4; i++) {
        double repeated = next(&p, values[i]);
        cr_assert_eq(repeated, values[i]);
    }
    double fitted = next(&p, 43.0);
    cr_assert_float_eq(fitted, 40.155336974708334, 1e-9);
    predictor_release(&p);
}

Test(prophet, log_scale_is_the_reference_too)
{
    struct predictor p = start(50, true, 0);
    static const double values[] = {46, 40, 26, 38};
    for (int i = 0; i < 4; i++) {
        double repeated = next(&p, values[i]);
        cr_assert_float_eq(repeated, values[i], 1e-12);
    }
    double fitted = next(&p, 43.0);
    cr_assert_float_eq(fitted, 39.424568956667706, 1e-8);
    predictor_release(&p);
}

/* On a steep ramp the faithful forecast stays at the start of the window, the corrected one leads
 * it. */
Test(prophet, the_time_of_the_forecast_is_wrong_unless_fixed)
{
    struct predictor faithful = start(20, false, 0), fixed = start(20, false, FIX_PROPHET_TIME);
    double a = 0.0, b = 0.0;
    for (int i = 0; i < 40; i++) {
        a = next(&faithful, 100.0 + 10.0 * i);
        b = next(&fixed, 100.0 + 10.0 * i);
    }
    /* 40 seconds after the origin is far before the window, which begins with value 20. */
    cr_assert_float_eq(a, 100.0 + 10.0 * 40.0 / 180.0, 0.1, "%g", a);
    cr_assert_float_eq(b, 500.0, 0.1, "%g", b);
    predictor_release(&faithful);
    predictor_release(&fixed);
}

Test(prophet, negative_forecasts_are_cut_only_with_the_fix)
{
    struct predictor p = start(10, false, 0), q = start(10, false, FIX_CLAMP_FORECAST);
    double a = 0.0, b = 1.0;
    for (int i = 0; i < 20; i++) {
        a = next(&p, i < 10 ? 1.0 : 1.0 + 50.0 * (i - 9));
        b = next(&q, i < 10 ? 1.0 : 1.0 + 50.0 * (i - 9));
    }
    cr_assert_lt(a, -100.0);
    cr_assert_eq(b, 0.0);
    predictor_release(&p);
    predictor_release(&q);
}

Test(prophet, only_the_window_counts)
{
    struct predictor p = start(10, false, FIX_PROPHET_TIME), q = start(10, false, FIX_PROPHET_TIME);
    double a = 0.0, b = 0.0;
    for (int i = 0; i < 30; i++) {
        double value = 50.0 + (i * 7) % 13;
        a = next(&p, i < 20 ? 5000.0 : value);
        b = next(&q, i < 20 ? 1.0 + i : value);
    }
    cr_assert_eq(a, b);
    predictor_release(&p);
    predictor_release(&q);
}

Test(prophet, a_window_of_0_keeps_all_and_a_negative_one_nothing)
{
    struct predictor all = start(0, false, 0), wide = start(1000, false, 0),
                     none = start(-1, false, 0);
    for (int i = 0; i < 30; i++) {
        double value = 50.0 + (i * 7) % 13;
        double a = next(&all, value), b = next(&wide, value), c = next(&none, value);
        cr_assert_eq(a, b);
        cr_assert_eq(c, 0.0);
    }
    predictor_release(&all);
    predictor_release(&wide);
    predictor_release(&none);
}
