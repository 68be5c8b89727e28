#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/interrupt.h"
#include "cli/progress.h"
#include "cli/report.h"
#include "cli/sweep_plot.h"
#include "cli/table.h"
#include "scenarios/keys/scenario.h"
#include "studies/sweep/ranks.h"
#include "util/bug.h"
#include "util/text.h"
#include "util/units.h"

const struct cli_option sweep_options[] = {
    {"vary", 'V', "KEY=SPEC", "a key and its values; may be repeated, for all combinations"},
    {"sample", '\0', "N", "N settings of a Latin hypercube instead of all combinations"},
    {"replicates", '\0', "R", "each setting on R plausible versions of the traffic"},
    {"seeds", '\0', "N", "each setting with the seeds 1 to N"},
    {"keys", '\0', "KEY,...",
     "columns: numbers of summary.json, e.g. attainment.overall; all results when not given"},
    CLI_SET,
    CLI_OVERLAY,
    CLI_SEED,
    {"out", 'o', "DIR", "the folder of results; created if absent"},
    {"resume", '\0', NULL, "go on with what DIR holds of this sweep"},
    {"shard", '\0', "I/N", "run every N-th run, from the I-th on"},
    CLI_JOBS,
    {"yes", 'y', NULL, "also for more than 10,000 runs"},
    {"plot", '\0', NULL,
     "also draw the settings by two figures: those of the first chart of the page"},
    CLI_QUIET,
    {.name = NULL},
};

static const struct cli_option merge_options[] = {
    {"out", 'o', "DIR", "the folder of the whole sweep, which must not exist, or be empty"},
    CLI_QUIET,
    {.name = NULL},
};

/* ---- what is asked for ---- */

static enum status read_lists(struct sweep_definition *def, const struct cli_args *args,
                              struct diag *d)
{
    size_t n_keys = 0, n_commas = 0;

    for (size_t i = 0; i < args->n_given; i++) {
        for (const char *c = args->given[i].value; c && *c; c++)
            n_commas += *c == ',';
    }
    const char **vary = ARENA_NEW(args->arena, args->n_given, const char *);
    const char **keys = ARENA_NEW(args->arena, args->n_given + n_commas, const char *);
    if (!vary || !keys)
        return diag_nomem(d, "arguments");
    for (size_t i = 0; i < args->n_given; i++) {
        const char *option = args->given[i].option->name, *value = args->given[i].value;
        for (size_t n; value && strcmp(option, "keys") == 0; value += n + 1) {
            n = strcspn(value, ",");
            keys[n_keys] = arena_strndup(args->arena, value, n);
            if (!keys[n_keys++])
                return diag_nomem(d, "arguments");
            if (!value[n])
                break;
        }
    }
    def->n_vary = cli_values(vary, args, "vary");
    def->vary = vary;
    def->keys = keys;
    def->n_keys = n_keys;
    return ST_OK;
}

static enum status read_counts(struct sweep_definition *def, const struct cli_args *args,
                               struct diag *d)
{
    const struct {
        const char *option;
        uint64_t *n;
    } counts[] = {
        {"sample", &def->n_sample}, {"replicates", &def->n_replicates}, {"seeds", &def->n_seeds}};

    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        long long n;
        enum status s = cli_integer(args, counts[i].option, 1, SWEEP_MAX_RUNS, 0, &n, d);
        if (s)
            return s;
        *counts[i].n = (uint64_t)n;
    }
    if (!def->n_vary && def->n_sample)
        return diag_fail(d, ST_INPUT, "option '--sample' needs --vary KEY=SPEC");
    if (!def->n_vary && !def->n_replicates && !def->n_seeds)
        return diag_fail(d, ST_INPUT, "'sweep' needs --vary KEY=SPEC, --replicates R or --seeds N");
    return ST_OK;
}

/* What is set and varied would be set in vain. */
static enum status check_set(const struct sweep_definition *def, struct diag *d)
{
    for (size_t i = 0; i < def->source.n_overrides; i++) {
        const struct scenario_override *set = &def->source.overrides[i];
        size_t n = strcspn(set->text, "=") + 1;
        for (size_t k = 0; k < def->n_vary; k++) {
            if (strncmp(def->vary[k], set->text, n) == 0)
                return diag_fail(d, ST_INPUT, "--vary %s: %s sets it too", def->vary[k],
                                 set->label);
        }
    }
    return ST_OK;
}

/* ---- which part of it ---- */

static bool from_environment(const char *name, uint64_t *value)
{
    const char *text = getenv(name);

    return text && text_uint64(text, strlen(text), value) == TEXT_OK;
}

/* A Slurm job array: its ids may begin anywhere and be apart, but evenly. */
static bool slurm_shard(struct sweep_shard *shard)
{
    uint64_t id, first, n, step = 1;

    if (!from_environment("SLURM_ARRAY_TASK_ID", &id) ||
        !from_environment("SLURM_ARRAY_TASK_MIN", &first) ||
        !from_environment("SLURM_ARRAY_TASK_COUNT", &n))
        return false;
    (void)from_environment("SLURM_ARRAY_TASK_STEP", &step);
    if (step == 0 || id < first || (id - first) % step != 0 || (id - first) / step >= n)
        return false;
    *shard = (struct sweep_shard){(id - first) / step + 1, n};
    return true;
}

/* Where the array is, which part of `of` this is: Slurm's ids from their least, Kubernetes' from 0.
 */
static bool place_of(uint64_t *i)
{
    struct sweep_shard slurm;

    if (slurm_shard(&slurm))
        *i = slurm.i;
    else if (from_environment("JOB_COMPLETION_INDEX", i))
        ++*i;
    else
        return false;
    return true;
}

static enum status read_shard(struct sweep_shard *shard, const struct cli_args *args,
                              struct diag *d)
{
    const char *text = cli_value(args, "shard"), *slash = text ? strchr(text, '/') : NULL;

    *shard = (struct sweep_shard){1, 1};
    if (!text && slurm_shard(shard)) {
        fprintf(stderr, "headroom: shard %" PRIu64 "/%" PRIu64 ", by SLURM_ARRAY_TASK_ID\n",
                shard->i, shard->of);
        return ST_OK;
    }
    if (!text && getenv("JOB_COMPLETION_INDEX"))
        return diag_fail(d, ST_INPUT,
                         "JOB_COMPLETION_INDEX is set: --shard auto/N says of how "
                         "many, --shard 1/1 runs all");
    if (!text)
        return ST_OK;
    bool ok = slash && text_uint64(slash + 1, strlen(slash + 1), &shard->of) == TEXT_OK;
    bool from_array = ok && slash - text == 4 && memcmp(text, "auto", 4) == 0;
    if (from_array && !place_of(&shard->i))
        return diag_fail(d, ST_INPUT,
                         "--shard %s: neither SLURM_ARRAY_TASK_ID (with _MIN and _COUNT) nor "
                         "JOB_COMPLETION_INDEX is set",
                         text);
    if (!from_array)
        ok = ok && text_uint64(text, (size_t)(slash - text), &shard->i) == TEXT_OK;
    if (from_array && shard->i > shard->of)
        return diag_fail(d, ST_INPUT, "--shard %s: this is task %" PRIu64 " of the array", text,
                         shard->i);
    if (!ok || shard->i < 1 || shard->i > shard->of || shard->of > SWEEP_MAX_RUNS)
        return diag_fail(d, ST_INPUT,
                         "option '--shard' must be I/N with I from 1 to N, or auto/N, not '%s'",
                         text);
    return ST_OK;
}

static enum status check_plot(const struct sweep_definition *def, const struct cli_args *args,
                              struct diag *d)
{
    if (!cli_flag(args, "plot"))
        return ST_OK;
    if (cli_flag(args, "quiet"))
        return diag_fail(d, ST_INPUT, "option '--plot' does not go with --quiet");
    if (def->n_keys < 2)
        return diag_fail(d, ST_INPUT, "option '--plot' needs two figures: another of --keys");
    return ST_OK;
}

/* ---- the end ---- */

static void add_extremes(struct table *t, const char *what, const struct sweep_extremes *e,
                         bool high_is_good)
{
    if (!e->known)
        return;
    double best = high_is_good ? e->high : e->low, worst = high_is_good ? e->low : e->high;
    uint64_t best_at = high_is_good ? e->high_at : e->low_at,
             worst_at = high_is_good ? e->low_at : e->high_at;
    table_add(t, what);
    table_printf(t, "%.4g (variant %" PRIu64 ")", best, best_at);
    table_printf(t, "%.4g (variant %" PRIu64 ")", worst, worst_at);
}

static enum status print_outcome(const struct sweep_outcome *o, const struct sweep *sweep,
                                 struct arena *arena, struct diag *d)
{
    const struct sweep_shard *shard = &sweep->definition->shard;
    char n[TEXT_FIGURE_SIZE], failed[TEXT_FIGURE_SIZE];
    struct table t;

    printf("%s runs", text_grouped(n, o->n_rows));
    if (shard->of > 1)
        printf(" (shard %" PRIu64 "/%" PRIu64 ")", shard->i, shard->of);
    if (o->n_failed) {
        printf(", %s failed; the first: ", text_grouped(failed, o->n_failed));
        terminal_text(stdout, o->first_message);
    }
    printf("\n");
    if (o->attainment.known || o->gpu_hours.known)
        printf("\n");
    table_init(&t, arena, 3);
    t.right[1] = t.right[2] = true;
    table_add(&t, sweep->n_runs > sweep->n_variants ? "mean of a variant" : "of a variant");
    table_add(&t, "best");
    table_add(&t, "worst");
    add_extremes(&t, "attainment", &o->attainment, true);
    add_extremes(&t, "GPU-hours", &o->gpu_hours, false);
    if (!(o->attainment.known || o->gpu_hours.known))
        t.n_cells = 0;
    if (!table_print(&t, stdout))
        return diag_nomem(d, "table");
    return ST_OK;
}

static enum status finish(const struct sweep *sweep, struct journal *journal, const char *dir,
                          bool plotted, const struct cli_args *args, struct diag *d)
{
    struct sweep_outcome outcome;

    enum status s = sweep_write(&outcome, args->arena, sweep, journal, dir, d);
    if (!s)
        s = report_make(dir, d);
    if (s)
        return s;
    /* Of a shard that says nothing about the others; merging them will tell. */
    if (sweep->definition->shard.of == 1 && outcome.n_failed == outcome.n_rows)
        return diag_fail(
            d, ST_INPUT, "%s%" PRIu64 " runs failed (results are in '%s'); the first: %s",
            outcome.n_rows > 1 ? "all " : "", outcome.n_rows, dir, outcome.first_message);
    if (cli_flag(args, "quiet"))
        return ST_OK;
    s = print_outcome(&outcome, sweep, args->arena, d);
    if (!s && plotted) {
        const struct terminal terminal = cli_terminal(args);
        s = sweep_plot(dir, &terminal, args->arena, d);
    }
    if (s)
        return s;
    cli_print_folder(dir);
    puts("  results.csv, results.h5, report.html, study.json, runs.journal");
    return ST_OK;
}

/* ---- runs ---- */

static void show_progress(void *context, uint64_t n_done, uint64_t n)
{
    progress_runs(context, (size_t)n_done, (size_t)n);
}

/* Of all runs, by the first when everything is loaded; 0 when it cannot be run. */
static double estimate_s(const struct sweep *sweep, const struct sweep_running *running,
                         struct arena *arena)
{
    const struct sweep_definition *def = sweep->definition;
    struct study_variant variant;
    int64_t start_ns = 0;
    const struct study_row *rows;
    struct diag ignored;

    diag_init(&ignored);
    if (sweep_variant(&variant, sweep, sweep_own(sweep, 0), arena, &ignored))
        return 0;
    const struct study_options one = {.source = running->source,
                                      .n_variants = 1,
                                      .variants = &variant,
                                      .n_keys = def->n_keys,
                                      .keys = def->keys,
                                      .resources = running->resources,
                                      .n_threads = 1};
    for (int time = 0; time < 2; time++) {
        start_ns = progress_clock_ns();
        if (study_run(&rows, arena, &one, &ignored) || rows[0].status)
            return 0;
    }
    return s_from_ns(progress_clock_ns() - start_ns) * (double)sweep_n_own(sweep) /
           (double)running->n_threads;
}

static enum status check_number(const struct sweep *sweep, const struct sweep_running *running,
                                const struct cli_args *args, struct diag *d)
{
    enum { WITHOUT_ASKING = 10000 };
    char n[TEXT_FIGURE_SIZE], time[TEXT_FIGURE_SIZE];

    if (sweep_n_own(sweep) <= WITHOUT_ASKING || cli_flag(args, "yes"))
        return ST_OK;
    double s = estimate_s(sweep, running, args->arena);
    if (!(s > 0))
        return diag_fail(d, ST_INPUT, "%s runs; --yes if that is meant",
                         text_grouped(n, sweep_n_own(sweep)));
    return diag_fail(d, ST_INPUT, "%s runs, about %s on %zu thread%s; --yes if that is meant",
                     text_grouped(n, sweep_n_own(sweep)), text_duration(time, s),
                     running->n_threads, running->n_threads > 1 ? "s" : "");
}

/* Rows are kept whatever happens. */
static void say_how_to_go_on(enum status s, const struct sweep *sweep,
                             const struct journal *journal, const struct diag *d)
{
    if (s == ST_CANCELLED)
        fprintf(stderr, "headroom: %s by %s", d->text, interrupt_name());
    else
        fputs("headroom: not finished", stderr);
    fprintf(stderr,
            "; %" PRIu64 " of %" PRIu64 " runs are kept, and the same command with "
            "--resume goes on\n",
            journal_n_done(journal), sweep_n_own(sweep));
}

static enum status execute(const struct sweep *sweep, struct sweep_running *running,
                           const struct ranks *ranks, const struct cli_args *args, struct diag *d)
{
    const char *dir = cli_value(args, "out");
    struct journal *journal = NULL;
    struct progress progress;
    enum status s = ST_OK;

    if (ranks->rank == 0) {
        s = check_number(sweep, running, args, d);
        if (!s)
            s = sweep_open(&journal, sweep, dir, cli_flag(args, "resume"), d);
    }
    s = ranks_agree(ranks, s, d);
    if (s)
        return s;
    running->cancel = interrupt_begin();
    running->progress = show_progress;
    running->context = &progress;
    progress_init(&progress, ranks->rank == 0 && !cli_flag(args, "quiet"));
    progress.n_before = journal ? (size_t)journal_n_done(journal) : 0;
    s = ranks_execute(ranks, sweep, journal, running, d);
    progress_end(&progress);
    if (!s && ranks->rank == 0)
        s = finish(sweep, journal, dir, cli_flag(args, "plot"), args, d);
    if (s && s != ST_INPUT)
        say_how_to_go_on(s, sweep, journal, d);
    journal_close(journal);
    return s;
}

/* ---- the verbs ---- */

static enum status need_out(const struct cli_args *args, struct diag *d)
{
    const char *out = cli_value(args, "out");

    if (!out)
        return diag_fail(d, ST_INPUT, "'%s' needs --out DIR (headroom %s --help)", args->verb,
                         args->verb);
    return *out ? ST_OK
                : diag_fail(d, ST_INPUT, "option '--out' must be the path of a folder, not ''");
}

static enum status plan(struct sweep *sweep, struct sweep_definition *def,
                        struct sweep_running *running, const struct cli_args *args, struct diag *d)
{
    struct scenario *scenario;

    enum status s = need_out(args, d);
    if (!s)
        s = read_lists(def, args, d);
    if (!s)
        s = read_counts(def, args, d);
    if (!s)
        s = read_shard(&def->shard, args, d);
    if (!s)
        s = cli_jobs(args, &running->n_threads, d);
    if (!s)
        s = cli_load_scenario(&scenario, &def->source, args, d);
    for (size_t i = 0; i < def->n_vary && !s; i++)
        s = cli_check_vary(scenario, def->vary[i], args, d);
    if (!s)
        s = check_set(def, d);
    if (!s)
        s = sweep_define(def, args->arena, scenario, running->resources, d);
    if (!s)
        s = check_plot(def, args, d);
    return s ? s : sweep_plan(sweep, args->arena, def, d);
}

enum status sweep_run(const struct cli_args *args, struct diag *d)
{
    struct sweep_definition def = {.version = HEADROOM_VERSION};
    struct sweep_running running = {.source = &def.source};
    struct profile_search search;
    struct ranks ranks;
    struct sweep sweep;

    ranks_begin(&ranks);
    enum status s = cli_profile_search(&search, args->arena, d);
    if (!s)
        s = run_resources_create(&running.resources, &search, d);
    if (!s)
        s = plan(&sweep, &def, &running, args, d);
    if (!s && ranks.n > 1 && cli_value(args, "jobs"))
        s = diag_fail(d, ST_INPUT, "option '--jobs' does not go with MPI: each rank is one");
    enum status own = s;
    s = ranks_agree(&ranks, own, d);
    BUG_IF(own && !s);
    if (!s)
        s = execute(&sweep, &running, &ranks, args, d);
    run_resources_free(running.resources);
    ranks_end();
    return s;
}

static enum status merge_run(const struct cli_args *args, struct diag *d)
{
    const char *dir = cli_value(args, "out");
    struct journal *journal;
    struct sweep sweep;

    enum status s = need_out(args, d);
    if (!s)
        s = sweep_merge(&sweep, &journal, args->arena, args->words, args->n_words, dir, d);
    else
        return s;
    if (!s)
        s = finish(&sweep, journal, dir, false, args, d);
    journal_close(journal);
    return s;
}

const struct cli_verb sweep_verbs[] = {
    {.name = "merge",
     .words = "DIR ...",
     .min_words = 1,
     .max_words = SWEEP_MAX_RUNS,
     .summary = "put the shards of a sweep together",
     .details = "The folders are the --out of 'headroom sweep --shard I/N'. Each run has to be in "
                "one of them, and they of the same sweep; the results are those of the sweep in "
                "one piece.",
     .options = merge_options,
     .run = merge_run},
    {.name = NULL},
};
