#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/interrupt.h"
#include "cli/out_dir.h"
#include "cli/progress.h"
#include "cli/report.h"
#include "cli/trace_events.h"
#include "pages/run/run_page.h"
#include "reports/out_file.h"
#include "reports/replay_report.h"
#include "reports/summary.h"
#include "scenarios/compose/run.h"
#include "scenarios/keys/scenario.h"
#include "scenarios/keys/simulator.h"
#include "studies/chance.h"
#include "util/units.h"

const struct cli_option run_options[] = {
    {"out", 'o', "DIR", "write the result files there; created if absent"},
    {"set", 's', "PATH=VALUE",
     "override a key of the scenario, e.g. policy.min_endpoint=2; may be repeated"},
    CLI_OVERLAY,
    CLI_SEED,
    {"replicates", '\0', "R",
     "R more runs, each with another course that the traffic might have taken: intervals for every "
     "figure"},
    {"model-error", '\0', "N",
     "N more runs, each with an engine as far off as ours was from measured ones: intervals; with "
     "--replicates each run has both, and N = R"},
    {"jobs", 'j', "J", "threads for those runs; as many as there are cores when not given"},
    {"print-scenario", '\0', NULL, "print the scenario with every default filled in, and stop"},
    {"stepper", '\0', "HOW",
     "closed: runs of decode steps in one go; exact: one by one, slow, for comparison"},
    {"events", '\0', NULL, "with --out: also write events.jsonl, one line per event"},
    {"no-report", '\0', NULL,
     "with --out: without report.html, the page of the run ('headroom report DIR' makes it later)"},
    {"report-json", '\0', "FILE",
     "also write the figures with the keys of dynamo.replay's report (docs/replay-report.md)"},
    {"report-jsonl", '\0', "FILE", "also write a line for each request as dynamo.replay does"},
    {"deployment", '\0', "NAME", "of several: which one --report-json and --report-jsonl tell of"},
    CLI_TRACE_EVENTS,
    {"force", '\0', NULL,
     "use the --out folder whatever else it holds, and replace the files of --report-json, "
     "--report-jsonl and --trace-events"},
    {"quiet", 'q', NULL, "print errors and missed expectations only"},
    CLI_NO_COLOR,
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

static struct run_performance measure(void *start_ns)
{
    struct rusage usage;
    struct run_performance p = {.wall_s =
                                    s_from_ns(progress_clock_ns() - *(const int64_t *)start_ns)};

    getrusage(RUSAGE_SELF, &usage);
    p.cpu_s = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
              (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    p.peak_rss_mib = (double)usage.ru_maxrss / 1024;
    return p;
}

static enum status check_expectations(const struct scenario *scenario,
                                      const struct summary *summary)
{
    enum status s = ST_OK;

    for (size_t i = 0; i < scenario->expect.n; i++) {
        const struct expectation *e = &scenario->expect.item[i];
        double value;
        if (!summary_lookup(summary, e->key, &value) || isnan(value)) {
            fprintf(stderr,
                    "headroom: missed: expected %s, but this run has no such figure (no request "
                    "that it could be of)\n",
                    e->text);
            s = ST_MISSED;
        } else if (!expectation_holds(e, value)) {
            terminal_line(stderr, "headroom: missed: expected %s, but it is %.6g", e->text, value);
            s = ST_MISSED;
        }
    }
    return s;
}

static enum status choose_stepper(bool *exact, const struct scenario *scenario,
                                  const struct cli_args *args, struct diag *d)
{
    const char *how = cli_value(args, "stepper");

    if (!how)
        return ST_OK;
    if (!simulator_find(scenario->compat)->has_exact_stepper)
        return diag_fail(d, ST_INPUT, "option '--stepper' does not go with compat %s",
                         scenario->compat);
    *exact = strcmp(how, "exact") == 0;
    if (!*exact && strcmp(how, "closed") != 0)
        return diag_fail(d, ST_INPUT, "option '--stepper' must be closed or exact, not '%s'", how);
    return ST_OK;
}

/* The runs that come after the scenario's own. */
struct more_runs {
    const struct scenario *scenario;
    const struct cli_args *args;
    struct study_options study;
    struct progress *progress;
    const struct chance *which[N_CHANCES + 1]; /* ended by NULL */
    size_t n, n_done;
};

static bool count_run(void *context, size_t index, const struct study_row *row)
{
    struct more_runs *m = context;

    (void)index, (void)row;
    progress_runs(m->progress, ++m->n_done, m->n);
    return true;
}

static enum status add_intervals(void *context, const struct scenario_run *run,
                                 struct summary *summary, struct diag *d)
{
    struct more_runs *m = context;
    const struct chance_setup setup = {m->args->arena, m->scenario, run};

    progress_end(m->progress);
    progress_init(m->progress, m->progress->wanted);
    return chance_intervals(&summary->intervals, &setup, m->which, m->n, &m->study, d);
}

static enum status choose_chances(struct more_runs *m, const struct cli_args *args, struct diag *d)
{
    enum { MAX_RUNS = 10000 };
    size_t n_which = 0;
    long long n;

    for (size_t i = 0; chances[i]; i++) {
        const struct chance *c = chances[i];
        enum status s = cli_integer(args, c->option, (long long)c->min_runs, MAX_RUNS, 0, &n, d);
        if (s)
            return s;
        if (n && m->n && (size_t)n != m->n)
            return diag_fail(d, ST_INPUT,
                             "options '--%s' and '--%s' are of the same runs; expected the same "
                             "number, not %zu and %lld",
                             m->which[0]->option, c->option, m->n, n);
        if (n) {
            m->n = (size_t)n;
            m->which[n_which++] = c;
        }
    }
    return ST_OK;
}

static enum status choose_more_runs(struct more_runs *m, const struct cli_args *args,
                                    struct diag *d)
{
    enum status s = choose_chances(m, args, d);
    if (!s)
        s = cli_jobs(args, &m->study.n_threads, d);
    if (s)
        return s;
    if (cli_value(args, "jobs") && !m->n)
        return diag_fail(d, ST_INPUT, "option '--jobs' needs --replicates R or --model-error N");
    m->args = args;
    m->study.row_done = count_run;
    m->study.context = m;
    return ST_OK;
}

/* ---- the report of dynamo.replay ---- */

static const char report_option[] = "report-json", requests_option[] = "report-jsonl";

/* Trace events have a request in one deployment. */
static enum status check_grid(const struct scenario *scenario, const struct cli_args *args,
                              struct diag *d)
{
    if (!cli_value(args, "trace-events") || strcmp(scenario->endpoint.by, "grid") != 0)
        return ST_OK;
    return diag_fail_at(d, ST_INPUT, scenario_at(scenario, "endpoint.by"),
                        "option '--trace-events' does not go with endpoint.by grid, where a "
                        "request may go through two deployments; expected endpoint.by class, or "
                        "--events");
}

/* The report tells of one deployment. */
static enum status choose_deployment(size_t *index, const struct scenario *scenario,
                                     const struct cli_args *args, struct diag *d)
{
    bool wanted = cli_value(args, report_option) || cli_value(args, requests_option);
    const struct scenario *one;

    if (!wanted && !cli_value(args, "deployment"))
        return ST_OK;
    if (!wanted)
        return diag_fail(d, ST_INPUT,
                         "option '--deployment' says which one --report-json and --report-jsonl "
                         "are of; all else is of all of them");
    enum status s = cli_one_deployment(&one, scenario, "the report of dynamo.replay is", args, d);
    *index = s || one == scenario ? 0 : (size_t)(one - scenario->deployments);
    return s;
}

/* Files that options name, beside the folder of --out. */
static enum status check_files(const struct cli_args *args, struct diag *d)
{
    static const char *const options[] = {report_option, requests_option, "trace-events"};
    enum { N_OPTIONS = sizeof options / sizeof *options };

    enum status s = out_path_check(args, report_option, d);
    if (!s)
        s = out_path_check(args, requests_option, d);
    if (!s)
        s = cli_trace_events_check(args, d);
    for (size_t i = 0; !s && i < N_OPTIONS; i++)
        for (size_t k = 0; !s && k < i; k++) {
            const char *a = cli_value(args, options[k]), *b = cli_value(args, options[i]);
            if (a && b && strcmp(a, b) == 0)
                s = diag_fail(d, ST_INPUT, "options '--%s' and '--%s' name the same file",
                              options[k], options[i]);
        }
    return s;
}

static enum status write_report(void *context, FILE *out, struct diag *d)
{
    return replay_report_write(context, out, d);
}

static enum status write_requests(void *context, FILE *out, struct diag *d)
{
    (void)d;
    replay_report_write_requests(context, out);
    return ST_OK;
}

static enum status put_report(struct replay_report *report, const struct cli_args *args,
                              struct diag *d)
{
    const char *to = cli_value(args, report_option), *requests = cli_value(args, requests_option);
    bool force = cli_flag(args, "force");
    enum status s = ST_OK;

    if (to)
        s = out_path_put(args, to, force, write_report, report, d);
    if (!s && requests)
        s = out_path_put(args, requests, force, write_requests, report, d);
    return s;
}

struct page {
    struct run_page *of;
    const char *dir;
    const struct summary *summary;
};

static enum status write_page(void *context, FILE *out, struct diag *d)
{
    const struct page *page = context;

    return run_page_finish(page->of, page->dir, &page->summary->causes, out, d);
}

/* The page of an earlier run there goes first: it is not of these files, whatever comes. `of` NULL:
 * it is made of the files, as that of several deployments. */
static enum status put_page(struct run_page *of, const char *dir, const struct summary *summary,
                            bool wanted, struct diag *d)
{
    struct page page = {of, dir, summary};
    enum status s = out_file_remove(dir, REPORT_NAME, d);

    if (s || !wanted)
        return s;
    return of ? out_file_put(dir, REPORT_NAME, true, write_page, &page, d) : report_make(dir, d);
}

static enum status execute(const struct scenario *scenario, struct run_resources *resources,
                           const struct run_options *options, struct run_page *page,
                           const struct cli_args *args, struct diag *d)
{
    const char *out = options->out_dir;
    const struct summary *summary;

    enum status s = run_scenario(&summary, scenario, args->arena, resources, options, d);
    progress_end(options->progress_context);
    if (s == ST_CANCELLED)
        fprintf(stderr, "headroom: %s by %s%s\n", d->text, interrupt_name(),
                out ? "; its unfinished files are removed" : "");
    if (!s && options->replay)
        s = put_report(options->replay, args, d);
    if (!s && options->trace_events)
        s = trace_events_finish(options->trace_events, d);
    if (!s && out)
        s = put_page(page, out, summary, !cli_flag(args, "no-report"), d);
    if (s)
        return s;
    if (!cli_flag(args, "quiet")) {
        const struct terminal terminal = cli_terminal(args);
        summary_print(summary, &terminal);
        if (out) {
            cli_print_folder(out);
            printf("  summary.json, performance.json, requests.csv, timeline.csv, workers.csv,\n"
                   "  windows.csv, decisions.jsonl%s%s%s\n",
                   scenario->n_deployments ? ", grants.jsonl" : "",
                   options->want_events ? ", events.jsonl" : "",
                   cli_flag(args, "no-report") ? "" : ", report.html");
        }
        if (options->trace_events) {
            puts("\nTrace events, for https://ui.perfetto.dev:");
            terminal_line(stdout, "  %s", cli_value(args, "trace-events"));
        }
    }
    return check_expectations(scenario, summary);
}

static enum status check_out(const struct run_options *options, const struct cli_args *args,
                             struct diag *d)
{
    if (options->want_events && !options->out_dir)
        return diag_fail(d, ST_INPUT, "option '--events' needs --out DIR");
    if (cli_flag(args, "no-report") && !options->out_dir)
        return diag_fail(d, ST_INPUT, "option '--no-report' needs --out DIR");
    if (!options->out_dir)
        return ST_OK;
    return out_dir_check(options->out_dir, cli_flag(args, "force"), d);
}

/* The other runs of --replicates and --model-error, once this one is done. */
static void add_more_runs(struct run_options *options, struct more_runs *more,
                          const struct scenario *scenario, const struct scenario_source *source)
{
    more->scenario = scenario;
    more->study.source = source;
    more->study.cancel = options->cancel;
    options->share_trace = true;
    options->amend = add_intervals;
    options->amend_context = more;
}

enum status run_run(const struct cli_args *args, struct diag *d)
{
    int64_t start_ns = progress_clock_ns();
    struct scenario *scenario;
    struct scenario_source source;
    struct profile_search search;
    struct run_resources *resources = NULL;
    struct run_page *page = NULL;
    struct progress progress;
    struct more_runs more = {.progress = &progress};
    struct replay_report report = {0};
    struct run_options options = {.version = HEADROOM_VERSION,
                                  .out_dir = cli_value(args, "out"),
                                  .want_events = cli_flag(args, "events"),
                                  .keep_parts = true,
                                  .keep_medians = !cli_flag(args, "quiet"),
                                  .progress = progress_update,
                                  .progress_context = &progress,
                                  .measure = measure,
                                  .measure_context = &start_ns};

    enum status s = cli_load_scenario(&scenario, &source, args, d);
    if (!s && cli_flag(args, "print-scenario"))
        return print_scenario(scenario, d);
    if (!s)
        s = check_out(&options, args, d);
    if (!s)
        s = choose_deployment(&report.deployment, scenario, args, d);
    if (!s)
        s = check_grid(scenario, args, d);
    if (!s)
        s = check_files(args, d);
    if (!s)
        s = choose_stepper(&options.exact_stepper, scenario, args, d);
    if (!s)
        s = choose_more_runs(&more, args, d);
    if (!s)
        s = cli_profile_search(&search, args->arena, d);
    if (!s)
        s = run_resources_create(&resources, &search, d);
    if (s)
        return s;
    options.cancel = interrupt_begin();
    progress_init(&progress, !cli_flag(args, "quiet"));
    if (cli_value(args, report_option) || cli_value(args, requests_option))
        options.replay = &report;
    more.study.resources = resources;
    if (more.n)
        add_more_runs(&options, &more, scenario, &source);
    s = cli_trace_events_open(&options.trace_events, args, d);
    if (!s && options.out_dir && !cli_flag(args, "no-report") && !scenario->n_deployments) {
        page = run_page_new();
        s = page ? ST_OK : diag_nomem(d, "page");
        options.watcher = page ? run_page_watcher(page) : NULL;
    }
    if (!s)
        s = execute(scenario, resources, &options, page, args, d);
    run_page_free(page);
    trace_events_free(options.trace_events);
    replay_report_release(&report);
    run_resources_free(resources);
    return s;
}
