#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "calibration/calibrate.h"
#include "cli/cli.h"
#include "cli/interrupt.h"
#include "cli/out_dir.h"
#include "cli/table.h"

const struct cli_option calibrate_options[] = {
    {"measured", 'm', "FILE", "what was measured; may be repeated"},
    {"out", 'o', "OVERLAY", "write the scenario overlay there"},
    {"concurrency", '\0', "N", "requests in flight, of an AIPerf file, which does not say"},
    {"set", 's', "PATH=VALUE",
     "a key of the engine that was measured, e.g. engine.max_num_seqs=128; an overhead set so is "
     "not fitted; may be repeated"},
    {"jobs", 'j', "N", "so many runs at a time (default: one a core)"},
    {"force", '\0', NULL, "replace OVERLAY"},
    CLI_QUIET,
    {.name = NULL},
};

/* ---- what is measured ---- */

static enum status read_measured(struct measured *measured, const struct cli_args *args,
                                 struct diag *d)
{
    struct measured_options options = {0};
    long long clients;

    enum status s = cli_integer(args, "concurrency", 1, MEASURED_MAX_REQUESTS, 0, &clients, d);
    options.clients = clients;
    if (!s && cli_n_given(args, "measured") == 0)
        s = diag_fail(d, ST_INPUT, "'calibrate' needs --measured FILE (headroom calibrate --help)");
    for (size_t i = 0; i < args->n_given && !s; i++) {
        if (strcmp(args->given[i].option->name, "measured") == 0)
            s = measured_read(measured, args->arena, args->given[i].value, &options, d);
    }
    if (s || !clients)
        return s;
    size_t n_records = 0;
    for (size_t i = 0; i < measured->n_files; i++)
        n_records += measured->file[i].format == measured_aiperf.name;
    if (n_records != 1)
        return diag_fail(d, ST_INPUT,
                         "option '--concurrency' is of one AIPerf file, and there %s %zu",
                         n_records == 1 ? "is" : "are", n_records);
    return ST_OK;
}

/* ---- the report ---- */

static void add_percent(struct table *t, bool with_sign, double error)
{
    if (isnan(error))
        table_add(t, NULL);
    else
        table_printf(t, with_sign ? "%+.1f %%" : "%.1f %%", 100 * error);
}

static void add_ms(struct table *t, double ms)
{
    if (isnan(ms))
        table_add(t, NULL);
    else
        table_printf(t, "%.2f", ms);
}

static double of(bool ttft, struct calibration_errors e)
{
    return ttft ? e.ttft : e.tpot;
}

static double ms_of(bool ttft, struct point_figures f)
{
    return ttft ? f.ttft_ms : f.tpot_ms;
}

static enum status print_points(const struct calibration *c, bool ttft, struct arena *arena,
                                struct diag *d)
{
    static const char *const head[] = {"",       "ISL",    "OSL",    "measured", "before",
                                       "fitted", "before", "fitted", "held out"};
    enum { COLUMNS = sizeof head / sizeof *head };
    struct table t;

    table_init(&t, arena, COLUMNS);
    table_add(&t, ttft ? "TTFT, ms" : "TPOT, ms");
    for (size_t i = 1; i < COLUMNS; i++) {
        t.right[i] = true;
        table_add(&t, head[i]);
    }
    for (size_t i = 0; i < c->n_points; i++) {
        const struct calibration_point *p = &c->point[i];
        char load[CALIBRATION_LOAD_SIZE];
        table_add(&t, calibration_load(load, p->measured));
        table_printf(&t, "%.0f", p->measured->mean_isl_tok);
        table_printf(&t, "%.0f", p->measured->mean_osl_tok);
        add_ms(&t, ttft ? p->measured->ttft_ms : p->measured->tpot_ms);
        add_ms(&t, ms_of(ttft, p->before));
        add_ms(&t, ms_of(ttft, p->after));
        for (int stage = CALIBRATION_BEFORE; stage <= CALIBRATION_HELD_OUT; stage++)
            add_percent(&t, true,
                        of(ttft, calibration_point_errors(p, (enum calibration_stage)stage)));
    }
    table_add(&t, "mean error");
    for (size_t i = 1; i < 6; i++)
        table_add(&t, " ");
    for (int stage = CALIBRATION_BEFORE; stage <= CALIBRATION_HELD_OUT; stage++)
        add_percent(&t, false, of(ttft, calibration_errors(c, (enum calibration_stage)stage)));
    bool printed = table_print(&t, stdout);
    puts("");
    return printed ? ST_OK : diag_nomem(d, "table");
}

static enum status print_params(const struct calibration *c, struct arena *arena, struct diag *d)
{
    static const char *const states[] = {[CALIBRATION_FITTED] = "fitted",
                                         [CALIBRATION_NOT_TOLD] = "kept",
                                         [CALIBRATION_SET] = "as set"};
    struct table t;

    table_init(&t, arena, 6);
    t.right[1] = t.right[2] = t.right[3] = true;
    table_add(&t, "engine key");
    table_add(&t, "start");
    table_add(&t, "value");
    table_add(&t, "+-");
    table_add(&t, "unit");
    table_add(&t, " ");
    for (size_t i = 0; i < c->n_params; i++) {
        const struct calibration_param *p = &c->param[i];
        table_add(&t, p->name);
        table_printf(&t, "%.4g", p->start);
        table_printf(&t, "%.4g", p->value);
        if (p->state == CALIBRATION_FITTED)
            table_printf(&t, "%.2g", p->deviation);
        else
            table_add(&t, NULL);
        table_add(&t, p->unit);
        table_add(&t, states[p->state]);
    }
    if (!table_print(&t, stdout))
        return diag_nomem(d, "table");
    puts("");
    return ST_OK;
}

static void print_notes(const struct calibration *c)
{
    for (size_t i = 0; i < c->measured->n_files; i++) {
        const struct measured_file *f = &c->measured->file[i];
        if (f->note)
            terminal_line(stdout, "note: %s: %s", f->path, f->note);
    }
    if (c->note)
        printf("note: %s\n", c->note);
    for (size_t i = 0; i < c->n_params; i++) {
        if (c->param[i].why)
            printf("note: %s\n", c->param[i].why);
    }
}

static enum status print_report(const struct calibration *c, struct arena *arena, struct diag *d)
{
    terminal_line(stdout, "%s   latency model %s, overheads %s   %zu measured point%s", c->profile,
                  c->latency_model, c->overheads, c->n_points, c->n_points == 1 ? "" : "s");
    puts("");
    enum status s = print_points(c, true, arena, d);
    if (!s)
        s = print_points(c, false, arena, d);
    if (!s)
        s = print_params(c, arena, d);
    if (s)
        return s;
    if (c->n_folds == 0)
        puts("held out: nothing, there is but one point");
    else if (c->n_folds == c->n_points)
        puts("held out: each point by a fit to the others");
    else
        printf("held out: every %zuth point by a fit to the others\n", c->n_folds);
    print_notes(c);
    return ST_OK;
}

/* ---- the overlay ---- */

/* Name and folder of --out. */
static enum status check_out(const char *path, bool force, struct diag *d)
{
    struct stat info;

    if (!path || !*path)
        return diag_fail(d, ST_INPUT,
                         "'calibrate' needs --out OVERLAY (headroom calibrate --help)");
    if (stat(path, &info) != 0)
        return ST_OK;
    if (S_ISDIR(info.st_mode))
        return diag_fail(d, ST_INPUT,
                         "option '--out' must be the path of a file, and '%s' is a folder", path);
    return force ? ST_OK
                 : diag_fail(d, ST_INPUT, "'%s' exists already; choose another, or --force", path);
}

struct overlay {
    const struct calibration *calibration;
    const char *profile;
};

static enum status write_overlay(void *context, FILE *out, struct diag *d)
{
    const struct overlay *o = context;

    (void)d;
    calibration_write_overlay(o->calibration, o->profile, HEADROOM_VERSION, out);
    return ST_OK;
}

static enum status put_overlay(const struct calibration *c, const struct cli_args *args,
                               struct diag *d)
{
    struct overlay overlay = {c, c->profile};
    char here[4096];

    /* A path would count from the overlay, which may be anywhere. */
    if (*c->profile != '/' && access(c->profile, F_OK) == 0 && getcwd(here, sizeof here))
        overlay.profile = arena_printf(args->arena, "%s/%s", here, c->profile);
    if (!overlay.profile)
        return diag_nomem(d, "overlay");
    return out_path_put(args, cli_value(args, "out"), true, write_overlay, &overlay, d);
}

/* ---- the verb ---- */

static enum status set_overrides(struct calibration_options *options, const struct cli_args *args,
                                 struct diag *d)
{
    struct scenario_override *overrides =
        ARENA_NEW(args->arena, args->n_given, struct scenario_override);

    options->overrides = overrides;
    for (size_t i = 0; i < args->n_given && overrides; i++) {
        const char *value = args->given[i].value;
        if (strcmp(args->given[i].option->name, "set") != 0)
            continue;
        struct scenario_override *o = &overrides[options->n_overrides++];
        *o = (struct scenario_override){arena_printf(args->arena, "--set %s", value), value};
        if (!o->label)
            return diag_nomem(d, "overrides");
    }
    return overrides ? ST_OK : diag_nomem(d, "overrides");
}

static enum status finish(const struct calibration *c, const struct cli_args *args, struct diag *d)
{
    enum status s = put_overlay(c, args, d);

    if (s || cli_flag(args, "quiet"))
        return s;
    s = print_report(c, args->arena, d);
    if (s)
        return s;
    puts("");
    terminal_line(stdout, "Overlay: %s (headroom run SCENARIO --overlay %s)",
                  cli_value(args, "out"), cli_value(args, "out"));
    return ST_OK;
}

enum status calibrate_run(const struct cli_args *args, struct diag *d)
{
    struct measured *measured = ARENA_NEW(args->arena, 1, struct measured);
    struct calibration_options options = {.profile = args->words[0]};
    struct calibration calibration;
    struct profile_search search;

    enum status s = measured ? ST_OK : diag_nomem(d, "measured points");
    if (!s)
        s = check_out(cli_value(args, "out"), cli_flag(args, "force"), d);
    if (!s)
        s = cli_jobs(args, &options.n_threads, d);
    if (!s)
        s = read_measured(measured, args, d);
    if (!s)
        s = set_overrides(&options, args, d);
    if (!s)
        s = cli_preset_dirs(&options.preset_dirs, args->arena, d);
    if (!s)
        s = cli_profile_search(&search, args->arena, d);
    if (!s)
        s = run_resources_create(&options.resources, &search, d);
    if (s)
        return s;
    options.cancel = interrupt_begin();
    s = calibrate(&calibration, args->arena, measured, &options, d);
    run_resources_free(options.resources);
    if (s == ST_CANCELLED)
        fprintf(stderr, "headroom: %s by %s\n", d->text, interrupt_name());
    return s ? s : finish(&calibration, args, d);
}
