/* What can be seen from outside: traffic counters by window, and per-worker gauges. */
#ifndef SIM_METRICS_H
#define SIM_METRICS_H

#include "sim/state/state.h"

struct metrics {
    struct traffic_counters
        *history; /* snapshots (or scrapes), oldest first, for the policy's windows */
    uint32_t first_history, n_history, history_capacity; /* those before the first are dropped */
    struct traffic_counters window_start, sample_start;
    struct first_tokens window_first_tokens; /* as of window_start */
    struct worker_gauges *gauges;
    uint32_t gauges_capacity;
    struct fpm_record *passes;
    uint32_t passes_capacity;
};

void metrics_release(struct metrics *m);
struct traffic_window traffic_since(const struct traffic_counters *now,
                                    const struct traffic_counters *start);
/* The counters as metrics_sync would leave them, without it. */
struct traffic_counters metrics_look(const struct deployment *d);
enum status metrics_sync(struct deployment *d);     /* commit every worker's steps up to now */
bool metrics_out(const struct deployment *d);       /* nothing can be read now */
enum status metrics_snapshot(struct deployment *d); /* remember the counters as of now */
enum status
metrics_begin(struct deployment *d); /* the first snapshot, or the first scrape on its way */
enum status metrics_expect_call(
    struct deployment *d); /* of the policy: its window may begin between now and then */
enum status metrics_scrape(struct deployment *d); /* that is due, and the next on its way */
/* Traffic of the last window_ns, as far as it can be known. */
struct traffic_window metrics_window(const struct deployment *d, int64_t window_ns);
enum status metrics_gauges(struct deployment *d, size_t *n);
/* Of the ready workers; every worker is up to date. */
enum status metrics_passes(struct deployment *d, struct policy_input *input);

#endif
