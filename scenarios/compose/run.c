#include "scenarios/compose/run.h"

#include <math.h>

#include "record/observer_pair.h"
#include "reports/latencies.h"
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

struct running {
    const struct run_options *options;
    struct recorder *recorder;
    uint64_t n_missed; /* of the goal */
    bool gave_up;
};

static enum status count_missed(void *context, const struct request_record *q, struct diag *d)
{
    struct running *running = context;
    const struct run_goal *goal = running->options->goal;
    const struct request_latencies l = request_latencies(q, goal->ttft_ns, goal->tpot_ns);

    (void)d;
    if (!q->measured)
        return ST_OK;
    if (q->outcome == OUTCOME_COMPLETED)
        running->n_missed += !l.ttft_ok || !l.tpot_ok || l.e2e > goal->e2e_ns;
    else
        running->n_missed += goal->completion;
    return ST_OK;
}

static enum status on_progress(void *context, const struct sim_progress *p, struct diag *d)
{
    struct running *running = context;
    const struct run_options *options = running->options;

    enum status s = check_cancel(options, d);
    if (s)
        return s;
    if (options->progress)
        options->progress(options->progress_context, p);
    running->gave_up = options->goal && running->n_missed > options->goal->max_missed;
    return running->gave_up ? ST_END : ST_OK;
}

/* What a run fills, an item for each deployment. */
struct filled {
    struct summary *summary;
    struct summary *of; /* the deployments' own; not used where there is no key `deployments` */
    struct run_result *results;
    uint64_t *digests;
};

static enum status check_traffic(struct scenario_run *run, struct recorder *recorder,
                                 const struct run_result *results, struct arena *arena,
                                 struct diag *d)
{
    enum status s = ST_OK;

    for (size_t i = 0; i < run->config.n_deployments && !s; i++) {
        const struct recorder_totals *totals = recorder_totals(recorder, i);
        const struct checked checked = scenario_run_checked(run, i, arena);
        const struct traffic_seen traffic = {totals->n_records, s_from_ns(totals->last_arrival_ns)};
        s = scenario_check_traffic(&checked, &traffic, d);
        if (!s)
            s = scenario_check_stall(&checked, &results[i], d);
    }
    return s;
}

static enum status make_summary(struct filled *to, const struct scenario_run *run,
                                struct recorder *recorder,
                                const struct run_performance *performance, struct diag *d)
{
    if (!run->infos[0].deployment)
        return summary_compute(to->summary, recorder, &to->results[0], to->digests[0], performance,
                               d);
    return summary_compute_deployments(to->summary, to->of, run->config.n_deployments, &run->whole,
                                       recorder, to->results, to->digests, performance, d);
}

/* Records in, summary out. */
static enum status simulate(struct scenario_run *run, struct arena *arena, struct running *running,
                            struct filled *to, struct diag *d)
{
    const struct run_options *options = running->options;
    struct recorder *recorder = running->recorder;
    struct observer observer = recorder_observer(recorder);
    struct observer_pair with_events, with_watcher, with_goal;
    struct run_performance performance;

    enum status s = check_cancel(options, d);
    if (!s && options->trace_events) {
        with_events =
            (struct observer_pair){observer, trace_events_observer(options->trace_events)};
        observer = observer_of_pair(&with_events);
        s = trace_events_begin(options->trace_events, run->infos, run->config.n_deployments, d);
    }
    if (options->watcher) {
        with_watcher = (struct observer_pair){observer, options->watcher->observer};
        observer = observer_of_pair(&with_watcher);
        options->watcher->begin(options->watcher->context, &run->infos[0]);
    }
    if (options->goal) {
        with_goal = (struct observer_pair){observer, {.context = running, .request = count_missed}};
        observer = observer_of_pair(&with_goal);
    }
    if (!s)
        s = run->simulator->simulate(run, &observer, to->results, d);
    if (!s)
        s = check_cancel(options, d);
    if (!s && !running->gave_up) /* not all of it was seen */
        s = check_traffic(run, recorder, to->results, arena, d);
    if (s)
        return s;
    if (options->measure)
        performance = options->measure(options->measure_context);
    for (size_t i = 0; i < run->config.n_deployments && !options->no_digest; i++)
        to->digests[i] = request_source_digest(&run->deployments[i].requests.source);
    s = make_summary(to, run, recorder, options->measure ? &performance : NULL, d);
    if (options->replay) {
        options->replay->info = &run->infos[options->replay->deployment];
        options->replay->result = &to->results[options->replay->deployment];
        options->replay->wall_s = options->measure ? performance.wall_s : NAN;
    }
    if (!s && options->amend)
        s = options->amend(options->amend_context, run, to->summary, d);
    if (!s)
        s = recorder_finish(recorder, to->summary, d);
    if (!s && options->watcher)
        options->watcher->causes = recorder_take_causes(recorder, 0);
    return s;
}

static enum status run_built(struct filled *to, struct scenario_run *run, struct arena *arena,
                             const struct run_options *options, struct diag *d)
{
    struct running running = {.options = options};
    struct recorder_options recording = {
        .n_deployments = run->config.n_deployments,
        .info = run->infos,
        .out_dir = options->out_dir,
        .want_events = options->want_events,
        .keep_medians = options->keep_medians,
        .keep_parts = options->keep_parts || options->out_dir,
        .replace = true,
        .progress = on_progress,
        .progress_context = &running,
        .replay = options->replay,
    };
    struct recorder *recorder = NULL;

    BUG_IF(options->exact_stepper && !run->simulator->has_exact_stepper);
    BUG_IF((options->source || options->watcher || options->goal) && run->config.n_deployments > 1);
    BUG_IF(options->replay && options->replay->deployment >= run->config.n_deployments);
    run->config.exact_stepper = options->exact_stepper;
    run->whole.version = options->version;
    for (size_t i = 0; i < run->config.n_deployments; i++)
        run->infos[i].version = options->version;
    if (options->source)
        run->deployments[0].requests.source = *options->source;
    enum status s = recorder_open(&recorder, &recording, d);
    running.recorder = recorder;
    if (!s)
        s = simulate(run, arena, &running, to, d);
    if (!s && options->end)
        *options->end = running.gave_up             ? RUN_GAVE_UP
                        : to->results[0].stopped[0] ? RUN_STOPPED
                                                    : RUN_WHOLE;
    if (!s)
        s = summary_keep_timeline(to->summary, to->of, arena, d);
    recorder_free(recorder);
    return s;
}

enum status run_scenario(const struct summary **summary, const struct scenario *scenario,
                         struct arena *arena, struct run_resources *resources,
                         const struct run_options *options, struct diag *d)
{
    size_t n = scenario_n_deployments(scenario);
    struct scenario_run *run = ARENA_NEW(arena, 1, struct scenario_run);
    struct filled to = {.summary = ARENA_NEW(arena, 1, struct summary),
                        .of = ARENA_NEW(arena, scenario->n_deployments, struct summary),
                        .results = ARENA_NEW(arena, n, struct run_result),
                        .digests = ARENA_NEW(arena, n, uint64_t)};

    if (!run || !to.summary || !to.of || !to.results || !to.digests)
        return diag_nomem(d, "run");
    enum status s = scenario_build(run, scenario, arena, resources, options->share_trace, d);
    if (s)
        return s;
    s = run_built(&to, run, arena, options, d);
    scenario_run_release(run);
    *summary = to.summary;
    return s;
}
