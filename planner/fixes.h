/* The reference's documented quirks, each with a fix that can be turned on by name
 * (`policy.fixes`). Faithful behaviour is no bits set. */
#ifndef PLANNER_FIXES_H
#define PLANNER_FIXES_H

#include <stddef.h>

/* The generations that have a quirk. */
#define FIX_FIRST "1.0.2"
#define FIX_LATER "1.4.2,1.6.1"
#define FIX_ALL "1.0.2,1.4.2,1.6.1"
/* Where it can show in 1.4.2 and 1.6.1: conditions as of keys (util/key.h). */
#define FIX_SLA " & policy.optimization_target=sla"
#define FIX_PLANS FIX_SLA " & policy.enable_throughput_scaling=true"
#define FIX_ESTIMATES FIX_SLA " & policy.enable_load_scaling=true"
#define FIX_FORECAST FIX_PLANS " & policy.load_predictor="
#define FIX_CEILING " & policy.max_gpu_budget>-1"
#define FIX_FLOOR " & policy.min_gpu_budget>-1"

/* identifier, name the user types, generations, where it shows in the later ones, what turning it
 * on changes */
#define PLANNER_FIX_MAP(XX)                                                                        \
    XX(PROPHET_TIME, "prophet-time", FIX_FIRST, "",                                                \
       "Prophet forecasts step * interval, the next interval, not `step` seconds after the "       \
       "origin")                                                                                   \
    XX(CLAMP_FORECAST, "clamp-forecast", "1.0.2,1.4.2", FIX_FORECAST "kalman",                     \
       "negative forecasts of constant, Kalman and Prophet become 0")                              \
    XX(KALMAN_MIN_POINTS, "kalman-min-points", "1.0.2,1.4.2", FIX_FORECAST "kalman",               \
       "Kalman answers with the last value until it has seen kalman_min_points values")            \
    XX(ARIMA_KEEP_PENDING, "arima-keep-pending", FIX_ALL, FIX_FORECAST "arima",                    \
       "values that arrive while an ARIMA update fails are kept for the next update")              \
    XX(ARIMA_RESELECT, "arima-reselect", FIX_ALL, FIX_FORECAST "arima",                            \
       "the ARIMA order is searched again each time the history has doubled")                      \
    XX(ARIMA_CONVERGE, "arima-converge", FIX_ALL, FIX_FORECAST "arima",                            \
       "an ARIMA update may take 50 optimiser iterations, as a first fit may, not 5")              \
    XX(NEGATIVE_CELLS, "negative-cells", FIX_FIRST, "",                                            \
       "non-positive throughput cells of the decode surface take the nearest positive one")        \
    XX(TTFT_TARGET, "ttft-target", FIX_ALL, FIX_PLANS " & policy.mode=disagg,prefill",             \
       "prefill replicas keep the mean TTFT (M/D/1 per worker) within the target")                 \
    XX(CAP_DECODE, "cap-decode", "1.0.2,1.4.2", " & policy.mode=disagg" FIX_CEILING,               \
       "a joint budget gives decode no more than it asked for")                                    \
    XX(BUDGET_HOLD, "budget-hold", FIX_ALL, FIX_CEILING,                                           \
       "a budget below min_endpoint workers changes nothing, instead of asking for none")          \
    XX(IDLE_LENGTHS, "idle-lengths", FIX_FIRST, "",                                                \
       "intervals without requests do not feed lengths of 0 to the forecasts")                     \
    XX(ROUTER_DURATION, "router-duration", FIX_FIRST, "",                                          \
       "the router source knows the request duration, instead of 0")                               \
    XX(STALE_METRICS, "stale-metrics", FIX_FIRST, "",                                              \
       "gauges that are no longer scraped are dropped, instead of used for ever")                  \
    XX(FALLBACK_LARGEST, "fallback-largest", FIX_FIRST, "",                                        \
       "without a rising regression the largest load within target is taken, not the smallest")    \
    XX(UNREACHABLE_UP, "unreachable-up", FIX_ALL, FIX_PLANS,                                       \
       "an unreachable latency target scales up, instead of not at all or to a few")               \
    XX(FLOORS_ACT_ALONE, "floors-act-alone", "1.0.2,1.4.2",                                        \
       FIX_PLANS " & policy.enable_load_scaling=true & policy.mode=prefill,decode",                \
       "a floor of the throughput plan above the current count scales by itself")                  \
    XX(MIN_ENDPOINT_LOAD, "min-endpoint-load", FIX_FIRST, "",                                      \
       "load decisions keep min_endpoint in every mode, not only in agg")                          \
    XX(WAIT_STABLE, "wait-stable", FIX_FIRST, "",                                                  \
       "load decisions wait until no worker is starting")                                          \
    XX(VIRTUAL_WAIT, "virtual-wait", FIX_FIRST, "",                                                \
       "a blocking virtual request waits also after the first acknowledgement")                    \
    XX(SURVIVE_TIMEOUT, "survive-timeout", FIX_FIRST, "",                                          \
       "a request that never becomes ready does not end the planner")                              \
    XX(HOLD_ON_FAILURE, "hold-on-failure", FIX_FIRST, "",                                          \
       "a failed query of the traffic plans nothing, instead of counting as no traffic")           \
    XX(SAFE_THROUGHPUT, "safe-throughput", FIX_FIRST, "",                                          \
       "the dry run's safe throughput counts the GPUs of each engine")                             \
    XX(EMPTY_WINDOWS, "empty-windows", FIX_ALL, FIX_PLANS " & policy.load_predictor_warmup_trace", \
       "windows of a trace without requests are kept, as zeros")                                   \
    XX(ONE_OVERLOADED_UP, "one-overloaded-up", FIX_LATER, FIX_ESTIMATES,                           \
       "one engine whose expected latency misses the target scales up, instead of all")            \
    XX(KEEP_STARTING, "keep-starting", "1.6.1", "",                                                \
       "workers that start are not taken back, but waited for")                                    \
    XX(CONSOLIDATION_CHECK, "consolidation-check", "1.4.2",                                        \
       " & policy.optimization_target=throughput,latency,load",                                    \
       "no worker is given up whose load would at once call for one")                              \
    XX(FLOOR_KEEPS_DECODE, "floor-keeps-decode", "1.4.2", " & policy.mode=disagg" FIX_FLOOR,       \
       "filling up to min_gpu_budget takes no worker from decode")                                 \
    XX(EXACT_FLOOR, "exact-floor", FIX_LATER, FIX_CEILING FIX_FLOOR,                               \
       "min_gpu_budget is not missed by the GPUs of one worker")                                   \
    XX(QUEUE_IN_PASSES, "queue-in-passes", FIX_LATER,                                              \
       " & policy.optimization_target=throughput,latency & policy.mode=disagg,prefill",            \
       "a prefill queue is measured in max_num_batched_tokens, not in max_model_len")              \
    XX(MEAN_PROMPT, "mean-prompt", FIX_LATER, FIX_ESTIMATES,                                       \
       "passes without prompts do not count in the mean prompt, as ones of no tokens")             \
    XX(CHUNK_CONTEXT, "chunk-context", "1.6.1", FIX_SLA,                                           \
       "later chunks of a prompt cost what attention to the chunks before costs")                  \
    XX(COUNT_ARRIVALS, "count-arrivals", FIX_LATER, FIX_PLANS " & compat=none",                    \
       "the demand is the requests that arrived, not those that were completed")

enum planner_fix_index {
#define XX(id, ...) FIX_INDEX_##id,
    PLANNER_FIX_MAP(XX)
#undef XX
        N_PLANNER_FIXES
};
enum planner_fix {
#define XX(id, ...) FIX_##id = 1u << FIX_INDEX_##id,
    PLANNER_FIX_MAP(XX)
#undef XX
};

struct planner_fix_info {
    const char *name, *generations, *text;
    /* Conditions (util/key.h) for it to matter: in 1.0.2, and in the later generations. */
    const char *when_first, *when_later;
};
extern const struct planner_fix_info planner_fixes[N_PLANNER_FIXES];

/* The bit of a fix by its name; 0 when unknown. */
unsigned planner_fix_find(const char *name);
/* The bits of all that a generation has. */
unsigned planner_fixes_of(const char *generation);

/* For the key `fixes`: the i-th name (NULL after the last), and when it matters. */
const char *planner_fix_choice(size_t i);
const char *planner_fix_when_first(size_t i);
const char *planner_fix_when_later(size_t i);

#endif
