/* A run as a function: scenario in, summary out; files too, where asked for.
 *
 * It has no state but its arguments. Runs on several threads go on at the same time, each with an
 * arena and options of its own; scenarios and resources may be shared. The same scenario gives the
 * same summary and the same files, whatever runs beside it and whether its trace is shared or not.
 */
#ifndef SCENARIOS_COMPOSE_RUN_H
#define SCENARIOS_COMPOSE_RUN_H

#include <stdatomic.h>
#include <stdbool.h>

#include "record/observer.h"
#include "reports/summary.h"
#include "scenarios/compose/resources.h"
#include "scenarios/keys/scenario.h"
#include "util/arena.h"
#include "util/status.h"

struct replay_report;
struct scenario_run;
struct trace_events;

/* Whoever keeps something of a run for himself while it goes on. */
struct run_watcher {
    void *context;
    /* Before it begins; `info` lasts until it is over. */
    void (*begin)(void *context, const struct run_info *info);
    struct observer observer;
    struct causes *causes; /* set when the run is over: of its requests; the watcher's from then on.
                              NULL: it kept no parts */
};

enum run_end {
    RUN_WHOLE,   /* with its last request */
    RUN_STOPPED, /* by a limit: the summary has a note of it */
    RUN_GAVE_UP  /* it could no longer have what it was for */
};

/* What a run is for. It ends soon after more measured requests than `max_missed` have missed: its
 * figures are then those of a run that was stopped there, with requests in flight. Of one
 * deployment. */
struct run_goal {
    int64_t ttft_ns, tpot_ns, e2e_ns; /* those that completed miss with more; INT64_MAX = any */
    bool completion;                  /* those that did not complete miss, too */
    uint64_t max_missed;
};

struct run_options {
    const char *version; /* of this program, for the summary */
    const char
        *out_dir; /* created if absent; files of an earlier run in it are replaced; NULL = none */
    bool want_events;  /* events.jsonl too */
    bool keep_medians; /* of TTFT over time, for summary_print */
    bool keep_parts;   /* of requests; with out_dir they are kept anyway */
    /* Its requests instead of the scenario's; NULL = those of the scenario. */
    const struct request_source *source;
    bool share_trace;   /* whole, out of the resources; false: as a stream, in little memory */
    bool no_digest;     /* of the trace: it stays 0 in the summary */
    bool exact_stepper; /* of a simulator that has one: slow, for comparison */
    const atomic_bool *cancel;   /* looked at now and then, and the run ends when it is set; NULL =
                                    never */
    const struct run_goal *goal; /* looked at now and then; NULL = none */
    enum run_end *end;           /* filled; NULL = not asked for */
    void (*progress)(void *context, const struct sim_progress *p); /* now and then; NULL = none */
    void *progress_context;
    /* What the run took, asked for at its end and written to performance.json. NULL: no such file,
     * and those figures of the summary are NaN. */
    struct run_performance (*measure)(void *context);
    void *measure_context;
    struct replay_report *replay; /* filled (reports/replay_report.h); NULL = none */
    struct trace_events
        *trace_events; /* told of the run, too (reports/trace_events/trace_events.h); NULL = none */
    struct run_watcher *watcher; /* told of the run, too; NULL = none */
    /* The run is over and its figures are there, but not written yet: may add to them what it takes
     * other runs to tell. NULL = none. */
    enum status (*amend)(void *context, const struct scenario_run *run, struct summary *summary,
                         struct diag *d);
    void *amend_context;
};

/* The summary is in the arena and borrows from the scenario, the resources and the version.
 * ST_CANCELLED: no file is left behind, or those of an earlier run as they were. Other errors name
 * the key at fault, the line of the trace, or the file. */
enum status run_scenario(const struct summary **summary, const struct scenario *scenario,
                         struct arena *arena, struct run_resources *resources,
                         const struct run_options *options, struct diag *d);

#endif
