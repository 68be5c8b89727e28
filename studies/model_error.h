/* What a run's figures would be, were the model of its engines as wrong as it was on measured
 * points. */
#ifndef STUDIES_MODEL_ERROR_H
#define STUDIES_MODEL_ERROR_H

#include "reports/summary.h"
#include "scenarios/compose/build.h"
#include "studies/study.h"

/* Fewer runs do not tell where 90 of 100 lie. */
enum { MODEL_ERROR_MIN_RUNS = 19 };

/* Runs the scenario so many times, each with one pair of factors for the prompts and the running
 * sequences of an engine, drawn from the entry of model_error.yaml that fits its profile; pools
 * with the same entry have the same pair. Draw i is the same whatever their number.
 *
 * `base` says how: its variants and keys are not looked at. `run` is the scenario's own run, as it
 * was built. The intervals have every result of the summary that each of the runs has, and borrow
 * from `run`. ST_INPUT when no entry fits, or the scenario has engines that are not ours (compat
 * dynosim); the message of the first run that failed. */
enum status study_model_error(const struct summary_intervals **intervals, struct arena *arena,
                              const struct scenario *scenario, const struct scenario_run *run,
                              const struct study_options *base, size_t n_runs, struct diag *d);

#endif
