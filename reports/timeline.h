/* Replicas over time as figures of a run: keys beside those of summary.json.
 *
 *     timeline.AT.POOL.COLUMN             at AT seconds
 *     timeline.FROM_TO.POOL.COLUMN.STAT   of the samples from FROM to TO seconds, both included
 *
 * COLUMN is target, ready, starting or draining as in timeline.csv, or workers: those that hold
 * GPUs. STAT is min, mean or max. Seconds are whole. What is known is what was sampled
 * (output.sample_s): AT is the last sample until then. NaN where there is none. */
#ifndef REPORTS_TIMELINE_H
#define REPORTS_TIMELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "planner/policy.h"

/* identifier, name in keys */
#define TIMELINE_COLUMN_MAP(XX)                                                                    \
    XX(TARGET, "target")                                                                           \
    XX(READY, "ready")                                                                             \
    XX(STARTING, "starting")                                                                       \
    XX(DRAINING, "draining")                                                                       \
    XX(WORKERS, "workers")

enum timeline_column {
#define XX(id, name) TIMELINE_##id,
    TIMELINE_COLUMN_MAP(XX)
#undef XX
        N_TIMELINE_COLUMNS
};

/* One sample. */
struct timeline_point {
    int64_t at_ns;
    int32_t count[POLICY_MAX_POOLS][N_TIMELINE_COLUMNS];
    double offered_rps; /* since the point before */
    double n_waiting;   /* of all pools, on average since then */
};

struct timeline {
    size_t n;
    const struct timeline_point *point; /* in order of time */
};

/* Does it begin as keys of a timeline do? */
bool timeline_key_begins(const char *key);
/* Is it one, of these pools? */
bool timeline_key_exists(const char *key, size_t n_pools, const char *const *pool_names);
/* false: it is none. */
bool timeline_lookup(const struct timeline *timeline, const char *key, size_t n_pools,
                     const char *const *pool_names, double *value);

#endif
