/* The progress line of a run on stderr: only on a terminal, only after a second, gone at the end.
 */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sim_progress;

struct progress {
    bool wanted, shown;
    int64_t start_ns, last_ns; /* monotonic clock */
    size_t n_before;           /* of the runs done: those that were so at the start */
};

int64_t progress_clock_ns(void);
void progress_init(struct progress *p, bool wanted);
/* Fits run_options.progress; `context` is a struct progress. */
void progress_update(void *context, const struct sim_progress *at);
/* Of many runs. Fits the progress of the studies; `context` is a struct progress. */
void progress_runs(void *context, size_t n_done, size_t n);
void progress_end(struct progress *p);

#endif
