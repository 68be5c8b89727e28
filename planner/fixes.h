/* The reference's documented quirks, each with a fix that can be turned on by name
 * (`policy.fixes`). Faithful behaviour is no bits set. */
#ifndef PLANNER_FIXES_H
#define PLANNER_FIXES_H

/* identifier, name the user types, what turning it on changes */
#define PLANNER_FIX_MAP(XX)                                                                        \
    XX(PROPHET_TIME, "prophet-time",                                                               \
       "Prophet forecasts step * interval, the next interval, not `step` seconds after the "       \
       "origin")                                                                                   \
    XX(CLAMP_FORECAST, "clamp-forecast",                                                           \
       "negative forecasts of constant, Kalman and Prophet become 0")                              \
    XX(KALMAN_MIN_POINTS, "kalman-min-points",                                                     \
       "Kalman answers with the last value until it has seen kalman_min_points values")            \
    XX(ARIMA_KEEP_PENDING, "arima-keep-pending",                                                   \
       "values that arrive while an ARIMA update fails are kept for the next update")              \
    XX(ARIMA_RESELECT, "arima-reselect",                                                           \
       "the ARIMA order is searched again each time the history has doubled")                      \
    XX(ARIMA_CONVERGE, "arima-converge",                                                           \
       "an ARIMA update may take 50 optimiser iterations, as a first fit may, not 5")              \
    XX(NEGATIVE_CELLS, "negative-cells",                                                           \
       "non-positive throughput cells of the decode surface take the nearest positive one")        \
    XX(TTFT_TARGET, "ttft-target",                                                                 \
       "prefill replicas keep the mean TTFT (M/D/1 per worker) within the target")                 \
    XX(CAP_DECODE, "cap-decode", "a joint budget gives decode no more than it asked for")          \
    XX(BUDGET_HOLD, "budget-hold",                                                                 \
       "a budget below min_endpoint workers changes nothing, instead of asking for none")          \
    XX(IDLE_LENGTHS, "idle-lengths",                                                               \
       "intervals without requests do not feed lengths of 0 to the forecasts")                     \
    XX(ROUTER_DURATION, "router-duration",                                                         \
       "the router source knows the request duration, instead of 0")                               \
    XX(STALE_METRICS, "stale-metrics",                                                             \
       "gauges that are no longer scraped are dropped, instead of used for ever")                  \
    XX(FALLBACK_LARGEST, "fallback-largest",                                                       \
       "without a rising regression the largest load within target is taken, not the smallest")    \
    XX(UNREACHABLE_UP, "unreachable-up",                                                           \
       "an unreachable latency target scales up, instead of not at all")                           \
    XX(FLOORS_ACT_ALONE, "floors-act-alone",                                                       \
       "a floor of the throughput plan above the current count scales by itself")                  \
    XX(MIN_ENDPOINT_LOAD, "min-endpoint-load",                                                     \
       "load decisions keep min_endpoint in every mode, not only in agg")                          \
    XX(WAIT_STABLE, "wait-stable", "load decisions wait until no worker is starting")              \
    XX(VIRTUAL_WAIT, "virtual-wait",                                                               \
       "a blocking virtual request waits also after the first acknowledgement")                    \
    XX(SURVIVE_TIMEOUT, "survive-timeout",                                                         \
       "a request that never becomes ready does not end the planner")                              \
    XX(HOLD_ON_FAILURE, "hold-on-failure",                                                         \
       "a failed query of the traffic plans nothing, instead of counting as no traffic")           \
    XX(SAFE_THROUGHPUT, "safe-throughput",                                                         \
       "the dry run's safe throughput counts the GPUs of each engine")                             \
    XX(EMPTY_WINDOWS, "empty-windows", "windows of a trace without requests are kept, as zeros")

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
