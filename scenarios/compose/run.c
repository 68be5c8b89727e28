#include "scenarios/compose/run.h"

#include <math.h>

#include "record/observer_pair.h"
#include "reports/recorder.h"
#include "reports/replay_report.h"
#include "reports/trace_events/trace_events.h"
#include "scenarios/compose/build.h"
#include "scenarios/keys/simulator.h"
#include "util/bug.h"
#include "util/units.h"

static enum status check_cancel(const struct run_options *options, struct diag *d)
{
    return options->cancel && atomic_load(options->cancel) ? diag_fail(d, ST_CANCELLED, "stopped")
                                                           : ST_OK;
}

static enum status on_progress(void *context, const struct sim_progress *p, struct diag *d)
{
    const struct run_options *options = context;

    enum status s = check_cancel(options, d);
    if (s)
        return s;
    if (options->progress)
        options->progress(options->progress_context, p);
    return ST_OK;
}

/* Records in, summary out. */
static enum status simulate(struct scenario_run *run, const struct checked *checked,
                            struct recorder *recorder, struct summary *summary,
                            struct run_result *result, const struct run_options *options,
                            struct diag *d)
{
    struct observer observer = recorder_observer(recorder);
    struct observer_pair with_events, with_watcher;
    const struct recorder_totals *totals = recorder_totals(recorder);
    struct run_performance performance;

    enum status s = check_cancel(options, d);
    if (!s && options->trace_events) {
        with_events =
            (struct observer_pair){observer, trace_events_observer(options->trace_events)};
        observer = observer_of_pair(&with_events);
        s = trace_events_begin(options->trace_events, &run->info, d);
    }
    if (options->watcher) {
        with_watcher = (struct observer_pair){observer, options->watcher->observer};
        observer = observer_of_pair(&with_watcher);
        options->watcher->begin(options->watcher->context, &run->info);
    }
    if (!s)
        s = run->simulator->simulate(run, &observer, result, d);
    if (!s)
        s = check_cancel(options, d);
    if (s)
        return s;
    struct traffic_seen traffic = {totals->n_records, s_from_ns(totals->last_arrival_ns)};
    s = scenario_check_traffic(checked, &traffic, d);
    if (s)
        return s;
    if (options->measure)
        performance = options->measure(options->measure_context);
    uint64_t digest = options->no_digest ? 0 : request_source_digest(&run->requests.source);
    s = summary_compute(summary, recorder, result, digest, options->measure ? &performance : NULL,
                        d);
    if (options->replay) {
        options->replay->info = &run->info;
        options->replay->result = result;
        options->replay->wall_s = options->measure ? performance.wall_s : NAN;
    }
    if (!s && options->amend)
        s = options->amend(options->amend_context, run, summary, d);
    if (!s)
        s = recorder_finish(recorder, summary, d);
    if (!s && options->watcher)
        options->watcher->causes = recorder_take_causes(recorder);
    return s;
}

enum status run_scenario(const struct summary **summary, const struct scenario *scenario,
                         struct arena *arena, struct run_resources *resources,
                         const struct run_options *options, struct diag *d)
{
    struct scenario_run *run = ARENA_NEW(arena, 1, struct scenario_run);
    struct run_result *result = ARENA_NEW(arena, 1, struct run_result);
    struct summary *figures = ARENA_NEW(arena, 1, struct summary);
    struct recorder_options recording = {
        .info = run ? &run->info : NULL,
        .out_dir = options->out_dir,
        .want_events = options->want_events,
        .keep_medians = options->keep_medians,
        .replace = true,
        .progress = on_progress,
        .progress_context = (void *)options,
        .replay = options->replay,
    };
    struct recorder *recorder = NULL;

    if (!run || !result || !figures)
        return diag_nomem(d, "run");
    enum status s = scenario_build(run, scenario, arena, resources, options->share_trace, d);
    if (s)
        return s;
    BUG_IF(options->exact_stepper && !run->simulator->has_exact_stepper);
    run->config.exact_stepper = options->exact_stepper;
    recording.keep_parts = (options->keep_parts || options->out_dir) && run->simulator->keeps_parts;
    run->info.version = options->version;
    if (options->source)
        run->requests.source = *options->source;
    struct checked checked = scenario_run_checked(run, scenario, arena);
    s = recorder_open(&recorder, &recording, d);
    if (!s)
        s = simulate(run, &checked, recorder, figures, result, options, d);
    if (!s)
        s = summary_keep_timeline(figures, arena, d);
    recorder_free(recorder);
    scenario_run_release(run);
    *summary = figures;
    return s;
}
