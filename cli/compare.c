#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/compare_print.h"
#include "cli/interrupt.h"
#include "cli/out_dir.h"
#include "cli/progress.h"
#include "pages/compare/compare_page.h"
#include "reports/out_file.h"
#include "reports/summary.h"
#include "scenarios/keys/deployments.h"
#include "studies/compare/compare.h"
#include "studies/study.h"
#include "util/units.h"

enum { MIN_REPLICATES = 4, MAX_REPLICATES = 1000, MAX_WINDOW_S = 86400, WINDOW_S = 60 };
static const double level = 0.95;

const struct cli_option compare_options[] = {
    {"variant", 'v', "CHANGE",
     "a run of the scenario with a change: PATH=VALUE as of --set, or FILE.yaml as of --overlay; "
     "may be repeated"},
    {"deployment", '\0', "NAME",
     "one deployment of each run alone, where they have several (default: all of them)"},
    {"replicates", 'r', "R",
     "runs of each scenario on other courses of its traffic, for intervals (default 8; 0: none)"},
    {"keys", 'k', "KEY,...", "figures to compare, of summary.json (default: the main ones)"},
    {"window", '\0', "S", "length of the windows, in seconds (default 60)"},
    {"json", '\0', "FILE", "write all of it there, with every window"},
    {"html", '\0', "FILE", "write it there as a page for a browser, with the runs over time"},
    {"out", 'o', "DIR", "keep the files of the scenarios' runs, in DIR/A, DIR/B, ..."},
    {"set", 's', "PATH=VALUE", "override a key of all scenarios; may be repeated"},
    CLI_OVERLAY,
    CLI_SEED,
    {"jobs", 'j', "J", "threads for the replicates; as many as there are cores when not given"},
    {"force", '\0', NULL,
     "replace the files of --json and --html, and use the --out folder as it is"},
    CLI_QUIET,
    {.name = NULL},
};

struct job {
    const struct cli_args *args;
    struct compare_options options;
    struct compare_input inputs[COMPARE_MAX_RUNS];
    size_t n_scenarios;
    const char *dir; /* of the files of scenarios */
};

/* ---- what is compared ---- */

static bool is_folder(const char *path)
{
    struct stat info;

    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

static enum status add_input(struct job *job, const char *name, const char *dir,
                             const struct scenario_source *source, struct diag *d)
{
    if (job->options.n_inputs == COMPARE_MAX_RUNS)
        return diag_fail(d, ST_INPUT, "more than %d runs to compare", COMPARE_MAX_RUNS);
    job->inputs[job->options.n_inputs++] = (struct compare_input){name, dir, source};
    job->n_scenarios += source != NULL;
    return ST_OK;
}

/* Mistakes are told now, not when the runs before it are done. */
static enum status check_source(const struct scenario_source *source, const struct cli_args *args,
                                struct diag *d)
{
    struct scenario *scenario = ARENA_NEW(args->arena, 1, struct scenario);
    const char *deployment = cli_value(args, "deployment");
    const struct scenario *unused;

    enum status s =
        scenario ? scenario_read(scenario, args->arena, source, d) : diag_nomem(d, "scenario");
    return s || !deployment ? s : cli_find_deployment(&unused, scenario, deployment, args, d);
}

static enum status add_word(struct job *job, const char *path, struct diag *d)
{
    struct scenario_source *source;

    if (access(path, F_OK) != 0)
        return diag_fail(d, ST_IO,
                         "cannot open '%s': %s; expected a folder that 'headroom run --out' wrote, "
                         "or a scenario",
                         path, strerror(errno));
    if (is_folder(path))
        return add_input(job, path, path, NULL, d);
    source = ARENA_NEW(job->args->arena, 1, struct scenario_source);
    enum status s =
        source ? cli_scenario_source(source, job->args, path, d) : diag_nomem(d, "scenario");
    if (!s)
        s = check_source(source, job->args, d);
    return s ? s : add_input(job, path, NULL, source, d);
}

/* PATH=VALUE is an override more, FILE.yaml an overlay more. */
static enum status change(struct scenario_source *source, const struct scenario_source *base,
                          const char *text, struct arena *arena, struct diag *d)
{
    const char *label = arena_printf(arena, "--variant %s", text);
    const struct scenario_override override = {.label = label, .text = text};
    const struct study_variant variant = {.n_overrides = 1, .overrides = &override};

    if (!label)
        return diag_nomem(d, "variant");
    if (strchr(text, '='))
        return study_source(source, arena, base, &variant, d);
    *source = *base;
    return scenario_source_overlay(source, arena, text, "an overlay", d);
}

static enum status add_variants(struct job *job, struct diag *d)
{
    const struct cli_args *args = job->args;
    const char **texts = ARENA_NEW(args->arena, args->n_given, const char *);
    size_t n = texts ? cli_values(texts, args, "variant") : 0;
    enum status s = texts ? ST_OK : diag_nomem(d, "variants");

    if (n && (args->n_words != 1 || job->n_scenarios != 1))
        return diag_fail(d, ST_INPUT,
                         "option '--variant' is a change to one scenario: expected "
                         "'headroom compare SCENARIO --variant %s'",
                         texts[0]);
    for (size_t i = 0; i < n && !s; i++) {
        struct scenario_source *source = ARENA_NEW(args->arena, 1, struct scenario_source);
        s = source ? change(source, job->inputs[0].source, texts[i], args->arena, d)
                   : diag_nomem(d, "variant");
        if (!s)
            s = check_source(source, args, d);
        if (!s)
            s = add_input(job, texts[i], NULL, source, d);
    }
    return s;
}

static enum status find_inputs(struct job *job, struct diag *d)
{
    static const char *const of_scenarios[] = {"set", "overlay", "seed", "replicates", "out"};
    enum status s = ST_OK;

    for (size_t i = 0; i < job->args->n_words && !s; i++)
        s = add_word(job, job->args->words[i], d);
    if (!s)
        s = add_variants(job, d);
    if (s)
        return s;
    if (job->options.n_inputs < 2)
        return diag_fail(
            d, ST_INPUT,
            "one run alone is nothing to compare; expected another folder or scenario, "
            "or --variant");
    for (size_t i = 0; i < sizeof of_scenarios / sizeof *of_scenarios; i++) {
        if (job->n_scenarios == 0 && cli_n_given(job->args, of_scenarios[i]))
            return diag_fail(d, ST_INPUT, "option '--%s' is of scenarios; these are folders",
                             of_scenarios[i]);
    }
    return ST_OK;
}

/* ---- options ---- */

static enum status key_option(struct compare_options *o, const struct cli_args *args,
                              struct diag *d)
{
    enum status s = cli_list(&o->keys, &o->n_keys, args, "keys", d);

    for (size_t i = 0; i < o->n_keys && !s; i++) {
        double min, max;
        if (!summary_key_exists(o->keys[i], 3, pool_role_names) ||
            !summary_key_range(o->keys[i], &min, &max))
            s = diag_fail(
                d, ST_INPUT,
                "option '--keys': unknown figure '%s'; expected a number of summary.json, "
                "such as attainment.overall",
                o->keys[i]);
    }
    return s;
}

static enum status read_options(struct job *job, struct diag *d)
{
    struct compare_options *o = &job->options;
    const struct cli_args *args = job->args;
    long long replicates, window_s;

    o->must_replicate = cli_value(args, "replicates") != NULL;
    enum status s =
        cli_integer(args, "replicates", 0, MAX_REPLICATES,
                    job->n_scenarios < o->n_inputs ? 0 : COMPARE_REPLICATES, &replicates, d);
    if (!s && replicates && replicates < MIN_REPLICATES)
        s = diag_fail(d, ST_INPUT,
                      "option '--replicates' must be 0, or %d and more: fewer pairs are alike by "
                      "chance",
                      MIN_REPLICATES);
    if (!s && replicates && job->n_scenarios < o->n_inputs)
        s = diag_fail(d, ST_INPUT, "option '--replicates' is of scenarios; a folder is one run");
    if (!s && !replicates && cli_value(args, "jobs"))
        s = diag_fail(d, ST_INPUT, "option '--jobs' needs replicates, which only scenarios have");
    if (!s)
        s = cli_integer(args, "window", 1, MAX_WINDOW_S, WINDOW_S, &window_s, d);
    if (!s)
        s = cli_jobs(args, &o->n_threads, d);
    if (!s)
        s = key_option(o, args, d);
    if (!s)
        s = out_path_check(args, "json", d);
    if (!s)
        s = out_path_check(args, "html", d);
    if (s)
        return s;
    o->n_replicates = (size_t)replicates;
    o->window_ns = window_s * NS_PER_S;
    o->level = level;
    o->version = HEADROOM_VERSION;
    return ST_OK;
}

/* ---- folders ---- */

/* DIR/A, DIR/B, ... */
static enum status name_folders(struct job *job, struct diag *d)
{
    for (size_t i = 0; i < job->options.n_inputs; i++) {
        struct compare_input *input = &job->inputs[i];
        if (!input->source)
            continue;
        input->dir = arena_printf(job->args->arena, "%s/%c", job->dir, (char)('A' + (int)i));
        if (!input->dir)
            return diag_nomem(d, "path");
    }
    return ST_OK;
}

static enum status make_folders(struct job *job, struct diag *d)
{
    const char *kept = cli_value(job->args, "out"), *temporary = getenv("TMPDIR");
    enum status s = ST_OK;

    if (job->n_scenarios == 0)
        return ST_OK;
    if (kept) {
        job->dir = kept;
        s = name_folders(job, d);
        for (size_t i = 0; i < job->options.n_inputs && !s; i++) {
            if (job->inputs[i].source)
                s = out_dir_check(job->inputs[i].dir, cli_flag(job->args, "force"), d);
        }
        return s ? s : out_folder_create(kept, d);
    }
    char *path = arena_printf(job->args->arena, "%s/headroom-compare-XXXXXX",
                              temporary && *temporary ? temporary : "/tmp");
    if (!path)
        return diag_nomem(d, "path");
    if (!mkdtemp(path))
        return diag_fail(d, ST_IO, "cannot create folder '%s': %s", path, strerror(errno));
    job->dir = path;
    return name_folders(job, d);
}

static void remove_folders(const struct job *job)
{
    if (!job->dir || cli_value(job->args, "out"))
        return;
    for (size_t i = 0; i < job->options.n_inputs; i++) {
        if (job->inputs[i].source && job->inputs[i].dir)
            out_dir_remove(job->inputs[i].dir);
    }
    rmdir(job->dir);
}

/* ---- the verb ---- */

struct written {
    const struct compare_result *result;
    const struct cli_args *args;
};

static enum status write_json(void *context, FILE *out, struct diag *d)
{
    const struct written *w = context;

    (void)d;
    compare_write_json(w->result, out);
    return ST_OK;
}

static enum status write_page(void *context, FILE *out, struct diag *d)
{
    const struct written *w = context;

    return compare_page_write(w->result, out, w->args->arena, d);
}

static enum status write_files(const struct compare_result *result, const struct cli_args *args,
                               struct diag *d)
{
    static const struct {
        const char *option;
        enum status (*write)(void *context, FILE *out, struct diag *d);
    } files[] = {{"json", write_json}, {"html", write_page}};
    struct written written = {result, args};
    enum status s = ST_OK;

    for (size_t i = 0; i < sizeof files / sizeof *files && !s; i++) {
        const char *path = cli_value(args, files[i].option);
        if (path)
            s = out_path_put(args, path, cli_flag(args, "force"), files[i].write, &written, d);
    }
    return s;
}

static enum status compare(struct job *job, struct diag *d)
{
    const struct cli_args *args = job->args;
    struct compare_options options = job->options;
    const struct compare_result *result;
    struct progress progress;

    progress_init(&progress, !cli_flag(args, "quiet"));
    options.cancel = interrupt_begin();
    options.run_progress = progress_update;
    options.progress = progress_runs;
    options.context = &progress;
    enum status s = make_folders(job, d);
    if (!s)
        s = compare_runs(&result, args->arena, &options, d);
    progress_end(&progress);
    remove_folders(job);
    if (s == ST_CANCELLED)
        fprintf(stderr, "headroom: %s by %s\n", d->text, interrupt_name());
    if (!s)
        s = write_files(result, args, d);
    if (!s && !cli_flag(args, "quiet"))
        s = compare_print(result, stdout, args->arena, d);
    return s;
}

enum status compare_run(const struct cli_args *args, struct diag *d)
{
    struct job job = {.args = args, .options.deployment = cli_value(args, "deployment")};
    struct profile_search profiles;

    job.options.inputs = job.inputs;
    enum status s = find_inputs(&job, d);
    if (!s)
        s = read_options(&job, d);
    if (!s)
        s = cli_profile_search(&profiles, args->arena, d);
    if (!s)
        s = run_resources_create(&job.options.resources, &profiles, d);
    if (s)
        return s;
    s = compare(&job, d);
    run_resources_free(job.options.resources);
    return s;
}
