/* The iterations a model of one engine is fitted on: a bounded set, spread over the range that was
 * seen. Iterations are sorted into buckets of equal width per feature; when there are too many, the
 * fullest bucket loses its first. (Dynamo planner 1.2.1, `perf_model/base.py`.) */
#ifndef PLANNER_FPM_SAMPLE_TABLE_H
#define PLANNER_FPM_SAMPLE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/arena.h"
#include "util/status.h"

enum { FPM_MAX_FEATURES = 2 };

struct fpm_sample {
    double x[FPM_MAX_FEATURES];   /* features */
    double wall_s;                /* what the iteration took */
    int bucket[FPM_MAX_FEATURES]; /* per feature */
};

/* Buckets are runs of `rows`, in the order in which they came to be; within a bucket the order is
 * that of insertion, which after a rebuild need not be that of age (a quirk of the reference). */
struct sample_table {
    size_t n_features, max_samples;
    int buckets_per_feature;
    bool log_scale; /* buckets are of equal width in log(1 + x); set by the caller before the first
                     */
    double lo[FPM_MAX_FEATURES], hi[FPM_MAX_FEATURES]; /* range seen; never narrowed */
    size_t n;
    struct fpm_sample *rows, *spare; /* max_samples + 1 each */
};

/* n_features 1 or 2, max_samples >= 1; `buckets` is their number in all, a square for two features;
 * 0 acts as 1. */
enum status sample_table_init(struct sample_table *t, struct arena *arena, size_t n_features,
                              size_t max_samples, int64_t buckets, struct diag *d);
void sample_table_add(struct sample_table *t, const double x[], double wall_s);

#endif
