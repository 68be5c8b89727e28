/* The reference's documented quirks, each with a fix that can be turned on by name (`policy.fixes`).
 * Faithful behaviour is no bits set. */
#ifndef PLANNER_FIXES_H
#define PLANNER_FIXES_H

/* identifier, name the user types, what turning it on changes */
#define PLANNER_FIX_MAP(XX)                                                                        \
    XX(PROPHET_TIME, "prophet-time",                                                               \
       "Prophet forecasts step * interval, the next interval, not `step` seconds after the origin")  \
    XX(CLAMP_FORECAST, "clamp-forecast",                                                           \
       "negative forecasts of constant, Kalman and Prophet become 0")                              \
    XX(KALMAN_MIN_POINTS, "kalman-min-points",                                                     \
       "Kalman answers with the last value until it has seen kalman_min_points values")            \
    XX(ARIMA_KEEP_PENDING, "arima-keep-pending",                                                   \
       "values that arrive while an ARIMA update fails are kept for the next update")              \
    XX(ARIMA_RESELECT, "arima-reselect",                                                           \
       "the ARIMA order is searched again each time the history has doubled")                      \
    XX(ARIMA_CONVERGE, "arima-converge",                                                           \
       "an ARIMA update may take 50 optimiser iterations, as a first fit may, not 5")

enum planner_fix_index {
#define XX(id, name, text) FIX_INDEX_##id,
    PLANNER_FIX_MAP(XX)
#undef XX
    N_PLANNER_FIXES
};
enum planner_fix {
#define XX(id, name, text) FIX_##id = 1u << FIX_INDEX_##id,
    PLANNER_FIX_MAP(XX)
#undef XX
};

struct planner_fix_info {
    const char *name, *text;
};
extern const struct planner_fix_info planner_fixes[N_PLANNER_FIXES];

/* The bit of a fix by its name; 0 when unknown. */
unsigned planner_fix_find(const char *name);

#endif
