/* A study: many runs of variants of scenarios, mostly of one, on several threads. What every verb
 * over many runs stands on: variants in, figures out.
 *
 * Rows are placed by the index of their variant, so that a study gives the same bytes on any number
 * of threads. A variant that cannot be run is a row with a message, not the end of the study. What
 * runs have in common (traces, profiles, latency models) is loaded once and shared; everything else
 * of a run is freed when it ends, but for the figures asked for. */
#ifndef STUDIES_STUDY_H
#define STUDIES_STUDY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "scenarios/compose/resources.h"
#include "scenarios/compose/run.h"
#include "scenarios/keys/scenario.h"
#include "util/arena.h"
#include "util/status.h"

/* What is different in one run. Borrowed. */
struct study_variant {
    size_t n_overrides;
    const struct scenario_override *overrides; /* win over those of the source */
    const struct scenario_source *source;      /* NULL = that of the study */
    const struct run_goal *goal; /* the run ends when that is out of reach; NULL = it has none */
};

/* What one of them is read from: its own source, or `base`; overrides of the source, then those of
 * the variant. ST_NOMEM. */
enum status study_source(struct scenario_source *source, struct arena *arena,
                         const struct scenario_source *base, const struct study_variant *variant,
                         struct diag *d);

/* What became of one run. */
struct study_row {
    enum status status;    /* ST_CANCELLED: not run to its end */
    const char *message;   /* NULL = it went well */
    const double *figures; /* by the keys of the study, NaN where there is no such figure; NULL
                              unless it went well */
    enum run_end end;      /* if it went well */
};

struct study_options {
    const struct scenario_source *source; /* of the variants that have none of their own */
    size_t n_variants;
    const struct study_variant *variants;
    size_t n_keys;
    const char *const *keys; /* of summary.json, as summary_lookup takes them */
    struct run_resources *resources;
    size_t n_threads;          /* >= 1; no more than there are variants are used */
    const atomic_bool *cancel; /* looked at now and then, and the study ends when it is set; NULL =
                                  never */
    /* After each run, in the order in which they end and one call at a time, but on any thread;
     * false ends the study. NULL = none. */
    bool (*row_done)(void *context, size_t index, const struct study_row *row);
    void *context;
};

/* May be called as often as wanted on the same resources, which keep what was loaded: a call costs
 * a thread for each but one of n_threads. Rows by index, in the arena, which other threads use
 * while the study goes on. ST_OK also when every row failed; ST_CANCELLED with the rows that were
 * done; ST_NOMEM. */
enum status study_run(const struct study_row **rows, struct arena *arena,
                      const struct study_options *options, struct diag *d);

#endif
