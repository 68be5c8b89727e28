#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/interrupt.h"
#include "cli/out_dir.h"
#include "cli/progress.h"
#include "cli/report.h"
#include "cli/tune_print.h"
#include "reports/out_file.h"
#include "reports/summary.h"
#include "scenarios/compose/checks.h"
#include "scenarios/keys/deployments.h"
#include "studies/tune/tune.h"

enum { MAX_RUNS = 10000 };

const struct cli_option tune_options[] = {
    {"vary", 'V', "KEY=SPEC",
     "a knob and its values: a,b,c or LO..HI or LO..HI:STEP or LO..HI:log; may be repeated"},
    {"minimize", '\0', "KEY", "a figure of summary.json that is to be small; may be repeated"},
    {"maximize", '\0', "KEY", "one that is to be large; may be repeated"},
    {"subject-to", '\0', "EXPR",
     "a bound to keep, e.g. 'attainment.overall>=0.95'; may be repeated"},
    {"runs", 'n', "N", "runs to search with (default 200)"},
    {"budget", '\0', "N", "the same as --runs"},
    {"replicates", 'r', "R", "versions of the traffic that settings are compared on (default 20)"},
    {"confidence", '\0', "P", "fresh traffic is to keep the bounds so probably (default 0.8)"},
    {"find", '\0', "FROM..TO",
     "part of the trace to find on, s or with s, m, h, d (default: its first 60 %)"},
    {"judge", '\0', "FROM..TO", "part to judge on (default: what follows)"},
    {"slice", '\0', "S", "a run replays so much of its part, replicates taking turns"},
    {"method", '\0', "NAME", "how settings are proposed: bayes (default), nsga2, random"},
    {"out", 'o', "DIR", "write tune.json, recommended.yaml and trials.csv there"},
    {"write", 'w', "FILE", "write the planner's own configuration with the recommended setting"},
    CLI_SET,
    CLI_OVERLAY,
    CLI_SEED,
    CLI_JOBS,
    {"yes", 'y', NULL, "more than 10,000 runs are meant"},
    {"force", '\0', NULL, "use the --out folder whatever else it holds, and replace --write FILE"},
    {"plot", '\0', NULL,
     "also draw the settings that were tried, by the first two figures asked for"},
    CLI_QUIET,
    CLI_NO_COLOR,
    {.name = NULL},
};

static const char default_objective[] = "gpu_hours.total",
                  default_constraint[] = "attainment.overall>=0.95";

/* ---- options ---- */

/* "90", "90s", "1.5h", "4d"; NULL: it is none. */
static const char *parse_time(const char *text, double *s)
{
    static const struct {
        char letter;
        double s;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
    char *end;

    *s = strtod(text, &end);
    if (end == text || !(*s >= 0) || isinf(*s))
        return NULL;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (*end == units[i].letter) {
            *s *= units[i].s;
            return end + 1;
        }
    }
    return end;
}

static enum status part_option(struct tune_part *part, const struct cli_args *args,
                               const char *name, struct diag *d)
{
    const char *text = cli_value(args, name), *dots = text ? strstr(text, "..") : NULL;

    *part = (struct tune_part){NAN, NAN};
    if (!text)
        return ST_OK;
    if (dots) {
        const char *from = arena_strndup(args->arena, text, (size_t)(dots - text));
        if (!from)
            return diag_nomem(d, "part");
        const char *from_end = parse_time(from, &part->from_s);
        const char *to_end = parse_time(dots + 2, &part->to_s);
        if (from_end && !*from_end && to_end && !*to_end && part->from_s < part->to_s)
            return ST_OK;
    }
    return diag_fail(d, ST_INPUT,
                     "option '--%s' must be FROM..TO, such as 0..4d, with FROM below TO, not '%s'",
                     name, text);
}

static enum status slice_option(double *slice_s, const struct cli_args *args, struct diag *d)
{
    const char *text = cli_value(args, "slice"), *end;

    *slice_s = 0;
    if (!text)
        return ST_OK;
    end = parse_time(text, slice_s);
    if (end && !*end && *slice_s > 0)
        return ST_OK;
    return diag_fail(d, ST_INPUT, "option '--slice' must be a time, such as 1d, not '%s'", text);
}

static enum status confidence_option(double *confidence, const struct cli_args *args,
                                     struct diag *d)
{
    const char *text = cli_value(args, "confidence");
    char *end;

    *confidence = 0.8;
    if (!text)
        return ST_OK;
    *confidence = strtod(text, &end);
    if (end != text && !*end && *confidence >= 0.5 && *confidence <= 0.99)
        return ST_OK;
    return diag_fail(d, ST_INPUT,
                     "option '--confidence' must be a probability from 0.5 to 0.99, not '%s'",
                     text);
}

static enum status method_option(const struct explorer_ops **explorer, const struct cli_args *args,
                                 struct diag *d)
{
    const char *name = cli_value(args, "method");

    *explorer = name ? explorer_find(name) : explorers[0];
    if (*explorer)
        return ST_OK;
    return diag_fail(d, ST_INPUT, "unknown method '%s'; expected bayes, nsga2 or random", name);
}

static enum status count_options(struct tune_options *o, const struct cli_args *args,
                                 struct diag *d)
{
    long long runs, replicates, most = cli_flag(args, "yes") ? 10000000 : MAX_RUNS;
    const char *name = cli_value(args, "budget") ? "budget" : "runs";

    if (cli_value(args, "budget") && cli_value(args, "runs"))
        return diag_fail(d, ST_INPUT, "options '--runs' and '--budget' are the same; give one");
    enum status s = cli_integer(args, name, TUNING_RUNS_MIN, 10000000, 200, &runs, d);
    if (!s && runs > most)
        s = diag_fail(d, ST_INPUT, "%lld runs; if so many are meant, say --yes", runs);
    if (!s)
        s = cli_integer(args, "replicates", 2, TUNING_MAX_REPLICATES, 20, &replicates, d);
    if (!s)
        s = cli_jobs(args, &o->n_threads, d);
    if (s)
        return s;
    o->n_runs = (size_t)runs;
    o->n_replicates = (size_t)replicates;
    return ST_OK;
}

static enum status goal_options(struct tune_options *o, const struct cli_args *args, struct diag *d)
{
    const char **texts = ARENA_NEW(args->arena, args->n_given + 1, const char *);
    struct tune_objective *objectives =
        ARENA_NEW(args->arena, args->n_given + 1, struct tune_objective);
    struct expectation *bounds = ARENA_NEW(args->arena, args->n_given + 1, struct expectation);
    enum status s = ST_OK;

    if (!texts || !objectives || !bounds)
        return diag_nomem(d, "goals");
    size_t n = cli_values(texts, args, "minimize");
    for (size_t i = 0; i < n; i++)
        objectives[o->n_objectives++] = (struct tune_objective){texts[i], false};
    n = cli_values(texts, args, "maximize");
    for (size_t i = 0; i < n; i++)
        objectives[o->n_objectives++] = (struct tune_objective){texts[i], true};
    n = cli_values(texts, args, "subject-to");
    if (n == 0 && o->n_objectives == 0)
        texts[n++] = default_constraint;
    if (o->n_objectives == 0)
        objectives[o->n_objectives++] = (struct tune_objective){default_objective, false};
    if (o->n_objectives + n > TUNE_MAX_GOALS)
        return diag_fail(d, ST_INPUT, "%zu objectives and bounds; expected %d at most",
                         o->n_objectives + n, TUNE_MAX_GOALS);
    for (size_t i = 0; i < o->n_objectives && !s; i++)
        s = scenario_check_figure(o->scenario, objectives[i].key,
                                  (struct source_pos){"--minimize", 0, 0}, d);
    for (size_t i = 0; i < n && !s; i++) {
        const struct source_pos at = {"--subject-to", 0, 0};
        s = expectation_parse(&bounds[i], args->arena, texts[i], at, d);
        if (!s)
            s = scenario_check_expectation(o->scenario, &bounds[i], d);
    }
    o->objectives = objectives;
    o->constraints = bounds;
    o->n_constraints = n;
    return s;
}

/* The traffic is no knob. */
static enum status check_knob(const struct knob *knob, struct diag *d)
{
    static const char *const traffic[] = {"replicate", "seed", "trace.", "traffic."};
    char deployment[DEPLOYMENT_NAME_MAX + 1];
    const char *own = scenario_path_in_deployment(deployment, knob->key);

    for (size_t k = 0; k < sizeof traffic / sizeof *traffic; k++) {
        if (strncmp(own, traffic[k], strlen(traffic[k])) == 0)
            return diag_fail(d, ST_INPUT,
                             "--vary %s: that is the traffic, which is the same for every "
                             "setting (--find, --judge, --replicates)",
                             knob->key);
    }
    return ST_OK;
}

static enum status space_option(struct tune_options *o, const struct cli_args *args, struct diag *d)
{
    struct space *space = ARENA_NEW(args->arena, 1, struct space);
    const char **texts = ARENA_NEW(args->arena, args->n_given + 1, const char *);

    if (!space || !texts)
        return diag_nomem(d, "knobs");
    size_t n = cli_values(texts, args, "vary");
    if (n == 0)
        return diag_fail(d, ST_INPUT,
                         "'tune' needs --vary KEY=SPEC, such as --vary "
                         "policy.load_adjustment_interval=5..60 (headroom tune --help)");
    if (n > SURROGATE_MAX_DIMS)
        return diag_fail(d, ST_INPUT, "%zu knobs; expected %d at most", n, SURROGATE_MAX_DIMS);
    o->space = space;
    enum status s = space_parse(space, args->arena, scenario_policy(o->scenario), texts, n, d);
    for (size_t i = 0; i < n && !s; i++) {
        s = check_knob(&space->knobs[i], d);
        if (!s)
            s = cli_check_vary(o->scenario, texts[i], args, d);
    }
    return s;
}

/* ---- files ---- */

static const char *const own_files[] = {"tune.json", "recommended.yaml", "trials.csv", REPORT_NAME,
                                        NULL};

struct writing {
    const struct tune_result *result;
    struct arena *arena;
    char working_dir[4096];
    const char *left_out; /* of the planner's configuration */
};

static enum status write_json(void *context, FILE *out, struct diag *d)
{
    const struct writing *w = context;

    return tune_write_json(w->result, out, d);
}

static enum status write_trials(void *context, FILE *out, struct diag *d)
{
    const struct writing *w = context;

    return tune_write_trials(w->result, out, d);
}

static enum status write_overlay(void *context, FILE *out, struct diag *d)
{
    const struct writing *w = context;

    return tune_write_overlay(w->result, w->working_dir, out, w->arena, d);
}

static enum status write_planner(void *context, FILE *out, struct diag *d)
{
    struct writing *w = context;

    return tune_write_planner(w->result, w->working_dir, &w->left_out, out, w->arena, d);
}

static enum status write_results(const struct tune_result *result, const struct cli_args *args,
                                 struct diag *d)
{
    const char *dir = cli_value(args, "out"), *file = cli_value(args, "write");
    struct writing w = {.result = result, .arena = args->arena};
    enum status s = ST_OK;

    if ((dir || file) && !getcwd(w.working_dir, sizeof w.working_dir))
        return diag_fail(d, ST_IO, "cannot tell the working directory");
    if (dir) {
        s = out_file_put(dir, "trials.csv", true, write_trials, &w, d);
        if (!s)
            s = out_file_put(dir, "recommended.yaml", true, write_overlay, &w, d);
        if (!s)
            s = out_file_put(dir, "tune.json", true, write_json, &w, d);
        if (!s)
            s = report_make(dir, d);
    }
    if (s || !file)
        return s;
    s = out_path_put(args, file, cli_flag(args, "force"), write_planner, &w, d);
    if (!s && w.left_out)
        fprintf(stderr, "headroom: note: '%s' cannot say %s; the comment in it does\n", file,
                w.left_out);
    return s;
}

static enum status check_places(const struct cli_args *args, const struct tune_options *o,
                                struct diag *d)
{
    const char *dir = cli_value(args, "out"), *file = cli_value(args, "write");
    bool force = cli_flag(args, "force");

    if (dir) {
        enum status s = out_dir_check_for(dir, own_files, "tune.json", force, d);
        if (!s)
            s = out_folder_create(dir, d);
        if (!s && access(dir, W_OK) != 0)
            s = diag_fail(d, ST_IO, "cannot write in folder '%s': %s", dir, strerror(errno));
        if (s)
            return s;
    }
    if (file && *file && o->scenario->n_deployments)
        return diag_fail(d, ST_INPUT,
                         "option '--write' is of one planner, and there are several deployments; "
                         "expected --out, whose recommended.yaml has the keys of each");
    if (file && *file && !scenario_planner(o->scenario))
        return diag_fail(d, ST_INPUT, "option '--write' is of the planner, and policy.type is %s",
                         o->scenario->policy.type);
    return out_path_check(args, "write", d);
}

static enum status check_plot(const struct cli_args *args, const struct tune_options *o,
                              struct diag *d)
{
    if (!cli_flag(args, "plot"))
        return ST_OK;
    if (cli_flag(args, "quiet"))
        return diag_fail(d, ST_INPUT, "option '--plot' does not go with --quiet");
    if (!tune_plot_has_two(o))
        return diag_fail(d, ST_INPUT,
                         "option '--plot' needs two figures: another --minimize, --maximize or "
                         "--subject-to beside %s",
                         o->objectives[0].key);
    return ST_OK;
}

/* ---- the verb ---- */

static enum status search(struct tune_options *o, const struct cli_args *args, struct diag *d)
{
    const struct tune_result *result;
    struct progress progress;

    progress_init(&progress, !cli_flag(args, "quiet"));
    o->cancel = interrupt_begin();
    o->progress = progress_runs;
    o->context = &progress;
    enum status s = tune(&result, args->arena, o, d);
    progress_end(&progress);
    if (s == ST_CANCELLED)
        fprintf(stderr, "headroom: %s by %s\n", d->text, interrupt_name());
    if (!s)
        s = write_results(result, args, d);
    if (s)
        return s;
    if (!cli_flag(args, "quiet")) {
        const struct terminal terminal = cli_terminal(args);
        s = tune_print(result, &terminal, args->arena, d);
        if (!s && cli_flag(args, "plot"))
            s = tune_plot(result, &terminal, args->arena, d);
        if (!s && cli_value(args, "out")) {
            cli_print_folder(cli_value(args, "out"));
            puts("  recommended.yaml, report.html, tune.json, trials.csv\n");
            terminal_line(stdout, "Next: headroom run %s --overlay %s/recommended.yaml",
                          args->words[0], cli_value(args, "out"));
        }
    }
    return s ? s : result->holds ? ST_OK : ST_MISSED;
}

enum status tune_run(const struct cli_args *args, struct diag *d)
{
    struct tune_options o = {0};
    struct scenario *scenario;
    struct scenario_source source;
    struct profile_search profiles;

    enum status s = cli_load_scenario(&scenario, &source, args, d);
    if (s)
        return s;
    o.source = &source;
    o.scenario = scenario;
    s = space_option(&o, args, d);
    if (!s)
        s = goal_options(&o, args, d);
    if (!s)
        s = count_options(&o, args, d);
    if (!s)
        s = confidence_option(&o.confidence, args, d);
    if (!s)
        s = part_option(&o.find, args, "find", d);
    if (!s)
        s = part_option(&o.judge, args, "judge", d);
    if (!s)
        s = slice_option(&o.slice_s, args, d);
    if (!s)
        s = method_option(&o.explorer, args, d);
    if (!s)
        s = check_plot(args, &o, d);
    if (!s)
        s = check_places(args, &o, d);
    if (!s)
        s = cli_profile_search(&profiles, args->arena, d);
    if (!s)
        s = run_resources_create(&o.resources, &profiles, d);
    if (s)
        return s;
    s = search(&o, args, d);
    run_resources_free(o.resources);
    return s;
}
