/* The panels over time of a run's page. */
#ifndef PAGES_RUN_RUN_PANELS_H
#define PAGES_RUN_RUN_PANELS_H

#include "pages/html/series.h"
#include "pages/run/run_page_internal.h"

/* Which windows are shaded: those that missed this target, or one of them. */
enum run_miss { RUN_MISS_TTFT, RUN_MISS_TPOT, RUN_MISS_ANY, N_RUN_MISSES };

/* What the panels have in common. */
struct run_panels {
    const struct run_view *v;
    size_t n_bands[N_RUN_MISSES];
    struct series_band *bands[N_RUN_MISSES];
    size_t n_moves[POLICY_MAX_POOLS]; /* of each pool: how often its target was changed */
    size_t n_marks[POLICY_MAX_POOLS]; /* those that are drawn */
    struct series_mark *marks[POLICY_MAX_POOLS];
    size_t n_samples[POLICY_MAX_POOLS]; /* of each pool */
    double *at_s[POLICY_MAX_POOLS];
};

/* ST_NOMEM. */
enum status run_panels_find_bands(struct run_panels *p);
/* A panel with the bands of those windows; lines without y mean that memory was out. */
enum status run_panels_draw(const struct run_panels *p, struct series_panel *panel,
                            enum run_miss shaded);

/* Where a pool was short of capacity, and where it had more than the load needed. */
enum status run_panels_capacity(const struct run_panels *p);
/* What the policy forecast and estimated, against what it saw. */
enum status run_panels_estimates(const struct run_panels *p);

#endif
