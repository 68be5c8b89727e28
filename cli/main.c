#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/interrupt.h"
#include "studies/compare/compare.h"

const struct cli_verb cli_verbs[] = {
    {.name = "run",
     .words = "SCENARIO",
     .min_words = 1,
     .max_words = 1,
     .summary = "replay a trace against a fleet with a scaling policy in the loop",
     .details = "Prints what the users would have felt and what the GPUs would have cost. With "
                "--out also writes summary.json, performance.json (what the run took), "
                "requests.csv, timeline.csv, workers.csv, windows.csv, decisions.jsonl and "
                "report.html, the page "
                "of the run. The keys of a scenario are "
                "listed by 'headroom list keys'. Exit status: 0 done and all expectations held, "
                "1 an expectation was missed, 2 bad input or usage, 3 I/O or memory, 130 or 143 "
                "stopped by Ctrl-C or SIGTERM.",
     .options = run_options,
     .run = run_run},
    {.name = "sweep",
     .words = "SCENARIO",
     .min_words = 1,
     .max_words = 1,
     .summary = "run a scenario over a grid or a sample of settings; all figures as a table",
     .details =
         "KEY is any key that --set takes. SPEC is a list a,b,c; LO..HI:STEP; LO..HI:log:N; with "
         "--sample also LO..HI or LO..HI:log. DIR gets results.csv and results.h5, a row for each "
         "run. Rows are kept as they come: what was stopped, by whatever, goes on with --resume, "
         "to the same results. A setting that cannot be run is a row with its message. --shard "
         "I/N (I from 1) runs every N-th run, 'headroom sweep merge' puts the shards together; "
         "without it the shard is that of a Slurm job array (SLURM_ARRAY_TASK_ID, _MIN, _COUNT), "
         "and auto/N takes I from there or from a Kubernetes Indexed Job (JOB_COMPLETION_INDEX). "
         "See docs/sweep.md and docs/scale-out.md.",
     .options = sweep_options,
     .run = sweep_run,
     .verbs = sweep_verbs},
    {.name = "tune",
     .words = "SCENARIO",
     .min_words = 1,
     .max_words = 1,
     .summary = "which settings to use: searched on one part of the trace, judged on another",
     .details =
         "Settings of the --vary keys are tried on replicates of the traffic (docs/traffic.md), "
         "the promising ones raced against each other and the scenario's own, and the cheapest "
         "that keeps every bound is recommended, with what it did on a part of the trace that the "
         "search never saw. Without a goal: --minimize gpu_hours.total --subject-to "
         "'attainment.overall>=0.95'. Exit status: 0 a setting was found that keeps the bounds, 1 "
         "none was, 2 bad input or usage, 3 I/O or memory (docs/tuning.md).",
     .options = tune_options,
     .run = tune_run},
    {.name = "size",
     .words = "SCENARIO",
     .min_words = 1,
     .max_words = 1,
     .summary = "what to buy: the smallest fleet that meets a target, engine by engine",
     .details =
         "The scenario's traffic is replayed against static fleets of each engine (--profiles, "
         "--model, --gpu) and topology at each load, until the smallest is found that meets the "
         "target; they are ranked by cost per day. The range is where the answer lies in other "
         "courses of the traffic (--replicates) and with the error that the profile is known to "
         "have. --policy holds a policy in the loop against them on the same courses. Exit status: "
         "0 each load has a fleet, 1 one has none, 2 bad input or usage, 3 I/O "
         "or memory (docs/sizing.md).",
     .options = size_options,
     .run = size_run},
    {.name = "compare",
     .words = "A [B ...]",
     .min_words = 1,
     .max_words = COMPARE_MAX_RUNS,
     .summary = "runs beside each other: what differs, how sure, where and why they part",
     .details =
         "A, B: folders that 'run --out' wrote, or scenarios. Or one scenario and --variant for "
         "each change to it. The first is what the others are held against. Scenarios are run, and "
         "with --replicates on other courses of their traffic too, the same ones for all: the "
         "intervals are of the mean difference, and hold all at once. Folders are one run each: a "
         "sample, and no interval. Shown are the main figures, the windows in which the runs part, "
         "the first decision that differs with what it rests on and what followed, and the "
         "requests "
         "that got worse. Exit status: 0 done, whatever differs; 2 bad input or usage, 3 I/O or "
         "memory (docs/compare.md).",
     .options = compare_options,
     .run = compare_run},
    {.name = "explain",
     .words = "DIR",
     .min_words = 1,
     .max_words = 1,
     .summary = "why requests missed their targets: of a run, a minute of it, a request",
     .details =
         "DIR is a folder that 'run --out' wrote. Each request that was not served within both "
         "targets has one cause, out of where its time went, what the policy decided and what "
         "became of the workers (docs/causes.md). Exit status: 0 done; 2 bad input or usage, a "
         "run that did not keep it among it; 3 I/O or memory.",
     .options = explain_options,
     .run = explain_run},
    {.name = "check",
     .words = "SCENARIO...",
     .min_words = 1,
     .max_words = CLI_MANY_WORDS,
     .summary = "the gate of a CI: what scenarios expect holds, and nothing is worse than before",
     .details =
         "Every scenario is run; its 'expect' must hold, and what its 'compare' names may be no "
         "worse than the baseline by more than it allows, or, with 'statistical', by more than "
         "noise can be. The baseline is a text to keep under version control: FILE, or "
         "baseline.txt beside the first scenario; --update writes the figures of these scenarios "
         "into it and keeps those of others. Reports replace earlier ones of the same kind, other "
         "files only with --force. Exit status: 0 all held, 1 something was missed, 2 bad input or "
         "usage, 3 I/O or memory (docs/ci.md).",
     .options = check_options,
     .run = check_run},
    {.name = "report",
     .words = "RESULTS",
     .min_words = 1,
     .max_words = 1,
     .summary = "the page for a browser of results that are on disk",
     .details =
         "RESULTS is the folder that --out of run, sweep or tune named, or the file of 'size "
         "--json'. "
         "The page is one file and asks for nothing else: report.html in the folder, the same that "
         "the verb wrote there itself, or FILE.html beside FILE.json. Its path is printed. Exit "
         "status: 0 done, 2 there are no such results, 3 I/O or memory.",
     .options = report_options,
     .run = report_run},
    {.name = "plan",
     .words = "SCENARIO",
     .min_words = 1,
     .max_words = 1,
     .summary = "the planner's dry run: forecasts and replicas per interval of the trace",
     .details =
         "Nothing is simulated: the planner is shown the trace interval by interval, and replicas "
         "take effect at once. Forecast errors are over the intervals after the first: mae; mape "
         "(intervals without requests left out); bias (above 0: too much was forecast); pinball "
         "loss for the quantiles 0.5 and 0.9 (where too little costs nine times as much as too "
         "much). 'short' counts intervals with fewer replicas than the planner would have asked "
         "for had it known the traffic. With --all-predictors, CSV is the table of errors.",
     .options = plan_options,
     .run = plan_run},
    {.name = "calibrate",
     .words = "PROFILE",
     .min_words = 1,
     .max_words = 1,
     .summary = "fit the overheads of an engine to what was measured of it",
     .details =
         "Measured points are simulated with PROFILE (a bundled name, or a path), and host times, "
         "time before the engine and factors of GPU time are fitted to their mean TTFT and TPOT. "
         "A file is one of: a result of 'vllm bench serve --save-result --save-detailed'; AIPerf's "
         "profile_export.jsonl; CSV with the columns isl_tok, osl_tok, mean_ttft_ms, mean_tpot_ms "
         "and concurrency or request_rate. What the points cannot tell is kept and said. The "
         "overlay goes to 'headroom run --overlay' (docs/calibration.md).",
     .options = calibrate_options,
     .run = calibrate_run},
    {.name = "profile", .summary = "engine profiles: list, show, convert", .verbs = profile_verbs},
    {.name = "trace", .summary = "request traces: info", .verbs = trace_verbs},
    {.name = "list",
     .words = "WHAT",
     .max_words = 1,
     .summary = "what there is to choose from: policies, predictors, routers, ...",
     .details =
         "WHAT: predictors, policies, routers, arbiters, latency-models, trace-formats, fixes, "
         "profiles, presets, keys (reference of the scenario file, Markdown), schema (its JSON "
         "Schema), "
         "verbs "
         "(with their options). Without WHAT: policies to fixes, one after the other.",
     .run = list_run},
    {.name = "help",
     .words = "[VERB]",
     .max_words = 3,
     .summary = "this list, or how to use a verb",
     .run = help_run},
    {.name = "version",
     .summary = "version of this program and of its libraries",
     .run = version_run},
    {.name = NULL},
};

/* What was printed may still be in a buffer, and the disk full. */
static enum status flush_output(struct diag *d)
{
    if (fflush(stdout) != 0 || ferror(stdout))
        return diag_fail(d, ST_IO, "cannot write to standard output: %s", strerror(errno));
    return ST_OK;
}

int main(int argc, char **argv)
{
    struct diag d;

    diag_init(&d);
    enum status s = cli_main(argc, argv, &d);
    if (s == ST_OK || s == ST_MISSED) {
        enum status flushed = flush_output(&d);
        s = flushed ? flushed : s;
    }
    if (s == ST_CANCELLED)
        return 128 + interrupt_signal(); /* as a shell has it */
    if (d.status != ST_OK)
        terminal_line(stderr, "headroom: error: %s", d.text);
    return status_exit_code(s);
}
