/* A sweep: the runs of a grid or a sample of settings, each for several seeds and replicates of the
 * traffic, as rows on disk.
 *
 * The folder of a sweep holds study.json, which says what the sweep is; runs.journal with the rows
 * so far; and, when all of its runs are done, results.csv and results.h5. The same sweep gives the
 * same results, whatever ran it: threads, processes, shards, or a process that was killed and
 * another that went on.
 *
 *     sweep_plan(&sweep, arena, &definition, d);
 *     sweep_open(&journal, &sweep, dir, resume, d);
 *     sweep_execute(&sweep, journal, &running, d);
 *     sweep_write(&outcome, arena, &sweep, journal, dir, d);
 *     journal_close(journal); */
#ifndef STUDIES_SWEEP_SWEEP_H
#define STUDIES_SWEEP_SWEEP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "studies/journal.h"
#include "studies/space.h"
#include "studies/study.h"
#include "studies/sweep/definition.h"

enum { SWEEP_MAX_RUNS = 10000000 };

/* Run i is of variant i / (n_seeds n_replicates), a setting of the space; for each of them
 * replicates go round before seeds. */
struct sweep {
    const struct sweep_definition *definition;
    struct space space;
    const double *sample; /* by variant and knob; NULL: the grid */
    uint64_t n_variants, n_seeds, n_replicates, n_runs;
    const char *text; /* of the definition */
    struct journal_shape shape;
};

/* The definition is borrowed. ST_INPUT: a knob, a range without a step, a key that is varied and a
 * column of its own, more than SWEEP_MAX_RUNS. */
enum status sweep_plan(struct sweep *sweep, struct arena *arena,
                       const struct sweep_definition *definition, struct diag *d);

/* Runs of the shard, and the i-th of them. */
uint64_t sweep_n_own(const struct sweep *sweep);
uint64_t sweep_own(const struct sweep *sweep, uint64_t i);

uint64_t sweep_variant_of(const struct sweep *sweep, uint64_t index);
int64_t sweep_seed_of(const struct sweep *sweep, uint64_t index);
int64_t sweep_replicate_of(const struct sweep *sweep, uint64_t index);
/* A knob's value in a run, in the arena or the knob's. NULL when memory is out. */
const char *sweep_value_of(const struct sweep *sweep, uint64_t index, size_t knob,
                           struct arena *arena);
/* What is different in a run, in the arena. ST_NOMEM. */
enum status sweep_variant(struct study_variant *variant, const struct sweep *sweep, uint64_t index,
                          struct arena *arena, struct diag *d);

/* ---- the folder ---- */

/* Made, or with `resume` gone on with when it is of the same sweep and shard. ST_INPUT, with
 * everything as it was: it holds something else, or `resume` is false and it is not empty. ST_IO.
 */
enum status sweep_open(struct journal **journal, const struct sweep *sweep, const char *dir,
                       bool resume, struct diag *d);

/* The sweep of a folder, by its study.json. ST_INPUT: it has none of this version. */
enum status sweep_read(struct sweep *sweep, struct sweep_definition *definition,
                       struct arena *arena, const char *dir, struct diag *d);

/* Definitions of the folders of shards, and their rows put together in a new folder: the results
 * are those of the sweep in one piece. ST_INPUT: a run is in two of them, or in none; a folder is
 * of another sweep, or none at all. */
enum status sweep_merge(struct sweep *sweep, struct journal **journal, struct arena *arena,
                        const char *const *dirs, size_t n_dirs, const char *to, struct diag *d);

/* ---- runs ---- */

struct sweep_running {
    const struct scenario_source *source;
    struct run_resources *resources;
    size_t n_threads;
    const atomic_bool *cancel; /* NULL = never */
    /* After each run, one call at a time, on any thread; NULL = none. */
    void (*progress)(void *context, uint64_t n_done, uint64_t n);
    void *context;
};
/* What is not done yet of the shard. ST_OK also when every run failed; ST_CANCELLED; ST_IO when the
 * journal cannot be written. */
enum status sweep_execute(const struct sweep *sweep, struct journal *journal,
                          const struct sweep_running *running, struct diag *d);

/* ---- results ---- */

/* The least and the greatest mean of a figure over the runs of a variant, and which variants have
 * it. One of which a run has no such figure does not count. */
struct sweep_extremes {
    bool known; /* the sweep has the figure, and some variant too */
    double low, high;
    uint64_t low_at, high_at;
};
struct sweep_outcome {
    uint64_t n_rows, n_failed;
    const char *first_message; /* of the first that failed, in the arena; NULL = none did */
    struct sweep_extremes attainment, gpu_hours;
};
/* results.csv and results.h5 of the shard's runs, all of which are done. */
enum status sweep_write(struct sweep_outcome *outcome, struct arena *arena,
                        const struct sweep *sweep, struct journal *journal, const char *dir,
                        struct diag *d);

#endif
