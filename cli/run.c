#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/out_dir.h"
#include "cli/progress.h"
#include "reports/recorder.h"
#include "reports/summary.h"
#include "scenarios/build/build.h"
#include "scenarios/keys/scenario.h"
#include "sim/sim.h"
#include "util/units.h"

const struct cli_option run_options[] = {
    {"out", 'o', "DIR", "write the result files there; created if absent"},
    {"set", 's', "PATH=VALUE",
     "override a key of the scenario, e.g. policy.min_endpoint=2; may be repeated"},
    {"seed", '\0', "N", "the same as --set seed=N"},
    {"print-scenario", '\0', NULL, "print the scenario with every default filled in, and stop"},
    {"stepper", '\0', "HOW",
     "closed: runs of decode steps in one go; exact: one by one, slow, for comparison"},
    {"events", '\0', NULL, "with --out: also write events.jsonl, one line per event"},
    {"force", '\0', NULL, "use the --out folder whatever else it holds"},
    {"quiet", 'q', NULL, "print errors and missed expectations only"},
    {"no-color", '\0', NULL, "no colour; nor when NO_COLOR is set, or off a terminal"},
    {.name = NULL},
};

static enum status print_scenario(const struct scenario *scenario, struct diag *d)
{
    char folder[4096];

    if (!getcwd(folder, sizeof folder))
        return diag_fail(d, ST_IO, "cannot tell the working directory");
    scenario_print(scenario, folder, stdout);
    return ST_OK;
}

static struct run_performance measure(int64_t start_ns)
{
    struct rusage usage;
    struct run_performance p = {.wall_s = s_from_ns(progress_clock_ns() - start_ns)};

    getrusage(RUSAGE_SELF, &usage);
    p.cpu_s = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
              (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    p.peak_rss_mib = (double)usage.ru_maxrss / 1024;
    return p;
}

static bool wants_colour(const struct cli_args *args)
{
    const char *no_color = getenv("NO_COLOR");

    return !cli_flag(args, "no-color") && !(no_color && *no_color) && isatty(STDOUT_FILENO);
}

static enum status check_expectations(const struct scenario *scenario,
                                      const struct summary *summary)
{
    enum status s = ST_OK;

    for (size_t i = 0; i < scenario->expect.n; i++) {
        const struct expectation *e = &scenario->expect.item[i];
        double value;
        if (!summary_lookup(summary, e->key, &value)) {
            fprintf(stderr, "headroom: missed: expected %s, but there is no such figure\n",
                    e->text);
            s = ST_MISSED;
        } else if (!expectation_holds(e, value)) {
            fprintf(stderr, "headroom: missed: expected %s, but it is %.6g\n", e->text, value);
            s = ST_MISSED;
        }
    }
    return s;
}

static enum status choose_stepper(struct scenario_run *run, const struct cli_args *args,
                                  struct diag *d)
{
    const char *how = cli_value(args, "stepper");

    if (!how)
        return ST_OK;
    if (run->is_dynosim)
        return diag_fail(d, ST_INPUT, "option '--stepper' does not go with compat dynosim");
    run->config.exact_stepper = strcmp(how, "exact") == 0;
    if (!run->config.exact_stepper && strcmp(how, "closed") != 0)
        return diag_fail(d, ST_INPUT, "option '--stepper' must be closed or exact, not '%s'", how);
    return ST_OK;
}

/* The run itself: records in, summary out. */
static enum status simulate(struct scenario_run *run, struct recorder *recorder,
                            struct summary *summary, const struct cli_args *args, int64_t start_ns,
                            struct diag *d)
{
    struct observer observer = recorder_observer(recorder);
    struct run_result *result = ARENA_NEW(args->arena, 1, struct run_result);

    if (!result)
        return diag_nomem(d, "result");
    enum status s = scenario_run_simulate(run, &observer, result, d);
    if (s)
        return s;
    struct run_performance performance = measure(start_ns);
    s = summary_compute(summary, recorder, result, trace_digest(run->trace), &performance, d);
    return s ? s : recorder_finish(recorder, summary, d);
}

static enum status execute(struct scenario_run *run, const struct scenario *scenario,
                           const struct cli_args *args, int64_t start_ns, struct diag *d)
{
    const char *out = cli_value(args, "out");
    bool quiet = cli_flag(args, "quiet");
    struct summary *summary = ARENA_NEW(args->arena, 1, struct summary);
    struct progress progress;
    struct recorder *recorder;

    progress_init(&progress, !quiet);
    run->info.version = HEADROOM_VERSION;
    struct recorder_options options = {.info = &run->info,
                                       .out_dir = out,
                                       .want_events = cli_flag(args, "events"),
                                       .replace = true,
                                       .progress = progress_update,
                                       .progress_context = &progress};
    enum status s = summary ? ST_OK : diag_nomem(d, "summary");
    if (!s && out)
        s = out_dir_prepare(out, cli_flag(args, "force"), d);
    if (!s)
        s = recorder_open(&recorder, &options, d);
    if (s)
        return s;
    s = simulate(run, recorder, summary, args, start_ns, d);
    progress_end(&progress);
    if (!s && !quiet) {
        summary_print(summary, stdout, wants_colour(args));
        if (out)
            printf("\nFiles in %s: summary.json, requests.csv, timeline.csv, decisions.jsonl%s\n",
                   out, options.want_events ? ", events.jsonl" : "");
    }
    if (!s)
        s = check_expectations(scenario, summary);
    recorder_free(recorder);
    return s;
}

enum status run_run(const struct cli_args *args, struct diag *d)
{
    int64_t start_ns = progress_clock_ns();
    struct scenario *scenario;
    struct profile_search search;
    struct scenario_run run;

    enum status s = cli_load_scenario(&scenario, args, d);
    if (!s && cli_flag(args, "print-scenario"))
        return print_scenario(scenario, d);
    if (!s && cli_flag(args, "events") && !cli_value(args, "out"))
        s = diag_fail(d, ST_INPUT, "option '--events' needs --out DIR");
    if (!s)
        s = cli_profile_search(&search, args->arena, d);
    if (!s)
        s = scenario_build(&run, scenario, args->arena, &search, d);
    if (s)
        return s;
    s = choose_stepper(&run, args, d);
    if (!s)
        s = execute(&run, scenario, args, start_ns, d);
    scenario_run_release(&run);
    return s;
}
