#include <criterion/criterion.h>
#include <math.h>

#include "planner/forecast/forecast_error.h"

static const double tiny = 1e-12;

Test(forecast_error, figures_by_hand)
{
    /* Off by +2, -3, 0 and +5. */
    const double observed[] = {10, 12, 8, 0}, predicted[] = {12, 9, 8, 5};
    struct forecast_error e = forecast_error_of(observed, predicted, 4);

    cr_expect_eq(e.n, 4);
    cr_expect_float_eq(e.mae, (2 + 3 + 0 + 5) / 4.0, tiny);
    cr_expect_float_eq(e.bias, (2 - 3 + 0 + 5) / 4.0, tiny);
    cr_expect_float_eq(e.mape, (2 / 10.0 + 3 / 12.0 + 0) / 3, tiny, "0 observed is left out");
    cr_expect_float_eq(e.pinball_50, e.mae / 2, tiny);
    cr_expect_float_eq(e.pinball_90, (0.1 * 2 + 0.9 * 3 + 0 + 0.1 * 5) / 4, tiny);
}

Test(forecast_error, a_high_quantile_punishes_too_little)
{
    const double observed[] = {100, 100}, low[] = {90, 90}, high[] = {110, 110};

    cr_expect_float_eq(pinball_loss(0.9, observed, low, 2), 9, tiny);
    cr_expect_float_eq(pinball_loss(0.9, observed, high, 2), 1, tiny);
    cr_expect_float_eq(pinball_loss(0.5, observed, low, 2), 5, tiny);
    cr_expect_eq(pinball_loss(0.9, observed, observed, 2), 0);
}

Test(forecast_error, without_forecasts_there_is_no_figure)
{
    struct forecast_error e = forecast_error_of(NULL, NULL, 0);
    const double zero = 0, one = 1;

    cr_expect_eq(e.n, 0);
    cr_expect(isnan(e.mae) && isnan(e.mape) && isnan(e.bias) && isnan(e.pinball_50) &&
              isnan(e.pinball_90));
    e = forecast_error_of(&zero, &one, 1);
    cr_expect_eq(e.mae, 1);
    cr_expect(isnan(e.mape), "no observation to hold it against");
}
