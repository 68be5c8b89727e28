/* The simulator's clock counts integer nanoseconds, its memory KV blocks. These are the only places
 * where other units enter. */
#ifndef UTIL_UNITS_H
#define UTIL_UNITS_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

#define NS_PER_US INT64_C(1000)
#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S INT64_C(1000000000)
/* "Never": later than any event. Room is left so that sums of two times do not overflow. */
#define TIME_NEVER (INT64_MAX / 4)

/* Nearest nanosecond of a duration in ms or s. false (and *ns untouched) when the value is NaN,
 * negative, or beyond TIME_NEVER (73 years). */
static inline bool ns_from_ms(double ms, int64_t *ns)
{
    double value = ms * 1e6;
    if (!(value >= 0) || value >= (double)TIME_NEVER)
        return false;
    *ns = llrint(value);
    return true;
}

static inline bool ns_from_s(double s, int64_t *ns)
{
    return ns_from_ms(s * 1e3, ns);
}

/* The nearest ns of a duration that was computed, or TIME_NEVER for what is beyond it. */
static inline int64_t ns_or_never(double ns)
{
    return ns < (double)TIME_NEVER ? llrint(ns) : TIME_NEVER;
}

static inline int64_t ns_from_ms_or_never(double ms)
{
    return ns_or_never(ms * 1e6);
}

static inline int64_t ns_from_s_or_never(double s)
{
    return ns_from_ms_or_never(s * 1e3);
}

/* A time and a duration, or TIME_NEVER for what is beyond it. */
static inline int64_t ns_after(int64_t at_ns, int64_t length_ns)
{
    return length_ns < TIME_NEVER - at_ns ? at_ns + length_ns : TIME_NEVER;
}

static inline double ms_from_ns(int64_t ns)
{
    return (double)ns / 1e6;
}

static inline double s_from_ns(int64_t ns)
{
    return (double)ns / 1e9;
}

/* KV blocks that hold so many tokens, the last one perhaps in part. */
static inline uint32_t blocks_from_tok(uint32_t tok, uint32_t block_size_tok)
{
    return tok / block_size_tok + (tok % block_size_tok != 0);
}

#endif
