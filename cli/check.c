#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/check_print.h"
#include "cli/cli.h"
#include "cli/interrupt.h"
#include "cli/out_dir.h"
#include "cli/progress.h"
#include "pages/check/check_page.h"

const struct cli_option check_options[] = {
    {"baseline", 'b', "FILE",
     "compare with this one (default: baseline.txt beside the first scenario)"},
    {"update", 'u', NULL, "write the figures of these scenarios into the baseline"},
    {"junit", '\0', "FILE", "also write the verdicts there as JUnit XML"},
    {"markdown", '\0', "FILE", "also write a summary there, as $GITHUB_STEP_SUMMARY takes it"},
    {"code-quality", '\0', "FILE",
     "also write the misses there, as GitLab's artifacts:reports:codequality takes them"},
    {"html", '\0', "FILE", "also write a page for a browser there: what was missed and what moved"},
    {"annotations", '\0', "github",
     "also print commands that GitHub shows at the lines of a scenario"},
    {"replicates", 'r', "R",
     "other courses of the traffic for 'statistical' (default: as many as the baseline has, or "
     "10)"},
    {"set", 's', "PATH=VALUE", "override a key of every scenario; may be repeated"},
    CLI_OVERLAY,
    CLI_SEED,
    CLI_JOBS,
    {"force", '\0', NULL, "replace files of reports that are no reports"},
    {"quiet", 'q', NULL, "print errors, misses and annotations only"},
    {.name = NULL},
};

static const char default_baseline[] = "baseline.txt";

/* ---- options ---- */

static enum status load_scenarios(struct gate_options *o, const struct cli_args *args,
                                  struct diag *d)
{
    struct gate_scenario *to = ARENA_NEW(args->arena, args->n_words, struct gate_scenario);
    enum status s = to ? ST_OK : diag_nomem(d, "scenarios");

    o->scenarios = to;
    o->n = args->n_words;
    for (size_t i = 0; i < args->n_words && !s; i++) {
        struct scenario_source *source = ARENA_NEW(args->arena, 1, struct scenario_source);
        struct scenario *scenario;
        if (!source)
            return diag_nomem(d, "scenarios");
        s = cli_load_scenario_at(&scenario, source, args->words[i], args, d);
        to[i] = (struct gate_scenario){args->words[i], source, scenario};
    }
    return s;
}

static enum status baseline_path(const char **path, const struct cli_args *args, struct diag *d)
{
    const char *first = args->words[0], *slash = strrchr(first, '/');

    *path = cli_value(args, "baseline");
    if (*path)
        return **path ? ST_OK
                      : diag_fail(d, ST_INPUT,
                                  "option '--baseline' must be the path of a file, not ''");
    *path =
        slash ? arena_printf(args->arena, "%.*s/%s", (int)(slash - first), first, default_baseline)
              : default_baseline;
    return *path ? ST_OK : diag_nomem(d, "baseline");
}

static bool wants_baseline(const struct gate_options *o, const struct cli_args *args)
{
    bool wants = o->update || cli_value(args, "baseline");

    for (size_t i = 0; i < o->n; i++)
        wants = wants || o->scenarios[i].scenario->compare.n > 0;
    return wants;
}

static enum status read_baseline(struct gate_options *o, const char *path,
                                 const struct cli_args *args, struct diag *d)
{
    struct baseline *baseline = ARENA_NEW(args->arena, 1, struct baseline);

    if (!baseline)
        return diag_nomem(d, "baseline");
    baseline->path = path;
    if (!wants_baseline(o, args))
        return ST_OK;
    o->baseline = baseline;
    if (access(path, F_OK) == 0)
        return baseline_read(baseline, args->arena, path, d);
    if (o->update)
        return ST_OK;
    return diag_fail(d, ST_INPUT, "there is no baseline '%s' yet; write it with --update", path);
}

/* Written by pages/check. */
static const struct gate_format page_format = {"html", "content=\"headroom check\"", NULL};

static enum status check_report(const struct gate_format *format, const struct cli_args *args,
                                struct diag *d)
{
    const char *path = cli_value(args, format->option);

    if (path && !*path)
        return diag_fail(d, ST_INPUT, "option '--%s' must be the path of a file, not ''",
                         format->option);
    return path && !cli_flag(args, "force") ? gate_format_check(format, path, d) : ST_OK;
}

static enum status check_reports(const struct cli_args *args, struct diag *d)
{
    enum status s = check_report(&page_format, args, d);

    for (size_t i = 0; gate_formats[i] && !s; i++)
        s = check_report(gate_formats[i], args, d);
    return s;
}

static enum status check_annotations(const struct cli_args *args, struct diag *d)
{
    const char *for_whom = cli_value(args, "annotations");

    if (!for_whom || strcmp(for_whom, "github") == 0)
        return ST_OK;
    if (strcmp(for_whom, "gitlab") == 0)
        return diag_fail(d, ST_INPUT,
                         "option '--annotations': GitLab reads them from a file; use "
                         "--code-quality FILE");
    return diag_fail(d, ST_INPUT, "option '--annotations' must be github, not '%s'", for_whom);
}

static enum status read_options(struct gate_options *o, const char **path,
                                const struct cli_args *args, struct diag *d)
{
    long long n_replicates;

    *o = (struct gate_options){.version = HEADROOM_VERSION, .update = cli_flag(args, "update")};
    enum status s = check_annotations(args, d);
    if (!s)
        s = cli_integer(args, "replicates", 2, GATE_MAX_REPLICATES, 0, &n_replicates, d);
    if (!s)
        s = cli_jobs(args, &o->study.n_threads, d);
    if (!s)
        s = load_scenarios(o, args, d);
    if (!s)
        s = baseline_path(path, args, d);
    if (!s)
        s = read_baseline(o, *path, args, d);
    if (s)
        return s;
    o->n_replicates = (size_t)n_replicates;
    s = gate_check_inputs(o, d);
    return s ? s : check_reports(args, d);
}

/* ---- files ---- */

struct report_file {
    const struct gate_format *format;
    const struct gate_report *report;
    struct arena *arena;
};

static enum status write_report(void *context, FILE *out, struct diag *d)
{
    const struct report_file *file = context;

    (void)d;
    file->format->write(file->report, out);
    return ST_OK;
}

static enum status write_page(void *context, FILE *out, struct diag *d)
{
    const struct report_file *file = context;

    return check_page_write(file->report, out, file->arena, d);
}

static enum status write_reports(const struct gate_report *report, const struct cli_args *args,
                                 struct diag *d)
{
    struct report_file file = {&page_format, report, args->arena};
    const char *path = cli_value(args, page_format.option);
    enum status s = path ? out_path_put(args, path, true, write_page, &file, d) : ST_OK;

    for (size_t i = 0; gate_formats[i] && !s; i++) {
        file.format = gate_formats[i];
        path = cli_value(args, file.format->option);
        if (path)
            s = out_path_put(args, path, true, write_report, &file, d);
    }
    return s;
}

struct baseline_file {
    const char *bytes;
    size_t length;
};

static enum status write_bytes(void *context, FILE *out, struct diag *d)
{
    const struct baseline_file *file = context;

    (void)d;
    fwrite(file->bytes, 1, file->length, out); /* checked by the caller */
    return ST_OK;
}

/* What could not be read again is not written. */
static enum status put_baseline(const struct baseline *merged, const struct cli_args *args,
                                struct diag *d)
{
    struct baseline again;
    char *bytes = NULL;
    size_t length;
    struct diag why;
    FILE *text = open_memstream(&bytes, &length);

    if (!text)
        return diag_nomem(d, "baseline");
    baseline_write(merged, text);
    enum status s = fclose(text) == 0 ? ST_OK : diag_nomem(d, "baseline");
    struct baseline_file file = {bytes, length};
    diag_init(&why);
    if (!s && baseline_parse(&again, args->arena, merged->path, bytes, length, &why))
        s = diag_fail(d, ST_INPUT, "no baseline can hold these scenarios (%s); use several files",
                      why.text);
    if (!s)
        s = out_path_put(args, merged->path, true, write_bytes, &file, d);
    free(bytes);
    return s;
}

static enum status update_baseline(const struct gate_report *report, const struct gate_options *o,
                                   const struct cli_args *args, struct diag *d)
{
    struct baseline_entry *entries = ARENA_NEW(args->arena, report->n, struct baseline_entry);
    struct baseline merged;

    if (!entries)
        return diag_nomem(d, "baseline");
    for (size_t i = 0; i < report->n; i++)
        entries[i] = report->results[i].entry;
    enum status s = baseline_merge(&merged, args->arena, o->baseline, entries, report->n, d);
    if (!s)
        s = put_baseline(&merged, args, d);
    if (!s && !cli_flag(args, "quiet"))
        s = check_print_update(report, o->baseline, merged.path, stdout, args->arena, d);
    return s;
}

/* ---- the verb ---- */

struct counter {
    struct progress progress;
    size_t n_done, n;
};

static bool count_run(void *context, size_t index, const struct study_row *row)
{
    struct counter *c = context;

    (void)index, (void)row;
    progress_runs(&c->progress, ++c->n_done, c->n);
    return true;
}

static enum status print(const struct gate_report *report, const struct cli_args *args,
                         struct diag *d)
{
    enum status s = ST_OK;

    if (!cli_flag(args, "quiet"))
        s = check_print(report, stdout, args->arena, d);
    fflush(stdout);
    check_print_misses(report, stderr);
    if (cli_value(args, "annotations"))
        gate_write_github(report, stdout);
    return s;
}

static enum status run_gate(const struct gate_options *options, const struct cli_args *args,
                            struct diag *d)
{
    struct gate_options o = *options;
    struct counter counter = {.n = gate_n_runs(&o)};
    struct gate_report report = {.n = o.n};

    progress_init(&counter.progress, !cli_flag(args, "quiet"));
    o.study.cancel = interrupt_begin();
    o.study.row_done = count_run;
    o.study.context = &counter;
    enum status s = gate_run(&report.results, args->arena, &o, d);
    progress_end(&counter.progress);
    if (s == ST_CANCELLED)
        fprintf(stderr, "headroom: %s by %s\n", d->text, interrupt_name());
    if (!s)
        s = print(&report, args, d);
    if (!s)
        s = write_reports(&report, args, d);
    if (s)
        return s;
    s = gate_status(report.results, report.n);
    if (o.update && (s == ST_OK || s == ST_MISSED)) {
        enum status updated = update_baseline(&report, &o, args, d);
        s = updated ? updated : s;
    }
    return s;
}

enum status check_run(const struct cli_args *args, struct diag *d)
{
    struct profile_search profiles;
    struct gate_options o;
    const char *path;

    enum status s = read_options(&o, &path, args, d);
    if (!s)
        s = cli_profile_search(&profiles, args->arena, d);
    if (!s)
        s = run_resources_create(&o.study.resources, &profiles, d);
    if (s)
        return s;
    s = run_gate(&o, args, d);
    run_resources_free(o.study.resources);
    return s;
}
